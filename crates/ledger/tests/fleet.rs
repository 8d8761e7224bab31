//! Fleet files, custody and groups.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

use proptest::prelude::*;
use standstill_ledger::fleet::{FleetError, MAX_GROUP_DEVICES, key_hash};
use standstill_ledger::{ChipTable, Custody, Device, Fleet, LedgerError};
use standstill_statement::Name;
use std::collections::BTreeSet;

const TOML: &str = r#"
[[device]]
key = "GPU-2"
model = "h100-sxm5"
site = "north"
area = "row-1"
domain = "pod-1"
custody = [{ from_window = 0, state = "spare" }, { from_window = 4, state = "in_service" }]

[[device]]
key = "node7/0"
model = "l4"
site = "north"
area = "row-1"
domain = "pod-1"
"#;

fn line_of(error: FleetError) -> usize {
    match error {
        FleetError::Line { line, .. } => line,
        other => panic!("no line: {other}"),
    }
}

#[test]
fn toml_and_csv_give_the_same_fleet() {
    let fleet = Fleet::parse_toml(TOML).unwrap();
    assert_eq!(fleet.devices()[0].key, "GPU-2");
    assert_eq!(Fleet::parse_csv(&fleet.to_csv()).unwrap(), fleet);
    assert_eq!(fleet.to_csv().lines().nth(1), Some("GPU-2,h100-sxm5,north,row-1,pod-1,0:spare;4:in_service"));
}

#[test]
fn custody_holds_from_its_window_on() {
    let fleet = Fleet::parse_toml(TOML).unwrap();
    let device = fleet.get("GPU-2").unwrap();
    assert_eq!(
        [0, 3, 4, u64::MAX].map(|window| device.custody_at(window)),
        [Custody::Spare, Custody::Spare, Custody::InService, Custody::InService]
    );
    assert_eq!(fleet.get("node7/0").unwrap().custody_at(0), Custody::InService);
}

#[test]
fn toml_errors_name_the_line() {
    assert_eq!(line_of(Fleet::parse_toml(&TOML.replace("\"spare\"", "\"lost\"")).unwrap_err()), 8);
    assert_eq!(line_of(Fleet::parse_toml(&TOML.replace("model = \"l4\"", "modle = \"l4\"")).unwrap_err()), 12);
    assert_eq!(line_of(Fleet::parse_toml(&TOML.replace("model = \"l4\"", "model = \"L 4\"")).unwrap_err()), 12);
    assert_eq!(line_of(Fleet::parse_toml(&TOML.replace("node7/0", "GPU-2")).unwrap_err()), 10, "the second GPU-2");
    assert_eq!(line_of(Fleet::parse_toml(&TOML.replace("from_window = 4", "from_window = 0")).unwrap_err()), 2);
}

#[test]
fn csv_errors_name_the_line() {
    let csv = "key,model,site,area,domain,custody\nGPU-a,h100-sxm5,s,a,d,\nGPU-b,h100-sxm5,s,a,d,3:broken\n";
    assert!(Fleet::parse_csv(csv).is_ok());
    assert!(Fleet::parse_csv(&format!("\u{feff}{csv}").replace('\n', "\r\n")).is_ok(), "spreadsheet export");
    let line = |from: &str, to: &str| line_of(Fleet::parse_csv(&csv.replace(from, to)).unwrap_err());
    assert_eq!(line("key,model", "uuid,model"), 1);
    assert_eq!(line("3:broken", "3:lost"), 3);
    assert_eq!(line("3:broken", "broken"), 3);
    assert_eq!(line("GPU-b", "GPU-a"), 3);
    assert_eq!(line("GPU-b", ""), 3);
    assert_eq!(line("GPU-b,", "GPU-b,x,y,"), 3);
    assert_eq!(line("GPU-b,h100-sxm5", "GPU-b,H100"), 3);
}

#[test]
fn keys_cannot_smuggle_text_into_reports() {
    for key in ["", "GPU a", "GPU\u{e9}", "GPU-\"", "a;b", "x\u{7}", &"k".repeat(97)] {
        let fleet = Fleet::new(vec![device(key, 0, 0, 0)]);
        assert!(matches!(fleet, Err(FleetError::Device { .. })), "{key:?}");
    }
}

#[test]
fn a_decommissioned_device_stays_gone() {
    let back = TOML.replace("\"spare\"", "\"decommissioned\"");
    assert_eq!(line_of(Fleet::parse_toml(&back).unwrap_err()), 2);
}

#[test]
fn capacity_counts_what_is_held() {
    let table = ChipTable::builtin().unwrap();
    let csv = "key,model,site,area,domain,custody\na,h100-sxm5,s,a,d,\nb,h100-sxm5,s,a,d,3:decommissioned\n";
    let fleet = Fleet::parse_csv(csv).unwrap();
    assert_eq!(fleet.h100e_millionths(&table, 2).unwrap(), (2_000_000, 2_000_000));
    assert_eq!(fleet.h100e_millionths(&table, 3).unwrap(), (1_000_000, 1_000_000));
    let unknown = Fleet::parse_csv("key,model,site,area,domain\na,h9000,s,a,d\n").unwrap();
    assert!(matches!(unknown.models(&table), Err(LedgerError::ModelUnknown { .. })));
}

#[test]
fn key_hash_is_domain_separated() {
    assert_ne!(key_hash("GPU-1"), standstill_statement::Hash32::of(b"GPU-1"));
}

fn device(key: &str, model: u8, area: u8, domain: u8) -> Device {
    let name = |text: String| Name::new(&text).unwrap();
    Device {
        key: key.to_owned(),
        model: name(format!("m{model}")),
        site: name("s".to_owned()),
        area: name(format!("a{area}")),
        domain: name(format!("d{domain}")),
        custody: vec![],
    }
}

fn devices() -> impl Strategy<Value = Vec<Device>> {
    prop::collection::vec((0u8..3, 0u8..3, 0u8..4), 0..400).prop_map(|kinds| {
        let numbered = kinds.into_iter().enumerate();
        numbered.map(|(index, (model, area, domain))| device(&format!("GPU-{index}"), model, area, domain)).collect()
    })
}

proptest! {
    #[test]
    fn groups_partition_the_fleet(devices in devices(), max in 0usize..200) {
        let fleet = Fleet::new(devices.clone()).unwrap();
        let groups = fleet.groups(max);
        let mut seen = BTreeSet::new();
        for (position, group) in groups.iter().enumerate() {
            prop_assert_eq!(group.index as usize, position);
            prop_assert!((1..=max.clamp(1, MAX_GROUP_DEVICES)).contains(&group.device_indices.len()));
            for &index in &group.device_indices {
                let device = &fleet.devices()[index as usize];
                prop_assert_eq!((&device.site, &device.area, &device.model), (&group.site, &group.area, &group.model));
                prop_assert!(seen.insert(index));
            }
        }
        prop_assert_eq!(seen.len(), fleet.len());
        let mut shuffled = devices;
        shuffled.reverse();
        prop_assert_eq!(Fleet::new(shuffled).unwrap().groups(max), groups);
    }

    #[test]
    fn hostile_text_never_panics(text in "\\PC{0,300}") {
        let _ = Fleet::parse_csv(&text);
        let _ = Fleet::parse_toml(&text);
        let _ = Fleet::parse_csv(&format!("key,model,site,area,domain,custody\n{text}"));
    }
}

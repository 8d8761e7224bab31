use super::*;
use proptest::prelude::*;

fn chip(peak: u64) -> ChipModel {
    let table = ChipTable::builtin().unwrap();
    let mut chip = table.get(&Name::new("h100-sxm5").unwrap()).unwrap().clone();
    chip.peak_ops_per_second = [None; 8];
    chip.peak_ops_per_second[0] = Some(peak);
    chip
}

proptest! {
    /// `q` is the largest integer whose `p` keeps a full group's slack within 32 bits, and `p/q` never allows less than the peak.
    #[test]
    fn bound_is_tight_and_never_below_the_peak(peak in 1_000_000_000_000u64..100_000_000_000_000_000, window in 3600u64..200_000) {
        let p_of = |q: u64| (u128::from(q) * u128::from(peak)).div_ceil(u128::from(PETAOP));
        let fits = |q: u64| p_of(q) * u128::from(window) * 128 < 1 << 32;
        match ModelConstants::of(&chip(peak), window) {
            Ok(constants) => {
                let q = u64::from(constants.q);
                prop_assert_eq!(u128::from(constants.p), p_of(q));
                prop_assert!(fits(q));
                prop_assert!(constants.q == u32::MAX || !fits(q + 1));
                prop_assert!(u128::from(constants.p) * u128::from(PETAOP) >= u128::from(q) * u128::from(peak));
            }
            Err(_) => prop_assert!(!fits(1)),
        }
    }
}

#[test]
fn every_chip_of_the_table_has_constants_for_a_day_and_a_week() {
    let table = ChipTable::builtin().unwrap();
    for chip in table.chips() {
        assert!(ModelConstants::of(chip, 86_400).is_ok(), "{}", chip.id);
        assert!(ModelConstants::of(chip, 604_800).is_ok(), "{}", chip.id);
    }
}

#[test]
fn no_window_and_endless_windows_are_refused() {
    for window in [0, MAX_WINDOW_SECONDS + 1, u64::MAX] {
        assert!(matches!(
            ModelConstants::of(&chip(1_000_000_000_000_000), window),
            Err(SealError::WindowTooLong { .. })
        ));
    }
}

#[test]
fn totals_are_numbered_in_wire_order() {
    assert_eq!(Total::ALL.len(), Total::COUNT);
    for (index, total) in Total::ALL.into_iter().enumerate() {
        assert_eq!(total.index(), Some(index));
    }
    assert_eq!(Total::Petaops(Class::Idle).index(), None);
    assert!(Total::ALL.windows(2).all(|pair| pair[0] < pair[1]), "terms of a rule sort in wire order");
}

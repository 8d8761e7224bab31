use super::*;
use crate::adapter::civil_time::UtcOffset;
use crate::adapter::fault::TextLimits;
use crate::contract::{Grid, SourceContract};
use crate::{Dictionary, Meter};
use proptest::prelude::*;
use standstill_statement::Class;

const HEADER: &str =
    "JobIDRaw|JobID|State|Start|End|ElapsedRaw|ReqTRES|AllocTRES|NodeList|Comment|AdminComment|SubmitLine\n";

fn read(rows: &str) -> Result<Accounting, Fault> {
    parse_parsable(format!("{HEADER}{rows}").as_bytes(), &ParsableOptions::default())
}

fn row(id: &str, start: i64, end: i64, gpus: u64, nodes: &str, comment: &str) -> String {
    format!(
        "{id}|{id}|COMPLETED|{start}|{end}|{}|gres/gpu={gpus}|gres/gpu:h100={gpus},gres/gpu={gpus}|{nodes}|{comment}||\n",
        end - start
    )
}

fn eight_per_node(nodes: &[&str]) -> Placement {
    Placement::new(nodes.iter().flat_map(|n| (0..8).map(move |i| (*n, format!("{n}/{i}")))))
}

#[test]
fn steps_are_left_out() {
    let rows =
        row("1", 100, 200, 8, "n1", "") + &row("1.batch", 100, 200, 8, "n1", "") + &row("1.0", 100, 200, 8, "n1", "");
    let accounting = read(&rows).expect("rows");
    assert_eq!((accounting.jobs.len(), accounting.notes.steps), (1, 2));
    assert_eq!(accounting.accelerator_ms(0), 800_000);
}

#[test]
fn a_request_is_not_an_allocation() {
    let accounting = read("7|7|CANCELLED by 0|None|300|0|gres/gpu=8||None assigned||||\n").expect("rows");
    assert_eq!((accounting.accelerator_ms(1_000_000), accounting.notes.never_started), (0, 1));
}

#[test]
fn running_jobs_count_up_to_the_given_moment() {
    let accounting = read("7|7|RUNNING|100|Unknown|50|gres/gpu=8|gres/gpu=8|n1||||\n").expect("rows");
    assert_eq!(accounting.accelerator_ms(160_000), 480_000);
}

#[test]
fn requeued_jobs_have_several_allocations() {
    let rows = row("5", 100, 200, 8, "n1", "class=rl")
        + &row("5", 300, 350, 8, "n2", "class=rl")
        + &row("5", 300, 350, 8, "n2", "class=rl");
    let accounting = read(&rows).expect("rows");
    assert_eq!((accounting.jobs.len(), accounting.notes.duplicates), (2, 1));
    assert_eq!(accounting.accelerator_ms(0), 8 * 150_000);
    let overlapping = row("5", 100, 200, 8, "n1", "") + &row("5", 150, 250, 8, "n2", "");
    assert!(read(&overlapping).is_err());
}

#[test]
fn array_and_heterogeneous_parts_keep_both_names() {
    let rows = "8|6_0|COMPLETED|10|20|10||gres/gpu=2|n1|class=inference||\n13|12+1|COMPLETED|10|20|10||gres/gpu=2|n1|class=other||\n";
    let map = read(rows).expect("rows").job_map().expect("map");
    assert_eq!(map.get("8"), map.get("6_0"));
    assert_eq!(map.get("12+1").expect("part").class, Class::Other);
}

#[test]
fn delimiters_inside_a_submit_line() {
    let ok = "1|1|COMPLETED|10|20|10||gres/gpu=2|n1|||sbatch --comment=class=rl --wrap cat a | tee b\n";
    assert_eq!(read(ok).expect("last column").jobs[0].declared.as_ref().expect("class").class, Class::Posttraining);
    let bad = "JobIDRaw|SubmitLine|Start|End|AllocTRES\n1|a | b|10|20|gres/gpu=2\n";
    let fault = parse_parsable(bad.as_bytes(), &ParsableOptions::default()).expect_err("moved");
    assert!(fault.to_string().contains("SubmitLine last"), "{fault}");
}

#[test]
fn a_trailing_delimiter_is_no_column() {
    let text = "JobID|Start|End|AllocTRES|\n1|10|20|gres/gpu=2|\n";
    assert_eq!(parse_parsable(text.as_bytes(), &ParsableOptions::default()).expect("-p").accelerator_ms(0), 20_000);
}

#[test]
fn missing_columns_come_with_the_command() {
    let fault = parse_parsable(b"JobID|Start|End\n1|2|3\n", &ParsableOptions::default()).expect_err("no TRES");
    assert!(fault.to_string().contains("AllocTRES") && fault.to_string().contains("sacct -a -X -D -P"), "{fault}");
    // Written with `-n`: the first job is taken for a header.
    assert!(parse_parsable(b"1|10|20|gres/gpu=2\n", &ParsableOptions::default()).is_err());
}

#[test]
fn calendar_times_need_their_offset() {
    let text = "JobID|Start|End|AllocTRES\n1|2026-11-20T20:29:13|2026-11-20T20:29:25|gres/gpu=2\n";
    let options = ParsableOptions { offset: UtcOffset::parse("+02:00").expect("offset"), ..ParsableOptions::default() };
    let job = &parse_parsable(text.as_bytes(), &options).expect("rows").jobs[0];
    assert_eq!(job.start_ms, Some(1_795_199_353_000));
    assert!(parse_parsable(b"JobID|Start|End|AllocTRES\n1|yesterday|20|gres/gpu=2\n", &options).is_err());
}

#[test]
fn a_changed_clock_is_remarked() {
    let accounting = read("1|1|COMPLETED|3600|7200|7200||gres/gpu=1|n1||||\n").expect("rows");
    assert!(accounting.notes.remarks.iter().any(|r| r.contains("ElapsedRaw")));
}

#[test]
fn devices_are_given_out_once() {
    let rows =
        row("1", 0, 0, 8, "n1", "") + &row("2", 100, 200, 12, "n[1-2]", "") + &row("3", 150, 300, 4, "n[1-2]", "");
    let accounting = read(&rows).expect("rows");
    let placement = eight_per_node(&["n1", "n2"]);
    let assignments = assign(&accounting, &placement, 0).expect("fits");
    let total: i64 = assignments.iter().flat_map(|(_, list)| list).map(|a| a.end_ms - a.start_ms).sum();
    assert_eq!(total, 12 * 100_000 + 4 * 150_000);
    assert!(assignments.iter().all(|(_, list)| list.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms)));
    let fault =
        assign(&read(&row("9", 100, 200, 9, "n1", "")).expect("rows"), &placement, 0).expect_err("nine of eight");
    assert!(fault.to_string().contains("more than are registered"), "{fault}");
    assert!(
        assign(&read(&row("9", 100, 200, 1, "n7", "")).expect("rows"), &placement, 0).is_err(),
        "unregistered node"
    );
}

#[test]
fn allocation_rows_tile_the_window() {
    let accounting = read(&(row("1", 100, 200, 1, "n1", "") + &row("2", 200, 300, 1, "n1", ""))).expect("rows");
    let placement = Placement::new([("n1", "n1/0"), ("n1", "n1/1")]);
    let assignments = assign(&accounting, &placement, 0).expect("fits");
    let (mut devices, mut jobs) = (Dictionary::devices(), Dictionary::jobs());
    let batch = allocation_batch(&assignments, &placement, (0, 1_000_000), &mut devices, &mut jobs).expect("batch");
    assert_eq!(batch.time_ms, [0, 100_000, 200_000, 300_000, 1_000_000, 0, 1_000_000]);
    let names: Vec<&str> = batch.job.as_ref().expect("jobs").iter().map(|j| jobs.name(*j)).collect();
    assert_eq!(names, ["", "", "1", "2", "", "", ""]);
}

#[test]
fn accounting_and_counters_are_reconciled() {
    let rows =
        row("1", 1000, 1100, 1, "n1", "") + &row("2", 1000, 1100, 1, "n1", "") + &row("3", 1000, 1010, 1, "n1", "");
    let accounting = read(&rows).expect("rows");
    let mut meter = Meter::new("test", SourceContract::dcgm(10_000), Grid { origin_ms: 0, slot_ms: 3_600_000 });
    let device = meter.devices.intern("GPU-1").expect("device");
    let job = |meter: &mut Meter, name: &str| meter.jobs.intern(name).expect("job");
    let (one, three, ghost) = (job(&mut meter, "1"), job(&mut meter, "3"), job(&mut meter, "99"));
    let times: Vec<i64> = (0..=20).map(|i| i * 10_000).collect();
    let held: Vec<u32> = times
        .iter()
        .map(|t| match t / 10_000 {
            0..=8 => one,
            9..=14 => three,
            _ => ghost,
        })
        .collect();
    let batch = crate::Batch {
        device: vec![device; times.len()],
        tensor_active: Some(vec![500_000; times.len()]),
        time_ms: times,
        job: Some(held),
        ..crate::Batch::default()
    };
    meter.push(&batch).expect("push");
    let found = reconcile(&accounting, &meter.finish().expect("partials"), 0, 10_000);
    assert_eq!(found.jobs_without_telemetry.keys().collect::<Vec<_>>(), ["2"]);
    assert_eq!(found.telemetry_without_job.get("99"), Some(&60_000));
    assert_eq!(found.seen_longer_than_held.get("3"), Some(&(60_000, 10_000)));
    assert!(!found.is_clean());
}

#[test]
fn sreport_rows_of_accounts_are_not_added() {
    let head = "Usage reported in TRES Minutes\nCluster|Account|Login|Proper Name|TRES Name|Used\n";
    let limits = TextLimits::default();
    assert_eq!(parse_sreport(head.as_bytes(), &limits), Ok(SreportTotal::NothingReported));
    let rows = format!(
        "{head}loop|root|||gres/gpu|90\nloop|pretrain|||gres/gpu|90\nloop|pretrain|u1|U|gres/gpu|60\nloop|pretrain|u2|U|gres/gpu|30\n"
    );
    assert_eq!(parse_sreport(rows.as_bytes(), &limits), Ok(SreportTotal::Minutes { total: 90, rows: 2 }));
    assert!(parse_sreport(head.replace("Minutes", "Hours").as_bytes(), &limits).is_err());
}

#[test]
fn later_json_layouts_are_read() {
    let text = r#"{"errors":[],"jobs":[{"job_id":9,"array":{"job_id":6,"task_id":{"set":true,"infinite":false,"number":1}},
        "time":{"start":100,"end":{"set":true,"infinite":false,"number":200},"elapsed":100},"nodes":"n1","state":{"current":["COMPLETED"]},
        "tres":{"allocated":[{"type":"gres","name":"gpu","count":4},{"type":"gres","name":"gpu:h100","count":4}]},
        "comment":{"job":"class=evaluation","administrator":""},"steps":[]}]}"#;
    let accounting = parse_json(text.as_bytes(), &TextLimits::default()).expect("json");
    assert_eq!(accounting.accelerator_ms(0), 400_000);
    assert_eq!(accounting.jobs[0].shown_id, "6_1");
    assert_eq!(accounting.jobs[0].declared.as_ref().expect("class").class, Class::Evaluation);
    assert!(parse_json(br#"{"errors":[{"error":"no db"}],"jobs":[]}"#, &TextLimits::default()).is_err());
}

proptest! {
    #[test]
    fn parsers_never_panic(text in "[A-Za-z0-9|=,/:\\[\\]\n.-]{0,200}") {
        let _ = parse_parsable(text.as_bytes(), &ParsableOptions::default());
        let _ = parse_json(text.as_bytes(), &TextLimits::default());
        let _ = parse_eagle(text.as_bytes(), UtcOffset::UTC, &TextLimits::default());
        let _ = parse_sreport(text.as_bytes(), &TextLimits::default());
        let _ = read(&text);
    }
}

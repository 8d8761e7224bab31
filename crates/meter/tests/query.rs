//! SQL over telemetry: the aggregates give the meter's own bits, for any partitioning; questions only; exact refusals.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers outside #[test] functions

mod real_data;

use standstill_ledger::Fleet;
use standstill_meter::adapter::columns::Overrides;
use standstill_meter::adapter::csv::CsvInput;
use standstill_meter::adapter::parquet::ParquetInput;
use standstill_meter::adapter::sacct::{ParsableOptions, parse_parsable};
use standstill_meter::bench::{START_MS, device_key, generate, model_of};
use standstill_meter::engine::{Rules, RunOptions, run};
use standstill_meter::query::{Answer, QueryError, QueryOptions, Session, TableFiles};
use standstill_meter::{Grid, Partials, SourceContract};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const HOUR_MS: u64 = 3_600_000;

fn rules() -> Rules {
    Rules { contract: SourceContract::dcgm(10_000), grid: Grid { origin_ms: START_MS, slot_ms: HOUR_MS } }
}

fn options(partitions: usize) -> QueryOptions {
    QueryOptions { partitions, most_rows: 100_000, ..QueryOptions::new(rules()) }
}

fn session_with(options: &QueryOptions, paths: &[PathBuf]) -> Session {
    let session = Session::new(options).unwrap();
    session.add_files(&[TableFiles { name: "day".to_owned(), paths: paths.to_vec() }]).unwrap();
    session
}

fn ask(partitions: usize, paths: &[PathBuf], sql: &str) -> Answer {
    session_with(&options(partitions), paths).ask(sql).unwrap()
}

fn refusal(sql: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = write_csv(folder.path(), "day.csv", "uuid,timestamp,tensor_active\nGPU-a,1780272000000,0.5\n");
    session_with(&options(2), &[path]).ask(sql).unwrap_err().to_string()
}

fn write_csv(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn metered_parquet(paths: &[PathBuf]) -> Partials {
    run(&ParquetInput::open(paths, Overrides::new()).unwrap(), &rules(), &RunOptions::default()).unwrap()
}

fn metered_csv(path: &Path) -> Partials {
    run(&CsvInput::open(&[path.to_owned()], Overrides::new()).unwrap(), &rules(), &RunOptions::default()).unwrap()
}

/// Rows of an answer as text; NULL is '-'.
fn rows(answer: &Answer) -> Vec<Vec<String>> {
    let text = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".to_owned());
    answer.rows.iter().map(|row| row.iter().map(text).collect()).collect()
}

/// Evidence hash of every device, as the ledger's rows carry it.
fn evidence(partials: &Partials) -> Vec<Vec<String>> {
    let slots = partials.slot_range();
    partials.devices().map(|(key, _)| vec![key.to_owned(), partials.device_hash(key, &slots).to_string()]).collect()
}

const BY_DEVICE: &str = "SELECT UUID, metered(reading)['evidence'] AS evidence FROM day GROUP BY UUID ORDER BY UUID";

#[test]
fn every_device_has_the_evidence_hash_of_the_meter_for_any_partitioning() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = generate(folder.path(), 24, 5, &|_| ()).unwrap();
    let expected = evidence(&metered_parquet(&paths));
    assert_eq!(expected.len(), 24);
    for partitions in [1, 2, 3, 8] {
        assert_eq!(rows(&ask(partitions, &paths, BY_DEVICE)), expected, "{partitions} partitions");
    }
    // Files in another order, small batches that mix devices, and a join that scatters rows over partitions.
    paths.reverse();
    let scattered = "SELECT a.UUID, metered(a.reading)['evidence'] AS evidence FROM day a JOIN (SELECT DISTINCT timestamp FROM day) b \
                     ON a.timestamp = b.timestamp GROUP BY a.UUID ORDER BY a.UUID";
    assert_eq!(rows(&ask(4, &paths, scattered)), expected);
}

#[test]
fn groups_of_whole_devices_add_up_to_the_rollup() {
    let folder = tempfile::tempdir().unwrap();
    // Over 512 devices, so that there are two chip models.
    let paths = generate(folder.path(), 520, 2, &|_| ()).unwrap();
    let partials = metered_parquet(&paths);
    let mut expected: BTreeMap<&str, [u128; 4]> = BTreeMap::new();
    for ((_, _, model), sums) in partials.rollup(model_of).unwrap() {
        let own = expected.entry(model).or_default();
        let parts = [sums.covered_ms, sums.tensor_micro_ms, sums.dram_micro_ms, sums.power_microjoules];
        own.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
    }
    assert_eq!(expected.len(), 2);
    let expected: Vec<Vec<String>> = expected
        .into_iter()
        .map(|(model, sums)| std::iter::once(model.to_owned()).chain(sums.map(|sum| sum.to_string())).collect())
        .collect();
    let sql = "SELECT modelName, m['covered_ms'], m['tensor_micro_ms'], m['dram_micro_ms'], m['power_microjoules'] \
               FROM (SELECT modelName, metered(reading) AS m FROM day GROUP BY modelName) ORDER BY modelName";
    for partitions in [1, 3] {
        assert_eq!(rows(&ask(partitions, &paths, sql)), expected, "{partitions} partitions");
    }
    let whole = ask(2, &paths, "SELECT metered(reading)['evidence'] AS e, metered(reading)['devices'] AS d FROM day");
    assert_eq!(rows(&whole), [[partials.hash().to_string(), "520".to_owned()]]);
}

const CELLS: &str = "SELECT c['job'] AS job, c['slot'] AS slot, sum(c['covered_ms']), sum(c['tensor_micro_ms']), sum(c['power_microjoules']) \
                     FROM (SELECT unnest(metered_cells(reading)) AS c FROM day GROUP BY UUID) GROUP BY c['job'], c['slot']";

#[test]
fn cells_by_job_and_hour_equal_the_rollup() {
    let folder = tempfile::tempdir().unwrap();
    let paths = generate(folder.path(), 40, 6, &|_| ()).unwrap();
    let partials = metered_parquet(&paths);
    let mut expected: Vec<Vec<String>> = partials
        .rollup(|_| ())
        .unwrap()
        .into_iter()
        .map(|((job, slot, ()), sums)| {
            let hour = format!("2026-06-01T{slot:02}:00:00");
            let sums = [sums.covered_ms, sums.tensor_micro_ms, sums.power_microjoules];
            [job.to_owned(), hour].into_iter().chain(sums.map(|sum| sum.to_string())).collect()
        })
        .collect();
    expected.sort();
    for partitions in [1, 4] {
        let mut found = rows(&ask(partitions, &paths, CELLS));
        found.sort();
        assert_eq!(found, expected, "{partitions} partitions");
    }
}

/// Two devices with a gap, a duplicate, blanks, a counter that falls, labels that look like numbers, and jobs that change.
fn troubled() -> String {
    let mut text = "timestamp,UUID,hpc_job,tensor_active,power,energy,cycles_active,cycles_elapsed\n".to_owned();
    for (at, device) in (0..2_000i64).flat_map(|at| [(at, "GPU-a"), (at, "GPU-b")]) {
        if device == "GPU-a" && (700..900).contains(&at) {
            continue;
        }
        let time = START_MS + at * 10_000;
        let job = ["007", "7", ""][usize::try_from(at / 300 % 3).unwrap()];
        let tensor = if at % 11 == 0 { String::new() } else { format!("0.{:06}", at * 397 % 1_000_000) };
        let energy = if at < 1_500 { at * 5_000_000 + 123 } else { (at - 1_500) * 5_000_000 };
        writeln!(text, "{time},{device},{job},{tensor},500.5,{energy},{},{}", at * 1_000, at * 9_000).unwrap();
        if at % 500 == 3 {
            writeln!(text, "{time},{device},{job},{tensor},500.5,{energy},{},{}", at * 1_000, at * 9_000).unwrap();
        }
    }
    text
}

#[test]
fn gaps_resets_blanks_duplicates_and_labels_are_metered_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_csv(folder.path(), "day.csv", &troubled());
    let partials = metered_csv(&path);
    let paths = [path];
    assert_eq!(rows(&ask(1, &paths, BY_DEVICE)), evidence(&partials));
    assert_eq!(rows(&ask(5, &paths, BY_DEVICE)), evidence(&partials));
    let tally = partials.tally();
    let sql = "SELECT m['rows'], m['duplicates'], m['blanks'], m['energy_resets'], m['span_ms'], m['first_reading'] FROM \
               (SELECT metered(reading) AS m FROM day)";
    let expected = [tally.rows, tally.duplicates, tally.blanks, 2, 2 * 1_999 * 10_000].map(|count| count.to_string());
    let found = rows(&ask(3, &paths, sql));
    assert_eq!(found[0][..5], expected);
    assert_eq!(found[0][5], "2026-06-01T00:00:00");
    assert!(tally.duplicates == 8 && tally.blanks > 0);
    let jobs = ask(
        2,
        &paths,
        "SELECT DISTINCT c['job'] AS j FROM (SELECT unnest(metered_cells(reading)) AS c FROM day) ORDER BY j",
    );
    assert_eq!(rows(&jobs), [[""], ["007"], ["7"], ["-"]]);
}

#[test]
fn contradicting_readings_give_one_result_however_they_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let line = |value: u32| format!("GPU-a,{},0.{value}\n", START_MS + 10_000);
    let file = |name: &str, values: [u32; 2]| {
        let text =
            format!("uuid,timestamp,tensor_active\nGPU-a,{START_MS},0.1\n{}{}", line(values[0]), line(values[1]));
        write_csv(folder.path(), name, &text)
    };
    let sql = "SELECT m['conflicts'], m['tensor_micro_ms'] FROM (SELECT metered(reading) AS m FROM day)";
    let first = rows(&ask(2, &[file("a.csv", [3, 7])], sql));
    assert_eq!(first, [["1", "3000000000"]]);
    assert_eq!(rows(&ask(2, &[file("b.csv", [7, 3])], sql)), first);
}

#[test]
fn a_group_that_cuts_devices_loses_the_stretches_at_the_cuts() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [write_csv(folder.path(), "day.csv", &troubled())];
    let sum = |sql: &str| -> u64 { rows(&ask(2, &paths, sql))[0][0].parse().unwrap() };
    let whole = sum("SELECT metered(reading)['covered_ms'] AS c FROM day");
    let cut = sum("SELECT sum(c) FROM (SELECT metered(reading)['covered_ms'] AS c FROM day GROUP BY hpc_job)");
    assert!(cut < whole, "{cut} of {whole}");
}

#[test]
fn little_memory_spills_to_the_same_bits_or_is_an_exact_error() {
    let folder = tempfile::tempdir().unwrap();
    let paths = generate(folder.path(), 64, 6, &|_| ()).unwrap();
    let expected = evidence(&metered_parquet(&paths));
    let spill = folder.path().join("spill");
    let with = |memory_bytes| QueryOptions { memory_bytes, spill_folder: Some(spill.clone()), ..options(2) };
    // Without disk it fails, so what follows does go to disk.
    let dry = QueryOptions { spill_bytes: 1, ..with(8 << 20) };
    let error = session_with(&dry, &paths).ask(BY_DEVICE).unwrap_err();
    assert!(matches!(error, QueryError::Memory(_)), "{error}");
    // 138,240 readings are 3.3 MB in integers, and as much again while they move.
    let answer = session_with(&with(8 << 20), &paths).ask(BY_DEVICE).unwrap();
    assert_eq!(rows(&answer), expected);
    let error = session_with(&with(64 << 10), &paths).ask(BY_DEVICE).unwrap_err();
    assert!(matches!(error, QueryError::Memory(_)), "{error}");
    assert!(error.to_string().contains("--memory-mb"), "{error}");
    let left = std::fs::read_dir(&spill).map(|entries| entries.count()).unwrap_or(0);
    assert_eq!(left, 0, "files are left in the spill folder");
}

#[test]
fn only_questions_are_answered() {
    for sql in [
        "CREATE TABLE x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "COPY (SELECT 1) TO 'x.csv'",
        "INSERT INTO day SELECT * FROM day",
        "DROP TABLE day",
        "SET datafusion.execution.batch_size = 1",
        "SELECT 1; SELECT 2",
    ] {
        let error = refusal(sql);
        assert!(error.starts_with("the question is refused: "), "{sql}: {error}");
    }
    assert!(refusal("SELECT * FROM '/etc/passwd'").contains("not found"));
    assert!(refusal("SELECT * FROM nights").contains("nights"));
    assert!(refusal(&"x".repeat(1 << 20)).contains("1048576 bytes"));
    // Deep questions are answered or refused, never a broken stack.
    let error = refusal(&format!("SELECT {}1{} FROM nights", "(".repeat(9_000), ")".repeat(9_000)));
    assert!(error.contains("RecursionLimitExceeded"), "{error}");
    assert!(refusal(&format!("SELECT {}1 FROM nights", "1 + ".repeat(9_000))).contains("nights"));
}

#[test]
fn refusals_name_what_to_write() {
    for (sql, words) in [
        ("SELECT metered(uuid) FROM day", "metered takes one struct"),
        ("SELECT metered(reading, 1) FROM day", "metered takes one struct"),
        ("SELECT metered(named_struct('device', uuid)) FROM day", "needs the field 'time'"),
        (
            "SELECT metered(named_struct('device', uuid, 'time', timestamp, 'fan', 1)) FROM day",
            "a reading has no field 'fan'; its fields are device, time, job, tensor_active",
        ),
        ("SELECT metered(DISTINCT reading), count(*) FROM day", "leave DISTINCT out"),
        (
            "SELECT metered(named_struct('device', uuid, 'time', timestamp, 'tensor_active', 45.5)) FROM day",
            "activity 45.5 of device GPU-a is outside 0..1",
        ),
        (
            "SELECT metered(named_struct('device', uuid, 'time', timestamp / 1000, 'tensor_active', 0.5)) FROM day",
            "1780272000, which is 1970 to 1973 in milliseconds",
        ),
        (
            "SELECT metered(named_struct('device', uuid, 'time', 'noon', 'tensor_active', 0.5)) FROM day",
            "column 'time' has type Utf8",
        ),
    ] {
        let error = refusal(sql);
        assert!(error.contains(words), "{sql}: {error}");
    }
}

#[test]
fn times_in_any_unit_and_outer_joins_without_a_reading() {
    let folder = tempfile::tempdir().unwrap();
    let readings = "uuid,timestamp,tensor_active\nGPU-a,1780272000000,0.5\nGPU-a,1780272010000,0.5\n";
    let path = write_csv(folder.path(), "day.csv", readings);
    let fleet = Fleet::parse_csv("key,model,site,area,domain\nGPU-a,h100-sxm,s,a,d\nGPU-b,h100-sxm,s,a,d\n").unwrap();
    let session = session_with(&options(2), &[path]);
    session.add_fleet(&fleet, 0).unwrap();
    for time in [
        "timestamp",
        "to_timestamp_millis(timestamp)",
        "to_timestamp(timestamp / 1000)",
        "to_timestamp_micros(timestamp * 1000)",
        "timestamp / 1000.0",
    ] {
        let reading = format!("named_struct('device', uuid, 'time', {time}, 'tensor_active', tensor_active)");
        let answer = session.ask(&format!("SELECT metered({reading})['tensor_micro_ms'] AS t FROM day")).unwrap();
        assert_eq!(rows(&answer), [["5000000000"]], "{time}");
    }
    let joined = "SELECT f.device, metered(d.reading)['rows'] AS r FROM fleet f LEFT JOIN day d ON f.device = d.uuid \
                  GROUP BY f.device ORDER BY f.device";
    assert_eq!(rows(&session.ask(joined).unwrap()), [["GPU-a", "2"], ["GPU-b", "0"]]);
}

#[test]
fn devices_in_telemetry_that_are_not_in_the_fleet() {
    let folder = tempfile::tempdir().unwrap();
    let paths = generate(folder.path(), 6, 1, &|_| ()).unwrap();
    let registered: Vec<String> = (0..5).map(device_key).collect();
    let mut text = "key,model,site,area,domain\n".to_owned();
    registered.iter().for_each(|key| writeln!(text, "{key},h100-sxm,site,row-1,pod-1").unwrap());
    let session = session_with(&options(2), &paths);
    session.add_fleet(&Fleet::parse_csv(&text).unwrap(), 0).unwrap();
    // The first example of docs/metering.md.
    let sql = "SELECT d.UUID AS device, min(d.timestamp) AS first, metered(d.reading)['tensor_micro_ms'] AS tensor_micro_ms \
               FROM day d LEFT ANTI JOIN fleet f ON d.UUID = f.device GROUP BY d.UUID ORDER BY device";
    let answer = session.ask(sql).unwrap();
    assert_eq!(answer.rows.len(), 1);
    assert_eq!(answer.column("device").unwrap(), [Some(device_key(5).as_str())]);
    assert_eq!(answer.column("first").unwrap(), [Some("2026-06-01T00:00:00")]);
}

#[test]
fn work_on_a_device_while_accounting_knows_no_job() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "hostname,uuid,time_ms,hpc_job,tensor_active,power\n".to_owned();
    for at in 0..60 {
        let time = START_MS + at * 10_000;
        writeln!(text, "n1,GPU-a,{time},41,0.5,600\nn2,GPU-b,{time},42,0.25,500").unwrap();
    }
    let path = write_csv(folder.path(), "day.csv", &text);
    let (start, end) = (START_MS / 1_000 - 10, START_MS / 1_000 + 300);
    let sacct = format!(
        "JobIDRaw|State|Start|End|AllocTRES|NodeList|Comment\n41|COMPLETED|{start}|{}|gres/gpu=1|n1|class=inference\n\
         42|COMPLETED|{start}|{end}|gres/gpu=1|n2|class=inference\n",
        start + 700
    );
    let session = session_with(&options(3), &[path]);
    session.add_accounting(&parse_parsable(sacct.as_bytes(), &ParsableOptions::default()).unwrap()).unwrap();
    // The second example of docs/metering.md.
    let sql = "SELECT d.hostname AS node, d.uuid AS device, d.hpc_job AS job, metered(d.reading)['tensor_micro_ms'] AS tensor_micro_ms \
               FROM day d LEFT ANTI JOIN jobs j ON d.hostname = j.node AND d.hpc_job = j.job \
               AND to_timestamp_millis(d.time_ms) > j.\"start\" AND to_timestamp_millis(d.time_ms) <= j.\"end\" \
               WHERE d.tensor_active > 0 GROUP BY d.hostname, d.uuid, d.hpc_job";
    // 29 readings of n2 come after the end of its job; 28 stretches lie between them.
    assert_eq!(rows(&session.ask(sql).unwrap()), [["n2", "GPU-b", "42", "70000000000"]]);
}

#[test]
fn runs_times_samples_on_real_node_power() {
    let (Some(samples), Some(runs)) =
        (real_data::data("mlperf_power/samples.parquet"), real_data::data("mlperf_power/runs.csv"))
    else {
        return;
    };
    let rules = Rules { contract: SourceContract::power(10_000), ..rules() };
    let session = Session::new(&QueryOptions { rules, ..options(3) }).unwrap();
    let table = |name: &str, path| TableFiles { name: name.to_owned(), paths: vec![path] };
    session.add_files(&[table("samples", samples), table("runs", runs)]).unwrap();
    // The third example of docs/metering.md.
    let sql = "SELECT r.benchmark, m['devices'] AS nodes, m['rows'] AS readings, m['power_microjoules'] / 1000000000000 AS megajoules, \
               round(CAST(m['power_microjoules'] AS DOUBLE) / 1000 / m['covered_ms']) AS mean_watts, round(r.mean_w) AS published_watts \
               FROM (SELECT run_id, metered(reading) AS m FROM samples WHERE watts >= 0 GROUP BY run_id) s \
               JOIN runs r ON s.run_id = r.run_id WHERE r.benchmark = 'gpt3' AND m['devices'] = 64 ORDER BY readings";
    let answer = session.ask(sql).unwrap();
    let watts = |row: &[Option<String>], at: usize| row[at].as_ref().unwrap().parse::<f64>().unwrap();
    assert_eq!(answer.rows.len(), 2);
    for row in &answer.rows {
        let (mean, published) = (watts(row, 4), watts(row, 5));
        assert!((mean - published).abs() / published < 0.001, "{row:?}");
    }
    // A blank that the meter wrote as -1 is refused, not metered, when it is not left out.
    let error = session.ask("SELECT metered(reading) FROM samples").unwrap_err().to_string();
    assert!(error.contains("power -1 W of device"), "{error}");
}

#[test]
fn answers_are_limited_and_print_in_three_forms() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_csv(folder.path(), "x.csv", "n,t,b\n1,\"a,b\",true\n2,,false\n3,c,\n");
    let session = Session::new(&QueryOptions { most_rows: 2, ..options(1) }).unwrap();
    session.add_files(&TableFiles::of_words(&[path.display().to_string()]).unwrap()).unwrap();
    let answer = session.ask("SELECT n, t, b, n / 2.0 AS h, CAST(n AS DECIMAL(38,0)) AS w FROM x ORDER BY n").unwrap();
    assert!(answer.more && answer.rows.len() == 2);
    assert_eq!(answer.to_csv().unwrap(), "n,t,b,h,w\n1,\"a,b\",true,0.5,1\n2,,false,1.0,2\n");
    assert_eq!(
        answer.to_json(),
        serde_json::json!({ "columns": ["n", "t", "b", "h", "w"], "more": true, "rows": [
            { "n": 1, "t": "a,b", "b": true, "h": 0.5, "w": "1" }, { "n": 2, "t": null, "b": false, "h": 1.0, "w": "2" },
        ] })
    );
    let table = answer.to_table();
    assert!(table.starts_with("n  t    "), "{table}");
    assert!(table.contains("\n2  NULL"), "{table}");
    let all = session.ask("SELECT n FROM x WHERE n < 3").unwrap();
    assert!(!all.more && all.rows.len() == 2);
}

#[test]
fn files_that_are_no_table_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let add = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let tables = TableFiles::of_words(&words)?;
        Session::new(&options(1))?.add_files(&tables)
    };
    let text = |name: &str, text: &str| write_csv(folder.path(), name, text).display().to_string();
    let error = |words: &[&str]| add(words).unwrap_err().to_string();
    assert!(
        error(&[&text("a.txt", "x")])
            .contains("neither .parquet, .csv nor .tsv; export to Parquet; accounting goes to --jobs")
    );
    assert!(error(&[&text("a.parquet", "no parquet")]).starts_with("table a: "));
    assert!(error(&["/nowhere/b.csv"]).contains("table b: "));
    let mixed = [format!("t={}", text("c.csv", "x\n1\n")), format!("t={}", text("c.tsv", "x\n1\n"))];
    assert!(error(&[&mixed[0], &mixed[1]]).contains("is not .csv as the others are"));
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert!(error(&[&empty.display().to_string()]).contains("the folder holds no file"));
    // A folder is one table, and characters that are patterns elsewhere are not here.
    let odd = folder.path().join("a b[1]*");
    std::fs::create_dir(&odd).unwrap();
    write_csv(&odd, "1.csv", "x\n1\n");
    write_csv(&odd, "2.csv", "x\n2\n");
    let session = Session::new(&options(2)).unwrap();
    session.add_files(&TableFiles::of_words(&[odd.display().to_string()]).unwrap()).unwrap();
    assert_eq!(rows(&session.ask("SELECT sum(x) FROM a_b_1__").unwrap()), [["3"]]);
    let again = TableFiles { name: "a_b_1__".to_owned(), paths: vec![odd] };
    assert!(session.add_files(&[again]).unwrap_err().to_string().contains("one of that name already"));
}

/// A scheduler and an executor of this process, which the question reaches over TCP as plans, and whose stages exchange states as files.
#[cfg(feature = "ballista-standalone")]
#[test]
fn a_ballista_cluster_finds_the_same_evidence() {
    use standstill_meter::query::{Cluster, aggregates};
    let folder = tempfile::tempdir().unwrap();
    let paths = generate(folder.path(), 24, 4, &|_| ()).unwrap();
    let expected = evidence(&metered_parquet(&paths));
    let session = session_with(&QueryOptions { cluster: Some(Cluster::Standalone), ..options(4) }, &paths);
    assert_eq!(rows(&session.ask(BY_DEVICE).unwrap()), expected);
    let count =
        session.ask("SELECT count(*) AS n FROM day a JOIN day b ON a.UUID = b.UUID AND a.timestamp = b.timestamp");
    assert_eq!(rows(&count.unwrap()), [[(24 * 4 * 360).to_string()]]);
    let fleet = Fleet::parse_csv("key,model,site,area,domain\nGPU-a,h100-sxm,s,a,d\n").unwrap();
    let error = session.add_fleet(&fleet, 0).unwrap_err().to_string();
    assert!(error.contains("write it as CSV to the shared folder"), "{error}");
    // Machines under other rules do not know the name, so none meters under rules that were not asked for.
    let other = Rules { contract: SourceContract::dcgm(30_000), ..rules() };
    assert_ne!(aggregates(&rules())[0].name(), aggregates(&other)[0].name());
    assert_eq!(aggregates(&rules())[0].aliases(), ["metered"]);
    let away = QueryOptions { cluster: Some(Cluster::Scheduler("df://localhost:1".to_owned())), ..options(1) };
    let error = Session::new(&away).and_then(|session| session.ask("SELECT 1")).unwrap_err().to_string();
    assert!(error.starts_with("the scheduler does not answer: ") && error.contains("Connection refused"), "{error}");
    // The scheduler cut the question into stages that exchange states.
    let plan = session.ask(&format!("EXPLAIN {BY_DEVICE}")).unwrap().to_table();
    assert!(plan.contains("distributed_plan") && plan.matches("ShuffleWriterExec").count() >= 2, "{plan}");
}

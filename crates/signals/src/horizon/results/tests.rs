use super::*;
use proptest::prelude::*;

pub(crate) fn line(id: &str, task: &str, agent: &str, minutes: f64, success: u8) -> String {
    let family = task.split('/').next().unwrap();
    format!(
        "{{\"run_id\":\"{id}\",\"task_id\":\"{}\",\"task_family\":\"{family}\",\"alias\":\"{agent}\",\"human_minutes\":{minutes},\"score_binarized\":{success}}}\n",
        task.replace('/', "\\/")
    )
}

fn read(text: &str) -> Result<Results, HorizonError> {
    let mut results = Results::default();
    results.read_runs("runs.jsonl", text.as_bytes())?;
    Ok(results)
}

fn refused(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn both_schemas_are_read() {
    let early = r#"{"run_id":"a","task_id":"f\/t","score":0.5,"time_limit":1800,"started_at":1734070031112,"completed_at":1734071923976,"task_family":"f","alias":"A","model":"m","fatal_error_from":"usageLimits","human_minutes":556.6,"human_score":1.045,"human_source":"baseline","dollar_equivalent":null,"total_tokens":null,"score_binarized":0,"equal_task_weight":0.5,"invsqrt_task_weight":0.5}"#;
    let later = r#"{"run_id":17,"task_id":"f/t2","score_cont":0.25,"score_binarized":1,"task_family":"f","alias":"A","model":"m","fatal_error_from":null,"human_minutes":4,"human_source":"estimate","task_source":"HCAST","generation_cost":1.5,"human_cost":2.0,"task_version":"1.0","tokens_count":9,"cloned":false,"scaffold":"react","invsqrt_task_weight":0.5}"#;
    let results = read(&format!("{early}\n\n{later}\n")).unwrap();
    assert_eq!(results.runs.len(), 2);
    assert!(results.runs[0].usage_limit && !results.runs[1].usage_limit);
    assert_eq!((results.runs[0].continuous, results.runs[1].continuous), (Some(0.5), Some(0.25)));
    assert_eq!(results.tasks[0].id, "f/t");
    assert_eq!(results.scaffolds, ["react"]);
}

#[test]
fn errors_name_file_row_and_what_to_do() {
    let good = line("a", "f/t", "A", 4.0, 1);
    assert!(
        refused(&format!("{good}{{\"run_id\":\"b\"}}\n"))
            .starts_with("runs.jsonl, row 2: not a run: missing field `task_id`")
    );
    assert!(refused(&format!("{good}nonsense\n")).contains("row 2"));
    assert!(refused("").contains("there is no run in it"));
    assert!(refused(&line("a", "f/t", "A", 0.0, 1)).contains("human_minutes is 0"));
    assert!(refused(&line("a", "f/t", "A", -4.0, 1)).contains("human_minutes is -4"));
    assert!(refused(&line("a", "f/t", "A", 1e12, 1)).contains("human_minutes is 1000000000000"));
    assert!(refused(&good.replace("4,", "1e999,")).contains("number out of range"));
    assert!(refused(&good.replace("4,", "NaN,")).contains("row 1"));
    assert!(refused(&line("a", "f/t", "A", 4.0, 2)).contains("score_binarized is 2; it must be 0 or 1"));
    assert!(refused(&line("", "f/t", "A", 4.0, 1)).contains("run id must be"));
    assert!(refused(&good.replace("\"run_id\":\"a\",", "")).contains("run_id is missing"));
    assert!(refused(&line("a", "f/t|||u", "A", 4.0, 1)).contains("without '|||'"));
}

#[test]
fn a_task_list_hash_depends_on_every_task_and_not_on_the_order_of_rows() {
    let rows = [line("a", "f/t", "A", 4.0, 1), line("b", "f/u", "A", 8.0, 0), line("c", "g/v", "B", 2.0, 0)];
    let hash = |order: &[usize]| {
        read(&order.iter().map(|&at| rows[at].as_str()).collect::<String>()).unwrap().task_list_hash()
    };
    assert_eq!(hash(&[0, 1, 2]), hash(&[2, 0, 1]));
    assert_ne!(hash(&[0, 1, 2]), hash(&[0, 1]));
}

#[test]
fn per_task_counts_become_runs() {
    let text = "agent:\n  A:\n    tasks:\n    - task_id: f/t\n      human_minutes: 4\n      n_successes: 2\n      n_runs: 3\n      task_weight: 0.707\n    - {task_id: f/u, human_minutes: 8.5, n_successes: 0, n_runs: 2, task_weight: 0.707}\n";
    let mut results = Results::default();
    assert_eq!(results.read_tasks("t.yaml", text.as_bytes()).unwrap(), 5);
    assert_eq!(results.runs.iter().filter(|run| run.binarized > 0.5).count(), 2);
    for (from, to, why) in [
        ("n_runs: 3", "n_runs: 1", "2 successes (0 flagged as cheating) of 1 runs cannot be"),
        ("n_runs: 3", "n_runs: 0", "n_runs is 0"),
        ("n_runs: 3", "n_runs: -3", "'n_runs' must be a count"),
        ("human_minutes: 8.5", "human_minutes: .nan", "'human_minutes' must be a finite number"),
        ("task_id: f/u", "task_id: f/t", "the runs of A on f/t"),
        ("task_id: f/u", "task_id: g/u", "a task of the family is missing or was added"),
        ("agent:", "agents:", "there is no 'agent' mapping"),
    ] {
        let error = Results::default().read_tasks("t.yaml", text.replace(from, to).as_bytes()).unwrap_err().to_string();
        assert!(error.contains(why) && error.starts_with("t.yaml"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Results::default().read_runs("x", &bytes);
        let _ = Results::default().read_tasks("x", &bytes);
    }

    #[test]
    fn any_values_never_panic(minutes in any::<f64>(), score in any::<f64>(), start in any::<f64>()) {
        let text = format!("{{\"run_id\":\"a\",\"task_id\":\"f/t\",\"task_family\":\"f\",\"alias\":\"A\",\"human_minutes\":{minutes},\"score_binarized\":{score},\"started_at\":{start},\"completed_at\":{start}}}");
        let _ = read(&text);
    }
}

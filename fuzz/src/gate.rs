//! Descriptions of covered jobs: whatever is done to one, it is not let pass while paused.

use standstill_gate::kubernetes::Review;
use standstill_gate::kubernetes::review::Subject;
use standstill_gate::slurm::{Request, parse_accounting, queue};
use standstill_gate::terms::{Chip, Cover, Exemption, Place, Purpose};
use standstill_gate::{Gate, Held, Job, Phase, Situation, Terms};
use standstill_statement::{Class, Coverage, GatePoint, Hash32, Name};

const NOW: u64 = 1_800_000_000;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn terms() -> Terms {
    let place = |name: &str, accelerators_per_node, constrained| Place {
        name: name.to_owned(),
        accelerators_per_node,
        nodes: 100,
        constrained,
        longest_seconds: None,
    };
    Terms {
        agreement: Hash32::of(b"agreement"),
        party: name("north"),
        hold_seconds: 3600,
        decision_seconds: 86_400,
        clock_tolerance_seconds: 60,
        stop_when_paused: Class::ALL.into_iter().filter(|class| class.can_operate()).collect(),
        suspended_may_start: false,
        cover: Cover::default(),
        chips: vec![Chip { model: "h100".to_owned(), gigaops_per_second: 2_000_000 }],
        // Nobody in the seeds is of this account, and mutations would have to find it.
        exemptions: vec![Exemption {
            id: name("serving"),
            purpose: Purpose::Inference,
            accounts: vec!["an-account-that-no-seed-names".to_owned()],
            users: Vec::new(),
            places: Vec::new(),
            accelerators: 64,
            accelerators_together: 100,
            seconds: None,
            system: false,
        }],
        harmless_resources: vec!["nic".to_owned()],
        places: vec![place("train", 8, true), place("open", 8, false), place("cpu", 0, false)],
    }
}

thread_local! {
    static PAUSED: Gate = {
        let situation = Situation {
            agreement: Hash32::of(b"agreement"),
            party: name("north"),
            phase: Phase::Paused,
            phase_since_unix_seconds: NOW,
            window: 0,
            as_of_unix_seconds: NOW,
            caps: Vec::new(),
            runs: Vec::new(),
        };
        let mut gate = Gate::new(terms()).expect("terms");
        gate.learn(Held::new(situation).expect("a situation")).expect("it fits");
        gate
    };
}

/// A covered job is refused; one that passes is not covered, and holds no accelerators that can be seen.
fn never_passes(job: &Job) {
    PAUSED.with(|gate| {
        let decision = gate.decide(job, NOW);
        assert!(!decision.clauses.is_empty());
        assert!(!decision.allows() || decision.coverage == Coverage::Uncovered, "{job:?}");
        assert!(!decision.allows() || job.accelerators == Some(0), "{job:?}");
        assert!(decision.allows() || decision.sentence.starts_with("refused"));
    });
}

/// A request of Slurm's plugin. A text that names accelerators anywhere does not pass.
pub fn slurm(bytes: &[u8]) -> bool {
    let Ok(request) = Request::from_line(bytes) else { return false };
    let job = request.job(&terms(), &name("loop"));
    never_passes(&job);
    let asks = [&request.tres_per_job, &request.tres_per_node, &request.tres_per_socket, &request.tres_per_task];
    // A count that is written out as zero asks for nothing.
    let gpus = asks.into_iter().flatten().any(|text| {
        let wanted = standstill_gate::slurm::resources::wanted(text, &["nic".to_owned()]);
        wanted.accelerators > 0 || !wanted.unreadable.is_empty()
    });
    let passes = PAUSED.with(|gate| gate.decide(&job, NOW).allows());
    assert!(!(gpus && passes), "{request:?}");
    assert!(!(gpus && !request.may_use_accelerators(&["cpu".to_owned()])), "{request:?}");
    request.point == GatePoint::Submit
}

/// An admission review. An object in which an accelerator resource is asked for does not pass.
pub fn kubernetes(bytes: &[u8]) -> bool {
    let Ok(review) = Review::from_json(bytes) else { return false };
    let Subject::Job(job) = review.subject(&terms(), &name("kube")) else { return true };
    never_passes(&job);
    true
}

/// A job in the gate's own form.
pub fn job(bytes: &[u8]) -> bool {
    let Ok(job) = Job::from_json(bytes) else { return false };
    never_passes(&job);
    true
}

/// What the gate is told by others: situations, terms, accounting, lists of jobs.
pub fn told(bytes: &[u8]) -> bool {
    let situation = Situation::from_json(bytes).and_then(Held::new);
    let text = String::from_utf8_lossy(bytes);
    let accounting = parse_accounting(&text, &[]);
    let listed = queue::parse(bytes);
    let terms = Terms::from_toml(&text);
    situation.is_ok() || accounting.is_ok() || listed.is_ok_and(|listed| !listed.is_empty()) || terms.is_ok()
}

/// Seeds of [`slurm`]: each of them a job that is covered.
pub fn slurm_seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"point":"submit","user_id":1001,"account":"lab","partition":"train","min_nodes":2,"tres_per_node":"gres:gpu:h100:8","time_limit_minutes":60}"#,
        r#"{"point":"submit","user_id":1001,"partition":"train","tasks":16,"tres_per_task":"gres:gpu:1","comment":"class=posttraining run=beta"}"#,
        r#"{"point":"submit","user_id":0,"tres_per_job":"gres/gpu:64","array":"0-99%4","comment":"class=inference exempt=serving"}"#,
        r#"{"point":"submit","user_id":1001,"partition":"open","exclusive":true}"#,
        r#"{"point":"submit","user_id":1001,"partition":"cpu,train","tres_per_socket":"gres:shard:4","sockets_per_node":2}"#,
        r#"{"point":"start","job_id":7,"user_id":1001,"account":"lab","partition":"train","tres_allocated":"cpu=4,gres/gpu=16,gres/gpu:h100=16"}"#,
    ];
    texts.into_iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn review(group: &str, kind: &str, object: &str) -> Vec<u8> {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u","kind":{{"group":"{group}","version":"v1","kind":"{kind}"}},"operation":"CREATE","namespace":"lab","name":"x","userInfo":{{"username":"alice"}},"object":{object}}}}}"#
    )
    .into_bytes()
}

/// Seeds of [`kubernetes`]: each of them an object with accelerators.
pub fn kubernetes_seeds() -> Vec<Vec<u8>> {
    let pod = r#"{"containers":[{"name":"c","resources":{"limits":{"nvidia.com/gpu":"8"}}}],"initContainers":[{"restartPolicy":"Always","resources":{"requests":{"amd.com/gpu":1}}}]}"#;
    let template = format!(r#"{{"metadata":{{"labels":{{"standstill/class":"pretraining"}}}},"spec":{pod}}}"#);
    let job = format!(r#"{{"parallelism":4,"template":{template}}}"#);
    let hidden = r#"{"containers":[{"env":[{"name":"NVIDIA_VISIBLE_DEVICES","value":"all"}]}],"volumes":[{"hostPath":{"path":"/dev"}}]}"#;
    vec![
        review("", "Pod", &format!(r#"{{"metadata":{{"name":"x"}},"spec":{pod}}}"#)),
        review("", "Pod", &format!(r#"{{"spec":{hidden}}}"#)),
        review("batch", "Job", &format!(r#"{{"metadata":{{"annotations":{{"standstill/exempt":"serving"}}}},"spec":{job}}}"#)),
        review("jobset.x-k8s.io", "JobSet", &format!(r#"{{"spec":{{"replicatedJobs":[{{"replicas":2,"template":{{"spec":{job}}}}}]}}}}"#)),
        review("ray.io", "RayJob", &format!(r#"{{"spec":{{"rayClusterSpec":{{"workerGroupSpecs":[{{"replicas":2,"template":{template}}}]}}}}}}"#)),
        review("kueue.x-k8s.io", "Workload", &format!(r#"{{"spec":{{"podSets":[{{"count":3,"template":{template}}}]}}}}"#)),
        review("example.com", "Pipeline", &format!(r#"{{"spec":{{"stages":[{pod}]}}}}"#)),
    ]
}

/// Seeds of [`job`].
pub fn job_seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"scheduler":"slurm","cluster":"loop","point":"submit","reference":"7","account":"lab","user":"1001","place":"train","accelerators":8,"models":["h100"],"seconds":3600,"class":"posttraining","run":"beta"}"#,
        r#"{"scheduler":"other","cluster":"loop","point":"start","reference":"","accelerators":null,"seconds":null,"class":"inference","exempt":"serving"}"#,
    ];
    texts.into_iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Seeds of [`told`].
pub fn told_seeds() -> Vec<Vec<u8>> {
    let situation = PAUSED.with(|gate| serde_json_of(gate.held().expect("it was told").situation()));
    let accounting = "JobIDRaw|JobID|State|Start|End|ElapsedRaw|Account|UID|Partition|AllocTRES|AdminComment\n7|7|COMPLETED|100|200|100|lab|1001|train|cpu=4,gres/gpu:h100=8,gres/gpu=8|standstill:0123456789abcdef01234567\n";
    let row = format!(
        "{:20}{:20}{:12}{:24}{:12}{:128}{:128}{:512}{:256}{:1024}\n",
        "7", "1001", "2", "1:00:00", "OK", "lab", "train", "cpu=4,gres/gpu=16", "standstill:0123456789abcdef01234567", "class=rl run=beta"
    );
    let toml = format!(
        "agreement = \"{}\"\nparty = \"north\"\nhold_seconds = 60\n[[exempt]]\nid = \"a\"\npurpose = \"safety\"\nusers = [\"1\"]\naccelerators = 1\naccelerators_together = 2\n",
        Hash32::of(b"agreement")
    );
    vec![situation, accounting.as_bytes().to_vec(), row.into_bytes(), toml.into_bytes()]
}

fn serde_json_of(situation: &Situation) -> Vec<u8> {
    serde_json::to_vec(situation).expect("JSON")
}

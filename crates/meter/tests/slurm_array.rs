//! A real Slurm array on one machine: four tasks meter a shard each, the merged result has the bits of the single run.
#![allow(clippy::unwrap_used)] // helpers outside #[test] functions

use standstill_meter::bench::{START_MS, generate};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The example binary that this build made, beside the test binary.
fn meter_shard() -> Option<PathBuf> {
    let deps = std::env::current_exe().ok()?;
    let path = deps.parent()?.parent()?.join("examples/meter_shard");
    path.exists().then_some(path)
}

fn has(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

#[test]
fn an_array_of_four_gives_the_bits_of_one() {
    if !(has("sbatch") && has("slurmctld") && has("slurmd") && has("munged") && is_root()) {
        eprintln!("skipped: needs root and Slurm (apt-get install slurm-wlm munge)");
        return;
    }
    let Some(binary) = meter_shard() else {
        eprintln!("skipped: examples/meter_shard is not built (cargo build -p standstill-meter --example meter_shard)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let files = generate(&folder.path().join("files"), 24, 8, &|_| ()).unwrap();
    let single = folder.path().join("single.partials");
    let output = Command::new(&binary).arg(&single).arg(START_MS.to_string()).args(&files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let job = folder.path().join("array.sh");
    let text = format!(
        "#!/bin/sh\n#SBATCH --array=0-3\n#SBATCH --output={folder}/task-%a.log\n\
         i=$SLURM_ARRAY_TASK_ID\nexec {binary} {folder}/$i.partials {START_MS} {folder}/files/hour-0$((i * 2)).parquet {folder}/files/hour-0$((i * 2 + 1)).parquet\n",
        folder = folder.path().display(),
        binary = binary.display(),
    );
    std::fs::write(&job, text).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/slurm-one-machine.sh");
    let output = Command::new("bash").arg(&script).arg(&job).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");

    let merged = folder.path().join("merged.partials");
    let shards = [2, 0, 3, 1].map(|task| folder.path().join(format!("{task}.partials")));
    let output = Command::new(&binary).arg("--merge").arg(&merged).args(&shards).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read(&merged).unwrap(), std::fs::read(&single).unwrap(), "{said}");
}

//! `standstill gate wind-down`: running jobs are told, and later ended.

use crate::args::GateKnowledge;
use crate::exit::{CliError, CliResult, Exit};
use crate::folder;
use standstill_gate::slurm::queue;
use standstill_gate::winddown::{Notice, Orders, notices};
use standstill_statement::Name;
use std::path::Path;
use std::process::Command;

pub(super) fn run(
    known: &GateKnowledge,
    orders: Option<&Path>,
    jobs: Option<&Path>,
    run: bool,
    json: bool,
) -> CliResult {
    let (gate, now) = super::gate(known)?;
    let orders: Orders = match orders {
        Some(path) => {
            toml::from_str(&folder::read_text(path)?).map_err(|error| CliError::about(path.display(), error))?
        }
        None => Orders::default(),
    };
    orders.check().map_err(CliError::unreadable)?;
    let listed = match jobs {
        Some(path) => super::input(path, 256 << 20)?,
        None => squeue()?,
    };
    let cluster = Name::new("cluster").map_err(CliError::bug)?;
    let running = queue::parse(&listed).map_err(CliError::unreadable)?;
    let running: Vec<_> = running.iter().map(|request| request.job(gate.terms(), &cluster)).collect();
    let told = notices(&gate, &orders, &running, now);
    if json {
        println!("{:#}", serde_json::json!({ "running": running.len(), "notices": told }));
    } else {
        print(&told, running.len());
    }
    if run { carry_out(&told) } else { Ok(Exit::Ok) }
}

fn squeue() -> CliResult<Vec<u8>> {
    let output = Command::new("squeue").args(queue::arguments(None)).env("LC_ALL", "C").output();
    let output = output.map_err(|error| CliError::file("run", Path::new("squeue"), &error))?;
    if output.status.success() && output.stderr.is_empty() {
        return Ok(output.stdout);
    }
    Err(CliError::unreadable(format!("squeue: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

fn print(told: &[Notice], running: usize) {
    println!("{} of {running} running jobs are to end.", told.len());
    for notice in told {
        let deadline = standstill_statement::time::utc(notice.deadline_unix_seconds);
        println!("job {} by {deadline}: {}", notice.job, notice.sentence);
        for command in &notice.commands {
            let words: Vec<String> = command.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
            println!("  {}", words.join(" "));
        }
    }
}

/// Runs every command; one that fails does not keep the others from being run.
fn carry_out(told: &[Notice]) -> CliResult {
    let mut failed = 0;
    for command in told.iter().flat_map(|notice| &notice.commands) {
        let Some((program, arguments)) = command.split_first() else { continue };
        match Command::new(program).args(arguments).status() {
            Ok(status) if status.success() => {}
            Ok(status) => {
                failed += 1;
                eprintln!("standstill: {} ended with {status}", command.join(" "));
            }
            Err(error) => {
                failed += 1;
                eprintln!("standstill: cannot run {program}: {error}");
            }
        }
    }
    if failed == 0 { Ok(Exit::Ok) } else { Err(CliError::unreadable(format!("{failed} commands failed"))) }
}

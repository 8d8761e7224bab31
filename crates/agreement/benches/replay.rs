//! `cargo bench -p standstill-agreement --bench replay`: a year of statements of 5 to 40 parties, replayed on one core.
#![allow(clippy::expect_used, reason = "a bench may fail loudly")]

use standstill_agreement::runtime::bench::{BenchPlan, run};

fn main() {
    println!(
        "{:>8} {:>6} {:>11} {:>12} {:>10} {:>12}",
        "parties", "days", "statements", "transitions", "replay", "statements/s"
    );
    for (parties, days) in [(20, 91), (20, 182), (20, 365), (5, 365), (10, 365), (40, 365)] {
        let result = run(BenchPlan { parties, days }).expect("the year goes as planned");
        let seconds = result.replay.as_secs_f64();
        let rate = f64::from(u32::try_from(result.statements).expect("fits")) / seconds;
        println!(
            "{parties:>8} {days:>6} {:>11} {:>12} {:>7.1} ms {rate:>12.0}",
            result.statements,
            result.transitions,
            seconds * 1e3
        );
    }
}

//! `cargo bench -p standstill-agreement --bench replay`: one to four years of statements of 1 to 40 parties, replayed on one core.
#![allow(clippy::expect_used, reason = "a bench may fail loudly")]

use standstill_agreement::runtime::bench::{BenchPlan, run};

fn main() {
    println!(
        "{:>8} {:>6} {:>11} {:>12} {:>10} {:>12}",
        "parties", "days", "statements", "transitions", "replay", "statements/s"
    );
    let by_parties = [1, 2, 5, 10, 20, 40].map(|parties| (parties, 365));
    let by_years = [1, 2, 3, 4].map(|years| (20, 365 * years));
    for (parties, days) in by_parties.into_iter().chain(by_years) {
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

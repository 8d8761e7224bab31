//! `cargo run --release -p standstill-meter --example bench_meter -- <folder> <devices> <hours> [repeats]`: decode, meter and DuckDB side by side.

use standstill_meter::bench::{Options, run};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u32| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let folder = arguments.first().ok_or("give a folder for the generated files")?;
    let repeats = number(3, 3) as usize;
    let options =
        Options { folder: folder.into(), devices: number(1, 1_000), hours: number(2, 24), threads: 0, repeats };
    let report = run(&options, &|line| eprintln!("{line}"))?;
    println!("{} rows, {} bytes, {} groups", report.rows, report.bytes, report.groups);
    for engine in &report.engines {
        let (best, median) = engine.wall_seconds();
        let (millions, cpu) = (report.rows as f64 / 1e6, engine.cpu_seconds());
        let (rate, per_cpu, peak) = (millions / best, millions / cpu, engine.peak_bytes() >> 20);
        println!(
            "{:7} best {best:.2} s, median {median:.2} s, {rate:.1} M rows/s, {per_cpu:.1} M rows/CPU-s, {peak} MiB",
            engine.name
        );
    }
    println!("against decode: wall {:?}, cpu {:?}", report.speed_against("decode"), report.cpu_speed_against("decode"));
    println!("against duckdb: wall {:?}, cpu {:?}", report.speed_against("duckdb"), report.cpu_speed_against("duckdb"));
    println!(
        "totals {:?}; equal to DuckDB's: {:?} {}",
        report.totals,
        report.agrees_with_duckdb,
        report.note.unwrap_or_default()
    );
    Ok(())
}

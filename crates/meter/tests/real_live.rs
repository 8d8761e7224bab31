//! A real Prometheus server (Debian's package) scrapes a small exporter in this test; the meter asks the server for raw readings.
#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first thing that is wrong")]

mod real_data;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use real_data::{data, finish, fleet, window};
use standstill_meter::source::{SourceKind, SourceOptions, open};
use standstill_meter::{JobMap, UpperRule};

/// Ends the server when the test ends, also when it fails.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A free port: bound once and given back.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("port").port()
}

/// Serves the real scrape with a rising energy counter and a moving activity; returns its port.
fn exporter(scrape: String, asked: Arc<AtomicU64>) -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("socket");
    let port = socket.local_addr().expect("address").port();
    std::thread::spawn(move || {
        for stream in socket.incoming().flatten() {
            answer(stream, &scrape, asked.fetch_add(1, Ordering::SeqCst));
        }
    });
    port
}

fn answer(mut stream: TcpStream, scrape: &str, count: u64) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    let body: String = scrape
        .lines()
        .map(|line| match line.rsplit_once("} ") {
            Some((series, _)) if line.starts_with("DCGM_FI_DEV_TOTAL_ENERGY") => {
                format!("{series}}} {}\n", 1_000_000 + count * 300_000)
            }
            Some((series, _)) if line.starts_with("DCGM_FI_PROF_PIPE_TENSOR") => {
                format!("{series}}} 0.{}\n", 400 + count % 500)
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("clock");
    i64::try_from(since.as_millis()).expect("time")
}

fn start(folder: &std::path::Path, exporter_port: u16) -> Option<(Server, String)> {
    let port = free_port();
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: dcgm-exporter\n  static_configs: [{{targets: ['127.0.0.1:{exporter_port}']}}]\n"
    );
    std::fs::write(folder.join("prometheus.yml"), config).expect("config");
    let started = Command::new("prometheus")
        .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(child) => Some((Server(child), format!("http://127.0.0.1:{port}"))),
        Err(error) => {
            println!("skipped: no prometheus ({error}); install Debian's package `prometheus`");
            None
        }
    }
}

#[test]
fn a_live_server_is_metered_from_its_raw_readings() {
    let Some(path) = data("dcgm_scrapes/v1.35_upcloud_accelerator-metrics.prom") else { return };
    let asked = Arc::new(AtomicU64::new(0));
    let exporter_port = exporter(std::fs::read_to_string(path).expect("scrape"), Arc::clone(&asked));
    let folder = tempfile::tempdir().expect("folder");
    let begin_ms = now_ms();
    let Some((_server, address)) = start(folder.path(), exporter_port) else { return };
    let deadline = Instant::now() + Duration::from_secs(60);
    while asked.load(Ordering::SeqCst) < 8 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    // The last scrape must be stored before the question's time.
    std::thread::sleep(Duration::from_millis(500));
    let end_ms = now_ms();
    let (spec, grid) = window(begin_ms, 2);
    let options = SourceOptions {
        address,
        period_ms: 1_000,
        range_ms: Some((begin_ms - 1_000, end_ms)),
        ..SourceOptions::new(grid)
    };
    let metered = open(SourceKind::PrometheusLive, &[], &options).expect("metered");
    let (device, units) = metered.partials.devices().next().expect("one device");
    let rows: u32 = units.iter().map(|(_, unit)| unit.tally.rows).sum();
    let energy: u64 = units.iter().flat_map(|(_, unit)| &unit.cells).map(|(_, sums)| sums.energy_millijoules).sum();
    println!("{rows} raw readings, {energy} mJ");
    assert_eq!(device, "GPU-5b4e07f6-3a86-4340-039d-25f2a83cdc43");
    assert!(rows >= 6, "{rows} readings of at least 8 scrapes");
    if units.len() == 1 {
        assert_eq!(
            energy,
            u64::from(rows - 1) * 300_000,
            "the counter's difference is exact whatever the scrapes' timing"
        );
    }
    let model = real_data::table().by_alias("NVIDIA L40S").expect("alias").id.to_string();
    finish(&metered, &fleet(&model, [device]), &spec, &JobMap::new(), UpperRule::ChipTime);
}

//! What a statement costs beside its signature: microseconds of CPU for one 200-byte heartbeat, step by step.
//!
//! `cargo bench -p standstill-statement`

use standstill_statement::{
    Body, Hash32, Header, Heartbeat, Name, SigningKey, Statement, canonical, decode_unverified, verify,
};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 20_000;

fn measure(what: &str, mut work: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let begun = Instant::now();
        (0..ROUNDS).for_each(|_| work());
        best = best.min(begun.elapsed().as_secs_f64() / f64::from(ROUNDS) * 1e6);
    }
    println!("{what:34} {best:8.2} µs");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = SigningKey::from_seed([7; 32]);
    let header = Header {
        agreement: Hash32::of(b"terms"),
        issuer: Name::new("north")?,
        sequence: 1000,
        previous: Some(Hash32::of(b"before")),
        issued_unix_seconds: 1_793_491_200,
        heads: Vec::new(),
    };
    let statement = Statement { header, body: Body::Heartbeat(Heartbeat { window: 12 }) };
    let (bytes, payload) = (statement.sign(&key)?, statement.payload()?);
    let (keys, signature) = ([key.public()], key.sign(&bytes));
    println!("{} {}, best of 5, envelope of {} bytes", std::env::consts::ARCH, std::env::consts::OS, bytes.len());
    measure("verify", || {
        _ = black_box(verify(black_box(&bytes), &keys));
    });
    measure("of that: strict Ed25519", || {
        _ = black_box(keys[0].verifies(black_box(&bytes), &signature));
    });
    measure("of that: everything else", || {
        _ = black_box(decode_unverified(black_box(&bytes)));
    });
    measure("payload, decoded and encoded again", || {
        _ = black_box(canonical::from_slice::<Statement>(black_box(&payload)));
    });
    measure("payload, encoded", || {
        _ = black_box(canonical::to_vec(black_box(&statement)));
    });
    measure("SHA-256 of the envelope", || {
        _ = black_box(Hash32::of(black_box(&bytes)));
    });
    Ok(())
}

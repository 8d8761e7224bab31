use super::*;

#[test]
fn a_small_case_seals_and_verifies() {
    let cost = run(10, 8).unwrap();
    assert_eq!((cost.groups, cost.lanes), (2, 44));
    assert!(cost.report_bytes > 2 * 548 && cost.fleet_bytes > 2 * 262);
    assert!(cost.to_string().contains("x the floor"));
}

/// `cargo test --release -p standstill-seal -- --ignored --nocapture full_size`
#[test]
#[ignore = "3 minutes of CPU, the figures of docs/formats/seal.md: cargo test --release -p standstill-seal -- --ignored --nocapture full_size"]
fn full_size() {
    println!("{}", run(65_536, 64).unwrap());
}

/// `cargo test --release -p standstill-seal -- --ignored --nocapture an_eighth`
#[test]
#[ignore = "25 s of CPU, a figure of docs/formats/seal.md: cargo test --release -p standstill-seal -- --ignored --nocapture an_eighth"]
fn an_eighth() {
    println!("{}", run(8_192, 64).unwrap());
}

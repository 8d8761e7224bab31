use super::*;
use crate::samples;
use crate::{Body, Heartbeat, SigningKey, Statement, verify};

fn chain(length: u64) -> Vec<Signed> {
    let mut items: Vec<Signed> = Vec::new();
    for sequence in 0..length {
        let mut statement = samples::statement(Body::Heartbeat(Heartbeat { window: sequence }), sequence);
        statement.header.previous = items.last().map(|item| item.hash);
        items.push(signed(&statement));
    }
    items
}

fn signed(statement: &Statement) -> Signed {
    let key = SigningKey::from_seed([1; 32]);
    verify(&statement.sign(&key).unwrap(), &[key.public()]).unwrap()
}

#[test]
fn whole_chains_pass() {
    for length in [0, 1, 2, 20] {
        assert_eq!(check(&chain(length)), Ok(()));
    }
}

#[test]
fn each_break_is_named() {
    let good = chain(5);
    let mut items = good.clone();
    items.remove(2);
    assert!(matches!(check(&items), Err(ChainError::Sequence { position: 2, found: 3, expected: 2, .. })));
    assert!(matches!(check(&good[1..]), Err(ChainError::Sequence { position: 0, .. })));
    let mut items = good.clone();
    items.insert(3, good[2].clone());
    assert!(matches!(check(&items), Err(ChainError::Sequence { position: 3, .. })));
    let mut items = good.clone();
    let mut other = good[2].statement.clone();
    other.header.issued_unix_seconds += 1;
    items[2] = signed(&other);
    assert!(matches!(check(&items), Err(ChainError::Previous { position: 3, .. })));
    let mut items = good.clone();
    items[4].statement.header.issuer = samples::name("south");
    assert!(matches!(check(&items), Err(ChainError::Issuer { position: 4, .. })));
    let mut items = good.clone();
    items[1].statement.header.agreement = Hash32::of(b"other");
    assert!(matches!(check(&items), Err(ChainError::Agreement { position: 1, .. })));
    let mut items = good;
    items.swap(1, 2);
    assert!(check(&items).is_err());
}

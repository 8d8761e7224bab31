#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use proptest::prelude::*;
use standstill_statement::PublicKey;
use tokio::sync::oneshot::Receiver;

type Answer = Receiver<Result<Added, Refusal>>;

const LIMITS: IntakeLimits =
    IntakeLimits { batch_entries: 8, batch_bytes: 1000, held: 100, hold: Duration::from_secs(1) };

const KEY: PublicKey = PublicKey([1; 32]);

fn keyring() -> Keyring {
    Keyring::new(&[KEY])
}

fn hash(number: u64) -> Hash {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    hash
}

/// Statement `sequence` of the honest history (`fork` 0) or of another one.
fn submission(sequence: u64, fork: u64) -> (Submission, Answer) {
    let (reply, answer) = oneshot::channel();
    let own = hash(sequence + 1 + 1000 * fork);
    let previous = (sequence > 0).then(|| hash(sequence));
    let (bytes, blobs) = (vec![1; 10], Vec::new());
    let checked =
        Checked { bytes, sequence, previous, hash: own, leaf: own, blobs, closes: false, key: KEY, rotation: None };
    (Submission { checked, reply }, answer)
}

fn leaf_at(durable: &[Hash]) -> impl Fn(u64) -> Option<Hash> {
    |index| durable.get(usize::try_from(index).unwrap()).copied()
}

/// Makes the batch durable.
fn commit(intake: &mut Intake, durable: &mut Vec<Hash>) {
    let (_, leaves, answers) = intake.committed(Instant::now());
    durable.extend(leaves);
    answers.send();
}

#[test]
fn nothing_is_answered_before_it_is_durable_and_a_failed_batch_leaves_no_trace() {
    let (mut intake, mut durable, now) = (Intake::new(LIMITS, 0, None, false, keyring()), Vec::new(), Instant::now());
    let (first, mut answer) = submission(0, 0);
    intake.take(first, now, &leaf_at(&durable));
    let (again, mut repeated) = submission(0, 0);
    intake.take(again, now, &leaf_at(&durable));
    assert!(answer.try_recv().is_err() && repeated.try_recv().is_err());
    intake.failed(&Refusal::new(503, "no room"), now);
    assert_eq!(answer.try_recv().unwrap().unwrap_err().status, 503);
    assert_eq!(repeated.try_recv().unwrap().unwrap_err().status, 503);
    // Another first statement is welcome now: the failed one is not in the log.
    let (other, mut answer) = submission(0, 1);
    intake.take(other, now, &leaf_at(&durable));
    commit(&mut intake, &mut durable);
    assert_eq!(answer.try_recv().unwrap(), Ok(Added { index: 0, duplicate: false }));
    let (fork, mut answer) = submission(0, 0);
    intake.take(fork, now, &leaf_at(&durable));
    let refusal = answer.try_recv().unwrap().unwrap_err();
    assert_eq!((refusal.status, refusal.expected_sequence), (409, Some(1)));
}

#[test]
fn a_closed_log_takes_repeats_only() {
    let (mut intake, mut durable, now) = (Intake::new(LIMITS, 0, None, false, keyring()), Vec::new(), Instant::now());
    let (mut last, _answer) = submission(0, 0);
    last.checked.closes = true;
    intake.take(last, now, &leaf_at(&durable));
    intake.failed(&Refusal::new(503, "no room"), now);
    assert!(!intake.is_closed());
    let (mut last, _answer) = submission(0, 0);
    last.checked.closes = true;
    intake.take(last, now, &leaf_at(&durable));
    let (next, mut refused) = submission(1, 0);
    intake.take(next, now, &leaf_at(&durable));
    assert_eq!(refused.try_recv().unwrap().unwrap_err().status, 410);
    commit(&mut intake, &mut durable);
    let (again, mut repeated) = submission(0, 0);
    intake.take(again, now, &leaf_at(&durable));
    assert_eq!(repeated.try_recv().unwrap(), Ok(Added { index: 0, duplicate: true }));
}

#[test]
fn waiting_has_limits_in_number_and_time() {
    let (mut intake, durable, now) = (Intake::new(LIMITS, 0, None, false, keyring()), Vec::new(), Instant::now());
    let mut waiting: Vec<Answer> = Vec::new();
    for sequence in 1..=100 {
        let (held, answer) = submission(sequence, 0);
        intake.take(held, now, &leaf_at(&durable));
        waiting.push(answer);
    }
    let (more, mut answer) = submission(50, 0);
    intake.take(more, now, &leaf_at(&durable));
    assert_eq!(answer.try_recv().unwrap().unwrap_err().status, 503);
    let (far, mut answer) = submission(100_000, 0);
    intake.take(far, now, &leaf_at(&durable));
    assert_eq!(answer.try_recv().unwrap().unwrap_err().status, 409);
    intake.expire(now + Duration::from_millis(999));
    assert!(waiting[0].try_recv().is_err());
    intake.expire(now + Duration::from_secs(1));
    assert!(waiting.iter_mut().all(|answer| answer.try_recv().unwrap().unwrap_err().expected_sequence == Some(0)));
    assert!(!intake.is_holding());
}

proptest! {
    /// Whatever arrives in whatever order, with repeats, forks and failing disks: acknowledged indices are the honest history's, and
    /// nothing durable ever changes.
    #[test]
    fn the_log_is_always_one_history(steps in prop::collection::vec((0_u64..40, 0_u64..10, 0_u8..10), 1..300)) {
        let (mut intake, mut durable, now) = (Intake::new(LIMITS, 0, None, false, keyring()), Vec::<Hash>::new(), Instant::now());
        let mut asked: Vec<(u64, u64, Answer)> = Vec::new();
        for (sequence, fork, what) in steps {
            let fork = u64::from(fork == 0);
            let (taken, answer) = submission(sequence, fork);
            intake.take(taken, now, &leaf_at(&durable));
            intake.pump(now, &leaf_at(&durable));
            asked.push((sequence, fork, answer));
            if what < 3 {
                commit(&mut intake, &mut durable);
            } else if what == 3 {
                intake.failed(&Refusal::new(503, "no room"), now);
            }
        }
        while !intake.batch().is_empty() {
            commit(&mut intake, &mut durable);
            intake.pump(now, &leaf_at(&durable));
        }
        for (sequence, fork, mut answer) in asked {
            if let Ok(Ok(added)) = answer.try_recv() {
                prop_assert_eq!(added.index, sequence);
                prop_assert_eq!(durable[usize::try_from(sequence).unwrap()], hash(sequence + 1 + 1000 * fork));
            }
        }
        // One history: each entry names the one before it, which forks cannot satisfy but as the last.
        for (index, leaf) in (0_u64..).zip(durable.iter().take(durable.len().saturating_sub(1))) {
            prop_assert_eq!(*leaf, hash(index + 1));
        }
    }
}

/// A batch that could not be written rotates nothing either.
#[test]
fn a_failed_batch_takes_its_rotation_back() {
    use standstill_statement::{AddedKey, Body, Hash32, Header, Name, Rotation, SigningKey, Statement};
    let (old, new) = (SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32]));
    let header = Header {
        agreement: Hash32([7; 32]),
        issuer: Name::new("north").unwrap(),
        sequence: 0,
        previous: None,
        issued_unix_seconds: 1,
        heads: Vec::new(),
    };
    let (add, retire) = (Some(AddedKey::prove(&new, &header)), Some(old.public()));
    let bytes = Statement { header, body: Body::Rotation(Rotation { add, retire }) }.sign(&old).unwrap();
    let signed = standstill_statement::verify(&bytes, &[old.public()]).unwrap();
    let rotation = |reply| {
        let (submission, _) = submission(0, 0);
        let checked = Checked { key: old.public(), rotation: Some(Box::new(signed.clone())), ..submission.checked };
        Submission { checked, reply }
    };
    let (mut intake, now) = (Intake::new(LIMITS, 0, None, false, Keyring::new(&[old.public()])), Instant::now());
    let mut durable = Vec::new();
    let (reply, mut answer) = oneshot::channel();
    intake.take(rotation(reply), now, &leaf_at(&durable));
    assert_eq!(intake.rotated().unwrap().active(), [new.public()]);
    intake.failed(&Refusal::new(503, "no room"), now);
    assert!(answer.try_recv().unwrap().is_err() && intake.rotated().is_none());
    let (reply, mut answer) = oneshot::channel();
    intake.take(rotation(reply), now, &leaf_at(&durable));
    commit(&mut intake, &mut durable);
    assert!(answer.try_recv().unwrap().is_ok() && intake.rotated().is_none());
}

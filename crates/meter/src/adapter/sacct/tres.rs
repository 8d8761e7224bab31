//! Accelerators in a `TRES` string.

use crate::adapter::fault::{Fault, excerpt};

/// Accelerators held by one job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accelerators {
    /// How many.
    pub count: u64,
    /// The type word when there is exactly one (`h100`).
    pub kind: Option<String>,
}

/// Reads `billing=2,cpu=2,gres/gpu:h100=16,gres/gpu=16,node=2`.
///
/// Slurm lists the same accelerators once with and once without their type; they are counted once. A generic count and typed counts that
/// differ are refused, because then one of them is wrong.
///
/// # Errors
/// When a count is no number, or the generic and the typed counts disagree.
pub fn accelerators(text: &str, line: u64, column: u64) -> Result<Accelerators, Fault> {
    let mut generic = None;
    let mut typed: Vec<(String, u64)> = Vec::new();
    for item in text.split(',').filter(|item| item.starts_with("gres/")) {
        let Some((name, count)) = item.split_once('=') else {
            return Err(bad(line, column, item));
        };
        let count: u64 = count.parse().map_err(|_| bad(line, column, item))?;
        add(name.trim_start_matches("gres/"), count, &mut generic, &mut typed);
    }
    settle(generic, typed).map_err(|what| {
        Fault::at(line, column, what, "check AccountingStorageTRES: both gres/gpu and its types must be tracked alike")
    })
}

/// Adds one `gpu` or `gpu:<type>` count.
pub(super) fn add(name: &str, count: u64, generic: &mut Option<u64>, typed: &mut Vec<(String, u64)>) {
    match name.split_once(':') {
        None if name == "gpu" => *generic = Some(count),
        Some(("gpu", kind)) => typed.push((kind.to_owned(), count)),
        _ => {}
    }
}

/// One figure from the generic and the typed counts.
pub(super) fn settle(generic: Option<u64>, typed: Vec<(String, u64)>) -> Result<Accelerators, String> {
    let sum = typed.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    if let Some(generic) = generic.filter(|g| !typed.is_empty() && *g != sum) {
        return Err(format!("gres/gpu={generic} but its types add up to {sum}"));
    }
    let kind = match typed.as_slice() {
        [(kind, _)] => Some(kind.clone()),
        _ => None,
    };
    Ok(Accelerators { count: generic.unwrap_or(sum), kind })
}

fn bad(line: u64, column: u64, item: &str) -> Fault {
    Fault::at(line, column, format!("`{}` is no accelerator count", excerpt(item)), "export AllocTRES unchanged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_and_generic_count_once() {
        let both = accelerators("billing=2,cpu=2,gres/gpu:h100=16,gres/gpu=16,node=2", 1, 1).expect("both");
        assert_eq!((both.count, both.kind.as_deref()), (16, Some("h100")));
        assert_eq!(accelerators("gres/gpu=4", 1, 1).expect("generic").count, 4);
        assert_eq!(
            accelerators("gres/gpu:h100=4,gres/gpu:a100=2", 1, 1).expect("typed"),
            Accelerators { count: 6, kind: None }
        );
        assert_eq!(accelerators("cpu=2,gres/shard=3", 1, 1).expect("none").count, 0);
    }

    #[test]
    fn disagreement_is_refused() {
        assert!(accelerators("gres/gpu:h100=8,gres/gpu=16", 3, 9).is_err());
        assert_eq!(accelerators("gres/gpu=many", 3, 9).expect_err("word").line, 3);
    }
}

//! Slurm's texts about resources: `gres:gpu:h100:8`, `gres/gpu=8`, `0-99:2%10`, `1-00:00:00`.

/// Most items of one list.
const MAX_ITEMS: usize = 256;

/// Generic resources that are accelerators or parts of one.
const ACCELERATORS: [&str; 3] = ["gpu", "mps", "shard"];

/// What a resource text asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Accelerators; a share of one (`mps`, `shard`) counts as one for each unit.
    pub accelerators: u64,
    /// Models, lower case.
    pub models: Vec<String>,
    /// Items that cannot be read, or name a resource that nobody has said to be harmless.
    pub unreadable: Vec<String>,
}

/// Reads a list of trackable resources. Resources outside `gres` (cpu, mem, node, billing, licences) are no accelerators; a generic resource
/// that is neither an accelerator nor in `harmless` cannot be read, because it may be one under another name.
#[must_use]
pub fn wanted(text: &str, harmless: &[String]) -> Wanted {
    let mut found = Wanted::default();
    let mut typed = 0_u64;
    let mut untyped = 0_u64;
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()).take(MAX_ITEMS + 1) {
        match read_item(item) {
            Some(Item::Other) => {}
            Some(Item::Generic { name, .. }) if harmless.contains(&name) => {}
            Some(Item::Generic { name, model, count }) if ACCELERATORS.contains(&name.as_str()) => {
                // An allocation lists `gres/gpu=8` and `gres/gpu:h100=8` for the same eight.
                match model {
                    Some(model) if !found.models.contains(&model) => {
                        typed = typed.saturating_add(count);
                        found.models.push(model);
                    }
                    Some(_) => typed = typed.saturating_add(count),
                    None => untyped = untyped.saturating_add(count),
                }
            }
            _ => found.unreadable.push(crate::shorten(item)),
        }
    }
    if text.split(',').count() > MAX_ITEMS || found.models.len() > 32 {
        found.unreadable.push("a list of resources that is too long".to_owned());
    }
    found.models.truncate(32);
    found.unreadable.truncate(32);
    found.accelerators = if text.contains('=') { typed.max(untyped) } else { typed.saturating_add(untyped) };
    found
}

enum Item {
    /// Not a generic resource.
    Other,
    Generic {
        name: String,
        model: Option<String>,
        count: u64,
    },
}

fn read_item(item: &str) -> Option<Item> {
    let item = item.split_once('(').map_or(item, |(before, _)| before).to_ascii_lowercase();
    let parts: Vec<&str> = item.split([':', '/', '=']).collect();
    let generic = match parts.as_slice() {
        ["gres", rest @ ..] => rest,
        // In an allocation everything else is `name=value`; a bare `gpu:8` is the old spelling of a generic resource.
        ["cpu" | "mem" | "node" | "billing" | "energy" | "vmem" | "pages" | "license" | "bb" | "fs" | "ic", ..] => {
            return Some(Item::Other);
        }
        rest => rest,
    };
    let (name, rest) = generic.split_first().filter(|(name, _)| is_word(name))?;
    let (model, count) = match rest {
        [] => (None, 1),
        [one] => number(one).map_or((Some(*one), 1), |count| (None, count)),
        [model, count] => (Some(*model), number(count)?),
        // `gpu:h100:no_consume:8` and what else may come.
        _ => return None,
    };
    let model = model.filter(|model| !model.is_empty());
    if model.is_some_and(|model| !is_word(model)) {
        return None;
    }
    Some(Item::Generic { name: (*name).to_owned(), model: model.map(str::to_owned), count })
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// A count, with Slurm's suffixes for powers of 1024.
fn number(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let factor: u64 = match &text[digits.len()..] {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        _ => return None,
    };
    // Digits that overflow are a number all the same, and a large one.
    Some(digits.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(factor))
}

/// Tasks of an array: `0-9`, `1,3,5-7`, `0-99:2%10`. `None` when it cannot be read.
#[must_use]
pub fn array_tasks(text: &str) -> Option<u64> {
    let text = text.split_once('%').map_or(text, |(before, _)| before).trim();
    let mut tasks = 0_u64;
    for item in text.split(',').map(str::trim) {
        let (range, step) = match item.split_once(':') {
            Some((range, step)) => (range, step.parse::<u64>().ok().filter(|step| *step > 0)?),
            None => (item, 1),
        };
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.trim().parse::<u64>().ok()?, last.trim().parse::<u64>().ok()?);
        tasks = tasks.saturating_add(last.checked_sub(first)?.checked_div(step)?.saturating_add(1));
    }
    (tasks > 0).then_some(tasks)
}

/// A time limit as Slurm prints it: `30:00`, `1:00:00`, `2-12:00:00`, minutes alone; `None` for `UNLIMITED` and what cannot be read.
#[must_use]
pub fn time_limit_seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (days.parse::<u64>().ok()?, clock),
        None => (0, text),
    };
    let parts: Vec<u64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let seconds = match (parts.as_slice(), text.contains('-')) {
        ([minutes], false) => minutes.checked_mul(60)?,
        ([minutes, seconds], false) => minutes.checked_mul(60)?.checked_add(*seconds)?,
        ([hours], true) => hours.checked_mul(3600)?,
        ([hours, minutes], true) => hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?,
        ([hours, minutes, seconds], _) => {
            hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(*seconds)?
        }
        _ => return None,
    };
    days.checked_mul(86_400)?.checked_add(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_accelerators_counts() {
        let count = |text: &str| wanted(text, &["nic".to_owned()]).accelerators;
        for text in [
            "gres:gpu:8",
            "gres/gpu:8",
            "gres/gpu=8",
            "gpu:8",
            "gres:gpu:h100:8",
            "GRES:GPU:H100:8",
            "gpu:h100:8(S:0-1)",
        ] {
            assert_eq!(count(text), 8, "{text}");
        }
        assert_eq!(count("gres:gpu"), 1);
        assert_eq!(count("gres:gpu:h100"), 1);
        assert_eq!(count("gres:gpu:a100:4,gres:gpu:h100:4"), 8);
        assert_eq!(count("cpu=4,mem=4G,node=2,billing=4,gres/gpu=16,gres/gpu:h100=16"), 16);
        assert_eq!(count("gres:shard:3"), 3);
        assert_eq!(count("gres:mps:50"), 50);
        assert_eq!(count("gres:nic:2"), 0);
        assert_eq!(count("gres:gpu:2k"), 2048);
        assert_eq!(count("gres:gpu:99999999999999999999999"), u64::MAX);
        assert_eq!(wanted("gres:gpu:H100:8", &[]).models, ["h100"]);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for text in [
            "gres:tpu:4",
            "gres:gpu:h100:no_consume:8",
            "gres:",
            "gres:gpu:h100:x",
            "gres:gpu:-1:3",
            "gres:gp\u{fc}:1",
            "gres:gpu:8x",
        ] {
            let found = wanted(text, &[]);
            assert!(!found.unreadable.is_empty() || found.accelerators > 0, "{text}: {found:?}");
        }
        assert!(wanted(&"gres:gpu:1,".repeat(300), &[]).unreadable.len() == 1);
    }

    #[test]
    fn arrays_and_times() {
        for (text, tasks) in [("7", 1), ("0-9", 10), ("1,3,5-7", 5), ("0-99:2%10", 50), ("0-9%1", 10)] {
            assert_eq!(array_tasks(text), Some(tasks), "{text}");
        }
        for text in ["", "9-0", "0-9:0", "x", "1,,2", "0-18446744073709551616"] {
            assert_eq!(array_tasks(text), None, "{text}");
        }
        assert_eq!(array_tasks("0-18446744073709551615"), Some(u64::MAX));
        for (text, seconds) in
            [("5", 300), ("30:00", 1800), ("1:00:00", 3600), ("2-12:00:00", 216_000), ("1-1", 90_000)]
        {
            assert_eq!(time_limit_seconds(text), Some(seconds), "{text}");
        }
        for text in ["UNLIMITED", "INVALID", "", "1:2:3:4", "99999999999999999999"] {
            assert_eq!(time_limit_seconds(text), None, "{text}");
        }
    }
}

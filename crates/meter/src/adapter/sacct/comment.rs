//! What a lab declares about a job: `class=<class>` and `run=<name>` in a comment.

use standstill_statement::{Class, Name};

use crate::adapter::fault::{Fault, excerpt};

/// A job's declared class and run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Class of the job's chip time.
    pub class: Class,
    /// Run it belongs to.
    pub run: Option<Name>,
}

/// Reads `class=` and `run=` among the words of a comment; other words are the lab's own business. `None` when there is no `class=`.
///
/// `class=rl` means `posttraining`: reinforcement learning changes weights. It is the only alias.
///
/// # Errors
/// When a class is not on the closed list, a run is no valid name, or a key stands twice.
pub fn declared_in(comment: &str, line: u64, column: u64) -> Result<Option<Declared>, Fault> {
    let (mut class, mut run) = (None, None);
    for word in comment.split([' ', '\t', ';', ',']).map(|w| w.trim_matches(['"', '\''])) {
        let twice = match word.split_once('=') {
            Some(("class", value)) => class.replace(class_word(value, line, column)?).is_some(),
            Some(("run", value)) => run.replace(run_word(value, line, column)?).is_some(),
            _ => false,
        };
        if twice {
            return Err(Fault::at(line, column, format!("`{}` stands twice in a comment", excerpt(word)), "keep one"));
        }
    }
    match (class, run) {
        (Some(class), run) => Ok(Some(Declared { class, run })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Fault::at(line, column, "a comment with run= but without class=", "add class=<class>")),
    }
}

fn class_word(word: &str, line: u64, column: u64) -> Result<Class, Fault> {
    if word == "rl" {
        return Ok(Class::Posttraining);
    }
    // A job cannot declare itself idle, down or unaccounted: those are what is left when no job holds the device.
    Class::from_name(word).filter(|class| class.can_operate()).ok_or_else(|| {
        let list: Vec<&str> = Class::ALL[..Class::WORKING].iter().map(|class| class.name()).collect();
        let what = format!(
            "`{}` is no class of work; the classes are {} (and rl for posttraining)",
            excerpt(word),
            list.join(", ")
        );
        Fault::at(line, column, what, "correct the comment with `sacctmgr modify job where jobid=… set comment=…`")
    })
}

fn run_word(word: &str, line: u64, column: u64) -> Result<Name, Fault> {
    // Run names are lower-case in statements; schedulers' comments are often not.
    word.to_ascii_lowercase().parse().map_err(|_| {
        let what = format!("`{}` is no run name", excerpt(word));
        Fault::at(line, column, what, "use lower-case letters, digits, '-', '_' and '.'")
    })
}

/// The comment inside a `SubmitLine`. The shell's quotes are gone there, so the comment is taken to be the words of the form `key=value`
/// that follow `--comment`, up to the first other word.
pub fn submit_line_comment(line: &str) -> Option<String> {
    let (_, tail) = line.split_once("--comment")?;
    let tail = tail.strip_prefix(['=', ' '])?;
    let words: Vec<&str> = tail.split_whitespace().take_while(|w| !w.starts_with('-') && w.contains('=')).collect();
    Some(words.join(" "))
}

/// The one declaration of several places; they may repeat but not contradict each other.
///
/// # Errors
/// As [`declared_in`], and when two places declare different things.
pub(super) fn settle(places: [(&str, u64); 3], line: u64) -> Result<Option<Declared>, Fault> {
    let mut settled: Option<Declared> = None;
    for (index, (text, column)) in places.into_iter().enumerate() {
        let from_submit_line = index == 2;
        let comment = if from_submit_line { submit_line_comment(text) } else { Some(text.to_owned()) };
        let Some(found) = comment.map(|c| declared_in(&c, line, column)).transpose()?.flatten() else { continue };
        match &settled {
            // The accounting record outranks the command line: an administrator may have corrected it.
            Some(known) if *known != found && !from_submit_line => {
                let what = "Comment and AdminComment declare different things";
                return Err(Fault::at(line, column, what, "correct one of them"));
            }
            Some(_) => {}
            None => settled = Some(found),
        }
    }
    Ok(settled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_class_and_run() {
        let declared = declared_in("class=pretraining run=R1", 1, 1).expect("comment").expect("class");
        assert_eq!((declared.class, declared.run.map(|r| r.to_string())), (Class::Pretraining, Some("r1".to_owned())));
        assert_eq!(declared_in("ask the ops team", 1, 1), Ok(None));
    }

    #[test]
    fn reinforcement_learning_is_posttraining() {
        assert_eq!(declared_in("class=rl", 1, 1).expect("comment").expect("class").class, Class::Posttraining);
    }

    #[test]
    fn unknown_words_are_refused_with_the_list() {
        let fault = declared_in("class=research", 4, 2).expect_err("unknown");
        assert!(fault.what.contains("pretraining, posttraining, experiment"), "{fault}");
        assert!(declared_in("class=idle", 1, 1).is_err(), "a job is never idle");
        assert!(declared_in("class=other class=inference", 1, 1).is_err());
        assert!(declared_in("run=x", 1, 1).is_err());
    }

    #[test]
    fn submit_lines_lose_their_quotes() {
        let line = "sbatch -N2 -o /dev/null --comment=class=pretraining run=R1 --wrap srun sleep 12";
        assert_eq!(submit_line_comment(line).as_deref(), Some("class=pretraining run=R1"));
        assert_eq!(submit_line_comment("sbatch --comment class=rl --wrap x=1").as_deref(), Some("class=rl"));
        assert_eq!(submit_line_comment("sbatch --wrap x"), None);
    }

    #[test]
    fn records_outrank_the_command_line() {
        let both = settle([("class=inference", 1), ("", 2), ("sbatch --comment=class=other", 3)], 1).expect("settled");
        assert_eq!(both.expect("class").class, Class::Inference);
        assert!(settle([("class=inference", 1), ("class=other", 2), ("", 3)], 1).is_err());
    }
}

//! Opaque files and silently failing probes, after the backdoor in xz (CVE-2024-3094). Only names, sizes and bytes are looked at; nothing is
//! unpacked or run.

use super::finding::Finding;
use super::paths::{PathTable, extension, file_name};
use super::rules::id;
use super::text::{entropy_bits, is_binary};
use std::collections::{BTreeMap, BTreeSet};

/// Entropy above which bytes are compressed or encrypted, in bits per byte; text stays below 6.
const NOISE_BITS: f64 = 7.2;
/// Fewer bytes than that say nothing about entropy.
const MIN_NOISE_BYTES: usize = 256;

/// True when nobody can review the file.
#[must_use]
pub fn is_opaque(paths: &PathTable, path: &str, bytes: &[u8]) -> bool {
    paths.has_opaque_ending(path)
        || is_binary(bytes)
        || (bytes.len() >= MIN_NOISE_BYTES && entropy_bits(&bytes[..bytes.len().min(1 << 16)]) > NOISE_BITS)
}

/// Media that are opaque by nature and that a reviewer can open.
fn is_media(path: &str) -> bool {
    matches!(
        extension(path).as_deref(),
        Some(
            "png"
                | "jpg"
                | "jpeg"
                | "gif"
                | "webp"
                | "ico"
                | "pdf"
                | "mp3"
                | "mp4"
                | "wav"
                | "ogg"
                | "woff"
                | "woff2"
                | "ttf"
                | "otf"
                | "eot"
        )
    )
}

/// A file that a change adds under the tests. `generated`: the same change adds or changes a script there.
#[must_use]
pub fn added(paths: &PathTable, path: &str, bytes: &[u8], generated: bool) -> Vec<Finding> {
    if !paths.is_test(path) || is_media(path) || !is_opaque(paths, path, bytes) {
        return Vec::new();
    }
    let size = format!(
        "{} bytes, {:.1} bits of entropy per byte",
        bytes.len(),
        entropy_bits(&bytes[..bytes.len().min(1 << 16)])
    );
    if paths.calls_itself_broken(path) {
        return vec![Finding::new(id::OPAQUE_NAME, 0, 0, format!("calls itself broken: {size}"))];
    }
    if generated { Vec::new() } else { vec![Finding::new(id::OPAQUE_FILE, 0, 0, size)] }
}

/// True for scripts that could make a test file.
#[must_use]
pub fn is_generator(path: &str) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    let script =
        matches!(extension(path).as_deref(), Some("py" | "sh" | "rs" | "go" | "js" | "ts" | "rb" | "pl" | "c"));
    script && ["gen", "make", "create", "build"].iter().any(|word| name.contains(word))
}

/// A build script whose feature probe holds code that cannot compile, or a probe that was switched off.
#[must_use]
pub fn probes(old: &[u8], new: &[u8]) -> Vec<Finding> {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let mut found = Vec::new();
    let mut inside = false;
    for (number, line) in (1u32..).zip(new.lines()) {
        let opens = [
            "check_c_source_compiles",
            "check_cxx_source_compiles",
            "check_source_compiles",
            "AC_COMPILE_IFELSE",
            "AC_LINK_IFELSE",
            "AC_TRY_COMPILE",
            "AC_LANG_SOURCE",
            "AC_LANG_PROGRAM",
            "try_compile",
            "cc.compiles",
            "cc.links",
        ]
        .iter()
        .any(|probe| line.contains(probe));
        inside = inside || opens;
        let lone = matches!(line.trim(), "." | "," | ";;" | "#error" | "@" | "`" | "\\");
        if inside && lone && !old.lines().any(|before| before == line) {
            found.push(Finding::new(
                id::PROBE_BROKEN,
                number,
                1,
                format!("a lone '{}' inside a feature probe: it can never compile", line.trim()),
            ));
        }
        if line.trim_end().ends_with(')') && !opens && !line.contains('(') {
            inside = false;
        }
    }
    found
}

/// One commit as far as the sequence rule needs it.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Commit id.
    pub commit: String,
    /// Identity that authored it.
    pub who: String,
    /// Committer date, seconds since 1970.
    pub unix_seconds: i64,
    /// Opaque files that it adds under the tests.
    pub opaque_added: Vec<String>,
    /// Opaque files that it changes.
    pub opaque_changed: Vec<String>,
    /// Build scripts that it touches.
    pub build: Vec<String>,
    /// Adds or changes a script that could make the files.
    pub generator: bool,
}

/// The sequence of xz: one identity adds an opaque file under the tests, changes it again, and touches the build, all within `days`.
/// Steps must be in order of time.
#[must_use]
pub fn sequence(steps: &[Step], days: i64) -> Vec<Finding> {
    let span = days.saturating_mul(86_400);
    let mut found = Vec::new();
    let mut by_who: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in steps {
        by_who.entry(&step.who).or_default().push(step);
    }
    for steps in by_who.values() {
        let added: BTreeMap<&str, &Step> = steps
            .iter()
            .filter(|step| !step.generator)
            .flat_map(|step| step.opaque_added.iter().map(move |path| (path.as_str(), *step)))
            .collect();
        let mut told = BTreeSet::new();
        for change in steps {
            for path in &change.opaque_changed {
                let Some(first) = added.get(path.as_str()) else { continue };
                let near = |step: &&&Step| (step.unix_seconds - first.unix_seconds).abs() <= span;
                let build = steps.iter().filter(near).find(|step| !step.build.is_empty());
                if let (true, Some(build), true) =
                    (change.unix_seconds - first.unix_seconds <= span, build, told.insert(path))
                {
                    let message = format!(
                        "added in {}, changed in {}, build touched in {} ({}) by the same identity",
                        short(&first.commit),
                        short(&change.commit),
                        short(&build.commit),
                        build.build.first().map_or("", String::as_str)
                    );
                    let mut finding = Finding::new(id::OPAQUE_SEQUENCE, 0, 0, message);
                    finding.path.clone_from(path);
                    finding.commit = Some(change.commit.clone());
                    found.push(finding);
                }
            }
        }
    }
    found
}

/// First ten digits of a commit id.
#[must_use]
pub fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect()
    }

    #[test]
    fn opaque_test_files_are_found_and_media_is_not() {
        let paths = PathTable::builtin().unwrap();
        let rule =
            |path: &str, generated| added(&paths, path, &noise(2_000), generated).first().map(|found| found.rule);
        assert_eq!(rule("tests/files/good-large.lzma", false), Some(id::OPAQUE_FILE));
        assert_eq!(rule("tests/files/bad-3-corrupt_lzma2.xz", true), Some(id::OPAQUE_NAME));
        assert_eq!(rule("tests/files/good-large.lzma", true), None, "its generator came along");
        assert_eq!(rule("tests/logo.png", false), None);
        assert_eq!(rule("src/data.bin", false), None);
        assert!(added(&paths, "tests/a.rs", b"fn main() {}", false).is_empty());
    }

    fn step(commit: &str, who: &str, day: i64, added: &[&str], changed: &[&str], build: &[&str]) -> Step {
        let list = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Step {
            commit: commit.to_owned(),
            who: who.to_owned(),
            unix_seconds: day * 86_400,
            opaque_added: list(added),
            opaque_changed: list(changed),
            build: list(build),
            generator: false,
        }
    }

    #[test]
    fn the_sequence_of_xz_is_found() {
        // Dates and shape of cf44e4b7 (2024-02-23), 328c52da (02-26) and 6e636819 (03-09).
        let file = "tests/files/bad-3-corrupt_lzma2.xz";
        let steps = [
            step("cf44e4b7", "j", 0, &[file], &[], &[]),
            step("328c52da", "j", 3, &[], &[], &["CMakeLists.txt"]),
            step("6e636819", "j", 15, &[], &[file], &[]),
        ];
        let found = sequence(&steps, 30);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].rule, found[0].path.as_str()), (id::OPAQUE_SEQUENCE, file));
        let mut other = steps.clone();
        other[1].who = "l".to_owned();
        assert!(sequence(&other, 30).is_empty(), "another person touched the build");
        assert!(sequence(&steps, 10).is_empty(), "too far apart");
        let mut with_generator = steps;
        with_generator[0].generator = true;
        assert!(sequence(&with_generator, 30).is_empty());
    }

    #[test]
    fn a_lone_full_stop_in_a_probe_is_found() {
        let old = "check_c_source_compiles(\"\n#include <linux/landlock.h>\nint main(void) { return 0; }\n\"\nHAVE_LANDLOCK)\n";
        let new = old.replace("landlock.h>\n", "landlock.h>\n.\n");
        assert_eq!(probes(old.as_bytes(), new.as_bytes())[0].rule, id::PROBE_BROKEN);
        assert!(probes(old.as_bytes(), old.as_bytes()).is_empty());
        assert!(probes(b"", b"# a list\n.\n").is_empty(), "not inside a probe");
    }
}

//! What evaluators publish beside runs: release dates, and horizons with dates (METR's `benchmark_results_*.yaml`).

use super::date::Day;
use super::error::{HorizonError, Place};
use super::frontier::Point;
use super::yaml::{self, Node};
use std::collections::BTreeMap;

/// Release dates by alias.
pub type Dates = BTreeMap<String, Day>;

/// Most aliases or results in one file.
const MAX_ENTRIES: usize = 4_096;

/// Reads release dates: YAML, `date → ALIAS → YYYY-MM-DD`.
///
/// # Errors
/// Not YAML, no `date` mapping, or a value that is no date, with the alias.
pub fn read_dates(file: &str, bytes: &[u8]) -> Result<Dates, HorizonError> {
    let root = yaml::read(file, bytes)?;
    let entries = root.get("date").map(Node::entries).unwrap_or_default();
    if entries.is_empty() {
        return Err(HorizonError::malformed(
            Place::path(file, "top level"),
            "there is no 'date' mapping; the format is date → ALIAS → YYYY-MM-DD",
        ));
    }
    limit(file, entries.len())?;
    entries
        .iter()
        .map(|(alias, node)| {
            let day = node.text().ok_or_else(|| "not a date".to_owned()).and_then(str::parse);
            let day = day.map_err(|why| HorizonError::malformed(Place::path(file, format!("date of {alias}")), why))?;
            Ok((alias.clone(), day))
        })
        .collect()
}

fn limit(file: &str, entries: usize) -> Result<(), HorizonError> {
    if entries > MAX_ENTRIES {
        return Err(HorizonError::TooLarge {
            place: Place::path(file, "top level"),
            what: "the number of entries",
            limit: MAX_ENTRIES,
        });
    }
    Ok(())
}

/// A suite's published horizons.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// `benchmark_name`.
    pub suite: String,
    /// Agents with date and p50, in the order of the file.
    pub points: Vec<Point>,
    /// Doubling times that the file itself states, by the name of the window.
    pub stated: Vec<(String, f64)>,
}

/// Reads published horizons.
///
/// # Errors
/// Not YAML, or a result without release date or p50 estimate, with its name.
pub fn read_published(file: &str, bytes: &[u8]) -> Result<Published, HorizonError> {
    let root = yaml::read(file, bytes)?;
    let wrong = |at: &str, why: &str| HorizonError::malformed(Place::path(file, at), why);
    let suite = root
        .get("benchmark_name")
        .and_then(Node::text)
        .ok_or_else(|| wrong("top level", "'benchmark_name' is missing"))?;
    let results = root.get("results").map(Node::entries).unwrap_or_default();
    if results.is_empty() {
        return Err(wrong("top level", "there is no 'results' mapping"));
    }
    limit(file, results.len())?;
    let mut points = Vec::with_capacity(results.len());
    for (agent, node) in results {
        let at = format!("results, {agent}");
        let day =
            node.get("release_date").and_then(Node::text).ok_or_else(|| wrong(&at, "'release_date' is missing"))?;
        let day = day.parse().map_err(|why: String| wrong(&at, &why))?;
        let minutes = path(node, &["metrics", "p50_horizon_length", "estimate"])
            .and_then(Node::number)
            .filter(|minutes| *minutes >= 0.0)
            .ok_or_else(|| wrong(&at, "'metrics', 'p50_horizon_length', 'estimate' must be a number of minutes"))?;
        points.push(Point { agent: agent.clone(), day, minutes });
    }
    let stated = root.get("doubling_time_in_days").map(Node::entries).unwrap_or_default();
    let stated =
        stated.iter().filter_map(|(name, node)| Some((name.clone(), node.get("point_estimate")?.number()?))).collect();
    Ok(Published { suite: suite.to_owned(), points, stated })
}

fn path<'a>(node: &'a Node, keys: &[&str]) -> Option<&'a Node> {
    keys.iter().try_fold(node, |node, key| node.get(key))
}

/// The newest suite's points, and those agents of older suites that the method stitches and the newest lacks.
#[must_use]
pub fn stitch(suites: &[Published], stitched: &[String]) -> Vec<Point> {
    let Some((newest, older)) = suites.split_first() else { return Vec::new() };
    let mut points = newest.points.clone();
    for suite in older {
        for point in &suite.points {
            if stitched.contains(&point.agent) && !points.iter().any(|known| known.agent == point.agent) {
                points.push(point.clone());
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "benchmark_name: S\ndoubling_time_in_days:\n  all:\n    point_estimate: 12.5\nresults:\n  a:\n    release_date: 2024-01-02\n    metrics:\n      p50_horizon_length:\n        estimate: 3.5\n";

    #[test]
    fn published_results_are_read() {
        let published = read_published("b.yaml", GOOD.as_bytes()).unwrap();
        assert_eq!((published.points.len(), published.stated[0].1), (1, 12.5));
        assert_eq!(published.points[0].day.to_string(), "2024-01-02");
    }

    #[test]
    fn errors_name_the_place() {
        for (from, to, why) in [
            ("2024-01-02", "2024-01-32", "results, a: '2024-01-32' is not a date"),
            ("estimate: 3.5", "estimate: .inf", "must be a number of minutes"),
            ("benchmark_name", "name", "'benchmark_name' is missing"),
            ("results:", "result:", "no 'results'"),
        ] {
            let error = read_published("b.yaml", GOOD.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        let error = read_dates("d.yaml", b"date:\n  A: soon\n").unwrap_err().to_string();
        assert!(error.contains("d.yaml, date of A: 'soon' is not a date"), "{error}");
        assert!(read_dates("d.yaml", b"dates:\n  A: 2024-01-01\n").is_err());
    }

    #[test]
    fn only_named_agents_are_stitched_and_the_newest_suite_wins() {
        let suite = |agents: &[&str], minutes| Published {
            suite: "S".to_owned(),
            points: agents
                .iter()
                .map(|agent| Point { agent: (*agent).to_owned(), day: "2024-01-01".parse().unwrap(), minutes })
                .collect(),
            stated: Vec::new(),
        };
        let points =
            stitch(&[suite(&["a", "b"], 1.0), suite(&["a", "c", "d"], 2.0)], &["a".to_owned(), "c".to_owned()]);
        let shown: Vec<(&str, f64)> = points.iter().map(|point| (point.agent.as_str(), point.minutes)).collect();
        assert_eq!(shown, [("a", 1.0), ("b", 1.0), ("c", 2.0)]);
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_dates("x", &bytes);
            let _ = read_published("x", &bytes);
        }
    }
}

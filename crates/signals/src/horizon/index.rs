//! Capability indices that grow on a straight line (Epoch's ECI): slope of the frontier, and whether the slope broke.
//!
//! An index in points has no doubling time. What can be asked is how many points a year the frontier gains, and whether that changed:
//!
//! * With a day fixed in advance: the F test of Chow (1960, "Tests of Equality Between Sets of Coefficients in Two Linear Regressions").
//!   With two parameters and n records its p-value has the closed form (1 + 2F/(n−4))^−(n−4)/2.
//! * Without one: the largest F over all admissible days (Andrews 1993, "Tests for Parameter Instability and Structural Change with
//!   Unknown Change Point"). Its asymptotic tables do not fit a dozen records; the statistic is pivotal under normal errors, so its
//!   p-value comes from simulation with the records' own days (Monte-Carlo test, Dwass 1957; Dufour 2006).
//!
//! Records of a running maximum are not independent observations. Both tests call a break more readily than they should when the
//! residuals hang together; the documentation says so beside the figures.

use super::date::Day;
use super::draws::BeaconDraws;
use super::error::{HorizonError, Place};
use super::frontier::{Trend, least_squares};
use super::method::{IndexMethod, Records};

/// Days of a year, as the slope per year takes it.
pub const DAYS_PER_YEAR: f64 = 365.25;
/// Largest accepted file, in bytes.
const MAX_BYTES: usize = 64 << 20;
/// Most rows.
const MAX_ROWS: usize = 200_000;
/// Fewest records on each side of a break.
const MIN_SIDE: usize = 3;

/// A scored model.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Name of the model.
    pub name: String,
    /// Release day.
    pub day: Day,
    /// Score in points.
    pub score: f64,
}

/// Rows of an index file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexFile {
    /// Models with score and release day, in the order of the file.
    pub scored: Vec<Scored>,
    /// Rows with a score but without a release day, which cannot count.
    pub undated: usize,
}

/// Which break was found, and how unlikely it is by chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Break {
    /// First day of the later part.
    pub day: Day,
    /// Whether the day was fixed in advance (Chow) or searched for (Andrews).
    pub fixed: bool,
    /// F statistic with 2 and n − 4 degrees of freedom.
    pub f: f64,
    /// Probability of so large a statistic without a break.
    pub p_value: f64,
    /// Points per day before.
    pub before: f64,
    /// Points per day from the day on.
    pub after: f64,
}

/// Reads an index from CSV.
///
/// # Errors
/// A column that is missing; a row with a score that is no finite number or a date that is none, with its number.
pub fn read_index(file: &str, bytes: &[u8], method: &IndexMethod) -> Result<IndexFile, HorizonError> {
    if bytes.len() > MAX_BYTES {
        return Err(HorizonError::TooLarge {
            place: Place::path(file, "size in bytes"),
            what: "the file",
            limit: MAX_BYTES,
        });
    }
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(bytes);
    let not_csv = |error: &csv::Error| {
        let at = error.position().map_or_else(|| "file".to_owned(), |at| format!("row {}", at.record() + 1));
        HorizonError::malformed(Place::path(file, at), format!("not CSV: {error}"))
    };
    let header = reader.headers().map_err(|error| not_csv(&error))?.clone();
    let column = |name: &str| {
        header.iter().position(|title| title == name).ok_or_else(|| {
            let titles: Vec<&str> = header.iter().take(20).collect();
            HorizonError::malformed(Place::row(file, 1), format!("no column '{name}'; there are {}", titles.join(", ")))
        })
    };
    let (score, date, name) =
        (column(&method.score_column)?, column(&method.date_column)?, column(&method.name_column)?);
    let mut index = IndexFile::default();
    for (at, record) in reader.records().enumerate() {
        let record = record.map_err(|error| not_csv(&error))?;
        let place = || Place::row(file, at + 2);
        if at >= MAX_ROWS {
            return Err(HorizonError::TooLarge { place: place(), what: "the number of rows", limit: MAX_ROWS });
        }
        let (text, day) = (record[score].trim(), record[date].trim());
        if text.is_empty() {
            continue;
        }
        let score: f64 = text.parse().ok().filter(|score: &f64| score.is_finite()).ok_or_else(|| {
            HorizonError::malformed(
                place(),
                format!("'{}' is not a finite number", text.chars().take(40).collect::<String>()),
            )
        })?;
        if day.is_empty() {
            index.undated += 1;
            continue;
        }
        let day = day.parse().map_err(|why: String| HorizonError::malformed(place(), why))?;
        index.scored.push(Scored { name: record[name].to_owned(), day, score });
    }
    Ok(index)
}

/// Records of the index inside the window.
#[must_use]
pub fn records(index: &IndexFile, method: &IndexMethod) -> Vec<Scored> {
    let mut inside: Vec<&Scored> = index
        .scored
        .iter()
        .filter(|row| {
            method.after.is_none_or(|after| row.day >= after) && method.before.is_none_or(|before| row.day < before)
        })
        .collect();
    match method.records {
        // The sort is stable, so that rows of one day keep the order of the file.
        Records::FileOrder => inside.sort_by_key(|row| row.day),
        Records::BestOfDay => {
            inside.sort_by(|a, b| a.day.cmp(&b.day).then(b.score.total_cmp(&a.score)).then(a.name.cmp(&b.name)))
        }
    }
    let mut best = f64::NEG_INFINITY;
    let mut records = Vec::new();
    for row in inside {
        if row.score > best {
            best = row.score;
            records.push(row.clone());
        }
    }
    records
}

/// Trend of the records.
#[must_use]
pub fn slope(records: &[Scored]) -> Option<Trend> {
    let points: Vec<(Day, f64)> = records.iter().map(|record| (record.day, record.score)).collect();
    least_squares(&points)
}

/// Chow's F for two lines that meet nowhere in particular, split before `at`; `None` when a side has too few days.
fn chow(points: &[(Day, f64)], at: usize, whole: &Trend) -> Option<(f64, Trend, Trend)> {
    let n = points.len();
    if at < MIN_SIDE || n - at < MIN_SIDE || n < 5 {
        return None;
    }
    let (early, late) = (least_squares(&points[..at])?, least_squares(&points[at..])?);
    let rest = early.residual + late.residual;
    let freedom = (n - 4) as f64;
    let f = (whole.residual - rest).max(0.0) / 2.0 / (rest / freedom);
    f.is_finite().then_some((f, early, late))
}

/// The largest F over all splits that leave the trimmed share on either side.
fn largest(points: &[(Day, f64)], trim: f64) -> Option<(usize, f64)> {
    let whole = least_squares(points)?;
    let side = side(points.len(), trim);
    (side..=points.len().saturating_sub(side))
        .filter(|&at| at > 0 && at < points.len() && points[at - 1].0 < points[at].0)
        .filter_map(|at| Some((at, chow(points, at, &whole)?.0)))
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
fn side(records: usize, trim: f64) -> usize {
    ((records as f64 * trim).ceil() as usize).max(MIN_SIDE)
}

/// Tests for a break in the slope. `None` when there are too few records on one side.
#[must_use]
pub fn slope_break(records: &[Scored], method: &IndexMethod, method_hash: &[u8; 32]) -> Option<Break> {
    let points: Vec<(Day, f64)> = records.iter().map(|record| (record.day, record.score)).collect();
    let whole = least_squares(&points)?;
    let at = match method.break_day {
        Some(day) => points.partition_point(|point| point.0 < day),
        None => largest(&points, method.trim)?.0,
    };
    let (f, early, late) = chow(&points, at, &whole)?;
    let p_value = match method.break_day {
        Some(_) => {
            let freedom = (points.len() - 4) as f64;
            libm::pow(1.0 + 2.0 * f / freedom, -freedom / 2.0)
        }
        None => simulated(&points, method, f, method_hash),
    };
    let day = method.break_day.unwrap_or(points[at].0);
    Some(Break { day, fixed: method.break_day.is_some(), f, p_value, before: early.slope, after: late.slope })
}

/// Share of simulations without a break whose largest F is at least the observed one, counted with the observation itself.
fn simulated(points: &[(Day, f64)], method: &IndexMethod, observed: f64, method_hash: &[u8; 32]) -> f64 {
    let mut draws = BeaconDraws::for_simulation(method_hash);
    let mut scratch = points.to_vec();
    let mut beyond = 0u32;
    for _ in 0..method.simulations {
        for pair in scratch.chunks_mut(2) {
            for (point, noise) in pair.iter_mut().zip(draws.normals()) {
                point.1 = noise;
            }
        }
        if largest(&scratch, method.trim).is_some_and(|(_, f)| f >= observed) {
            beyond += 1;
        }
    }
    f64::from(beyond + 1) / f64::from(method.simulations + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(noise: f64, before: f64, after: f64) -> Vec<Scored> {
        (0..24)
            .map(|step: i32| {
                let x = f64::from(step);
                let wiggle = noise * f64::from([1, -1, 2, -2, 1, 0, -1][(step % 7).unsigned_abs() as usize]);
                let score = 100.0 + before * x.min(12.0) + after * (x - 12.0).max(0.0) + wiggle;
                Scored { name: step.to_string(), day: Day::new(2022 + step / 12, step % 12 + 1, 1).unwrap(), score }
            })
            .collect()
    }

    #[test]
    fn a_break_is_found_and_a_straight_line_has_none() {
        let searched = IndexMethod { simulations: 999, ..IndexMethod::default() };
        let fixed = IndexMethod { break_day: Some("2023-01-01".parse().unwrap()), ..IndexMethod::default() };
        for method in [&searched, &fixed] {
            let broken = slope_break(&line(0.5, 1.0, 3.0), method, &[0; 32]).unwrap();
            assert!(broken.p_value <= 0.001 + 1e-12 && broken.after > 2.0 * broken.before, "{broken:?}");
            assert_eq!(broken.day.civil().0, 2023 - i32::from(broken.day.civil().1 > 6), "{broken:?}");
            let straight = slope_break(&line(0.5, 1.0, 1.0), method, &[0; 32]).unwrap();
            assert!(straight.p_value > 0.1, "{straight:?}");
        }
    }

    /// scipy.stats.f.sf(4.2, 2, 10) = 0.0474...: the closed form is the F distribution's tail.
    #[test]
    fn the_closed_form_is_the_f_tail() {
        assert!((libm::pow(1.0f64 + 2.0 * 4.2 / 10.0, -5.0) - FTAIL).abs() < 1e-12);
    }
    const FTAIL: f64 = 0.047414468316868755;

    #[test]
    fn ties_of_a_day_depend_on_the_rule_only_when_the_rule_says_so() {
        let row = |name: &str, score| Scored { name: name.to_owned(), day: "2024-01-01".parse().unwrap(), score };
        let index = |rows: [Scored; 2]| IndexFile { scored: rows.to_vec(), undated: 0 };
        let (up, down) = (index([row("a", 1.0), row("b", 2.0)]), index([row("b", 2.0), row("a", 1.0)]));
        let count = |index: &IndexFile, records_rule| {
            records(index, &IndexMethod { records: records_rule, ..IndexMethod::default() }).len()
        };
        assert_eq!((count(&up, Records::FileOrder), count(&down, Records::FileOrder)), (2, 1));
        assert_eq!((count(&up, Records::BestOfDay), count(&down, Records::BestOfDay)), (1, 1));
    }

    #[test]
    fn errors_name_row_and_column() {
        let refused =
            |text: &str| read_index("e.csv", text.as_bytes(), &IndexMethod::default()).unwrap_err().to_string();
        assert!(refused("a,b\n").contains("no column 'ECI Score'; there are a, b"));
        let header = "Model version,ECI Score,Release date\n";
        assert!(
            refused(&format!("{header}x,1,2024-01-01\ny,inf,2024-01-01\n"))
                .contains("e.csv, row 3: 'inf' is not a finite")
        );
        assert!(refused(&format!("{header}x,1,tomorrow\n")).contains("row 2: 'tomorrow' is not a date"));
        let read = read_index(
            "e.csv",
            format!("{header}x,,2024-01-01\ny,2,\nz,3,2024-01-01\n").as_bytes(),
            &IndexMethod::default(),
        )
        .unwrap();
        assert_eq!((read.scored.len(), read.undated), (1, 1));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_index("x", &bytes, &IndexMethod::default());
        }
    }
}

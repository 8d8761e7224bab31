//! Who is at the frontier, and how fast it doubles.

use super::date::Day;
use super::method::Frontier;

/// An agent with its release day and horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Alias.
    pub agent: String,
    /// Release day.
    pub day: Day,
    /// Horizon in minutes.
    pub minutes: f64,
}

/// A straight line by ordinary least squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Change of the value per day.
    pub slope: f64,
    /// Mean of the days, as an ordinal.
    pub mean_day: f64,
    /// Mean of the values.
    pub mean: f64,
    /// Share of the variance that the line explains.
    pub r_squared: f64,
    /// Standard error of the slope, under independent errors of one size; not a number below three points.
    pub slope_error: f64,
    /// Sum of squared residuals.
    pub residual: f64,
}

/// Agents on the frontier, by METR's rule: the window is applied first; then, day by day, the best horizon so far is updated with
/// that day's best, and every agent of the day that reaches it counts.
#[must_use]
pub fn frontier(points: &[Point], rule: &Frontier) -> Vec<Point> {
    let mut inside: Vec<&Point> = points
        .iter()
        .filter(|point| {
            rule.after.is_none_or(|after| point.day >= after) && rule.before.is_none_or(|before| point.day < before)
        })
        .filter(|point| point.minutes.is_finite() && !rule.exclude.contains(&point.agent))
        .collect();
    inside.sort_by(|a, b| (a.day, &a.agent).cmp(&(b.day, &b.agent)));
    let mut best = f64::NEG_INFINITY;
    let mut reached = Vec::new();
    for day in inside.chunk_by(|a, b| a.day == b.day) {
        best = day.iter().fold(best, |best, point| best.max(point.minutes));
        reached.extend(day.iter().filter(|point| point.minutes >= best).map(|point| (*point).clone()));
    }
    reached
}

/// Least squares of values on ordinal days; `None` when all days are one day or there are fewer than two points.
#[must_use]
pub fn least_squares(points: &[(Day, f64)]) -> Option<Trend> {
    let n = points.len() as f64;
    if points.len() < 2 {
        return None;
    }
    let mean_day = points.iter().map(|(day, _)| f64::from(day.ordinal())).sum::<f64>() / n;
    let mean = points.iter().map(|(_, value)| value).sum::<f64>() / n;
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (day, value) in points {
        let (x, y) = (f64::from(day.ordinal()) - mean_day, value - mean);
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    if !(xx > 0.0 && xy.is_finite()) {
        return None;
    }
    let slope = xy / xx;
    let residual = points
        .iter()
        .map(|(day, value)| {
            let rest = value - mean - slope * (f64::from(day.ordinal()) - mean_day);
            rest * rest
        })
        .sum::<f64>();
    let slope_error = if points.len() > 2 { (residual / (n - 2.0) / xx).sqrt() } else { f64::NAN };
    let r_squared = if yy > 0.0 { 1.0 - residual / yy } else { f64::NAN };
    Some(Trend { slope, mean_day, mean, r_squared, slope_error, residual })
}

impl Trend {
    /// Value of the line on a day.
    #[must_use]
    pub fn at(&self, day: f64) -> f64 {
        self.mean + self.slope * (day - self.mean_day)
    }
}

/// Natural logarithm of a horizon as the trend takes it, between the method's floor and cap.
fn log_minutes(minutes: f64, rule: &Frontier) -> f64 {
    libm::log(minutes.max(rule.floor_minutes).min(rule.cap_minutes.unwrap_or(f64::INFINITY)))
}

/// Trend of the natural logarithm of frontier horizons.
#[must_use]
pub fn trend(points: &[Point], rule: &Frontier) -> Option<Trend> {
    let logs: Vec<(Day, f64)> = points.iter().map(|point| (point.day, log_minutes(point.minutes, rule))).collect();
    least_squares(&logs)
}

/// Days in which the trend doubles; negative when it falls.
#[must_use]
pub fn doubling_days(trend: &Trend) -> f64 {
    std::f64::consts::LN_2 / trend.slope
}

/// Doubling time of one resample of the frontier agents' horizons, as METR computes its intervals: values that are missing, infinite
/// or under the floor are left out, and only rising trends count.
#[must_use]
pub fn resampled_doubling_days(points: &[(Day, f64)], rule: &Frontier) -> f64 {
    let logs: Vec<(Day, f64)> = points
        .iter()
        .filter(|(_, minutes)| minutes.is_finite() && *minutes >= rule.floor_minutes)
        .map(|(day, minutes)| (*day, log_minutes(*minutes, rule)))
        .collect();
    match least_squares(&logs) {
        Some(trend) if trend.slope > 0.0 => doubling_days(&trend),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(agent: &str, day: &str, minutes: f64) -> Point {
        Point { agent: agent.to_owned(), day: day.parse().unwrap(), minutes }
    }

    fn names(points: &[Point]) -> Vec<&str> {
        points.iter().map(|point| point.agent.as_str()).collect()
    }

    #[test]
    fn the_best_of_a_day_is_compared_with_that_day_included() {
        let points = [
            point("a", "2024-01-01", 4.0),
            point("b", "2024-02-01", 6.0),
            point("c", "2024-02-01", 8.0),
            point("d", "2024-03-01", 7.0),
            point("e", "2024-04-01", 8.0),
            point("human", "2024-05-01", 900.0),
        ];
        assert_eq!(names(&frontier(&points, &Frontier::default())), ["a", "c", "e"]);
        let late = Frontier { after: Some("2024-03-01".parse().unwrap()), ..Frontier::default() };
        assert_eq!(names(&frontier(&points, &late)), ["d", "e"], "a window restarts the running maximum");
        let early = Frontier { before: Some("2024-02-01".parse().unwrap()), ..Frontier::default() };
        assert_eq!(names(&frontier(&points, &early)), ["a"]);
    }

    #[test]
    fn a_doubling_every_hundred_days_is_found() {
        let rule = Frontier::default();
        let points: Vec<Point> = (0..6)
            .map(|step| Point {
                agent: step.to_string(),
                day: Day::new(2024, 1, 1 + step * 5).unwrap(),
                minutes: libm::exp2(f64::from(step) / 20.0),
            })
            .collect();
        let trend = trend(&points, &rule).unwrap();
        assert!((doubling_days(&trend) - 100.0).abs() < 1e-9 && trend.r_squared > 0.999_999);
    }

    #[test]
    fn resamples_leave_out_what_has_no_value() {
        let rule = Frontier::default();
        let day = |n| Day::new(2024, 1, n).unwrap();
        let clean = [(day(1), 1.0), (day(11), 2.0), (day(21), 4.0)];
        let dirty = [clean[0], (day(5), f64::NAN), (day(6), f64::INFINITY), (day(7), 1e-9), clean[1], clean[2]];
        assert!((resampled_doubling_days(&clean, &rule) - 10.0).abs() < 1e-9);
        assert_eq!(resampled_doubling_days(&dirty, &rule), resampled_doubling_days(&clean, &rule));
        assert!(resampled_doubling_days(&[(day(1), 4.0), (day(3), 2.0)], &rule).is_nan());
        assert!(resampled_doubling_days(&[(day(1), 4.0)], &rule).is_nan());
    }
}

//! Percentiles of resamples, with the error that comes from drawing only so many of them.

/// An interval of percentiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentiles {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Monte-Carlo standard error of the lower end.
    pub low_error: f64,
    /// Monte-Carlo standard error of the upper end.
    pub high_error: f64,
    /// Resamples that gave a value.
    pub valid: usize,
}

/// NumPy's default percentile of sorted values: linear between neighbours (Hyndman and Fan 1996, definition 7).
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ position < length")]
pub fn linear(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = share.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let weight = position - position.floor();
    let (a, b) = (sorted[below], sorted[(below + 1).min(last)]);
    if weight == 0.0 || a == b {
        return a;
    }
    // NumPy takes the nearer end as the start, which keeps the result monotone.
    if weight < 0.5 { a + (b - a) * weight } else { b - (b - a) * (1.0 - weight) }
}

/// Standard error of a percentile by its order statistics: half the distance of the values one binomial standard deviation of ranks
/// to either side (David and Nagaraja, *Order Statistics*, 2003, section 7.1).
fn error(sorted: &[f64], share: f64) -> f64 {
    let n = sorted.len() as f64;
    let spread = (share * (1.0 - share) / n).sqrt();
    (linear(sorted, share + spread) - linear(sorted, share - spread)) / 2.0
}

/// The middle `percent` of the values; values that are not numbers are left out. `None` when none is left.
#[must_use]
pub fn middle(values: impl Iterator<Item = f64>, percent: f64) -> Option<Percentiles> {
    let mut sorted: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_by(f64::total_cmp);
    let tail = (1.0 - percent / 100.0) / 2.0;
    let (low, high) = (tail, 1.0 - tail);
    Some(Percentiles {
        low: linear(&sorted, low),
        high: linear(&sorted, high),
        low_error: error(&sorted, low),
        high_error: error(&sorted, high),
        valid: sorted.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy.quantile([1, 2, 4, 8, 16], [0, 0.025, 0.5, 0.9, 1]).
    #[test]
    fn percentiles_are_numpys() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (share, expected) in [(0.0, 1.0), (0.025, 1.1), (0.5, 4.0), (0.9, 12.8), (1.0, 16.0)] {
            assert!((linear(&values, share) - expected).abs() < 1e-12, "{share}");
        }
        assert!(linear(&[], 0.5).is_nan());
        assert_eq!(linear(&[3.0], 0.9), 3.0);
        assert_eq!(linear(&[1.0, f64::INFINITY, f64::INFINITY], 0.75), f64::INFINITY);
    }

    #[test]
    fn the_error_shrinks_with_the_number_of_resamples() {
        let uniform = |n: u32| middle((0..n).map(|i| f64::from(i) / f64::from(n)), 95.0).unwrap();
        let (few, many) = (uniform(1_000), uniform(100_000));
        assert!((few.low - 0.025).abs() < 1e-3 && (few.high - 0.975).abs() < 2e-3);
        // √(0.025 × 0.975 / n) for a uniform distribution.
        assert!((few.high_error - 0.00494).abs() < 2e-4 && (many.high_error - 0.000_494).abs() < 2e-5);
        assert!(middle([f64::NAN].into_iter(), 95.0).is_none());
    }
}

use super::*;
use proptest::prelude::*;

fn data(points: &[(f64, f64, f64)]) -> Vec<Observation> {
    points.iter().map(|&(x, weight, success)| Observation { x, weight, success }).collect()
}

/// Gradient at the optimum, from the definition.
fn slip(data: &[Observation], lambda: f64, line: Line) -> f64 {
    Derivatives::at(data, lambda, 0.0, line).square().sqrt()
}

#[test]
fn a_balanced_pair_has_its_horizon_in_the_middle() {
    let fit = fit(&data(&[(0.0, 0.5, 0.4), (4.0, 0.5, 0.1)]), 1e-5);
    let line = fit.line().unwrap();
    assert!((fit.horizon_minutes(50) - 4.0).abs() < 1e-9, "{fit:?}");
    assert!((line.success_rate(0.0) - 0.8).abs() < 1e-3 && line.slope < 0.0);
    assert!(fit.horizon_minutes(80) < fit.horizon_minutes(50));
}

#[test]
fn one_class_gives_no_line() {
    assert_eq!(fit(&data(&[(0.0, 0.5, 0.0), (4.0, 0.5, 0.0)]), 0.1), Fit::AllFailed);
    assert_eq!(fit(&data(&[(0.0, 0.5, 0.5), (4.0, 0.5, 0.5)]), 0.1), Fit::AllSucceeded);
    assert_eq!(Fit::AllFailed.horizon_minutes(50), 0.0);
    assert!(Fit::AllSucceeded.horizon_minutes(50).is_nan());
}

#[test]
fn separable_data_still_has_an_optimum() {
    let data = data(&[(0.0, 0.3, 0.3), (3.0, 0.2, 0.2), (6.0, 0.2, 0.0), (9.0, 0.3, 0.0)]);
    let line = fit(&data, 1e-5).line().unwrap();
    assert!(slip(&data, 1e-5, line) < 1e-12, "{line:?}");
    assert!(line.slope < -2.0);
}

proptest! {
    /// From any data the gradient ends at round-off.
    #[test]
    fn the_gradient_vanishes(points in proptest::collection::vec((-6.0..12.0f64, 0.01..1.0f64, 0.0..=1.0f64), 2..40), strong in any::<bool>()) {
        let data: Vec<Observation> = points.iter().map(|&(x, weight, rate)| Observation { x, weight, success: weight * rate.round() }).collect();
        let lambda = if strong { 0.1 } else { 1e-5 };
        if let Fit::Line(line) = fit(&data, lambda) {
            let total: f64 = data.iter().map(|point| point.weight).sum();
            prop_assert!(slip(&data, lambda, line) < 1e-11 * total * 12.0, "{line:?}: {}", slip(&data, lambda, line));
        }
    }
}

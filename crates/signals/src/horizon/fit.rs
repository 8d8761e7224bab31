//! The regularised, weighted logistic fit of one agent, by Newton's method in two unknowns.
//!
//! Minimises Σ w (ln(1+eᶻ) − y z) + (λ/2) b² with z = a + b x, x = log2(minutes), over (a, b); the intercept a is not penalised.
//! This is scikit-learn's `LogisticRegression(C = 1/λ)`, solved to round-off instead of to a tolerance of 1e-4.
//!
//! Only IEEE 754 basic operations and the `libm` crate's exp and log are used, never the platform's, and sums run in one fixed
//! order: the result has the same bits on every machine.

mod certificate;
mod interval;

pub use certificate::{Certificate, certify};

use super::suite::Suite;

/// One aggregated observation of an agent: all runs on one task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// log2 of the task's length in minutes.
    pub x: f64,
    /// Sum of the weights of the runs.
    pub weight: f64,
    /// Sum of weight × outcome.
    pub success: f64,
}

/// Intercept and slope per doubling of the length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Intercept a.
    pub intercept: f64,
    /// Slope b.
    pub slope: f64,
}

/// What came out of a fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fit {
    /// No run succeeded: horizon 0, slope −∞.
    AllFailed,
    /// Every run succeeded: no horizon can be named, the suite is too easy.
    AllSucceeded,
    /// The optimum.
    Line(Line),
}

impl Fit {
    /// Horizon in minutes at a success rate; 0 when all failed, `NaN` when none can be named.
    #[must_use]
    pub fn horizon_minutes(&self, percent: u32) -> f64 {
        match self {
            Self::AllFailed => 0.0,
            Self::AllSucceeded => f64::NAN,
            Self::Line(line) => line.horizon_minutes(percent),
        }
    }

    /// The line, when there is one.
    #[must_use]
    pub fn line(&self) -> Option<Line> {
        if let Self::Line(line) = self { Some(*line) } else { None }
    }
}

impl Line {
    /// Length in minutes at which the modelled success rate is `percent`: 2^((ln(q/(1−q)) − a)/b).
    #[must_use]
    pub fn horizon_minutes(&self, percent: u32) -> f64 {
        let q = f64::from(percent) / 100.0;
        libm::exp2((libm::log(q / (1.0 - q)) - self.intercept) / self.slope)
    }

    /// Modelled success rate at a length.
    #[must_use]
    pub fn success_rate(&self, log2_minutes: f64) -> f64 {
        logistic(self.intercept + self.slope * log2_minutes)
    }
}

/// 1/(1+e^−z), without overflow.
pub(crate) fn logistic(z: f64) -> f64 {
    let e = libm::exp(-z.abs());
    if z >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// Observations of one agent of a suite.
#[must_use]
pub fn observations(suite: &Suite, agent: usize) -> Vec<Observation> {
    suite
        .cells_of(agent)
        .map(|cell| Observation {
            x: suite.tasks[cell.task].log2_minutes,
            weight: cell.weight * cell.runs(),
            success: cell.weight * cell.successes(),
        })
        .collect()
}

/// Gradient and Hessian at a line, in the coordinates (value at the centre, slope).
///
/// Lengths are taken from a centre, because sums of squares far from zero lose digits: the determinant of the Hessian is a small
/// difference of large numbers unless the centre is near the runs that matter.
#[derive(Clone, Copy)]
struct Derivatives {
    a: f64,
    b: f64,
    aa: f64,
    ab: f64,
    bb: f64,
}

impl Derivatives {
    fn at(data: &[Observation], lambda: f64, centre: f64, line: Line) -> Self {
        let mut sum = Self { a: 0.0, b: lambda * line.slope, aa: 0.0, ab: 0.0, bb: lambda };
        for point in data {
            let x = point.x - centre;
            let p = logistic(line.intercept + line.slope * x);
            let residual = point.weight * p - point.success;
            let curvature = point.weight * (p * (1.0 - p));
            let tilted = curvature * x;
            sum.a += residual;
            sum.b += residual * x;
            sum.aa += curvature;
            sum.ab += tilted;
            sum.bb += tilted * x;
        }
        sum
    }

    fn square(&self) -> f64 {
        self.a * self.a + self.b * self.b
    }

    /// Newton's step; `None` when the Hessian is singular to working precision.
    fn step(&self) -> Option<(f64, f64)> {
        let determinant = self.aa * self.bb - self.ab * self.ab;
        if !(determinant > 0.0 && determinant.is_finite()) {
            return None;
        }
        let a = (self.bb * self.a - self.ab * self.b) / determinant;
        let b = (self.aa * self.b - self.ab * self.a) / determinant;
        (a.is_finite() && b.is_finite()).then_some((a, b))
    }
}

/// Most Newton steps. Ordinary fits take under ten; the bound only makes the loop finite.
const MAX_STEPS: usize = 200;
/// Most halvings of one step.
const MAX_HALVINGS: usize = 60;
/// A step smaller than this, relative to the parameters, is round-off.
const ROUND_OFF: f64 = 1e-15;

/// Rounds of the fit; each takes the centre where the curvature of the one before lies.
const ROUNDS: usize = 3;

/// Minimises to round-off.
#[must_use]
pub fn newton(data: &[Observation], lambda: f64) -> Line {
    let total: f64 = data.iter().map(|point| point.weight).sum();
    let mut centre = data.iter().map(|point| point.weight * point.x).sum::<f64>() / total;
    let mut line = Line { intercept: 0.0, slope: 0.0 };
    for _ in 0..ROUNDS {
        line = descend(data, lambda, centre, line, ROUND_OFF);
        let local = line.moved(centre);
        let here = Derivatives::at(data, lambda, centre, local);
        let shift = here.ab / here.aa;
        if !shift.is_finite() {
            break;
        }
        centre += shift;
    }
    line
}

impl Line {
    /// The same line with the intercept taken at a centre.
    fn moved(self, centre: f64) -> Self {
        Self { intercept: self.intercept + self.slope * centre, slope: self.slope }
    }
}

/// Minimises from a starting line, until a Newton step is below `tolerance` relative to the parameters.
///
/// The squared gradient falls along Newton's direction of a strictly convex function, so that halving a step until it falls makes
/// the method converge from anywhere. When no halving makes it fall, the round-off floor is reached and the best point is kept.
/// Newton doubles the correct digits with a step: a last step under 1e-6 leaves an error near 1e-12, which is what a resample needs.
pub(crate) fn descend(data: &[Observation], lambda: f64, centre: f64, start: Line, tolerance: f64) -> Line {
    let mut line = start.moved(centre);
    let mut here = Derivatives::at(data, lambda, centre, line);
    for _ in 0..MAX_STEPS {
        let Some(step) = here.step() else { break };
        match advance(data, lambda, centre, line, &here, step, tolerance) {
            Advance::Moved(next, there) => (line, here) = (next, there),
            Advance::Done(last) => return last.moved(-centre),
        }
    }
    line.moved(-centre)
}

enum Advance {
    Moved(Line, Derivatives),
    Done(Line),
}

/// One Newton step, halved until the gradient falls.
fn advance(
    data: &[Observation],
    lambda: f64,
    centre: f64,
    line: Line,
    here: &Derivatives,
    (mut a, mut b): (f64, f64),
    tolerance: f64,
) -> Advance {
    for _ in 0..MAX_HALVINGS {
        let next = Line { intercept: line.intercept - a, slope: line.slope - b };
        let small = a.abs() + b.abs() <= tolerance * (1.0 + next.intercept.abs() + next.slope.abs());
        if small {
            // At round-off a step may also lead away; above it, the last step is taken without a look at where it leads.
            return Advance::Done(if tolerance > ROUND_OFF { next } else { line });
        }
        let there = Derivatives::at(data, lambda, centre, next);
        if there.square() < here.square() {
            return Advance::Moved(next, there);
        }
        (a, b) = (a * 0.5, b * 0.5);
    }
    Advance::Done(line)
}

/// Fits one agent's observations.
#[must_use]
pub fn fit(data: &[Observation], lambda: f64) -> Fit {
    match classes(data) {
        (_, false) => Fit::AllFailed,
        (false, true) => Fit::AllSucceeded,
        (true, true) => Fit::Line(newton(data, lambda)),
    }
}

/// Whether there are failures, and whether there are successes.
fn classes(data: &[Observation]) -> (bool, bool) {
    let failures = data.iter().any(|point| point.success < point.weight);
    let successes = data.iter().any(|point| point.success > 0.0);
    (failures, successes)
}

#[cfg(test)]
mod tests;

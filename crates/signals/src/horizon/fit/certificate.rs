//! Proof that the optimum lies where the fit says: the interval form of Newton's method (Krawczyk 1969; Neumaier, *Interval Methods
//! for Systems of Equations*, 1990, section 5.1).
//!
//! For a box X around the fitted point c, K(X) = c − Y·g(c) + (I − Y·H(X))(X − c), with the gradient g and the Hessian H in interval
//! arithmetic and Y an approximate inverse of H(c). When K(X) lies inside X, the exact gradient has exactly one zero in X. Weights
//! and logarithms enter as intervals computed from the counts and minutes, so that their rounding is covered too.

use super::Line;
use super::interval::Interval;
use crate::horizon::method::Weights;
use crate::horizon::suite::Suite;

/// A proved box around the fitted line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate {
    /// The exact optimum differs from the fitted intercept by less than this.
    pub intercept_radius: f64,
    /// And from the fitted slope by less than this.
    pub slope_radius: f64,
}

impl Certificate {
    /// The larger of the two radii, relative to the parameters.
    #[must_use]
    pub fn relative(&self, line: Line) -> f64 {
        (self.intercept_radius / line.intercept.abs()).max(self.slope_radius / line.slope.abs())
    }
}

/// Relative sizes of box that are tried.
const RADII: [f64; 9] = [1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5];

struct Point {
    x: Interval,
    weight: Interval,
    success: Interval,
}

/// The observations of one agent with every rounding enclosed.
fn points(suite: &Suite, agent: usize, weights: Weights) -> Vec<Point> {
    let mut sizes = vec![0.0f64; suite.families.len()];
    for cell in suite.cells_of(agent) {
        sizes[suite.tasks[cell.task].family] += 1.0;
    }
    let share = |task: usize| match weights {
        Weights::InverseSqrtFamily => Interval::point(sizes[suite.tasks[task].family]).sqrt().recip(),
        Weights::EqualTask => Interval::point(1.0),
    };
    let total = suite.cells_of(agent).fold(Interval::point(0.0), |sum, cell| sum.add(share(cell.task)));
    suite
        .cells_of(agent)
        .map(|cell| {
            let weight = share(cell.task).mul(total.recip());
            let rate = Interval::point(cell.successes()).mul(Interval::point(cell.runs()).recip());
            Point { x: Interval::point(suite.tasks[cell.task].minutes).log2(), weight, success: weight.mul(rate) }
        })
        .collect()
}

/// Gradient over a box.
fn gradient(data: &[Point], lambda: f64, a: Interval, b: Interval) -> [Interval; 2] {
    let mut sum = [Interval::point(0.0), Interval::point(lambda).mul(b)];
    for point in data {
        let p = a.add(b.mul(point.x)).logistic();
        let residual = point.weight.mul(p).sub(point.success);
        sum[0] = sum[0].add(residual);
        sum[1] = sum[1].add(residual.mul(point.x));
    }
    sum
}

/// Hessian over a box: aa, ab, bb.
fn hessian(data: &[Point], lambda: f64, a: Interval, b: Interval) -> [Interval; 3] {
    let mut sum = [Interval::point(0.0), Interval::point(0.0), Interval::point(lambda)];
    for point in data {
        let p = a.add(b.mul(point.x)).logistic();
        let curvature = point.weight.mul(p.times_rest());
        let tilted = curvature.mul(point.x);
        sum[0] = sum[0].add(curvature);
        sum[1] = sum[1].add(tilted);
        sum[2] = sum[2].add(tilted.mul(point.x));
    }
    sum
}

/// Proves a box around a fitted line, the smallest of a few sizes that works; `None` when none does.
#[must_use]
pub fn certify(suite: &Suite, agent: usize, weights: Weights, lambda: f64, line: Line) -> Option<Certificate> {
    let data = points(suite, agent, weights);
    let (a, b) = (Interval::point(line.intercept), Interval::point(line.slope));
    let middle = hessian(&data, lambda, a, b).map(|entry| (entry.low + entry.high) / 2.0);
    let determinant = middle[0] * middle[2] - middle[1] * middle[1];
    if !(determinant > 0.0 && determinant.is_finite()) {
        return None;
    }
    // Any Y gives a valid proof; the inverse of the Hessian's middle gives one that succeeds.
    let inverse = [middle[2] / determinant, -middle[1] / determinant, middle[0] / determinant].map(Interval::point);
    let slip = gradient(&data, lambda, a, b);
    let shift =
        [inverse[0].mul(slip[0]).add(inverse[1].mul(slip[1])), inverse[1].mul(slip[0]).add(inverse[2].mul(slip[1]))];
    RADII.iter().find_map(|scale| {
        let radius = [scale * line.intercept.abs().max(0.1), scale * line.slope.abs().max(0.01)];
        proves(&data, lambda, line, &inverse, &shift, radius)
            .then_some(Certificate { intercept_radius: radius[0], slope_radius: radius[1] })
    })
}

/// Whether K(X) lies inside X for the box of the given radii.
fn proves(data: &[Point], lambda: f64, line: Line, y: &[Interval; 3], shift: &[Interval; 2], radius: [f64; 2]) -> bool {
    let boxes = [Interval::around(line.intercept, radius[0]), Interval::around(line.slope, radius[1])];
    let h = hessian(data, lambda, boxes[0], boxes[1]);
    let one = Interval::point(1.0);
    let rest = [
        one.sub(y[0].mul(h[0]).add(y[1].mul(h[1]))),
        Interval::point(0.0).sub(y[0].mul(h[1]).add(y[1].mul(h[2]))),
        Interval::point(0.0).sub(y[1].mul(h[0]).add(y[2].mul(h[1]))),
        one.sub(y[1].mul(h[1]).add(y[2].mul(h[2]))),
    ];
    let centre = [Interval::point(line.intercept), Interval::point(line.slope)];
    let off = [boxes[0].sub(centre[0]), boxes[1].sub(centre[1])];
    let image = [
        centre[0].sub(shift[0]).add(rest[0].mul(off[0])).add(rest[1].mul(off[1])),
        centre[1].sub(shift[1]).add(rest[2].mul(off[0])).add(rest[3].mul(off[1])),
    ];
    image[0].inside(boxes[0]) && image[1].inside(boxes[1])
}

//! Interval arithmetic with outward rounding: every operation gives an interval that holds the exact result.

/// A closed interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Width by which results of libm's exp and log2 are widened, in units of the last place on each side. The musl routines state
/// errors under one unit; four leave room.
const LIBM_ULPS: usize = 4;

fn down(value: f64, steps: usize) -> f64 {
    (0..steps).fold(value, |value, _| value.next_down())
}

fn up(value: f64, steps: usize) -> f64 {
    (0..steps).fold(value, |value, _| value.next_up())
}

impl Interval {
    pub(crate) fn point(value: f64) -> Self {
        Self { low: value, high: value }
    }

    pub(crate) fn around(centre: f64, radius: f64) -> Self {
        Self { low: (centre - radius).next_down(), high: (centre + radius).next_up() }
    }

    /// The result of one correctly rounded operation lies within half a unit of the exact value.
    fn outward(low: f64, high: f64) -> Self {
        Self { low: low.next_down(), high: high.next_up() }
    }

    pub(crate) fn add(self, other: Self) -> Self {
        Self::outward(self.low + other.low, self.high + other.high)
    }

    pub(crate) fn sub(self, other: Self) -> Self {
        Self::outward(self.low - other.high, self.high - other.low)
    }

    pub(crate) fn mul(self, other: Self) -> Self {
        let products = [self.low * other.low, self.low * other.high, self.high * other.low, self.high * other.high];
        let low = products.iter().copied().fold(f64::INFINITY, f64::min);
        let high = products.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::outward(low, high)
    }

    /// 1/x for an interval above zero.
    pub(crate) fn recip(self) -> Self {
        Self::outward(1.0 / self.high, 1.0 / self.low)
    }

    pub(crate) fn sqrt(self) -> Self {
        Self::outward(self.low.sqrt(), self.high.sqrt())
    }

    pub(crate) fn log2(self) -> Self {
        Self { low: down(libm::log2(self.low), LIBM_ULPS), high: up(libm::log2(self.high), LIBM_ULPS) }
    }

    fn exp(self) -> Self {
        Self { low: down(libm::exp(self.low), LIBM_ULPS).max(0.0), high: up(libm::exp(self.high), LIBM_ULPS) }
    }

    /// 1/(1+e^−z), which grows with z.
    pub(crate) fn logistic(self) -> Self {
        let minus = Self { low: -self.high, high: -self.low };
        minus.exp().add(Self::point(1.0)).recip()
    }

    /// p(1−p) for an interval of probabilities: at most 1/4, and monotone on either side of 1/2.
    pub(crate) fn times_rest(self) -> Self {
        let value = |p: f64| p * (1.0 - p);
        let (low, high) = (value(self.low), value(self.high));
        let top = if self.low <= 0.5 && self.high >= 0.5 { 0.25 } else { low.max(high) };
        // Two roundings: the difference and the product.
        Self { low: down(low.min(high), 2).max(0.0), high: up(top, 2) }
    }

    pub(crate) fn inside(self, other: Self) -> bool {
        other.low < self.low && self.high < other.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holds(interval: Interval, value: f64) -> bool {
        interval.low <= value && value <= interval.high
    }

    proptest! {
        /// Points inside the operands give results inside the result.
        #[test]
        fn results_of_points_lie_inside(a in -50.0..50.0f64, b in -50.0..50.0f64, ra in 0.0..3.0f64, rb in 0.0..3.0f64, s in -1.0..1.0f64, t in -1.0..1.0f64) {
            let (x, y) = (Interval::around(a, ra), Interval::around(b, rb));
            let (p, q) = (a + s * ra, b + t * rb);
            prop_assert!(holds(x.add(y), p + q) && holds(x.sub(y), p - q) && holds(x.mul(y), p * q));
            let share = x.logistic();
            let value = super::super::logistic(p);
            prop_assert!(holds(share, value) && holds(share.times_rest(), value * (1.0 - value)));
            let positive = Interval::around(a.abs() + 4.0, ra);
            let v = a.abs() + 4.0 + s * ra;
            prop_assert!(holds(positive.recip(), 1.0 / v) && holds(positive.sqrt(), v.sqrt()) && holds(positive.log2(), libm::log2(v)));
        }
    }
}

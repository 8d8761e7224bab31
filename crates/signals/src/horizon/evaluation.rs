//! One computation under one method and one treatment of flagged runs, in full precision: fits, resamples, frontier, trend.

use super::bootstrap::{Resamples, Source, resample};
use super::date::Day;
use super::error::HorizonError;
use super::fit::{Fit, fit, observations};
use super::frontier::{Point, Trend, doubling_days, frontier, resampled_doubling_days, trend};
use super::method::{Frontier, Method, Treatment};
use super::published::{Dates, Published, stitch};
use super::quantile::{Percentiles, middle};
use super::results::Results;
use super::suite::Suite;

/// Runs with their fits and resamples.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The suite under the method.
    pub suite: Suite,
    /// Fit of each agent, in the order of the suite.
    pub fits: Vec<Fit>,
    /// Resamples of all agents.
    pub resamples: Resamples,
    /// Longest task of each agent, in minutes.
    pub longest: Vec<f64>,
}

impl Fitted {
    /// Fits and resamples the runs.
    ///
    /// # Errors
    /// As [`Suite::build`].
    pub fn new(
        results: &Results,
        method: &Method,
        cheating: Treatment,
        source: Source,
        threads: usize,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Self, HorizonError> {
        let suite = Suite::build(results, method, cheating)?;
        let fits = fit_all(&suite, method.lambda);
        let count = usize::try_from(method.bootstrap.resamples).unwrap_or(0);
        let resamples = resample(&suite, &fits, method.lambda, source, count, threads, progress);
        let mut longest = vec![0.0f64; suite.agents.len()];
        for cell in &suite.cells {
            longest[cell.agent] = longest[cell.agent].max(suite.tasks[cell.task].minutes);
        }
        Ok(Self { suite, fits, resamples, longest })
    }

    /// Index of an alias.
    #[must_use]
    pub fn agent(&self, alias: &str) -> Option<usize> {
        self.suite.agents.iter().position(|known| known == alias)
    }
}

/// Fits of all agents of a suite.
pub(crate) fn fit_all(suite: &Suite, lambda: f64) -> Vec<Fit> {
    (0..suite.agents.len()).map(|agent| fit(&observations(suite, agent), lambda)).collect()
}

/// Agents with a release day and a horizon, as points for the frontier.
pub(crate) fn dated(suite: &Suite, fits: &[Fit], dates: &Dates, percent: u32) -> Vec<Point> {
    suite
        .agents
        .iter()
        .zip(fits)
        .filter_map(|(alias, fit)| {
            let day = *dates.get(alias)?;
            Some(Point { agent: alias.clone(), day, minutes: fit.horizon_minutes(percent) })
        })
        .collect()
}

/// The frontier and its trend.
#[derive(Clone, Debug)]
pub struct Growth {
    /// All points inside and outside the window.
    pub points: Vec<Point>,
    /// Points on the frontier.
    pub frontier: Vec<Point>,
    /// Trend of the logarithm; `None` with fewer than two days.
    pub trend: Option<Trend>,
    /// Doubling time in each resample; empty when a frontier agent has no resamples.
    pub resampled: Vec<f64>,
}

impl Growth {
    /// Frontier and trend of the runs' agents and of published suites, newest first.
    #[must_use]
    pub fn new(fitted: Option<&Fitted>, published: &[Published], dates: &Dates, method: &Method) -> Self {
        let percent = method.percents.first().copied().unwrap_or(50);
        let mut suites = Vec::with_capacity(published.len() + 1);
        if let Some(fitted) = fitted {
            let points = dated(&fitted.suite, &fitted.fits, dates, percent);
            suites.push(Published { suite: method.suite.clone(), points, stated: Vec::new() });
        }
        suites.extend_from_slice(published);
        let points = stitch(&suites, &method.frontier.stitch);
        Self::of(points, &method.frontier, fitted, percent)
    }

    /// Frontier and trend under a rule.
    pub(crate) fn of(points: Vec<Point>, rule: &Frontier, fitted: Option<&Fitted>, percent: u32) -> Self {
        let frontier = frontier(&points, rule);
        let trend = trend(&frontier, rule);
        let resampled = fitted.and_then(|fitted| resampled(&frontier, rule, fitted, percent)).unwrap_or_default();
        Self { points, frontier, trend, resampled }
    }

    /// Doubling time in days of the trend; `None` when it does not rise.
    #[must_use]
    pub fn doubling_days(&self) -> Option<f64> {
        self.trend.as_ref().filter(|trend| trend.slope > 0.0).map(doubling_days)
    }

    /// Interval of the doubling time.
    #[must_use]
    pub fn interval(&self, percent: f64) -> Option<Percentiles> {
        middle(self.resampled.iter().copied(), percent)
    }
}

/// Doubling time of every resample with the frontier of the point estimates, as METR does it: that the frontier itself is uncertain
/// is not in the interval. `None` when an agent of the frontier has no runs here.
fn resampled(frontier: &[Point], rule: &Frontier, fitted: &Fitted, percent: u32) -> Option<Vec<f64>> {
    let agents: Vec<(Day, usize)> =
        frontier.iter().map(|point| Some((point.day, fitted.agent(&point.agent)?))).collect::<Option<_>>()?;
    let row = |number: usize| -> Vec<(Day, f64)> {
        agents.iter().map(|(day, agent)| (*day, fitted.resamples.horizon_minutes(number, *agent, percent))).collect()
    };
    Some((0..fitted.resamples.len()).map(|number| resampled_doubling_days(&row(number), rule)).collect())
}

/// What happens to horizons and to the doubling time when one family is left out.
#[derive(Clone, Debug)]
pub struct LeaveOneOut {
    /// Name of the family that was left out.
    pub family: String,
    /// Horizon of each agent in minutes, in the order of the suite.
    pub minutes: Vec<f64>,
    /// Doubling time in days.
    pub doubling_days: Option<f64>,
}

/// Computes everything again without each family in turn.
#[must_use]
pub fn leave_one_out(fitted: &Fitted, published: &[Published], dates: &Dates, method: &Method) -> Vec<LeaveOneOut> {
    let percent = method.percents.first().copied().unwrap_or(50);
    fitted
        .suite
        .families
        .iter()
        .enumerate()
        .map(|(at, family)| {
            let suite = fitted.suite.without_family(at, method.weights);
            let fits = fit_all(&suite, method.lambda);
            let mut suites = vec![Published {
                suite: method.suite.clone(),
                points: dated(&suite, &fits, dates, percent),
                stated: Vec::new(),
            }];
            suites.extend_from_slice(published);
            let growth = Growth::of(stitch(&suites, &method.frontier.stitch), &method.frontier, None, percent);
            let minutes = fits.iter().map(|fit| fit.horizon_minutes(percent)).collect();
            LeaveOneOut { family: family.name.clone(), minutes, doubling_days: growth.doubling_days() }
        })
        .collect()
}

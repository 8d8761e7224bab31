//! From inputs to the record.

use super::super::bootstrap::Source;
use super::super::date::Day;
use super::super::draws::beacon_key;
use super::super::error::HorizonError;
use super::super::evaluation::{Fitted, Growth, LeaveOneOut, leave_one_out};
use super::super::figure::Figure;
use super::super::fit::certify;
use super::super::frontier::Point;
use super::super::index::{self, Break, DAYS_PER_YEAR, IndexFile};
use super::super::method::{Frontier, Generator, Method, Plan, Treatment};
use super::super::outcome::{Evidence, Judged, Outcome, agree, judge};
use super::super::published::{Dates, Published, read_dates, read_published};
use super::super::quantile::{Percentiles, middle};
use super::super::results::{Remark, Results};
use super::super::suspicion;
use super::{
    AgentFigures, Bin, BreakFigures, DoublingFigure, FORMAT, GrowthFigures, HorizonFigure, IndexFigures, Inputs,
    LeaveOneOutRange, PointFigure, Record, Role, SuiteFigures, TriggerFigures,
};

/// Ends of METR's ranges of task length in minutes; the last is open.
const BIN_MINUTES: [f64; 8] = [0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 960.0, f64::INFINITY];

/// Inputs after reading.
#[derive(Default)]
struct Read {
    results: Results,
    published: Vec<(String, Published)>,
    dates: Dates,
    index: Option<IndexFile>,
}

/// Computes the record of a plan on inputs.
///
/// `threads` 0 means one per core; the bytes are the same for any number. `progress` hears of finished resamples.
///
/// # Errors
/// An input that cannot be read, is not the pinned one, or lacks what the method needs; a plan without meaning.
pub fn recompute(
    inputs: &Inputs,
    plan: &Plan,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Record, HorizonError> {
    plan.check()?;
    let method = &plan.method;
    let method_hash = method.hash()?;
    let read = read(inputs, method)?;
    let source = source(inputs, method, &method_hash)?;
    let fit = |treatment| Fitted::new(&read.results, method, treatment, source, threads, progress);
    let fitted = if read.results.runs.is_empty() { None } else { Some(fit(method.cheating)?) };
    let published: Vec<Published> = read.published.iter().map(|(_, published)| published.clone()).collect();
    let grow = |fitted: Option<&Fitted>| Growth::new(fitted, &published, &read.dates, method);
    let growth = Some(grow(fitted.as_ref())).filter(|growth| !growth.points.is_empty());
    let left_out =
        fitted.as_ref().map(|fitted| leave_one_out(fitted, &published, &read.dates, method)).unwrap_or_default();
    let slope_break = read
        .index
        .as_ref()
        .map(|file| index::slope_break(&index::records(file, &method.index), &method.index, &method_hash));
    let evidence =
        Evidence { method, fitted: fitted.as_ref(), growth: growth.as_ref(), left_out: &left_out, slope_break };
    let mut judged: Vec<Judged> = plan.triggers.iter().map(|trigger| judge(trigger, &evidence)).collect();
    if method.cheating_must_agree && !plan.triggers.is_empty() && read.results.runs.iter().any(|run| run.cheating) {
        let outcomes = [Treatment::Fail, Treatment::Drop, Treatment::Success].map(
            |treatment| -> Result<Vec<Outcome>, HorizonError> {
                let fitted = fit(treatment)?;
                let growth = Some(grow(Some(&fitted))).filter(|growth| !growth.points.is_empty());
                let evidence = Evidence {
                    method,
                    fitted: Some(&fitted),
                    growth: growth.as_ref(),
                    left_out: &left_out,
                    slope_break,
                };
                Ok(plan.triggers.iter().map(|trigger| judge(trigger, &evidence).outcome).collect())
            },
        );
        let [fail, drop, success] = outcomes;
        let (fail, drop, success) = (fail?, drop?, success?);
        judged =
            judged.into_iter().enumerate().map(|(at, judged)| agree(judged, fail[at], drop[at], success[at])).collect();
    }
    let triggers = plan.triggers.iter().zip(judged).map(|(trigger, judged)| {
        Ok(TriggerFigures {
            name: trigger.name.clone(),
            trigger_hash: hex::encode(trigger.hash(&method_hash)?),
            judged,
        })
    });
    Ok(Record {
        format: FORMAT.to_owned(),
        computed_by: concat!("standstill-signals ", env!("CARGO_PKG_VERSION")).to_owned(),
        method_hash: hex::encode(method_hash),
        plan: plan.clone(),
        inputs: inputs.files.iter().map(super::Input::digest).collect(),
        beacon: inputs.beacon.clone(),
        suite: fitted.as_ref().map(|fitted| suite_figures(&read.results, fitted)),
        agents: fitted.as_ref().map(|fitted| agents(fitted, &read.dates, method, &left_out)).unwrap_or_default(),
        growth: growth
            .as_ref()
            .map(|growth| growth_figures(growth, fitted.as_ref(), method, &left_out, &read.published)),
        index: read.index.as_ref().map(|file| index_figures(file, method, slope_break.flatten())),
        triggers: triggers.collect::<Result<_, HorizonError>>()?,
        remarks: remarks(&read, fitted.as_ref(), method),
    })
}

fn read(inputs: &Inputs, method: &Method) -> Result<Read, HorizonError> {
    let mut read = Read::default();
    let mut once = std::collections::BTreeSet::new();
    for file in &inputs.files {
        let (name, bytes) = (file.name.as_str(), file.bytes.as_slice());
        if matches!(file.role, Role::Dates | Role::Index) && !once.insert(file.role) {
            return Err(HorizonError::Missing(format!("{name}: a second file of this kind; give one")));
        }
        match file.role {
            Role::Runs => drop(read.results.read_runs(name, bytes)?),
            Role::Tasks => drop(read.results.read_tasks(name, bytes)?),
            Role::Published => read.published.push((name.to_owned(), read_published(name, bytes)?)),
            Role::Index => read.index = Some(index::read_index(name, bytes, &method.index)?),
            Role::Dates => {
                if let Some(pinned) = &method.dates_sha256
                    && *pinned != file.digest().sha256
                {
                    return Err(HorizonError::PinnedInput {
                        file: name.to_owned(),
                        found: file.digest().sha256,
                        pinned: pinned.clone(),
                    });
                }
                read.dates = read_dates(name, bytes)?;
            }
        }
    }
    if read.results.runs.is_empty() && read.published.is_empty() && read.index.is_none() {
        return Err(HorizonError::Missing(
            "there are no results; give runs, per-task results, published horizons or an index".to_owned(),
        ));
    }
    if let Some(pinned) = &method.task_list
        && !read.results.runs.is_empty()
    {
        let found = hex::encode(read.results.task_list_hash());
        if found != *pinned {
            return Err(HorizonError::TaskList { found, pinned: pinned.clone() });
        }
    }
    Ok(read)
}

fn source(inputs: &Inputs, method: &Method, method_hash: &[u8; 32]) -> Result<Source, HorizonError> {
    if method.bootstrap.generator == Generator::Numpy {
        return Ok(Source::Numpy { seed: method.bootstrap.seed });
    }
    let wanted = method.bootstrap.beacon.as_deref().unwrap_or_default();
    let round = inputs.beacon.as_ref().filter(|round| round.beacon == wanted);
    let round = round
        .ok_or_else(|| HorizonError::Missing(format!("the method draws from beacon '{wanted}'; give a round of it")))?;
    let key = beacon_key(method_hash, round);
    let key =
        key.ok_or_else(|| HorizonError::Missing("the beacon's randomness must be 64 hexadecimal digits".to_owned()))?;
    Ok(Source::Beacon { key })
}

fn count(number: usize) -> u64 {
    number as u64
}

fn suite_figures(results: &Results, fitted: &Fitted) -> SuiteFigures {
    let estimates = results.tasks.iter().map(|task| task.minutes_source.as_deref().map(|source| source == "estimate"));
    let estimated: Option<Vec<bool>> = estimates.collect();
    SuiteFigures {
        task_list: hex::encode(results.task_list_hash()),
        runs_read: count(results.runs.len()),
        runs: count(fitted.suite.runs()),
        runs_flagged: count(results.runs.iter().filter(|run| run.cheating).count()),
        runs_at_usage_limit: count(results.runs.iter().filter(|run| run.usage_limit).count()),
        tasks: count(fitted.suite.tasks.len()),
        families: count(fitted.suite.families.len()),
        longest_minutes: Figure::new(fitted.suite.tasks.iter().fold(0.0, |longest, task| task.minutes.max(longest))),
        estimated_lengths: estimated.map(|list| count(list.into_iter().filter(|estimate| *estimate).count())),
    }
}

fn agents(fitted: &Fitted, dates: &Dates, method: &Method, left_out: &[LeaveOneOut]) -> Vec<AgentFigures> {
    (0..fitted.suite.agents.len()).map(|agent| agent_figures(fitted, agent, dates, method, left_out)).collect()
}

fn agent_figures(
    fitted: &Fitted,
    agent: usize,
    dates: &Dates,
    method: &Method,
    left_out: &[LeaveOneOut],
) -> AgentFigures {
    let suite = &fitted.suite;
    let mut families: Vec<usize> = suite.cells_of(agent).map(|cell| suite.tasks[cell.task].family).collect();
    families.sort_unstable();
    families.dedup();
    let line = fitted.fits[agent].line();
    let certificate =
        line.and_then(|line| Some(certify(suite, agent, method.weights, method.lambda, line)?.relative(line)));
    let without = left_out.iter().map(|left| (left.family.as_str(), left.minutes[agent]));
    AgentFigures {
        agent: suite.agents[agent].clone(),
        released: dates.get(&suite.agents[agent]).copied(),
        runs: count(suite.cells_of(agent).map(|cell| cell.outcomes.len()).sum()),
        tasks: count(suite.cells_of(agent).count()),
        families: count(families.len()),
        longest_minutes: Figure::new(fitted.longest[agent]),
        average: Figure::new(suite.cells_of(agent).map(|cell| cell.weight * cell.successes()).sum()),
        intercept: line.map_or(Figure::NONE, |line| Figure::new(line.intercept)),
        slope: line.map_or(Figure::NONE, |line| Figure::new(line.slope)),
        certified_within: certificate.map_or(Figure::NONE, Figure::new),
        horizons: method.percents.iter().map(|&percent| horizon(fitted, agent, percent, method)).collect(),
        bins: bins(fitted, agent),
        without_one_family: range(without),
    }
}

fn ends(interval: Option<Percentiles>) -> ([Figure; 4], u64) {
    interval.map_or(([Figure::NONE; 4], 0), |found| {
        ([found.low, found.high, found.low_error, found.high_error].map(Figure::new), count(found.valid))
    })
}

fn horizon(fitted: &Fitted, agent: usize, percent: u32, method: &Method) -> HorizonFigure {
    let interval = middle(fitted.resamples.horizons(agent, percent), method.bootstrap.interval_percent);
    let ([low, high, low_error, high_error], valid_resamples) = ends(interval);
    let minutes = Figure::new(fitted.fits[agent].horizon_minutes(percent));
    HorizonFigure { percent, minutes, low, high, low_error, high_error, valid_resamples }
}

fn bins(fitted: &Fitted, agent: usize) -> Vec<Bin> {
    let bin = |ends: &[f64]| {
        let inside = fitted
            .suite
            .cells_of(agent)
            .filter(|cell| (ends[0]..ends[1]).contains(&fitted.suite.tasks[cell.task].minutes));
        let (mut tasks, mut weight, mut success) = (0, 0.0, 0.0);
        for cell in inside {
            tasks += 1;
            weight += cell.weight * cell.runs();
            success += cell.weight * cell.successes();
        }
        (tasks > 0).then(|| Bin {
            from_minutes: Figure::new(ends[0]),
            to_minutes: Figure::new(ends[1]),
            tasks,
            rate: Figure::new(success / weight),
        })
    };
    BIN_MINUTES.windows(2).filter_map(bin).collect()
}

/// Lowest and highest of the values that exist.
fn range<'a>(values: impl Iterator<Item = (&'a str, f64)>) -> Option<LeaveOneOutRange> {
    let values: Vec<(&str, f64)> = values.filter(|(_, value)| !value.is_nan()).collect();
    let low = values.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let high = values.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(LeaveOneOutRange {
        low: Figure::new(low.1),
        low_without: low.0.to_owned(),
        high: Figure::new(high.1),
        high_without: high.0.to_owned(),
    })
}

fn doubling(window: &str, rule: &Frontier, growth: &Growth, method: &Method) -> DoublingFigure {
    let ([low, high, low_error, high_error], valid_resamples) =
        ends(growth.interval(method.bootstrap.interval_percent));
    DoublingFigure {
        window: window.to_owned(),
        after: rule.after,
        before: rule.before,
        agents: count(growth.frontier.len()),
        days: growth.doubling_days().map_or(Figure::NONE, Figure::new),
        low,
        high,
        low_error,
        high_error,
        valid_resamples,
        r_squared: growth.trend.map_or(Figure::NONE, |trend| Figure::new(trend.r_squared)),
    }
}

fn growth_figures(
    growth: &Growth,
    fitted: Option<&Fitted>,
    method: &Method,
    left_out: &[LeaveOneOut],
    published: &[(String, Published)],
) -> GrowthFigures {
    let percent = method.percents.first().copied().unwrap_or(50);
    let mut points: Vec<&Point> = growth.points.iter().collect();
    points.sort_by(|a, b| (a.day, &a.agent).cmp(&(b.day, &b.agent)));
    let points = points.into_iter().map(|point| PointFigure {
        agent: point.agent.clone(),
        released: point.day,
        minutes: Figure::new(point.minutes),
        frontier: growth.frontier.contains(point),
    });
    let window = |name: &str, after: Option<Day>, before: Option<Day>| {
        let rule = Frontier { after, before, ..method.frontier.clone() };
        let other = Growth::of(growth.points.clone(), &rule, fitted, percent);
        doubling(name, &rule, &other, method)
    };
    let year = |year| Day::new(year, 1, 1);
    let other_windows = vec![
        window("all", None, None),
        window("from 2023", year(2023), None),
        window("from 2024", year(2024), None),
        window("from 2025", year(2025), None),
    ];
    let stated = published.iter().flat_map(|(file, published)| {
        published.stated.iter().map(move |(window, days)| (file.clone(), window.clone(), Figure::new(*days)))
    });
    let first = growth.frontier.first().map(|point| f64::from(point.day.ordinal()));
    let at_first = growth.trend.zip(first).map(|(trend, first)| trend.at(first) / std::f64::consts::LN_2);
    GrowthFigures {
        points: points.collect(),
        doubling: doubling("method", &method.frontier, growth, method),
        other_windows: other_windows.into_iter().filter(|window| window.agents > 1).collect(),
        without_one_family: range(left_out.iter().filter_map(|left| Some((left.family.as_str(), left.doubling_days?)))),
        stated: stated.collect(),
        trend_log2_at_first: at_first.map_or(Figure::NONE, Figure::new),
    }
}

fn index_figures(file: &IndexFile, method: &Method, slope_break: Option<Break>) -> IndexFigures {
    let records = index::records(file, &method.index);
    let trend = index::slope(&records);
    let figure = |value: Option<f64>| value.map_or(Figure::NONE, Figure::new);
    IndexFigures {
        models: count(file.scored.len()),
        undated: count(file.undated),
        points_per_year: figure(trend.map(|trend| trend.slope * DAYS_PER_YEAR)),
        standard_error: figure(trend.map(|trend| trend.slope_error * DAYS_PER_YEAR)),
        r_squared: figure(trend.map(|trend| trend.r_squared)),
        slope_break: slope_break.map(|found| BreakFigures {
            test: if found.fixed { "chow" } else { "andrews-sup-f" }.to_owned(),
            day: found.day,
            f: Figure::new(found.f),
            p_value: Figure::new(found.p_value),
            before_per_year: Figure::new(found.before * DAYS_PER_YEAR),
            after_per_year: Figure::new(found.after * DAYS_PER_YEAR),
        }),
        records: records.into_iter().map(|record| (record.name, record.day, Figure::new(record.score))).collect(),
    }
}

fn remarks(read: &Read, fitted: Option<&Fitted>, method: &Method) -> Vec<Remark> {
    let Some(fitted) = fitted else { return Vec::new() };
    let mut remarks = suspicion::remarks(&read.results, fitted, &read.dates, method);
    if !read.dates.is_empty() {
        let undated = fitted
            .suite
            .agents
            .iter()
            .filter(|alias| !read.dates.contains_key(*alias) && !method.frontier.exclude.contains(alias));
        remarks.extend(
            undated
                .map(|alias| Remark::new("undated", format!("'{alias}' has no release date and cannot be frontier"))),
        );
    }
    remarks
}

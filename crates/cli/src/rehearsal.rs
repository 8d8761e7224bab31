//! A rehearsal: one telemetry set, metered and sealed under a throw-away agreement of one party, audited, bundled.
//!
//! For trying an own export (or a published one) from end to end in one command. One window spans the telemetry; everything else is what
//! the commands of each role do.

use crate::args::TableArgs;
use crate::bundle::{Sources, collect};
use crate::demo::audit_day;
use crate::demo::cast::{Cast, PublicCast};
use crate::demo::world;
use crate::exit::{CliError, CliResult};
use crate::folder;
use crate::progress::Progress;
use crate::role::power::SiteFacts;
use crate::table_columns;
use standstill_agreement::{Agreement, Baseline, Bound, Limit, Measure, Per, Phase, PhaseStep, Scope, WindowTerms};
use standstill_ledger::{ChipTable, Device, Fleet, WindowLedger, WindowSpec};
use standstill_meter::adapter::sacct::Placement;
use standstill_meter::source::{self, Metered, SourceKind, SourceOptions};
use standstill_meter::{Assignment, Assignments, FinishOptions, Grid, JobFacts, JobMap, Partials, UpperRule};
use standstill_statement::{Class, Mode, Name, RunDeclaration};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The party's name.
pub(crate) const PARTY: &str = "lab";
/// The job that unlabelled telemetry is given.
const JOB: &str = "rehearsal";
/// Resolution at which the span of the telemetry is found.
const SURVEY_SLOT_MS: u64 = 60_000;
/// Slot lengths to choose from: the shortest that gives at most [`MAX_SLOTS`].
const SLOTS_SECONDS: [u64; 5] = [60, 300, 900, 3_600, 21_600];
const MAX_SLOTS: u64 = 1_000;

/// What to rehearse.
pub(crate) struct Request {
    pub(crate) kind: SourceKind,
    pub(crate) input: Vec<PathBuf>,
    pub(crate) chip: Option<String>,
    pub(crate) per_node: u32,
    pub(crate) class: Class,
    pub(crate) run: Option<Name>,
    pub(crate) select: Option<String>,
    pub(crate) period_seconds: u64,
    pub(crate) table: TableArgs,
    pub(crate) trace_start_unix_seconds: u64,
    pub(crate) jobs: Option<PathBuf>,
    pub(crate) mode: Mode,
}

/// What came out.
pub(crate) struct Rehearsed {
    pub(crate) ledger: WindowLedger,
    pub(crate) bundle: PathBuf,
    pub(crate) remarks: Vec<String>,
    pub(crate) rows: u64,
}

/// Telemetry with the devices behind it.
struct Read {
    metered: Metered,
    fleet: Fleet,
}

pub(crate) fn play(request: &Request, out: &Path, progress: &Progress) -> CliResult<Rehearsed> {
    progress.say("Metering");
    let survey = read(request, Grid { origin_ms: 0, slot_ms: SURVEY_SLOT_MS })?;
    let spec = window_of(&survey.metered.partials)?;
    let read = read(request, Grid { origin_ms: spec.start_ms, slot_ms: spec.slot_ms })?;
    let jobs = jobs_of(request, &read.metered)?;
    let table = ChipTable::builtin().map_err(CliError::bug)?;
    let ledger =
        read.metered.partials.finish(&read.fleet, &table, &spec, &jobs, FinishOptions { upper: UpperRule::ChipTime });
    let ledger = ledger.map_err(CliError::unreadable)?;
    folder::write(&out.join("window.ledger"), &ledger.encode().map_err(CliError::unreadable)?)?;
    folder::write(&out.join("fleet.csv"), read.fleet.to_csv().as_bytes())?;
    progress.say("Sealing, publishing, auditing");
    let party = Name::new(PARTY).map_err(CliError::bug)?;
    let mut cast = Cast::assemble(&[(party, request.mode)], out, &|public| agreement(&spec, public))?;
    cast.declare(0, &read.fleet, runs_of(&jobs))?;
    let end = cast.auditor.issuer.agreement.end_unix_seconds();
    let lab = &mut cast.labs[0];
    lab.report(&ledger, vec![request.kind.name().to_owned()], end + 7_200, &mut cast.rng)?;
    cast.witnesses.cosign(&mut lab.issuer, end + 7_260)?;
    let site = SiteFacts { whole_node: is_power(request.kind), ..audit_day::SITE };
    audit_day::play(&mut cast, 0, end, &[], &site)?;
    cast.last_word()?;
    let bundle = out.join("bundle");
    collect(
        &Sources { agreement: cast.terms_path(), homes: cast.homes(), rounds: cast.rounds.clone(), forks: Vec::new() },
        &bundle,
    )?;
    let notes = &read.metered.notes;
    Ok(Rehearsed {
        ledger,
        bundle,
        remarks: notes.remarks.iter().cloned().collect(),
        rows: read.metered.partials.tally().rows,
    })
}

fn read(request: &Request, grid: Grid) -> CliResult<Read> {
    let mut options = SourceOptions {
        period_ms: request.period_seconds.saturating_mul(1000),
        run: request.select.clone(),
        trace_start_ms: i64::try_from(request.trace_start_unix_seconds.saturating_mul(1000))
            .map_err(CliError::usage)?,
        ..SourceOptions::new(grid)
    };
    table_columns::apply(&request.table, request.kind, &mut options)?;
    let nodes = source::nodes(request.kind, &request.input, &options).map_err(CliError::unreadable)?;
    let per_node = request.per_node.max(1);
    let keys = |node: &String| (0..per_node).map(move |index| format!("{node}/{index}")).collect::<Vec<_>>();
    options.placement =
        Placement::new(nodes.iter().flat_map(|node| keys(node).into_iter().map(move |key| (node.clone(), key))));
    if is_power(request.kind) {
        options.job = Some(JOB.to_owned());
    }
    let mut metered = source::open(request.kind, &request.input, &options).map_err(CliError::unreadable)?;
    if !metered.tokens.is_empty() {
        let tokens: u128 = metered.tokens.values().map(|tokens| tokens.input + tokens.output).sum();
        return Err(CliError::usage(format!(
            "a request trace names no device, so it accounts for no chip time and cannot make a report. It supports one thing: it says that {tokens} tokens were served, \
             to be compared with metered inference (2 operations per active parameter and token)"
        )));
    }
    let unlabelled = metered.partials.devices().next().is_some()
        && metered.partials.jobs().len() <= 1
        && metered.jobs.jobs.is_empty();
    if unlabelled && !is_power(request.kind) {
        // Telemetry without job labels: the whole of it is the one job that the command line describes.
        let mut assignments = Assignments::new();
        for (device, _) in metered.partials.devices() {
            assignments.insert(device, Assignment { start_ms: i64::MIN, end_ms: i64::MAX, job: JOB.to_owned() });
        }
        options.assignments = assignments;
        metered = source::open(request.kind, &request.input, &options).map_err(CliError::unreadable)?;
    }
    let fleet = fleet_of(request, &metered)?;
    Ok(Read { metered, fleet })
}

const fn is_power(kind: SourceKind) -> bool {
    matches!(kind, SourceKind::PowerMllog | SourceKind::PowerSpl | SourceKind::PowerParquet | SourceKind::PowerCsv)
}

/// Registers every device that the telemetry names: a rehearsal has no fleet list to compare with.
fn fleet_of(request: &Request, metered: &Metered) -> CliResult<Fleet> {
    let table = ChipTable::builtin().map_err(CliError::bug)?;
    let name = |text: &str| Name::new(text).map_err(CliError::bug);
    let given = request.chip.as_deref().map(|chip| {
        let model = table.by_alias(chip).or_else(|| Name::new(chip).ok().and_then(|id| table.get(&id)));
        model
            .map(|model| model.id.clone())
            .ok_or_else(|| CliError::usage(format!("--chip {chip} is not in the chip table; see: standstill chips")))
    });
    let given = given.transpose()?;
    let mut devices = Vec::new();
    for (index, (key, _)) in metered.partials.devices().enumerate() {
        let exported = metered.models.get(key).and_then(|model| table.by_alias(model)).map(|model| model.id.clone());
        let Some(model) = given.clone().or(exported) else {
            let seen =
                metered.models.get(key).map_or_else(String::new, |model| format!(" (the telemetry says '{model}')"));
            return Err(CliError::usage(format!(
                "the chip model of {key} is not known{seen}. Add --chip, with an id from: standstill chips"
            )));
        };
        // Racks of at most 128, so that one group is one balance area.
        let area = name(&format!("rack-{}", index / 128 + 1))?;
        devices.push(Device {
            key: key.to_owned(),
            model,
            site: name("site")?,
            area,
            domain: name("fabric")?,
            custody: Vec::new(),
        });
    }
    if devices.is_empty() {
        return Err(CliError::unreadable("the telemetry names no device, so there is no chip time to account for"));
    }
    Fleet::new(devices).map_err(CliError::unreadable)
}

fn window_of(partials: &Partials) -> CliResult<WindowSpec> {
    let slots: BTreeSet<i64> = partials.devices().flat_map(|(_, units)| units.iter().map(|(slot, _)| *slot)).collect();
    let (Some(first), Some(last)) = (slots.first(), slots.last()) else {
        return Err(CliError::unreadable("the telemetry holds no reading; check the --source kind and the files"));
    };
    let slot = i64::try_from(SURVEY_SLOT_MS).map_err(CliError::bug)?;
    let start_ms = first * slot;
    let span_seconds = u64::try_from((last + 1) * slot - start_ms).map_err(CliError::bug)?.div_ceil(1000);
    let slot_seconds = SLOTS_SECONDS.into_iter().find(|seconds| span_seconds.div_ceil(*seconds) <= MAX_SLOTS);
    let Some(slot_seconds) = slot_seconds else {
        let days = span_seconds / 86_400;
        return Err(CliError::usage(format!(
            "the telemetry spans {days} days; rehearse at most {} at a time",
            MAX_SLOTS * 21_600 / 86_400
        )));
    };
    Ok(WindowSpec {
        index: 0,
        start_ms,
        length_ms: span_seconds.div_ceil(slot_seconds) * slot_seconds * 1000,
        slot_ms: slot_seconds * 1000,
    })
}

fn jobs_of(request: &Request, metered: &Metered) -> CliResult<JobMap> {
    let mut jobs = metered.jobs.clone();
    if let Some(path) = &request.jobs {
        let map =
            JobMap::from_toml(&folder::read_text(path)?, &path.display().to_string()).map_err(CliError::unreadable)?;
        for (job, facts) in map.jobs {
            jobs.insert(job, facts);
        }
    }
    let run = match (&request.run, request.class.changes_weights()) {
        (Some(run), _) => Some(run.clone()),
        (None, true) => Some(Name::new("run-1").map_err(CliError::bug)?),
        (None, false) => None,
    };
    jobs.insert(JOB, JobFacts { run, ..JobFacts::of_class(request.class) });
    // A class that changes weights needs a run; published accounting rarely names one, so each such job becomes its own.
    let mut named = JobMap::new();
    for (job, mut facts) in jobs.jobs {
        if facts.class.changes_weights() && facts.run.is_none() {
            let text: String = job
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
                .take(40)
                .collect();
            facts.run = Some(Name::new(&format!("job-{text}")).map_err(CliError::unreadable)?);
        }
        named.insert(job, facts);
    }
    Ok(named)
}

fn runs_of(jobs: &JobMap) -> Vec<RunDeclaration> {
    let mut runs: BTreeMap<Name, Class> = BTreeMap::new();
    for facts in jobs.jobs.values() {
        if let (Some(run), true) = (&facts.run, facts.class.changes_weights() || facts.class == Class::Experiment) {
            runs.entry(run.clone()).or_insert(facts.class);
        }
    }
    let declare = |(run, class)| RunDeclaration {
        run,
        parents: Vec::new(),
        class,
        planned_petaops: 0,
        parameters: 0,
        active_parameters: 0,
        dataset_tokens: 0,
        from_window: 0,
    };
    runs.into_iter().map(declare).collect()
}

/// Terms that a rehearsal is judged by: one window, a cap per run, and at most nine tenths of the time unaccounted: short exports begin and end in
/// the middle of things. A real agreement allows far less.
fn agreement(spec: &WindowSpec, public: &PublicCast) -> CliResult<Agreement> {
    let name = |text: &str| Name::new(text).map_err(CliError::bug);
    let start_unix_seconds = u64::try_from(spec.start_ms).map_err(CliError::unreadable)? / 1000;
    let phases = |bound| BTreeMap::from([(Phase::Normal, bound)]);
    let training = vec![Class::Pretraining, Class::Posttraining];
    let dark = Limit {
        id: name("dark")?,
        measure: Measure::ChipSeconds,
        classes: vec![Class::Unaccounted],
        per: Per::Window,
        charge_unaccounted: false,
        bounds: phases(Bound::OfCapacity { numerator: 9, denominator: 10 }),
    };
    let train = Limit {
        id: name("train")?,
        measure: Measure::Flop,
        classes: training,
        per: Per::Window,
        charge_unaccounted: true,
        bounds: phases(Bound::AtMost(10u128.pow(25))),
    };
    Ok(Agreement {
        title: "Rehearsal under terms of its own".to_owned(),
        start_unix_seconds,
        term_windows: 1,
        rulebook: name("miri-treaty-2025")?,
        chip_table: ChipTable::builtin().map_err(CliError::bug)?.id(),
        window: WindowTerms {
            window_seconds: spec.length_ms / 1000,
            slot_seconds: spec.slot_ms / 1000,
            report_within_seconds: 21_600,
            grace_seconds: 21_600,
        },
        scope: Scope {
            register_h100e: 16,
            monitored_flop: 10u128.pow(22),
            strict_flop: 10u128.pow(24),
            exempt: vec![Class::Inference, Class::Evaluation],
        },
        parties: public.parties.iter().map(world::party).collect::<CliResult<_>>()?,
        roles: vec![world::auditor(&public.auditor)?],
        witnesses: world::policy(&public.witnesses),
        limits: vec![dark, train],
        baseline: Baseline { windows: 0 },
        phases: vec![PhaseStep { phase: Phase::Normal, from_window: 0 }],
        audit: world::audit(&public.beacon, start_unix_seconds, 1)?,
        coordination: standstill_agreement::Coordination::default(),
    })
}

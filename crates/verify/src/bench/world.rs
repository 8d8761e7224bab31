//! A small world of labs, witnesses and an auditor, from fixed seeds, for tests and measurements only: its keys are public.

use crate::MemorySource;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use standstill_agreement::Agreement;
use standstill_audit::challenge::{self, Facts};
use standstill_audit::{Beacon, DemoBeacon, draw};
use standstill_ledger::{ChipTable, Lineage};
use standstill_seal::{
    FleetContext, FleetRef, GroupInput, GroupRegistration, LeafValues, MasterSecret, PrivateHistory, PublicFleet,
    WindowContext, rules_for, seal_fleet, seal_window, verify_fleet,
};
use standstill_statement::{
    AddedKey, BlobRef, Body, Challenge, Class, Finding, FindingItem, FleetDeclaration, Hash32, Header, LogHead, Mode,
    Name, Outcome, Report, Response, ResponseItem, Rotation, RunDeclaration, SigningKey, Statement,
};
use standstill_tlog::checkpoint::Checkpoint;
use standstill_tlog::cosignature;
use standstill_tlog::merkle::{Tree, leaf_hash};
use standstill_tlog::note::{KeyType, NoteSigner};
use standstill_tlog::tile::{Kind, TILE_WIDTH, TileId, encode_bundle};
use std::error::Error;

/// Result of building.
pub type Built<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Start of window 0: 2026-11-01 00:00:00 UTC.
pub const START_UNIX_SECONDS: u64 = 1_793_491_200;
/// Seconds in a window.
pub const WINDOW_SECONDS: u64 = 86_400;
/// Chip model of every device.
const MODEL: &str = "h100-sxm5";
/// Witnesses; two of three make a quorum.
const WITNESSES: u8 = 3;

/// Size and shape of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Labs.
    pub parties: u8,
    /// Windows of the term.
    pub windows: u64,
    /// Baseline windows in phase normal; the rest is slowed to half.
    pub baseline_windows: u64,
    /// Groups of each fleet.
    pub groups: u32,
    /// Devices of each group, at most 128.
    pub devices: u16,
    /// Groups drawn from each report.
    pub drawn: u32,
    /// Whether totals are in clear.
    pub mode: Mode,
}

/// One issuer's keys and log.
#[derive(Clone)]
pub struct Scribe {
    /// Name in the terms.
    pub name: Name,
    /// Key of the log.
    pub signer: NoteSigner,
    key: SigningKeySeed,
    /// Envelopes in the log.
    pub entries: Vec<Vec<u8>>,
    /// Cosigned notes by size; the last cosigning of a size wins, earlier ones are kept under `checkpoints/`.
    pub notes: Vec<(u64, Vec<u8>)>,
    /// The latest note.
    pub latest: Vec<u8>,
}

/// Statement keys are rebuilt from seeds, because keys are not to be copied.
#[derive(Clone, Copy)]
struct SigningKeySeed([u8; 32]);

/// A lab: its log, its secret, its registered chips.
pub struct Lab {
    /// Statements.
    pub scribe: Scribe,
    master: MasterSecret,
    /// Statement hash of the fleet declaration.
    pub fleet_statement: Hash32,
    fleet: Option<PublicFleet>,
    history: PrivateHistory,
    runs: Vec<RunDeclaration>,
    /// Statement hash of the report of each window.
    pub reports: Vec<(u64, Hash32)>,
}

/// How each device spends a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Seconds of pretraining.
    pub training_seconds: u32,
    /// Operations of pretraining in units of 1e15.
    pub training_petaops: u32,
    /// Seconds of inference.
    pub inference_seconds: u32,
    /// Seconds that nobody can account for.
    pub unaccounted_seconds: u32,
}

impl Usage {
    /// A day of mostly training.
    pub const FULL: Self =
        Self { training_seconds: 60_000, training_petaops: 24_000, inference_seconds: 20_000, unaccounted_seconds: 0 };
    /// A day under half of that.
    pub const SLOWED: Self =
        Self { training_seconds: 25_000, training_petaops: 10_000, inference_seconds: 50_000, unaccounted_seconds: 0 };
}

/// Everything.
pub struct World {
    /// Shape.
    pub plan: Plan,
    /// Terms file.
    pub terms: String,
    /// Terms.
    pub agreement: Agreement,
    /// Labs.
    pub labs: Vec<Lab>,
    /// The auditor.
    pub auditor: Scribe,
    /// Witness keys.
    pub witnesses: Vec<NoteSigner>,
    /// Files that are no logs.
    pub files: MemorySource,
    /// Changes the bytes of the next seal before its report is signed: a party that forges.
    pub spoil: Option<fn(&mut Vec<u8>)>,
    beacon: Beacon,
    demo: DemoBeacon,
    table: ChipTable,
    rng: ChaCha20Rng,
}

impl Scribe {
    fn new(name: &str, seed: u8) -> Built<Self> {
        let signer = NoteSigner::from_seed(&format!("logs.example/{name}"), KeyType::Ed25519, &[seed; 32])?;
        let key = SigningKeySeed([seed.wrapping_add(1); 32]);
        Ok(Self { name: Name::new(name)?, signer, key, entries: Vec::new(), notes: Vec::new(), latest: Vec::new() })
    }

    fn key(&self) -> SigningKey {
        SigningKey::from_seed(self.key.0)
    }

    /// Appends a statement, chained to the one before, and gives its hash.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn say(&mut self, agreement: Hash32, body: Body, unix_seconds: u64) -> Built<Hash32> {
        let header = self.header(agreement, unix_seconds);
        let bytes = Statement { header, body }.sign(&self.key())?;
        let hash = Hash32::of(&bytes);
        self.entries.push(bytes);
        Ok(hash)
    }

    /// Replaces the statement key by that of a seed, and says so.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn rotate(&mut self, seed: u8, agreement: Hash32, unix_seconds: u64) -> Built<()> {
        let next = SigningKeySeed([seed; 32]);
        let header = self.header(agreement, unix_seconds);
        let add = Some(AddedKey::prove(&SigningKey::from_seed(next.0), &header));
        let retire = Some(self.key().public());
        self.say(agreement, Body::Rotation(Rotation { add, retire }), unix_seconds)?;
        self.key = next;
        Ok(())
    }

    /// Header of the next statement.
    #[must_use]
    pub fn header(&self, agreement: Hash32, unix_seconds: u64) -> Header {
        Header {
            agreement,
            issuer: self.name.clone(),
            sequence: self.entries.len() as u64,
            previous: self.entries.last().map(|bytes| Hash32::of(bytes)),
            issued_unix_seconds: unix_seconds,
            heads: Vec::new(),
        }
    }

    fn tree(&self) -> Tree {
        let hashes: Vec<_> = self.entries.iter().map(|bytes| leaf_hash(bytes)).collect();
        Tree::from_leaves(&hashes)
    }

    /// The present head.
    #[must_use]
    pub fn head(&self) -> LogHead {
        let tree = self.tree();
        LogHead { origin: self.signer.verifier().name().to_owned(), size: tree.size(), root: Hash32(tree.root()) }
    }

    /// Signs the present tree and has all witnesses cosign it.
    ///
    /// # Errors
    /// When a key cannot sign.
    pub fn publish(&mut self, witnesses: &[NoteSigner], unix_seconds: u64) -> Built<()> {
        let head = self.head();
        let note = self.note(&Checkpoint::new(&head.origin, head.size, head.root.0), witnesses, unix_seconds)?;
        if !self.notes.iter().any(|(size, _)| *size == head.size) {
            self.notes.push((head.size, note.clone()));
        }
        self.latest = note;
        Ok(())
    }

    /// Any checkpoint under this log's key, cosigned: also one that is not true.
    ///
    /// # Errors
    /// When a key cannot sign.
    pub fn note(&self, checkpoint: &Checkpoint, witnesses: &[NoteSigner], unix_seconds: u64) -> Built<Vec<u8>> {
        let signed = checkpoint.sign(&self.signer)?;
        let mut note = signed.note().clone();
        let text = note.text().to_owned();
        for witness in witnesses {
            note.add(cosignature::sign(witness, unix_seconds, &text)?);
        }
        Ok(note.to_bytes())
    }

    fn write(&self, files: &mut MemorySource) -> Built<()> {
        let folder = format!("logs/{}", self.name);
        files.files.insert(format!("{folder}/checkpoint"), self.latest.clone());
        for (size, note) in &self.notes {
            files.files.insert(format!("{folder}/checkpoints/{size}"), note.clone());
        }
        let size = self.entries.len() as u64;
        let width = usize::try_from(TILE_WIDTH)?;
        for (index, entries) in self.entries.chunks(width).enumerate() {
            if let Some(id) = TileId::in_tree(Kind::Entries, index as u64, size) {
                files.files.insert(format!("{folder}/{id}"), encode_bundle(entries)?);
            }
        }
        Ok(())
    }
}

impl World {
    /// A world before anything was said.
    ///
    /// # Errors
    /// When a part refuses its input; never for plans within limits.
    pub fn new(plan: Plan) -> Built<Self> {
        let witnesses: Vec<NoteSigner> = (1..=WITNESSES)
            .map(|place| {
                NoteSigner::from_seed(&format!("w{place}.example"), KeyType::CosignatureV1, &[200 + place; 32])
            })
            .collect::<Result<_, _>>()?;
        let scribes: Vec<Scribe> =
            (0..plan.parties).map(|place| Scribe::new(&party_name(place), 10 + 2 * place)).collect::<Built<_>>()?;
        let auditor = Scribe::new("auditor", 100)?;
        let demo = DemoBeacon::from_seed(&[42; 32])?;
        let beacon = demo.beacon(START_UNIX_SECONDS - 864_000, 30)?;
        let table = ChipTable::builtin()?;
        let terms = terms(&plan, &scribes, &auditor, &witnesses, &beacon, &table);
        let agreement =
            Agreement::parse(&terms).map_err(|errors| errors.first().map_or_else(String::new, ToString::to_string))?;
        let lab = |(place, scribe): (usize, Scribe)| Lab {
            scribe,
            master: MasterSecret::from_bytes([u8::try_from(place).unwrap_or(0) + 1; 32]),
            fleet_statement: Hash32::default(),
            fleet: None,
            history: PrivateHistory::new(),
            runs: Vec::new(),
            reports: Vec::new(),
        };
        let labs = scribes.into_iter().enumerate().map(lab).collect();
        let rng = ChaCha20Rng::from_seed([7; 32]);
        let files = MemorySource::default();
        Ok(Self { plan, terms, agreement, labs, auditor, witnesses, files, spoil: None, beacon, demo, table, rng })
    }

    /// An honest term, from declaration to the last finding, with every log cosigned again after the end.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn honest(plan: Plan) -> Built<Self> {
        let mut world = Self::new(plan)?;
        world.declare_all()?;
        for window in 0..plan.windows {
            for lab in 0..world.labs.len() {
                world.report(lab, window, world.usage(window))?;
            }
            // A window is drawn from after its grace period, which ends when the next window has been reported on.
            if let Some(before) = window.checked_sub(1) {
                world.audit_all(before)?;
            }
        }
        if let Some(last) = plan.windows.checked_sub(1) {
            world.audit_all(last)?;
        }
        world.finish()?;
        Ok(world)
    }

    fn audit_all(&mut self, window: u64) -> Built<()> {
        (0..self.labs.len()).try_for_each(|lab| self.audit(lab, window, |_| None))
    }

    /// When a window may be drawn from, in seconds since the Unix epoch: its grace deadline and the delay, and a period of the beacon.
    #[must_use]
    pub fn draw_unix_seconds(&self, window: u64) -> u64 {
        self.agreement.grace_deadline(window) + self.agreement.audit.delay_seconds + 30
    }

    /// What an honest lab does in a window.
    #[must_use]
    pub fn usage(&self, window: u64) -> Usage {
        if window < self.plan.baseline_windows { Usage::FULL } else { Usage::SLOWED }
    }

    /// Fleet and run of every lab, cosigned an hour before the start.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn declare_all(&mut self) -> Built<()> {
        for lab in 0..self.labs.len() {
            self.declare_fleet(lab, START_UNIX_SECONDS - 3_600)?;
            self.declare_run(lab, "base", &[], START_UNIX_SECONDS - 3_600)?;
        }
        self.auditor.publish(&self.witnesses, START_UNIX_SECONDS - 3_600)
    }

    /// Registers the fleet of one lab.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn declare_fleet(&mut self, lab: usize, unix_seconds: u64) -> Built<()> {
        let (agreement, plan) = (self.agreement.id(), self.plan);
        let party = self.labs[lab].scribe.name.clone();
        let least_devices = self.agreement.audit.least_devices;
        let context = FleetContext {
            agreement,
            party,
            revision: 0,
            from_window: 0,
            window_seconds: WINDOW_SECONDS,
            least_devices,
        };
        let groups: Vec<GroupRegistration> =
            (0..plan.groups).map(|group| registration(lab, group, plan.devices)).collect::<Built<_>>()?;
        let sealed = seal_fleet(&self.labs[lab].master, &context, &groups, &self.table, &mut self.rng)?;
        let blob = self.keep(&sealed.blob);
        let declared = FleetRef { root: sealed.root, groups: sealed.groups };
        let fleet = verify_fleet(&context, declared, &sealed.blob, &self.table)?;
        let body = Body::Fleet(FleetDeclaration {
            revision: 0,
            from_window: 0,
            groups: sealed.groups,
            root: sealed.root,
            blob,
        });
        let lab = &mut self.labs[lab];
        lab.fleet = Some(fleet);
        lab.fleet_statement = lab.scribe.say(agreement, body, unix_seconds)?;
        lab.scribe.publish(&self.witnesses, unix_seconds)
    }

    /// Declares a run from window 0 on.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn declare_run(&mut self, lab: usize, run: &str, parents: &[&str], unix_seconds: u64) -> Built<()> {
        self.declare(
            lab,
            unix_seconds,
            RunDeclaration {
                run: Name::new(run)?,
                parents: parents.iter().map(|parent| Name::new(parent)).collect::<Result<_, _>>()?,
                class: Class::Pretraining,
                planned_petaops: 1_000_000_000,
                parameters: 0,
                active_parameters: 0,
                dataset_tokens: 0,
                from_window: 0,
            },
        )
    }

    /// Declares a run as it is given.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn declare(&mut self, lab: usize, unix_seconds: u64, declaration: RunDeclaration) -> Built<()> {
        let agreement = self.agreement.id();
        let lab = &mut self.labs[lab];
        lab.runs.push(declaration.clone());
        lab.scribe.say(agreement, Body::Run(declaration), unix_seconds)?;
        lab.scribe.publish(&self.witnesses, unix_seconds)
    }

    /// Seals and publishes a report an hour after the window's end.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn report(&mut self, lab: usize, window: u64, usage: Usage) -> Built<()> {
        self.report_at(lab, window, 0, usage, &["base"], self.agreement.window_bounds(window).1 + 3_600)
    }

    /// Seals and publishes a report at a chosen time.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn report_at(
        &mut self,
        lab: usize,
        window: u64,
        revision: u32,
        usage: Usage,
        runs: &[&str],
        unix_seconds: u64,
    ) -> Built<()> {
        let (agreement_id, plan) = (self.agreement.id(), self.plan);
        let runs: Vec<Name> = runs.iter().map(|run| Name::new(run)).collect::<Result<_, _>>()?;
        let (start, end) = self.agreement.window_bounds(window);
        let owner = &mut self.labs[lab];
        let fleet = owner.fleet.as_ref().ok_or("no fleet")?;
        let context = WindowContext {
            agreement: agreement_id,
            party: owner.scribe.name.clone(),
            window,
            window_start_unix_seconds: start,
            window_end_unix_seconds: end,
            revision,
            mode: plan.mode,
            fleet_statement: owner.fleet_statement,
            fleet_root: fleet.root(),
            chip_table: self.agreement.chip_table,
            rulebook: self.agreement.rulebook.clone(),
            previous_statement: owner.scribe.header(agreement_id, unix_seconds).previous,
        };
        let inputs: Vec<GroupInput> =
            (0..plan.groups).map(|group| input(lab, group, plan.devices, window, usage, &runs)).collect();
        let rules = rules_for(&self.agreement, window, &Lineage::new(&owner.runs)?, &runs)?;
        let mut sealed =
            seal_window(&owner.master, &context, fleet, &inputs, &runs, &rules, &owner.history, &mut self.rng)?;
        if let Some(spoil) = self.spoil.take() {
            spoil(&mut sealed.blob);
        }
        let seal = BlobRef::of(&sealed.blob);
        self.files.files.insert(format!("blobs/{}", seal.sha256), sealed.blob);
        let fleet_statement = owner.fleet_statement;
        let report = Report {
            window,
            revision,
            mode: plan.mode,
            fleet: fleet_statement,
            groups: sealed.groups,
            root: sealed.root,
            seal,
            runs,
            sources: vec!["dcgm-counters".to_owned()],
        };
        owner.history.insert(sealed.private);
        let hash = owner.scribe.say(agreement_id, Body::Report(report), unix_seconds)?;
        owner.reports.push((window, hash));
        owner.scribe.publish(&self.witnesses, unix_seconds)
    }

    /// Draws, answers and examines, from [`World::draw_unix_seconds`] on; reports from before that time must have been made. `outcome` may give an outcome and reason code for the n-th drawn group; a group whose outcome is
    /// [`Outcome::NotOpened`] is left out of the answer.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn audit(
        &mut self,
        lab: usize,
        window: u64,
        outcome: impl Fn(usize) -> Option<(Outcome, &'static str)>,
    ) -> Built<()> {
        if self.plan.drawn == 0 {
            return Ok(());
        }
        let drawn = self.draw_unix_seconds(window);
        let challenge = self.draw(lab, window)?;
        let agreement = self.agreement.id();
        let groups = challenge.groups.clone();
        let hash = self.auditor.say(agreement, Body::Challenge(challenge.clone()), drawn + 900)?;
        self.auditor.publish(&self.witnesses, drawn + 900)?;
        let opened = |place: usize| !matches!(outcome(place), Some((Outcome::NotOpened, _)));
        let opening = self.keep(b"an opening that only the inspector can read");
        let items = groups.iter().enumerate().filter(|(place, _)| opened(*place));
        let items: Vec<ResponseItem> = items.map(|(_, group)| ResponseItem { group: *group, opening }).collect();
        if !items.is_empty() {
            let scribe = &mut self.labs[lab].scribe;
            scribe.say(agreement, Body::Response(Response { challenge: hash, items }), drawn + 1_800)?;
            scribe.publish(&self.witnesses, drawn + 1_800)?;
        }
        let found = |(place, group): (usize, &u32)| {
            let (outcome, reason) = outcome(place).unwrap_or((Outcome::Match, ""));
            FindingItem { group: *group, outcome, reason: reason.to_owned(), power_reading: true }
        };
        let items = groups.iter().enumerate().map(found).collect();
        let finding = Finding { party: challenge.party, challenge: hash, items };
        self.auditor.say(agreement, Body::Finding(finding), drawn + 2_700)?;
        self.auditor.publish(&self.witnesses, drawn + 2_700)
    }

    /// The challenge that the latest report of a window, the beacon and the terms determine; its beacon round is put into the bundle.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn draw(&mut self, lab: usize, window: u64) -> Built<Challenge> {
        let lab = &self.labs[lab];
        let report = lab.reports.iter().rev().find(|(reported, _)| *reported == window).ok_or("no report")?.1;
        let index = lab.scribe.entries.iter().position(|bytes| Hash32::of(bytes) == report).ok_or("no entry")?;
        let tree = lab.scribe.tree();
        let size = index as u64 + 1;
        let root = tree.root_at(size).ok_or("no root")?;
        let head = LogHead { origin: lab.scribe.signer.verifier().name().to_owned(), size, root: Hash32(root) };
        let fleet = lab.fleet.as_ref().ok_or("no fleet")?;
        let peak = self.table.get(&Name::new(MODEL)?).ok_or("no model")?.highest_peak_ops_per_second();
        let weights: Vec<u64> = fleet
            .groups()
            .iter()
            .map(|group| draw::weight(u32::from(group.capacity_devices), peak))
            .collect::<Result<_, _>>()?;
        let facts = Facts {
            agreement: self.agreement.id(),
            party: &lab.scribe.name,
            report,
            report_index: index as u64,
            draw_after_unix_seconds: self.agreement.grace_deadline(window),
            beacon: &self.beacon,
            delay_seconds: self.agreement.audit.delay_seconds,
            weights: &weights,
            groups_per_report: self.plan.drawn,
            respond_within_seconds: self.agreement.audit.respond_within_seconds,
        };
        let number = challenge::required_round(&facts)?;
        let round = self.demo.sign(number)?;
        let determined = challenge::determine(&facts, &round)?;
        self.files.files.insert(format!("beacon/{number}.json"), round.to_json().into_bytes());
        Ok(Challenge {
            party: lab.scribe.name.clone(),
            report,
            head,
            round: number,
            groups: determined.groups,
            inspector_key: Hash32([9; 32]),
            respond_by_unix_seconds: determined.earliest_respond_by_unix_seconds,
        })
    }

    /// Has every log cosigned again three windows after the end of the term, so that silence would show.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn finish(&mut self) -> Built<()> {
        let end = self.agreement.end_unix_seconds() + 3 * WINDOW_SECONDS;
        for lab in &mut self.labs {
            lab.scribe.publish(&self.witnesses, end)?;
        }
        self.auditor.publish(&self.witnesses, end)
    }

    /// The bundle as files.
    ///
    /// # Errors
    /// When an entry is too long for a log.
    pub fn bundle(&self) -> Built<MemorySource> {
        let mut files = self.files.clone();
        files.files.insert("agreement.toml".to_owned(), self.terms.clone().into_bytes());
        let card = format!("{{\"format\":\"standstill-bundle/1\",\"agreement\":\"{}\"}}\n", self.agreement.id());
        files.files.insert("bundle.json".to_owned(), card.into_bytes());
        for lab in &self.labs {
            lab.scribe.write(&mut files)?;
        }
        self.auditor.write(&mut files)?;
        Ok(files)
    }

    fn keep(&mut self, bytes: &[u8]) -> BlobRef {
        let blob = BlobRef::of(bytes);
        self.files.files.insert(format!("blobs/{}", blob.sha256), bytes.to_vec());
        blob
    }
}

/// Names of the labs.
fn party_name(place: u8) -> String {
    const NAMES: [&str; 4] = ["north", "south", "east", "west"];
    NAMES.get(usize::from(place)).map_or_else(|| format!("lab-{place}"), |name| (*name).to_owned())
}

fn device(lab: usize, group: u32, place: u16) -> Hash32 {
    Hash32::of(format!("device {lab}/{group}/{place}").as_bytes())
}

fn registration(lab: usize, group: u32, devices: u16) -> Built<GroupRegistration> {
    Ok(GroupRegistration {
        group,
        site: Name::new("site-a")?,
        area: Name::new(&format!("rack-{group}"))?,
        model: Name::new(MODEL)?,
        capacity_devices: devices,
        devices: (0..devices).map(|place| device(lab, group, place)).collect(),
    })
}

fn input(lab: usize, group: u32, devices: u16, window: u64, usage: Usage, runs: &[Name]) -> GroupInput {
    let leaf = |place: u16| {
        let mut seconds = [0u32; Class::COUNT];
        seconds[Class::Pretraining.index()] = usage.training_seconds;
        seconds[Class::Inference.index()] = usage.inference_seconds;
        seconds[Class::Unaccounted.index()] = usage.unaccounted_seconds;
        let used: u32 = seconds.iter().sum();
        seconds[Class::Idle.index()] = u32::try_from(WINDOW_SECONDS).unwrap_or(0).saturating_sub(used);
        let mut petaops = [0u32; Class::WORKING];
        petaops[Class::Pretraining.index()] = usage.training_petaops;
        petaops[Class::Inference.index()] = usage.inference_seconds / 10;
        // The first run has everything; any others are there by name with nothing.
        let share = |(place, run): (usize, &Name)| (run.clone(), if place == 0 { usage.training_petaops } else { 0 });
        LeafValues {
            device: device(lab, group, place),
            counter_start_millijoules: Some(window * 40_000_000_000),
            counter_end_millijoules: Some((window + 1) * 40_000_000_000),
            class_seconds: seconds,
            petaops,
            energy_kilojoules: 40_000,
            run_petaops: runs.iter().enumerate().map(share).collect(),
            evidence_root: Hash32::of(format!("evidence {lab}/{group}/{place}/{window}").as_bytes()),
        }
    };
    GroupInput { group, leaves: (0..devices).map(leaf).collect() }
}

fn terms(
    plan: &Plan,
    labs: &[Scribe],
    auditor: &Scribe,
    witnesses: &[NoteSigner],
    beacon: &Beacon,
    table: &ChipTable,
) -> String {
    let holder = |scribe: &Scribe| {
        let keys = scribe.key().public();
        format!("id = \"{}\"\nlog = \"{}\"\nstatement_keys = [\"{keys}\"]\n", scribe.name, scribe.signer.verifier())
    };
    let parties: String = labs.iter().map(|lab| format!("[[party]]\n{}\n", holder(lab))).collect();
    let policy: String =
        witnesses.iter().enumerate().map(|(place, key)| format!("witness w{place} {}\n", key.verifier())).collect();
    let names: Vec<String> = (0..witnesses.len()).map(|place| format!("w{place}")).collect();
    let values = [
        ("windows", plan.windows.to_string()),
        ("table", table.id().to_string()),
        ("parties", parties),
        ("auditor", holder(auditor)),
        ("policy", policy),
        ("names", names.join(" ")),
        ("baseline", plan.baseline_windows.to_string()),
        ("drawn", plan.drawn.to_string()),
        ("beacon", beacon.name().to_owned()),
        ("key", hex::encode(beacon.public_key_bytes())),
        ("genesis", (START_UNIX_SECONDS - 864_000).to_string()),
    ];
    values.iter().fold(TERMS.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), value))
}

/// Terms with a place for each value.
const TERMS: &str = r#"[agreement]
title = "Frontier training standstill"
start = 2026-11-01T00:00:00Z
term_windows = @windows@
rulebook = "miri-treaty-2025"
chip_table = "@table@"
[window]
length = "1d"
slot = "1h"
report_within = "12h"
grace = "24h"
[scope]
register_h100e = 16
monitored_flop = 1e22
strict_flop = 1e24
exempt = ["inference", "evaluation"]
@parties@
[[role]]
kind = "auditor"
@auditor@
[witnesses]
policy = """
@policy@group quorum-group 2 @names@
quorum quorum-group
"""
[[limit]]
id = "train"
measure = "flop"
class = ["pretraining", "posttraining"]
per = "window"
phase = { normal = "none", slowed = "50% of baseline", paused = 0 }
[[limit]]
id = "run"
measure = "flop"
per = "lineage"
max = 1e24
[[limit]]
id = "dark"
measure = "chip_seconds"
class = ["unaccounted"]
per = "window"
max = "0.1% of capacity"
[baseline]
windows = @baseline@
[[phase]]
name = "normal"
from_window = 0
[[phase]]
name = "slowed"
from_window = @baseline@
[audit]
groups_per_report = @drawn@
respond_within = "12h"
retention_days = 45
delay = "10m"
least_devices = "90% of capacity"
[audit.beacon]
name = "@beacon@"
public_key = "@key@"
genesis_unix_seconds = @genesis@
period_seconds = 30
"#;

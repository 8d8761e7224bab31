//! The rule table: which rules exist, how much they weigh, what to do, and where they come from.

use super::ScanError;
use super::finding::{Finding, Severity};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The built-in table.
pub const RULES_TOML: &str = include_str!("../../data/scan-rules.toml");
/// The built-in table of paths.
pub const PATHS_TOML: &str = include_str!("../../data/scan-paths.toml");
/// The built-in table of phrases.
pub const PHRASES_TOML: &str = include_str!("../../data/scan-phrases.toml");

/// Human approvals that turn "block without two humans" into a note.
const MAX_HUMANS: u32 = 20;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Id, part of the interface.
    pub id: String,
    /// Attack class.
    pub class: String,
    /// Weight.
    pub severity: Severity,
    /// One sentence.
    pub title: String,
    /// What to do.
    pub action: String,
    /// Where the rule comes from.
    pub source: String,
    /// With that many human approvals of the change the finding is a note; 0: approvals do not matter.
    #[serde(default)]
    pub humans: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    rule: Vec<Rule>,
}

/// All rules by id.
#[derive(Clone, Debug)]
pub struct RuleTable {
    rules: BTreeMap<String, Rule>,
    hash: [u8; 32],
}

impl RuleTable {
    /// The built-in table.
    ///
    /// # Errors
    /// Never for the shipped table; a test reads it.
    pub fn builtin() -> Result<Self, ScanError> {
        Self::parse("scan-rules.toml", RULES_TOML)
    }

    /// Reads a table. Every built-in id must be there, so that no rule is lost by an omission; set `severity = "note"` to quieten one.
    ///
    /// # Errors
    /// [`ScanError::Table`] with the reason.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScanError> {
        let file: File = toml::from_str(text).map_err(|error| ScanError::table(name, error))?;
        if file.version != 1 {
            return Err(ScanError::table(
                name,
                format!("version {} is not known; this program reads version 1", file.version),
            ));
        }
        let mut rules = BTreeMap::new();
        for rule in file.rule {
            if rule.humans > MAX_HUMANS {
                return Err(ScanError::table(name, format!("rule {}: at most {MAX_HUMANS} humans", rule.id)));
            }
            if !id::ALL.contains(&rule.id.as_str()) {
                return Err(ScanError::table(
                    name,
                    format!("rule '{}' is not known; see `standstill signal scan --rules`", rule.id),
                ));
            }
            if let Some(twice) = rules.insert(rule.id.clone(), rule) {
                return Err(ScanError::table(name, format!("rule '{}' stands there twice", twice.id)));
            }
        }
        if let Some(missing) = id::ALL.iter().find(|id| !rules.contains_key(**id)) {
            return Err(ScanError::table(
                name,
                format!("rule '{missing}' is missing; give it severity = \"note\" to quieten it"),
            ));
        }
        let mut hash = Sha256::new();
        hash.update(b"standstill scan rules v1\0");
        for part in [text, PATHS_TOML, PHRASES_TOML] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Ok(Self { rules, hash: hash.finalize().into() })
    }

    /// SHA-256 over the tables of rules, paths and phrases in force.
    #[must_use]
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Mixes a replaced table of paths into the hash.
    pub fn mix(&mut self, text: &str) {
        let mut hash = Sha256::new();
        hash.update(self.hash);
        hash.update(text.as_bytes());
        self.hash = hash.finalize().into();
    }

    /// A rule by id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.get(id)
    }

    /// All rules in order of id.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values()
    }

    /// Sets each finding's weight: the rule's, or a note when enough people approved the change.
    pub fn weigh(&self, findings: &mut [Finding], human_approvals: u32) {
        for finding in findings {
            let Some(rule) = self.rules.get(finding.rule) else { continue };
            finding.severity = rule.severity;
            if rule.humans > 0 && human_approvals >= rule.humans {
                finding.severity = Severity::Note;
                finding.exempt = Some(format!("{human_approvals} people approved the change"));
            }
        }
    }
}

macro_rules! ids {
    ($($name:ident = $text:literal;)*) => {
        /// Ids of all rules; each is in the table, and the table has no other.
        #[allow(missing_docs)]
        pub mod id {
            $(pub const $name: &str = $text;)*
            /// All ids.
            pub const ALL: &[&str] = &[$($text),*];
        }
    };
}

ids! {
    BIDI_UNTERMINATED = "hidden-bidi-unterminated"; BIDI_REORDER = "hidden-bidi-reorder"; BIDI_CLOSED = "hidden-bidi-closed";
    BIDI_TEST_DATA = "hidden-bidi-test-data"; BIDI_PROSE = "hidden-bidi-prose";
    DIRECTION_MARK = "hidden-direction-mark"; HOMOGLYPH_MIXED = "homoglyph-mixed-script"; HOMOGLYPH_SCOPE = "homoglyph-in-scope";
    HOMOGLYPH_LONE = "homoglyph-lone"; HOMOGLYPH_COMPATIBILITY = "homoglyph-compatibility"; HOMOGLYPH_MATHEMATICAL = "homoglyph-mathematical";
    INVISIBLE_IDENTIFIER = "invisible-identifier"; INVISIBLE_TEXT = "invisible-text"; INVISIBLE_PROSE = "invisible-prose";
    INVISIBLE_SPACE = "invisible-space"; INVISIBLE_LINE_BREAK = "invisible-line-break"; TERMINAL_CONTROL = "terminal-control";
    BINARY_SOURCE = "binary-source"; TAG_SMUGGLING = "tag-smuggling"; TAG_STRAY = "tag-stray"; VARIATION_PAYLOAD = "variation-payload";
    VARIATION_BASE = "variation-base"; VARIATION_STRAY = "variation-stray"; VARIATION_C2PA = "variation-c2pa";
    AGENT_CHANGED = "agent-file-changed"; AGENT_HIDDEN = "agent-file-hidden"; AGENT_COMMENT = "agent-file-comment";
    AGENT_CONCEALMENT = "agent-file-concealment"; AGENT_OVERRIDE = "agent-file-override"; AGENT_NETWORK = "agent-file-network";
    AGENT_HOOK = "agent-settings-hook"; AGENT_ENDPOINT = "agent-settings-endpoint"; AGENT_TRUST = "agent-settings-trust";
    AGENT_MCP_FETCH = "agent-mcp-fetch"; INJECTION_OVERRIDE = "injection-override"; INJECTION_COMPOUND = "injection-compound";
    CI_UNREADABLE = "ci-unreadable"; CI_DANGEROUS_TRIGGER = "ci-dangerous-trigger"; CI_UNTRUSTED_CHECKOUT = "ci-untrusted-checkout";
    CI_TEMPLATE_INJECTION = "ci-template-injection"; CI_UNPINNED = "ci-unpinned"; CI_WRITE_ALL = "ci-write-all";
    CI_SECRETS_INHERIT = "ci-secrets-inherit"; CI_SELF_HOSTED = "ci-self-hosted"; CI_RELEASE_CACHE = "ci-release-cache";
    CI_IGNORED_FAILURE = "ci-ignored-failure"; CI_INSECURE_COMMANDS = "ci-insecure-commands"; CI_ENVIRONMENT_FILE = "ci-environment-file";
    CI_ACTOR_CONDITION = "ci-actor-condition"; CI_ALWAYS_TRUE = "ci-condition-always-true"; CI_KEPT_CREDENTIALS = "ci-kept-credentials";
    CI_PIPED_DOWNLOAD = "ci-piped-download"; CI_PERMISSIONS_WIDENED = "ci-permissions-widened"; CI_TRIGGER_ADDED = "ci-trigger-added";
    CI_TRIGGER_NARROWED = "ci-trigger-narrowed"; CI_PIN_LOOSENED = "ci-pin-loosened"; CI_FAILURE_IGNORED = "ci-failure-ignored";
    CI_CONDITION_DISABLED = "ci-condition-disabled"; CI_CONDITION_FORCED = "ci-condition-forced"; CI_JOB_REMOVED = "ci-job-removed";
    CI_STEP_REMOVED = "ci-step-removed"; CI_DEPENDENCY_REMOVED = "ci-dependency-removed"; CI_SECRETS_WIDENED = "ci-secrets-widened";
    CI_SELF_HOSTED_ADDED = "ci-self-hosted-added"; CI_RELEASE_CACHE_ADDED = "ci-release-cache-added"; CI_REMOVED = "ci-removed";
    CI_SCRIPT_EXPRESSION = "ci-script-expression"; CI_SCRIPT_VALUE = "ci-script-value"; CI_MODEL_PROMPT = "ci-model-prompt";
    CI_MODEL_STRANGERS = "ci-model-strangers"; CI_PERMISSIONS_UNSAID = "ci-permissions-unsaid"; CI_READ_ALL = "ci-read-all";
    CI_WORKFLOW_WRITE = "ci-workflow-write"; CI_STRANGERS_RIGHTS = "ci-strangers-rights";
    CI_RELEASE_CACHE_UNASKED = "ci-release-cache-unasked"; CI_STRANGERS_CACHE = "ci-strangers-cache";
    CI_STRANGERS_MACHINE = "ci-strangers-machine"; CI_UNPINNED_IMAGE = "ci-unpinned-image"; CI_CONTAINER_PASSWORD = "ci-container-password";
    CI_ALL_SECRETS = "ci-all-secrets"; CI_SECRET_UNMASKED = "ci-secret-unmasked"; CI_SECRET_UNGUARDED = "ci-secret-unguarded";
    CI_APP_TOKEN = "ci-app-token"; CI_PUBLISH_TOKEN = "ci-publish-token"; CI_DEBUG_LOG = "ci-debug-log";
    CI_OBFUSCATED_USES = "ci-obfuscated-uses"; CI_OBFUSCATED_EXPRESSION = "ci-obfuscated-expression"; CI_LOOKALIKE = "ci-lookalike-action";
    CI_UNLOCKED_INSTALL = "ci-unlocked-install"; CI_ODD_SHELL = "ci-odd-shell"; CI_UNSOUND_CONTAINS = "ci-unsound-contains";
    CI_UNSOUND_TERNARY = "ci-unsound-ternary"; CI_UPDATE_EXECUTION = "ci-update-execution"; CI_UPDATE_COOLDOWN = "ci-update-cooldown";
    CI_PLAIN_FETCH = "ci-plain-fetch";
    CI_BECAME_UNREADABLE = "ci-became-unreadable"; GATE_REMOVED = "gate-removed"; GATE_OWNERS = "gate-owners-removed";
    GATE_BRANCH_RULE = "gate-branch-rule-weakened"; GATE_HOOK = "gate-hook-removed"; GATE_LINT = "gate-lint-lowered";
    GATE_THRESHOLD = "gate-threshold-lowered"; GATE_EXCEPTION = "gate-exception-added"; GATE_SIGNATURE = "gate-signature-dropped";
    OVERSIGHT_UNREVIEWED = "oversight-unreviewed"; OVERSIGHT_CHANGED = "oversight-changed"; OVERSIGHT_REMOVED = "oversight-removed";
    OPAQUE_FILE = "opaque-test-file"; OPAQUE_NAME = "opaque-suspicious-name"; OPAQUE_SEQUENCE = "opaque-sequence";
    PROBE_BROKEN = "probe-broken"; RELEASE_DIFFERS = "release-differs"; RELEASE_FILE = "release-file-differs"; RELEASE_TEXT = "release-text-differs";
    RELEASE_MISSING = "release-file-missing"; TEST_DELETED = "test-deleted"; TEST_ASSERTIONS = "test-assertions-lost";
    TEST_SKIPPED = "test-skipped"; TEST_EXPECTATION = "test-expectation-edited"; DEPENDENCY_HOST = "dependency-new-host";
    DEPENDENCY_SWAPPED = "dependency-hash-swapped"; DEPENDENCY_HASH = "dependency-hash-dropped"; DEPENDENCY_GIT = "dependency-git";
    DEPENDENCY_SCRIPT = "dependency-install-script"; DEPENDENCY_REDIRECT = "dependency-redirect"; AI_SIGNED_OFF = "provenance-ai-signed-off";
    NOTE_ONLY = "provenance-note-only"; NOTE_OUTSIDE = "provenance-note-outside-diff"; HUMAN_KEY = "provenance-human-key";
    BURST = "provenance-burst"; CLOCK = "provenance-clock"; REWRITTEN = "provenance-rewritten"; LAUNDERING_SQUASH = "laundering-squash";
    LAUNDERING_MOVED = "laundering-moved"; LAUNDERING_FORMAT = "laundering-format"; TRAINING_HOOK = "training-hook";
    TRAINING_LOOP = "training-closed-loop";
}

#[cfg(test)]
mod tests;

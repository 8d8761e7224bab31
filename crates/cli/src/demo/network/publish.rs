//! What stands between the play and the network: the same calls that have witnesses cosign in folders publish over HTTP here.

use super::stage::Stage;
use crate::demo::cast::CosignAway;
use crate::exit::{CliError, CliResult};
use crate::network::Publisher;
use crate::role::Issuer;
use standstill_statement::Name;
use standstill_tlog::policy::Policy;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// Longest wait for the quorum.
const WAIT: Duration = Duration::from_secs(30);

/// Publishes and waits for the quorum.
pub(crate) struct Away {
    pub(crate) stage: Rc<RefCell<Stage>>,
    /// Address of each issuer's log.
    pub(crate) urls: BTreeMap<Name, String>,
}

impl CosignAway for Away {
    fn cosign(&mut self, issuer: &mut Issuer, now_unix_seconds: u64) -> CliResult<()> {
        let mut stage = self.stage.borrow_mut();
        stage.move_clock(now_unix_seconds)?;
        let url = self.urls.get(&issuer.id).ok_or_else(|| CliError::bug(format!("'{}' has no log", issuer.id)))?;
        let publisher = Publisher::open(&issuer.home, url)?;
        let submitted = stage.wait(publisher.publish(WAIT))?;
        let policy = Policy::parse(&issuer.agreement.witnesses).map_err(CliError::bug)?;
        if !submitted.lines.is_empty() {
            let added = issuer.log().add_cosignatures(submitted.size, &submitted.lines, policy.witness_keys());
            added.map_err(CliError::unreadable)?;
        }
        Ok(())
    }
}

//! Answering on a Ballista cluster (feature `ballista`).
//!
//! The cluster's machines read the files by the same absolute paths. Functions travel by name only, so a scheduler and executors of a stock
//! build answer everything but the meter's aggregates; a cluster that shall meter registers [`aggregates`] in its function registry.

use super::QueryError;
use super::aggregate::Metered;
use super::shape::Shape;
use crate::engine::Rules;
use ballista::prelude::{SessionConfigExt, SessionContextExt};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::AggregateUDF;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::Arc;

/// Where questions are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cluster {
    /// A scheduler at `df://host:port`.
    Scheduler(String),
    /// A scheduler and an executor on free ports of this machine, in this process.
    #[cfg(feature = "ballista-standalone")]
    Standalone,
}

/// The meter's aggregates under fixed rules, for the function registry of a scheduler or an executor. Their names hold a hash of the rules:
/// a cluster that was started with others refuses the question.
#[must_use]
pub fn aggregates(rules: &Rules) -> [Arc<AggregateUDF>; 2] {
    [Shape::Totals, Shape::Cells].map(|shape| Arc::new(Metered::for_cluster(shape, rules).into()))
}

impl Cluster {
    pub(super) async fn connect(
        &self,
        config: SessionConfig,
        environment: Arc<RuntimeEnv>,
        rules: &Rules,
    ) -> Result<SessionContext, QueryError> {
        let state = SessionStateBuilder::new()
            .with_config(config.upgrade_for_ballista())
            .with_runtime_env(environment)
            .with_default_features()
            .build();
        let register = |context: &SessionContext| {
            aggregates(rules).into_iter().for_each(|aggregate| context.register_udaf(aggregate.as_ref().clone()));
        };
        let context = SessionContext::new_with_state(state);
        register(&context);
        let connected = match self {
            Self::Scheduler(address) => SessionContext::remote_with_state(address, context.state()).await,
            #[cfg(feature = "ballista-standalone")]
            Self::Standalone => SessionContext::standalone_with_state(context.state()).await,
        };
        // Connecting resets the functions of the client.
        connected.inspect(register).map_err(QueryError::setup)
    }
}

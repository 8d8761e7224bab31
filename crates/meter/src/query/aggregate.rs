//! `metered` and `metered_cells`: the meter's kernel as aggregates of the query engine.

use super::error::carry;
use super::readings::{PLACE, add, check};
use super::rows::Rows;
use super::shape::Shape;
use super::state;
use crate::engine::Rules;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// One of the two aggregates, under fixed rules.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Metered {
    shape: Shape,
    rules: Arc<Rules>,
    signature: Signature,
    name: String,
    aliases: Vec<String>,
}

impl Metered {
    pub(super) fn new(shape: Shape, rules: &Rules) -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        Self { shape, rules: Arc::new(rules.clone()), signature, name: shape.name().to_owned(), aliases: Vec::new() }
    }

    /// For a cluster, where functions travel by name: the name holds a hash of the rules, so that no machine meters under others.
    #[cfg(feature = "ballista")]
    pub(super) fn for_cluster(shape: Shape, rules: &Rules) -> Self {
        use sha2::{Digest, Sha256};
        let words = format!("standstill/1/query-rules\0{rules:?}");
        let hash = hex::encode(&Sha256::digest(words)[..8]);
        let name = format!("{}_{hash}", shape.name());
        Self { name, aliases: vec![shape.name().to_owned()], ..Self::new(shape, rules) }
    }
}

impl Hash for Metered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.rules.grid.origin_ms.hash(state);
        self.rules.contract.name.hash(state);
    }
}

impl AggregateUDFImpl for Metered {
    fn name(&self) -> &str {
        &self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [DataType::Struct(fields)] => check(fields).map(|()| arguments.to_vec()),
            _ => plan_err!(
                "{0} takes one struct: {0}(reading), or {0}(named_struct('device', …, 'time', …, 'tensor_active', …))",
                self.shape.name()
            ),
        }
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.coerce_types(arguments).map(|_| self.shape.data_type())
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if arguments.is_distinct {
            return plan_err!("{} counts equal readings once already; leave DISTINCT out", self.shape.name());
        }
        Ok(Box::new(Collected { shape: self.shape, rules: Arc::clone(&self.rules), rows: Rows::new() }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(state::fields(arguments.name))
    }

    /// Rows are sorted when the group is closed.
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// The readings of one group.
#[derive(Debug)]
struct Collected {
    shape: Shape,
    rules: Arc<Rules>,
    rows: Rows,
}

impl Accumulator for Collected {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        values.iter().try_for_each(|readings| add(&mut self.rows, readings, &self.rules.contract))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        state::read(&mut self.rows, states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(state::write(std::mem::replace(&mut self.rows, Rows::new())))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let partials = self.rows.meter(&self.rules, PLACE).map_err(carry)?;
        self.shape.of(&partials).map_err(carry)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.rows.bytes()
    }
}

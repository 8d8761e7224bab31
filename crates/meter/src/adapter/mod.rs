//! One module per telemetry source. Every adapter turns foreign bytes into [`Batch`](crate::Batch)es under a
//! [`SourceContract`](crate::SourceContract), or job records into a [`JobMap`](crate::JobMap).

pub mod columns;
pub mod csv;
pub mod parquet;

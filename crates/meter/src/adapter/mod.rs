//! One module per telemetry source. Every adapter turns foreign bytes into [`Batch`](crate::Batch)es under a
//! [`SourceContract`](crate::SourceContract), or job records into a [`JobMap`](crate::JobMap).

pub mod civil_time;
pub mod columns;
pub mod csv;
pub mod dcgm_series;
pub mod decimal;
pub mod fault;
pub mod live;
pub mod parquet;
mod parquet_footer;
pub mod power;
pub mod prometheus_text;
pub mod range_api;
pub mod remote_write;
pub mod requests;
pub mod rows;
pub mod sacct;

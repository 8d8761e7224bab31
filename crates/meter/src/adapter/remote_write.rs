//! Saved Prometheus remote-write 1.0 requests and remote-read responses (sample form): Snappy block compression over protobuf.
//!
//! Both carry raw readings with their own millisecond times, so neither suffers from resampling. Decoded by hand: the messages are five
//! fields deep and every length is checked against the bytes that are there. Remote-write 2.0 and `STREAMED_XOR_CHUNKS` are refused by name.

mod wire;

pub use wire::{Body, MOST_BYTES, WireSeries, decode, parse};

use super::dcgm_series::{Quantity, identity};
use super::fault::Fault;
use super::rows::Collector;

/// The bit pattern with which Prometheus marks that a series has ended (a NaN of its own).
pub const STALE_MARKER_BITS: u64 = 0x7ff0_0000_0000_0002;

/// Adds one body's GPU readings to a collector. Returns the number of readings that the meter uses.
///
/// # Errors
/// A [`Fault`] with the byte offset (in the unpacked message) when the body does not decode, or when a series that the meter uses names no
/// device.
pub fn collect(bytes: &[u8], kind: Body, into: &mut Collector) -> Result<u64, Fault> {
    let mut used = 0;
    for series in parse(bytes, kind)? {
        let Some(quantity) = Quantity::of_metric(series.name()) else {
            into.notes.unused += series.samples.len() as u64;
            continue;
        };
        let who = identity(&series.labels)
            .map_err(|what| Fault::whole(what, "send the exporter's labels unchanged (no labeldrop on UUID)"))?;
        let index = into.series(who)?;
        for (time_ms, value) in &series.samples {
            into.push_double(index, quantity, *time_ms, *value)?;
            used += 1;
        }
    }
    Ok(used)
}

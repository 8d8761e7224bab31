//! `prometheus.WriteRequest`, `prometheus.ReadResponse` and the `TimeSeries` in both.

use crate::adapter::fault::Fault;

/// Unpacked size of one body at most; Prometheus sends at most a few thousand samples (about 1 MB) at once.
pub const MOST_BYTES: usize = 64 << 20;
const MOST_SERIES: usize = 200_000;
const MOST_LABELS: usize = 128;
const MOST_SAMPLES: usize = 4_000_000;

/// Which message a body holds. The bodies do not say it themselves; the request's path or the file's name does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// `WriteRequest` of remote-write 1.0 (`X-Prometheus-Remote-Write-Version: 0.1.0`).
    WriteRequest,
    /// `ReadResponse` of remote-read with response type `SAMPLES`.
    ReadResponse,
}

/// One series of a body.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WireSeries {
    /// Labels in the order of the message, `__name__` among them.
    pub labels: Vec<(String, String)>,
    /// Readings as (Unix milliseconds, value); a stale marker is a NaN.
    pub samples: Vec<(i64, f64)>,
}

impl WireSeries {
    /// The metric's name; empty when there is none.
    pub fn name(&self) -> &str {
        self.labels.iter().find(|(name, _)| name == "__name__").map_or("", |(_, value)| value.as_str())
    }
}

/// Unpacks and decodes a body.
///
/// # Errors
/// A [`Fault`] when the Snappy block or the protobuf does not decode, or a limit is passed.
pub fn parse(bytes: &[u8], kind: Body) -> Result<Vec<WireSeries>, Fault> {
    const SNAPPY: &str = "save the request body unchanged: Snappy block format, not the framed stream format";
    let length = snap::raw::decompress_len(bytes).map_err(|e| Fault::whole(format!("no Snappy block: {e}"), SNAPPY))?;
    if length > MOST_BYTES {
        let what = format!("the body says that it unpacks to {length} bytes, over the limit of {MOST_BYTES}");
        return Err(Fault::whole(what, "no Prometheus sends such bodies; look at where the file comes from"));
    }
    let message = snap::raw::Decoder::new()
        .decompress_vec(bytes)
        .map_err(|e| Fault::whole(format!("a damaged Snappy block: {e}"), SNAPPY))?;
    decode(&message, kind)
}

/// Decodes an unpacked body.
///
/// # Errors
/// As [`parse`].
pub fn decode(message: &[u8], kind: Body) -> Result<Vec<WireSeries>, Fault> {
    let mut out = Vec::new();
    let mut budget = MOST_SAMPLES;
    match kind {
        Body::WriteRequest => time_series_list(Message::new(message, 0), &mut out, &mut budget)?,
        Body::ReadResponse => {
            let mut response = Message::new(message, 0);
            while let Some((number, field)) = response.next()? {
                match (number, field) {
                    (1, Field::Bytes(result)) => time_series_list(result, &mut out, &mut budget)?,
                    _ => {
                        return Err(
                            response.fault("this is no ReadResponse of samples", "ask for response type SAMPLES")
                        );
                    }
                }
            }
        }
    }
    Ok(out)
}

fn time_series_list(mut list: Message<'_>, out: &mut Vec<WireSeries>, budget: &mut usize) -> Result<(), Fault> {
    while let Some((number, field)) = list.next()? {
        match (number, field) {
            (1, Field::Bytes(series)) => {
                if out.len() >= MOST_SERIES {
                    return Err(list.fault(format!("more than {MOST_SERIES} series"), "send smaller batches"));
                }
                out.push(time_series(series, budget)?);
            }
            // Metadata (field 3) says HELP and TYPE; the meter has its own table.
            (3, Field::Bytes(_)) => {}
            (4 | 5, Field::Bytes(_)) => {
                let remedy = "set the sender to remote-write 1.0 (protobuf_message: prometheus.WriteRequest)";
                return Err(list.fault("this looks like a remote-write 2.0 body", remedy));
            }
            _ => {
                return Err(
                    list.fault(format!("unexpected field {number}"), "save remote-write 1.0 or remote-read bodies")
                );
            }
        }
    }
    Ok(())
}

fn time_series(mut message: Message<'_>, budget: &mut usize) -> Result<WireSeries, Fault> {
    let mut series = WireSeries::default();
    while let Some((number, field)) = message.next()? {
        match (number, field) {
            (1, Field::Bytes(pair)) => {
                if series.labels.len() >= MOST_LABELS {
                    return Err(message.fault(format!("more than {MOST_LABELS} labels"), "drop labels at the sender"));
                }
                let (name, value) = label(pair)?;
                if series.labels.iter().any(|(seen, _)| *seen == name) {
                    return Err(message.fault("a label stands twice", "fix the relabelling rule"));
                }
                series.labels.push((name, value));
            }
            (2, Field::Bytes(inner)) => {
                *budget = budget.checked_sub(1).ok_or_else(|| {
                    message.fault(format!("more than {MOST_SAMPLES} samples"), "send smaller batches")
                })?;
                series.samples.push(sample(inner)?);
            }
            // Exemplars (3) and native histograms (4) are no readings of ours.
            (3 | 4, Field::Bytes(_)) => {}
            _ => return Err(message.fault(format!("unexpected field {number} in a series"), "save unchanged bodies")),
        }
    }
    Ok(series)
}

fn label(mut message: Message<'_>) -> Result<(String, String), Fault> {
    let (mut name, mut value) = (String::new(), String::new());
    while let Some((number, field)) = message.next()? {
        let target = match number {
            1 => &mut name,
            2 => &mut value,
            _ => return Err(message.fault("unexpected field in a label", "save unchanged bodies")),
        };
        let Field::Bytes(text) = field else {
            return Err(message.fault("a label that is no text", "save unchanged bodies"));
        };
        *target = std::str::from_utf8(text.bytes)
            .map_err(|_| message.fault("a label that is not UTF-8", "save unchanged bodies"))?
            .to_owned();
    }
    Ok((name, value))
}

fn sample(mut message: Message<'_>) -> Result<(i64, f64), Fault> {
    let (mut time_ms, mut value) = (0, 0.0);
    while let Some((number, field)) = message.next()? {
        match (number, field) {
            (1, Field::Fixed64(bits)) => value = f64::from_bits(bits),
            (2, Field::Varint(raw)) => time_ms = i64::from_le_bytes(raw.to_le_bytes()),
            _ => return Err(message.fault("unexpected field in a sample", "save unchanged bodies")),
        }
    }
    Ok((time_ms, value))
}

enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(Message<'a>),
}

/// A cursor over one protobuf message; `base` is its offset in the whole body, for messages to people.
struct Message<'a> {
    bytes: &'a [u8],
    at: usize,
    base: usize,
}

impl<'a> Message<'a> {
    fn new(bytes: &'a [u8], base: usize) -> Self {
        Message { bytes, at: 0, base }
    }

    fn fault(&self, what: impl Into<String>, remedy: &'static str) -> Fault {
        Fault::at(0, (self.base + self.at) as u64 + 1, what, remedy)
    }

    fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, Fault> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let key = self.varint()?;
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().unwrap_or_default())),
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                let base = self.base + self.at;
                Field::Bytes(Message::new(self.take(length)?, base))
            }
            5 => return Err(self.fault("a 32-bit field, which these messages do not have", "save unchanged bodies")),
            _ => return Err(self.fault("this is no protobuf message", "save unchanged bodies")),
        };
        Ok(Some((key >> 3, field)))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else {
            return Err(self.fault("the message ends early", "the body was cut; save it whole"));
        };
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.fault("a number longer than 64 bits", "save unchanged bodies"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn field(number: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(body.len()).expect("short")];
        out.extend_from_slice(body);
        out
    }

    fn request() -> Vec<u8> {
        let name = field(1, &[field(1, b"__name__"), field(2, b"m")].concat());
        let sample = field(2, &[vec![0x09], 1.5_f64.to_le_bytes().to_vec(), vec![0x10, 0xe8, 0x07]].concat());
        field(1, &[name, sample].concat())
    }

    #[test]
    fn decodes_a_hand_made_request() {
        let series = decode(&request(), Body::WriteRequest).expect("request");
        assert_eq!((series[0].name(), series[0].samples.as_slice()), ("m", &[(1000, 1.5)][..]));
        let response = field(1, &request());
        assert_eq!(decode(&response, Body::ReadResponse).expect("response"), series);
        let packed = snap::raw::Encoder::new().compress_vec(&request()).expect("pack");
        assert_eq!(parse(&packed, Body::WriteRequest).expect("packed"), series);
    }

    #[test]
    fn a_lying_length_allocates_nothing() {
        // Snappy's preamble says 4 GB - 1.
        assert!(parse(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0], Body::WriteRequest).is_err());
        assert!(decode(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], Body::WriteRequest).is_err());
    }

    #[test]
    fn version_two_is_named() {
        let fault = decode(&field(4, b"symbol"), Body::WriteRequest).expect_err("v2");
        assert!(fault.to_string().contains("2.0"), "{fault}");
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, Body::WriteRequest);
            let _ = decode(&bytes, Body::WriteRequest);
            let _ = decode(&bytes, Body::ReadResponse);
        }

        #[test]
        fn one_changed_byte_never_panics(at in 0_usize..40, byte in any::<u8>()) {
            let mut bytes = request();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = decode(&bytes, Body::WriteRequest);
        }
    }
}

//! Kubernetes quantities of devices, and which resources are devices.

use serde_json::Value;

/// A quantity as a whole number of devices, rounded up; `None` when it cannot be read. `2`, `"2"`, `"2k"`, `"2000m"`, `"1e1"`, `"1Ki"`.
#[must_use]
pub fn devices(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => parse(text.trim()),
        _ => None,
    }
}

fn parse(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || digits.len() > 30 || fraction.contains('.') {
        return None;
    }
    let (ten, two) = match suffix {
        "" => (0, 0),
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        exponent => (exponent.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?, 0),
    };
    // value = mantissa · 10^(ten − length of the fraction) · 2^two, rounded up.
    let mantissa: u128 = [whole, fraction].concat().parse().ok()?;
    let scale = ten - i32::try_from(fraction.len()).ok()?;
    if mantissa == 0 {
        return Some(0);
    }
    let scaled = if scale >= 0 {
        10_u128.checked_pow(scale.unsigned_abs()).and_then(|factor| mantissa.checked_mul(factor))
    } else {
        Some(10_u128.checked_pow(scale.unsigned_abs()).map_or(1, |divisor| mantissa.div_ceil(divisor)))
    };
    let value = scaled.and_then(|value| value.checked_mul(1_u128 << two)).unwrap_or(u128::MAX);
    Some(u64::try_from(value).unwrap_or(u64::MAX))
}

/// Whether a resource may be an accelerator: every extended resource (its name has a domain) that is not listed as harmless. The names of
/// device plugins cannot be listed for ever, so the list is of what they are not.
#[must_use]
pub fn is_device(name: &str, harmless: &[String]) -> bool {
    name.contains('/') && !name.starts_with("kubernetes.io/") && !harmless.iter().any(|item| item == name)
}

/// Names of accelerator resources in wide use, for the search through unknown objects: parts of the resource name.
const DEVICE_WORDS: [&str; 14] = [
    "nvidia.com/",
    "amd.com/gpu",
    "gpu.intel.com/",
    "intel.com/gpu",
    "habana.ai/",
    "aws.amazon.com/neuron",
    "google.com/tpu",
    "cloud-tpus.google.com/",
    "huawei.com/ascend",
    "cambricon.com/",
    "/gpu",
    "furiosa.ai/",
    "rebellions.ai/",
    "tenstorrent.com/",
];

/// Whether a map key anywhere in an object looks like an accelerator resource.
#[must_use]
pub fn looks_like_device(key: &str, harmless: &[String]) -> bool {
    let lower = key.to_ascii_lowercase();
    DEVICE_WORDS.iter().any(|word| lower.contains(word)) && !harmless.iter().any(|item| *item == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities() {
        for (value, count) in [
            (json!(8), 8),
            (json!("8"), 8),
            (json!("8k"), 8000),
            (json!("8000m"), 8),
            (json!("7001m"), 8),
            (json!("1e1"), 10),
            (json!("1Ki"), 1024),
            (json!("0.5"), 1),
            (json!("0"), 0),
            (json!("16Ei"), u64::MAX),
            (json!("1e30"), u64::MAX),
            (json!("1e40"), u64::MAX),
        ] {
            assert_eq!(devices(&value), Some(count), "{value}");
        }
        for value in [
            json!("x"),
            json!(""),
            json!("-1"),
            json!(-1),
            json!(1.5),
            json!(null),
            json!("1e"),
            json!("1.2.3"),
            json!([8]),
        ] {
            assert_eq!(devices(&value), None, "{value}");
        }
    }

    #[test]
    fn every_extended_resource_is_a_device_unless_listed() {
        let harmless = ["rdma/hca".to_owned()];
        for name in ["nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "amd.com/gpu", "example.com/new-accelerator"] {
            assert!(is_device(name, &harmless), "{name}");
        }
        for name in ["cpu", "memory", "ephemeral-storage", "hugepages-2Mi", "rdma/hca"] {
            assert!(!is_device(name, &harmless), "{name}");
        }
    }
}

//! What one pod can hold.

use super::quantity::{devices, is_device};
use serde_json::Value;

/// Size of a pod, or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Accelerators; `None` when they cannot be counted.
    pub accelerators: Option<u64>,
    /// Names of the resources and models.
    pub models: Vec<String>,
    /// Why they cannot be counted.
    pub unreadable: Vec<String>,
}

impl Size {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { accelerators: Some(0), models: Vec::new(), unreadable: Vec::new() }
    }

    /// A size that cannot be told, and why.
    #[must_use]
    pub fn unknown(why: &str) -> Self {
        Self { accelerators: None, models: Vec::new(), unreadable: vec![crate::shorten(why)] }
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.accelerators = self.accelerators.zip(other.accelerators).map(|(a, b)| a.saturating_add(b));
        self.merge(other);
        self
    }

    /// The larger of the two.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.accelerators = self.accelerators.zip(other.accelerators).map(|(a, b)| a.max(b));
        self.merge(other);
        self
    }

    /// So many of it.
    #[must_use]
    pub fn times(mut self, count: Option<u64>) -> Self {
        match (count, self.accelerators) {
            (_, Some(0)) => {}
            (Some(count), Some(each)) => self.accelerators = Some(each.saturating_mul(count)),
            (None, _) => {
                self.accelerators = None;
                self.unreadable.push("a number of copies that cannot be read".to_owned());
            }
            (_, None) => {}
        }
        self
    }

    fn merge(&mut self, other: Self) {
        for model in other.models {
            if !self.models.contains(&model) && self.models.len() < 32 {
                self.models.push(model);
            }
        }
        self.unreadable.extend(other.unreadable);
        self.unreadable.truncate(32);
    }
}

/// What a pod's specification lets it hold: containers and sidecars together, or the largest init container with the sidecars before it.
#[must_use]
pub fn pod(spec: &Value, harmless: &[String]) -> Size {
    if !spec.is_object() {
        return Size::unknown("a pod without a specification");
    }
    let containers = sum(list(spec, "containers").map(|container| resources(container, harmless)));
    let (mut sidecars, mut largest) = (Size::none(), Size::none());
    for container in list(spec, "initContainers") {
        let own = resources(container, harmless);
        if container.get("restartPolicy").and_then(Value::as_str) == Some("Always") {
            sidecars = sidecars.and(own);
            largest = largest.or(sidecars.clone());
        } else {
            largest = largest.or(sidecars.clone().and(own));
        }
    }
    let mut size = containers.and(sidecars).or(largest).or(resources(spec, harmless));
    // Claims (dynamic resource allocation) name a request that is in another object.
    if list(spec, "resourceClaims").next().is_some() {
        size = size.and(Size::unknown("resource claims"));
    }
    if let Some(model) = spec.pointer("/nodeSelector/nvidia.com~1gpu.product").and_then(Value::as_str) {
        size.models.push(crate::shorten(&model.to_ascii_lowercase()));
    }
    match reaches_devices(spec) {
        Some(why) => size.and(Size::unknown(why)),
        None => size,
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn sum(sizes: impl Iterator<Item = Size>) -> Size {
    sizes.fold(Size::none(), Size::and)
}

/// The larger of requests and limits for each resource, all resources together.
fn resources(container: &Value, harmless: &[String]) -> Size {
    let part = |key: &str| {
        let map = container.get("resources").and_then(|resources| resources.get(key)).and_then(Value::as_object);
        map.into_iter().flatten().filter(|(name, _)| is_device(name, harmless))
    };
    let mut size = Size::none();
    for (name, value) in part("limits").chain(part("requests")) {
        let pair = ["limits", "requests"]
            .map(|key| part(key).find(|(other, _)| *other == name).map(|(_, value)| devices(value)));
        let counts: Option<Vec<u64>> = pair.into_iter().flatten().collect();
        let model = name.to_ascii_lowercase();
        if size.models.contains(&model) {
            continue;
        }
        size = match counts.and_then(|counts| counts.into_iter().max()) {
            Some(count) => size.and(Size { accelerators: Some(count), models: Vec::new(), unreadable: Vec::new() }),
            None => size.and(Size::unknown(&format!("{name}: {value}"))),
        };
        if size.models.len() < 32 {
            size.models.push(model);
        }
    }
    if container.pointer("/resources/claims").and_then(Value::as_array).is_some_and(|claims| !claims.is_empty()) {
        size = size.and(Size::unknown("resource claims"));
    }
    size
}

/// Ways to a device that no resource shows: privileged containers, device folders of the node, and the variable by which NVIDIA's runtime
/// hands out devices without a request.
fn reaches_devices(spec: &Value) -> Option<&'static str> {
    let all = ["containers", "initContainers", "ephemeralContainers"].into_iter().flat_map(|key| list(spec, key));
    for container in all {
        if container.pointer("/securityContext/privileged").and_then(Value::as_bool) == Some(true) {
            return Some("a privileged container reaches every device of its node");
        }
        for variable in list(container, "env") {
            let name = variable.get("name").and_then(Value::as_str).unwrap_or_default();
            let value = variable.get("value").and_then(Value::as_str);
            if name == "NVIDIA_VISIBLE_DEVICES" && !matches!(value, Some("" | "void" | "none")) {
                return Some("NVIDIA_VISIBLE_DEVICES asks for devices without a resource request");
            }
        }
    }
    let mounted = list(spec, "volumes").filter_map(|volume| volume.pointer("/hostPath/path").and_then(Value::as_str));
    for path in mounted {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.is_empty() || parts.contains(&"..") || parts.first() == Some(&"dev") {
            return Some("a volume of the node's devices");
        }
    }
    None
}

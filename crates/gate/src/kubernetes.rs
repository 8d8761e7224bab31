//! Kubernetes: admission reviews (`admission.k8s.io/v1`) of pods and of everything that makes pods.
//!
//! Each object is read twice: exactly, for the kinds that are known, and once more by looking for accelerator resources anywhere in it.
//! When the second reading finds some and the first none, the size is unknown and the object is covered: a new kind, or a new field of an
//! old one, never passes because nobody has taught the gate about it.

pub mod kinds;
pub mod pod;
pub mod quantity;
pub mod review;

pub use review::{Request, Review, answer};

//! What is signed.
pub mod body;
pub mod ids;
pub mod vocabulary;
pub use body::*;
pub use ids::{BlobRef, Hash32, IdError, Name};
pub use vocabulary::{Class, NumericFormat};

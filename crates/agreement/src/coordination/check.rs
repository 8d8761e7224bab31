//! Rules of the optional sections.

use crate::parse::Draft;
use crate::read::Report;

/// Checks everything that spans more than one field.
pub(crate) fn check(_draft: &Draft, _report: &mut Report) {}

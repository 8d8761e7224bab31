use crate::Verdict;
use maud::{Markup, html};
pub(super) fn page(verdict: &Verdict) -> Markup {
    html! { (verdict.sentence) }
}

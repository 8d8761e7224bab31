//! Strips of one cell per window: phases, and what data there is. Shapes differ, so that they read without colour.

use crate::verdict::{AuditStatus, PartyVerdict, ReportStatus, Terms};
use maud::{Markup, html};

/// Width of a chart's drawing area, in pixels.
pub(super) const WIDTH: u64 = 860;
/// Width of the labels on the left.
pub(super) const LEFT: u64 = 110;
/// Height of one row of cells.
const ROW: u64 = 22;

/// Pixels per window, in tenths: one decimal is enough and keeps the arithmetic whole.
fn tenths_per_window(windows: u64) -> u64 {
    (WIDTH * 10 / windows.max(1)).clamp(1, 860)
}

/// `12.3` from tenths.
pub(super) fn px(tenths: u64) -> String {
    if tenths.is_multiple_of(10) { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

/// Left edge of a window's cell, in tenths of a pixel.
pub(super) fn left(window: u64, windows: u64) -> u64 {
    LEFT * 10 + window * tenths_per_window(windows)
}

/// Width of a window's cell, in tenths of a pixel.
pub(super) fn width(windows: u64) -> u64 {
    tenths_per_window(windows)
}

/// Windows that get a number below a chart: about twelve.
pub(super) fn labelled(window: u64, windows: u64) -> bool {
    window.is_multiple_of((windows / 12).max(1))
}

/// Phases over the term, and how far it was judged.
pub(super) fn timeline(terms: &Terms) -> Markup {
    let total = terms.term_windows;
    let at = |window: u64| LEFT * 10 + scaled(window, total);
    html! {
        svg viewBox="0 0 980 64" width="980" height="64" role="img" aria-label="Phases of the agreement" {
            text x="0" y="18" { "phase" }
            @for (place, span) in terms.phases.iter().enumerate() {
                @let wide = at(span.until_window) - at(span.from_window);
                rect.out.(if place % 2 == 0 { "pale" } else { "bar" }) x=(px(at(span.from_window))) y="4" width=(px(wide)) height="20" {}
            }
            @for span in &terms.phases {
                text.s x=(px(at(span.from_window))) y="38" { (span.phase) " from window " (span.from_window) }
            }
            text x="0" y="57" { "judged" }
            rect.bar x=(LEFT) y="47" width=(px(at(terms.judged_windows.min(total)) - LEFT * 10)) height="10" {}
            rect.out x=(LEFT) y="47" width=(WIDTH) height="10" fill="none" {}
        }
    }
}

fn scaled(window: u64, total: u64) -> u64 {
    let wide = u128::from(WIDTH) * 10 * u128::from(window.min(total)) / u128::from(total.max(1));
    u64::try_from(wide).unwrap_or(WIDTH * 10)
}

/// Reports, proofs and audits, window by window.
pub(super) fn availability(party: &PartyVerdict) -> Markup {
    let windows = party.windows.len() as u64;
    html! {
        svg viewBox="0 0 980 92" width="980" height="92" role="img" aria-label={ "Data of " (party.party) " by window" } {
            text x="0" y="16" { "report" }
            text x="0" y=(16 + ROW) { "proofs" }
            text x="0" y=(16 + 2 * ROW) { "audit" }
            @for (place, row) in party.windows.iter().enumerate() {
                @let x = left(place as u64, windows);
                (cell(x, 0, windows, report_mark(row.report)))
                (cell(x, 1, windows, proof_mark(row.proofs_hold, row.limits.iter().any(|limit| limit.holds == Some(false)))))
                (cell(x, 2, windows, audit_mark(row.audit)))
                @if labelled(row.window, windows) { text.s x=(px(x)) y="84" { (row.window) } }
            }
        }
        p.key { "■ there and good · ◧ late within grace, or not finished · ✕ missing or failed · □ cannot be told, or flagged · dotted: not due or not asked" }
    }
}

#[derive(Clone, Copy)]
enum Mark {
    Full,
    Half,
    Cross,
    Hollow,
    Dotted,
}

fn report_mark(status: ReportStatus) -> Mark {
    match status {
        ReportStatus::OnTime => Mark::Full,
        ReportStatus::Late => Mark::Half,
        ReportStatus::Missing => Mark::Cross,
        ReportStatus::Unknown => Mark::Hollow,
        ReportStatus::NotDue => Mark::Dotted,
    }
}

fn proof_mark(proofs_hold: Option<bool>, limit_broken: bool) -> Mark {
    match proofs_hold {
        _ if limit_broken => Mark::Cross,
        Some(true) => Mark::Full,
        Some(false) => Mark::Cross,
        None => Mark::Dotted,
    }
}

fn audit_mark(status: AuditStatus) -> Mark {
    match status {
        AuditStatus::Clean => Mark::Full,
        AuditStatus::Open => Mark::Half,
        AuditStatus::Failed => Mark::Cross,
        AuditStatus::NotMade | AuditStatus::Flagged => Mark::Hollow,
        AuditStatus::NotAsked | AuditStatus::Pending => Mark::Dotted,
    }
}

fn cell(x_tenths: u64, row: u64, windows: u64, mark: Mark) -> Markup {
    let gap = if width(windows) > 200 { 40 } else { 4 };
    let wide = width(windows).saturating_sub(gap).max(6);
    let (x, y, w) = (px(x_tenths), 4 + row * ROW, px(wide));
    let end = px(x_tenths + wide);
    let low = y + 16;
    html! {
        @match mark {
            Mark::Full => rect.g x=(x) y=(y) width=(w) height="16" {},
            Mark::Half => { rect.o x=(x) y=(y) width=(w) height="16" {} rect.g x=(x) y=(y) width=(px(wide / 2)) height="16" {} },
            Mark::Hollow => rect.o x=(x) y=(y) width=(w) height="16" {},
            Mark::Dotted => rect.n x=(x) y=(y) width=(w) height="16" {},
            Mark::Cross => path.bx d={ "M" (x) " " (y) "L" (end) " " (low) "M" (end) " " (y) "L" (x) " " (low) "M" (x) " " (y) "H" (end) "V" (low) "H" (x) "Z" } {},
        }
    }
}

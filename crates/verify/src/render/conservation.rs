//! Conservation: the uses of each window, laid end to end, fill the registered capacity.

use super::strip::{labelled, left, px, width};
use super::words;
use crate::verdict::{PartyVerdict, WindowRow};
use maud::{Markup, html};
use standstill_statement::Class;

/// Height of a full bar, in pixels.
const HEIGHT: u64 = 130;
/// Top of the bars.
const TOP: u64 = 8;

/// Fill of each class: lightness falls from top to bottom of the list, and unaccounted time is outlined instead of filled.
const FILLS: [&str; Class::COUNT] =
    ["#17324d", "#2b5a85", "#4d84b5", "#7aa868", "#a5c997", "#c9b458", "#d9dde3", "#f0f1f4", "none"];

pub(super) fn chart(party: &PartyVerdict) -> Markup {
    let clear: Vec<&WindowRow> = party.windows.iter().filter(|row| row.seconds.is_some()).collect();
    let sealed = party.windows.iter().filter(|row| !row.in_clear && row.proofs_hold == Some(true)).count() as u64;
    if clear.is_empty() {
        return html! {
            h3 { "Uses add up to the registered capacity in " (words::counted(sealed, "sealed window")) }
            p.sub { "Proved for every group without showing any figure: chip-seconds over all nine classes equal registered chips × window." }
        };
    }
    html! {
        h3 { (takeaway(&clear)) }
        p.sub { "Share of registered chip-time by class and window; each full bar is chips × window length. " (totals(&clear)) }
        svg viewBox="0 0 980 164" width="980" height="164" role="img" aria-label={ "Uses of " (party.party) " by window" } {
            text.s x="0" y=(TOP + 10) { "100 %" }
            text.s x="0" y=(TOP + HEIGHT) { "0" }
            @for (place, row) in party.windows.iter().enumerate() { (bar(place as u64, party.windows.len() as u64, row)) }
        }
        p.key { @for class in Class::ALL { span { (swatch(class)) " " (class) "  " } } }
    }
}

fn swatch(class: Class) -> Markup {
    html! { svg width="12" height="12" viewBox="0 0 12 12" style="display:inline;margin:0;vertical-align:-1px" aria-hidden="true" {
        rect.out x="1" y="1" width="10" height="10" style={ "fill:" (FILLS[class.index()]) } {}
        @if class == Class::Unaccounted { path.bx d="M2 10L10 2" {} }
    } }
}

fn sums(rows: &[&WindowRow]) -> [u128; Class::COUNT] {
    let mut sums = [0u128; Class::COUNT];
    for row in rows {
        for (sum, seconds) in sums.iter_mut().zip(row.seconds.iter().flatten()) {
            *sum += u128::from(*seconds);
        }
    }
    sums
}

fn takeaway(rows: &[&WindowRow]) -> String {
    let sums = sums(rows);
    let total: u128 = sums.iter().sum::<u128>().max(1);
    let largest = Class::ALL.into_iter().max_by_key(|class| sums[class.index()]).unwrap_or(Class::Idle);
    let unaccounted = sums[Class::Unaccounted.index()] * 100_000 / total;
    format!(
        "Every chip-second is accounted for: most went to {largest}, {}.{:03} % is unaccounted",
        unaccounted / 1000,
        unaccounted % 1000
    )
}

fn totals(rows: &[&WindowRow]) -> String {
    let energy: u128 = rows.iter().filter_map(|row| row.energy_kilojoules).map(u128::from).sum();
    let petaops: u128 = rows.iter().flat_map(|row| row.petaops.iter().flatten()).map(|value| u128::from(*value)).sum();
    format!(
        "Over {}: {} operations, {} kWh.",
        words::counted(rows.len() as u64, "window"),
        words::operations(petaops),
        words::grouped(energy / 3600)
    )
}

fn bar(place: u64, count: u64, row: &WindowRow) -> Markup {
    let (x, wide) = (left(place, count), width(count) * 8 / 10);
    let base = TOP + HEIGHT;
    html! {
        @match &row.seconds {
            Some(seconds) => @for (class, from, to) in segments(seconds) {
                rect.out x=(px(x)) y=(TOP + from) width=(px(wide)) height=(to - from) style={ "fill:" (FILLS[class.index()]) } {}
                @if class == Class::Unaccounted { path.bx d={ "M" (px(x)) " " (TOP + to) "L" (px(x + wide)) " " (TOP + from) } {} }
            },
            None => rect.n x=(px(x)) y=(TOP) width=(px(wide)) height=(HEIGHT) {},
        }
        @if labelled(row.window, count) { text.s x=(px(x)) y=(base + 16) { (row.window) } }
    }
}

/// Class, upper and lower edge in pixels from the top; classes without time are left out.
fn segments(seconds: &[u64]) -> Vec<(Class, u64, u64)> {
    let total = seconds.iter().map(|value| u128::from(*value)).sum::<u128>().max(1);
    let (mut sum, mut parts) = (0u128, Vec::new());
    for (class, value) in Class::ALL.into_iter().zip(seconds) {
        let edge = |sum: u128| u64::try_from(sum * u128::from(HEIGHT) / total).unwrap_or(HEIGHT);
        let from = edge(sum);
        sum += u128::from(*value);
        if *value > 0 {
            // A use that is there is seen, however small it is.
            parts.push((class, from.min(HEIGHT - 1), edge(sum).max(from + 1).min(HEIGHT)));
        }
    }
    parts
}

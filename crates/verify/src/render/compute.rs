//! Compute against limits, one chart per limit. In clear: a bar per window and the limit as a line. Sealed: a mark that the proof holds.

use super::strip::{LEFT, WIDTH, labelled, left, px, width};
use super::words;
use crate::verdict::{LimitTerms, PartyVerdict, Verdict, WindowLimit};
use maud::{Markup, html};

/// Height of the drawing area, in pixels.
const HEIGHT: u64 = 120;
/// Top of the drawing area.
const TOP: u64 = 14;

pub(super) fn charts(verdict: &Verdict, party: &PartyVerdict) -> Markup {
    html! { @for limit in &verdict.terms.limits { (chart(party, limit)) } }
}

/// What one window shows of one limit.
struct Point<'a> {
    window: u64,
    limit: &'a WindowLimit,
    amount: Option<u128>,
    bound: Option<u128>,
}

fn points<'a>(party: &'a PartyVerdict, limit: &LimitTerms) -> Vec<Point<'a>> {
    let mut points = Vec::new();
    for row in &party.windows {
        if let Some(found) = row.limits.iter().find(|found| found.id == limit.id) {
            let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
            points.push(Point {
                window: row.window,
                limit: found,
                amount: number(&found.amount),
                bound: number(&found.bound),
            });
        }
    }
    points
}

fn chart(party: &PartyVerdict, limit: &LimitTerms) -> Markup {
    let points = points(party, limit);
    if points.is_empty() {
        return html! {};
    }
    let amounts = points.iter().filter_map(|point| point.amount);
    let top = amounts.chain(points.iter().filter_map(|point| point.bound)).max().unwrap_or(0).max(1);
    let clear = points.iter().any(|point| point.amount.is_some());
    html! {
        h3 { (title(party, limit, &points)) }
        p.sub {
            (limit.words) ". "
            @if clear { "Bars: amount charged per window, in " (limit.unit) "; line: the limit. Scale 0 to " (words::amount(top, &limit.unit)) "." }
            @else { "The figures are sealed: ✓ marks a window in which the amount was proved to be at or under the limit; there is no scale." }
        }
        svg viewBox="0 0 980 160" width="980" height="160" role="img" aria-label={ "Limit " (limit.id) " by window" } {
            line.axis x1=(LEFT) x2=(LEFT + WIDTH) y1=(TOP + HEIGHT) y2=(TOP + HEIGHT) {}
            @if clear { text.s x="0" y=(TOP + 10) { (top_label(top, &limit.unit)) } text.s x="0" y=(TOP + HEIGHT) { "0" } }
            @for (place, point) in points.iter().enumerate() { (window(place as u64, points.len() as u64, point, top, clear)) }
        }
    }
}

fn top_label(top: u128, unit: &str) -> String {
    if unit == "operations" { words::operations(top) } else { words::grouped(top) }
}

fn title(party: &PartyVerdict, limit: &LimitTerms, points: &[Point<'_>]) -> String {
    let over: Vec<u64> =
        points.iter().filter(|point| point.limit.holds == Some(false)).map(|point| point.window).collect();
    let open: Vec<u64> = points.iter().filter(|point| point.limit.holds.is_none()).map(|point| point.window).collect();
    match (over.as_slice(), open.as_slice()) {
        ([], []) => format!("{} stayed under limit {} in every window", party.party, limit.id),
        ([], open) => format!(
            "{} stayed under limit {} where it could be checked; not in {}",
            party.party,
            limit.id,
            words::windows(open)
        ),
        (over, _) => {
            format!("{} did not show that it stayed under limit {} in {}", party.party, limit.id, words::windows(over))
        }
    }
}

fn height(value: u128, top: u128) -> u64 {
    // Amounts are below 2^100; the product stays within 128 bits after shedding low bits of both.
    let shed = (128u32 - top.leading_zeros()).saturating_sub(100);
    let scaled = (value >> shed) * u128::from(HEIGHT) / (top >> shed).max(1);
    u64::try_from(scaled).unwrap_or(HEIGHT).min(HEIGHT)
}

fn window(place: u64, count: u64, point: &Point<'_>, top: u128, clear: bool) -> Markup {
    let x = left(place, count);
    let wide = width(count);
    let bar = wide * 7 / 10;
    let base = TOP + HEIGHT;
    html! {
        @if let Some(amount) = point.amount {
            // An amount that is there is seen, however small it is beside the limit.
            @let tall = height(amount, top).max(u64::from(amount > 0));
            rect.bar x=(px(x)) y=(base - tall) width=(px(bar)) height=(tall) {}
        }
        @if let (true, Some(bound)) = (clear, point.bound) {
            @let y = base - height(bound, top);
            path.limit d={ "M" (px(x)) " " (y) "h" (px(wide)) } {}
        }
        @match point.limit.holds {
            // A window without a limit in force has nothing to prove.
            Some(true) if point.limit.words == super::words::NO_LIMIT => {},
            Some(true) if point.amount.is_none() => path.t d={ "M" (px(x)) " " (base - 14) "l4 5l8 -11" } {},
            Some(false) => path.bx d={ "M" (px(x)) " 2l9 10m0 -10l-9 10" } {},
            None => text.s x=(px(x)) y=(base - 4) { "?" },
            Some(true) => {},
        }
        @if labelled(point.window, count) { text.s x=(px(x)) y=(base + 16) { (point.window) } }
    }
}

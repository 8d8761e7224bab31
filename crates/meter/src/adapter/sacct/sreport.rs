//! `sreport cluster AccountUtilizationByUser -T gres/gpu -t minutes -P`: Slurm's own total, as a cross-check of the sum of job records.
//!
//! `sreport` reads hourly roll-ups, so it is empty until the next full hour, and it is a second view of the same database, not a second
//! witness.

use crate::adapter::fault::{Fault, TextLimits, excerpt};

/// What a report says about accelerators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SreportTotal {
    /// No row about accelerators: nothing was rolled up yet, or nothing was used. The report supports no statement.
    NothingReported,
    /// Accelerator-minutes over all users, each row rounded by Slurm: the sum may be off by half a minute a row.
    Minutes {
        /// Sum over the rows of users.
        total: u64,
        /// Number of rows of users.
        rows: u64,
    },
}

/// Parses a parsable report.
///
/// # Errors
/// A [`Fault`] when the unit is not minutes, the header is missing or a row does not fit it.
pub fn parse(bytes: &[u8], limits: &TextLimits) -> Result<SreportTotal, Fault> {
    const REMEDY: &str =
        "export with `sreport -P -t minutes -T gres/gpu cluster AccountUtilizationByUser start=… end=…`";
    let text = limits.text(bytes)?;
    if !text.lines().any(|line| line.trim() == "Usage reported in TRES Minutes") {
        return Err(Fault::whole("the report is not in TRES minutes", REMEDY));
    }
    let mut lines = (1..).zip(text.lines()).skip_while(|(_, line)| !line.starts_with("Cluster|"));
    let Some((number, header)) = lines.next() else {
        return Err(Fault::whole("no header line", REMEDY));
    };
    let header: Vec<&str> = header.split('|').collect();
    let at = |name: &str| {
        let place = header.iter().position(|column| *column == name);
        place.ok_or_else(|| Fault::at(number, 0, format!("no column {name}"), REMEDY))
    };
    let (login, tres, used) = (at("Login")?, at("TRES Name")?, at("Used")?);
    let (mut total, mut rows) = (0_u64, 0_u64);
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('|').collect();
        if fields.len() < header.len() {
            return Err(Fault::at(
                number,
                0,
                format!("{} fields under a header of {}", fields.len(), header.len()),
                REMEDY,
            ));
        }
        // Rows without a login are sums over an account and would count its users twice.
        if fields[tres] != "gres/gpu" || fields[login].is_empty() {
            continue;
        }
        let minutes: u64 = fields[used].parse().map_err(|_| {
            Fault::at(number, used as u64 + 1, format!("`{}` is no number", excerpt(fields[used])), REMEDY)
        })?;
        total = total.saturating_add(minutes);
        rows += 1;
    }
    Ok(if rows == 0 { SreportTotal::NothingReported } else { SreportTotal::Minutes { total, rows } })
}

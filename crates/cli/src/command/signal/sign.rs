//! Signing a measurement: blobs into the role's folder, the statement into its log.

use crate::args::SignArgs;
use crate::clock;
use crate::exit::{CliError, CliResult};
use crate::folder;
use crate::role::issuer::Issuer;
use standstill_signals::claim::{Prepared, Subject};
use standstill_statement::{BlobRef, Body, Name};

/// What the statement is about.
pub(super) fn subject(args: &SignArgs) -> CliResult<Subject> {
    let name = |text: &String| Name::new(text).map_err(CliError::usage);
    let metric = args.metric.as_ref().ok_or_else(|| CliError::usage("--sign needs --metric"))?;
    Ok(Subject { metric: name(metric)?, party: args.party.as_ref().map(name).transpose()? })
}

/// Stores the blobs and publishes the statement.
pub(super) fn publish(args: &SignArgs, claim: &Prepared) -> CliResult<()> {
    let Some(home) = &args.sign else { return Ok(()) };
    let mut issuer = Issuer::open(home)?;
    for bytes in &claim.inputs {
        match &args.inputs_to {
            Some(elsewhere) => folder::write(&elsewhere.join(BlobRef::of(bytes).sha256.to_string()), bytes)?,
            None => drop(issuer.put_blob(bytes)?),
        }
    }
    issuer.put_blob(&claim.result)?;
    let hash = issuer.state(Body::Signal(claim.signal.clone()), clock::now_unix_seconds(), Vec::new())?;
    // Standard output may hold JSON for a program.
    eprintln!(
        "Published signal '{}' (statement {}). Print it with: standstill show '{}/log#{}'",
        claim.signal.metric,
        hash.short(),
        home.display(),
        issuer.entries().len().saturating_sub(1)
    );
    if let Some(elsewhere) = &args.inputs_to {
        eprintln!("Its inputs are in {}; a verdict without them cannot conclude on it.", elsewhere.display());
    }
    eprintln!(
        "Next: have it cosigned. Each witness runs: standstill witness cosign DIR --log {}/log --vkey '{}'",
        home.display(),
        issuer.log_key()
    );
    Ok(())
}

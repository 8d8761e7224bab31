#!/usr/bin/env bash
# Tests of `standstill meter query`: SQL over telemetry with the metering kernel as an aggregate (feature `query`).
#
#   scripts/test-query.sh            # DataFusion in this process
#   scripts/test-query.sh ballista   # the same questions through a Ballista scheduler and executor, too
#
# Not part of scripts/test.sh: the engine alone takes minutes to compile (docs/metering.md says how many). It is compiled without
# optimisation and into a folder of its own, so that neither this run nor the next ordinary one builds twice.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target/query}
plain=(--locked --config 'profile.dev.package."*".opt-level=0')
# One set of features for both crates, so that the engine is built once.
crates=(-p standstill-meter -p standstill-cli --features standstill-meter/query,standstill-cli/query)
if [ "${1:-}" = ballista ]; then
  crates=(-p standstill-meter -p standstill-cli --features standstill-meter/ballista-standalone,standstill-cli/ballista)
fi

cargo test "${plain[@]}" "${crates[@]}" --test query
cargo test "${plain[@]}" "${crates[@]}" --lib query::
if [ "${1:-}" = lint ] || [ "${2:-}" = lint ]; then
  cargo clippy "${plain[@]}" "${crates[@]}" --all-targets -- -D warnings
fi
if command -v cargo-deny >/dev/null; then
  cargo deny --manifest-path crates/cli/Cargo.toml --features query check licenses bans sources
else
  echo "note: cargo-deny is not installed; the licences of the query engine are not checked in this run"
fi

#!/usr/bin/env bash
# The checked model of activation, pause and resumption: searches further than the ordinary tests and prints what it searched.
# Properties and bounds: docs/formats/runtime.md, section 10.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --locked -p standstill-agreement --test model --test witnesses -- --include-ignored --nocapture --test-threads 1
VERIFIER_CASES="${VERIFIER_CASES:-5000}" \
  cargo test --locked -p standstill-agreement --test verifiers -- --nocapture

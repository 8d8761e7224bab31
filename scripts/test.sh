#!/usr/bin/env bash
# The README's second command: installs what the tests need (Debian or Ubuntu, as root), then runs everything.
#
#   bash scripts/test.sh          all of it
#   bash scripts/test.sh quick    format, lints, structure and unit tests only
#
# Real-data tests run when ../shared/data is there (or STANDSTILL_DATA points at it); they say so when it is not.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never
step() { printf '\n== %s (%s)\n' "$1" "$(date -u +%H:%M:%S)"; }

step "system packages"
need=()
command -v cc >/dev/null || need+=(gcc libc6-dev)
command -v python3 >/dev/null || need+=(python3)
[ -x /usr/bin/prometheus ] || need+=(prometheus)
command -v sbatch >/dev/null || need+=(slurm-wlm munge)
if [ ${#need[@]} -gt 0 ]; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >/dev/null || true
    # A package whose service cannot start here (no init) is installed all the same; the tests that need it find out by using it.
    apt-get install -y -q --no-install-recommends "${need[@]}" >/dev/null 2>&1 ||
      echo "note: apt-get was not happy with: ${need[*]}; tests that miss something say that they skipped"
  else
    echo "note: not root, so not installing: ${need[*]}; the tests that need them say that they skipped"
  fi
fi
if command -v python3 >/dev/null && ! python3 -c 'import duckdb' 2>/dev/null; then
  python3 -m pip install -q duckdb >/dev/null 2>&1 || python3 -m pip install -q --break-system-packages duckdb >/dev/null 2>&1 ||
    echo "note: no duckdb for python3; the second-engine test says that it skipped"
fi

step "format"
cargo fmt --all -- --check
step "structure"
bash scripts/structure.sh
step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings
if command -v cargo-deny >/dev/null; then
  step "licences and sources"
  cargo deny check licenses bans sources
else
  echo "note: cargo-deny is not installed; licences and sources are not checked in this run"
fi

step "tests"
cargo test --workspace --locked
[ "${1:-}" = quick ] && exit 0

step "fuzz smoke"
cargo test --manifest-path fuzz/Cargo.toml --target-dir target

step "the README's first command"
rm -rf target/demo-out
cargo run --release --locked -- demo --out target/demo-out --cheat under-report >target/demo.txt
tail -n 12 target/demo.txt

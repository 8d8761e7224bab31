#!/usr/bin/env bash
# The README's second command: installs what the tests need (Debian or Ubuntu, as root), then runs everything.
#
#   bash scripts/test.sh          all of it
#   bash scripts/test.sh quick    without the release build and its demonstration
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
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need+=(postgresql)
# Signers of commits, whose signatures the change ledger verifies
command -v ssh-keygen >/dev/null || need+=(openssh-client)
command -v gpg >/dev/null || need+=(gnupg)
command -v gpgsm >/dev/null || need+=(gpgsm)
command -v openssl >/dev/null || need+=(openssl)
[ -d /usr/share/gocode/src/golang.org/x/mod ] || need+=(golang-go golang-golang-x-mod-dev)
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
# An independent witness; in Debian 12 it comes from backports only.
if ! command -v sigsum-witness >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  . /etc/os-release
  backports="${VERSION_CODENAME:-stable}-backports"
  if [ "${ID:-}" = debian ] && ! grep -rqs "$backports" /etc/apt; then
    mirror="$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -v security | head -n 1 || true)"
    [ -n "$mirror" ] && echo "deb $mirror $backports main" >/etc/apt/sources.list.d/standstill-backports.list
    apt-get update -q >/dev/null 2>&1 || true
  fi
  apt-get install -y -q --no-install-recommends sigsum-go >/dev/null 2>&1 ||
    apt-get install -y -q --no-install-recommends -t "$backports" sigsum-go >/dev/null 2>&1 ||
    echo "note: no sigsum-witness; its test says that it skipped"
fi
python_package() { # module, package, what misses it
  command -v python3 >/dev/null || return 0
  python3 -c "import $1" 2>/dev/null && return 0
  python3 -m pip install -q "$2" >/dev/null 2>&1 || python3 -m pip install -q --break-system-packages "$2" >/dev/null 2>&1 ||
    echo "note: no $1 for python3; $3 says that it skipped"
}
python_package duckdb duckdb "the second-engine test"
python_package moto 'moto[server]' "the object-store test"

# The node's optional stores and the fuzz targets' smoke are tested with the rest, so that everything is compiled once.
features=standstill-node/object-store,standstill-node/postgres

step "format"
cargo fmt --all -- --check
step "structure"
bash scripts/structure.sh
step "lints"
cargo clippy --workspace --all-targets --locked --features "$features" -- -D warnings
if command -v cargo-deny >/dev/null; then
  step "licences and sources"
  cargo deny check licenses bans sources
else
  echo "note: cargo-deny is not installed; licences and sources are not checked in this run"
fi

step "tests"
cargo test --workspace --locked --features "$features"
[ "${1:-}" = quick ] && exit 0

step "the README's first command"
rm -rf target/demo-out
cargo run --release --locked -- demo --out target/demo-out --cheat under-report >target/demo.txt
tail -n 12 target/demo.txt

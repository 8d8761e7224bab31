#!/usr/bin/env bash
# Builds job_submit_standstill.so for the Slurm release whose headers are installed (Debian: libslurm-dev, libclang-dev).
#
#   dist/slurm/build-plugin.sh [FOLDER]     default: the plugin's own target folder
set -euo pipefail
cd "$(dirname "$0")/plugin"
out=$(realpath -m "${1:-target}")
cargo build --release --locked
library="${CARGO_TARGET_DIR:-target}/release/libjob_submit_standstill.so"
mkdir -p "$out"
cp "$library" "$out/job_submit_standstill.so"
echo "$out/job_submit_standstill.so, for $(sed -n 's/^#define SLURM_VERSION_NUMBER *//p' /usr/include/slurm/slurm_version.h /usr/include/slurm/slurm.h 2>/dev/null | head -n 1)"

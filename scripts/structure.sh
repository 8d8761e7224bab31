#!/usr/bin/env bash
# Rules of structure that no compiler checks: file sizes, module names, and what the verifier may depend on.
set -euo pipefail
cd "$(dirname "$0")/.."
fail=0
while IFS= read -r file; do
  lines=$(wc -l < "$file")
  if [ "$lines" -gt 800 ]; then echo "$file has $lines lines; the limit is 800"; fail=1; fi
done < <(git ls-files 'crates/*.rs' 'fuzz/*.rs')
if git ls-files 'crates/*.rs' | grep -E '/(utils|common|helpers|types)(\.rs|/)'; then echo "rename the module after the thing in it"; fail=1; fi

# The verifier and all that it uses: no async runtime, no HTTP, no clock, no randomness of its own.
tree=$(cargo tree --locked -p standstill-verify -e normal --prefix none | sed 's/ .*//' | sort -u)
for banned in tokio async-std hyper reqwest ureq chrono time; do
  if grep -qx "$banned" <<< "$tree"; then echo "standstill-verify depends on $banned"; fail=1; fi
done
pure="crates/statement/src crates/agreement/src crates/tlog/src crates/ledger/src crates/seal/src crates/audit/src crates/verify/src crates/signals/src/changes crates/signals/src/claim crates/signals/src/horizon crates/signals/src/scan"
# shellcheck disable=SC2086
if grep -rnE 'SystemTime::now|Instant::now|OsRng|std::net' $pure | grep -vE '/bench|/changes/walk' ; then
  echo "a pure crate reads a clock, the network or the system's randomness; pass it in"; fail=1
fi
# The Slurm plugin is no member of the workspace and is not compiled here, so nothing else would notice an old lock file.
if ! cargo metadata --locked --format-version 1 --manifest-path dist/slurm/plugin/Cargo.toml >/dev/null; then
  echo "dist/slurm/plugin/Cargo.lock is not up to date: run cargo update --workspace in that folder"; fail=1
fi
[ "$fail" = 0 ] && echo "structure: fine"
exit "$fail"

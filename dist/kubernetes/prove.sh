#!/usr/bin/env bash
# Proves the gate's webhook on a real kube-apiserver of this machine alone, with the webhook configuration of manifests/webhook.yaml.
#
#   dist/kubernetes/prove.sh [STANDSTILL [FOLDER]]
#
# STANDSTILL is a program with the feature `tls`; left out, it is built. FOLDER holds kube-apiserver (apiserver.sh build FOLDER); left out,
# it is target/kube and is built when it is not there (about eight minutes of processor time, once). Needs etcd, openssl, curl, python3 with
# PyYAML, and as root apt-get for the build. Ends with a table of all claims, and exit status 0 only when every one holds. KEEP=1 leaves the
# temporary folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
server=${2:-$root/target/kube}
standstill=${1:-}
if [ -z "$standstill" ]; then
  (cd "$root" && cargo build --locked -p standstill-cli --features tls)
  standstill="${CARGO_TARGET_DIR:-$root/target}/debug/standstill"
fi
standstill=$(realpath "$standstill")
[ -x "$server/kube-apiserver" ] || "$here/apiserver.sh" build "$server"
server=$(realpath "$server")

dir=$(mktemp -d "${TMPDIR:-/tmp}/standstill-kube.XXXXXX")
api=
finish() {
  status=$?
  # Only what this script started, by its id; claims.py ends the gates that it starts.
  if [ -n "$api" ]; then kill "$api" 2>/dev/null || true; wait "$api" 2>/dev/null || true; fi
  if [ "$status" != 0 ]; then tail -n 15 "$dir"/*.log >&2 || true; fi
  if [ -n "${KEEP:-}" ]; then echo "kept: $dir"; else rm -rf "$dir"; fi
  exit "$status"
}
trap finish EXIT
rm -f "$server/client"
"$here/apiserver.sh" run "$server" >"$dir/server.log" 2>&1 & api=$!
for _ in $(seq 600); do
  [ -s "$server/client" ] && break
  kill -0 "$api" 2>/dev/null || { echo "the API server did not start" >&2; exit 1; }
  sleep 0.2
done
read -r address token <"$server/client"
echo "kube-apiserver runs at $address"

# A certificate for this machine, and one of an authority that nobody trusts.
cd "$dir"
for authority in ours other; do
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj "/CN=$authority" -keyout "$authority-ca.key" -out "$authority-ca.crt" 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -subj "/CN=gate" -keyout "$authority.key" -out "$authority.csr" 2>/dev/null
  printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >extensions
  openssl x509 -req -in "$authority.csr" -CA "$authority-ca.crt" -CAkey "$authority-ca.key" -CAcreateserial -days 1 -extfile extensions \
    -out "$authority.crt" 2>/dev/null
done
python3 "$here/claims.py" "$standstill" "$dir" "$address" "$token" "$here/manifests/webhook.yaml"

#!/usr/bin/env bash
# A real kube-apiserver on this machine alone, for `prove.sh`: built once from Debian's source package, run with Debian's etcd.
#
#   dist/kubernetes/apiserver.sh build FOLDER    compile FOLDER/kube-apiserver (several CPU minutes, about 4 GB of disk)
#   dist/kubernetes/apiserver.sh run FOLDER      etcd and the API server in the foreground; address and token in FOLDER/client
#
# Debian 12 packages the client only, so the server is compiled. The version is 1.20.2: AdmissionReview v1, failurePolicy, timeoutSeconds,
# selectors and matchPolicy are as in later ones; matchConditions (1.27) and ValidatingAdmissionPolicy (1.30) are not there.
# Nothing is scheduled and no container runs: the server stores objects and asks the webhooks, which is what is tested.
set -euo pipefail

verb=${1:?build or run}
mkdir -p "${2:?give a folder}"
folder=$(cd "$2" && pwd)
version=1.20.2

fetch_source() {
  # A package list of its own, so that the machine's is not changed. The mirror is the one that the machine uses.
  local mirror options
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -E 'debian/?$' | head -n 1)
  mkdir -p "$folder/apt/partial"
  echo "deb-src $mirror bookworm main" >"$folder/source.list"
  options=(-o "Dir::Etc::sourcelist=$folder/source.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$folder/apt")
  apt-get "${options[@]}" -qq update
  (cd "$folder" && apt-get "${options[@]}" -qq source --download-only kubernetes >apt.log 2>&1) || { cat "$folder/apt.log" >&2; exit 1; }
}

build() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -qq --no-install-recommends golang-1.19-go golang-github-modern-go-reflect2-dev etcd-server openssl curl >/dev/null
  local tree="$folder/go/src/k8s.io/kubernetes"
  if [ ! -d "$tree" ]; then
    fetch_source
    mkdir -p "$folder/unpacked"
    tar -xzf "$folder"/kubernetes_*"$version".orig.tar.gz -C "$folder/unpacked"
    mkdir -p "$(dirname "$tree")"
    mv "$folder/unpacked/kubernetes-$version" "$tree"
    # The vendored reflect2 is too old for this Go: programs built with it crash when they start.
    rm -rf "$tree/vendor/github.com/modern-go/reflect2"
    cp -rL /usr/share/gocode/src/github.com/modern-go/reflect2 "$tree/vendor/github.com/modern-go/"
  fi
  # The vendor folder does not satisfy the module file of the same tarball, so the older path mode is used.
  export PATH="/usr/lib/go-1.19/bin:$PATH" GO111MODULE=off GOPATH="$folder/go" CGO_ENABLED=0 GOFLAGS="-p=${JOBS:-1}"
  export GOCACHE="$folder/cache"
  cd "$tree"
  if [ ! -s pkg/generated/openapi/zz_generated.openapi.go ]; then
    # One generated file is not in the tarball. Its inputs are the packages that carry the generator's mark.
    go build -o "$folder/openapi-gen" k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen
    local inputs
    inputs=$(grep -rlE --include='*.go' '^// \+k8s:openapi-gen=true' staging/src/k8s.io pkg | grep -v _test.go | xargs -n 1 dirname |
      sort -u | sed -e 's,^staging/src/,k8s.io/kubernetes/vendor/,' -e 's,^pkg/,k8s.io/kubernetes/pkg/,' | paste -s -d ,)
    : >"$folder/no-licence-header"
    "$folder/openapi-gen" --output-file-base zz_generated.openapi --output-base "$folder/go/src" \
      --output-package k8s.io/kubernetes/pkg/generated/openapi --go-header-file "$folder/no-licence-header" \
      --report-filename "$folder/openapi-violations" --input-dirs "$inputs" >"$folder/openapi.log" 2>&1
  fi
  go build -o "$folder/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
  echo "built $folder/kube-apiserver"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

run() {
  [ -x "$folder/kube-apiserver" ] || { echo "there is no $folder/kube-apiserver; build it first" >&2; exit 2; }
  cd "$folder"
  local data client peer port token
  data=$(mktemp -d "$folder/run.XXXXXX")
  client=$(free_port) peer=$(free_port) port=$(free_port)
  token=$(openssl rand -hex 16)
  openssl genrsa -out "$data/account.key" 2048 2>/dev/null
  openssl rsa -in "$data/account.key" -pubout -out "$data/account.pub" 2>/dev/null
  echo "$token,admin,admin,\"system:masters\"" >"$data/tokens.csv"
  etcd --data-dir "$data/etcd" --name one --listen-client-urls "http://127.0.0.1:$client" \
    --advertise-client-urls "http://127.0.0.1:$client" --listen-peer-urls "http://127.0.0.1:$peer" \
    --initial-advertise-peer-urls "http://127.0.0.1:$peer" --initial-cluster "one=http://127.0.0.1:$peer" >"$data/etcd.log" 2>&1 &
  local etcd=$!
  ./kube-apiserver --etcd-servers="http://127.0.0.1:$client" --bind-address=127.0.0.1 --secure-port="$port" --cert-dir="$data/certs" \
    --service-account-issuer=https://standstill.invalid --service-account-signing-key-file="$data/account.key" \
    --service-account-key-file="$data/account.pub" --token-auth-file="$data/tokens.csv" --authorization-mode=RBAC \
    --service-cluster-ip-range=10.0.0.0/24 --allow-privileged=true --disable-admission-plugins=ServiceAccount >"$data/api.log" 2>&1 &
  local api=$!
  # Only what this script started is ended, by its ids.
  trap 'kill $api $etcd 2>/dev/null || true; wait $api $etcd 2>/dev/null || true; rm -rf "$data" "$folder/client"' EXIT INT TERM
  local ready=
  for _ in $(seq 600); do
    kill -0 "$api" 2>/dev/null || break
    [ "$(curl -sk -H "Authorization: Bearer $token" "https://127.0.0.1:$port/readyz")" = ok ] && { ready=yes; break; }
    sleep 0.2
  done
  if [ -z "$ready" ]; then tail -n 20 "$data/api.log" "$data/etcd.log" >&2; exit 1; fi
  printf 'https://127.0.0.1:%s %s\n' "$port" "$token" >"$folder/client.new"
  mv "$folder/client.new" "$folder/client"
  echo "kube-apiserver $version is ready on port $port"
  wait "$api"
}

case "$verb" in
  build) build ;;
  run) run ;;
  *) echo "build or run, not '$verb'" >&2; exit 2 ;;
esac

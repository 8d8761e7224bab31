#!/bin/sh
# Measures the log beside Tessera (github.com/transparency-dev/tessera, Apache-2.0) in one run of `standstill log bench`: the same
# generator, statements, connections and disk. Tessera does not verify what it is sent. Not part of CI.
#
# Tessera comes from Debian's packages for development with Go, which need not be installed: they are unpacked into a folder. They are in
# Debian unstable; PEER_APT holds options for apt-get when unstable is not among this machine's sources.
#
# Usage: scripts/peer.sh FOLDER [STANDSTILL]
set -eu
folder=$(mkdir -p "${1:?a folder to build and measure in}" && cd "$1" && pwd)
standstill=${2:-target/release/standstill}
address=127.0.0.1:${PEER_PORT:-2025}
go=golang-1.27

if [ ! -x "$folder/tessera" ]; then
    mkdir -p "$folder/packages" "$folder/root" "$folder/src/peer" "$folder/src/newkey"
    (
        cd "$folder/packages"
        # shellcheck disable=SC2086
        apt-get ${PEER_APT:-} download "$go-go" "$go-src" \
            golang-github-transparency-dev-tessera-dev golang-github-transparency-dev-formats-dev golang-github-transparency-dev-merkle-dev \
            golang-k8s-klog-dev golang-github-go-logr-logr-dev golang-github-go-logr-stdr-dev golang-opentelemetry-otel-dev \
            golang-opentelemetry-contrib-dev golang-golang-x-mod-dev golang-golang-x-crypto-dev golang-golang-x-sys-dev \
            golang-golang-x-net-dev golang-golang-x-sync-dev golang-golang-x-text-dev golang-golang-x-exp-dev \
            golang-github-hashicorp-golang-lru-v2-dev golang-github-cespare-xxhash-dev golang-github-cespare-xxhash-v2-dev \
            golang-github-google-uuid-dev golang-github-avast-retry-go-dev golang-github-cenkalti-backoff-v5-dev \
            golang-github-robinus2-golang-moving-average-dev
        for package in *.deb; do dpkg -x "$package" ../root; done
    )
    # Tessera's own server for POSIX files, without the Badger store for duplicates, which it does not use by default.
    sed -e '/^\tif \*persistentAntispam {/,/^\t}/d' -e '/badger_as/d' -e '/"path\/filepath"/d' -e '/persistentAntispam  *=/d' \
        "$folder/root/usr/share/gocode/src/github.com/transparency-dev/tessera/cmd/conformance/posix/main.go" > "$folder/src/peer/main.go"
    cat > "$folder/src/newkey/main.go" <<'GO'
package main

import (
	"crypto/rand"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	secret, _, err := note.GenerateKey(rand.Reader, "peer.example/log")
	if err != nil {
		panic(err)
	}
	fmt.Print(secret)
}
GO
    export GOROOT="$folder/root/usr/lib/go-${go#golang-}" GOPATH="$folder/root/usr/share/gocode:$folder"
    export GO111MODULE=off GOTOOLCHAIN=local GOFLAGS= GOCACHE="$folder/cache"
    "$GOROOT/bin/go" build -o "$folder/newkey" newkey
    "$GOROOT/bin/go" build -o "$folder/tessera" peer
fi

place=$(mktemp -d "$folder/run.XXXXXX")
"$folder/newkey" > "$place/key"
# Built without a module file, Go would read the patterns of routes as it did before 1.22.
GODEBUG=httpmuxgo121=0 "$folder/tessera" --storage_dir "$place/log" --private_key "$place/key" --listen "$address" 2> "$place/messages" &
process=$!
trap 'kill "$process" 2> /dev/null; wait "$process" 2> /dev/null; rm -rf "$place"' EXIT
tries=0
until grep -q . "$place/log/checkpoint" 2> /dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 50 ]; then
        cat "$place/messages" >&2
        exit 1
    fi
    sleep 0.2
done
"$standstill" log bench --dir "$place" --peer "$address" --peer-process "$process"

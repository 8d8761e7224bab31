#!/usr/bin/env bash
# Proves the gate on a real Slurm of this machine alone: controller, database, two nodes of eight pretended accelerators each.
#
#   dist/slurm/prove.sh [STANDSTILL [PLUGIN]]     default: builds both
#
# Needs root and, on Debian 12: slurm-wlm slurmdbd slurm-wlm-mysql-plugin munge mariadb-server, and libslurm-dev libclang-dev for the
# build. Everything lives in one temporary folder on free ports; a Slurm or a database that the machine has already is neither read nor
# touched. Ends with a table of all claims, and exit status 0 only when every one holds. KEEP=1 leaves the folder. With the programs built it
# takes about five minutes, most of them waits that are part of a claim.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
began=$(date +%s)
[ "$(id -u)" = 0 ] || { echo "run this as root: slurmd starts tasks as the submitting user" >&2; exit 2; }
for program in munged slurmctld slurmdbd slurmd sbatch sacct sacctmgr mariadbd mariadb-install-db python3 curl; do
  command -v "$program" >/dev/null || PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null ||
    { echo "$program is missing: apt-get install slurm-wlm slurmdbd slurm-wlm-mysql-plugin munge mariadb-server" >&2; exit 2; }
done
export PATH="$PATH:/usr/sbin"

dir=$(mktemp -d ${TMPDIR:-/tmp}/standstill-slurm.XXXXXX)
chmod 755 "$dir"
declare -A pid
finish() {
  status=$?
  # Only what this script started, by its ids, the controller first.
  for name in keeper gate ctld n1 n2 dbd maria munge; do
    [ -n "${pid[$name]:-}" ] && kill "${pid[$name]}" 2>/dev/null || true
  done
  for name in "${!pid[@]}"; do wait "${pid[$name]}" 2>/dev/null || true; done
  if [ "$status" != 0 ]; then tail -n 15 "$dir"/log/*.log >&2 || true; fi
  if [ -n "${KEEP:-}" ]; then echo "kept: $dir"; else rm -rf "$dir"; fi
  exit "$status"
}
trap finish EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
until_true() { # seconds, command...
  local left=$(($1 * 5)); shift
  until "$@" >/dev/null 2>&1; do left=$((left - 1)); [ "$left" -gt 0 ] || { echo "timed out: $*" >&2; return 1; }; sleep 0.2; done
}
failed=0 claims=0 table=
claim() { # sentence, command...
  local sentence=$1 result; shift
  claims=$((claims + 1))
  if "$@"; then result=holds; else result="DOES NOT HOLD"; failed=$((failed + 1)); fi
  echo "$result: $sentence"
  table+="| $claims | $sentence | $result |"$'\n'
}

standstill=${1:-}
if [ -z "$standstill" ]; then
  (cd "$root" && cargo build --locked -p standstill-cli)
  standstill="${CARGO_TARGET_DIR:-$root/target}/debug/standstill"
fi
standstill=$(realpath "$standstill")
mkdir -p "$dir"/{plugin,log,state,spool/n1,spool/n2,munge,socket,dev,gate,run,bin}
# The controller, its database daemon and the gate run as Slurm's own user; munge's credentials between them do not work for root.
cp "$standstill" "$dir/bin/standstill"
standstill="$dir/bin/standstill"
chown -R slurm:slurm "$dir"/{log,state,gate,run}
as_slurm() { setpriv --reuid=slurm --regid=slurm --clear-groups "$@"; }
if [ -n "${2:-}" ]; then cp "$2" "$dir/plugin/job_submit_standstill.so"; else "$here/build-plugin.sh" "$dir/plugin"; fi

# --- munge, database, accounting ------------------------------------------------------------------------------------------------------------
chmod 700 "$dir/munge"
head -c 1024 /dev/urandom >"$dir/munge/key"; chmod 400 "$dir/munge/key"
munged --foreground --force --key-file="$dir/munge/key" --socket="$dir/socket/munge" --pid-file="$dir/munge/pid" \
  --log-file="$dir/munge/log" --seed-file="$dir/munge/seed" >"$dir/log/munge.log" 2>&1 & pid[munge]=$!
database_port=$(free_port) dbd_port=$(free_port) ctld_port=$(free_port)
mariadb-install-db --no-defaults --user=root --datadir="$dir/db" --auth-root-authentication-method=normal >"$dir/log/install.log" 2>&1
mariadbd --no-defaults --user=root --datadir="$dir/db" --socket="$dir/socket/db" --pid-file="$dir/db.pid" \
  --bind-address=127.0.0.1 --port="$database_port" --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 \
  --innodb-flush-log-at-trx-commit=0 >"$dir/log/maria.log" 2>&1 & pid[maria]=$!
database() { mariadb --no-defaults --socket="$dir/socket/db" "$@"; }
until_true 60 database -e 'select 1'
database -e "create database slurm_acct; create user 'slurm'@'127.0.0.1' identified by 'this-machine-only';
  grant all on slurm_acct.* to 'slurm'@'127.0.0.1'"
host=$(hostname -s)
cat >"$dir/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$dir/socket/munge
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$dbd_port
SlurmUser=slurm
LogFile=$dir/log/slurmdbd.log
PidFile=$dir/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$database_port
StorageUser=slurm
StoragePass=this-machine-only
StorageLoc=slurm_acct
CONF
chmod 600 "$dir/slurmdbd.conf"; chown slurm:slurm "$dir/slurmdbd.conf"

# --- Slurm ----------------------------------------------------------------------------------------------------------------------------------
# Slurm takes only devices for accelerators; copies of /dev/null will do.
for number in 0 1 2 3 4 5 6 7; do mknod -m 666 "$dir/dev/accelerator$number" c 1 3; done
echo "Name=gpu Type=h100 File=$dir/dev/accelerator[0-7]" >"$dir/gres.conf"
: >"$dir/cgroup.conf"
plugins=$(dirname "$(find /usr/lib -name job_submit_lua.so -path '*slurm*' -print -quit 2>/dev/null || true)")
[ "$plugins" != . ] || plugins=$(dirname "$(find /usr/lib -name select_cons_tres.so -print -quit)")
base_conf() {
  cat <<CONF
ClusterName=try
SlurmctldHost=$host(127.0.0.1)
SlurmUser=slurm
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/socket/munge
CredType=cred/munge
SlurmctldPort=$ctld_port
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
PluginDir=$plugins:$dir/plugin
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
GresTypes=gpu
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$dbd_port
# Not a password: the socket of munge for the connection to the database daemon.
AccountingStoragePass=$dir/socket/munge
AccountingStorageTRES=gres/gpu,gres/gpu:h100
# Without it any user can name any account, and an exemption by account would be worth nothing.
AccountingStorageEnforce=associations,limits,safe
AccountingStoreFlags=job_comment
SchedulerParameters=sched_interval=2,bf_interval=2
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=2
SlurmctldTimeout=30
SlurmdTimeout=30
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=${port[1]} CPUs=16 RealMemory=4000 Gres=gpu:h100:8
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=${port[2]} CPUs=16 RealMemory=4000 Gres=gpu:h100:8
PartitionName=train Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
CONF
}
port=(0 "$(free_port)" "$(free_port)")
gated_conf() { base_conf; printf 'JobSubmitPlugins=standstill\nPrologSlurmctld=%s\n' "$dir/prolog"; }
gated_conf >"$dir/slurm.conf"
export SLURM_CONF="$dir/slurm.conf" STANDSTILL_SLURM_GATE="$dir/slurm-gate.toml"
cat >"$dir/prolog" <<HOOK
#!/bin/sh
SLURM_CONF=$dir/slurm.conf exec $standstill gate slurm-start --config $dir/slurm-gate.toml 2>>$dir/log/prolog.log
HOOK
chmod 755 "$dir/prolog"
cat >"$dir/slurm-gate.toml" <<CONF
socket = "$dir/gate/gate.sock"
wait_milliseconds = 450
[[open]]
account = "serving"
CONF

# --- the gate -------------------------------------------------------------------------------------------------------------------------------
agreement=$(printf agreement | sha256sum | cut -d ' ' -f 1)
as_slurm "$standstill" gate init "$dir/gate/home" --id north-gate >/dev/null
# How long the gate goes by the last known phase after it lost its node. Days in earnest; here as short as one can wait for.
hold=40
cat >"$dir/gate/terms.toml" <<CONF
agreement = "$agreement"
party = "north"
hold_seconds = $hold
[[chip]]
model = "h100"
gigaops_per_second = 3958000
[[place]]
name = "train"
accelerators_per_node = 8
nodes = 2
constrained = true
[[exempt]]
id = "serving"
purpose = "inference"
accounts = ["serving"]
accelerators = 8
accelerators_together = 64
CONF
gate_port=$(free_port)
cat >"$dir/gate/gate.toml" <<CONF
terms = "terms.toml"
home = "home"
issuer = "north-gate"
cluster = "try"
listen = "127.0.0.1:$gate_port"
socket = "gate.sock"
socket_mode = "660"
publish_seconds = 1
[situation]
file = "situation.json"
poll_seconds = 1
CONF
# The party's node, as the gate sees it: a file that is written anew every second with the time for which it was established.
situation() { # phase as JSON, since
  local now; now=$(date +%s)
  cat >"$dir/gate/situation.new" <<JSON
{"agreement":"$agreement","party":"north","phase":$1,"phase_since_unix_seconds":$2,"window":0,"as_of_unix_seconds":$now,
 "caps":[{"id":"train","measure":"petaops","classes":["pretraining","posttraining"],"allowed":100000000000,"used":0}],
 "runs":[{"run":"beta","class":"posttraining","from_window":0,"ended":false,"planned_petaops":100000000000,"used_petaops":0,
          "lineage_petaops":0,"lineage_allowed_petaops":null}]}
JSON
  mv "$dir/gate/situation.new" "$dir/gate/situation.json"
}
lose_node() {
  [ -n "${pid[keeper]:-}" ] || return 0
  kill "${pid[keeper]}" 2>/dev/null || true; wait "${pid[keeper]}" 2>/dev/null || true; unset "pid[keeper]"
}
health() { curl -s "http://127.0.0.1:$gate_port/health"; }
phase() { # a phase as JSON: from now on the node says this
  lose_node
  local since; since=$(date +%s)
  situation "$1" "$since"
  (while sleep 1; do situation "$1" "$since"; done) & pid[keeper]=$!
  [ -z "${pid[gate]:-}" ] || until_true 20 sh -c "curl -s http://127.0.0.1:$gate_port/health | grep -q '\"phase\":$1'"
}
start_gate() {
  # Not through a function: its id would be that of a shell around it.
  setpriv --reuid=slurm --regid=slurm --clear-groups "$standstill" node --role gate --config "$dir/gate/gate.toml" \
    >>"$dir/log/gate.log" 2>&1 & pid[gate]=$!
  until_true 20 test -S "$dir/gate/gate.sock"
}
start_controller() {
  slurmctld -D -f "$SLURM_CONF" >>"$dir/log/slurmctld.out.log" 2>&1 & pid[ctld]=$!
  until_true 60 sh -c 'scontrol ping | grep -q "is UP"'
}
stop_controller() { kill "${pid[ctld]}"; wait "${pid[ctld]}" 2>/dev/null || true; unset "pid[ctld]"; }

phase '"active"'
start_gate
until_true 20 test -S "$dir/socket/munge"
slurmdbd -D -s >"$dir/log/slurmdbd.out.log" 2>&1 & pid[dbd]=$!
until_true 90 timeout 10 sacctmgr -n show cluster
sacctmgr -i add cluster try >/dev/null 2>&1 || true
start_controller
for node in n1 n2; do slurmd -D -f "$SLURM_CONF" -N "$node" >"$dir/log/$node.out.log" 2>&1 & pid[$node]=$!; done
until_true 60 sh -c '[ "$(sinfo -h -N -o %T | grep -c idle)" = 2 ]'
for account in lab serving; do
  sacctmgr -i add account "$account" Description="$account" Organization=north >/dev/null
  for user in root nobody; do sacctmgr -i add user "$user" account="$account" >/dev/null; done
done
sacctmgr -i modify user root,nobody set DefaultAccount=lab >/dev/null
echo "Slurm $(sinfo --version | cut -d ' ' -f 2) runs after $(($(date +%s) - began)) s"

# --- claims ---------------------------------------------------------------------------------------------------------------------------------
# A user without rights; nothing here depends on being root but the bypass.
as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups --reset-env env SLURM_CONF="$SLURM_CONF" "$@"; }
submit() { (cd / && as_user sbatch --parsable -o /dev/null "$@"); }
covered=(-A lab -N 2 --gpus-per-node=8 -t 5 --comment "class=posttraining run=beta")
serving=(-A serving -N 1 --gpus-per-node=4 -t 5 --comment "class=inference exempt=serving")
state() { squeue -h -j "$1" -o %T --states=all 2>/dev/null; }
ended() { sacct -n -X -P -j "$1" -o state 2>/dev/null | grep -qE 'COMPLETED|CANCELLED|FAILED|TIMEOUT'; }
completed() { until_true 30 ended "$1"; sacct -n -X -P -j "$1" -o state | grep -q COMPLETED; }
decision_of() { sacct -n -X -P -j "$1" -o admincomment | grep -oE 'standstill:[0-9a-f]{24}' || true; }
accepted() { submit "$@" >/dev/null; }
refused() { # message, arguments...
  local words=$1 said; shift
  if said=$(submit "$@" --wrap true 2>&1); then echo "  accepted: $said"; return 1; fi
  echo "  user sees: $(head -n 1 <<<"$said")"
  grep -q "$words" <<<"$said"
}

job=$(submit "${covered[@]}" --wrap 'sleep 1')
claim "a declared job starts while the agreement is active" completed "$job"
claim "its decision stands in accounting" test -n "$(decision_of "$job")"
claim "an undeclared job is refused" refused 'class=<class>' -A lab -N 1 --gpus-per-node=1 -t 5
claim "a job over the cap is refused" refused 'limit' -A lab -N 2 --gpus-per-node=8 -t 30-0 --array 0-999 --comment "class=posttraining run=beta"
queued=$(submit -A lab -N 1 --gpus-per-node=1 -t 5 --comment "class=posttraining run=beta" --hold --wrap 'sleep 1')
mkdir -m 777 "$dir/saved"
running=$(submit -A lab -N 1 --gpus-per-node=2 -t 10 --comment "class=posttraining run=beta" \
  --wrap "trap 'echo saved >$dir/saved/state' USR1; while :; do sleep 0.2; done")
untold=$(submit -A serving -N 1 --gpus-per-node=2 -t 10 --comment "class=inference exempt=serving" --wrap 'sleep 600')
again=$(submit -A lab -N 1 --gpus-per-node=1 -t 10 --comment "class=posttraining run=beta" --wrap 'sleep 600')
for job in "$running" "$untold" "$again"; do until_true 30 sh -c "squeue -h -j $job -o %T | grep -q RUNNING"; done

phase '"paused"'
claim "a covered job is refused while paused" refused 'PAUSED' "${covered[@]}"
claim "so is an interactive one" sh -c "! (cd / && setpriv --reuid=65534 --regid=65534 --clear-groups --reset-env env SLURM_CONF=$SLURM_CONF srun -A lab -N 1 --gpus-per-node=1 -t 1 --comment 'class=posttraining run=beta' true) 2>$dir/log/srun.log && grep -q PAUSED $dir/log/srun.log"
claim "whole nodes without a request for accelerators are refused, too" refused 'PAUSED' -A lab -N 1 --exclusive -t 5
job=$(submit "${serving[@]}" --wrap true); exempt=$job
claim "listed exempt work starts while paused" completed "$job"
claim "its decision stands in accounting" test -n "$(decision_of "$job")"
claim "the exemption is not for another account" refused 'PAUSED' -A lab -N 1 --gpus-per-node=1 -t 5 --comment "class=inference exempt=serving"
job=$(submit -A lab -N 1 -n 1 -t 5 --wrap true)
claim "a job without accelerators starts while paused" completed "$job"
scontrol release "$queued"
until_true 30 grep -q "job $queued: refused" "$dir/log/prolog.log" || true
sleep 3
claim "a job that was queued before the pause is stopped at its start" until_true 20 sh -c "grep -q 'job $queued: refused' $dir/log/prolog.log && squeue -h -j $queued -o %T | grep -q PENDING"
scontrol requeue "$again"
until_true 60 sh -c "squeue -h -j $again -o %T | grep -q PENDING" || true
scontrol update JobId="$again" StartTime=now 2>/dev/null || true
until_true 150 grep -q "job $again: refused" "$dir/log/prolog.log" || true
claim "so is a running job that is requeued" until_true 20 sh -c "grep -q 'job $again: refused' $dir/log/prolog.log && squeue -h -j $again -o %T | grep -q PENDING"
scancel "$again"
claim "the nodes stay in service" sh -c "! sinfo -h -N -o %T | grep -qE 'drain|down'"
claim "a running job is not made longer while paused" sh -c "! scontrol update JobId=$running TimeLimit=10:00:00 2>$dir/log/modify.log"
as_slurm "$standstill" gate wind-down --terms "$dir/gate/terms.toml" --situation "$dir/gate/situation.json" --run >"$dir/log/winddown.log" 2>&1 || true
claim "of two running jobs the covered one, and not the exempt one, gets the notice" sh -c "grep -q '^1 of 2 ' $dir/log/winddown.log && grep -q \"'--signal=USR1' '$running'\" $dir/log/winddown.log"
claim "and it saves its state" until_true 10 test -s "$dir/saved/state"

kill -9 "${pid[gate]}"; wait "${pid[gate]}" 2>/dev/null || true; unset "pid[gate]"
claim "with the gate killed a covered job is refused" refused 'does not answer' "${covered[@]}"
before=$(date +%s%N); submit "${covered[@]}" --wrap true >/dev/null 2>&1 || true; took=$((($(date +%s%N) - before) / 1000000))
claim "and that takes less than a second (${took} ms)" test "$took" -lt 1000
job=$(submit "${serving[@]}" --wrap true); open=$job
claim "with the gate killed listed work starts" completed "$job"
# The situation is gone too: what was known last must hold.
lose_node
rm -f "$dir/gate/situation.json" "$dir/gate/gate.sock"
start_gate
claim "a gate that is started anew without its node knows the phase" refused 'PAUSED' "${covered[@]}"
claim "and lets listed work start" accepted "${serving[@]}" --wrap true
echo 'deadline_seconds = 1' >"$dir/orders.toml"
as_slurm "$standstill" gate wind-down --terms "$dir/gate/terms.toml" --situation "$dir/gate/home/situation.json" --orders "$dir/orders.toml" --run >"$dir/log/deadline.log" 2>&1 || true
claim "at the deadline the covered job is ended and the exempt one goes on" sh -c "grep -q \"'scancel' '$running'\" $dir/log/deadline.log && ! grep -q \"'$untold'\" $dir/log/deadline.log && squeue -h -j $untold -o %T | grep -q RUNNING"
scancel "$untold"
phase '"active"'
scontrol update JobId="$queued" StartTime=now >/dev/null 2>&1 || true
until_true 180 ended "$queued" || true
claim "after the pause the queued job starts" completed "$queued"
lose_node
job=$(submit "${covered[@]}" --wrap true)
claim "a gate that loses its node keeps the last known phase" completed "$job"
until_true $((hold + 10)) sh -c "curl -s http://127.0.0.1:$gate_port/health | grep -q '\"holds_seconds\":0'"
sleep 1
claim "and closes for covered jobs $hold s later" refused 'lost its node' "${covered[@]}"
job=$(submit "${serving[@]}" --wrap true)
claim "but not for listed work" completed "$job"
curl -s "http://127.0.0.1:$gate_port/metrics" >"$dir/metrics.txt"

stop_controller
mv "$dir/plugin/job_submit_standstill.so" "$dir/plugin/gone"
slurmctld -D -f "$SLURM_CONF" >"$dir/log/without.log" 2>&1 & pid[ctld]=$!
claim "with the plugin's file gone and still configured the controller does not run" \
  sh -c "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1; kill -0 ${pid[ctld]} 2>/dev/null || exit 0; done; exit 1"
kill "${pid[ctld]}" 2>/dev/null || true; wait "${pid[ctld]}" 2>/dev/null || true
mv "$dir/plugin/gone" "$dir/plugin/job_submit_standstill.so"

base_conf >"$dir/slurm.conf"; start_controller
until_true 60 sh -c '[ "$(sinfo -h -N -o %T | grep -c -E "idle|mixed|allocated")" = 2 ]'
phase '"paused"'
bypass=$(cd / && sbatch --parsable -o /dev/null -A lab -N 2 --gpus-per-node=8 -t 5 --wrap true)
claim "root takes the plugin out and runs a covered job while paused" completed "$bypass"
# sacct shows a job within a time only when the record of its start has come, which lags behind that of its end after a restart.
until_true 120 sh -c "sacct -n -a -X -P -S now-1days -o jobid | grep -qx $bypass" || true
gated_conf >"$dir/slurm.conf"; stop_controller; start_controller
sleep 2
SLURM_TIME_FORMAT=%s sacct -a -X -D -P -S now-1days -o JobIDRaw,JobID,State,Start,End,ElapsedRaw,Account,UID,Partition,AllocTRES,AdminComment >"$dir/sacct.txt"
kill "${pid[gate]}"; wait "${pid[gate]}" 2>/dev/null || true; unset "pid[gate]"
status=0
as_slurm "$standstill" gate reconcile --terms "$dir/gate/terms.toml" --journal "$dir/gate/home" --accounting "$dir/sacct.txt" >"$dir/reconcile.txt" || status=$?
sed 's/^/  /' "$dir/reconcile.txt"
claim "the reconciliation finds the bypass (exit status $status)" sh -c "[ $status = 1 ] && grep -q 'NOT ALLOWED: bypass: job $bypass:' $dir/reconcile.txt"
claim "and nothing else is not allowed" test "$(grep -c 'NOT ALLOWED' "$dir/reconcile.txt")" = 1
claim "listed work without a gate is noted, not accused" grep -q "note: open-without-gate: job $open:" "$dir/reconcile.txt"

echo
echo "Slurm $(sinfo --version | cut -d ' ' -f 2), $("$standstill" --version)"
printf '\n| | claim | result |\n|---|---|---|\n%s\n' "$table"
python3 - "$dir/metrics.txt" <<'PYTHON'
import re, sys
text = open(sys.argv[1]).read()
edges = [(edge, int(count)) for edge, count in re.findall(r'answer_seconds_bucket\{le="([^"]+)"\} (\d+)', text)]
total, whole = edges[-1][1], float(re.search(r'answer_seconds_sum (\S+)', text).group(1))
within = next((count for edge, count in edges if edge != "+Inf" and abs(float(edge) - 0.005) < 1e-9), 0)
print(f"the gate answered {total} times since its last start, on average in {1000 * whole / max(total, 1):.2f} ms, {within} within 5 ms, signed and on the disk")
PYTHON
echo "$((claims - failed)) hold, $failed do not"
echo "took $(($(date +%s) - began)) s"
[ "$failed" = 0 ]

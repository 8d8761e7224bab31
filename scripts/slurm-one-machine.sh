#!/usr/bin/env bash
# Runs one batch script on a Slurm cluster of this machine alone, waits for it, and takes the cluster down again.
#
#   scripts/slurm-one-machine.sh <batch script>
#
# Needs root and Debian's slurm-wlm and munge. Everything lives in a temporary folder and listens on free ports; a Slurm that is
# already configured on the machine is neither read nor touched. Exit status: 0 when every task of the job completed.
set -euo pipefail

job=${1:?give a batch script}
[ "$(id -u)" = 0 ] || { echo "run this as root: slurmd starts tasks as the submitting user" >&2; exit 2; }
for program in munged slurmctld slurmd sbatch squeue sinfo; do
  command -v "$program" >/dev/null || { echo "$program is missing: apt-get install slurm-wlm munge" >&2; exit 2; }
done

dir=$(mktemp -d /tmp/slurm-one.XXXXXX)
pids=()
finish() {
  status=$?
  # Only the processes that this script started, by their ids.
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [ "$status" != 0 ]; then tail -n 20 "$dir"/*.log >&2 || true; fi
  rm -rf "$dir"
  exit "$status"
}
trap finish EXIT

mkdir -p "$dir/state" "$dir/spool" "$dir/munge"
chmod 700 "$dir/munge"
# munged refuses a socket in a folder that others may not enter, and a key that others may read.
chmod 755 "$dir"
dd if=/dev/urandom of="$dir/munge/key" bs=1024 count=1 status=none
chmod 400 "$dir/munge/key"
mkdir -p "$dir/socket" && chmod 755 "$dir/socket"
munged --foreground --force --key-file="$dir/munge/key" --socket="$dir/socket/munge" --pid-file="$dir/munge/pid" \
  --log-file="$dir/munge/munged.log" --seed-file="$dir/munge/seed" >"$dir/munged.log" 2>&1 &
pids+=($!)

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
host=$(hostname -s)
cpus=$(nproc)
cat >"$dir/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/socket/munge
CredType=cred/munge
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
# No cgroups in containers: follow processes in /proc, bind nothing, take the node's word for its size.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
CONF
# An empty cgroup.conf keeps Slurm from looking for one in /etc.
: >"$dir/cgroup.conf"
export SLURM_CONF="$dir/slurm.conf"

for _ in $(seq 50); do [ -S "$dir/socket/munge" ] && break; sleep 0.1; done
slurmctld -D -f "$SLURM_CONF" >"$dir/slurmctld.out.log" 2>&1 &
pids+=($!)
slurmd -D -f "$SLURM_CONF" -N "$host" >"$dir/slurmd.out.log" 2>&1 &
pids+=($!)
for _ in $(seq 300); do
  sinfo -h -o %T 2>/dev/null | grep -qE 'idle|mixed|allocated' && break
  sleep 0.2
done

id=$(sbatch --parsable "$job")
echo "submitted array job $id"
for _ in $(seq 1500); do
  [ -z "$(squeue -h -j "$id" -t pending,running,completing,configuring,suspended 2>/dev/null)" ] && break
  sleep 0.2
done
states=$(scontrol show job "$id" | grep -oE 'JobState=[A-Z_]+' | sort | uniq -c)
echo "$states"
echo "$states" | grep -q 'JobState=COMPLETED' && ! echo "$states" | grep -qvE 'JobState=COMPLETED'

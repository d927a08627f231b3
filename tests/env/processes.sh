# shellcheck shell=bash
# Sourced, never run: processes of a test environment, the numbers that keep environments apart, and the broom.
#
# Every process started here carries PILOTHOUSE_CLUSTER_OF=DIR in its environment, and so do its children (the shims
# of containerd). Whatever lives in an environment is found by that mark and by its cgroups, never by a remembered
# pid: a killed run leaves nothing that the next one could not find.
#
# An environment takes one number, 0 to 9, machine-wide: ports, bridges, addresses and cgroups follow from it.
# REGISTRY/N.lock is held (flock) by the environment's etcd for as long as it lives; REGISTRY/N.dir names its folder.
# File descriptors: 7 is the lock of the number, 8 the door (one claim or sweep at a time). Children get neither.

REGISTRY=/run/pilothouse-tests
[ -w /run ] || REGISTRY=${TMPDIR:-/tmp}/pilothouse-tests-$(id -u)
MARK=PILOTHOUSE_CLUSTER_OF

fail() { # MESSAGE…
  printf 'test environment: %s\n' "$*" >&2
  exit 1
}

names_of() { # NUMBER: everything that is derived from it
  API_PORT=$((26443 + $1)) ETCD_PORT=$((26379 + $1)) PROMETHEUS_PORT=$((29090 + $1)) ALERTMANAGER_PORT=$((29190 + $1))
  POSTGRES_PORT=$((29290 + $1))
  NODE_NET=10.89.$1 POD_NET=10.$((90 + $1)) NODES_BRIDGE=ph-nodes$1 PODS_BRIDGE=ph-pods$1 CGROUP=ph-$1
}

start() { # NAME COMMAND…: run in the background under the mark, pid in DIR/pids/NAME, log in DIR/NAME.log
  local name=$1
  shift
  if [ "$name" = etcd ]; then # the only one that keeps the lock of the number: it has no children to leak it to
    env "$MARK=$dir" setsid "$@" >"$dir/$name.log" 2>&1 </dev/null 8>&- &
  else
    env "$MARK=$dir" setsid "$@" >"$dir/$name.log" 2>&1 </dev/null 7>&- 8>&- &
  fi
  echo "$!" >"$dir/pids/$name"
}

wait_for() { # WHAT LOG SECONDS COMMAND…
  local what=$1 log=$2 until=$((SECONDS + $3))
  shift 3
  while ! "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$until" ]; then
      { echo "$what did not become ready; the end of $log.log:"; tail -n 15 "$dir/$log.log"; } >&2
      exit 1
    fi
    sleep 0.1
  done
}

marked() { # DIR: pids of all its processes
  local file
  grep -lzxF "$MARK=$1" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do
    file=${file#/proc/}
    echo "${file%/environ}"
  done
  # PostgreSQL's own children write over their environment; they stay in its folder
  find /proc/[0-9]*/cwd -prune -lname "$1/postgres/data" 2>/dev/null | cut -d/ -f3
}

contained() { # NUMBER: pids of all processes in its pods
  find /sys/fs/cgroup -path "*/ph-$1-node*" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u
}

sweep_number() { # NUMBER: pods, network and cgroups, whoever left them
  local number=$1 netns
  names_of "$number"
  for _ in $(seq 1 50); do
    contained "$number" | xargs -r kill -KILL 2>/dev/null || true
    [ -n "$(contained "$number")" ] || break
    sleep 0.1
  done
  ip -d -o link show type veth 2>/dev/null | { grep " master $PODS_BRIDGE " || true; } |
    sed -n 's/.*link-netns \([^ ]*\).*/\1/p' |
    while read -r netns; do ip netns del "$netns" 2>/dev/null || true; done
  ip link del "$NODES_BRIDGE" 2>/dev/null || true
  ip link del "$PODS_BRIDGE" 2>/dev/null || true
  find /sys/fs/cgroup -depth -type d -path "*/$CGROUP-node*" -exec rmdir {} + 2>/dev/null || true
}

sweep() { # DIR [NUMBER]: end and remove everything, however the run ended; any part may already be gone
  local dir=$1 number=${2:-} address log sandbox
  for _ in $(seq 1 50); do # first of all: a kubelet or a shim must not answer the death of its containers
    marked "$dir" | xargs -r kill -KILL 2>/dev/null || true
    [ -n "$(marked "$dir")" ] || break
    sleep 0.1
  done
  [ -z "$number" ] || sweep_number "$number"
  # what containerd keeps outside DIR whatever it is told: sockets of shims (their names are written in the bundles)
  # and results of network plugins
  for address in "$dir"/node*/containerd/state/io.containerd.runtime.v2.task/k8s.io/*/address; do
    [ ! -e "$address" ] || rm -f "$(sed 's|^unix://||' "$address")"
  done
  for sandbox in "$dir"/node*/containerd/root/io.containerd.grpc.v1.cri/sandboxes/*; do
    [ ! -e "$sandbox" ] || rm -f "/var/lib/cni/results/"*"-$(basename "$sandbox")-"*
  done
  awk -v d="$dir/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | xargs -r umount -l 2>/dev/null || true
  for log in /var/log/containers/*; do # links that every kubelet makes there
    [ ! -L "$log" ] || case $(readlink "$log") in "$dir"/*) rm -f "$log" ;; esac
  done
  rm -rf --one-file-system "$dir"
  [ -z "$number" ] || rm -f "$REGISTRY/$number.dir"
}

enter() { # take the door until `leave` or the end of the script
  mkdir -p "$REGISTRY" || fail "can't make $REGISTRY"
  exec 8>"$REGISTRY/door"
  flock -w 300 8 || fail "$REGISTRY/door has been held by another run for five minutes"
}

leave() {
  exec 8>&-
}

starttime() { # PID: clock ticks since boot, so that a recycled pid is told apart; nothing for the dead and the undead
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" {print $20}'
}

owner_is_dead() { # DIR: was started for a test run (PID and STARTTIME in DIR/owner) that is no more
  local pid since
  read -r pid since 2>/dev/null <"$1/owner" || return 1
  [ "$(starttime "$pid")" != "$since" ]
}

number_of() { # DIR: its number, from the registry
  local file
  for file in "$REGISTRY"/?.dir; do
    if [ -e "$file" ] && [ "$(cat "$file")" = "$1" ]; then
      basename "$file" .dir
      return
    fi
  done
  return 1
}

sweep_dead() { # behind the door: environments whose etcd or whose owner is gone
  local number other
  for number in 0 1 2 3 4 5 6 7 8 9; do
    other=$(cat "$REGISTRY/$number.dir" 2>/dev/null) || continue
    if owner_is_dead "$other" || flock -n "$REGISTRY/$number.lock" true; then
      echo "clearing away what a dead run left in $other" >&2
      sweep "$other" "$number"
    fi
  done
}

taken_by_others() { # what stands in the way of the number that names_of was called with
  local port net
  for port in "$API_PORT" "$ETCD_PORT" "$PROMETHEUS_PORT" "$ALERTMANAGER_PORT" "$POSTGRES_PORT"; do
    [ -z "$(ss -Hltn "sport = :$port")" ] || printf ' port %s' "$port"
  done
  for net in "$NODE_NET.0/24" "$POD_NET.0.0/16"; do
    [ -z "$(ip -o -4 addr show to "$net")" ] || printf ' an address in %s' "$net"
  done
}

claim() { # DIR [NUMBER]: behind the door; sets $number, holds its lock in fd 7
  local dir=$1 busy
  for number in ${2:-0 1 2 3 4 5 6 7 8 9}; do
    exec 7>"$REGISTRY/$number.lock"
    if flock -n 7; then
      sweep_number "$number" # with nobody holding it, whatever carries its names is left over
      busy=$(taken_by_others)
      if [ -z "$busy" ]; then
        echo "$dir" >"$REGISTRY/$number.dir"
        return
      fi
      echo "environment number $number: taken by$busy" >&2
    fi
    exec 7>&-
  done
  fail "no free environment number of ${2:-0 to 9}; up: $(cat "$REGISTRY"/?.dir 2>/dev/null | tr '\n' ' ')"
}

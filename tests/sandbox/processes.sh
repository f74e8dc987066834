# Sourced by `sandbox`: processes that outlive the shell that started them, found again and ended without ever hitting another.
#
# A record (DIR/pids/NAME) holds "pid starttime boot-id". A pid alone is not an identity: the system hands it out again. With
# the kernel's start time (in ticks since boot) and the boot it is one; a record that does not match is stale and is removed,
# its process is never signalled.
# shellcheck shell=bash

read -r BOOT </proc/sys/kernel/random/boot_id
STARTED=() # records written by this run, newest last: what an interrupted command has to end

# start_time PID: sets START, or fails when there is no such process. A zombie counts as gone.
start_time() {
  local stat
  # not $(<FILE): where the file is missing that ends bash 5.2 under errexit, even in a condition
  IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  stat=${stat##*) } # the name in parentheses may hold anything
  local -a field
  read -ra field <<<"$stat"
  [[ ${field[0]} != [ZX] ]] || return 1
  START=${field[19]}
}

# alive RECORD: the recorded process still runs and is the one that was recorded; sets PID.
alive() {
  local boot begun
  { read -r PID begun boot <"$1"; } 2>/dev/null || return 1
  [[ $PID =~ ^[0-9]+$ && ${boot:-} == "$BOOT" ]] || return 1
  start_time "$PID" && [ "$START" = "$begun" ]
}

# launch FOLDER NAME PROGRAM [ARG...]: starts a component in a session of its own, its output in FOLDER/logs/NAME.log.
# Under `sandbox run` the kernel kills it when this shell dies in whatever way (so this shell must be its direct parent).
launch() {
  local folder=$1 name=$2
  shift 2
  local -a guard=(setsid)
  [ -z "${TIED:-}" ] || ! setpriv --pdeathsig KILL true 2>/dev/null || guard=(setsid setpriv --pdeathsig KILL)
  # every descriptor of ours is closed: a component that kept the lock or the reader's pipe open would hold others up
  "${guard[@]}" "$@" >"$folder/logs/$name.log" 2>&1 </dev/null 3<&- 4>&- 9>&- &
  local pid=$!
  disown "$pid"
  STARTED+=("$folder/pids/$name")
  start_time "$pid" || START=0
  echo "$pid $START $BOOT" >"$folder/pids/$name"
}

# finish RECORD...: ends the recorded processes, waits until they are gone, removes the records.
# They get PATIENCE tenths of a second (default 80) after the polite signal, then the other one.
finish() {
  local record
  local -a left=()
  for record in "$@"; do
    if alive "$record"; then kill -TERM "$PID" 2>/dev/null || true; left+=("$record"); else rm -f "$record"; fi
  done
  local tenths=0 patience=${PATIENCE:-80}
  while [ ${#left[@]} -gt 0 ]; do
    local -a still=()
    for record in "${left[@]}"; do
      if alive "$record"; then
        still+=("$record")
        ((tenths < patience)) || kill -KILL "$PID" 2>/dev/null || true
      else rm -f "$record"; fi
    done
    left=("${still[@]}")
    [ ${#left[@]} -eq 0 ] && break
    if ((tenths > patience + 100)); then
      say "could not end process $PID ($record)"
      return 1
    fi
    sleep 0.1
    tenths=$((tenths + 1))
  done
}

# end_unrecorded: ends components of this state folder that no record names: the folder was deleted under them, or the shell
# that started them was killed before it could write. Told by program and command line, both must be ours.
end_unrecorded() {
  local file pid record
  local -a found=()
  while read -r file; do
    pid=${file//[^0-9]/}
    [[ $(readlink "/proc/$pid/exe") == "$PROGRAMS"/* ]] || continue
    start_time "$pid" || continue
    for record in "$STATE"/*/pids/*; do
      alive "$record" && [ "$PID" = "$pid" ] && continue 2
    done
    found+=("$pid")
  done < <(grep -laF -- "=$STATE/" /proc/[0-9]*/cmdline 2>/dev/null)
  [ ${#found[@]} -eq 0 ] && return
  say "ending components that nothing knows of any more: processes ${found[*]}"
  kill -KILL "${found[@]}" 2>/dev/null || true
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    for pid in "${found[@]}"; do start_time "$pid" && { sleep 0.1; continue 2; }; done
    return 0
  done
  return 1
}

# listening PORT: somebody listens on it (any address, either protocol version).
listening() {
  local hex
  printf -v hex '%04X' "$1"
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:0000 0A "
}

# free_ports COUNT: sets PORTS. Below the range the system hands out for outgoing connections, at random, so that copies that
# start together rarely meet; when they do, the loser's components end with "address already in use" and it picks again.
free_ports() {
  PORTS=()
  local port
  while [ ${#PORTS[@]} -lt "$1" ]; do
    port=$((RANDOM % 12000 + 20000))
    [[ " ${PORTS[*]} " != *" $port "* ]] && ! listening "$port" && PORTS+=("$port")
  done
}

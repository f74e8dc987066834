#!/usr/bin/env bash
# selftest.sh: puts the sandbox through what befalls it: started twice and by two at once, components and owners killed, stale
# records, taken ports, interrupts; and each simulated outcome. Works on folders of its own; other sandboxes are left alone.
# Prints a line per check and "N passed, N failed"; fails when one failed.
set -uo pipefail
here=$(cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")" && pwd)
sandbox=$here/sandbox
unset KUBECONFIG FLOE_SANDBOX_NAMESPACES_NONPROD FLOE_SANDBOX_NAMESPACES_PROD FLOE_SANDBOX_PLANES
work=$(mktemp -d "${TMPDIR:-/tmp}/floe-selftest.XXXXXX")
passed=0 failed=0
begun=$SECONDS

# left FOLDER: the processes that name it in their command line, other than this one
left() {
  local file
  for file in /proc/[0-9]*/cmdline; do
    tr '\0' ' ' 2>/dev/null <"$file" | grep -qF -- "$1" && echo "${file//[^0-9]/}"
  done
}
cleanup() {
  local folder
  exec 7>&- 2>/dev/null
  [ -z "${innocent:-}" ] || kill "$innocent" 2>/dev/null
  [ -z "${squatter:-}" ] || kill "$squatter" 2>/dev/null
  for folder in "$work"/*/; do
    [ ! -e "$folder/.floe-sandbox" ] || FLOE_SANDBOX_DIR=${folder%/} "$sandbox" reset >/dev/null 2>&1
  done
  for folder in $(left "$work/"); do kill -9 "$folder" 2>/dev/null; done # what a failed check left behind
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/output" 2>&1; then
    passed=$((passed + 1))
    echo "ok   $what"
  else
    failed=$((failed + 1))
    echo "FAIL $what: $*"
    tail -n 20 "$work/output" | sed 's/^/     /'
  fi
}
eventually() { # SECONDS COMMAND...: until it succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@" >"$work/try" 2>&1; do
    ((SECONDS < end)) || { cat "$work/try"; return 1; }
    sleep 0.1
  done
}
in_dir() { FLOE_SANDBOX_DIR=$work/$1 "$sandbox" "${@:2}"; } # DIR COMMAND...
pid_of() { cut -d' ' -f1 "$work/$1/$2/pids/$3"; }            # DIR PLANE COMPONENT
pids() { cat "$work/$1"/*/pids/* 2>/dev/null | sort; }
nothing_left() { [ -z "$(left "$work/$1/")" ]; }
gone() { nothing_left "$1" && [ ! -e "$work/$1" ]; }
refuses() { ! "$@"; }

"$sandbox" build core >/dev/null || exit 1
eval "$(FLOE_SANDBOX_DIR=$work/a "$sandbox" env)"
k() { local context=$1; shift; kubectl --kubeconfig "$work/a/kubeconfig" --context "$context" --request-timeout 10s "$@"; }

# --- two copies side by side, each asked for by two at once; one of them with one plane only
in_dir a up >"$work/a.out" 2>"$work/a.err" & first=$!
in_dir a up >/dev/null 2>&1 & second=$!
FLOE_SANDBOX_PLANES=nonprod FLOE_SANDBOX_NAMESPACES_NONPROD=one in_dir b up >/dev/null 2>&1 & third=$!
(cd "$here/nodelogs" && GOTOOLCHAIN=local GOWORK=off go test ./... >"$work/go.out" 2>&1)
check "nodelogs' own tests" test $? = 0
check "up" wait $first
check "a second up at the same time waits and finds it done" wait $second
check "another copy beside it, with one plane" wait $third
check "up prints the kubeconfig, which is private" test "$(cat "$work/a.out") $(stat -c %a "$work/a/kubeconfig")" = "$work/a/kubeconfig 600"
check "status succeeds" in_dir a status
check "the copies share no port" test -z "$(cat "$work"/[ab]/*/ports | tr ' ' '\n' | sort | uniq -d)"
check "twelve processes, no more" test "$(left "$work/a/" | wc -l)" = 12
before=$(pids a)
check "up again" in_dir a up
check "up again starts nothing" test "$before" = "$(pids a)"
check "run refuses a folder that is up" refuses in_dir a run < <(sleep 5)
mkdir "$work/foreign" && : >"$work/foreign/thesis.tex"
check "reset refuses a folder that is not a sandbox's" refuses in_dir foreign reset
check "and leaves it alone" test -e "$work/foreign/thesis.tex"

# --- rights
can() { [ "$(k "$1" auth can-i "${@:2}" 2>/dev/null)" = yes ]; }
for thing in secrets roles.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io resourcequotas networkpolicies.networking.k8s.io \
  poddisruptionbudgets.policy cronjobs.batch; do
  check "deployers may create $thing in floe-qa" can nonprod-deployer create "$thing" -n floe-qa
done
check "deployers cannot read kube-system" refuses can nonprod-deployer get namespaces/kube-system -n kube-system
check "deployers of nonprod have no floe-prod there" refuses k nonprod-admin get namespace floe-prod
check "deployers may work in floe-prod on prod" can prod-deployer create deployments.apps -n floe-prod
check "viewers read pods" can viewer get pods -n floe-dev --context nonprod-viewer
check "viewers do not read Secrets" refuses can nonprod-viewer get secrets -n floe-dev
check "grant" in_dir a grant nonprod sims
check "grant gives rights there" can nonprod-deployer create pods -n sims
check "stub APIs on prod" k prod-admin get externalsecrets,httproutes,virtualservices,servicemonitors -A
check "none on nonprod" refuses k nonprod-admin get servicemonitors -A

# --- the simulation
deployment() { # NAME ANNOTATIONS
  echo "{apiVersion: apps/v1, kind: Deployment, metadata: {name: $1}, spec: {selector: {matchLabels: {app: $1}}, template: {
    metadata: {labels: {app: $1}, annotations: {$2}}, spec: {initContainers: [{name: polaris-bootstrap, image: i}],
    containers: [{name: dagster-webserver, image: w}, {name: side, image: s}]}}}}"
  echo ---
}
job() { # NAME ANNOTATIONS
  echo "{apiVersion: batch/v1, kind: Job, metadata: {name: $1}, spec: {backoffLimit: 0, template: {metadata: {labels: {app: $1}, annotations: {$2}},
    spec: {restartPolicy: Never, containers: [{name: db-migrate, image: m}]}}}}"
  echo ---
}
{
  deployment plain ""
  deployment slow "sim.floe.dev/ready-after: 4s"
  deployment crash "sim.floe.dev/outcome: crash-loop"
  deployment side "sim.floe.dev/outcome: crash-loop, sim.floe.dev/container: side"
  deployment oom "sim.floe.dev/outcome: oom"
  deployment pull "sim.floe.dev/outcome: pull-error"
  deployment init "sim.floe.dev/outcome: init-error"
  deployment nowhere "sim.floe.dev/outcome: unschedulable"
  job ok ""
  job fail "sim.floe.dev/outcome: fail"
  job long "sim.floe.dev/run-for: 5s"
  job never "sim.floe.dev/outcome: never-ends"
  echo "{apiVersion: v1, kind: Service, metadata: {name: lb}, spec: {type: LoadBalancer, ports: [{port: 80}]}}"
  echo ---
  echo "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}"
} >"$work/objects.yaml"
d() { k nonprod-deployer -n sims "$@"; }
check "objects are taken" d apply -f "$work/objects.yaml"
status_of() { d get pods -l app="$1" -o jsonpath="{.items[0].status.$2}"; } # APP PATH
is() { [ "$(status_of "$1" "$2")" = "$3" ] || { status_of "$1" "$2"; return 1; }; }
not_ready='conditions[?(@.type=="Ready")].status'
check "slow: runs, not ready" eventually 10 is slow phase Running
check "slow: not ready yet" is slow "$not_ready" False
check "plain: ready" eventually 10 is plain "$not_ready" True
check "job: its log can be followed to its end" timeout 15 bash -c "kubectl --kubeconfig '$work/a/kubeconfig' --context nonprod-deployer -n sims logs -f job/long | tail -n1 | grep 'database is at head'"
check "crash-loop: after three restarts" eventually 15 is crash 'containerStatuses[0].restartCount' 3
check "crash-loop: waiting" eventually 5 is crash 'containerStatuses[0].state.waiting.reason' CrashLoopBackOff
check "crash-loop: last state" is crash 'containerStatuses[0].lastState.terminated.reason' Error
check "crash-loop: the other container is well" is crash 'containerStatuses[1].ready' true
last_line() { d logs "$@" | tail -n 1; }
check "crash-loop: the previous log says why" grep -q "could not connect to PostgreSQL" <(last_line deploy/crash -c dagster-webserver --previous)
check "crash-loop: so does the log" grep -q "could not connect to PostgreSQL" <(last_line deploy/crash -c dagster-webserver)
check "crash-loop of the named container" eventually 5 is side 'containerStatuses[1].state.waiting.reason' CrashLoopBackOff
check "oom: exit code" eventually 5 is oom 'containerStatuses[0].lastState.terminated.exitCode' 137
check "oom: reason" is oom 'containerStatuses[0].lastState.terminated.reason' OOMKilled
check "pull-error" eventually 5 is pull 'containerStatuses[0].state.waiting.reason' ImagePullBackOff
check "pull-error: no log" grep -q "failing to pull image" <(d logs deploy/pull -c dagster-webserver 2>&1)
check "init-error" eventually 5 is init 'initContainerStatuses[0].state.waiting.reason' CrashLoopBackOff
check "init-error: its log" grep -q "Bootstrap encountered errors" <(d logs deploy/init -c polaris-bootstrap)
check "init-error: not initialized" is init 'conditions[?(@.type=="Initialized")].status' False
check "unschedulable: by the scheduler" eventually 5 is nowhere 'conditions[?(@.type=="PodScheduled")].reason' Unschedulable
check "job ok" eventually 5 is ok phase Succeeded
check "job fail" eventually 5 is fail phase Failed
check "job that never ends" is never phase Running
check "slow: ready in the end" eventually 10 is slow "$not_ready" True
check "a pod that was well has no previous log" grep -q "previous terminated container" <(d logs deploy/plain -c dagster-webserver --previous 2>&1)
new_lines() { [ "$(timeout 4 kubectl --kubeconfig "$work/a/kubeconfig" --context nonprod-deployer -n sims logs -f deploy/plain -c dagster-webserver --tail 0 | wc -l)" -gt 0 ]; }
check "a followed log goes on" new_lines
check "LoadBalancer has an address" eventually 5 test -n "$(d get service lb -o jsonpath='{.status.loadBalancer.ingress[0].ip}')"
check "the claim is bound" eventually 10 test "$(d get pvc data -o jsonpath='{.status.phase}')" = Bound
check "deleted pods go" d delete deployment,job --all --cascade=foreground --timeout 20s
volume=$(k nonprod-admin get pv -o jsonpath='{.items[0].spec.hostPath.path}')
check "the volume has a folder" test -d "$volume"

# --- killed components
scheduler=$(pid_of a nonprod scheduler) api=$(pid_of a nonprod apiserver)
kill -9 "$scheduler"
check "status tells a dead component" refuses in_dir a status
check "up after the scheduler was killed" in_dir a up
check "the scheduler is another, the API server the same" test "$(pid_of a nonprod scheduler)" != "$scheduler" -a "$(pid_of a nonprod apiserver)" = "$api"
kill -9 "$(pid_of a nonprod etcd)"
check "up after etcd was killed" in_dir a up
check "contents survive" k nonprod-admin get namespace sims
check "the API server is another" test "$(pid_of a nonprod apiserver)" != "$api"
check "all of it runs" in_dir a status
rm "$work/a/nonprod/pids/kwok" # as if the shell that started it had been killed before it wrote that down
check "up ends a component that nothing knows of" in_dir a up
check "twelve processes again" test "$(left "$work/a/" | wc -l)" = 12

# --- reset takes the volumes' folders along, also when the plane is down
check "down" in_dir a down
check "down leaves no process" nothing_left a
check "down keeps the contents" test -d "$volume"
check "reset" in_dir a reset
check "reset removes everything" gone a
check "and the volume's folder" test ! -e "$volume"
check "the other copy was left alone" env FLOE_SANDBOX_PLANES=nonprod FLOE_SANDBOX_DIR="$work/b" "$sandbox" status

# --- stale records and taken ports
export FLOE_SANDBOX_PLANES=nonprod FLOE_SANDBOX_NAMESPACES_NONPROD=one
in_dir b down 2>/dev/null
sleep 300 & innocent=$!
read -r boot </proc/sys/kernel/random/boot_id
for component in etcd apiserver kcm; do echo "$innocent 1 $boot" >"$work/b/nonprod/pids/$component"; done # a pid that is another's now
echo "$innocent" >"$work/b/nonprod/pids/kwok"
echo "not a number" >"$work/b/nonprod/pids/scheduler"
port=$(cut -d' ' -f1 "$work/b/nonprod/ports")
mkfifo "$work/squat" # it ends with its stdin
openssl s_server -accept "127.0.0.1:$port" -nocert >/dev/null 2>&1 <>"$work/squat" & squatter=$!
listens() { (exec 5<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
eventually 5 listens
check "down with stale records" in_dir b down
for component in etcd apiserver kcm; do echo "$innocent 1 $boot" >"$work/b/nonprod/pids/$component"; done
check "up with stale records and a taken port" in_dir b up
check "nobody else's process was ended" kill -0 "$innocent"
check "another port was taken" test "$(cut -d' ' -f1 "$work/b/nonprod/ports")" != "$port"
check "the kubeconfig follows" kubectl --kubeconfig "$work/b/kubeconfig" --context nonprod-admin get namespace one
kill "$squatter" "$innocent"; squatter='' innocent=''
check "reset" in_dir b reset
check "nothing left" gone b
in_dir b up >/dev/null 2>&1
rm -rf "$work/b"
check "reset after the folder was deleted under it" in_dir b reset
check "nothing left of that, either" gone b

# --- an interrupt in the middle of up
set -m # or a job in the background would ignore the interrupt
in_dir c up >/dev/null 2>&1 & up=$!
set +m
eventually 20 test -s "$work/c/nonprod/pids/apiserver"
kill -INT -- -$up
wait $up
check "an interrupted up says so" test $? = 130
check "and leaves no process" eventually 5 nothing_left c

# --- run: however it ends, nothing is left
in_dir d run --fresh < <(sleep 1) >"$work/d.out" 2>/dev/null
check "run whose stdin ends while it starts ends well" test $? = 0
check "and leaves nothing" gone d

FLOE_SANDBOX_CACHE=$work/cache in_dir g run --fresh < <(sleep 1.5) >"$work/g.out" 2>"$work/g.err"
check "run whose stdin ends while it builds ends well" test $? = 0 -a -n "$(grep building "$work/g.err")"
check "and leaves no compiler" nothing_left cache
check "and no half program" test -z "$(find "$work/cache" -name '.part*')"

mkfifo "$work/held" # a parent that holds run's stdin, and is killed without warning
FLOE_SANDBOX_DIR=$work/e bash -c '"$1" run --fresh <"$2" >"$3" 2>/dev/null & exec 8>"$2"; wait' \
  parent "$sandbox" "$work/held" "$work/e.ready" & parent=$!
check "run gets ready" eventually 30 grep -qxF "ready $work/e/kubeconfig" "$work/e.ready"
check "run holds its folder" refuses in_dir e up
disown $parent # or the shell would announce the kill
kill -9 $parent
check "run whose parent was killed leaves nothing" eventually 10 gone e

mkfifo "$work/hold"
FLOE_SANDBOX_DIR=$work/f "$sandbox" run <"$work/hold" >"$work/f.ready" 2>/dev/null & run=$!
exec 7>"$work/hold"
check "run without --fresh" eventually 30 grep -q ^ready "$work/f.ready"
disown $run
kill -9 $run
check "run that is itself killed leaves no process" eventually 5 nothing_left f
check "its folder can be used again" in_dir f up
check "and reset" in_dir f reset
check "nothing left" gone f

echo "$passed passed, $failed failed in $((SECONDS - begun)) s"
[ $failed -eq 0 ]

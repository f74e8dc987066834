# Sourced by `sandbox`: one control plane, from certificates to a seeded cluster. A plane NAME lives in $STATE/NAME:
# ca.*, srv.*, sa.* and tokens.csv (made once), ports, kubeconfig, etcd/ (its data), logs/ and pids/.
# shellcheck shell=bash

HOST=127.0.0.1
# In the order they start; ended in the reverse order, so that no client complains about a server that went first.
COMPONENTS=(etcd apiserver kcm scheduler nodelogs kwok)

certificates() ( # NAME: everything a plane proves itself with; a folder that has ca.crt has all of it
  cd "$STATE/$1" || exit
  umask 077
  local -a ec=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  openssl req -x509 "${ec[@]}" -days 3650 -keyout ca.key -out ca.part -subj "/CN=$1-ca"
  openssl req "${ec[@]}" -keyout srv.key -out srv.csr -subj "/CN=kube-apiserver"
  openssl x509 -req -in srv.csr -CA ca.part -CAkey ca.key -CAcreateserial -days 3650 -out srv.crt \
    -extfile <(echo "subjectAltName=IP:$HOST,DNS:localhost,DNS:kubernetes.default.svc,IP:10.96.0.1")
  openssl genrsa -out sa.key 2048
  openssl rsa -in sa.key -pubout -out sa.pub
  local user
  for user in admin:system:masters deployer:deployers viewer:viewers; do
    echo "$(openssl rand -hex 16),${user%%:*},${user%%:*},\"${user#*:}\""
  done >tokens.csv
  mv ca.part ca.crt
) 2>/dev/null

write_kubeconfig() ( # NAME API-PORT
  local name=$1 user token authority
  cd "$STATE/$name" || exit
  umask 077
  authority=$(base64 -w0 ca.crt)
  {
    printf '%s\n' "apiVersion: v1" "kind: Config" "current-context: $name-admin" "clusters:" \
      "- {name: $name, cluster: {server: 'https://$HOST:$2', certificate-authority-data: $authority}}" "users:"
    while IFS=, read -r token user _; do echo "- {name: $name-$user, user: {token: $token}}"; done <tokens.csv
    echo "contexts:"
    for user in admin deployer viewer; do echo "- {name: $name-$user, context: {cluster: $name, user: $name-$user}}"; done
  } >kubeconfig.part
  mv kubeconfig.part kubeconfig
)

# ports_of NAME: sets API, ETCD, PEER, NODE and KWOK from what was recorded.
ports_of() { read -r API ETCD PEER NODE KWOK <"$STATE/$1/ports"; }

# settle_ports NAME: keeps the recorded ports while they are free (so that a kubeconfig stays right), else takes others.
settle_ports() {
  local port
  if [ -z "${FRESH_PORTS:-}" ] && [ -s "$STATE/$1/ports" ] && ports_of "$1"; then
    for port in "$API" "$ETCD" "$PEER" "$NODE" "$KWOK"; do
      if listening "$port"; then say "$1: port $port is taken by another program, choosing others"; FRESH_PORTS=yes; fi
    done
  else FRESH_PORTS=yes; fi
  if [ -n "${FRESH_PORTS:-}" ]; then
    free_ports 5
    echo "${PORTS[*]}" >"$STATE/$1/ports"
  fi
  FRESH_PORTS=
  ports_of "$1"
  write_kubeconfig "$1" "$API"
}

# kubectl as the plane's administrator; neither its cache nor its preferences are the user's
k() {
  local name=$1
  shift
  KUBERC=off KUBECACHEDIR=$STATE/kubectl-cache "$BIN/kubectl" --kubeconfig "$STATE/$name/kubeconfig" --context "$name-admin" "$@"
} # NAME ARG...

# answers NAME: the API server says it is ready. curl's own settings and proxies must not play a part.
answers() { curl -q -fs -m 5 --noproxy '*' --cacert "$STATE/$1/ca.crt" "https://$HOST:$API/readyz" >/dev/null; }

start_server() { # NAME: etcd and the API server
  local name=$1 dir=$STATE/$1
  mkdir -p "$dir/logs" "$dir/pids"
  chmod 700 "$dir"
  [ -e "$dir/ca.crt" ] || certificates "$name"
  settle_ports "$name"
  servers_from >"$dir/started-from.servers"
  launch "$dir" etcd "$BIN/etcd" --name="$name" --data-dir="$dir/etcd" --unsafe-no-fsync --log-level=warn \
    --auto-compaction-retention=1 --listen-client-urls="http://$HOST:$ETCD" --advertise-client-urls="http://$HOST:$ETCD" \
    --listen-peer-urls="http://$HOST:$PEER" --initial-advertise-peer-urls="http://$HOST:$PEER" \
    --initial-cluster="$name=http://$HOST:$PEER"
  # Admission policies that change objects are beta and off in this release; objects/unschedulable.yaml needs them.
  launch "$dir" apiserver env GOMEMLIMIT=700MiB "$BIN/kube-apiserver" --etcd-servers="http://$HOST:$ETCD" \
    --bind-address="$HOST" --advertise-address="$HOST" --secure-port="$API" --endpoint-reconciler-type=none \
    --tls-cert-file="$dir/srv.crt" --tls-private-key-file="$dir/srv.key" --client-ca-file="$dir/ca.crt" \
    --token-auth-file="$dir/tokens.csv" --authorization-mode=Node,RBAC --allow-privileged=true \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-account-key-file="$dir/sa.pub" \
    --service-account-signing-key-file="$dir/sa.key" --service-cluster-ip-range=10.96.0.0/16 \
    --kubelet-preferred-address-types=InternalIP --enable-priority-and-fairness=false --profiling=false \
    --feature-gates=MutatingAdmissionPolicy=true --runtime-config=admissionregistration.k8s.io/v1beta1=true
}

# await_server NAME: until it answers. Another program that took a port meanwhile: both are started again on other ports.
await_server() {
  local name=$1 dir=$STATE/$1 tries=0 quarter component
  ports_of "$name"
  for ((quarter = 0; quarter < 480; quarter++)); do
    answers "$name" && return
    for component in etcd apiserver; do
      alive "$dir/pids/$component" && continue
      if grep -q "address already in use" "$dir/logs/$component.log" && ((tries++ < 5)); then
        say "$name: another program took a port meanwhile, choosing others"
        PATIENCE=0 finish "$dir/pids/apiserver" "$dir/pids/etcd"
        FRESH_PORTS=yes
        start_server "$name"
        break
      fi
      say "$name: $component ended; the end of $dir/logs/$component.log:"
      tail -n 15 "$dir/logs/$component.log" >&2
      return 1
    done
    sleep 0.25
  done
  say "$name: kube-apiserver did not answer within 2 minutes; see $dir/logs/"
  return 1
}

start_rest() { # NAME: those of the other components that do not run
  local name=$1 dir=$STATE/$1
  ports_of "$name"
  nodes_from >"$dir/started-from.nodes"
  alive "$dir/pids/kcm" || launch "$dir" kcm env GOMEMLIMIT=300MiB "$BIN/kube-controller-manager" \
    --kubeconfig="$dir/kubeconfig" --leader-elect=false --secure-port=0 --root-ca-file="$dir/ca.crt" \
    --service-account-private-key-file="$dir/sa.key" --enable-hostpath-provisioner=true \
    --node-monitor-grace-period=10m --profiling=false
  alive "$dir/pids/scheduler" || launch "$dir" scheduler "$BIN/kube-scheduler" \
    --kubeconfig="$dir/kubeconfig" --leader-elect=false --secure-port=0 --profiling=false
  alive "$dir/pids/nodelogs" || launch "$dir" nodelogs "$NODELOGS" -plane="$dir" -api "https://$HOST:$API" \
    -listen "$HOST:$NODE" -behind "https://$HOST:$KWOK"
  alive "$dir/pids/kwok" || launch "$dir" kwok "$BIN/kwok" --kubeconfig="$dir/kubeconfig" --config="$HERE/stages.yaml" \
    --manage-all-nodes=true --cidr=10.244.0.0/16 --node-ip="$HOST" --node-port="$NODE" --server-address="$HOST:$KWOK" \
    --tls-cert-file="$dir/srv.crt" --tls-private-key-file="$dir/srv.key" --node-lease-duration-seconds=200
}

# seed NAME: nodes, storage class, policies, grants, on prod the stub CRDs; everything may be applied again.
seed() {
  local name=$1 tries
  for ((tries = 0; tries < 200; tries++)); do # the controller manager makes it: without it no pod is admitted
    k "$name" -n default get serviceaccount default >/dev/null 2>&1 && break
    sleep 0.2
  done
  local -a files=(-f "$HERE/objects/seed.yaml" -f "$HERE/objects/unschedulable.yaml" -f "$HERE/objects/rights.yaml")
  [ "$name" != prod ] || files+=(-f "$HERE/objects/crds.yaml")
  k "$name" apply --server-side --force-conflicts "${files[@]}" >/dev/null
  local -n namespaces=NAMESPACES_${name^^}
  [ ${#namespaces[@]} -eq 0 ] || grant "$name" "${namespaces[@]}"
  # Up means: the nodes take pods, and the rule for unschedulable pods is in force (the API server needs a second to see it).
  local nodes='' rule=''
  for ((tries = 0; tries < 200; tries++)); do
    nodes=$(k "$name" get nodes -o jsonpath='{.items[*].status.conditions[?(@.type=="Ready")].status}')
    rule=$(k "$name" create --dry-run=server -f "$HERE/objects/probe.yaml" -o jsonpath='{.spec.nodeSelector}')
    [ "$nodes" = "True True True" ] && [ -n "$rule" ] && return
    sleep 0.2
  done
  [ "$nodes" = "True True True" ] || say "$name: the simulated nodes did not become ready; see $STATE/$name/logs/kwok.log"
  [ -n "$rule" ] || say "$name: the rule for unschedulable pods is not in force; see $STATE/$name/logs/apiserver.log"
  return 1
}

# grant NAME NAMESPACE...: creates the namespaces and lets the group deployers work in them, and nowhere else.
grant() {
  local name=$1 namespace
  shift
  for namespace in "$@"; do
    cat <<OBJECTS
---
{apiVersion: v1, kind: Namespace, metadata: {name: $namespace}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployers-edit, namespace: $namespace}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: deployers}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployers-roles-and-quotas, namespace: $namespace}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: sandbox-roles-and-quotas}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: deployers}]
OBJECTS
  done | k "$name" apply --server-side --force-conflicts -f - >/dev/null
}

records_of() { # NAME: sets RECORDS, in the order they are to be ended
  RECORDS=()
  local i
  for ((i = ${#COMPONENTS[@]} - 1; i >= 0; i--)); do RECORDS+=("$STATE/$1/pids/${COMPONENTS[i]}"); done
}

# running NAME: sets RUNNING and STOPPED to the names of components.
running() {
  RUNNING=() STOPPED=()
  local component
  for component in "${COMPONENTS[@]}"; do
    if alive "$STATE/$1/pids/$component"; then RUNNING+=("$component"); else STOPPED+=("$component"); fi
  done
}

# What a plane was started from: the programs, and what the simulation is made of.
servers_from() { echo "$BIN"; }
nodes_from() { echo "$NODELOGS $(sha256sum <"$HERE/stages.yaml")"; }

# outdated NAME: sets NEW_SERVERS, NEW_NODES when the running plane was started from something else than would be started now.
# shellcheck disable=SC2034
outdated() {
  local from=$STATE/$1/started-from
  NEW_SERVERS='' NEW_NODES=''
  [ "$(cat "$from.servers" 2>/dev/null)" = "$(servers_from)" ] || NEW_SERVERS=yes
  [ "$(cat "$from.nodes" 2>/dev/null)" = "$(nodes_from)" ] || NEW_NODES=yes
}

stop_plane() { # NAME: clients first, then the API server, then etcd
  local dir=$STATE/$1/pids
  finish "$dir/kwok" "$dir/nodelogs" "$dir/scheduler" "$dir/kcm" || return 1
  # The API server would wait a minute for watches to end; nothing is lost if it does not.
  PATIENCE=${PATIENCE:-20} finish "$dir/apiserver" && finish "$dir/etcd"
}

# volume_folders NAME: the folders that the controller manager made for the plane's volumes. It makes them in /tmp whatever
# TMPDIR says, under a random name which only the PersistentVolume knows - so they are read out of etcd's files, which works
# for a plane that is down or broken, too. No container ever runs, so they are empty and rmdir is enough.
volume_folders() { grep -raohE '/tmp/hostpath_pv/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' "$STATE/$1/etcd" 2>/dev/null | sort -u; }

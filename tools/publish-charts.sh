#!/usr/bin/env bash
# Packages the charts, signs them and pushes them to an OCI registry; `--help` says how, charts/RELEASING.md says when.
set -euo pipefail
umask 077
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

help() {
  cat <<'HELP'
publish-charts.sh [OPTION…] [CHART…]
  Charts are folders, by default all of charts/. What a chart needs of its siblings is published before it.
  --registry oci://HOST/PATH   where to (default: oci://ghcr.io/anthropics/floe/charts, or FLOE_CHART_REGISTRY)
  --plain-http                 the registry speaks HTTP, not HTTPS
  --sign KEY                   signs with this key of GnuPG (its name or address)
  --keyring FILE               keyring with the secret key, in GnuPG's old format; without it the key is exported from GnuPG
  --passphrase-file FILE       passphrase of the key
  --out FOLDER                 keeps packages and signatures there
  --index URL                  also writes FOLDER/index.yaml for a web server at URL (the fallback for helm repo add)
  --dry-run                    packages and checks, pushes nothing
environment
  HELM                         the helm to use (default: helm)
A version that is there already with the same content is left alone, with other content it is refused: raise the version.
HELP
}

say() { echo "publish-charts: $*" >&2; }
fail() { say "$*"; exit 1; }

helm=${HELM:-helm}
registry=${FLOE_CHART_REGISTRY:-oci://ghcr.io/anthropics/floe/charts}
plain=() key='' keyring='' passphrase='' out='' index='' dry='' charts=()
value() { [ $# -ge 2 ] || { say "$1 needs a value, see --help"; exit 64; }; echo "$2"; }
while [ $# -gt 0 ]; do
  case $1 in
    --registry) registry=$(value "$@"); shift ;;
    --plain-http) plain=(--plain-http) ;;
    --sign) key=$(value "$@"); shift ;;
    --keyring) keyring=$(value "$@"); shift ;;
    --passphrase-file) passphrase=$(value "$@"); shift ;;
    --out) out=$(value "$@"); shift ;;
    --index) index=$(value "$@"); shift ;;
    --dry-run) dry=yes ;;
    -h | --help) help; exit ;;
    -*) say "unknown option $1, see --help"; exit 64 ;;
    *) charts+=("$1") ;;
  esac
  shift
done
[[ $registry == oci://* ]] || fail "--registry is '$registry'; it begins with oci://"
registry=${registry%/}
[ -z "$index" ] || [ -n "$out" ] || fail "--index needs --out: the index lies beside the packages"
[ -n "$key" ] || [ -z "$keyring$passphrase" ] || fail "--keyring and --passphrase-file are for --sign"
command -v "$helm" >/dev/null || fail "needs helm: install it from https://helm.sh/docs/intro/install/ or set HELM"
if [ ${#charts[@]} -eq 0 ]; then
  for chart in "$here"/charts/*/Chart.yaml; do charts+=("${chart%/Chart.yaml}"); done # not charts/testing
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/charts" "${out:=$work/out}"
out=$(cd "$out" && pwd)

field() { sed -n "s/^$2: *\"\{0,1\}\([^\"]*\)\"\{0,1\} *\$/\1/p" "$1/Chart.yaml" | head -1; }
# siblings FOLDER: names of the charts beside it that it depends on.
siblings() { sed -n 's|^ *\(- \)\{0,1\}repository: *"\{0,1\}file://\.\./\([^"/]*\)"\{0,1\} *$|\2|p' "$1/Chart.yaml"; }

if [ -n "$key" ] && [ -z "$keyring" ]; then
  command -v gpg >/dev/null || fail "needs gpg to export the key: install GnuPG, or give --keyring"
  keyring=$work/secring.gpg
  # The name of a key may be part of several: the one that signs must be the only one.
  options=(--batch)
  [ -z "$passphrase" ] || options+=(--pinentry-mode loopback --passphrase-file "$passphrase")
  gpg "${options[@]}" --export-secret-keys "$key" >"$keyring" 2>"$work/said" || { cat "$work/said" >&2; fail "GnuPG does not give the secret key '$key': is the passphrase right?"; }
  [ -s "$keyring" ] || fail "GnuPG has no secret key '$key'"
fi
if [ -n "$key" ]; then
  # Verification reads public keys; a secret keyring holds them too.
  signing=(--sign --key "$key" --keyring "$keyring")
  [ -z "$passphrase" ] || signing+=(--passphrase-file "$passphrase")
else
  signing=()
fi

# same PACKAGE PACKAGE: whether they hold the same. The lock's date is no content, and a repository's is the dependency's.
same() {
  rm -rf "$work/a" "$work/b"
  mkdir "$work/a" "$work/b"
  tar -xzf "$1" -C "$work/a"
  tar -xzf "$2" -C "$work/b"
  diff -rq --exclude=Chart.lock "$work/a" "$work/b" >&2
}

done=()
publish() { # FOLDER: siblings first, each once
  local folder name version sibling copy package published
  folder=$(cd "$1" 2>/dev/null && pwd) || fail "$1 is no folder"
  [ -f "$folder/Chart.yaml" ] || fail "$folder has no Chart.yaml"
  name=$(field "$folder" name) version=$(field "$folder" version)
  [[ " ${done[*]:-} " != *" $name "* ]] || return 0
  for sibling in $(siblings "$folder"); do publish "$folder/../$sibling"; done

  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail "$name: version '$version' is no X.Y.Z"
  grep -qF "## $version" "$folder/CHANGELOG.md" 2>/dev/null || fail "$name: CHANGELOG.md says nothing about $version"
  copy=$work/charts/$name
  rm -rf "$copy"
  cp -r "$folder" "$copy"
  rm -rf "$copy/charts"
  if grep -q '^dependencies:' "$copy/Chart.yaml"; then
    if [ -z "$dry" ]; then
      # A published chart names the published siblings; their versions are pinned in Chart.yaml.
      sed -i "s|file://\.\./[^\"/ ]*|$registry|" "$copy/Chart.yaml"
      rm -f "$copy/Chart.lock"
    fi
    "$helm" dependency update --skip-refresh "${plain[@]}" "$copy" >"$work/said" 2>&1 || { cat "$work/said" >&2; fail "$name: its dependencies cannot be had"; }
  fi
  "$helm" lint --strict "$copy" >"$work/said" 2>&1 || { cat "$work/said" >&2; fail "$name: helm lint refuses it"; }
  "$helm" package "${signing[@]}" --destination "$out" "$copy" >"$work/said" 2>&1 || { cat "$work/said" >&2; fail "$name: helm package failed"; }
  package=$out/$name-$version.tgz
  [ -z "$key" ] || "$helm" verify --keyring "$keyring" "$package" >"$work/said" 2>&1 || { cat "$work/said" >&2; fail "$name: its signature does not hold"; }
  done+=("$name")

  if [ -n "$dry" ]; then
    say "$name $version: packaged, not pushed"
    return
  fi
  rm -rf "$work/published"
  mkdir "$work/published"
  published=$work/published/$name-$version.tgz
  if "$helm" pull "$registry/$name" --version "$version" "${plain[@]}" --destination "$work/published" >"$work/said" 2>&1; then
    same "$published" "$package" || fail "$name $version is published already with other content: raise version in Chart.yaml"
    say "$name $version: is there already"
    return
  elif ! grep -qiE 'not found|404|name unknown|manifest unknown' "$work/said"; then
    cat "$work/said" >&2
    fail "$name: $registry cannot be asked what it has (helm registry login?)"
  fi
  "$helm" push "$package" "$registry" "${plain[@]}" >"$work/said" 2>&1 || { cat "$work/said" >&2; fail "$name: the push failed"; }
  # What counts is what others get.
  verify=()
  [ -z "$key" ] || verify=(--verify --keyring "$keyring")
  "$helm" pull "$registry/$name" --version "$version" "${plain[@]}" "${verify[@]}" --destination "$work/published" >"$work/said" 2>&1 ||
    { cat "$work/said" >&2; fail "$name: was pushed but cannot be pulled${key:+ and verified}"; }
  cmp -s "$published" "$package" || fail "$name: what comes back is not what was pushed"
  say "$name $version: published${key:+ and signed}, $(sed -n 's/^Digest: //p' "$work/said" | head -1)"
}

for chart in "${charts[@]}"; do publish "$chart"; done

if [ -n "$index" ]; then
  merge=()
  [ ! -f "$out/index.yaml" ] || merge=(--merge "$out/index.yaml")
  "$helm" repo index "$out" --url "$index" "${merge[@]}"
  say "$out/index.yaml: for a web server at $index"
fi

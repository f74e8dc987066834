# Checks all prerequisites, tells every fault, fails if there was one.
faults=0
fault() {
  echo "FAULT: $*" >&2
  faults=$((faults + 1))
}

for ((i = 0; i < KEYS; i++)); do
  what=WHAT_$i key=KEY_$i
  if [ -n "${!key}" ]; then echo "ok: ${!what}"; else fault "${!what} is missing or empty in this namespace."; fi
done

# Only for a database outside of the release: its own starts later.
if [ -n "${PGHOST:-}" ]; then
  waited=0
  until pg_isready --quiet --timeout=5 || [ "$waited" -ge "$WAIT_SECONDS" ]; do
    sleep 2
    waited=$((waited + 2))
  done
  if ! pg_isready --quiet --timeout=5; then
    fault "PostgreSQL at $PGHOST:$PGPORT does not accept connections (waited $WAIT_SECONDS s)."
  else
    query() { psql --no-psqlrc --no-password --quiet --tuples-only --no-align --dbname="$1" --command="$2"; }
    for database in $DATABASES; do
      if version=$(query "$database" 'SHOW server_version_num'); then
        if [ "$version" -ge 140000 ]; then
          echo "ok: database $database (server $version)"
        else
          fault "PostgreSQL at $PGHOST is $version, 140000 or newer is needed."
        fi
      else
        fault "$PGUSER cannot open database $database at $PGHOST:$PGPORT; make it, and let that user in."
      fi
    done
  fi
fi

if [ "$faults" -gt 0 ]; then
  echo "$faults faults: nothing was installed. Mend them and install again." >&2
  exit 1
fi
echo "All prerequisites are met."

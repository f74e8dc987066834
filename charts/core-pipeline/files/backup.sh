# Dumps the database to DIR and keeps the newest KEEP dumps of this release. A dump has its final name only when it
# is whole. Connection by PG* variables, so that nothing secret is on a command line.
set -eu
tries=${TRIES:-30}
until pg_isready -q; do
  tries=$((tries - 1))
  if [ "$tries" -le 0 ]; then
    echo "PostgreSQL at $PGHOST:$PGPORT takes no connections; nothing was dumped. Check env.POSTGRES_HOST, or switch hooks.backup.enabled off for this upgrade." >&2
    exit 1
  fi
  sleep 2
done
file="$DIR/$PREFIX-$(date -u +%Y%m%dT%H%M%SZ).dump"
rm -f "$DIR/$PREFIX"-*.partial
if ! pg_dump --format=custom --file="$file.partial"; then
  rm -f "$file.partial"
  echo "pg_dump of $PGDATABASE failed; the older dumps are untouched" >&2
  exit 1
fi
mv "$file.partial" "$file"
echo "wrote $file ($(wc -c <"$file") bytes)"
# Names sort by time.
count=$(find "$DIR" -maxdepth 1 -name "$PREFIX-20[0-9][0-9][0-9][0-9][0-9][0-9]T*Z.dump" | wc -l)
find "$DIR" -maxdepth 1 -name "$PREFIX-20[0-9][0-9][0-9][0-9][0-9][0-9]T*Z.dump" | sort | while read -r old; do
  [ "$count" -gt "$KEEP" ] || break
  rm -f "$old"
  echo "removed $old"
  count=$((count - 1))
done

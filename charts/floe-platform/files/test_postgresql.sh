# helm test: every database of the platform opens with the password of the Secret, and can be written to.
set -eu
for database in $DATABASES; do
  if ! psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 --dbname="$database" \
    --command='CREATE TEMPORARY TABLE floe_test (answer int)' \
    --command='INSERT INTO floe_test VALUES (42)'; then
    echo "FAILED: $PGUSER cannot work in database $database at $PGHOST:$PGPORT." >&2
    exit 1
  fi
  echo "Database $database at $PGHOST:$PGPORT opens and takes data."
done

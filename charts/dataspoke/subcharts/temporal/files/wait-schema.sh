# Waits for the schema Job: Temporal ends at once when it meets a schema older than its own.
set -u
deadline=$((SECONDS + WAIT_TIMEOUT_SECONDS))
problem=""
ready() { # database, version
  problem=$(psql --no-psqlrc --dbname "$1" --tuples-only --no-align --command "SELECT CASE
    WHEN string_to_array(curr_version, '.')::int[] >= string_to_array('$2', '.')::int[] THEN 'ready'
    ELSE 'the schema of $1 is at version ' || curr_version || ', not yet at $2' END
    FROM schema_version WHERE version_partition = 0 AND db_name = '$1'" 2>&1)
  [ "$problem" = ready ]
}
until ready "$TEMPORAL_DATABASE" "$SCHEMA_VERSION" && ready "$TEMPORAL_VISIBILITY_DATABASE" "$VISIBILITY_SCHEMA_VERSION"; do
  if [ "$SECONDS" -ge "$deadline" ]; then
    echo "ERROR: Temporal's schema was not there within $WAIT_TIMEOUT_SECONDS s: ${problem:-the version table is empty}" >&2
    echo "See the log of the Job whose name begins with $SCHEMA_JOB." >&2
    exit 1
  fi
  sleep 1
done
echo "The schemas of $TEMPORAL_DATABASE and $TEMPORAL_VISIBILITY_DATABASE are ready."

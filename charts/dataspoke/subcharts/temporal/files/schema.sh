# Databases and tables of Temporal's two stores. Every step may be repeated: what exists stays.
set -eu
for store in "temporal=$TEMPORAL_DATABASE" "visibility=$TEMPORAL_VISIBILITY_DATABASE"; do
  export SQL_DATABASE="${store#*=}"
  echo "Database $SQL_DATABASE, schema ${store%%=*}"
  temporal-sql-tool create-database --defaultdb "$MAINTENANCE_DATABASE"
  temporal-sql-tool setup-schema --version 0.0
  temporal-sql-tool update-schema --schema-dir "$SCHEMA_DIRECTORY/${store%%=*}/versioned"
done
echo "Both schemas are as new as this image knows."

# Dumps every database of the platform to BACKUP_FOLDER and keeps the newest BACKUP_KEEP of each.
set -eu
stamp=$(date -u +%Y%m%dT%H%M%SZ)
umask 077
for database in $DATABASES; do
  file=$BACKUP_FOLDER/$database-$stamp.dump
  echo "Dumping $database to $file"
  # Under another name until it is whole, so that a dump that ends in .dump is one.
  if ! pg_dump --no-password --format=custom --file="$file.partial" --dbname="$database"; then
    rm -f "$file.partial"
    echo "The dump of $database failed. The operation is stopped before it changes anything; look at the lines above." >&2
    exit 1
  fi
  mv "$file.partial" "$file"
  pg_restore --list "$file" >/dev/null
  find "$BACKUP_FOLDER" -maxdepth 1 -name "$database-*.dump" | sort -r | tail -n +"$((BACKUP_KEEP + 1))" | while read -r old; do
    echo "Removing $old"
    rm -f "$old"
  done
done
echo "Backup is complete:"
ls -l "$BACKUP_FOLDER"

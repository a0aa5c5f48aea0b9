#!/bin/sh
# One look at every matching process, kept as one file a run: a crontab line such as
#
#     */5 * * * * /usr/local/bin/cron-snapshot.sh name:gunicorn /var/log/snapshots
#
# leaves a folder of JSON documents to read after an incident. Old files are removed after KEEP_DAYS (default 7).
# Exit status: that of razorprof (3: nothing matches, 4: no permission).
set -eu

target=${1:?usage: cron-snapshot.sh TARGET FOLDER}
folder=${2:?usage: cron-snapshot.sh TARGET FOLDER}
keep_days=${KEEP_DAYS:-7}

umask 077
mkdir -p "$folder"
file=$folder/$(date -u +%Y%m%dT%H%M%SZ).json

# written beside and renamed, so that a reader never sees half a document
status=0
razorprof top "$target" --all --once --json >"$file.new" || status=$?
if [ "$status" -ne 0 ]; then
    cat "$file.new" >&2 # with --json the reason is a document, too
    rm -f "$file.new"
    exit "$status"
fi
mv "$file.new" "$file"
find "$folder" -name '*.json' -type f -mtime "+$keep_days" -delete

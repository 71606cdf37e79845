#!/usr/bin/env bash
# Each table is named in the SQL of one folder of hub/ only. Fix: ask the folder that owns the table for what you need.
# The key of a table WITHOUT ROWID is its first columns, in their order: the integrity check of SQLite 3.40 reads such a table in the
# order of its key, and takes another order for damage. Fix: move the columns of the key to the front.
# Columns of rows are read by the names in their statement (row.text(sql::kFind["id"])); those who read any table, the engines of the
# store and the verifier of the log, count them.
# tables.sh [ROOT]: another tree, for the test of this rule.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
declare -A owner=() exception=()
own() { local folder=$1 table; shift; for table in "$@"; do owner[$table]=$folder; done; }
own audit audit audit_find audit_tile audit_checkpoint
own engine definition delivery event event_key instance journal timer subscription dispatched definition_child origin child schedule \
  start_set unheard_start instance_patient binding restart role_pause
own outbox outbox
own plugin plugin_kv plugin_config
own blob blob
own consultation consultation recording session session_sealed session_member session_event session_attendance session_effect \
  session_invitation session_guest session_proof session_message early_report message_sent session_ring session_request session_record quality_sample quality_summary visit clinic clinic_session slot place presence \
  usage_alert usage_record onboarding_step hub_event task code_map
own identity person person_role person_alias person_known person_merge person_pair credential login_session login_attempt passkey ceremony bootstrap principal_epoch client client_key client_token client_certificate approval \
  used_once oidc_flow ended_token
own access patient_key break_glass
own repair repair_job repair_item
own webhooks webhook webhook_delivery
own alerts alert alert_telling alert_snooze alert_rhythm
own api replay delivery_outcome delivery_outcome_total
own keys data_key bucket_floor hold key_task
# "<table> <file>": one statement that joins rows of two folders, which two questions could not answer in one reading of the database.
except() { exception["$1 $2"]=1; }
except person_role hub/consultation/rows/statements.hpp # kTreats: whoever named the patient of a session neither treats nor is an office
# Tables that migrations CREATE or DROP.
named() { { grep -rhoE "$1 TABLE +[a-z_]+" migrations/sqlite || true; } | awk '{print $3}'; }
# "<file>:<line>:<table>" of each name in SQL. A text may go on in the next line.
in_sql() {
  find hub tools -name '*.cpp' -o -name '*.hpp' | sort | python3 -c '
import re, sys
for file in sys.stdin.read().split():
    text = open(file, encoding="utf-8").read()
    for found in re.finditer(r"\b(?:FROM|INTO|UPDATE|JOIN|TABLE)(?: |\" *\\?\n *\")+([a-z_]+)\b", text):
        print(file, text.count("\n", 0, found.start(1)) + 1, found[1], sep=":")'
}
bad=0
declare -A is_table=()
while read -r table; do
  is_table[$table]=1
  [ -n "${owner[$table]:-}" ] || { echo "migrations: nobody owns the table $table; name its folder in tests/lint/tables.sh"; bad=1; }
done < <(named CREATE | grep -vxFf <(named DROP))
while IFS=: read -r file line table; do
  folder=${owner[$table]:-}
  [ -n "${is_table[$table]:-}" ] && [ -n "$folder" ] || continue
  [[ $file == hub/$folder/* || -n ${exception["$table $file"]:-} ]] && continue
  echo "$file:$line: names the table $table, which belongs to hub/$folder; ask that folder"; bad=1
done < <(in_sql)
while IFS=: read -r file line _; do
  echo "$file:$line: reads a column by its number; write the name in its statement, as row.text(sql::kFind[\"id\"])"; bad=1
done < <(grep -rnE '\brow\.(text|integer|blob|is_null)\([0-9]|\w\(row, [0-9]+\)' hub --include=*.cpp --include=*.hpp | grep -vE '^hub/(store|audit)/' || true)
python3 - <<'PY' || bad=1
import glob, sqlite3, sys

database = sqlite3.connect(":memory:")
for migration in sorted(glob.glob("migrations/sqlite/*.sql")):
    database.executescript(open(migration, encoding="utf-8").read())
bad = 0
for (table,) in database.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr").fetchall():
    columns = database.execute("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", (table,)).fetchall()
    key = [name for name, place in sorted(columns, key=lambda column: column[1]) if place]
    if [name for name, _ in columns[:len(key)]] != key:
        print(f"migrations: the key of {table}, WITHOUT ROWID, is {', '.join(key)}; let these be its first columns, in this order")
        bad = 1
sys.exit(bad)
PY
[ $bad = 0 ] && echo "tables: good"
exit $bad

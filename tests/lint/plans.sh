#!/usr/bin/env bash
# No statement of hub/ walks through a table that grows: SQLite, told what the hub tells its planner, is asked how it runs each. Fix: an
# index of the columns that are looked up by, or a bound on one that it has; a reason below where neither is worth its cost.
# plans.sh [ROOT]: another tree, for the test of this rule.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
python3 - <<'PY'
import glob, re, sqlite3, sys

# Tables of a few rows for each tenant.
SMALL = {"definition", "definition_child", "binding", "schedule", "bootstrap", "webhook", "clinic", "client", "presence", "approval", "hold", "key_task",
         "delivery_outcome_total", "alert_snooze", "code_map", "role_pause"}
MAY = {
    # Asked when workflows are planned or deployed and when the hub starts; an index would cost each instance two writes.
    "kCountRunning", "kRunningByBinding",
    # Rows of those who are signed in now, when one of them is signed out by an issuer, or a client loses its access.
    "kOfIssuerSession", "kEndClientTokens",
    # The verifier reads all there is.
    "kSurplusTiles", "kSurplusFinds", "kCheckpoints",
    # Counts of a list that a person looks at, or that are kept for a minute.
    "kCountVisits", "kCountAll", "kTotalsOfAll", "kCountKeys", "kCountInstances", "kOutcomesLately",
    # Work that waits for a person, by an index of nothing else.
    "kParkedByCode", "kUnreviewedGrants", "kWaitingByKind", "kOpenOf", "kOpenFor",
    # Work that waits at this moment, by indexes of nothing else.
    "kVideoWaits", "kRecordingWaits", "kUnheardStarts", "kWaitingByTarget", "kLivingAlerts",
    # Steps through the family that it has found.
    "kFamily",
}
database = sqlite3.connect(":memory:")
for migration in sorted(glob.glob("migrations/sqlite/*.sql")):
    database.executescript(open(migration).read())
try:
    told = re.search(r'kTellPlanner = R"sql\((.*?)\)sql"', open("hub/store/sqlite/migrations.cpp").read(), re.S)
    database.executescript(told.group(1))
except FileNotFoundError:
    pass  # a tree of the test
define = re.compile(r"#define (RABT_\w+)[ \t]+((?:\\\n|[^\n])*)")
statement = re.compile(r'Statement\s+(k\w+)\s*\{\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\}')
bad = asked = 0
for path in sorted(glob.glob("hub/**/*.[ch]pp", recursive=True)):
    if path.startswith("hub/store/"):
        continue  # tables of its own, of one row for each migration or sequence
    text = open(path).read()
    # Parts of statements that several share.
    for name, body in define.findall(text):
        if body.lstrip(" \\\n").startswith('"'):
            text = re.sub(r"\b%s\b" % name, lambda _: body.replace("\\\n", "").strip(), text)
    for found in statement.finditer(text):
        name, sql = found[1], "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', found[2]))
        values = len(set(re.findall(r"\$\d+", sql)))
        plan = [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + re.sub(r"\$(\d+)", r"?\1", sql), [None] * values)]
        asked += 1
        aliases = {alias: table for table, alias in re.findall(r"(?:FROM|JOIN) (\w+) (?:AS )?(\w+)", sql)}
        one = re.match(r"SELECT (COALESCE\()?(MAX|MIN)\(", sql) or ("LIMIT" in sql and not any("TEMP B-TREE FOR ORDER BY" in step for step in plan))
        for step in plan:
            table = re.sub(r"^(?:SCAN|SEARCH) (\w+).*", r"\1", step)
            table = aliases.get(table, table)
            walks = step.startswith("SCAN ") and "CONSTANT ROW" not in step or step.endswith("(tenant=?)")
            if not walks or one or name in MAY or table in SMALL:
                continue
            print(f"{path}:{text.count(chr(10), 0, found.start()) + 1}: {name} walks: {step}")
            bad = 1
print("plans: good (%d statements)" % asked if not bad else "plans: see above")
sys.exit(bad)
PY

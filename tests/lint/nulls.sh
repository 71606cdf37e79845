#!/usr/bin/env bash
# No statement of hub/ orders by a column that may be NULL unless it leaves rows with NULL out: SQLite puts NULL first, PostgreSQL last, so a
# LIMIT would give other rows. Fix: bound the column in the WHERE (IS NOT NULL, <=), or order by (column IS NULL) before it.
# nulls.sh [ROOT]: another tree, for the test of this rule.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "$0")")/../..}"
python3 - <<'PY'
import glob, re, sqlite3, sys

database = sqlite3.connect(":memory:")
for migration in sorted(glob.glob("migrations/sqlite/*.sql")):
    database.executescript(open(migration).read())
nullable = {}
for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
    nullable[table] = {row[1] for row in database.execute(f"PRAGMA table_info({table})") if not row[3] and not row[5]}
for view, sql in database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'").fetchall():
    nullable[view] = set().union(*(nullable.get(table, set()) for table in re.findall(r"(?:FROM|JOIN) (\w+)", sql)))
define = re.compile(r"#define (RABT_\w+)[ \t]+((?:\\\n|[^\n])*)")
ordered = re.compile(r"ORDER BY (.+?)(?= LIMIT| OFFSET|\)|$)")
bad = asked = 0
for path in sorted(glob.glob("hub/**/*.[ch]pp", recursive=True)):
    text = open(path).read()
    # Parts of statements that several share.
    for name, body in define.findall(text):
        if body.lstrip(" \\\n").startswith('"'):
            text = re.sub(r"\b%s\b" % name, lambda _: body.replace("\\\n", "").strip(), text)
    # Neighbouring literals are one text.
    for found in re.finditer(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+', text):
        sql = "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', found[0]))
        tables = set(re.findall(r"(?:FROM|JOIN) (\w+)", sql))
        for order in ordered.findall(sql):
            asked += 1
            for column in re.findall(r"(?:\w+\.)?([a-z]\w*)", order):
                if not any(column in nullable.get(table, ()) for table in tables):
                    continue
                if re.search(r"\b%s (?:IS NOT NULL|[<>=])" % column, sql) or f"{column} IS NULL" in order:
                    continue
                print(f"{path}:{text.count(chr(10), 0, found.start()) + 1}: orders by {column}, which may be NULL: {sql[:80]}")
                bad = 1
print("nulls: good (%d orders)" % asked if not bad else "nulls: see above")
sys.exit(bad)
PY

#!/usr/bin/env bash
# Each rule of this folder can fail: a small tree that keeps it passes, the same tree with one fault does not.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
bad=0; cases=0
fresh() {
  rm -rf "${root:?}"/*; mkdir -p "$root/tests/lint"; cp "$here"/*.sh "$root/tests/lint/"
  mkdir -p "$root"/{hub/base,hub/store,hub/engine,hub/audit,sdk/include/rabt,sdk/testing,plugins,tools,console/src,migrations/sqlite,config,workflows,docs}
  cp "$here/../../hub/base/mutex.hpp" "$root/hub/base/"
  [ ! -e "$here/../../sdk/include/rabt/mutex.hpp" ] || cp "$here/../../sdk/include/rabt/mutex.hpp" "$root/sdk/include/rabt/"
  echo 'CREATE TABLE journal (n INTEGER);' >"$root/migrations/sqlite/0001.sql"
  printf "document:\n  name: visit\n  version: '1.0.0'\n" >"$root/workflows/visit.yaml"
  echo "visit 1.0.0 $(sha256sum <"$root/workflows/visit.yaml" | cut -d' ' -f1)" >"$root/tests/lint/workflows.list"
  cat >"$root/hub/engine/queue.hpp" <<'CPP'
#pragma once
#include "hub/base/mutex.hpp"
namespace rabt {
class Queue {
 public:
  int take() {
    const Lock lock(mutex_);
    return --size_;
  }

 private:
  Mutex mutex_;
  int size_ RABT_GUARDED_BY(mutex_) = 0;
};
}  // namespace rabt
CPP
  cat >"$root/hub/engine/queue.cpp" <<'CPP'
#include "hub/engine/queue.hpp"
// Rows of the journal, oldest first.
const char* const kRead = "SELECT n FROM journal";
int taken(rabt::Queue& queue) { return queue.take(); }
CPP
}
# fails RULE WHAT: the tree as it is now breaks the rule.
fails() {
  cases=$((cases + 1))
  if bash "$here/$1.sh" "$root" >"$root.out" 2>&1; then echo "$1.sh does not see $2"; bad=1; fi
  fresh
}
fresh
for rule in layers tables plans nulls locks words clean_text actors lengths workflows; do
  bash "$here/$rule.sh" "$root" >"$root.out" 2>&1 || { echo "$rule.sh complains of a tree that keeps it:"; cat "$root.out"; bad=1; }
done
echo '#include "hub/engine/queue.hpp"' >>"$root/hub/store/up.cpp"; fails layers 'an include that points up'
mkdir -p "$root/hub/consultation/loose"; fails layers 'a folder without a place'
mkdir -p "$root/hub/consultation/practice/metering"; echo '#include "hub/consultation/practice/visits.hpp"' >>"$root/hub/consultation/practice/metering/usage.cpp"; fails layers 'an include from a room to what lies beside it'
mkdir -p "$root/hub/consultation/practice/loose"; fails layers 'a room that is not listed'
echo '#include <openssl/evp.h>' >>"$root/hub/engine/queue.cpp"; fails layers 'a library outside its folder'
echo '#include "hub/store/sqlite/writer.hpp"' >>"$root/hub/engine/queue.cpp"; fails layers 'an engine of the store outside of it'
mkdir -p "$root/hub/store/sqlite"; echo '#include "hub/store/postgres/writer.hpp"' >>"$root/hub/store/sqlite/writer.cpp"; fails layers 'an engine of the store in the other one'
echo 'const char* const kAlso = "DELETE FROM journal";' >>"$root/hub/store/sql.cpp"; fails tables 'a table in the SQL of another folder'
printf 'const char* const kAlso =\n    "DELETE FROM "\n    "journal";\n' >>"$root/hub/store/sql.cpp"; fails tables 'a table at the beginning of a line'
echo 'CREATE TABLE stray (n INTEGER);' >>"$root/migrations/sqlite/0001.sql"; fails tables 'a table that nobody owns'
echo 'CREATE TABLE timer (due_ms INTEGER NOT NULL, id TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;' >"$root/migrations/sqlite/0002.sql"
fails tables 'a key behind another column'
echo 'std::string text(const Row& row) { return std::string(row.text(0)); }' >>"$root/hub/engine/queue.cpp"; fails tables 'a column by its number'
echo 'constexpr Statement kAll{"SELECT n FROM journal"};' >>"$root/hub/engine/queue.cpp"; fails layers 'a statement outside of statements.hpp'
echo 'constexpr store::Sequence kNumbers{"journal"};' >>"$root/hub/engine/queue.cpp"; fails layers 'a sequence outside of statements.hpp'
echo 'inline constexpr Statement kAll{"SELECT n FROM journal"};' >>"$root/hub/engine/statements.hpp"; fails layers 'a statement that nobody uses'
echo 'constexpr Statement kLater{"SELECT n FROM journal " "WHERE n > $1"};' >>"$root/hub/engine/statements.hpp"; fails plans 'a statement that walks through a table'
printf '#define RABT_N \\\n  "SELECT n "\nconstexpr Statement kLater{RABT_N "FROM journal WHERE n > $1"};\n' >>"$root/hub/engine/statements.hpp"; fails plans 'a statement whose columns stand on lines of their own'
echo 'CREATE TABLE due (id INTEGER PRIMARY KEY, due_ms INTEGER);' >>"$root/migrations/sqlite/0001.sql"
echo 'constexpr Statement kDue{"SELECT id FROM due " "ORDER BY due_ms LIMIT 1"};' >>"$root/hub/engine/statements.hpp"; fails nulls 'an order by NULL'
sed -i '/const Lock lock/d' "$root/hub/engine/queue.hpp"; fails locks 'a lock that was removed'
echo 'static std::mutex stray;' >>"$root/hub/engine/queue.cpp"; fails locks 'a mutex without annotations'
echo 'int held = 0;  // likewise' >>"$root/hub/engine/queue.cpp"; fails words 'a comment that points at its neighbour'
echo '// What a vendor reads.' >"$root/sdk/include/rabt/value.hpp"; fails words 'a comment of the SDK that begins with a clause'
echo '// What waits for a worker.' >>"$root/hub/engine/queue.cpp"; fails words 'a comment of the hub that begins with a clause'
echo '# Who may post.' >"$root/config/rabt.yaml"; fails words 'a comment of the settings that begins with a clause'
echo '// Who may see it.' >"$root/console/src/page.tsx"; fails words 'a comment of the console that begins with a clause'
echo '// How often it ran.' >"$root/tests/queue_test.cpp"; fails words 'a comment of a test that begins with a clause'
echo '// Empty: there is none.' >>"$root/hub/engine/queue.cpp"; fails words 'a comment without a verb'
echo '// See docs/no_such_page.md.' >>"$root/hub/engine/queue.cpp"; fails words 'a path that leads nowhere'
printf '// ---- starts\n// ------------------\n' >>"$root/hub/engine/queue.cpp"; fails words 'a torn section ruler'
{ echo 'int long_way(int a) {'; for i in $(seq 100); do echo "  a += $i;"; done; echo '  return a;'; echo '}'; } >>"$root/hub/engine/queue.cpp"; fails lengths 'a function of 103 lines'
mkdir -p "$root/hub/consultation"
visit() {
  echo 'struct Visit {'; for i in $(seq "$1"); do printf '  // Part of it.\n  int part%d = 0;\n  int taken%d() const {\n    return part%d;\n  }\n' $i $i $i; done
  printf '  using Part = int;\n  struct Place {\n    int floor = 0;\n  };\n  template <typename T>\n  T of(\n      T one);\n%s};\n' "$2"
}
visit 22 '' >"$root/hub/consultation/visit.hpp"
bash "$here/lengths.sh" "$root" >"$root.out" 2>&1 || { echo 'lengths.sh complains of a class of 45 members:'; cat "$root.out"; bad=1; }
visit 22 $'  int one_more = 0;\n' >"$root/hub/consultation/visit.hpp"; fails lengths 'a class of 46 members'
mkdir -p "$root/hub/consultation"; seq 501 | sed 's/^/\/\/ Line /' >"$root/hub/consultation/visits.cpp"; fails lengths 'a file of 501 lines'
mkdir -p "$root/tests"; for i in $(seq 41); do echo '  std::this_thread::sleep_for(pause);'; done >"$root/tests/naps_test.cpp"; fails lengths '41 sleeps of tests'
echo 'auto now() { return std::chrono::steady_clock::now(); }' >>"$root/hub/audit/entry.cpp"; fails clean_text 'a raw clock'
echo 'const Entry kMade{.actor = "role:video"};' >>"$root/hub/engine/queue.cpp"; fails actors 'an actor that is no principal'
echo 'bool take();  // Takes it. False: there is none.' >>"$root/hub/engine/queue.cpp"; fails words 'a result without a verb'
echo '// Whether it holds work.' >>"$root/hub/engine/queue.cpp"; fails words 'a check that begins with Whether'
echo '# changed' >>"$root/workflows/visit.yaml"; fails workflows 'a workflow that changed under its version'
echo '# changed' >>"$root/workflows/visit.yaml"
bash "$here/workflows.sh" --update "$root" >"$root.out" 2>&1 && { echo 'workflows.sh --update takes other content under a listed version'; bad=1; }
fails workflows 'a workflow that changed under its version, after --update'
sed -i s/1.0.0/1.1.0/ "$root/workflows/visit.yaml"; fails workflows 'a version that is not listed'
# Other content under a listed version, with the list changed by hand, before and after a commit.
for committed in '' yes; do
  history() { git -C "$root" -c user.name=rule -c user.email=rule@example.org "$@" >/dev/null; }
  rm -rf "$root/.git"; history init -q; history add -A; history commit -qm one
  echo '# changed' >>"$root/workflows/visit.yaml"
  echo "visit 1.0.0 $(sha256sum <"$root/workflows/visit.yaml" | cut -d' ' -f1)" >"$root/tests/lint/workflows.list"
  [ -z "$committed" ] || history commit -qam two
  fails workflows 'a line of the list that was changed'
done
rm -rf "$root/.git"
# The documents' rules are tried on this project's own documents, beside links to the rest.
documents() {
  rm -rf "${root:?}"/*; ln -s "$here"/../../* "$root/"; rm -f "$root/docs" "$root/build"; cp -r "$here/../../docs" "$root/docs"
}
documents; bash "$here/documents.sh" "$root" >"$root.out" 2>&1 || { echo "documents.sh complains of this project:"; cat "$root.out"; bad=1; }
head -c 121 /dev/zero | tr '\0' x >>"$root/docs/privacy.md"; fails documents 'a line that is too wide'
documents; printf '|%0320d|\n' 0 >>"$root/docs/privacy.md"; fails documents 'a row that is too wide'
documents; echo '[Formats](formats/no_such_page.md)' >>"$root/docs/privacy.md"; fails documents 'a link that leads nowhere'
documents; echo '`hub/main.cpp: no_such_function`' >>"$root/docs/life_of_a_consultation.md"; fails documents 'a function that is not there'
documents; sed -i '/^4\. audit entries and events/{p;p;p;p;p}' "$root/docs/life_of_a_consultation.md"; fails documents 'a walk that is too deep'
documents; sed -i '/^   - their stays/{p;p;p}' "$root/docs/life_of_a_consultation.md"; fails documents 'a walk of too many functions'
documents; sed -i 's/: `hub.api.records.cpp: send_message`/& `hub\/api\/asks.cpp: keeping`/' "$root/docs/life_of_a_consultation.md"; fails documents 'an item of a walk with two functions'
documents; sed -i '/^5\. the act: `hub.consultation.sessions/d' "$root/docs/life_of_a_consultation.md"; fails documents 'a walk that leaves out a function'
documents; rm "$root/CMakeLists.txt"; sed 's/Foundation Net)/Foundation Net Util)/' "$here/../../CMakeLists.txt" >"$root/CMakeLists.txt"; fails poco 'a component that nobody uses'
documents; rm "$root/README.md"; sed '/^| Net .*ServerSocket/d' "$here/../../README.md" >"$root/README.md"; fails poco 'a part that README does not name'
documents; sed -i '/kMaxRequestBody/d' "$root/docs/operations.md"; fails documents 'a limit that nobody wrote down'
documents; echo '`OidcTest.NoSuchTest`' >>"$root/docs/asvs.md"; fails documents 'a proof by a test that is not there'
[ $bad = 0 ] && echo "rules: good ($cases faults were found)"
rm -f "$root.out"
exit $bad

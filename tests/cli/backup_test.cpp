#include <gtest/gtest.h>

#include "tests/cli/shell.hpp"

// `rabt backup create` beside a hub of one of several tenants.
namespace rabt::cli::backup_test {
namespace {

TEST(BackupCommand, HoldsTheFileOfTheTenantsAndEndsWithOneWhereAFileIsMissing) {
  const Ran ran = run(R"sh(
cat > hubs.yaml <<END
server: {port: $((20000 + RANDOM % 10000))}
tenants: {t1: {config: c.yaml, hosts: [t1.example.sa]}}
END
cat > c.yaml <<END
tenant: t1
data: data
plugins: plugins
migrations: $RABT_SOURCE_DIR/migrations/sqlite
END
mkdir plugins
"$RABT_BUILD_DIR/bin/rabt" serve --config hubs.yaml --ready-file ready >/dev/null 2>log & pid=$!
for i in $(seq 500); do [ -s ready ] && break; sleep 0.02; done
create() { rabt backup create --config hubs.yaml --tenant t1 --to $1 > made 2> said; echo $?; }
create whole
(cd "$(cat made)/config$PWD" && echo *)
echo 'workflows: [none.yaml]' >> c.yaml
create other
grep -c "^MISSING in the backup: $PWD/none.yaml: No such file" said
rabt backup verify --config hubs.yaml --tenant t1 "$(cat made)" 2> said | cut -d: -f1
grep -c "^warning: not in the backup: $PWD/none.yaml: " said
kill $pid; wait $pid; cat log >&2)sh");
  EXPECT_EQ(ran.out, "0\nc.yaml hubs.yaml\n1\n1\nverified\n1\n") << ran.err;
}

TEST(BackupCommand, WritesTheListsOfVisitsBesideTheBackupsForItsUserAlone) {
  const Ran ran = run(R"sh(
cat > c.yaml <<END
tenant: t1
server: {port: $((20000 + RANDOM % 10000))}
data: data
plugins: plugins
migrations: $RABT_SOURCE_DIR/migrations/sqlite
END
mkdir plugins
"$RABT_BUILD_DIR/bin/rabt" serve --config c.yaml --ready-file ready >/dev/null 2>log & pid=$!
for i in $(seq 500); do [ -s ready ] && break; sleep 0.02; done
ask() { curl -s --unix-socket data/hub.sock -H 'Content-Type: application/json' -d "$2" "http://hub$1" | jq -r .id; }
doctor=$(ask /api/v1/providers '{"name": "Dr. Ahmad"}')
patient=$(ask /api/v1/patients '{"name": "<b>Noura</b>", "phone": "+966551234567"}')
today=$(TZ=Asia/Riyadh date +%F) tomorrow=$(TZ=Asia/Riyadh date -d '+1 day' +%F)
ask /api/v1/sessions "{\"type\": \"doctor_patient\", \"provider\": \"$doctor\", \"patient\": \"$patient\", \"scheduledStart\": \"${tomorrow}T00:00:00+03:00\"}" | wc -c
create() {
  while [ -e "folder/$(date -u +%Y%m%dT%H%M%SZ)" ]; do sleep 0.05; done
  rabt backup create --config c.yaml --to folder "$@" > made 2> said; echo $?
}
create; ls folder | grep -c visits
create --visits-list; stat -c %a folder/visits
[ "$(ls folder/visits | xargs)" = "$today.csv $today.html $tomorrow.csv $tomorrow.html" ] && echo both days
stat -c %a folder/visits/* | sort -u
grep -c '&lt;b&gt;Noura&lt;/b&gt;' folder/visits/$tomorrow.html
grep -c 966551234567 folder/visits/$tomorrow.csv folder/visits/$today.csv | cut -d: -f2
rabt backup verify --config c.yaml "$(cat made)" 2>/dev/null | cut -d: -f1
touch folder/visits/2020-01-01.{html,csv,csv.tmp,txt}
create --visits-list; ls folder/visits | grep ^2020
chmod 755 folder/visits; create --visits-list; grep -c 'chmod 700' said
kill $pid; wait $pid
chmod 700 folder/visits; touch folder/visits/2020-01-02.html
create --visits-list; grep -c 'no hub runs' said; ls folder/visits | grep -c 2020-01-02
mv folder/visits other; ln -s ../other folder/visits; create --visits-list; grep -c 'is no folder' said
grep -c Noura log)sh");
  EXPECT_EQ(ran.out,
            "27\n0\n0\n0\n700\nboth days\n600\n1\n1\n0\nverified\n0\n2020-01-01.txt\n"
            "1\n1\n1\n1\n0\n1\n1\n0\n")
      << ran.err;
}

}  // namespace
}  // namespace rabt::cli::backup_test

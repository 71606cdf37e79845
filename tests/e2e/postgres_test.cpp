#include <gtest/gtest.h>

#include "tests/e2e/support.hpp"
#include "tests/postgres_server.hpp"

// A hub as a process whose database is on a PostgreSQL server, with the two roles of
// packaging/postgres/roles.sql: docs/postgres.md.
namespace rabt::e2e::postgres_test {
namespace {

using rabt::test::postgres_server;

constexpr const char* kRunPassword = "run-4711";
constexpr const char* kOwnerPassword = "owner-4712";

class OnPostgres : public testing::Test {
 protected:
  explicit OnPostgres(Kind kind = Kind::edge) : site_(kind) {}
  void SetUp() override {
    database_ = postgres_server().create();
    // Twice: a second tenant's database on the same server has the same roles.
    for (int i = 0; i < 2; ++i) roles();
    postgres_server().sql("postgres", std::string("ALTER ROLE rabt_run PASSWORD '") + kRunPassword +
                                          "'; ALTER ROLE rabt_owner PASSWORD '" + kOwnerPassword +
                                          "'");
    write_file(site_.folder() / "run.password", kRunPassword);
    write_file(site_.folder() / "owner.password", kOwnerPassword);
    site_.config.engine = "postgres";
    configure(true);
  }
  void TearDown() override {
    site_.stop_hub();
    postgres_server().drop(database_);
    postgres_server().sql("postgres",
                          "DROP ROLE IF EXISTS rabt_run; DROP ROLE IF EXISTS rabt_owner");
  }

  void roles() const {
    postgres_server().sql(database_, "\\set owner rabt_owner\n\\set run rabt_run\n" +
                                         read_file(source_dir() + "/packaging/postgres/roles.sql"));
  }
  void configure(bool with_owner) {
    site_.config.more = "store:\n  postgres:\n    host: \"" + postgres_server().host() +
                        "\"\n    database: " + database_ +
                        "\n    user: rabt_run\n    password: {file: \"" +
                        (site_.folder() / "run.password") + "\"}\n";
    if (with_owner) {
      site_.config.more += "    owner: {user: rabt_owner, password: {file: \"" +
                           (site_.folder() / "owner.password") + "\"}}\n";
    }
  }
  // Starts a hub that must be refused with the code. No password is in what it says.
  void expect_refusal(const std::string& code) {
    const Finished refused = site_.serve();
    EXPECT_NE(refused.code, 0) << code;
    EXPECT_NE(refused.said.find(code), std::string::npos) << code << "\n" << refused.said;
    for (const char* password : {kRunPassword, kOwnerPassword, "wrong-4713"})
      EXPECT_EQ(refused.said.find(password), std::string::npos) << code;
  }
  void expect_lines(const Finished& said, std::initializer_list<const char*> lines) {
    for (const char* line : lines)
      EXPECT_NE(said.said.find(line), std::string::npos) << line << "\n" << said.said;
  }

  Site site_;
  std::string database_;
};

class ConsultationOnPostgres : public OnPostgres {
 protected:
  ConsultationOnPostgres() : OnPostgres(Kind::whole) {}
};

TEST_F(ConsultationOnPostgres, IsBookedHeldAndClaimedOnceAndOutlivesCrashesOfHubAndServer) {
  ASSERT_NO_FATAL_FAILURE(site_.start_sandbox());
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  const demo::Booking booking = site_.booking();
  EXPECT_EQ(site_.play(booking), "completed");
  EXPECT_EQ(site_.effects("claim.accepted"), 1);
  EXPECT_EQ(site_.effects("report.imported"), 1);
  site_.kill_hub();
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  postgres_server().stop(SIGQUIT);
  postgres_server().start();
  // A repeat of the delivery starts nothing; another one is taken.
  EXPECT_EQ(site_.post(booking.id, booking.body).status, 202);
  const demo::Booking next = site_.booking(1);
  EXPECT_EQ(site_.post(next.id, next.body).status, 202);
  const Finished listed = site_.rabt({"instances", "--counts"});
  EXPECT_EQ(listed.code, 0) << listed.said;
  EXPECT_EQ(site_.api("instances/" + site_.instance()).string_or("status", ""), "completed");
  EXPECT_EQ(site_.api("instances?limit=100")["items"].size(), 2U);
  EXPECT_EQ(site_.effects("claim.accepted"), 1);
  site_.stop_hub();
  const Finished verified = site_.rabt({"audit", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.said;
  EXPECT_NE(verified.said.find("verified: "), std::string::npos) << verified.said;
  EXPECT_FALSE(std::filesystem::exists(site_.config.data + "/rabt.db"));
}

TEST_F(OnPostgres, TheCheckShowsVersionSettingsRolesAndTheHubThatRuns) {
  static_cast<void>(site_.write_configuration());
  const Finished before = site_.rabt({"store", "check"});
  EXPECT_EQ(before.code, 0) << before.said;
  expect_lines(before, {"in use by: no hub", "good     role rabt_owner may create tables: yes"});
  EXPECT_EQ(before.said.find("migrations to apply: 0"), std::string::npos) << before.said;
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  const Finished checked = site_.rabt({"store", "check"});
  EXPECT_EQ(checked.code, 0) << checked.said;
  expect_lines(checked,
               {"good     server: 15", "good     fsync: on", "good     synchronous_commit: on",
                "warning  data checksums: off", "warning  synchronous standby: none",
                "good     tables without rights: 0", "good     sequences without rights: 0",
                "good     role rabt_run may create tables: no", "good     migrations to apply: 0",
                "good     in use by: rabt process "});
  for (const char* password : {kRunPassword, kOwnerPassword})
    EXPECT_EQ(checked.said.find(password), std::string::npos);
  EXPECT_EQ(site_.rabt({"config", "check"}).code, 0);
  expect_refusal("store.locked");
}

TEST_F(OnPostgres, CommandsBesideTheHubAndWithoutItUseTheDatabaseOfTheServer) {
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  EXPECT_EQ(site_.rabt({"keys", "status"}).code, 0);
  const Finished backup = site_.rabt({"backup", "create", "--to", site_.folder() / "backup"});
  EXPECT_EQ(backup.code, 2) << backup.said;
  EXPECT_NE(backup.said.find("docs/postgres.md"), std::string::npos) << backup.said;
  EXPECT_FALSE(std::filesystem::exists(site_.folder() / "backup"));
  site_.stop_hub();
  EXPECT_EQ(site_.rabt({"keys", "status"}).code, 0);
  const Finished verified = site_.rabt({"audit", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.said;
  EXPECT_EQ(site_.rabt({"instances"}).code, 1);
}

TEST_F(OnPostgres, TheRoleThatRunsChangesNoTableAndTheOwnerIsNeededForMigrationsAlone) {
  configure(false);
  expect_refusal("store.postgres.owner");
  const Finished checked = site_.rabt({"store", "check"});
  EXPECT_EQ(checked.code, 1) << checked.said;
  expect_lines(checked, {"refused  migrations to apply: ", "store.postgres.owner"});
  configure(true);
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  site_.stop_hub();
  configure(false);
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  for (const char* sql : {"CREATE TABLE more (n BIGINT)", "ALTER TABLE audit ADD COLUMN more TEXT",
                          "DROP TABLE audit", "TRUNCATE audit"}) {
    EXPECT_THROW(postgres_server().sql(database_, std::string("SET ROLE rabt_run; ") + sql + ";"),
                 std::runtime_error)
        << sql;
  }
}

TEST_F(OnPostgres, TheTwoRolesBringTheFileToTheServer) {
  const std::string server = site_.config.more;
  site_.config.more.clear();
  site_.config.engine = "sqlite";
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  EXPECT_EQ(site_.post("one", site_.booking().body).status, 202);
  site_.stop_hub();
  std::filesystem::copy_file(site_.write_configuration(), site_.folder() / "file.yaml");
  site_.config.more = server;
  site_.config.engine = "postgres";
  const std::string here = site_.write_configuration();
  const auto copy = [&] {
    return run(
        {program("rabt"), "store", "copy", "--config", site_.folder() / "file.yaml", "--to", here},
        60'000);
  };
  // As an earlier roles.sql left the database.
  const std::string defaults =
      "ALTER DEFAULT PRIVILEGES FOR ROLE rabt_owner IN SCHEMA public REVOKE ALL ON SEQUENCES FROM "
      "rabt_run";
  postgres_server().sql(database_, defaults);
  const Finished refused = copy();
  EXPECT_NE(refused.code, 0);
  EXPECT_NE(refused.said.find("run packaging/postgres/roles.sql again"), std::string::npos)
      << refused.said;
  EXPECT_TRUE(std::filesystem::exists(site_.config.data + "/rabt.db"));
  std::filesystem::rename(site_.config.data + "/rabt.db", site_.folder() / "aside");
  expect_lines(site_.rabt({"store", "check"}), {"warning  sequences without rights: "});
  std::filesystem::rename(site_.folder() / "aside", site_.config.data + "/rabt.db");
  expect_lines(site_.rabt({"store", "check"}), {"store.two"});
  roles();
  const Finished copied = copy();
  EXPECT_EQ(copied.code, 0) << copied.said;
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  EXPECT_EQ(site_.post("two", site_.booking(1).body).status, 202);
  expect_lines(site_.rabt({"store", "check"}), {"good     sequences without rights: 0"});
}

TEST_F(OnPostgres, ARefusedStartSaysWhyWithoutThePassword) {
  write_file(site_.folder() / "run.password", "wrong-4713");
  expect_refusal("store.open");
  std::filesystem::remove(site_.folder() / "run.password");
  expect_refusal("run.password");
  write_file(site_.folder() / "run.password", kRunPassword);
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  site_.stop_hub();
  postgres_server().sql(database_,
                        "INSERT INTO schema_migration VALUES (9000, '9000_later.sql', 'x', 1)");
  expect_refusal("store.migration_newer");
  const Finished checked = site_.rabt({"store", "check"});
  EXPECT_EQ(checked.code, 1);
  expect_lines(checked, {"refused  migrations: store.migration_newer"});
  postgres_server().sql(database_, "DELETE FROM schema_migration WHERE number = 9000");
  // A database of the data folder beside the one of the server.
  write_file(site_.config.data + "/rabt.db", "");
  expect_refusal("store.two");
  std::filesystem::remove(site_.config.data + "/rabt.db");
  // A new keyring would open nothing that the database holds.
  std::filesystem::rename(site_.config.data + "/keyring", site_.folder() / "keyring");
  expect_refusal("cli.keyring_missing");
}

}  // namespace
}  // namespace rabt::e2e::postgres_test

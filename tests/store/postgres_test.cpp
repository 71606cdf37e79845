// Duties of PostgreSQL alone: statements, schema, lost connections.
#include <libpq-fe.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "hub/store/postgres/dialect.hpp"
#include "hub/store/postgres/faults.hpp"
#include "hub/store/postgres/link.hpp"
#include "hub/store/postgres/session.hpp"
#include "tests/eventually.hpp"
#include "tests/must.hpp"
#include "tests/store/support.hpp"

namespace rabt::store::test::postgres_test {
namespace {

using namespace std::chrono_literals;
using postgres::for_postgres;
using postgres::parameters_of;
using postgres::Session;
using rabt::test::eventually;
using rabt::test::must;
using rabt::test::postgres_options;
using rabt::test::postgres_server;
using rabt::test::PostgresServer;

std::string source_folder() {
  const char* folder = ::getenv("RABT_SOURCE_DIR");
  return folder != nullptr ? folder : ".";
}

std::unique_ptr<Session> session_to(const std::string& database) {
  auto opened = Session::open(postgres_options(database), Session::Use::migrates);
  EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
  return opened.ok() ? std::move(*opened) : nullptr;
}

// ---- texts of statements

TEST(PostgresDialect, TurnsWhatDiffersOutsideOfQuotesOnly) {
  EXPECT_EQ(for_postgres("SELECT 1 FROM a INDEXED BY a_b JOIN c"), "SELECT 1 FROM a JOIN c");
  EXPECT_EQ(for_postgres("SELECT instr(a, 'instr(') FROM b"), "SELECT strpos(a, 'instr(') FROM b");
  EXPECT_EQ(for_postgres("SELECT my_instr(a)"), "SELECT my_instr(a)");
}

TEST(PostgresDialect, CountsParametersOutsideOfQuotes) {
  EXPECT_EQ(parameters_of("SELECT $2, $1, $2"), 2);
  EXPECT_EQ(parameters_of("SELECT '$9', \"$8\", $1"), 1);
  EXPECT_EQ(parameters_of("SELECT 1"), 0);
}

TEST(PostgresFaults, HoldNoValues) {
  for (const char* state : {"23505", "22P02", "21000", "P0001", "40001", "53100", "XX000"}) {
    const auto fault = postgres::fault_of({.state = state,
                                           .message = "Key (name)=(Layla)",
                                           .table = "person",
                                           .column = {},
                                           .constraint = "person_pkey"});
    EXPECT_EQ(fault.error.message.find("Layla"), std::string::npos) << fault.error.message;
  }
}

// Every statement of the hub with the macros that it is made of.
struct Found {
  std::string place;
  std::string sql;
};
std::vector<Found> statements() {
  static const std::regex kDefine(R"re(#define (RABT_\w+)[ \t]+((?:\\\n|[^\n])*))re");
  static const std::regex kStatement(
      R"re(Statement\s+(k\w+)\s*\{\s*((?:(?:"(?:[^"\\]|\\.)*"|RABT_\w+)\s*)+)\})re");
  static const std::regex kPart(R"re("((?:[^"\\]|\\.)*)"|(RABT_\w+))re");
  std::map<std::string, std::string> sources;
  std::map<std::string, std::string> macros;
  for (const auto& file : std::filesystem::recursive_directory_iterator(source_folder() + "/hub")) {
    const std::string path = file.path().string();
    if (path.find("/hub/store/") != std::string::npos || !file.is_regular_file()) continue;
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    const std::string source = text.str();
    if (source.find("Statement k") != std::string::npos) sources[path] = source;
    if (source.find("#define RABT_") == std::string::npos) continue;
    for (std::sregex_iterator at(source.begin(), source.end(), kDefine), end; at != end; ++at)
      macros[(*at)[1]] = (*at)[2];
  }
  const std::function<std::string(const std::string&)> join = [&](const std::string& parts) {
    std::string sql;
    for (std::sregex_iterator at(parts.begin(), parts.end(), kPart), end; at != end; ++at)
      sql += (*at)[2].matched ? join(macros[(*at)[2]]) : (*at)[1].str();
    return sql;
  };
  std::vector<Found> all;
  for (const auto& [path, source] : sources) {
    for (std::sregex_iterator at(source.begin(), source.end(), kStatement), end; at != end; ++at)
      all.push_back({path + ": " + (*at)[1].str(), join((*at)[2])});
  }
  return all;
}

// bool, bytea, int8, int2, int4 and text of pg_type.dat.
const std::set<Oid> kReadTypes{16, 17, 20, 21, 23, 25};

TEST(PostgresStatements, AreAllPreparedAndAnswerWhatRowsRead) {
  const Folder folder;
  PostgresOptions options = folder.postgres();
  options.migrations_folder = source_folder() + "/migrations/postgres";
  { const auto store = must(open_postgres(options, null_logger())); }
  const auto link =
      must(postgres::Link::open(postgres_options(folder.database()), Session::Use::migrates));
  const auto all = statements();
  EXPECT_GT(all.size(), 400U);
  using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;
  for (const Found& found : all) {
    const Answer prepared(
        PQprepare(link->handle(), "", for_postgres(found.sql).c_str(), 0, nullptr), &PQclear);
    EXPECT_EQ(PQresultStatus(prepared.get()), PGRES_COMMAND_OK)
        << found.place << ": " << PQresultErrorMessage(prepared.get()) << "\n"
        << found.sql;
    const Answer described(PQdescribePrepared(link->handle(), ""), &PQclear);
    for (int column = 0; column < PQnfields(described.get()); ++column) {
      EXPECT_TRUE(kReadTypes.contains(PQftype(described.get(), column)))
          << found.place << ": column " << column
          << " is of a type that rows do not read; cast it\n"
          << found.sql;
    }
  }
}

// ---- the schema

using Columns = std::map<std::string, std::string>;

TEST(PostgresSchema, HasTheTablesColumnsAndIndexesOfSqlite) {
  const Folder folder;
  PostgresOptions options = folder.postgres();
  options.migrations_folder = source_folder() + "/migrations/postgres";
  { const auto store = must(open_postgres(options, null_logger())); }
  {
    const auto store =
        must(open_sqlite({.path = (folder.path() / "whole.db").string(),
                          .migrations_folder = source_folder() + "/migrations/sqlite"},
                         null_logger()));
  }
  const auto lite = must(open_sqlite_reader((folder.path() / "whole.db").string()));
  const auto session = session_to(folder.database());
  const auto columns = [](Connection& connection, const Statement& statement) {
    Columns all;
    const Status read = connection.query(statement, {}, [&](const Row& row) {
      std::string type(row.text(1));
      for (const auto& [from, to] : std::map<std::string, std::string>{
               {"bigint", "INTEGER"}, {"BIGINT", "INTEGER"}, {"bytea", "BLOB"}, {"text", "TEXT"}}) {
        if (type == from) type = to;
      }
      all[std::string(row.text(0))] = type + (row.integer(2) != 0 ? " NOT NULL" : "");
      return true;
    });
    EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
    return all;
  };
  // A primary key of one integer may be null in the words of SQLite.
  static constexpr Statement kLite{
      "SELECT t.name || '.' || c.name, c.type, c.\"notnull\" OR c.pk > 0 FROM pragma_table_list t, "
      "pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'"};
  static constexpr Statement kPostgres{
      "SELECT c.table_name || '.' || c.column_name, c.data_type, c.is_nullable = 'NO' FROM "
      "information_schema.columns c JOIN information_schema.tables t USING (table_schema, "
      "table_name) WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND "
      "c.table_name "
      "NOT IN ('store_writer', 'store_format')"};
  const Columns ours = columns(*lite, kLite);
  EXPECT_GT(ours.size(), 500U);
  EXPECT_EQ(columns(*session, kPostgres), ours);
  static constexpr Statement kLiteIndexes{
      "SELECT i.name, group_concat(c.name), i.\"unique\" FROM pragma_table_list t, "
      "pragma_index_list(t.name) i, pragma_index_info(i.name) c WHERE t.schema = 'main' AND "
      "i.origin = 'c' GROUP BY i.name"};
  static constexpr Statement kPostgresIndexes{
      "SELECT i.relname, string_agg(a.attname, ',' ORDER BY a.attnum), x.indisunique FROM pg_index "
      "x "
      "JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_attribute a ON a.attrelid = i.oid JOIN "
      "pg_namespace n ON n.oid = i.relnamespace WHERE n.nspname = 'public' AND NOT EXISTS (SELECT "
      "1 "
      "FROM pg_constraint k WHERE k.conindid = i.oid) GROUP BY i.relname, x.indisunique"};
  const Columns indexes = columns(*lite, kLiteIndexes);
  EXPECT_GT(indexes.size(), 50U);
  EXPECT_EQ(columns(*session, kPostgresIndexes), indexes);
}

// ---- lost connections

// Ends the connections of the hubs of a database.
void cut(const std::string& database) {
  postgres_server().sql("postgres",
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
                            database + "' AND application_name LIKE 'rabt process%'");
}

TEST(PostgresOpen, RefusesASecondHubAndNamesTheProcess) {
  const Folder folder;
  const auto store = folder.open();
  const Error error = refused(folder.try_open());
  EXPECT_EQ(error.code, "store.locked");
  EXPECT_NE(error.message.find("process " + std::to_string(::getpid())), std::string::npos)
      << error.message;
}

TEST(PostgresConnection, ThatWasLostIsOpenedAgainAndNothingIsLostOrWrittenTwice) {
  const Folder folder;
  const auto store = folder.open();
  for (std::int64_t id = 0; id < 10; ++id) {
    EXPECT_TRUE(store->write(insert(id), Store::Need::required).ok());
    EXPECT_EQ(ids(*store).size(), static_cast<std::size_t>(id) + 1);
    cut(folder.database());
  }
  EXPECT_TRUE(store->write(insert(99), Store::Need::required).ok());
  EXPECT_EQ(ids(*store).size(), 11U);
}

TEST(PostgresConnection, WhileTheServerIsAwayIntakeIsRefusedAndWhatIsRequiredWaits) {
  const Folder folder;
  const auto store = folder.open();
  EXPECT_TRUE(store->write(insert(1)).ok());
  postgres_server().stop(SIGQUIT);
  std::atomic<int> told{0};
  store->submit(Store::Need::required, insert(2), [&](const Status& status) {
    EXPECT_TRUE(status.ok());
    ++told;
  });
  const Status droppable = store->write(insert(3));
  ASSERT_FALSE(droppable.ok());
  EXPECT_EQ(droppable.error().code, "store.busy");
  EXPECT_EQ(droppable.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(told, 0);
  EXPECT_TRUE(store->stats().disk_full);
  postgres_server().start();
  store->flush();
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(store->stats().disk_full);
  EXPECT_EQ(ids(*store), (std::vector<std::int64_t>{1, 2}));
}

std::string waiting_backend(const std::string& database, const std::string& condition) {
  const std::string found =
      postgres_server().sql("postgres", "SELECT pid FROM pg_stat_activity WHERE datname = '" +
                                            database + "' AND " + condition + " LIMIT 1");
  return found.substr(0, found.find('\n'));
}

// The commit waits for a standby that is not there; ended then, it stands all the same.
TEST(PostgresUnknownCommit, ThatHappenedIsToldAndNotRepeated) {
  const Folder folder;
  const auto store = folder.open();
  int runs = 0;
  EXPECT_TRUE(store->write(insert(1)).ok());
  postgres_server().sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  postgres_server().sql("postgres", "SELECT pg_reload_conf()");
  // Another process of the server takes the setting over, and nothing shows when it has.
  std::this_thread::sleep_for(200ms);
  std::atomic<int> told{0};
  store->submit(
      Store::Need::droppable,
      [&](Transaction& transaction) {
        ++runs;
        return run(transaction, kInsert, {std::int64_t{2}, Blob{"x"}});
      },
      [&](const Status& status) { told = status.ok() ? 1 : -1; });
  std::string backend;
  EXPECT_TRUE(eventually([&] {
    backend = waiting_backend(folder.database(), "wait_event = 'SyncRep'");
    return !backend.empty();
  }));
  EXPECT_EQ(told, 0);
  // A session's own statement, so that it does not wait for the standby.
  postgres_server().sql("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
  postgres_server().sql("postgres",
                        "SELECT pg_terminate_backend(" + backend + "); SELECT pg_reload_conf()");
  store->flush();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(ids(*store), (std::vector<std::int64_t>{1, 2}));
}

// The last statement before the commit waits for a lock; ended then, nothing stands.
TEST(PostgresUnknownCommit, ThatDidNotHappenRunsAgain) {
  const Folder folder;
  const auto store = folder.open();
  int runs = 0;
  int undone = 0;
  EXPECT_TRUE(store->write(insert(1)).ok());
  const auto other = session_to(folder.database());
  EXPECT_TRUE(other->script("BEGIN; SELECT * FROM store_writer FOR UPDATE").ok());
  std::atomic<int> told{0};
  store->submit(
      Store::Need::droppable,
      [&](Transaction& transaction) {
        ++runs;
        transaction.on_rollback([&] { ++undone; });
        return run(transaction, kInsert, {std::int64_t{2}, Blob{"x"}});
      },
      [&](const Status& status) { told = status.ok() ? 1 : -1; });
  std::string backend;
  EXPECT_TRUE(eventually([&] {
    backend = waiting_backend(folder.database(), "wait_event_type = 'Lock'");
    return !backend.empty();
  }));
  postgres_server().sql("postgres", "SELECT pg_terminate_backend(" + backend + ")");
  EXPECT_TRUE(other->script("ROLLBACK").ok());
  store->flush();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(undone, 1);
  EXPECT_EQ(ids(*store), (std::vector<std::int64_t>{1, 2}));
}

TEST(PostgresFence, AHubWhosePlaceWasTakenWritesNothingAndStops) {
  const Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const auto store = folder.open();
    if (!store->write(insert(1)).ok()) ::_exit(1);
    postgres_server().sql(folder.database(),
                          "UPDATE store_writer SET incarnation = incarnation + 1, batch = 0");
    static_cast<void>(store->write(insert(2)));
    ::_exit(2);
  }
  EXPECT_EQ(wait_for(child), 75);
  EXPECT_EQ(postgres_server().sql(folder.database(), "SELECT id FROM item"), "1\n");
}

TEST(PostgresDiskFull, RefusesIntakeAndKeepsTryingRequiredJobs) {
  const Folder folder;
  const auto store = folder.open();
  postgres_server().sql(folder.database(), R"sql(
CREATE TABLE is_full (id INT);
INSERT INTO is_full VALUES (1);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM is_full) THEN RAISE 'no space' USING ERRCODE = '53100'; END IF;
  RETURN new;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION refuse();
)sql");
  std::atomic<bool> told{false};
  store->submit(Store::Need::required, insert(1), [&](const Status& status) {
    EXPECT_TRUE(status.ok());
    told = true;
  });
  const Status droppable = store->write(insert(2));
  ASSERT_FALSE(droppable.ok());
  EXPECT_EQ(droppable.error().code, "store.full");
  EXPECT_TRUE(store->stats().disk_full);
  EXPECT_FALSE(told);
  postgres_server().sql(folder.database(), "DELETE FROM is_full");
  store->flush();
  EXPECT_TRUE(told);
  EXPECT_FALSE(store->stats().disk_full);
  EXPECT_EQ(ids(*store), std::vector<std::int64_t>{1});
}

TEST(PostgresCrash, OfTheServerLosesNoAcknowledgedRow) {
  const Folder folder;
  const auto store = folder.open();
  std::set<std::int64_t> acknowledged;
  std::mutex mutex;
  std::atomic<bool> stop{false};
  constexpr std::uint64_t kMostQueued = 1000;
  std::thread writer([&] {
    for (std::int64_t id = 0; !stop; ++id) {
      store->submit(Store::Need::required, insert(id), [&, id](const Status& status) {
        const std::scoped_lock lock(mutex);
        if (status.ok()) acknowledged.insert(id);
      });
      if (id % 50 == 0)
        (void)eventually([&] { return stop.load() || store->stats().queued < kMostQueued; });
    }
  });
  const auto taken = [&] {
    const std::scoped_lock lock(mutex);
    return acknowledged.size();
  };
  for (int round = 0; round < 3; ++round) {
    const std::size_t before = taken();
    EXPECT_TRUE(eventually([&] { return taken() > before + 1000; })) << "round " << round;
    postgres_server().stop(SIGQUIT);
    postgres_server().start();
  }
  stop = true;
  writer.join();
  store->flush();
  const auto stored = ids(*store);
  const std::scoped_lock lock(mutex);
  EXPECT_GT(acknowledged.size(), 1000U);
  EXPECT_EQ(std::vector<std::int64_t>(acknowledged.begin(), acknowledged.end()), stored);
}

}  // namespace
}  // namespace rabt::store::test::postgres_test

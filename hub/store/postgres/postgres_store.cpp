#include "hub/store/postgres/postgres_store.hpp"

#include <unistd.h>

#include <array>
#include <thread>
#include <utility>

#include "hub/base/check.hpp"
#include "hub/store/postgres/reader_pool.hpp"
#include "hub/store/postgres/schema.hpp"
#include "hub/store/postgres/session.hpp"
#include "hub/store/postgres/writer.hpp"

namespace rabt::store {

namespace postgres {

namespace {

constexpr Statement kHolder{
    "SELECT a.application_name, coalesce(host(a.client_addr), 'the same machine') AS host FROM "
    "pg_locks l "
    "JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_database d ON d.oid = l.database WHERE "
    "l.locktype = 'advisory' AND l.objid = 7236943 AND l.granted AND d.datname = "
    "current_database() LIMIT 1"};
constexpr Statement kClaim{
    "INSERT INTO store_writer (stream, incarnation, batch) VALUES (1, 1, 0) ON CONFLICT (stream) "
    "DO UPDATE SET incarnation = store_writer.incarnation + 1, batch = 0 RETURNING incarnation"};
// The server notices only after a moment that a hub has died.
constexpr int kTries = 20;
constexpr std::chrono::milliseconds kBetween{100};

class PostgresStore final : public Store {
 public:
  PostgresStore(const PostgresOptions& options, Logger& log, std::unique_ptr<Session> session,
                Sequences sequences, Claim claim)
      : readers_(options), writer_(options, log, std::move(session), std::move(sequences), claim) {}

  using Store::submit;
  void submit(Need need, Lane lane, Job job, Done done, Caller /*caller*/) override {
    writer_.submit(need, lane, std::move(job), std::move(done));
  }
  Status read(const std::function<Status(Connection&)>& function) override {
    return readers_.read(function);
  }
  void flush() override {
    RABT_CHECK(!writer_.writes_here());
    static_cast<void>(write([](Transaction&) { return ok_status(); }, Need::required));
  }
  void end_waiting() override { writer_.end_waiting(); }
  [[nodiscard]] Engine engine() const override { return Engine::postgres; }
  [[nodiscard]] Stats stats() const override { return writer_.stats(); }

 private:
  ReaderPool readers_;
  Writer writer_;
};

std::string application_of(const PostgresOptions& options) {
  std::array<char, 64> name{};
  const bool known = ::gethostname(name.data(), name.size() - 1) == 0;
  return options.application + " process " + std::to_string(::getpid()) +
         (known ? " on " + std::string(name.data()) : std::string());
}

}  // namespace

Result<std::string> holder(Session& session) {
  std::string name;
  RABT_TRY_STATUS(session.query(kHolder, {}, [&](const Row& row) {
    name = std::string(row.text(kHolder["application_name"])) + " (connected from " +
           std::string(row.text(kHolder["host"])) + ")";
    return false;
  }));
  return name;
}

Status lock_out_others(Session& session) {
  bool locked = false;
  for (int tries = 0; !locked && tries < kTries; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(kBetween);
    RABT_TRY_STATUS(session.query(kTakeLock, {}, [&](const Row& row) {
      locked = row.integer(kTakeLock["taken"]) != 0;
      return false;
    }));
  }
  if (locked) return ok_status();
  RABT_TRY(name, holder(session));
  return conflict("store.locked", "the database is in use by " +
                                      (name.empty() ? std::string("another hub") : name) +
                                      "; stop that hub first: one hub uses one database");
}

Result<Claim> claim(Session& session) {
  Claim claim;
  RABT_TRY_STATUS(session.query(kClaim, {}, [&](const Row& row) {
    claim.incarnation = row.integer(kClaim["incarnation"]);
    return false;
  }));
  return claim;
}

}  // namespace postgres

Result<std::unique_ptr<Connection>> open_postgres_reader(const PostgresOptions& options) {
  RABT_TRY(session, postgres::Session::open(options, postgres::Session::Use::reads));
  RABT_TRY_STATUS(postgres::refuse_other_format(*session));
  return std::unique_ptr<Connection>(std::move(session));
}

Result<bool> postgres_is_used(const PostgresOptions& options) {
  RABT_TRY(session, postgres::Session::open(options, postgres::Session::Use::reads));
  RABT_TRY(there, session->ask("SELECT to_regclass('store_writer') IS NOT NULL"));
  if (there != "t") return false;
  RABT_TRY(rows, session->ask("SELECT count(*) FROM store_writer"));
  return rows != "0";
}

Result<std::unique_ptr<Store>> open_postgres(const PostgresOptions& options, Logger& log) {
  PostgresOptions named = options;
  named.application = postgres::application_of(options);
  RABT_TRY(session, postgres::Session::open(named, postgres::Session::Use::writes));
  // A newer hub must not change the tables under a running one.
  RABT_TRY_STATUS(postgres::lock_out_others(*session));
  RABT_TRY_STATUS(postgres::migrate(named, *session, log));
  RABT_TRY(claim, postgres::claim(*session));
  Sequences sequences;
  RABT_TRY_STATUS(sequences.open(*session));
  return std::unique_ptr<Store>(std::make_unique<postgres::PostgresStore>(
      named, log, std::move(session), std::move(sequences), claim));
}

}  // namespace rabt::store

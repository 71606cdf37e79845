// The shipped migrations on rows that an earlier build of the hub left.
#include "tests/store/support.hpp"

namespace rabt::store::test::shipped_migrations_test {
namespace {

class MigrationsOfRows : public testing::Test {
 protected:
  // Opens the database with the shipped migrations up to this number.
  void open_at(int last) {
    namespace fs = std::filesystem;
    store_.reset();
    folder_.remove_migrations();
    fs::create_directory(folder_.path() / "migrations");
    const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    ASSERT_NE(source, nullptr) << "run this program through ctest";
    const std::string engine = rabt::test::on_postgres() ? "postgres" : "sqlite";
    for (const auto& file : fs::directory_iterator(std::string(source) + "/migrations/" + engine)) {
      const std::string name = file.path().filename().string();
      if (std::stoi(name.substr(0, 4)) <= last)
        fs::copy_file(file.path(), folder_.path() / "migrations" / name);
    }
    store_ = folder_.open();
    ASSERT_NE(store_, nullptr);
  }
  void write(const Statement& statement, std::initializer_list<Value> values) {
    const Status written = store_->write(
        [&](Transaction& transaction) { return run(transaction, statement, values); });
    EXPECT_TRUE(written.ok()) << (written.ok() ? "" : written.error().message);
  }
  // The rows, their columns with a bar between two.
  std::vector<std::string> rows(const Statement& statement, int columns) {
    std::vector<std::string> found;
    const Status read = store_->read([&](Connection& connection) {
      return connection.query(statement, {}, [&](const Row& row) {
        std::string line(row.text(0));
        for (int i = 1; i < columns; ++i) line += "|" + std::string(row.text(i));
        found.push_back(std::move(line));
        return true;
      });
    });
    EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().message);
    return found;
  }
  std::int64_t next(std::string_view sequence) {
    std::int64_t number = 0;
    const Status drawn = store_->write([&](Transaction& transaction) -> Status {
      RABT_TRY(got, transaction.next({sequence}));
      number = got;
      return ok_status();
    });
    EXPECT_TRUE(drawn.ok()) << (drawn.ok() ? "" : drawn.error().message);
    return number;
  }

  const Folder folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(MigrationsOfRows, RecordingsBecomeOneTable) {
  open_at(71);
  static constexpr Statement kOfSession{
      "INSERT INTO session_recording (tenant, id, number, session, sid, status, kind, purpose, "
      "started_ms, stored_ms, retain_until_ms, bytes, sha256, content_type, sealed) VALUES ('t', "
      "$1, $2, 's1', $3, $4, 'video', 'care', 5, $5, $5, $6, $7, $8, $3)"};
  write(kOfSession, {"r1", 1, Blob{"one"}, "ready", 7, 10, "aa", "video/x"});
  write(kOfSession, {"r2", 2, Blob{""}, "processing", Null{}, 0, "", ""});
  write(kOfSession, {"r3", 3, Blob{""}, "recording", Null{}, 0, "", ""});
  static constexpr Statement kContent{
      "INSERT INTO recording (tenant, id, consultation, external_index, kind, blob, content_type, "
      "bytes, sha256, stored_ms, retain_until_ms) VALUES ('t', $1, $2, $3, 'video', $4, 'video/x', "
      "10, 'aa', 7, 7)"};
  write(kContent, {"r1", "s1", Blob{"1"}, "blob-1"});
  write(kContent, {"w1", "i1", Blob{"2"}, "blob-2"});
  EXPECT_EQ(next("session_recording.t"), 1);
  open_at(72);
  static constexpr Statement kAll{
      "SELECT id, session, instance, status, purpose, blob, sha256, content_type, copy FROM "
      "recording ORDER BY id"};
  EXPECT_EQ(rows(kAll, 9),
            (std::vector<std::string>{
                "r1|s1||ready|care|blob-1|aa|video/x|kept", "r2|s1||processing|care||||kept",
                "r3|s1||recording|care||||kept", "w1||i1|ready||blob-2|aa|video/x|"}));
  static constexpr Statement kNumbers{
      "SELECT id FROM recording WHERE tenant = 't' AND number IS NOT NULL AND started_ms = 5 ORDER "
      "BY number"};
  EXPECT_EQ(rows(kNumbers, 1), (std::vector<std::string>{"r1", "r2", "r3"}));
  EXPECT_GT(next("recording.t"), 3);
}

TEST_F(MigrationsOfRows, NumbersGoOnBehindTheHighest) {
  open_at(72);
  static constexpr Statement kRecord{
      "INSERT INTO session_record (tenant, id, kind, number, session, author, state, at_ms, "
      "updated_ms, version, client, blob, sealed) VALUES ($1, $2, $3, $4, 's', '', '', 0, 0, 1, "
      "$5, '', $5)"};
  write(kRecord, {"t", "m1", "message", 7, Blob{""}});
  write(kRecord, {"t", "m2", "message", 2000, Blob{""}});
  write(kRecord, {"t", "n1", "note", 3, Blob{""}});
  write(kRecord, {"u", "m1", "message", 5, Blob{""}});
  static constexpr Statement kVisit{
      "INSERT INTO visit (tenant, id, number, version, patient, provider, status, opened_ms, "
      "external, data_key, sealed, opened_by) VALUES ('t', 'v', 12, 1, '', '', 'OPEN', 0, $1, $1, "
      "$1, '')"};
  write(kVisit, {Blob{""}});
  static constexpr Statement kClinic{
      "INSERT INTO clinic (tenant, id, number, name, name_ar, time_zone, active, created_ms) "
      "VALUES ('t', 'c', 4, '', '', '', 1, 0)"};
  write(kClinic, {});
  static constexpr Statement kHours{
      "INSERT INTO clinic_session (tenant, id, number, clinic, provider, starts_ms, ends_ms, "
      "capacity, booked) VALUES ('t', 'h', 30, 'c', 'p', 0, 1, 1, 0)"};
  write(kHours, {});
  open_at(73);
  EXPECT_EQ(next("session_record.message.t"), 2001);
  EXPECT_EQ(next("session_record.note.t"), 4);
  EXPECT_EQ(next("session_record.message.u"), 6);
  EXPECT_EQ(next("visit.t"), 13);
  EXPECT_EQ(next("clinic.t"), 5);
  EXPECT_EQ(next("clinic_session.t"), 31);
  EXPECT_EQ(next("visit.u"), 1);
}

}  // namespace
}  // namespace rabt::store::test::shipped_migrations_test

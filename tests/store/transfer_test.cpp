// All rows of one database in another one.
#include "hub/store/transfer.hpp"

#include "tests/store/support.hpp"

namespace rabt::store::test::transfer_test {
namespace {

constexpr Statement kPut{"INSERT INTO pair (a, b, n, t, d) VALUES ($1, $2, $3, $4, $5)"};
constexpr Statement kAll{"SELECT a, b, n, t, d FROM pair ORDER BY a, b"};

// Two keys, and columns of each kind that may be null.
std::string pairs(bool on_postgres) {
  const std::string number = on_postgres ? "BIGINT" : "INTEGER";
  const std::string bytes = on_postgres ? "BYTEA" : "BLOB";
  return "CREATE TABLE pair (a TEXT NOT NULL, b " + number + " NOT NULL, n " + number +
         ", t TEXT, d " + bytes + ", PRIMARY KEY (a, b));\n";
}

std::vector<std::string> all(Store& store) {
  std::vector<std::string> out;
  EXPECT_TRUE(store
                  .read([&](Connection& connection) {
                    return connection.query(kAll, {}, [&](const Row& row) {
                      std::string& line = out.emplace_back(row.text(0));
                      line += "|" + std::to_string(row.integer(1)) + "|";
                      line += row.is_null(2) ? "-" : std::to_string(row.integer(2));
                      line += row.is_null(3) ? "|-" : "|" + std::string(row.text(3));
                      line += row.is_null(4) ? "|-" : "|" + std::string(row.blob(4));
                      return true;
                    });
                  })
                  .ok());
  return out;
}

// From the file of SQLite to the engine that is tested, and back.
class Transfer : public testing::Test {
 protected:
  Transfer() {
    // The file has migrations of its own.
    std::filesystem::create_directory(file_migrations());
    std::ofstream(file_migrations() + "/0001_item.sql")
        << "CREATE TABLE item (id INTEGER PRIMARY KEY, body BLOB NOT NULL);\n"
        << pairs(false);
    folder_.migration("0001_item.sql", schema() + pairs(rabt::test::on_postgres()));
    file_ = open("from.db");
    tested_ = folder_.open();
  }
  [[nodiscard]] std::string file_migrations() const { return (folder_.path() / "files").string(); }
  [[nodiscard]] std::unique_ptr<Store> open(const std::string& name) const {
    auto store = open_sqlite({(folder_.path() / name).string(), file_migrations()}, null_logger());
    EXPECT_TRUE(store.ok()) << (store.ok() ? "" : store.error().message);
    return store.ok() ? std::move(*store) : nullptr;
  }
  void put(Store& store, std::string_view a, std::int64_t b, Value n, Value t, Value d) {
    const Status put = store.write([&](Transaction& transaction) {
      return run(transaction, kPut, {a, b, n, t, d});
    });
    ASSERT_TRUE(put.ok()) << put.error().message;
  }

  Folder folder_;
  std::unique_ptr<Store> file_;
  std::unique_ptr<Store> tested_;
};

TEST_F(Transfer, BringsEveryKindOfValueThereAndBack) {
  constexpr std::string_view kBytes{"\x00\xff'\\x", 5};
  put(*file_, "", -1, Null{}, Null{}, Null{});
  put(*file_, "a", 1, std::int64_t{0}, "", Blob{""});
  put(*file_, "a", 2, INT64_MIN, "نورة 'x' \\ \t\n", Blob{kBytes});
  put(*file_, "b", INT64_MAX, INT64_MAX, "\"", Blob{"text"});
  ASSERT_TRUE(file_->write(insert(7)).ok());
  const auto there = transfer(*file_, *tested_);
  ASSERT_TRUE(there.ok()) << there.error().message;
  EXPECT_EQ(all(*tested_), all(*file_));
  EXPECT_EQ(all(*tested_).size(), 4U);
  EXPECT_EQ(ids(*tested_), (std::vector<std::int64_t>{7}));
  const auto back = open("back.db");
  const auto returned = transfer(*tested_, *back);
  ASSERT_TRUE(returned.ok()) << returned.error().message;
  EXPECT_EQ(all(*back), all(*file_));
  EXPECT_EQ(ids(*back), (std::vector<std::int64_t>{7}));
}

TEST_F(Transfer, BringsMoreRowsThanAPageHolds) {
  std::vector<std::int64_t> wanted;
  const Status put = file_->write([&](Transaction& transaction) -> Status {
    for (std::int64_t n = 0; n < 2'500; ++n) {
      RABT_TRY_STATUS(
          run(transaction, kPut, {std::string_view(n % 3 == 0 ? "a" : "b"), n, n, Null{}, Null{}}));
      RABT_TRY_STATUS(run(transaction, kInsert, {n, Blob{std::string(3'000, 'x')}}));
      wanted.push_back(n);
    }
    return ok_status();
  });
  ASSERT_TRUE(put.ok()) << put.error().message;
  const auto there = transfer(*file_, *tested_);
  ASSERT_TRUE(there.ok()) << there.error().message;
  EXPECT_EQ(all(*tested_), all(*file_));
  EXPECT_EQ(ids(*tested_), wanted);
}

TEST_F(Transfer, BringsRowsThatAreLongerThanAPage) {
  std::vector<std::int64_t> wanted;
  for (const std::size_t size : {1U, 4'500'000U, 10U, 2'500'000U, 2'500'000U, 0U}) {
    const auto id = static_cast<std::int64_t>(wanted.size());
    ASSERT_TRUE(file_->write(insert(id, std::string(size, static_cast<char>('a' + id)))).ok());
    wanted.push_back(id);
  }
  const auto there = transfer(*file_, *tested_);
  ASSERT_TRUE(there.ok()) << there.error().message;
  EXPECT_EQ(ids(*tested_), wanted);
}

TEST_F(Transfer, IsDoneWhereTheSameRowsAre) {
  put(*file_, "a", 1, Null{}, "t", Null{});
  ASSERT_TRUE(file_->write(insert(7)).ok());
  ASSERT_TRUE(transfer(*file_, *tested_).ok());
  const auto again = transfer(*file_, *tested_);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(all(*tested_), all(*file_));
}

TEST_F(Transfer, ChangesNothingWhereRowsAre) {
  put(*file_, "a", 1, Null{}, Null{}, Null{});
  put(*tested_, "mine", 1, Null{}, Null{}, Null{});
  const auto refused = transfer(*file_, *tested_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "store.used");
  EXPECT_EQ(all(*tested_), (std::vector<std::string>{"mine|1|-|-|-"}));
}

TEST_F(Transfer, ChangesNothingWhereTheTablesDiffer) {
  put(*tested_, "mine", 1, Null{}, Null{}, Null{});
  std::ofstream(file_migrations() + "/0002_more.sql")
      << "CREATE TABLE more (id INTEGER PRIMARY KEY);\n";
  const auto other = open("other.db");
  put(*other, "theirs", 1, Null{}, Null{}, Null{});
  const auto refused = transfer(*other, *tested_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "store.transfer");
  EXPECT_NE(refused.error().message.find("table more"), std::string::npos);
  EXPECT_EQ(all(*tested_), (std::vector<std::string>{"mine|1|-|-|-"}));
}

}  // namespace
}  // namespace rabt::store::test::transfer_test

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/chain.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "tests/audit/support.hpp"

namespace rabt::audit {
namespace {

using Audit = Fixture;
using AuditVerify = Fixture;

TEST_F(Audit, canonical_bytes_are_sorted_compact_json_of_the_fields_that_are_set) {
  open_log();
  const Prepared full =
      log_->prepare({"acme", "hub", "a.b", "o:1", "ok", Json::object({{"z", 1}, {"a", "\n"}})});
  EXPECT_EQ(
      full.canonical,
      R"({"act":"a.b","actor":"hub","detail":{"a":"\n","z":1},"object":"o:1","result":"ok","tenant":"acme"})");
  EXPECT_EQ(full.leaf, as_text(crypto::sha256(full.canonical)));
  EXPECT_EQ(full.tenant, "acme");
  EXPECT_EQ(full.at_ms, clock_.now().ms);
  EXPECT_EQ(full.canonical, Json::parse(full.canonical)->dump_sorted());
  EXPECT_EQ(log_->prepare({"", "hub", "x", "", "", Json()}).canonical,
            R"({"act":"x","actor":"hub"})");
  EXPECT_EQ(log_->prepare({}).canonical, "{}");
}

TEST_F(Audit, matches_the_worked_bytes_of_the_format_document) {
  EXPECT_EQ(to_hex(genesis().hash),
            "9b719717184e993fefe70b3900e0632daadab5af55e0ed103b86988a9f109c1d");
  const crypto::Digest leaf =
      crypto::sha256(R"({"act":"hub.started","actor":"hub","result":"ok"})");
  EXPECT_EQ(to_hex(leaf), "ac0a3465701e0b67a4aa9fbb7b26d81e936c36289a07987762c76467765fc41a");
  EXPECT_EQ(to_hex(chain(genesis().hash, 1, 1773000000000, as_text(leaf))),
            "d78ea6c8c5165659dcf394b7669a80e9c6d0ca22cf82f3a72bb8bcbb2eb5ab7e");
}

TEST_F(Audit, numbers_densely_from_one_and_goes_on_after_a_restart) {
  write_log(3);
  store_.reset();
  open_store();
  write_log(2);
  const auto found = verify(*store_, folder_);
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->verified);
  EXPECT_EQ(found->entries, 5U);
  EXPECT_EQ(found->head.size(), 64U);
}

TEST_F(Audit, an_empty_log_verifies) {
  EXPECT_TRUE(problems().empty());
  open_log();
  close_log();
  EXPECT_TRUE(problems().empty());
}

TEST_F(Audit, entries_of_undone_jobs_leave_no_gap) {
  open_log();
  for (int i = 1; i <= 40; ++i) {
    store_->submit(store::Store::Need::droppable, append(i, i % 4 == 0), [](const Status&) {});
  }
  EXPECT_FALSE(store_->write(append(41, true)).ok());
  EXPECT_TRUE(store_->write(append(42)).ok());
  close_log();
  const auto found = verify(*store_, folder_);
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->verified) << found->problems.front();
  EXPECT_EQ(found->entries, 31U);
}

TEST_F(Audit, can_be_verified_from_the_file_while_the_hub_runs) {
  open_log();
  EXPECT_TRUE(store_->write(append(1)).ok());
  const auto found = verify_file(database(), folder_);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_TRUE(found->verified) << found->problems.front();
  EXPECT_EQ(found->entries, 1U);
  EXPECT_FALSE(verify_file(folder_ + "/none.db", folder_).ok());
}

TEST_F(Audit, the_head_file_follows_within_about_a_second_and_on_close) {
  open_log();
  EXPECT_EQ(read_head_file(head_file())->value().seq, 0);
  EXPECT_TRUE(store_->write(append(1)).ok());
  for (int i = 0; i < 500 && read_head_file(head_file())->value().seq == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(read_head_file(head_file())->value().seq, 1);
  EXPECT_TRUE(store_->write(append(2)).ok());
  close_log();
  EXPECT_EQ(read_head_file(head_file())->value().seq, 2);
}

TEST_F(Audit, does_not_open_on_a_log_that_does_not_chain) {
  write_log(5);
  tamper("UPDATE audit SET canonical = CAST('{}' AS BLOB) WHERE seq = 4");
  const auto log = AuditLog::open(*store_, clock_, head_file());
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().code, "audit.broken");
  EXPECT_EQ(log.error().kind, ErrorKind::corrupt);
  EXPECT_NE(log.error().message.find("entry 4"), std::string::npos);
}

TEST_F(Audit, does_not_open_on_a_cut_log_and_keeps_the_evidence) {
  write_log(5);
  tamper("DELETE FROM audit WHERE seq > 3");
  for (int i = 0; i < 2; ++i) {
    const auto log = AuditLog::open(*store_, clock_, head_file());
    ASSERT_FALSE(log.ok());
    EXPECT_EQ(log.error().code, "audit.cut");
    EXPECT_NE(log.error().message.find("entry 5"), std::string::npos);
  }
  EXPECT_EQ(problems(), Texts{"entries 4 to 5 are missing"});
  std::filesystem::remove(head_file());
  EXPECT_TRUE(AuditLog::open(*store_, clock_, head_file()).ok());
}

TEST_F(Audit, does_not_open_on_another_log_of_the_same_length) {
  write_log(3);
  store_.reset();
  std::filesystem::rename(head_file(), folder_ + "/kept");
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database() + suffix);
  open_store();
  clock_.advance_ms(1000);
  write_log(4);
  std::filesystem::rename(folder_ + "/kept", head_file());
  const auto log = AuditLog::open(*store_, clock_, head_file());
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().code, "audit.cut");
  EXPECT_EQ(problems(), Texts{"entry 3: it is not the entry that audit.head names"});
}

TEST_F(AuditVerify, names_the_entry_of_which_any_column_was_changed) {
  write_log(20);
  const std::string flip =
      "CAST(substr(%, 1, 9) || char((unicode(substr(%, 10, 1)) + 1)) || substr(%, 11) AS BLOB)";
  struct Change {
    const char* set;
    const char* back;
    const char* problem;
  };
  const std::string content = "entry 17: its content does not match its digest";
  const std::string link =
      "entry 17: its hash does not follow from its number, time, content and the entry before it";
  tamper("CREATE TABLE saved AS SELECT * FROM audit");
  const auto changed = [&](const std::string& set) {
    tamper("UPDATE audit SET " + set + " WHERE seq = 17");
    auto found = problems();
    tamper("DELETE FROM audit; INSERT INTO audit SELECT * FROM saved");
    EXPECT_TRUE(problems().empty());
    return found;
  };
  EXPECT_EQ(changed("at_ms = at_ms + 1"), Texts{link});
  EXPECT_EQ(changed("tenant = 'acmf'"),
            Texts{"entry 17: its tenant column is not the tenant of its content"});
  EXPECT_EQ(changed("canonical = CAST(replace(CAST(canonical AS TEXT), 'instance:17', "
                    "'instance:18') AS BLOB)"),
            Texts{content});
  EXPECT_EQ(changed("canonical = x''"), Texts{content});
  EXPECT_EQ(changed("leaf = zeroblob(32)"), Texts{content});
  EXPECT_EQ(changed("leaf = x''"), Texts{content});
  EXPECT_EQ(changed("hash = zeroblob(32)"), Texts{link});
  EXPECT_EQ(changed("hash = x'00'"), Texts{link});
  // Content and digest together, as a better informed person would.
  const std::string forged =
      R"({"act":"test.act","actor":"hub","object":"instance:99","result":"ok","tenant":"acme"})";
  EXPECT_EQ(changed("canonical = CAST('" + forged + "' AS BLOB), leaf = x'" +
                    to_hex(crypto::sha256(forged)) + "'"),
            Texts{link});
}

TEST_F(AuditVerify, finds_every_single_changed_byte_of_an_entry) {
  write_log(3);
  tamper("CREATE TABLE saved AS SELECT * FROM audit");
  for (const auto& [column, size] :
       {std::pair{"canonical", 95}, std::pair{"leaf", 32}, std::pair{"hash", 32}}) {
    for (int at = 1; at <= size; at += 7) {
      const std::string name = column;
      // One byte becomes another: hex digits are replaced and read back.
      std::string bytes;
      sqlite3* handle = nullptr;
      ASSERT_EQ(sqlite3_open(database().c_str(), &handle), SQLITE_OK);
      sqlite3_exec(
          handle, ("SELECT hex(" + name + ") FROM audit WHERE seq = 2").c_str(),
          [](void* out, int, char** columns, char**) {
            return *static_cast<std::string*>(out) = columns[0], 0;
          },
          &bytes, nullptr);
      sqlite3_close(handle);
      auto& digit = bytes.at(static_cast<std::size_t>(at) * 2 - 1);
      digit = digit == '0' ? '1' : '0';
      tamper("UPDATE audit SET " + name + " = x'" + bytes + "' WHERE seq = 2");
      const auto found = problems();
      ASSERT_FALSE(found.empty()) << name << " byte " << at;
      EXPECT_EQ(found.front().rfind("entry 2: ", 0), 0U) << found.front();
      tamper("DELETE FROM audit; INSERT INTO audit SELECT * FROM saved");
    }
  }
}

TEST_F(AuditVerify, names_removed_entries_wherever_they_were) {
  write_log(30);
  tamper("CREATE TABLE saved AS SELECT * FROM audit");
  const auto without = [&](const std::string& where) {
    tamper("DELETE FROM audit WHERE " + where);
    auto found = problems();
    tamper("DELETE FROM audit; INSERT INTO audit SELECT * FROM saved");
    return found;
  };
  EXPECT_EQ(without("seq = 1"), Texts{"entry 1 is missing"});
  EXPECT_EQ(without("seq = 17"), Texts{"entry 17 is missing"});
  EXPECT_EQ(without("seq BETWEEN 18 AND 20"), Texts{"entries 18 to 20 are missing"});
  EXPECT_EQ(without("seq = 30"), Texts{"entry 30 is missing"});
  EXPECT_EQ(without("seq > 25"), Texts{"entries 26 to 30 are missing"});
  EXPECT_EQ(without("seq IN (5, 9)"), (Texts{"entry 5 is missing", "entry 9 is missing"}));
  EXPECT_EQ(without("1"), Texts{"entries 1 to 30 are missing"});
}

TEST_F(AuditVerify, names_swapped_inserted_and_renumbered_entries) {
  write_log(12);
  tamper("CREATE TABLE saved AS SELECT * FROM audit");
  const auto after = [&](const std::string& sql) {
    tamper(sql);
    auto found = problems();
    tamper("DELETE FROM audit; INSERT INTO audit SELECT * FROM saved");
    return found;
  };
  const auto swapped = after(
      "UPDATE audit SET seq = -1 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 9; UPDATE "
      "audit SET seq = 9 WHERE seq = -1");
  ASSERT_FALSE(swapped.empty());
  EXPECT_EQ(swapped.front().rfind("entry 5: ", 0), 0U);
  EXPECT_TRUE(std::any_of(swapped.begin(), swapped.end(),
                          [](const std::string& text) { return text.rfind("entry 9: ", 0) == 0; }));

  const std::string copy = "INSERT INTO audit SELECT ";
  const auto appended = after(
      copy +
      "13, at_ms, tenant, act, object, patient, canonical, leaf, hash FROM audit WHERE seq = 7");
  ASSERT_EQ(appended.size(), 1U);
  EXPECT_EQ(appended.front().rfind("entry 13: ", 0), 0U);
  EXPECT_EQ(
      after(
          copy +
          "0, at_ms, tenant, act, object, patient, canonical, leaf, hash FROM audit WHERE seq = 7"),
      Texts{"entry 0: numbers start at 1, this entry was inserted"});
  // A row put in the middle, the later ones moved up.
  const auto inserted = after(
      "UPDATE audit SET seq = -seq WHERE seq > 6; UPDATE audit SET seq = 1 - seq WHERE seq < 0; " +
      copy +
      "7, at_ms, tenant, act, object, patient, canonical, leaf, hash FROM audit WHERE seq = 3");
  ASSERT_FALSE(inserted.empty());
  EXPECT_EQ(inserted.front().rfind("entry 7: ", 0), 0U);
  // A row removed, the later ones moved down.
  const auto removed = after(
      "DELETE FROM audit WHERE seq = 6; UPDATE audit SET seq = -seq WHERE seq > 6; UPDATE audit "
      "SET seq = -seq - 1 WHERE seq < 0");
  ASSERT_FALSE(removed.empty());
  EXPECT_EQ(removed.front().rfind("entry 6: ", 0), 0U);
  EXPECT_EQ(removed.back(), "entry 12 is missing");
}

TEST_F(AuditVerify, says_when_the_head_file_is_missing_or_damaged) {
  write_log(2);
  std::filesystem::remove(head_file());
  ASSERT_EQ(problems().size(), 1U);
  EXPECT_NE(problems().front().find("audit.head is missing"), std::string::npos);
  for (const char* text : {"", "x", "rabt-audit-head 2\n1 00\n", "rabt-audit-head 1\n1 zz\n"}) {
    std::ofstream(head_file(), std::ios::trunc) << text;
    ASSERT_EQ(problems().size(), 1U);
    EXPECT_NE(problems().front().find("audit.head is damaged"), std::string::npos);
    EXPECT_FALSE(AuditLog::open(*store_, clock_, head_file()).ok());
  }
}

TEST_F(AuditVerify, is_content_with_a_log_ahead_of_the_head_file) {
  write_log(3);
  const auto head = read_head_file(head_file());
  write_log(3);
  ASSERT_TRUE(write_head_file(head_file(), **head).ok());
  EXPECT_TRUE(problems().empty());
}

TEST_F(AuditVerify, limits_the_number_of_problems) {
  write_log(300);
  tamper("UPDATE audit SET hash = zeroblob(32)");
  const auto found = problems();
  EXPECT_EQ(found.size(), kMaxProblems + 1);
  EXPECT_NE(found.back().find("more problems"), std::string::npos);
}

TEST_F(Audit, prints_what_an_entry_costs) {
  open_log();
  constexpr int kEntries = 10'000;
  const Entry one = entry(1);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kEntries; ++i) (void)log_->prepare(one);
  const auto prepared = std::chrono::steady_clock::now();
  const Prepared ready = log_->prepare(one);
  std::chrono::steady_clock::duration appending{};
  EXPECT_TRUE(store_
                  ->write([&](store::Transaction& transaction) -> Status {
                    const auto before = std::chrono::steady_clock::now();
                    for (int i = 0; i < kEntries; ++i)
                      RABT_TRY_STATUS(log_->append(transaction, ready));
                    appending = std::chrono::steady_clock::now() - before;
                    return ok_status();
                  })
                  .ok());
  using Micro = std::chrono::duration<double, std::micro>;
  std::printf("prepare %.2f us, append %.2f us\n", Micro(prepared - start).count() / kEntries,
              Micro(appending).count() / kEntries);
  close_log();
  const auto verifying = std::chrono::steady_clock::now();
  EXPECT_TRUE(problems().empty());
  std::printf("verify %.2f us an entry\n",
              Micro(std::chrono::steady_clock::now() - verifying).count() / kEntries);
}

}  // namespace
}  // namespace rabt::audit

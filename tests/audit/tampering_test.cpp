#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>

#include "hub/audit/anchor.hpp"
#include "hub/audit/proof.hpp"
#include "hub/audit/reader.hpp"
#include "hub/audit/tree.hpp"
#include "tests/audit/support.hpp"
#include "tests/eventually.hpp"

// Ways to alter a log, each while the hub runs and while it does not: verification, readers and the
// running log itself find every one.
namespace rabt::audit::tampering_test {
namespace {

using std::chrono::milliseconds;

// 600 entries: two full tiles and the begin of a third, with a required anchor. Every fifth entry
// is about the patient p5.
class Ways : public Fixture {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(anchor_);
    write(300);
    save();
    older_note_ = content(checkpoint_file());
    write(300);
  }
  LogOptions watched(milliseconds every) {
    LogOptions all = options();
    all.look_interval = every;
    all.anchor_interval = every;
    all.anchors.push_back({make_folder_anchor(anchor_, vkey()), true});
    return all;
  }
  void write(int count) {
    open_log(watched(std::chrono::hours(1)));
    for (int i = 1; i <= count; ++i) {
      clock_.advance_ms(1);
      Entry one = entry(i);
      if (i % 5 == 0) one.patient = "p5";
      store_->submit(
          store::Store::Need::required,
          [this, prepared = log_->prepare(one)](store::Transaction& transaction) {
            return log_->append(transaction, prepared);
          },
          [](const Status& status) { EXPECT_TRUE(status.ok()); });
    }
    close_log();
  }
  void put(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
  [[nodiscard]] std::string text_of(int seq) {
    return ask("SELECT CAST(canonical AS TEXT) FROM audit WHERE seq = " + std::to_string(seq));
  }
  static std::string forged(std::string text) {
    return text.replace(text.find("\"ok\""), 4, "\"no\"");
  }
  void alter(int seq, bool leaf_too) {
    const std::string text = forged(text_of(seq));
    tamper("UPDATE audit SET canonical = CAST('" + text + "' AS BLOB)" +
           (leaf_too ? ", leaf = x'" + to_hex(leaf_hash(text)) + "'" : std::string()) +
           " WHERE seq = " + std::to_string(seq));
  }
  // The tile fits itself and its rows; nothing but the checkpoints knows better.
  void alter_with_tile(int seq) {
    alter(seq, true);
    const int tile = (seq - 1) / 256;
    const std::string of = " WHERE level = 0 AND number = " + std::to_string(tile);
    Bytes bytes = from_hex(ask("SELECT hex(hashes) FROM audit_tile" + of)).value();
    const Digest leaf = leaf_hash(text_of(seq));
    std::copy(leaf.begin(), leaf.end(), bytes.begin() + (seq - 1) % 256 * 32);
    std::vector<Digest> hashes(256);
    for (std::size_t i = 0; i < hashes.size(); ++i)
      to_digest(as_text(bytes).substr(i * 32, 32), hashes[i]);
    tamper("UPDATE audit_tile SET hashes = x'" + to_hex(bytes) + "', root = x'" +
           to_hex(fold(hashes)) + "'" + of);
  }
  void copy_row(int from, const std::string& to) {
    tamper("INSERT INTO audit SELECT " + to +
           ", stream, n, at_ms, tenant, act, object, patient, canonical, leaf, mac FROM audit "
           "WHERE seq = " +
           std::to_string(from));
  }
  void put_back_the_older_copy() {
    restore();
    put(checkpoint_file(), older_note_);
  }

  struct Way {
    const char* name;
    std::function<void()> change;
  };
  std::vector<Way> ways() {
    return {
        {"two rows exchanged below the last tile",
         [this] {
           tamper(
               "UPDATE audit SET seq = -1 WHERE seq = 590; UPDATE audit SET seq = 590 WHERE seq = "
               "595; UPDATE audit SET seq = 595 WHERE seq = -1");
         }},
        {"two rows exchanged in full tiles",
         [this] {
           tamper(
               "UPDATE audit SET seq = -1 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 400; "
               "UPDATE audit SET seq = 400 WHERE seq = -1");
         }},
        {"an entry below the last tile", [this] { alter(580, false); }},
        {"an entry in a full tile", [this] { alter(100, false); }},
        {"an entry and its hash below the last tile", [this] { alter(580, true); }},
        {"an entry and its hash in a full tile", [this] { alter(100, true); }},
        {"an entry, its hash and its tile", [this] { alter_with_tile(100); }},
        {"the last rows and their checkpoint deleted",
         [this] {
           tamper(
               "DELETE FROM audit WHERE seq > 590; DELETE FROM audit_checkpoint WHERE number = "
               "(SELECT max(number) FROM audit_checkpoint)");
           put(checkpoint_file(), older_note_);
         }},
        {"an older copy of database and checkpoint", [this] { put_back_the_older_copy(); }},
        {"a time", [this] { tamper("UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 120"); }},
        {"the patient of an entry",
         [this] { tamper("UPDATE audit SET patient = 'p6' WHERE seq = 585"); }},
        {"hashes of a tile",
         [this] {
           tamper("UPDATE audit_tile SET hashes = zeroblob(8192) WHERE level = 0 AND number = 1");
         }},
        {"the checkpoint of another log",
         [this] {
           put(checkpoint_file(),
               Signer("rabt.example/other", test_mac_key()).sign(600, Digest{}).note);
         }},
        {"the checkpoint file removed", [this] { std::filesystem::remove(checkpoint_file()); }},
        {"an older checkpoint in the table",
         [this] { tamper("UPDATE audit_checkpoint SET mac = zeroblob(32) WHERE number = 2"); }},
        {"the anchor's checkpoint cut", [this] { put(anchor_ + "/checkpoint", ""); }},
        {"the anchor emptied",
         [this] {
           for (const auto& one : std::filesystem::directory_iterator(anchor_))
             std::filesystem::remove_all(one.path());
         }},
        {"a tile of the anchor cut", [this] { put(anchor_ + "/tile/entries/002.p/88", "x"); }},
        {"a row repeated at the end", [this] { copy_row(7, "(SELECT max(seq) + 1 FROM audit)"); }},
        {"a row repeated before the first", [this] { copy_row(7, "0"); }},
        {"an entry given to another tenant",
         [this] { tamper("UPDATE audit SET tenant = 'other' WHERE seq = 588"); }},
        {"an entry given to another tenant in its content, too",
         [this] {
           std::string text = text_of(588);
           text.replace(text.find("\"acme\""), 6, "\"acmd\"");
           tamper("UPDATE audit SET tenant = 'acmd', canonical = CAST('" + text +
                  "' AS BLOB), leaf = x'" + to_hex(leaf_hash(text)) + "' WHERE seq = 588");
         }},
        {"an entry deleted, and those behind it moved up",
         [this] {
           tamper(
               "DELETE FROM audit WHERE seq = 590; UPDATE audit SET seq = seq - 1 WHERE seq > 590");
         }},
        {"an entry replaced by a copy of another",
         [this] {
           tamper(
               "UPDATE audit SET (n, at_ms, object, patient, canonical, leaf, mac) = (SELECT n, "
               "at_ms, object, patient, canonical, leaf, mac FROM audit WHERE seq = 7) WHERE seq = "
               "586");
         }},
        {"the number of an entry in its stream",
         [this] { tamper("UPDATE audit SET n = n + 1000 WHERE seq = 582"); }},
        {"the stream of an entry",
         [this] { tamper("UPDATE audit SET stream = 2 WHERE seq = 99"); }},
        {"the act of an entry",
         [this] { tamper("UPDATE audit SET act = 'test.other' WHERE seq = 301"); }},
        {"the hashes of two rows exchanged",
         [this] {
           tamper(
               "CREATE TABLE other AS SELECT seq, leaf FROM audit WHERE seq IN (583, 584); UPDATE "
               "audit SET leaf = (SELECT leaf FROM other WHERE seq = 1167 - audit.seq) WHERE seq "
               "IN "
               "(583, 584); DROP TABLE other");
         }},
        {"a full tile removed",
         [this] { tamper("DELETE FROM audit_tile WHERE level = 0 AND number = 0"); }},
        {"the roots of two tiles exchanged",
         [this] {
           tamper(
               "CREATE TABLE other AS SELECT number, root FROM audit_tile WHERE level = 0; UPDATE "
               "audit_tile SET root = (SELECT root FROM other WHERE number = 1 - "
               "audit_tile.number) "
               "WHERE level = 0; DROP TABLE other");
         }},
        {"what a tile holds, hidden from searches",
         [this] { tamper("UPDATE audit_find SET keys = x'' WHERE tile = 0"); }},
        {"two checkpoints exchanged",
         [this] {
           tamper(
               "UPDATE audit_checkpoint SET number = -1 WHERE number = 2; UPDATE audit_checkpoint "
               "SET "
               "number = 2 WHERE number = 3; UPDATE audit_checkpoint SET number = 3 WHERE number = "
               "-1");
         }},
        {"the size of the newest checkpoint",
         [this] {
           tamper(
               "UPDATE audit_checkpoint SET size = 599 WHERE number = (SELECT max(number) FROM "
               "audit_checkpoint)");
         }},
    };
  }
  Texts compared() {
    VerifyOptions all;
    all.mac_key = &mac_key_;
    all.folders = {anchor_};
    return verified(all).problems;
  }
  // A data folder for each way.
  void begin_anew() {
    log_.reset();
    store_.reset();
    for (const auto& one : std::filesystem::directory_iterator(folder_)) {
      if (one.path().filename() != "migrations") std::filesystem::remove_all(one.path());
    }
    open_store();
    SetUp();
  }
  static bool corrupt(const Error& error) { return error.kind == ErrorKind::corrupt; }

  const std::string anchor_ = folder_ + "/anchor";
  std::string older_note_;
};

TEST_F(Ways, EachIsFoundByVerificationAndKeepsTheHubFromStarting) {
  bool first = true;
  for (const Way& way : ways()) {
    if (!std::exchange(first, false)) begin_anew();
    EXPECT_EQ(compared(), Texts{}) << way.name;
    way.change();
    EXPECT_FALSE(compared().empty()) << way.name;
    EXPECT_NE(opens(watched(std::chrono::hours(1))), "ok") << way.name;
  }
}

TEST_F(Ways, EachIsFoundByWhoeverReadsWhileTheHubRuns) {
  bool first = true;
  for (const Way& way : ways()) {
    if (!std::exchange(first, false)) begin_anew();
    open_log(watched(std::chrono::hours(1)));
    ASSERT_TRUE(log_->look().ok()) << way.name;
    EXPECT_EQ(read_page(*log_, {.patient = "p5"}, 1000)->entries.size(), 120U);
    EXPECT_EQ(read_page(*log_, {}, 1000)->entries.size(), 600U);
    way.change();
    // As a report and an export do.
    const Status looked = log_->look();
    ASSERT_FALSE(looked.ok()) << way.name;
    EXPECT_TRUE(corrupt(looked.error())) << way.name << ": " << looked.error().code;
    for (const Query& query : {Query{}, Query{.patient = "p5"}}) {
      const auto page = read_page(*log_, query, 1000);
      ASSERT_FALSE(page.ok()) << way.name;
      EXPECT_TRUE(corrupt(page.error())) << way.name << ": " << page.error().code;
    }
  }
}

TEST_F(Ways, EachIsFoundByTheRunningLogItselfWhichThenRefusesActs) {
  bool first = true;
  for (const Way& way : ways()) {
    if (!std::exchange(first, false)) begin_anew();
    open_log(watched(milliseconds(20)));
    EXPECT_TRUE(store_->write(append(1)).ok());
    way.change();
    EXPECT_TRUE(test::eventually([&] { return !log_->state().appendable; })) << way.name;
    EXPECT_FALSE(log_->state().well()) << way.name;
    EXPECT_EQ(store_->write(append(1)).error().code, "audit.unavailable") << way.name;
  }
}

TEST_F(Ways, AReaderThatKnowsOnlyTheDatabaseShowsNoAlteredEntry) {
  const std::vector<std::pair<int, bool>> altered{
      {100, false}, {100, true}, {580, false}, {580, true}};
  for (const auto& [seq, leaf_too] : altered) {
    begin_anew();
    alter(seq, leaf_too);
    const auto connection = open_reader();
    for (const Query& query : {Query{}, Query{.patient = "p5"}, Query{.first = seq, .last = seq}}) {
      const auto page = read_page(*connection, {}, query, 1000);
      ASSERT_FALSE(page.ok()) << seq;
      if (seq == 100 || !leaf_too) {
        EXPECT_NE(page.error().message.find("entry " + std::to_string(seq) + " (stream 1, number " +
                                            std::to_string(seq) + ")"),
                  std::string::npos)
            << page.error().message;
      }
    }
    EXPECT_EQ(prove_entry(*connection, seq).error().code, "audit.broken");
    // Entries of other tiles are still shown when the tree holds.
    if (seq == 100) {
      const auto page = read_page(*connection, {}, Query{.first = 300, .last = 310}, 1000);
      ASSERT_TRUE(page.ok()) << page.error().message;
      EXPECT_EQ(page->entries.size(), 11U);
    }
  }
}

TEST_F(Ways, AnEntryThatNoCheckpointCoversYetIsComparedWithTheMacChain) {
  LogOptions slow = watched(std::chrono::hours(1));
  slow.checkpoint_interval = std::chrono::hours(1);
  open_log(std::move(slow));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store_->write(append(i)).ok());
  ASSERT_EQ(log_->state().signed_size, 600);
  EXPECT_EQ(read_page(*log_, {.first = 600}, 1000)->entries.size(), 6U);
  alter(603, true);
  const auto page = read_page(*log_, {.first = 600}, 1000);
  ASSERT_FALSE(page.ok());
  EXPECT_NE(page.error().message.find("entry 603 (stream 1, number 603)"), std::string::npos)
      << page.error().message;
  EXPECT_FALSE(log_->state().appendable) << "what a reader finds stops acts, too";
}

TEST_F(Ways, AnEmptiedAnchorThatIsNotRequiredIsAnAlarmAndIsNotFilledAgain) {
  const auto best_effort = [this] {
    LogOptions all = watched(milliseconds(20));
    all.anchors.front().required = false;
    all.checkpoint_interval = milliseconds(50);
    return all;
  };
  open_log(best_effort());
  std::filesystem::remove_all(anchor_);
  std::filesystem::create_directory(anchor_);
  const auto failing = [this] {
    (void)test::eventually([this] { return log_->state().anchors.front().failing; });
    return log_->state().anchors.front().code;
  };
  EXPECT_EQ(failing(), "audit.anchor_cut");
  EXPECT_TRUE(store_->write(append(1)).ok()) << "acts go on";
  close_log();
  EXPECT_TRUE(std::filesystem::is_empty(anchor_));
  // Also after a restart, and for as long as it is not given another place.
  open_log(best_effort());
  EXPECT_EQ(failing(), "audit.anchor_cut");
  close_log();
  EXPECT_TRUE(std::filesystem::is_empty(anchor_));
  const std::string other = folder_ + "/other";
  std::filesystem::create_directory(other);
  LogOptions moved = options();
  moved.anchors.push_back({make_folder_anchor(other, vkey()), true});
  open_log(std::move(moved));
  close_log();
  EXPECT_EQ(content(other + "/checkpoint"), content(checkpoint_file()));
}

TEST_F(Ways, VerificationTellsWhatIsMissingFromWhatWasChanged) {
  const auto found = [this] {
    VerifyOptions all;
    all.mac_key = &mac_key_;
    all.folders = {anchor_};
    return verified(all);
  };
  EXPECT_EQ(found().absent, 0U);
  const std::string kept = content(checkpoint_file());
  std::filesystem::remove(checkpoint_file());
  std::filesystem::remove(anchor_ + "/checkpoint");
  const Verification missing = found();
  EXPECT_EQ(missing.problems.size(), 2U) << testing::PrintToString(missing.problems);
  EXPECT_EQ(missing.absent, 2U);
  alter(100, false);
  const Verification changed = found();
  EXPECT_EQ(changed.absent, 2U);
  EXPECT_GT(changed.problems.size(), changed.absent);
}

TEST_F(Ways, ACheckpointThatTheHubToldItsLogFindsAnOlderCopyWithoutAnAnchor) {
  const std::string text = content(checkpoint_file());
  put_back_the_older_copy();
  EXPECT_EQ(problems(), Texts{}) << "the data folder alone cannot tell";
  VerifyOptions all;
  all.notes = {text};
  const Texts found = verified(all).problems;
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.back(), "entries 301 to 600 are missing");
  all.notes = {"nonsense"};
  EXPECT_FALSE(verified(all).verified);
}

// Keeps the sizes of the checkpoints that it is told.
class Told final : public Logger {
 public:
  void log(LogLevel /*level*/, std::string_view event, LogFields fields) override {
    if (event != "audit.checkpoint") return;
    for (const auto& [key, value] : fields) {
      if (key == "size") newest = std::get<std::int64_t>(value);
    }
  }
  std::atomic<std::int64_t> newest{-1};
};

TEST_F(Ways, TheLastCheckpointBeforeAPauseIsToldToTheLogAfterTheInterval) {
  Told told;
  LogOptions all = watched(milliseconds(20));
  all.log = &told;
  all.checkpoint_interval = milliseconds(20);
  all.witness_interval = milliseconds(500);
  open_log(std::move(all));
  EXPECT_EQ(told.newest, 600);
  ASSERT_TRUE(store_->write(append(1)).ok());
  EXPECT_TRUE(test::eventually([&] { return told.newest >= 601; }));
  EXPECT_EQ(told.newest, 601);
  log_.reset();
}

}  // namespace
}  // namespace rabt::audit::tampering_test

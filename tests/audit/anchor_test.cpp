#include "hub/audit/anchor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "tests/audit/support.hpp"
#include "tests/eventually.hpp"

namespace rabt::audit::anchor_test {
namespace {

using std::chrono::milliseconds;

// A place that a test can break.
struct Place {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<std::string> note;
  bool fails = false;
  bool hangs = false;
  int puts = 0;
};
class FakeAnchor final : public Anchor {
 public:
  explicit FakeAnchor(std::shared_ptr<Place> place) : place_(std::move(place)) {}
  const std::string& name() const override { return name_; }
  Result<std::optional<std::string>> last() override {
    std::unique_lock lock(place_->mutex);
    place_->changed.wait(lock, [&] { return !place_->hangs; });
    if (place_->fails) return unavailable("test.anchor", "no");
    return place_->note;
  }
  Status put(const Checkpoint& checkpoint, const TileSource& /*tiles*/) override {
    const std::scoped_lock lock(place_->mutex);
    ++place_->puts;
    place_->note = checkpoint.note;
    return ok_status();
  }

 private:
  const std::shared_ptr<Place> place_;
  const std::string name_ = "fake:one";
};

class AuditAnchor : public Fixture {
 protected:
  LogOptions with(std::unique_ptr<Anchor> anchor, bool required = false) {
    LogOptions all = options();
    all.checkpoint_interval = milliseconds(50);
    all.anchor_patience = milliseconds(2'000);
    all.anchors.push_back({std::move(anchor), required});
    return all;
  }
  LogOptions with_folder(bool required = false) {
    std::filesystem::create_directories(anchor_);
    return with(make_folder_anchor(anchor_, vkey()), required);
  }
  Texts compared() {
    VerifyOptions options;
    options.mac_key = &mac_key_;
    options.folders = {anchor_};
    return verified(options).problems;
  }
  const std::string anchor_ = folder_ + "/anchor";
};

TEST_F(AuditAnchor, AFolderHasTheLayoutOfTlogTiles) {
  open_log(with_folder());
  add(600);
  close_log();
  EXPECT_EQ(content(anchor_ + "/checkpoint"), content(checkpoint_file()));
  EXPECT_EQ(content(anchor_ + "/vkey"), vkey() + "\n");
  EXPECT_EQ(content(anchor_ + "/tile/0/000").size(), 8'192U);
  EXPECT_EQ(content(anchor_ + "/tile/0/001").size(), 8'192U);
  EXPECT_EQ(content(anchor_ + "/tile/0/002.p/88").size(), 88U * 32);
  EXPECT_EQ(content(anchor_ + "/tile/1/000.p/2").size(), 64U);
  const std::string bundle = content(anchor_ + "/tile/entries/002.p/88");
  const std::size_t first =
      static_cast<unsigned char>(bundle[0]) * 256U + static_cast<unsigned char>(bundle[1]);
  EXPECT_EQ(bundle.substr(2, first),
            ask("SELECT CAST(canonical AS TEXT) FROM audit WHERE seq = 513"));
  EXPECT_FALSE(std::filesystem::exists(anchor_ + "/tile/0/000.p"));
  EXPECT_FALSE(std::filesystem::exists(anchor_ + "/tile/2"));
  EXPECT_EQ(compared(), Texts{});
}

TEST_F(AuditAnchor, AFolderCatchesUpAfterHavingBeenAway) {
  open_log(with_folder());
  add(10);
  close_log();
  write_log(700);  // without the anchor
  EXPECT_EQ(compared(), Texts{});
  open_log(with_folder());
  ASSERT_TRUE(test::eventually([&] { return log_->state().anchors.front().size == 710; }));
  EXPECT_EQ(content(anchor_ + "/checkpoint"), content(checkpoint_file()));
  std::filesystem::rename(anchor_, anchor_ + ".gone");
  add(1);
  ASSERT_TRUE(test::eventually([&] { return log_->state().anchors.front().failing; }));
  EXPECT_EQ(log_->state().anchors.front().code, "audit.anchor_io");
  EXPECT_TRUE(log_->state().well()) << "best effort";
  EXPECT_TRUE(store_->write(append(1)).ok()) << "acts go on";
  std::filesystem::rename(anchor_ + ".gone", anchor_);
  ASSERT_TRUE(test::eventually([&] { return log_->state().anchors.front().size == 712; }));
  EXPECT_FALSE(log_->state().anchors.front().failing);
  close_log();
  EXPECT_EQ(compared(), Texts{});
}

TEST_F(AuditAnchor, AnOldDatabaseIsFoundByAnAnchorAlone) {
  open_log(with_folder());
  add(3);
  close_log();
  store_.reset();
  const auto copy = [&](const std::string& from, const std::string& to) {
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
  };
  copy(database(), folder_ + "/older.db");
  copy(checkpoint_file(), folder_ + "/older.checkpoint");
  open_store();
  open_log(with_folder());
  add(4);
  close_log();
  store_.reset();
  // The whole data folder of last week, its checkpoint file too.
  copy(folder_ + "/older.db", database());
  copy(folder_ + "/older.checkpoint", checkpoint_file());
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(database() + suffix);
  open_store();
  EXPECT_EQ(opens(with_folder()), "audit.old_database");
  EXPECT_NE(message_.find("anchor"), std::string::npos) << message_;
  EXPECT_EQ(problems(), Texts{}) << "the data folder alone cannot tell";
  const Texts found = compared();
  ASSERT_EQ(found.size(), 2U) << testing::PrintToString(found);
  EXPECT_EQ(found[1], "entries 4 to 7 are missing");
}

TEST_F(AuditAnchor, AnAnchorThatComesLateWithAContradictionStopsActs) {
  auto place = std::make_shared<Place>();
  place->fails = true;
  place->note = Signer(kOrigin, test_seed()).sign(9, crypto::sha256("other")).note;
  open_log(with(std::make_unique<FakeAnchor>(place)));
  add(2);
  ASSERT_TRUE(test::eventually([&] { return log_->state().signed_size == 2; }))
      << "best effort: signed anyway";
  {
    const std::scoped_lock lock(place->mutex);
    place->fails = false;
  }
  ASSERT_TRUE(test::eventually([&] { return !log_->state().appendable; }));
  EXPECT_EQ(log_->state().code, "audit.old_database");
  EXPECT_EQ(store_->write(append(1)).error().code, "audit.unavailable");
  EXPECT_EQ(place->puts, 0) << "what is kept there stays";
}

TEST_F(AuditAnchor, NothingIsSignedBeforeARequiredAnchorWasReadAndHealthFails) {
  auto place = std::make_shared<Place>();
  place->fails = true;
  open_log();
  add(1);
  close_log();
  open_log(with(std::make_unique<FakeAnchor>(place), true));
  EXPECT_FALSE(log_->state().well());
  add(2);
  ASSERT_TRUE(test::eventually([&] { return !log_->state().signing; }));
  EXPECT_EQ(log_->state().code, "audit.anchor_unread");
  EXPECT_EQ(log_->state().signed_size, 1);
  EXPECT_TRUE(log_->state().appendable) << "care goes on";
  {
    const std::scoped_lock lock(place->mutex);
    place->fails = false;
  }
  ASSERT_TRUE(test::eventually([&] { return log_->state().signed_size == 3; }));
  ASSERT_TRUE(test::eventually([&] { return log_->state().well(); }));
  // Later failures of a required anchor are an alarm, and nothing more.
  {
    const std::scoped_lock lock(place->mutex);
    place->fails = true;
  }
  add(1);
  ASSERT_TRUE(test::eventually([&] { return log_->state().signed_size == 4; }));
  ASSERT_TRUE(test::eventually([&] { return !log_->state().well(); }));
}

TEST_F(AuditAnchor, AnAnchorThatHangsHoldsUpNeitherActsNorTheEnd) {
  auto place = std::make_shared<Place>();
  place->hangs = true;
  LogOptions hanging = with(std::make_unique<FakeAnchor>(place));
  hanging.anchor_patience = milliseconds(200);
  const auto start = std::chrono::steady_clock::now();
  open_log(std::move(hanging));
  add(3);
  EXPECT_TRUE(test::eventually([&] { return log_->state().signed_size == 3; }));
  close_log();
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(20'000));
  {
    const std::scoped_lock lock(place->mutex);
    place->hangs = false;
  }
  place->changed.notify_all();  // its thread finds the log closed
  store_.reset();
  EXPECT_FALSE(test::eventually(
      [&] {
        const std::scoped_lock lock(place->mutex);
        return place->puts > 0;
      },
      milliseconds(50)));
}

TEST_F(AuditAnchor, WhatIsNotOursInAnAnchorIsAFailureAndIsNotOverwritten) {
  for (const std::string& note :
       {std::string("x"), Signer("rabt.example/other", test_seed()).sign(1, crypto::Digest{}).note,
        Signer(kOrigin, test_mac_key()).sign(1, crypto::Digest{}).note}) {
    auto place = std::make_shared<Place>();
    place->note = note;
    open_log(with(std::make_unique<FakeAnchor>(place)));
    add(1);
    ASSERT_TRUE(test::eventually([&] { return log_->state().anchors.front().failing; }));
    EXPECT_EQ(log_->state().anchors.front().code, "audit.anchor_damaged");
    close_log();
    EXPECT_EQ(place->note, note);
  }
}

TEST_F(AuditAnchor, VerificationNamesEveryDifferenceOfAFolder) {
  open_log(with_folder());
  add(600);
  close_log();
  const auto found = [&](const std::string& path, const auto& change) {
    const std::string kept = content(anchor_ + "/" + path);
    EXPECT_FALSE(kept.empty()) << path;
    std::string text = kept;
    change(text);
    if (text.empty()) {
      std::filesystem::remove(anchor_ + "/" + path);
    } else {
      std::ofstream(anchor_ + "/" + path, std::ios::trunc | std::ios::binary) << text;
    }
    Texts texts = compared();
    std::ofstream(anchor_ + "/" + path, std::ios::trunc | std::ios::binary) << kept;
    EXPECT_EQ(compared(), Texts{});
    return texts.empty() ? std::string() : texts.front();
  };
  const auto flip = [](std::size_t at) {
    return [at](std::string& text) { text[at] = static_cast<char>(text[at] ^ 1); };
  };
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text << " / " << part;
  };
  has(found("checkpoint", flip(30)), "its checkpoint");
  has(found("tile/0/001", flip(32 * 7 + 3)), "entry 264");
  has(found("tile/0/002.p/88", flip(32 * 87)), "entry 600");
  has(found("tile/1/000.p/2", flip(40)), "tile 1/0");
  has(found("tile/entries/000", flip(40)), "entry 1");
  has(found("tile/entries/002.p/88", [](std::string& text) { text.resize(text.size() - 5); }),
      "entry 600");
  has(found("tile/0/001", [](std::string& text) { text.clear(); }), "tile 0/1");
  has(found("checkpoint", [](std::string& text) { text.clear(); }), "its checkpoint is missing");
}

}  // namespace
}  // namespace rabt::audit::anchor_test

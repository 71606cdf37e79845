#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "hub/alerts/alerts.hpp"
#include "hub/base/clock.hpp"
#include "hub/keys/data_keys.hpp"
#include "tests/audit_and_keys.hpp"
#include "tests/keyring.hpp"
#include "tests/must.hpp"
#include "tests/recording_logger.hpp"
#include "tests/store_under_test.hpp"

// Alerts in virtual time, over channels that answer as a test says.
namespace rabt::alerts {

using test::must;

inline constexpr std::int64_t kSweepMs = 15'000;
// Thursday, 26 November 2026, 10:00 in Riyadh.
inline constexpr std::int64_t kMorningMs = 1'795'676'400'000;

class FakeChannel final : public Channel {
 public:
  explicit FakeChannel(std::size_t targets = 1) : targets_(targets) {}
  [[nodiscard]] std::size_t targets() const override { return targets_; }
  void send(const Message& message, std::size_t /*target*/,
            std::function<void(Told)> done) override {
    all.push_back(message);
    if (works) {
      done({.ok = true});
    } else {
      done({.code = "http.connect"});
    }
  }
  bool works = true;
  std::vector<Message> all;

 private:
  std::size_t targets_;
};

class Rig : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-alerts-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    keyring_ = test::open_keyring(folder_, clock_, random_, {"t1"});
    open();
  }
  void TearDown() override {
    close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void open() {
    store_ = database_.open(folder_);
    audit_ = rabt::test::open_audit_log(*store_, clock_, *keyring_, folder_);
    keys_ = rabt::test::open_data_keys(*keyring_, *store_, clock_, random_, ids_);
    Channels channels;
    for (std::size_t i = 0; i < kWays; ++i) {
      if (!settings_ways_.contains(static_cast<Way>(i))) continue;
      auto channel = std::make_unique<FakeChannel>();
      channel->works = !down_.contains(static_cast<Way>(i));
      channels_.at(i) = channel.get();
      channels.at(i) = std::move(channel);
    }
    alerts_ = must(Alerts::open({.store = *store_,
                                 .audit = *audit_,
                                 .keys = *keys_,
                                 .clock = clock_,
                                 .random = random_,
                                 .ids = ids_,
                                 .log = log_,
                                 .tenant = "t1"},
                                settings_, std::move(channels)));
  }
  // As a kill leaves it. What the channels were told stays in `told`.
  void close() {
    note_told();
    alerts_.reset();
    channels_ = {};
    keys_.reset();
    audit_.reset();
    store_.reset();
  }
  void restart() {
    close();
    open();
  }
  // One sweep with these readings, then 15 seconds pass.
  void sweep(const std::vector<Readings::One>& values) {
    alerts_->sweep({.values = values});
    clock_.advance_ms(kSweepMs);
    note_told();
  }
  // The same readings for so many minutes.
  void sweep_minutes(std::int64_t minutes, const std::vector<Readings::One>& values) {
    for (std::int64_t i = 0; i < minutes * kMinuteMs / kSweepMs; ++i) sweep(values);
  }
  // Past the first minutes, in which nothing opens.
  void warm_up() { sweep_minutes(3, {}); }
  // "mail opened disk_free /data", in the order of the tellings.
  void note_told() {
    for (std::size_t i = 0; i < kWays; ++i) {
      if (channels_.at(i) == nullptr) continue;
      for (const Message& message : channels_.at(i)->all) {
        const Facts& facts = message.facts;
        std::string line =
            std::string(to_string(static_cast<Way>(i))) + " " + std::string(to_string(facts.kind));
        if (facts.kind == Kind::more) line += " " + std::to_string(facts.more);
        if (!facts.rule.empty()) line += " " + facts.rule;
        if (!facts.object.empty()) line += " " + facts.object;
        told.push_back(line);
        messages.push_back(message);
      }
      channels_.at(i)->all.clear();
    }
  }
  [[nodiscard]] FakeChannel& channel(Way way) {
    return *channels_.at(static_cast<std::size_t>(way));
  }
  static identity::Caller caller() {
    identity::Caller out;
    out.who.kind = identity::Kind::client;
    out.who.tenant = "t1";
    out.who.id = "console";
    return out;
  }
  static std::string text(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
  }

  std::set<Way> settings_ways_{Way::mail, Way::sms, Way::webhook};
  std::set<Way> down_;
  Settings settings_{.warn = {Way::mail}, .page = {Way::mail, Way::sms}};
  FakeClock clock_{Timestamp{kMorningMs}};
  SystemRandom random_;
  UlidSource ids_{clock_, random_};
  test::RecordingLogger log_;
  std::string folder_;
  const rabt::test::StoreUnderTest database_;
  std::unique_ptr<crypto::Keyring> keyring_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<audit::AuditLog> audit_;
  std::unique_ptr<keys::DataKeys> keys_;
  std::unique_ptr<Alerts> alerts_;
  std::array<FakeChannel*, kWays> channels_{};
  std::vector<std::string> told;
  std::vector<Message> messages;
};

}  // namespace rabt::alerts

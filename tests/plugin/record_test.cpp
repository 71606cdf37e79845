#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "hub/plugin/package/package_files.hpp"
#include "hub/plugin/recorder.hpp"
#include "rabt/testing/fake_host.hpp"
#include "support.hpp"

// The SDK's fakes replay the calls that the hub records, without secrets and patient data.
namespace rabt::plugin::test::record_test {
namespace {

namespace fakes = rabt::sdk::testing;

constexpr const char* kSecret = "s3cret-of-the-courier";
constexpr const char* kToken = "tok-4711-passing";

std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Record : public BothWays {
 protected:
  void SetUp() override {
    BothWays::SetUp();
    PluginConfig config = hub_.config("courier");
    config.config = settings();
    config.secrets["token"] = std::make_shared<SecretBytes>(std::string_view(kSecret));
    config.allow_private_addresses = true;
    config.record = folder();
    ASSERT_TRUE(hub_.host->load(std::move(config)).ok());
    ASSERT_TRUE(hub_.host->bind_role("courier", "plugin://courier").ok());
  }
  [[nodiscard]] Json settings() const {
    return Json::object({{"base_url", server_.url()}, {"other_url", server_.url()}});
  }
  [[nodiscard]] std::string folder() const { return hub_.folder.path() + "/tapes"; }
  [[nodiscard]] std::string tape(const std::string& name) const { return folder() + "/" + name; }
  // The cassette has this many exchanges.
  bool comes(const std::string& name, std::size_t exchanges) {
    return eventually(
        [&] { return fakes::Cassette::load(tape(name)).exchanges().size() == exchanges; });
  }
  Hub hub_;
  TinyServer server_{
      TinyServer::Mode::answer,
      std::string(R"({"access_token":")") + kToken +
          R"(","patient":"Layla Canary","echo":"s3cret-of-the-courier Layla Canary"})"};
};
RABT_BOTH_WAYS(Record);

TEST_P(Record, WhatTheHubRecordsTheFakesOfTheSdkReplay) {
  const Json given = Json::object({{"note", "n-1"}, {"patient", "Layla Canary"}});
  ASSERT_EQ(hub_.call("courier", "carry", given).kind, workflow::OutcomeKind::done);
  ASSERT_TRUE(comes("carry-0001.json", 2));

  // The plugin's own test: the same library, on the fake host.
  const std::string library = fixture("courier") + "/" + library_path();
  void* const mapped = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(mapped, nullptr) << ::dlerror();
  const auto* const entry = static_cast<const rabt_entry*>(::dlsym(mapped, "rabt_plugin_entry"));
  ASSERT_NE(entry, nullptr);
  const fakes::Cassette cassette = fakes::Cassette::load(tape("carry-0001.json"));
  ASSERT_EQ(cassette.problem(), "");
  fakes::FakeHost host(settings().dump(), *entry);
  ASSERT_TRUE(host.started()) << host.problem;
  host.secrets["token"] = "any";
  std::vector<std::string> wrong;
  host.outside = cassette.player([&wrong](const std::string& what) { wrong.push_back(what); });
  const auto outcome = host.call("carry", R"({"note":"n-1","patient":"[patient]"})", "key-1");
  EXPECT_TRUE(wrong.empty()) << wrong.front() << "\n" << text_of(tape("carry-0001.json"));
  EXPECT_EQ(host.requests.size(), 2U);
  EXPECT_NE(outcome.output.find(R"("status":200)"), std::string::npos) << outcome.output;
  EXPECT_EQ(host.violations(), "");
}

TEST_P(Record, NeitherSecretsNorPatientDataStandInTheFile) {
  const Json given = Json::object({{"note", "Layla Canary"}, {"patient", "Layla Canary"}});
  ASSERT_EQ(hub_.call("courier", "carry", given).kind, workflow::OutcomeKind::done);
  ASSERT_TRUE(comes("carry-0001.json", 2));
  const std::string text = text_of(tape("carry-0001.json"));
  EXPECT_EQ(text.find("Layla"), std::string::npos) << text;  // also where it is no marked member
  EXPECT_EQ(text.find("Canary"), std::string::npos) << text;
  EXPECT_EQ(text.find(kSecret), std::string::npos) << text;
  EXPECT_EQ(text.find(kToken), std::string::npos) << text;
  EXPECT_NE(text.find("\"secret\": \"token\""), std::string::npos) << text;
  struct stat file {};
  ASSERT_EQ(::stat(tape("carry-0001.json").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(folder().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0700U);
}

TEST_P(Record, EachCallHasAFileAndThoseOfNoCallShareOne) {
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(hub_.call("courier", "carry", Json::object({{"note", "n"}})).kind,
              workflow::OutcomeKind::done);
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(hub_.call("courier", "carry", Json::object({{"background", true}})).kind,
              workflow::OutcomeKind::done);
  EXPECT_TRUE(comes("carry-0001.json", 2));
  EXPECT_TRUE(comes("carry-0002.json", 2));
  EXPECT_TRUE(comes("background-0001.json", 4));
}

TEST_P(Record, WhatWasThereStays) {
  const std::string old = tape("carry-0001.json");
  std::ofstream(old) << "old";
  ASSERT_EQ(hub_.call("courier", "carry", Json::object({{"note", "n"}})).kind,
            workflow::OutcomeKind::done);
  EXPECT_TRUE(comes("carry-0002.json", 2));
  EXPECT_EQ(text_of(old), "old");
}

// The order is that of the requests, whatever comes first.
TEST(Recorder, KeepsTheOrderOfTheRequests) {
  const TempFolder folder;
  auto recorder = Recorder::open({folder.path() + "/tapes", phi::strict_policy(), {"name"}, {}});
  ASSERT_TRUE(recorder.ok());
  const auto begin = [&](const char* url, const char* body) {
    return (*recorder)->begin({.call = 7,
                               .action = "a",
                               .arguments = Json(),
                               .head = Json::object({{"url", url}}),
                               .body = body});
  };
  const auto end = [&](std::uint64_t place, std::string body) {
    Recorder::Answer answer{"yes", 200, Json::array(), std::move(body), ""};
    const Status written = (*recorder)->end(place, std::move(answer));
    EXPECT_TRUE(written.ok()) << written.error().message;
  };
  const std::string path = folder.path() + "/tapes/a-0001.json";
  const std::uint64_t first = begin("http://x/1", R"({"name": {"given": "Layla"}, "n": 1})");
  const std::uint64_t second = begin("http://x/2", "\xff\xfe");
  end(second, R"({"refresh_token":"first-seen-here"})");
  ASSERT_EQ(fakes::Cassette::load(path).exchanges().size(), 1U);
  end(first, "it was first-seen-here, said nobody");
  const fakes::Cassette cassette = fakes::Cassette::load(path);
  ASSERT_EQ(cassette.exchanges().size(), 2U) << cassette.problem();
  EXPECT_EQ(cassette.exchanges()[0].url, "http://x/1");
  EXPECT_EQ(cassette.exchanges()[0].method, "GET");
  EXPECT_EQ(cassette.exchanges()[0].body, R"({"name":"[patient]","n":1})");
  EXPECT_EQ(cassette.exchanges()[0].answer.body, "it was [secret], said nobody");
  EXPECT_EQ(cassette.exchanges()[1].body, "[2 bytes]");
  EXPECT_EQ(cassette.exchanges()[1].answer.body, R"({"refresh_token":"[secret]"})");
}

TEST(Recorder, LeavesUnchangedBodiesByteForByte) {
  const TempFolder folder;
  auto recorder = Recorder::open({folder.path() + "/tapes", phi::strict_policy(), {}, {}});
  ASSERT_TRUE(recorder.ok());
  const std::string body = "{ \"n\" : 1.50, \"b\":[ ] }";
  const std::uint64_t place = (*recorder)->begin({.call = 1,
                                                  .action = "a",
                                                  .arguments = Json(),
                                                  .head = Json::object({{"url", "http://x"}}),
                                                  .body = body});
  ASSERT_TRUE((*recorder)->end(place, {"maybe", 0, Json::array(), "", "timeout"}).ok());
  const fakes::Cassette cassette = fakes::Cassette::load(folder.path() + "/tapes/a-0001.json");
  ASSERT_EQ(cassette.exchanges().size(), 1U);
  EXPECT_EQ(cassette.exchanges()[0].body, body);
  EXPECT_EQ(cassette.exchanges()[0].answer.sent, RABT_SENT_MAYBE);
  EXPECT_EQ(cassette.exchanges()[0].answer.error, "timeout");
}

TEST(Recorder, SaysWhatAFolderLacks) {
  const TempFolder folder;
  std::ofstream(folder.path() + "/file") << "x";
  const auto recorder =
      Recorder::open({folder.path() + "/file/below", phi::strict_policy(), {}, {}});
  ASSERT_FALSE(recorder.ok());
  EXPECT_EQ(recorder.error().code, "plugin.record");
}

}  // namespace
}  // namespace rabt::plugin::test::record_test

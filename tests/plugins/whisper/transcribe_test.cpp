#include <atomic>
#include <cstdlib>
#include <future>
#include <iterator>
#include <thread>

#include "recogniser.hpp"
#include "tests/plugins/test_host.hpp"
#include "tests/plugins/whisper/puppet.hpp"

namespace rabt::whisper::transcribe_test {
namespace {

using nlohmann::json;
using rabt::testing::TestHost;
using sdk::Kind;

json said_of(const sdk::Outcome& outcome) {
  EXPECT_EQ(outcome.kind, Kind::done) << outcome.code << " " << outcome.message;
  return json::parse(outcome.output, nullptr, false);
}

// whisper.cpp itself, with a model that says the same of every window: until its twentieth second.
TEST(WhisperTranscribe, WindowsBecomeOneTranscriptWithItsTimes) {
  const test::Puppet puppet;
  TestHost host(puppet.config());
  ASSERT_TRUE(host.started()) << host.problem;
  host.blobs["b-1"] = {.content_type = "audio/wav", .content = test::wave(test::tone(40'000))};
  const json said =
      said_of(host.call("transcribe", {{"blob", "b-1"}, {"language", "ar"}}, "k", 3'600'000));
  EXPECT_EQ(said["language"], "ar");
  EXPECT_EQ(said["durationMs"], 40'000);
  const auto expected = [&](std::size_t at, std::int64_t from, std::int64_t to, const char* text) {
    const json& one = said["segments"].at(at);
    EXPECT_EQ(one["startMs"], from) << at;
    EXPECT_EQ(one["endMs"], to) << at;
    EXPECT_EQ(one["text"], text) << at;
    EXPECT_GT(one["confidence"], 0.9) << at;
  };
  ASSERT_EQ(said["segments"].size(), 4U) << said.dump();
  expected(0, 0, 4'000, "السلام عليكم");
  expected(1, 6'000, 20'000, "صداع fever");
  expected(2, 20'000, 24'000, "السلام عليكم");
  expected(3, 26'000, 40'000, "صداع fever");
}

TEST(WhisperTranscribe, TheLanguageIsTheSessionsOrTheOneThatIsHeard) {
  const test::Puppet puppet;
  const std::string sound = test::wave(test::tone(3'000));
  TestHost asked(puppet.config());
  asked.blobs["b-1"] = {.content_type = "audio/wav", .content = sound};
  const auto language = [](TestHost& host, const char* of) {
    return said_of(host.call("transcribe", {{"blob", "b-1"}, {"language", of}}, "k", 3'600'000))
        .value("language", "");
  };
  EXPECT_EQ(language(asked, "ar-SA"), "ar-SA");
  EXPECT_EQ(language(asked, "en"), "en");
  // The model takes everything for Arabic.
  TestHost heard(puppet.config(R"(,"detect":true)"));
  heard.blobs["b-1"] = {.content_type = "audio/wav", .content = sound};
  EXPECT_EQ(language(heard, "en"), "ar");
  const auto refused = asked.call("transcribe", {{"blob", "b-1"}, {"language", "ur"}});
  EXPECT_EQ(refused.code, "asr.language");
}

TEST(WhisperTranscribe, NothingIsMadeOfSilence) {
  const test::Puppet puppet;
  TestHost host(puppet.config());
  host.blobs["b-1"] = {.content_type = "audio/wav",
                       .content = test::wave(std::vector<std::int16_t>(16'000 * 35))};
  const json said =
      said_of(host.call("transcribe", {{"blob", "b-1"}, {"language", "ar"}}, "k", 3'600'000));
  EXPECT_TRUE(said["segments"].empty());
  EXPECT_EQ(said["durationMs"], 35'000);
}

TEST(WhisperTranscribe, AModelThatNobodyMeantIsRefused) {
  const test::Puppet puppet;
  const auto fault = [](const std::string& config) {
    try {
      const Recogniser loaded(read_settings(config));
    } catch (const sdk::Refusal& refusal) {
      return refusal.code();
    }
    return std::string("none");
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string config = puppet.config();
    return config.replace(config.find(from), from.size(), to);
  };
  EXPECT_EQ(fault(puppet.config()), "none");
  EXPECT_EQ(fault(with(puppet.sha256, std::string(64, '0'))), "asr.model");
  EXPECT_EQ(fault(with("puppet.bin", "nothere.bin")), "asr.model");
  EXPECT_EQ(fault(with("puppet.bin", "../puppet.bin")), "asr.config");
  EXPECT_EQ(fault(with("\"ar\"", "\"xx\"")), "asr.config");
  EXPECT_EQ(fault(with("\"threads\":1", "\"threads\":64")), "asr.config");
}

// In the middle of a window: whisper.cpp is asked between the parts of its work.
TEST(WhisperTranscribe, WhoIsToldToStopStops) {
  const test::Puppet puppet;
  Recogniser recogniser(read_settings(puppet.config()));
  asr::Stop stop;
  stop.begin(std::chrono::hours(1));
  std::promise<void> heard;
  auto stopped = std::async(std::launch::async, [&] {
    const auto sound = test::tone(1'000);
    recogniser.begin("ar", stop);
    for (std::int64_t at = 0;; at += 1'000) {
      try {
        recogniser.take(at, sound);
      } catch (const asr::Stopped&) {
        return true;
      }
      if (at == 31'000) heard.set_value();
    }
  });
  ASSERT_EQ(heard.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  stop.ask();
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  // The next recording is heard as if nothing had been.
  stop.begin(std::chrono::hours(1));
  recogniser.begin("ar", stop);
  recogniser.take(0, test::tone(5'000));
  recogniser.end();
  EXPECT_FALSE(recogniser.taken().empty());
  // A call's time is over before it began.
  stop.begin(std::chrono::milliseconds(0));
  recogniser.begin("ar", stop);
  EXPECT_THROW(recogniser.take(0, test::tone(1'000)), asr::Stopped);
}

// Transcribes an operator's own recording with his own model, if both are set: RABT_WHISPER_MODEL,
// RABT_WHISPER_SOUND (WAVE or WebM), RABT_WHISPER_LANGUAGE.
TEST(WhisperTranscribe, ARealModelSaysWhatItHears) {
  const char* const model = std::getenv("RABT_WHISPER_MODEL");     // NOLINT(concurrency-mt-unsafe)
  const char* const sound = std::getenv("RABT_WHISPER_SOUND");     // NOLINT(concurrency-mt-unsafe)
  const char* const asked = std::getenv("RABT_WHISPER_LANGUAGE");  // NOLINT(concurrency-mt-unsafe)
  if (model == nullptr || sound == nullptr)
    GTEST_SKIP() << "RABT_WHISPER_MODEL and RABT_WHISPER_SOUND name none";
  const std::filesystem::path path(model);
  const std::string language = asked == nullptr ? "ar" : asked;
  TestHost host(json{{"languages", {language}},
                     {"model",
                      {{"folder", path.parent_path().string()},
                       {"file", path.filename().string()},
                       {"sha256", asr::digest_of_file(model)}}}}
                    .dump());
  ASSERT_TRUE(host.started()) << host.problem;
  std::ifstream file(sound, std::ios::binary);
  host.blobs["b-1"] = {.content_type = "audio/wav",
                       .content = std::string((std::istreambuf_iterator<char>(file)),
                                              std::istreambuf_iterator<char>())};
  const json said =
      said_of(host.call("transcribe", {{"blob", "b-1"}, {"language", language}}, "k", 36'000'000));
  for (const json& one : said["segments"])
    std::printf("%8lld %8lld  %s\n", static_cast<long long>(one["startMs"]),
                static_cast<long long>(one["endMs"]), one["text"].get<std::string>().c_str());
  EXPECT_GT(said["durationMs"], 0);
}

}  // namespace
}  // namespace rabt::whisper::transcribe_test

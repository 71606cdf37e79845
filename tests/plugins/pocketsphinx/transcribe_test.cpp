#include "model.hpp"
#include "tests/plugins/pocketsphinx/speech.hpp"
#include "tests/plugins/test_host.hpp"

namespace rabt::pocketsphinx::transcribe_test {
namespace {

using nlohmann::json;
using rabt::testing::TestHost;
using sdk::Kind;

std::string text_of(const sdk::Outcome& outcome) {
  std::string text;
  const json said = json::parse(outcome.output, nullptr, false);
  for (const json& one : said.value("segments", json::array())) text += one.value("text", "") + " ";
  return text;
}

TEST(Transcribe, ASentenceThatIsSpokenIsWrittenDown) {
  TestHost host(test::config());
  const std::string sound = test::spoken(test::kSentence);
  host.blobs["b-1"] = {.content_type = "audio/wav", .content = sound};
  const auto outcome = host.call("transcribe", {{"blob", "b-1"}, {"language", "en"}}, "k", 600'000);
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.code << " " << outcome.message;
  const std::string text = text_of(outcome);
  for (const char* word : {"patient", "fever", "headache"})
    EXPECT_NE(text.find(word), std::string::npos) << word << " in: " << text;
  const json said = json::parse(outcome.output);
  EXPECT_EQ(said["language"], "en-US");
  EXPECT_EQ(said["durationMs"], (sound.size() - 44) / 32);
  EXPECT_LE(said["segments"][0]["startMs"], said["segments"][0]["endMs"]);
  // The engine keeps nothing of it for the next one.
  host.blobs["b-2"] = {.content_type = "audio/wav", .content = test::spoken("yes")};
  EXPECT_EQ(
      text_of(host.call("transcribe", {{"blob", "b-2"}, {"language", "en-US"}}, "k2", 600'000))
          .find("patient"),
      std::string::npos);
}

TEST(Transcribe, WhatCannotBeHeardSaysWhy) {
  TestHost host(test::config());
  host.blobs["b-1"] = {.content_type = "video/mp4", .content = "bytes of a film"};
  const auto code = [&](const char* blob, const char* language) {
    const auto outcome = host.call("transcribe", {{"blob", blob}, {"language", language}});
    EXPECT_EQ(outcome.kind, Kind::permanent);
    return outcome.code + " " + std::to_string(json::parse(outcome.detail).value("status", 0));
  };
  EXPECT_EQ(code("b-1", "en"), "asr.format 415");
  EXPECT_EQ(code("b-1", "ar"), "asr.language 422");
  EXPECT_EQ(code("b-1", "en-GB"), "asr.language 422");
  EXPECT_EQ(code("b-0", "en"), "asr.no_recording 404");
}

TEST(Transcribe, AModelThatNobodyMeantIsRefused) {
  const auto fault = [](const std::string& config) {
    try {
      check_model(read_settings(config));
    } catch (const sdk::Refusal& refusal) {
      return refusal.code();
    }
    return std::string("none");
  };
  EXPECT_EQ(fault(test::config()), "none");
  EXPECT_EQ(fault(test::config(std::string(64, '0'))), "asr.model");
  std::string other = test::config();
  other.replace(other.find("cmudict"), 7, "nothere");
  EXPECT_EQ(fault(other), "asr.model");
  other = test::config();
  other.replace(other.find("cmudict"), 7, "../dict");
  EXPECT_EQ(fault(other), "asr.config");
}

}  // namespace
}  // namespace rabt::pocketsphinx::transcribe_test

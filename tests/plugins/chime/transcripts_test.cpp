#include "transcripts.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

// Transcript events of Amazon Transcribe. Their shapes are those of Amazon's guide, "Processing a
// received live transcript event".
namespace rabt::chime::transcripts_test {
namespace {

using Json = nlohmann::json;

Json word(const std::string& content, const std::string& user, std::int64_t at,
          const char* type = "pronunciation") {
  return {{"type", type},          {"startTimeMs", at},
          {"endTimeMs", at + 200}, {"attendee", {{"attendeeId", "1"}, {"externalUserId", user}}},
          {"content", content},    {"vocabularyFilterMatch", false}};
}
std::string line(const std::string& id, bool partial, const Json& items,
                 const std::string& whole = "") {
  Json alternative{{"items", items}};
  if (!whole.empty()) alternative["transcript"] = whole;
  return Json{{"transcript",
               {{"results",
                 {{{"resultId", id},
                   {"isPartial", partial},
                   {"startTimeMs", 1},
                   {"endTimeMs", 2},
                   {"alternatives", {alternative}}}}}}}}
             .dump() +
         "\n";
}

TEST(ChimeTranscripts, WhatIsFinalIsTakenOnceInOrderOfTime) {
  Transcripts transcripts;
  transcripts.take(
      R"({"status":{"type":"started","eventTimeMs":1620118800000}})"
      "\n" +
      line("2", false,
           {word("Good", "doctor", 1620118805000), word("morning", "doctor", 1620118805300),
            word(".", "doctor", 1620118805500, "punctuation")}) +
      line("1", true, Json::array({word("the", "patient", 1620118800000)})));
  transcripts.take(line(
      "1", false, {word("the", "patient", 1620118800000), word("fox", "patient", 1620118800300)}));
  transcripts.take(line(
      "1", false, {word("the", "patient", 1620118800000), word("fox", "patient", 1620118800300)}));
  const Json said = transcripts.said();
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0], (Json{{"key", "1/0"},
                           {"identity", "patient"},
                           {"at", 1620118800000},
                           {"endAt", 1620118800500},
                           {"text", "the fox"}}));
  EXPECT_EQ(said[1]["identity"], "doctor");
  EXPECT_EQ(said[1]["text"], "Good morning.");
}

TEST(ChimeTranscripts, TwoWhoSpeakInOneResultAreToldApart) {
  Transcripts transcripts;
  Json sure = word("yes", "patient", 30);
  sure["confidence"] = 0.5;
  transcripts.take(line("1", false,
                        {word("pain", "doctor", 10), word("?", "doctor", 20, "punctuation"), sure,
                         word("since", "doctor", 40)}));
  const Json said = transcripts.said();
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(said[0]["text"], "pain?");
  EXPECT_EQ(said[1]["text"], "yes");
  EXPECT_EQ(said[1]["confidence"], 0.5);
  EXPECT_EQ(said[1]["key"], "1/1");
  EXPECT_EQ(said[2]["text"], "since");
}

// Numbers of 64 bits may come as text, what is false may be left out, and a language without spaces
// is written as Amazon writes it.
TEST(ChimeTranscripts, OtherWaysOfWritingTheSameAreRead) {
  Json result{
      {"resultId", "1"},
      {"alternatives",
       {{{"transcript", "頭が痛い"}, {"items", {word("頭", ".p", 0), word("が", ".p", 0)}}}}}};
  result["alternatives"][0]["items"][0]["startTimeMs"] = "1620118800000";
  Transcripts transcripts;
  transcripts.take(Json{{"results", {result}}}.dump());
  const Json said = transcripts.said();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0]["text"], "頭が痛い");
  EXPECT_EQ(said[0]["at"], 1620118800000);
  EXPECT_EQ(said[0]["identity"], "p");
}

TEST(ChimeTranscripts, WhatIsNoMessageIsPassedOver) {
  Transcripts transcripts;
  for (const char* const file :
       {"", "\n\n", "{", "[]", "null", R"({"transcript":[]})", R"({"transcript":{"results":7}})",
        R"({"results":[7,{},{"resultId":"1"},{"resultId":"1","alternatives":[]}]})",
        R"({"results":[{"resultId":"1","alternatives":[7]}]})",
        R"({"results":[{"resultId":"1","alternatives":[{"items":[7,{"content":"x"}]}]}]})",
        R"({"results":[{"resultId":"1","alternatives":[{"items":[
            {"content":"no time","attendee":{"externalUserId":"p"}}]}]}]})"})
    transcripts.take(file);
  EXPECT_EQ(transcripts.said(), Json::array());
  transcripts.take(line("1", false, Json::array({word(std::string(9'000, 'x'), "p", 5)})));
  EXPECT_EQ(transcripts.said()[0]["text"].get<std::string>().size(), Transcripts::kLongest);
}

}  // namespace
}  // namespace rabt::chime::transcripts_test

#include "hub/formats/formats.hpp"

#include <gtest/gtest.h>

#include "hub/formats/limits.hpp"

// CSV and HL7 v2 as JSON, and back. How mapped sources read them stands in tests/mapping.
namespace rabt::formats::formats_test {
namespace {

Json json(std::string_view text) {
  auto parsed = Json::parse(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.ok() ? *std::move(parsed) : Json();
}
template <typename T>
std::string said(const Result<T>& result) {
  return result.ok() ? "good" : result.error().message;
}
std::string csv(std::string_view rows, const Csv& form = {}) {
  const auto text = write_csv(form, json(rows));
  return text.ok() ? *text : text.error().message;
}
std::string hl7(std::string_view message) {
  const auto text = write_hl7(json(message));
  return text.ok() ? *text : text.error().message;
}

TEST(Csv, RowsAreWrittenUnderTheMembersOfTheFirst) {
  EXPECT_EQ(csv(R"([{"a": "1", "b": null}, {"b": 10.10}, {"a": true, "b": ""}])"),
            "a,b\r\n1,\r\n,10.10\r\ntrue,\r\n");
  EXPECT_EQ(csv(R"([{"a": "1;2", "b": "x,y"}])", {.separator = ';'}), "a;b\r\n\"1;2\";x,y\r\n");
}

TEST(Csv, WhatIsWrittenIsReadAgain) {
  const Json rows =
      json(R"([{"n": "say \"hi\"", "m": "two\r\nlines"}, {"n": " edge ", "m": "a,b"}])");
  const auto text = write_csv({}, rows);
  ASSERT_TRUE(text.ok()) << said(text);
  const auto again = read_csv({}, *text);
  ASSERT_TRUE(again.ok()) << said(again);
  EXPECT_EQ(again->dump(), rows.dump());
}

TEST(Csv, WhatIsNoTableIsRefusedWithItsRow) {
  for (const char* rows : {"[]", "{}", "[1]", "[{}]", "\"a\"", "null"})
    EXPECT_TRUE(csv(rows).starts_with("CSV is written of a list of objects")) << rows;
  EXPECT_EQ(csv(R"([{"a": "1"}, {"b": "CANARY"}])"),
            "row 2 has a member that the first one has not");
  EXPECT_EQ(csv(R"([{"a": ["CANARY"]}])"), "row 1: a field is a text, a number, a boolean or null");
}

TEST(Csv, TheNameOfAColumnIsBounded) {
  const std::string most(limits::kMaxColumnName, 'n');
  EXPECT_TRUE(read_csv({}, most + "\n1\n").ok());
  EXPECT_EQ(said(read_csv({}, most + "n\n1\n")),
            "column 1 of the message has a name of more than 200 bytes");
}

TEST(Csv, RoomIsAskedForEachRow) {
  std::size_t asked = 0;
  const auto none = read_csv({}, "a,b\n1,2\n3,4\n", [&](std::size_t bytes) {
    EXPECT_GT(bytes, 4U);
    return ++asked < 2;
  });
  EXPECT_EQ(asked, 2U);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, "mapping.values");
}

TEST(Hl7, SegmentsAreWrittenInTheOrderOfTheMembers) {
  EXPECT_EQ(hl7(R"({"MSH": [{"3": "HIS", "9": {"1": "ADT", "2": "A08"}}],
                    "PID": {"3": [{"1": "7", "4.2": "X"}, "8"], "5": {"1": "A|b^c", "2": 9}}})"),
            "MSH|^~\\&|HIS||||||ADT^A08\rPID|||7^^^&X~8||A\\F\\b\\S\\c^9\r");
  EXPECT_EQ(
      hl7(R"([{"MSH": {"3": "H"}}, {"OBR": {"1": 1}}, {"OBX": {"1": 1}}, {"OBR": {"1": 2}}])"),
      "MSH|^~\\&|H\rOBR|1\rOBX|1\rOBR|2\r");
}

TEST(Hl7, WhatIsReadIsWrittenAndReadAgain) {
  const std::string text =
      "MSH|^~\\&|A|B|||20310506||ADT^A08|1|P|2.5||||||UNICODE UTF-8\r"
      "PID|||1^^^X&Y~2||محمد^علي|||F\\T\\G\rOBX|1||||a^b\rOBX|2\r";
  const auto message = read_hl7_text(text);
  ASSERT_TRUE(message.ok()) << said(message);
  const auto written = write_hl7(*message);
  ASSERT_TRUE(written.ok()) << said(written);
  const auto again = read_hl7_text(*written);
  ASSERT_TRUE(again.ok()) << said(again);
  EXPECT_EQ(again->dump(), message->dump());
}

TEST(Hl7, AMistakeNamesThePlaceAndNoValue) {
  const auto is = [](std::string_view message, std::string_view begin) {
    const std::string text = hl7(message);
    EXPECT_TRUE(text.starts_with(begin)) << message << ": " << text;
    EXPECT_EQ(text.find("CANARY"), std::string::npos) << text;
  };
  is("[]", "HL7 v2 is written of");
  is("\"CANARY\"", "HL7 v2 is written of");
  is(R"({"PID": {"3": "CANARY"}})", "a message begins with the segment MSH");
  is(R"({"MSH": [{"3": "A"}, {"3": "CANARY"}]})", "a message begins with the segment MSH");
  is(R"({"MSH": {"3": "A"}, "CANARY": {}})", "a segment has a name of three");
  is(R"({"MSH": {"2": "CANARY"}})", "MSH: a field is named by its number");
  is(R"({"MSH": {"3": "A"}, "PID": {"CANARY": "1"}})", "PID: a field is named by its number");
  is(R"({"MSH": {"3": "A"}, "PID": {"201": "1"}})", "PID: a field is named by its number");
  is(R"({"MSH": {"3": "A"}, "PID": {"3": {"CANARY": "1"}}})", "PID-3: a component is named");
  is(R"({"MSH": {"3": "A"}, "PID": {"3": {"101": "1"}}})", "PID-3: a component is named");
  is(R"({"MSH": {"3": "A"}, "PID": {"3": {"1": ["CANARY"]}}})", "PID-3: a component is a text");
  is(R"({"MSH": {"3": "A"}, "PID": {"3": {"1": "CANARY", "1.1": "2"}}})",
     "PID-3: a component and its first subcomponent");
  is(R"({"MSH": {"3": "A", "18": "WINDOWS-1256"}, "PID": {"5": "محمد CANARY"}})", "MSH-18: ");
}

TEST(Hl7, ATextIsUnicodeWhateverItsHeaderSays) {
  EXPECT_TRUE(read_hl7_text("MSH|^~\\&|A\rPID|||||محمد\r").ok());
  EXPECT_EQ(said(read_hl7_text("MSH|^~\\&|A|||||||||||||||WINDOWS-1256\rPID|||||محمد\r")),
            "MSH-18: the text is Unicode, and MSH-18 names another character set");
}

// Symptom: reading a value of many components took minutes.
// Cause: each component was looked for from the beginning of the value.
// Why this catches it: half a million of them take the time of as many squared.
TEST(Hl7, AValueOfManyComponentsIsReadInTheTimeOfItsLength) {
  std::string bomb = "MSH|^~\\&|A\rPID|||";
  bomb.append(1'000'000, '^');
  const auto empty = read_hl7_text(bomb + "x\r");
  ASSERT_TRUE(empty.ok()) << said(empty);
  EXPECT_EQ((*empty)["PID"][0]["3"][0].string_or("1000001", ""), "x");
  std::string full = "MSH|^~\\&|A\rPID|||a";
  for (int i = 0; i < 400'000; ++i) full += "&a";
  EXPECT_EQ(said(read_hl7_text(full + "\r")).substr(0, 17), "the message has m");
}

}  // namespace
}  // namespace rabt::formats::formats_test

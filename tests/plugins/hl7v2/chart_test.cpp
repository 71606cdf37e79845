#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/plugins/hl7v2/record_system_fake.hpp"

namespace rabt::hl7v2::chart_test {
namespace {

using sdk::Kind;
using test::count;
using test::field;
using test::RecordSystem;
using test::refusing;
using test::visit;
using Kinds = std::vector<std::string>;

const Kinds kWhole{"ADT^A08", "ORU^R01", "MDM^T02"};

TEST(WriteRecord, FilesDiagnosesVitalSignsAndTheNote) {
  RecordSystem his;
  const Json output = his.write(visit());
  EXPECT_EQ(output["found"], true);
  EXPECT_EQ(output["written"], 7) << output;
  EXPECT_EQ(output["refused"], Json::array());
  ASSERT_EQ(his.kinds(), kWhole);
  for (const std::string& message : his.taken) {
    EXPECT_EQ(field(message, "PID", 3), "MRN001");
    EXPECT_EQ(field(message, "PV1", 19), "V-7");
    EXPECT_EQ(field(message, "PV1", 50), "01ABC");
    EXPECT_EQ(field(message, "PV1", 7), "N-P-00001");
  }
  const std::string& adt = his.taken[0];
  EXPECT_EQ(field(adt, "MSH", 9, 3), "ADT_A01");
  EXPECT_EQ(adt.substr(adt.find("DG1|")),
            "DG1|1||G43.9^Migraine, unspecified^ICD10AM||20260310061800+0000|F|||||||||1|"
            "N-P-00001^Subaie^Noura||||01ABC/diagnosis/G43.9^RABT|A\r"
            "DG1|2||I10^^ICD10AM||20260310062000+0000|F|||||||||2|"
            "N-P-00001^Subaie^Noura||||01ABC/diagnosis/I10^RABT|A\r");
  const std::string& oru = his.taken[1];
  EXPECT_EQ(field(oru, "MSH", 9, 3), "ORU_R01");
  EXPECT_EQ(count(oru, "EVN"), 0U);
  EXPECT_EQ(field(oru, "OBR", 4), "8716-3");
  EXPECT_EQ(count(oru, "OBX"), 4U);
  EXPECT_NE(oru.find("OBX|1|NM|8480-6^Systolic blood pressure^LN||138|mm[Hg]^^UCUM|||||F|||"
                     "20260310062000+0000||N-P-00001^Subaie^Noura\r"),
            std::string::npos)
      << oru;
  EXPECT_NE(oru.find("|8867-4^Heart rate^LN||84|/min^^UCUM|||||F|||20260310060500+0000|"),
            std::string::npos);
  EXPECT_EQ(field(oru, "OBX", 5, 1, 3), "36.8");
  const std::string& mdm = his.taken[2];
  EXPECT_EQ(field(mdm, "MSH", 9, 3), "MDM_T02");
  EXPECT_EQ(field(mdm, "TXA", 12), output["reference"]);
  EXPECT_EQ(field(mdm, "TXA", 13), "");
  EXPECT_EQ(field(mdm, "TXA", 19), "AV");
  EXPECT_EQ(field(mdm, "OBX", 3), "10154-3");
  EXPECT_EQ(field(mdm, "OBX", 5), "Chief complaint · الشكوى الرئيسية\nصداع منذ يومين");
  EXPECT_EQ(field(mdm, "OBX", 5, 1, 1), "Plan · الخطة العلاجية\nRest | salt & water\nSleep");
  EXPECT_EQ(field(mdm, "OBX", 5, 1, 2), "Diagnoses · التشخيص\nG43.9 Migraine, unspecified\nI10");
  EXPECT_NE(field(mdm, "OBX", 5, 1, 3).find("138/88 mmHg"), std::string::npos);
  EXPECT_EQ(field(mdm, "OBX", 5, 1, 4),
            "Prescription · الوصفة الطبية\nSumatriptan: 50 mg, once; With water");
}

TEST(WriteRecord, WaitsForTheEncounter) {
  RecordSystem his;
  Json other = visit();
  other["consultation"] = "01OTHER";
  EXPECT_EQ(his.write(other), Json::parse(R"({"found": false, "written": 0, "refused": []})"));
  EXPECT_TRUE(his.seen.empty());
}

TEST(WriteRecord, AVisitWithoutAWordSendsNothing) {
  RecordSystem his;
  EXPECT_EQ(his.write({{"consultation", "01ABC"}})["written"], 0);
  EXPECT_TRUE(his.seen.empty());
}

TEST(WriteRecord, TheEncountersPatientIsWhomTheChartIsAbout) {
  RecordSystem his;
  Json other = visit();
  other["patient"]["identifier"]["value"] = "1000000016";
  EXPECT_EQ(his.call(other, "w").code, "hl7v2.other_patient");
  EXPECT_TRUE(his.seen.empty());
  other.erase("patient");
  his.write(other);
  EXPECT_EQ(field(his.last("ADT^A08"), "PID", 5), "Canaryname");
}

TEST(WriteRecord, ARepeatSendsNothingUnderWhateverKey) {
  RecordSystem his;
  his.write(visit());
  EXPECT_EQ(his.write(visit())["written"], 7);
  EXPECT_EQ(his.seen.size(), 3U);
}

// Symptom to avoid: the whole chart comes twice because one answer was lost.
TEST(WriteRecord, OnlyTheMessageWithoutAnAnswerIsSentAgainAsItWas) {
  for (const std::string& lost : kWhole) {
    RecordSystem his;
    his.says = refusing(lost, "");
    EXPECT_EQ(his.call(visit(), "w").kind, Kind::ambiguous) << lost;
    const std::string id = field(his.taken.back(), "MSH", 10);
    his.host.clock.advance(60'000);
    his.host.restart();
    his.says = refusing("", "");
    const auto outcome = his.call(visit(), "w");
    ASSERT_EQ(outcome.kind, Kind::done) << lost << outcome.code;
    EXPECT_EQ(Json::parse(outcome.output)["written"], 7);
    EXPECT_EQ(his.kinds(), kWhole) << lost;
    EXPECT_EQ(his.seen.size(), 4U) << lost;
    EXPECT_EQ(field(his.last(lost), "MSH", 10), id);
  }
}

TEST(WriteRecord, ADuplicateOfWhatMayHaveArrivedHasArrived) {
  RecordSystem his;
  his.says = refusing("MDM^T02", "");
  EXPECT_EQ(his.call(visit(), "w").kind, Kind::ambiguous);
  his.says = refusing("MDM^T02", "AR", "ERR|||205|E\r");
  EXPECT_EQ(Json::parse(his.call(visit(), "w").output)["refused"], Json::array());
}

TEST(WriteRecord, NothingThatNobodySawIsSentAfterItWasTakenBack) {
  RecordSystem his;
  his.host.outside = [](const testing::Request&) { return testing::unreachable(); };
  EXPECT_EQ(his.call(visit(), "w").kind, Kind::transient);
  his.host.outside = [&](const testing::Request& request) { return his.answer(request); };
  Json later = visit();
  later["diagnoses"].erase(1);
  his.write(later);
  EXPECT_EQ(his.kinds(), kWhole);
  EXPECT_EQ(count(his.taken[0], "DG1"), 1U);
}

TEST(WriteRecord, WhatMayHaveArrivedIsSettledBeforeItsCorrection) {
  RecordSystem his;
  his.says = refusing("MDM^T02", "");
  EXPECT_EQ(his.call(visit(), "w").kind, Kind::ambiguous);
  his.says = refusing("", "");
  Json later = visit();
  later["prescriptions"] = Json::array();
  his.write(later);
  ASSERT_EQ(his.kinds(), (Kinds{"ADT^A08", "ORU^R01", "MDM^T02", "MDM^T10"}));
  EXPECT_EQ(field(his.taken[3], "TXA", 13), field(his.taken[2], "TXA", 12));
  EXPECT_EQ(his.taken[3].find("Sumatriptan"), std::string::npos);
}

TEST(WriteRecord, ACorrectionSaysWhatHoldsAndTakesBackTheRest) {
  RecordSystem his;
  const std::string first = his.write(visit())["reference"];
  Json corrected = visit();
  corrected["diagnoses"].erase(1);
  corrected["diagnoses"][0]["display"] = "Migraine";
  corrected["vitals"]["pulse"] = 90;
  corrected["vitals"].erase("temperatureCel");
  const Json output = his.write(corrected);
  EXPECT_EQ(output["written"], 5) << output;
  ASSERT_EQ(his.taken.size(), 6U);
  const std::string& adt = his.taken[3];
  EXPECT_EQ(count(adt, "DG1"), 2U);
  EXPECT_EQ(field(adt, "DG1", 3, 2), "Migraine");
  EXPECT_EQ(field(adt, "DG1", 21), "U");
  EXPECT_EQ(field(adt, "DG1", 3, 1, 1), "I10");
  EXPECT_EQ(field(adt, "DG1", 21, 1, 1), "D");
  const std::string& oru = his.taken[4];
  ASSERT_EQ(count(oru, "OBX"), 2U) << "what is as it was is not sent again";
  EXPECT_EQ(field(oru, "OBR", 25), "C");
  EXPECT_EQ(field(oru, "OBX", 5), "90");
  EXPECT_EQ(field(oru, "OBX", 11), "C");
  EXPECT_EQ(field(oru, "OBX", 3, 1, 1), "8310-5");
  EXPECT_EQ(field(oru, "OBX", 11, 1, 1), "D");
  const std::string& mdm = his.taken[5];
  EXPECT_EQ(test::kind_of(mdm), "MDM^T10");
  EXPECT_EQ(field(mdm, "TXA", 13), first);
  EXPECT_EQ(field(mdm, "TXA", 12), output["reference"]);
}

TEST(WriteRecord, AllThatWasTakenBackIsMarkedAsEnteredInError) {
  RecordSystem his;
  const std::string first = his.write(visit())["reference"];
  const Json output = his.write({{"consultation", "01ABC"}});
  EXPECT_EQ(output["written"], 0);
  EXPECT_FALSE(output.contains("reference"));
  const std::string note = his.last("MDM^T10");
  EXPECT_EQ(field(note, "TXA", 13), first);
  EXPECT_EQ(field(note, "OBX", 5), "Entered in error · أُدخل بالخطأ");
  EXPECT_EQ(field(his.last("ADT^A08"), "DG1", 21), "D");
  // Written anew, it replaces that.
  his.write(visit());
  EXPECT_EQ(field(his.last("MDM^T10"), "TXA", 13), field(note, "TXA", 12));
  EXPECT_EQ(field(his.last("ADT^A08"), "DG1", 21), "A");
}

Json with_addenda(std::initializer_list<const char*> days) {
  Json out = visit();
  out["addenda"] = Json::array();
  for (const char* day : days)
    out["addenda"].push_back({{"at", std::string("2026-03-") + day + "T08:00:00Z"},
                              {"text", std::string("Said on ") + day}});
  return out;
}

TEST(Addenda, FollowTheirNoteAndAreKnownByTheirTime) {
  RecordSystem his;
  const std::string note = his.write(visit())["reference"];
  EXPECT_EQ(his.write(with_addenda({"11"}))["written"], 8);
  const std::string first = his.last("MDM^T06");
  EXPECT_EQ(field(first, "TXA", 13), note);
  EXPECT_EQ(field(first, "OBX", 5), "Addenda · إضافات\n2026-03-11T08:00:00Z Said on 11");
  EXPECT_EQ(his.taken.size(), 4U) << "nothing but the addendum";
  his.write(with_addenda({"11", "12"}));
  EXPECT_EQ(his.taken.size(), 5U);
  const Json output = his.write(with_addenda({"12"}));
  EXPECT_EQ(output["written"], 8);
  EXPECT_EQ(output["reference"], note);
  ASSERT_EQ(his.taken.size(), 6U);
  EXPECT_EQ(test::kind_of(his.taken[5]), "MDM^T10");
  EXPECT_EQ(field(his.taken[5], "TXA", 13), field(first, "TXA", 12));
  EXPECT_NE(his.taken[5].find("Entered in error"), std::string::npos);
}

TEST(Addenda, AreOriginalsWhereTheirEventIsNotKnown) {
  RecordSystem his;
  const std::string note = his.write(visit())["reference"];
  his.says = refusing("MDM^T06", "AR", "ERR||MSH^1^9|201|E\r");
  const Json output = his.write(with_addenda({"11"}));
  EXPECT_EQ(output["refused"], Json::array()) << output;
  EXPECT_EQ(his.taken.size(), 4U);
  EXPECT_EQ(field(his.last("MDM^T02"), "TXA", 13), note);
  his.write(with_addenda({"11"}));
  EXPECT_EQ(his.taken.size(), 4U);
}

TEST(Refused, AnEntryThatIsNamedIsLeftOutAndTheOthersAreTaken) {
  RecordSystem his;
  his.says = [](const std::string& kind, const std::string& message) {
    const bool bad = kind == "ADT^A08" && message.find("|I10^") != std::string::npos;
    return bad ? std::pair(std::string("AE"), std::string("ERR||DG1^2^3|103|E\r"))
               : std::pair(std::string("AA"), std::string());
  };
  const Json output = his.write(visit());
  EXPECT_EQ(output["written"], 6);
  EXPECT_EQ(output["refused"], Json::parse(R"([{"of": "diagnoses/1", "code": "hl7v2.ae.103"}])"));
  EXPECT_EQ(his.kinds(), kWhole);
  EXPECT_EQ(count(his.taken[0], "DG1"), 1U);
  EXPECT_NE(field(his.last("MDM^T02"), "OBX", 5, 1, 2).find("I10"), std::string::npos)
      << "it stands as text";
  his.says = refusing("", "");
  EXPECT_EQ(his.write(visit())["refused"], Json::array()) << "the code list is loaded";
  EXPECT_EQ(count(his.last("ADT^A08"), "DG1"), 2U);
}

// A refused correction of an entry does not remove the entry.
TEST(Refused, ACorrectionThatIsNamedLeavesWhatWasThere) {
  RecordSystem his;
  his.write(visit());
  Json corrected = visit();
  corrected["vitals"]["pulse"] = 90;
  corrected["vitals"]["weightKg"] = 70;
  his.says = [](const std::string& kind, const std::string& message) {
    const bool bad = kind == "ORU^R01" && message.find("|90|") != std::string::npos;
    return bad ? std::pair(std::string("AE"), std::string("ERR||OBX^1^5|102|E\r"))
               : std::pair(std::string("AA"), std::string());
  };
  const Json output = his.write(corrected);
  EXPECT_EQ(output["refused"], Json::parse(R"([{"of": "vitals/pulse", "code": "hl7v2.ae.102"}])"));
  const std::string oru = his.last("ORU^R01");
  EXPECT_EQ(count(oru, "OBX"), 1U) << oru;
  EXPECT_EQ(field(oru, "OBX", 3), "29463-7");
}

TEST(Refused, AMessageWithoutAPlaceIsLeftOutAndTheNoteDoesNotWait) {
  RecordSystem his;
  his.says = refusing("ADT^A08", "AE");
  const Json output = his.write(visit());
  EXPECT_EQ(output["written"], 5);
  EXPECT_EQ(
      output["refused"],
      Json::parse(
          R"([{"of": "diagnoses/0", "code": "hl7v2.ae"}, {"of": "diagnoses/1", "code": "hl7v2.ae"}])"));
  EXPECT_EQ(his.kinds(), (Kinds{"ORU^R01", "MDM^T02"}));
}

TEST(Refused, ARecordSystemThatIsBusyWithOneMessageTakesTheOthers) {
  RecordSystem his;
  his.says = refusing("ORU^R01", "AR");
  EXPECT_EQ(his.call(visit(), "w").kind, Kind::transient);
  EXPECT_EQ(his.kinds(), (Kinds{"ADT^A08", "MDM^T02"}));
  his.says = refusing("", "");
  EXPECT_EQ(his.write(visit())["written"], 7);
  EXPECT_EQ(his.kinds(), (Kinds{"ADT^A08", "MDM^T02", "ORU^R01"}));
  EXPECT_EQ(his.seen.size(), 4U);
}

TEST(Refused, AllOfItIsAPermanentFailure) {
  RecordSystem his;
  his.says = [](const std::string&, const std::string&) {
    return std::pair(std::string("AE"), std::string("ERR||PID^1^3|204|E\r"));
  };
  const auto outcome = his.call(visit(), "w");
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "hl7v2.ae.204");
  his.says = refusing("", "");
  EXPECT_EQ(his.write(visit())["written"], 7);
}

TEST(Refused, ATakenBackEntryThatStaysIsNamed) {
  RecordSystem his;
  his.write(visit());
  Json corrected = visit();
  corrected["diagnoses"].erase(1);
  his.says = refusing("ADT^A08", "AE");
  const Json output = his.write(corrected);
  EXPECT_EQ(output["refused"],
            Json::parse(R"([{"of": "withdrawn/diagnoses", "code": "hl7v2.ae"}])"));
  his.says = refusing("", "");
  EXPECT_EQ(his.write(corrected)["refused"], Json::array());
  EXPECT_EQ(field(his.last("ADT^A08"), "DG1", 21, 1, 1), "D");
}

TEST(Texts, NoneCanAddASegmentOrAField) {
  RecordSystem his;
  const std::string hostile = "a\rZZZ|1\nZZZ|2\\X0D\\ZZZ\x1c\x0b|^~&\\.br\\\\E\\";
  Json input = visit();
  input["notes"]["assessment"] = hostile;
  input["addenda"] = Json::array({{{"at", hostile}, {"text", hostile}}});
  input["diagnoses"] = Json::array({{{"code", hostile}, {"display", hostile}}});
  input["prescriptions"][0]["items"][0]["name"] = hostile;
  EXPECT_EQ(his.write(input)["refused"], Json::array());
  ASSERT_EQ(his.taken.size(), 4U);
  for (const std::string& message : his.taken) {
    EXPECT_EQ(message.find("\rZZZ"), std::string::npos);
    EXPECT_EQ(message.find_first_of("\n\x1c\x0b"), std::string::npos);
  }
  EXPECT_EQ(field(his.taken[2], "OBX", 5, 1, 1),
            "Assessment · التقييم\na\nZZZ|1\nZZZ|2\\X0D\\ZZZ\n|^~&\\.br\\\\E\\");
}

TEST(Texts, ALongOneComesInPiecesThatJoinToTheWhole) {
  RecordSystem his;
  Json input = visit();
  std::string text;
  while (text.size() < 100'000) text += "كلمة word" + std::string(text.size() % 3, ' ') + "\n";
  input["notes"] = {{"assessment", text + "end"}};
  his.write(input);
  const std::string note = his.last("MDM^T02");
  EXPECT_LT(note.size(), 400'000U);
  std::string joined;
  Message message;
  message.read(note, "");
  for (const Segment& segment : message.segments()) {
    if (segment.name() != "OBX" || segment.text(3) != "51848-0") continue;
    EXPECT_LT(segment.first(5).encoded().size(), 65'536U);
    EXPECT_EQ(segment.text(4), std::to_string(std::count(joined.begin(), joined.end(), '#') + 1));
    joined += "#" + segment.text(5);
  }
  // Blanks at the ends of a field are not read.
  const auto bare = [](std::string some) {
    std::erase_if(some, [](char c) { return c == ' ' || c == '\n' || c == '#'; });
    return some;
  };
  EXPECT_EQ(bare(joined), bare("Assessment · التقييم" + text + "end"));
  // The worst: nothing but line ends.
  input["notes"] = {{"assessment", "a" + std::string(50'000, '\n') + "b"}};
  his.write(input);
  Message worst;
  const std::string second = his.last("MDM^T10");
  worst.read(second, "");
  for (const Segment& segment : worst.segments())
    EXPECT_LT(segment.first(5).encoded().size(), 65'536U);
}

TEST(Texts, AreInTheHospitalsCharacterSet) {
  const auto heading = [](const std::string& charset) {
    RecordSystem his(R"({"url": "mllp://127.0.0.1:2575", "charset": ")" + charset + "\"}");
    Json input = visit();
    input["notes"] = {{"chiefComplaint", "Headache"}};
    EXPECT_EQ(his.write(input)["refused"], Json::array()) << charset;
    const std::string note = his.last("MDM^T02");
    std::string all;
    for (std::size_t i = 0; i < count(note, "OBX"); ++i) all += field(note, "OBX", 5, 1, i) + "\n";
    return all;
  };
  EXPECT_NE(heading("WINDOWS-1256").find("Chief complaint · الشكوى الرئيسية\nHeadache"),
            std::string::npos);
  EXPECT_NE(heading("8859/6").find("Chief complaint / الشكوى الرئيسية\nHeadache"),
            std::string::npos);
  EXPECT_NE(heading("8859/6").find("36.8 C\n"), std::string::npos);
  EXPECT_NE(heading("8859/1").find("Chief complaint\nHeadache"), std::string::npos);
  EXPECT_NE(heading("ASCII").find("Heart rate: 84 beats/min"), std::string::npos);

  RecordSystem latin(R"({"url": "mllp://127.0.0.1:2575", "charset": "8859/1"})");
  const Json output = latin.write(visit());
  EXPECT_EQ(output["refused"], Json::parse(R"([{"of": "note", "code": "hl7v2.charset"}])"));
  EXPECT_EQ(output["written"], 6);
  EXPECT_EQ(latin.kinds(), (Kinds{"ADT^A08", "ORU^R01"}));
}

// Two writes of one visit cross. The second may find the first one's message on its way.
TEST(Store, WritesThatCrossEndWithWhatWasWrittenOnce) {
  RecordSystem his;
  const auto first = his.host.begin("write-record", visit().dump(), "first");
  const auto second = his.host.begin("write-record", visit().dump(), "second");
  his.host.pump();
  for (const auto id : {first, second})
    EXPECT_NE(his.host.outcomes.at(id).kind, Kind::permanent) << his.host.outcomes.at(id).code;
  EXPECT_EQ(his.write(visit())["written"], 7);
  Kinds taken = his.kinds();
  std::sort(taken.begin(), taken.end());
  EXPECT_EQ(taken, (Kinds{"ADT^A08", "MDM^T02", "ORU^R01"}));
}

TEST(Store, AFailureAnywhereLosesNothingAndDoublesNothing) {
  for (const bool late : {false, true}) {
    for (int from = 0;; ++from) {
      RecordSystem his;
      his.host.fail_from = his.host.operations + from;
      his.host.fail_once = true;
      his.host.late_effect = late;
      const auto outcome = his.call(visit(), "w");
      if (outcome.kind == Kind::done) break;
      ASSERT_LT(from, 20);
      EXPECT_TRUE(outcome.kind == Kind::transient || outcome.kind == Kind::ambiguous) << from;
      const auto again = his.call(visit(), "w");
      ASSERT_EQ(again.kind, Kind::done) << from << again.code;
      EXPECT_EQ(Json::parse(again.output)["written"], 7);
      EXPECT_EQ(his.kinds(), kWhole) << from;
    }
  }
}

}  // namespace
}  // namespace rabt::hl7v2::chart_test

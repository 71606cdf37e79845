#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "hub/consultation/record/clinical_views.hpp"
#include "hub/consultation/record/transcript_views.hpp"
#include "hub/identity/people.hpp"

namespace rabt::consultation::record_views_test {
namespace {

constexpr std::string_view kId = "01BX5ZZKBKACTAV9WEVGEMMVRZ";
constexpr std::string_view kAuthor =
    R"({"participant":"01BX5ZZKBKACTAV9WEVGEMMVP1","person":"01BX5ZZKBKACTAV9WEVGEMMVP2",)"
    R"("role":"doctor"})";
constexpr std::string_view kBy =
    R"({"participant":"01BX5ZZKBKACTAV9WEVGEMMVP1","person":"01BX5ZZKBKACTAV9WEVGEMMVP2",)"
    R"("role":"doctor","at":"2026-03-10T06:00:00.000Z"})";

// A record whose document has these members behind its author.
Record record(RecordKind kind, const std::string& members, std::string_view state = {}) {
  return {.id = std::string(kId),
          .kind = kind,
          .number = 17,
          .session = "01BX5ZZKBKACTAV9WEVGEMMVS1",
          .author = "01BX5ZZKBKACTAV9WEVGEMMVP1",
          .state = std::string(state),
          .at_ms = 1'773'122'400'000,
          .updated_ms = 1'773'122'400'000,
          .version = 2,
          .document = *Json::parse("{\"author\":" + std::string(kAuthor) + "," + members + "}")};
}

// The head of a record, these members, and no others.
std::string shown(const Record& record, const std::string& members) {
  std::string head = to_json(head_view(record)).dump();
  head.pop_back();
  return head + "," + members + "}";
}

TEST(RecordViews, AHeadNamesTheRecordInEveryWay) {
  const Record one = record(RecordKind::note, R"("kind":"free")");
  const Json head = to_json(head_view(one));
  EXPECT_EQ(head.string_or("uuid", ""), identity::uuid_of(kId));
  EXPECT_EQ(head["number"], Json(17));
  EXPECT_EQ(head["version"], Json(2));
  EXPECT_EQ(head.string_or("createdAt", ""), to_iso8601({one.at_ms}));
}

TEST(RecordViews, ANoteShowsWhatWasKeptInTheOrderInWhichItWasKept) {
  const std::string diagnoses = R"([{"code":"J06.9","display":"cold","rank":1,"by":)" +
                                std::string(kBy) + R"(},{"code":"I10","rank":2,"by":)" +
                                std::string(kBy) + "}]";
  const std::string members =
      R"("kind":"soap","template":"soap","content":"","sections":{"plan":"rest","assessment":""},)"
      R"("diagnoses":)" +
      diagnoses + R"(,"addenda":[{"author":)" + std::string(kAuthor) +
      R"(,"at":"2026-03-10T07:00:00.000Z","text":"late"},{"author":)" + std::string(kAuthor) +
      R"(,"at":"2026-03-10T08:00:00.000Z","text":"later","diagnoses":)" + diagnoses +
      R"(}],"finalBy":)" + std::string(kBy);
  const Record note = record(RecordKind::note, members, "amended");
  EXPECT_EQ(
      to_json(note_view(note)).dump(),
      shown(
          note,
          members +
              R"(,"author":"01BX5ZZKBKACTAV9WEVGEMMVP2","authorRole":"doctor","status":"amended")"));

  const std::string few =
      R"("kind":"free","content":"x","sections":{},"diagnoses":[],"addenda":[])";
  Record draft = record(RecordKind::note, few, "draft");
  draft.document.set("author", Json::object({{"role", "workflow"}}));
  EXPECT_EQ(to_json(note_view(draft)).dump(),
            shown(draft, few + R"(,"author":null,"authorRole":"workflow","status":"draft")"));
}

TEST(RecordViews, ANoteInErrorSaysByWhomAndWhy) {
  const std::string members =
      R"("kind":"free","content":"x","sections":{},"diagnoses":[],"addenda":[],"finalBy":)" +
      std::string(kBy) + R"(,"enteredInError":{"by":)" + std::string(kAuthor) +
      R"(,"at":"2026-03-10T09:00:00.000Z","reason":"another patient"})";
  const Record note = record(RecordKind::note, members, "entered_in_error");
  EXPECT_EQ(to_json(note_view(note)).dump(),
            shown(note, members + R"(,"author":"01BX5ZZKBKACTAV9WEVGEMMVP2","authorRole":"doctor",)"
                                  R"("status":"entered_in_error")"));
  EXPECT_FALSE(note_view(note).counts());
}

TEST(RecordViews, VitalSignsKeepTheirDigitsAndTheirOrder) {
  const std::string members =
      R"("takenAt":"2026-03-10T06:00:00.000Z","source":"device","device":{"id":"1","serial":"7"},)"
      R"("heartRate":72,"systolic":120,"diastolic":80,"temperatureC":36.60,"weightKg":70.0)";
  const Record vitals = record(RecordKind::vitals, members);
  EXPECT_EQ(to_json(vitals_view(vitals)).dump(),
            shown(vitals, members + R"(,"recordedBy":"01BX5ZZKBKACTAV9WEVGEMMVP2")"));
}

TEST(RecordViews, APrescriptionHasItsNumberAndSaysWhoCancelledIt) {
  const std::string members =
      R"("items":[{"name":"Amoxicillin","dosage":"500 mg","code":"J01CA04","frequency":"3/day",)"
      R"("duration":"7 days","instructions":"with food"},{"name":"Water","dosage":"1 l"}],)"
      R"("notes":"n","cancelled":{"by":)" +
      std::string(kAuthor) + R"(,"at":"2026-03-10T09:00:00.000Z","reason":"allergy"})";
  const Record one = record(RecordKind::prescription, members, "cancelled");
  EXPECT_EQ(to_json(prescription_view(one)).dump(),
            shown(one, members +
                           R"(,"prescriber":"01BX5ZZKBKACTAV9WEVGEMMVP2",)"
                           R"("status":"cancelled","issuedAt":")" +
                           to_iso8601({one.at_ms}) + R"(","prescriptionNumber":"RX-2026-17")"));
}

TEST(RecordViews, APrescriptionSaysWhatWasDispensed) {
  const std::string members =
      R"("items":[{"name":"Amoxicillin","dosage":"500 mg"},{"name":"Water","dosage":"1 l"}],)"
      R"("dispensings":[{"id":"01BX5ZZKBKACTAV9WEVGEMMVS1","reference":"PH-1","pharmacist":"Sara",)"
      R"("pharmacy":"Outpatient","handedOverAt":"2026-03-10T09:00:00.000Z",)"
      R"("items":[{"item":1,"quantity":21,"unit":"tablet"}],"recordedBy":"pharmacy",)"
      R"("recordedAt":"2026-03-10T09:01:00.000Z","enteredInError":{"by":"pharmacy",)"
      R"("at":"2026-03-10T10:00:00.000Z","reason":"another"}},)"
      R"({"id":"01BX5ZZKBKACTAV9WEVGEMMVS2","reference":"PH-2","pharmacist":"Sara",)"
      R"("pharmacy":"Outpatient","handedOverAt":"2026-03-10T09:00:00.000Z","items":[{"item":2}],)"
      R"("notes":"n","recordedBy":"pharmacy","recordedAt":"2026-03-10T09:01:00.000Z"}])";
  const Record one = record(RecordKind::prescription, members, "issued");
  const PrescriptionView view = prescription_view(one);
  EXPECT_FALSE(view.is_dispensed(1)) << "in error";
  EXPECT_TRUE(view.is_dispensed(2));
  EXPECT_NE(to_json(view).dump().find(members), std::string::npos) << to_json(view).dump();
}

TEST(RecordViews, ASegmentNamesItsSpeakerAndNullsWhatIsNotKnown) {
  const std::string live =
      R"("text":"hello","language":null,"seq":3,"source":"browser","final":true,"confidence":null)";
  const std::string speaker = R"(,"speaker":"01BX5ZZKBKACTAV9WEVGEMMVP1")";
  const Record said = record(RecordKind::segment, live);
  EXPECT_EQ(to_json(segment_view(said)).dump(), shown(said, live + speaker));
  const std::string recorded =
      R"("text":"hello","language":"ar","seq":3,"startMs":3,"endMs":9,"source":"asr",)"
      R"("final":true,"confidence":0.50,"recording":"01BX5ZZKBKACTAV9WEVGEMMVR1","voice":"1")";
  const Record heard = record(RecordKind::segment, recorded);
  EXPECT_EQ(to_json(segment_view(heard)).dump(), shown(heard, recorded + speaker));

  for (const std::string& members : {live, recorded}) {
    Json kept = Json::object();
    write_segment(segment_in(*Json::parse("{" + members + "}")), kept);
    EXPECT_EQ(kept.dump(), "{" + members + "}") << "the record keeps it as the answer shows it";
  }
}

}  // namespace
}  // namespace rabt::consultation::record_views_test

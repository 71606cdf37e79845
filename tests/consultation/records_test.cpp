#include "hub/consultation/record/records.hpp"

#include <sstream>

#include "hub/base/bytes.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/utf8.hpp"
#include "hub/consultation/record/document_kind.hpp"
#include "hub/consultation/record/record_book.hpp"
#include "tests/consultation/asked_records.hpp"
#include "tests/consultation/fakes.hpp"
#include "tests/number_of.hpp"
#include "tests/read_pdf.hpp"

// Records of a session on a real store; the sessions themselves are stand-ins.
namespace rabt::consultation::records_test {
namespace {

using rabt::test::must;
using test::RecordHouse;

constexpr const char* kSession = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const std::string kPdf = to_base64(as_bytes(std::string_view("%PDF-1.4\nhello")));

Json medication() {
  return Json::object({{"items", Json::array({Json::object({{"name", "Amoxicillin"},
                                                            {"dosage", "500 mg"},
                                                            {"frequency", "3/day"},
                                                            {"duration", "7 days"}})})}});
}

// The role `asr`, which hears what a test says.
class Ears final : public plugin::ActionRunner {
 public:
  std::uint64_t invoke(plugin::CallRequest call, plugin::Ended done) override {
    if (meanwhile) meanwhile(call);
    calls.push_back(std::move(call));
    done(outcome);
    return 1;
  }
  void cancel(std::uint64_t /*token*/) override {}
  void probe(plugin::CallRequest /*call*/, std::function<void(plugin::ProbeAnswer)> done) override {
    done({});
  }
  std::optional<plugin::Recipient> recipient(std::string_view, std::string_view,
                                             std::string_view) const override {
    return plugin::Recipient{.plugin = "whisper", .version = "1.0.0", .hosts = {}};
  }
  std::map<std::string, std::string> bindings() const override { return {}; }
  std::vector<std::string> roles() const override { return {"asr"}; }
  std::vector<std::string> actions(std::string_view /*role*/) const override { return {}; }
  std::optional<workflow::ActionInfo> find(std::string_view role, std::string_view action,
                                           std::string_view /*version*/) const override {
    if (!bound || role != "asr" || action != "asr.transcribe") return std::nullopt;
    return workflow::ActionInfo{};
  }
  void says(std::initializer_list<std::pair<const char*, Json>> segments) {
    Json said = Json::array();
    for (const auto& [text, sure] : segments) {
      Json item = Json::object({{"startMs", 0}, {"endMs", 900}, {"text", text}});
      if (!sure.is_null()) item.set("confidence", sure);
      said.push_back(std::move(item));
    }
    outcome = {.kind = workflow::OutcomeKind::done,
               .output = Json::object(
                   {{"language", "en-US"}, {"durationMs", 900}, {"segments", std::move(said)}})};
  }
  void fails(workflow::OutcomeKind kind, std::int64_t status) {
    outcome = {.kind = kind,
               .code = "asr.fault",
               .message = "no",
               .detail = Json::object({{"status", status}})};
  }

  bool bound = true;
  workflow::ActionOutcome outcome;
  std::vector<plugin::CallRequest> calls;
  // Runs while the plugin hears.
  std::function<void(const plugin::CallRequest&)> meanwhile;
};

class RecordsTest : public RecordHouse {
 protected:
  RecordsTest() {
    key_ = make_key();
    for (const char* role :
         {"doctor", "specialist", "nurse", "patient", "family_member", "observer"}) {
      const std::string person = person_of(role);
      people_.people[person] = {.id = person, .licence = identity::Licence::vouched};
    }
    admin_ = ids_.next().text();
    pharmacy_ = ids_.next().text();
    set(SessionStatus::active);
    records_.make({.store = *store_,
                   .audit = *audit_,
                   .blobs = *blobs_,
                   .keys = *keys_,
                   .access = *access_,
                   .detector = *detector_,
                   .people = people_,
                   .sessions = sessions_,
                   .actions = &ears_,
                   .book = [this](const Caller& /*caller*/,
                                  const SessionInput& input) { return sessions_.create(input); },
                   .clock = clock_,
                   .random = random_,
                   .ids = ids_,
                   .video = {},
                   .house = {.name = {{"ar", "مستشفى النور"}, {"en", "Al Noor Hospital"}}}});
  }
  ~RecordsTest() override { records_.reset(); }

  std::string person_of(const std::string& role) {
    const auto known = persons_.find(role);
    if (known != persons_.end()) return known->second;
    return persons_.emplace(role, ids_.next().text()).first->second;
  }
  // Everybody's membership, with the session in this state.
  void set(SessionStatus status, const std::string& type = "doctor_patient",
           std::vector<std::string> readers = {"doctor", "patient", "nurse"}) {
    auto& members = sessions_.members[kSession];
    for (const auto& [role, person] : persons_) {
      Membership& membership = members[person];
      if (membership.participant.empty()) membership.participant = ids_.next().text();
      membership.role = role;
      membership.admitted = true;
      membership.host = role == "doctor" || role == "specialist";
    }
    members[admin_].administrator = true;
    // No participant, as every system of the hospital.
    members[pharmacy_].participant.clear();
    for (auto& [person, one] : members) {
      one.tenant = "t1";
      one.session = kSession;
      one.number = 1;
      one.type = type;
      one.status = status;
      one.data_key = key_;
      one.provider = person_of("doctor");
      one.patient = person_of("patient");
      one.patient_pseudonym = "00112233445566778899aabbccddeeff";
      one.started_ms = clock_.now().ms;
      if (is_end(status)) one.ended_ms = clock_.now().ms;
      one.readers = readers;
      for (const auto& [other, peer] : members)
        one.peers.push_back(
            {.participant = peer.participant, .admits = peer.host || peer.role == "nurse"});
    }
  }
  Membership& member(const std::string& role) {
    return sessions_.members[kSession][person_of(role)];
  }
  Ask ask(const std::string& role, Json body = Json::object(), std::string record = {}) {
    Ask ask;
    ask.caller.who = {.kind = identity::Kind::person, .tenant = "t1"};
    ask.caller.who.person = role == "admin" ? admin_ : person_of(role);
    ask.caller.who.id = ask.caller.who.person;
    if (role == "admin") ask.caller.who.roles = {identity::Role::admin};
    ask.session = kSession;
    ask.record = std::move(record);
    ask.body = std::move(body);
    return ask;
  }
  // The pharmacy's system, about a prescription.
  Ask pharmacy(Json body, const std::string& prescription, const std::string& dispensing = {}) {
    Ask made = ask("doctor", std::move(body), prescription);
    made.caller.who = {.kind = identity::Kind::client, .tenant = "t1", .id = "pharmacy"};
    made.caller.who.roles = {identity::Role::integration};
    made.caller.who.person = pharmacy_;
    made.part = dispensing;
    return made;
  }
  static Json handed_over(const std::string& reference, Json more = Json::object()) {
    more.set("reference", reference);
    more.set("pharmacist", "Sara Al-Harbi");
    more.set("pharmacy", "Outpatient pharmacy");
    return more;
  }
  static Json item(std::int64_t place) {
    return Json::object({{"items", Json::array({Json::object({{"item", place}})})}});
  }
  // A prescription of two medications, issued; its id.
  std::string two_medications() {
    Json items = Json::array();
    for (const char* name : {"Amoxicillin", "Paracetamol"})
      items.push_back(Json::object({{"name", name}, {"dosage", "500 mg"}}));
    return must(records_->prescribe(ask("doctor", Json::object({{"items", items}}))))
        .string_or("id", "");
  }
  static Json text(std::string_view value) { return Json::object({{"text", value}}); }
  // "ok", or the code of the error.
  static std::string verdict(const Answer& answer) {
    return answer.ok() ? "ok" : answer.error().code;
  }
  // The doctor reads on where a list was cut.
  Json rest(const Json& first, Answer (AskedRecords::*list)(const Ask&)) {
    Ask more = ask("doctor");
    more.query = {{"cursor", first.string_or("next", "")}};
    return must((records_.*list)(more));
  }
  std::string chats(const std::string& role) {
    return verdict(records_->send_message(ask(role, text("hello"))));
  }
  std::string measures(const std::string& role) {
    return verdict(records_->record_vitals(ask(role, Json::object({{"heartRate", 72}}))));
  }
  std::string says(const std::string& role) {
    return verdict(records_->add_segment(ask(role, text("hello"))));
  }
  // Copies the only record of the kind that the person wrote until he has so many; their numbers
  // are none that are drawn.
  void fill(const char* kind, const std::string& role, std::int64_t most) {
    static constexpr store::Statement kFill{
        "INSERT INTO session_record (tenant, id, kind, number, session, author, state, at_ms, "
        "updated_ms, version, client, blob, sealed) WITH RECURSIVE one (n) AS (SELECT 2 UNION ALL "
        "SELECT n + 1 FROM one WHERE n < $2) SELECT tenant, id || '-' || n, kind, (SELECT "
        "MIN(number) FROM session_record) - n, session, author, state, at_ms, updated_ms, version, "
        "CAST(id || '-' || n AS BLOB), blob, sealed FROM session_record, one WHERE kind = $1 AND "
        "author = $3 AND id NOT LIKE '%-%'"};
    must(store_->write([&](store::Transaction& transaction) {
      return store::run(transaction, kFill, {kind, most, member(role).participant});
    }));
  }
  std::size_t seen(Answer answer) { return must(std::move(answer))["items"].size(); }
  std::string file_bytes() {
    std::string all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(in), {});
    }
    return all;
  }

  std::string key_;
  std::string admin_;
  std::string pharmacy_;
  std::map<std::string, std::string> persons_;
  test::StandInSessions sessions_;
  Ears ears_;
  test::StandInPeople people_;
  AskedRecords records_;
};

TEST_F(RecordsTest, AMessageIsKeptWithItsEntryAndItsEvent) {
  const Json sent = must(records_->send_message(ask("patient", text("السلام عليكم 👋 hello"))));
  EXPECT_EQ(sent.string_or("text", ""), "السلام عليكم 👋 hello");
  EXPECT_EQ(sent.string_or("from", ""), member("patient").participant);
  EXPECT_EQ(sent.int_or("number", 0), 1);
  EXPECT_EQ(sent["phi"].size(), 0U);
  EXPECT_FALSE(sent.bool_or("masked", true));
  const Json list = must(records_->messages(ask("doctor")));
  ASSERT_EQ(list["items"].size(), 1U);
  EXPECT_EQ(list["items"].item(0).dump(), sent.dump());
  ASSERT_EQ(sessions_.told.size(), 1U);
  EXPECT_EQ(sessions_.told[0].first, "message-sent");
  EXPECT_EQ(sessions_.told[0].second.dump().find("hello"), std::string::npos);
  const auto acts = entries();
  ASSERT_EQ(acts.size(), 2U);
  EXPECT_EQ(acts[0].string_or("act", ""), "chat.sent");
  EXPECT_EQ(acts[0].string_or("object", ""), std::string("session:") + kSession);
  EXPECT_EQ(acts[0].string_or("purpose", ""), "PATRQT");
  EXPECT_EQ(acts[0].dump().find("hello"), std::string::npos);
  EXPECT_EQ(acts[1].string_or("act", ""), "session.read");
  EXPECT_EQ(acts[1].string_or("purpose", ""), "TREAT");
}

TEST_F(RecordsTest, NumbersOfAKindAreDrawnOnceAlsoWhenTheLastRecordIsGone) {
  const auto number = [](const Answer& answer) { return must(Answer(answer)).int_or("number", 0); };
  EXPECT_EQ(number(records_->send_message(ask("doctor", text("one")))), 1);
  EXPECT_EQ(number(records_->send_message(ask("doctor", text("two")))), 2);
  static constexpr store::Statement kGone{"DELETE FROM session_record WHERE number = 2"};
  must(store_->write(
      [](store::Transaction& transaction) { return store::run(transaction, kGone, {}); }));
  EXPECT_EQ(number(records_->send_message(ask("doctor", text("three")))), 3);
  EXPECT_EQ(number(records_->write_note(ask("doctor", Json::object({{"content", "x"}})))), 1);
}

TEST_F(RecordsTest, NothingOfAMessageIsOnDiskInClear) {
  must(records_->send_message(ask("doctor", text("unmistakable words"))));
  must(records_->share_document(
      ask("doctor",
          Json::object({{"documentType", "TEXT"},
                        {"contentType", "text/plain"},
                        {"title", "remarkable title"},
                        {"data", to_base64(as_bytes(std::string_view("singular content")))}}))));
  store_->flush();
  const std::string all = file_bytes();
  EXPECT_EQ(all.find("unmistakable"), std::string::npos);
  EXPECT_EQ(all.find("remarkable"), std::string::npos);
  EXPECT_EQ(all.find("singular"), std::string::npos);
}

TEST_F(RecordsTest, TheSameClientIdOfASenderIsOneMessage) {
  const Json body = Json::object({{"text", "once"}, {"clientId", "c-1"}});
  const Json first = must(records_->send_message(ask("doctor", body)));
  const Json again = must(records_->send_message(ask("doctor", body)));
  EXPECT_EQ(again.string_or("id", "a"), first.string_or("id", "b"));
  const Json other = must(records_->send_message(ask("patient", body)));
  EXPECT_NE(other.string_or("id", ""), first.string_or("id", ""));
  EXPECT_EQ(seen(records_->messages(ask("doctor"))), 2U);
  EXPECT_EQ(count("chat.sent"), 2);
  EXPECT_EQ(sessions_.told.size(), 2U);
}

// R-20
TEST_F(RecordsTest, PatientDataAmongStaffIsFlaggedAndBeforeAnObserverRefused) {
  const Json flagged = must(records_->send_message(ask("doctor", text("id 1000000008"))));
  EXPECT_EQ(flagged["phi"].dump(), R"(["national-id"])");
  EXPECT_EQ(count("phi.detected"), 1);
  set(SessionStatus::active, "doctor_patient", {"doctor", "patient", "observer"});
  const Answer refused = records_->send_message(ask("doctor", text("id 1000000008")));
  EXPECT_EQ(verdict(refused), "phi.exposed");
  EXPECT_EQ(exposed_kinds(refused.error()), std::vector<std::string>{"national-id"});
  EXPECT_EQ(refused.error().message.find("1000000008"), std::string::npos);
  EXPECT_EQ(count("phi.detected"), 2);
  EXPECT_EQ(count("chat.sent"), 1);
  EXPECT_EQ(seen(records_->messages(ask("doctor"))), 1U);
  EXPECT_EQ(sessions_.told.back().first, "phi-detected");
}

TEST_F(RecordsTest, AWaitingPersonReadsWhatIsAddressedToHimAlone) {
  must(records_->send_message(ask("doctor", text("among us"))));
  Json addressed = text("please wait");
  addressed.set("to", member("patient").participant);
  must(records_->send_message(ask("nurse", addressed)));
  member("patient").admitted = false;
  member("patient").waiting = true;
  must(records_->send_message(ask("patient", text("I am here"))));
  EXPECT_EQ(seen(records_->messages(ask("patient"))), 2U);
  EXPECT_EQ(seen(records_->messages(ask("doctor"))), 3U);
  EXPECT_EQ(seen(records_->messages(ask("nurse"))), 3U);
  EXPECT_EQ(seen(records_->messages(ask("observer"))), 1U) << "who waits speaks to hosts alone";
  EXPECT_EQ(verdict(records_->record_vitals(ask("patient", Json::object({{"heartRate", 70}})))),
            "participant.waiting");
  // Notes are not his, whether he waits or not.
  EXPECT_EQ(verdict(records_->write_note(ask("patient", Json::object({{"content", "x"}})))),
            "authorisation.denied");
  member("patient").waiting = false;
  EXPECT_EQ(verdict(records_->messages(ask("patient"))), "participant.not_a_participant");
}

// Symptom: an observer who was never let in wrote to the patient.
// Cause: `to` of a message was any id, and who waits could write to everybody.
// Only the reading of messages had a test for who waits.
TEST_F(RecordsTest, WhoWaitsWritesToThoseWhoAdmitHim) {
  const auto writes = [&](const std::string& to) {
    return verdict(
        records_->send_message(ask("observer", Json::object({{"text", "hello"}, {"to", to}}))));
  };
  EXPECT_EQ(writes(member("patient").participant), "ok");
  member("observer").admitted = false;
  member("observer").waiting = true;
  const std::size_t before = seen(records_->messages(ask("patient")));
  EXPECT_EQ(writes(member("patient").participant), "participant.waiting");
  EXPECT_EQ(writes(member("doctor").participant), "ok");
  EXPECT_EQ(writes(member("nurse").participant), "ok");
  must(records_->send_message(ask("observer", text("may I come in?"))));
  EXPECT_EQ(seen(records_->messages(ask("patient"))), before);
  EXPECT_EQ(seen(records_->messages(ask("doctor"))), before + 3);
  EXPECT_EQ(writes(ids_.next().text()), "participant.unknown");
}

TEST_F(RecordsTest, ASessionHasAsManyNotesAndPrescriptionsAsTheLimitsSay) {
  const Json note = Json::object({{"content", "x"}});
  for (std::int64_t i = 0; i < limits::kMaxSessionNotes; ++i)
    ASSERT_EQ(verdict(records_->write_note(ask("doctor", note))), "ok") << i;
  EXPECT_EQ(verdict(records_->write_note(ask("doctor", note))), "record.limit");
  const Json drug = medication();
  for (std::int64_t i = 0; i < limits::kMaxSessionPrescriptions; ++i)
    ASSERT_EQ(verdict(records_->prescribe(ask("doctor", drug))), "ok") << i;
  EXPECT_EQ(verdict(records_->prescribe(ask("doctor", drug))), "record.limit");
  const Json plan = Json::object({{"afterDays", 7}});
  for (std::int64_t i = 0; i < limits::kMaxSessionFollowUps; ++i)
    ASSERT_EQ(verdict(records_->plan_follow_up(ask("doctor", plan))), "ok") << i;
  EXPECT_EQ(verdict(records_->plan_follow_up(ask("doctor", plan))), "record.limit");
}

TEST_F(RecordsTest, ChatVitalSignsAndTranscriptOfASessionHaveAnEnd) {
  ASSERT_EQ(chats("doctor"), "ok");
  fill("message", "doctor", limits::kMaxSessionMessages - 1);
  EXPECT_EQ(chats("doctor"), "ok");
  EXPECT_EQ(chats("doctor"), "record.limit");
  ASSERT_EQ(measures("doctor"), "ok");
  fill("vitals", "doctor", limits::kMaxSessionVitals - 1);
  EXPECT_EQ(measures("doctor"), "ok");
  EXPECT_EQ(measures("doctor"), "record.limit");
  ASSERT_EQ(says("doctor"), "ok");
  fill("segment", "doctor", limits::kMaxSessionSegments - 1);
  EXPECT_EQ(says("doctor"), "ok");
  EXPECT_EQ(says("doctor"), "record.limit");
}

// A patient filled chat, vital signs and transcript of a visit, and the doctor could write nothing.
TEST_F(RecordsTest, NobodyTakesTheRoomOfThoseWhoTreat) {
  ASSERT_EQ(chats("patient"), "ok");
  fill("message", "patient", limits::kMaxMessagesOfOne - 1);
  EXPECT_EQ(chats("patient"), "ok");
  EXPECT_EQ(chats("patient"), "record.limit");
  EXPECT_EQ(chats("family_member"), "ok") << "each has a part";
  fill("message", "family_member", limits::kMaxSessionMessages / 2);
  EXPECT_EQ(chats("observer"), "record.limit") << "all together leave a quarter";
  EXPECT_EQ(chats("doctor"), "ok");
  EXPECT_EQ(chats("nurse"), "ok");
  ASSERT_EQ(measures("patient"), "ok");
  fill("vitals", "patient", limits::kMaxVitalsOfOne);
  EXPECT_EQ(measures("patient"), "record.limit");
  EXPECT_EQ(measures("nurse"), "ok");
  ASSERT_EQ(says("patient"), "ok");
  fill("segment", "patient", limits::kMaxSegmentsOfOne);
  EXPECT_EQ(says("patient"), "record.limit");
  EXPECT_EQ(says("doctor"), "ok");
}

TEST_F(RecordsTest, WhoWaitsWritesLittle) {
  member("patient").admitted = false;
  member("patient").waiting = true;
  ASSERT_EQ(chats("patient"), "ok");
  fill("message", "patient", limits::kMaxMessagesOfWaiting - 1);
  EXPECT_EQ(chats("patient"), "ok");
  EXPECT_EQ(chats("patient"), "record.limit");
  EXPECT_EQ(chats("doctor"), "ok");
  member("patient").admitted = true;
  member("patient").waiting = false;
  EXPECT_EQ(chats("patient"), "ok");
}

// A list of long texts took as much memory as there were texts.
TEST_F(RecordsTest, AListIsCutByItsBytesAndSaysWhereItGoesOn) {
  const std::string longest(4'000, 'x');
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(records_->send_message(ask("patient", text(longest))).ok()) << i;
  must(records_->send_message(ask("doctor", text("the newest"))));
  const Json first = must(records_->messages(ask("doctor")));
  EXPECT_GT(first["items"].size(), 200U);
  EXPECT_LT(first["items"].size(), 270U);
  EXPECT_LT(first.dump().size(), 5U << 18U);
  ASSERT_EQ(first.string_or("next", ""), first["items"].as_array().back().string_or("id", ""));
  const Json second = rest(first, &AskedRecords::messages);
  EXPECT_EQ(first["items"].size() + second["items"].size(), 301U);
  EXPECT_NE(second.dump().find("the newest"), std::string::npos);
  EXPECT_EQ(second.find("next"), nullptr);
  Ask wrong = ask("doctor");
  wrong.query = {{"cursor", "x"}};
  EXPECT_EQ(verdict(records_->messages(wrong)), "cursor.invalid") << "it was the first page";
}

// The lists had the oldest alone, and a chart lost what the doctor measured last.
TEST_F(RecordsTest, WhatWasWrittenLastIsNeverMissing) {
  sessions_.members[kSession][""];
  set(SessionStatus::active);
  must(records_->record_vitals(ask("nurse", Json::object({{"heartRate", 60}}))));
  for (std::int64_t i = 0; i < limits::kMaxPageItems; ++i)
    ASSERT_EQ(measures("patient"), "ok") << i;
  must(records_->record_vitals(ask("doctor", Json::object({{"heartRate", 191}}))));
  const Json first = must(records_->vitals(ask("doctor")));
  EXPECT_EQ(first["items"].size(), static_cast<std::size_t>(limits::kMaxPageItems));
  const Json second = rest(first, &AskedRecords::vitals);
  EXPECT_EQ(second["items"].as_array().back().int_or("heartRate", 0), 191);
  const Json summary = must(records_->summary_of(ask("doctor"), member("doctor")));
  EXPECT_EQ(summary["vitals"].as_array().back().int_or("heartRate", 0), 191);
  EXPECT_EQ(summary["cut"], Json::array({Json("vitals")}));
  Ask chart = ask_of_hub("t1", "workflow");
  chart.session = kSession;
  chart.body = Json::object({{"whole", true}});
  const Json facts = must(records_->clinical_facts(chart));
  EXPECT_EQ(facts["vitals"].int_or("pulse", 0), 191);
  EXPECT_EQ(facts["acts"].int_or("vitals", 0), 2) << "what the nurse measured first counts, too";
}

TEST_F(RecordsTest, ATranscriptComesInPages) {
  const std::string longest(4'000, 'x');
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(records_->add_segment(ask("patient", text(longest))).ok()) << i;
  must(records_->add_segment(ask("doctor", text("the newest"))));
  const Json first = must(records_->transcript(ask("doctor")));
  EXPECT_LT(first["items"].size(), 270U);
  const Json second = rest(first, &AskedRecords::transcript);
  EXPECT_EQ(first["items"].size() + second["items"].size(), 301U);
  EXPECT_NE(second.dump().find("the newest"), std::string::npos);
  EXPECT_EQ(second.find("next"), nullptr);
}

TEST_F(RecordsTest, B18ChatCanBeSwitchedOff) {
  records_.make({.store = *store_,
                 .audit = *audit_,
                 .blobs = *blobs_,
                 .keys = *keys_,
                 .access = *access_,
                 .detector = *detector_,
                 .people = people_,
                 .sessions = sessions_,
                 .book = [this](const Caller& /*caller*/,
                                const SessionInput& input) { return sessions_.create(input); },
                 .clock = clock_,
                 .random = random_,
                 .ids = ids_,
                 .video = {.chat_enabled = false}});
  EXPECT_EQ(verdict(records_->send_message(ask("doctor", text("hello")))), "feature.disabled");
}

TEST_F(RecordsTest, MistakesNameTheirFieldsAndStoreNothing) {
  const Answer wrong = records_->record_vitals(
      ask("nurse", Json::object({{"heartRate", 900}, {"systolic", "high"}, {"device", 7}})));
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, "api.invalid");
  for (const char* field : {"heartRate: ", "systolic: ", "device"})
    EXPECT_NE(wrong.error().message.find(field), std::string::npos) << wrong.error().message;
  EXPECT_EQ(verdict(records_->send_message(ask("doctor", text("  ")))), "api.invalid");
  EXPECT_EQ(verdict(records_->send_message(ask("doctor", text(std::string(4001, 'x'))))),
            "api.invalid");
  EXPECT_EQ(verdict(records_->send_message(ask("doctor", Json::array()))), "api.invalid");
  EXPECT_EQ(
      verdict(records_->send_message(ask("doctor", Json::object({{"text", "x"}, {"unknown", 1}})))),
      "api.invalid");
  EXPECT_TRUE(entries().empty());
}

TEST_F(RecordsTest, ADocumentComesBackByteForByte) {
  const Json shared =
      must(records_->share_document(ask("patient", Json::object({{"documentType", "pdf"},
                                                                 {"contentType", "application/pdf"},
                                                                 {"title", "Report"},
                                                                 {"data", kPdf}}))));
  EXPECT_EQ(shared.int_or("bytes", 0), 14);
  EXPECT_EQ(shared.string_or("documentType", ""), "PDF");
  const auto content = records_->document_content(ask("doctor", {}, shared.string_or("id", "")));
  ASSERT_TRUE(content.ok());
  std::string bytes;
  must(content->reader->read(0, content->reader->info().bytes, [&](std::string_view piece) {
    bytes += piece;
    return ok_status();
  }));
  EXPECT_EQ(bytes, "%PDF-1.4\nhello");
  EXPECT_EQ(content->content_type, "application/pdf");
  EXPECT_EQ(count("document.shared"), 1);
  EXPECT_EQ(count("document.read"), 1);
  // By number and by UUID it is the same document.
  for (const std::string& name : {std::string("1"), shared.string_or("uuid", "")})
    EXPECT_EQ(must(records_->document(ask("nurse", {}, name))).string_or("id", ""),
              shared.string_or("id", "x"));
}

TEST_F(RecordsTest, AParticipantSharesSoManyDocumentsAndNoMore) {
  const auto share = [&](const char* who) {
    return verdict(records_->share_document(ask(
        who, Json::object(
                 {{"documentType", "pdf"}, {"contentType", "application/pdf"}, {"data", kPdf}}))));
  };
  // Uploads that began while there was room end where there is none any more.
  const auto begun = must(records_->begin_document(ask("patient")));
  must(begun->take("%PDF-1.4\nhello"));
  for (std::int64_t i = 0; i < kMostDocumentsOfOne; ++i) ASSERT_EQ(share("patient"), "ok") << i;
  EXPECT_EQ(share("patient"), "document.quota");
  const Json said = Json::object({{"documentType", "PDF"}, {"contentType", "application/pdf"}});
  EXPECT_EQ(verdict(begun->finish(ask("patient", said))), "document.quota");
  EXPECT_EQ(share("doctor"), "ok") << "others have their own";
  EXPECT_EQ(count("document.shared"), kMostDocumentsOfOne + 1);
}

TEST_F(RecordsTest, ADocumentThatComesInPiecesIsOneDocument) {
  const auto upload = must(records_->begin_document(ask("patient")));
  for (const char* piece : {"%P", "DF-1", ".4\nhello"}) must(upload->take(piece));
  const Json said = Json::object(
      {{"documentType", "PDF"}, {"contentType", "application/pdf"}, {"title", "تقرير"}});
  const Json shared = must(upload->finish(ask("patient", said)));
  EXPECT_EQ(shared.int_or("bytes", 0), 14);
  EXPECT_EQ(shared.string_or("title", ""), "تقرير");
  EXPECT_EQ(seen(records_->documents(ask("doctor"))), 1U);
  EXPECT_EQ(count("document.shared"), 1);
}

// Neither a row nor a file nor a key stays of what was not shared.
TEST_F(RecordsTest, ADocumentThatIsNotSharedLeavesNothing) {
  static constexpr store::Statement kBlobs{"SELECT COUNT(*) FROM blob"};
  const auto blobs = [&] { return rabt::test::number_of(*store_, kBlobs); };
  const auto files = [&] {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_))
      found += Ulid::parse(entry.path().stem().string()) ? 1 : 0;
    return found;
  };
  const Json said = Json::object({{"documentType", "DICOM"}, {"contentType", "application/dicom"}});
  {
    const auto half = must(records_->begin_document(ask("patient")));
    must(half->take("%PDF-1.4"));
    EXPECT_EQ(blobs(), 1);
    EXPECT_EQ(files(), 1U);
  }
  EXPECT_EQ(blobs(), 0);
  EXPECT_EQ(files(), 0U);
  {
    const auto wrong = must(records_->begin_document(ask("patient")));
    must(wrong->take("%PDF-1.4"));
    EXPECT_TRUE(wrong->judge("DICOM", "application/dicom").ok()) << "the prefix may yet come";
    must(wrong->take(std::string(2'000, 'x')));
    EXPECT_EQ(wrong->judge("DICOM", "application/dicom").error().code, "document.type");
    EXPECT_EQ(verdict(wrong->finish(ask("patient", said))), "document.type");
  }
  {
    const auto huge = must(records_->begin_document(ask("patient")));
    const std::string mebibyte(1U << 20U, 'x');
    for (int i = 0; i < 50; ++i) must(huge->take(mebibyte));
    EXPECT_EQ(huge->take("x").error().code, "document.too_large");
  }
  {
    // The session ends while the document comes.
    const auto late = must(records_->begin_document(ask("patient")));
    must(late->take("%PDF-1.4"));
    set(SessionStatus::completed);
    EXPECT_EQ(
        verdict(late->finish(ask("patient", Json::object({{"documentType", "PDF"},
                                                          {"contentType", "application/pdf"}})))),
        "session.completed");
  }
  EXPECT_EQ(verdict(Answer(records_->begin_document(ask("patient")).error())), "session.completed");
  EXPECT_EQ(blobs(), 0);
  EXPECT_EQ(files(), 0U);
  EXPECT_EQ(count("document.shared"), 0);
}

TEST_F(RecordsTest, ADocumentIsShownToTheRolesItNames) {
  Json body =
      Json::object({{"documentType", "PDF"}, {"contentType", "application/pdf"}, {"data", kPdf}});
  body.set("shownTo", Json::array({"doctor", "nurse"}));
  const Json shared = must(records_->share_document(ask("specialist", body)));
  const std::string id = shared.string_or("id", "");
  EXPECT_EQ(seen(records_->documents(ask("nurse"))), 1U);
  EXPECT_EQ(seen(records_->documents(ask("specialist"))), 1U);
  EXPECT_EQ(seen(records_->documents(ask("patient"))), 0U);
  EXPECT_EQ(verdict(records_->document(ask("patient", {}, id))), "record.unknown");
  EXPECT_EQ(records_->document_content(ask("patient", {}, id)).error().code, "record.unknown");
  body.set("shownTo", Json::array({"observer"}));
  EXPECT_EQ(verdict(records_->share_document(ask("doctor", body))), "api.invalid");
}

// Symptom: a photograph with a name in it, which nobody had looked at, was shown to the family.
// Cause: `phi: []` said that nothing was found, where nothing had been sought.
TEST_F(RecordsTest, TheFamilySeesNoPictureBeforeSomebodyWhoTreatsSaysSo) {
  const auto share = [&](const char* who, const char* type, const char* media,
                         std::string_view bytes, const Json& shown_to = {}) {
    Json body = Json::object(
        {{"documentType", type}, {"contentType", media}, {"data", to_base64(as_bytes(bytes))}});
    if (shown_to.is_array()) body.set("shownTo", shown_to);
    return must(records_->share_document(ask(who, body)));
  };
  const std::string_view png = "\x89PNG\r\n\x1a\n";
  const Json photo = share("patient", "IMAGE", "image/png", png);
  EXPECT_EQ(photo["unscreened"], Json(true));
  EXPECT_EQ(photo["withheld"], Json(true));
  EXPECT_EQ(sessions_.told.back().second["withheld"], Json(true));
  const std::string id = photo.string_or("id", "");
  EXPECT_EQ(seen(records_->documents(ask("doctor"))), 1U);
  EXPECT_EQ(seen(records_->documents(ask("family_member"))), 0U);
  EXPECT_EQ(verdict(records_->document(ask("family_member", {}, id))), "record.unknown");
  EXPECT_EQ(records_->document_content(ask("family_member", {}, id)).error().code,
            "record.unknown");
  // The patient does not judge that for others, and a doctor may leave the family out.
  const Json all = Json::array({"doctor", "patient", "family_member"});
  EXPECT_EQ(share("patient", "IMAGE", "image/png", png, all)["withheld"], Json(true));
  share("doctor", "IMAGE", "image/png", png, Json::array({"patient"}));
  EXPECT_EQ(seen(records_->documents(ask("family_member"))), 0U);
  const Json said = share("doctor", "IMAGE", "image/png", png);
  EXPECT_EQ(said["unscreened"], Json(true)) << "nobody looked at it all the same";
  EXPECT_EQ(said["withheld"], Json(false));
  EXPECT_EQ(sessions_.told.back().second.find("withheld"), nullptr);
  share("family_member", "IMAGE", "image/png", png);
  EXPECT_EQ(seen(records_->documents(ask("family_member"))), 2U) << "and his own";
  const Json text = share("patient", "TEXT", "text/plain", "I feel better");
  EXPECT_EQ(text["unscreened"], Json(false));
  EXPECT_EQ(seen(records_->documents(ask("family_member"))), 3U);
}

TEST_F(RecordsTest, AnObserverNeitherSharesNorReadsDocuments) {
  const Json body =
      Json::object({{"documentType", "PDF"}, {"contentType", "application/pdf"}, {"data", kPdf}});
  EXPECT_EQ(verdict(records_->share_document(ask("observer", body))), "authorisation.denied");
  EXPECT_EQ(verdict(records_->documents(ask("observer"))), "authorisation.denied");
  const Json dicom = Json::object(
      {{"documentType", "DICOM"}, {"contentType", "application/dicom"}, {"data", kPdf}});
  EXPECT_EQ(verdict(records_->share_document(ask("doctor", dicom))), "document.type");
}

TEST_F(RecordsTest, ANoteIsADraftForStaffAndFinalForThePatient) {
  const Json draft = must(records_->write_note(ask(
      "nurse",
      Json::object({{"template", "soap"}, {"sections", Json::object({{"subjective", "كحة"}})}}))));
  EXPECT_EQ(draft.string_or("status", ""), "draft");
  EXPECT_EQ(draft.string_or("kind", ""), "soap");
  EXPECT_EQ(seen(records_->notes(ask("doctor"))), 1U);
  EXPECT_EQ(seen(records_->notes(ask("patient"))), 0U);
  EXPECT_EQ(verdict(records_->notes(ask("observer"))), "authorisation.denied");
  EXPECT_EQ(verdict(records_->write_note(
                ask("nurse", Json::object({{"content", "x"}, {"status", "final"}})))),
            "authorisation.denied");
  EXPECT_EQ(verdict(records_->write_note(ask("patient", Json::object({{"content", "x"}})))),
            "authorisation.denied");
  EXPECT_EQ(verdict(records_->write_note(
                ask("doctor", Json::object({{"template", "poem"}, {"content", "x"}})))),
            "api.invalid");

  Ask change = ask("doctor", Json::object({{"status", "final"}}), draft.string_or("id", ""));
  EXPECT_EQ(verdict(records_->change_note(change)), "precondition.required");
  change.version = 9;
  EXPECT_EQ(verdict(records_->change_note(change)), "precondition.failed");
  change.version = 1;
  const Json final = must(records_->change_note(change));
  EXPECT_EQ(final.string_or("status", ""), "final");
  EXPECT_EQ(final.int_or("version", 0), 2);
  EXPECT_EQ(seen(records_->notes(ask("patient"))), 1U);
  change.version = 2;
  EXPECT_EQ(verdict(records_->change_note(change)), "note.final");
}

TEST_F(RecordsTest, AfterTheEndOnlyAddendaAreWritten) {
  const Json note =
      must(records_->write_note(ask("doctor", Json::object({{"content", "stable"}}))));
  EXPECT_EQ(note.string_or("status", ""), "final");
  set(SessionStatus::completed);
  EXPECT_EQ(verdict(records_->write_note(ask("doctor", Json::object({{"content", "late"}})))),
            "session.completed");
  EXPECT_EQ(verdict(records_->send_message(ask("doctor", text("late")))), "session.completed");
  EXPECT_EQ(verdict(records_->record_vitals(ask("nurse", Json::object({{"heartRate", 70}})))),
            "session.completed");
  EXPECT_EQ(verdict(records_->add_segment(ask("doctor", text("late")))), "session.completed");
  const Json amended =
      must(records_->add_addendum(ask("doctor", text("correction"), note.string_or("id", ""))));
  EXPECT_EQ(amended.string_or("status", ""), "amended");
  EXPECT_EQ(amended["addenda"].item(0).string_or("text", ""), "correction");
  EXPECT_EQ(amended.string_or("content", ""), "stable");
  EXPECT_EQ(
      verdict(records_->add_addendum(ask("specialist", text("mine"), note.string_or("id", "")))),
      "authorisation.denied");
}

TEST_F(RecordsTest, ANoteInErrorStaysReadableAndIsNotChangedAnyMore) {
  const std::string id =
      must(records_->write_note(ask("doctor", Json::object({{"content", "of another"}}))))
          .string_or("id", "");
  set(SessionStatus::completed);
  const auto mark = [&](const std::string& role, Json body) {
    return records_->mark_note_in_error(ask(role, std::move(body), id));
  };
  const Json reason = Json::object({{"reason", "written for Layla"}});
  for (const char* role : {"nurse", "specialist", "patient"})
    EXPECT_EQ(verdict(mark(role, reason)), "authorisation.denied") << role;
  EXPECT_EQ(verdict(mark("doctor", Json::object())), "api.invalid");
  EXPECT_EQ(verdict(mark("doctor", Json::object({{"reason", std::string(501, 'x')}}))),
            "api.invalid");
  EXPECT_EQ(count("note.entered_in_error"), 0);

  clock_.advance_ms(60'000);
  const Json marked = must(mark("doctor", reason));
  EXPECT_EQ(marked.string_or("status", ""), "entered_in_error");
  EXPECT_EQ(marked.string_or("content", ""), "of another");
  EXPECT_EQ(marked["enteredInError"].string_or("reason", ""), "written for Layla");
  EXPECT_EQ(marked["enteredInError"].string_or("at", ""), to_iso8601(clock_.now()));
  EXPECT_EQ(marked["enteredInError"]["by"].string_or("role", ""), "doctor");
  EXPECT_EQ(must(records_->notes(ask("patient")))["items"].item(0).dump(), marked.dump());
  EXPECT_EQ(sessions_.told.back().first, "note-entered-in-error");
  EXPECT_EQ(sessions_.told.back().second.dump(), Json::object({{"note", id}}).dump());
  EXPECT_EQ(entries().back().dump().find("Layla"), std::string::npos) << "the reason is sealed";

  clock_.advance_ms(60'000);
  EXPECT_EQ(must(mark("doctor", Json::object({{"reason", "again"}}))).dump(), marked.dump());
  EXPECT_EQ(count("note.entered_in_error"), 1);
  EXPECT_EQ(verdict(records_->add_addendum(ask("doctor", text("late"), id))),
            "note.entered_in_error");
}

TEST_F(RecordsTest, OnlyASignedNoteIsMarkedAndAnOtherStaysADraft) {
  Ask draft = ask("nurse", Json::object({{"content", "x"}}));
  draft.record = must(records_->write_note(draft)).string_or("id", "");
  const Json reason = Json::object({{"reason", "wrong patient"}});
  EXPECT_EQ(verdict(records_->mark_note_in_error(ask("doctor", reason, draft.record))),
            "note.draft");
  // Signed by the doctor, it is not the nurse's to take back.
  Ask sign = ask("doctor", Json::object({{"status", "final"}}), draft.record);
  sign.version = 1;
  must(records_->change_note(sign));
  EXPECT_EQ(verdict(records_->mark_note_in_error(ask("nurse", reason, draft.record))),
            "authorisation.denied");
  must(records_->mark_note_in_error(ask("doctor", reason, draft.record)));
  sign.version = 3;
  EXPECT_EQ(verdict(records_->change_note(sign)), "note.entered_in_error");
}

TEST_F(RecordsTest, ANoteIsPrintedForWhomItIsShownTo) {
  people_.people[person_of("doctor")].profile =
      Json::object({{"name", "Dr. Sara"}, {"nameAr", "د. سارة"}, {"licenceNumber", "SCFHS-12"}});
  people_.people[person_of("patient")].profile =
      Json::object({{"nameAr", "محمد العتيبي"}, {"mrn", "MRN-7"}, {"birthDate", "1990-01-01"}});
  const Json note = must(records_->write_note(ask(
      "doctor", Json::object({{"template", "soap"},
                              {"sections", Json::object({{"plan", "راحة وسوائل"}})},
                              {"diagnoses", Json::array({Json::object(
                                                {{"code", "J06.9"}, {"display", "Cold"}})})}}))));
  const std::string id = note.string_or("id", "");
  must(records_->add_addendum(ask("doctor", text("swab negative"), id)));
  const std::string pdf = must(records_->note_pdf(ask("doctor", {}, id)));
  EXPECT_EQ(must(records_->note_pdf(ask("patient", {}, id))), pdf)
      << "the same note, the same file";
  const std::string read = rabt::test::text_of_pdf(pdf);
  for (const char* expected :
       {"Al Noor Hospital", "مستشفى النور", "محمد العتيبي", "MRN-7", "1990-01-01", "1410-06-03 AH",
        "Dr. Sara", "SCFHS-12", "J06.9", "Cold", "راحة وسوائل", "Addendum 1", "swab negative"})
    EXPECT_TRUE(rabt::test::pdf_has(read, expected)) << expected << "\n" << read;
  EXPECT_FALSE(rabt::test::pdf_has(read, "DRAFT"));
  EXPECT_EQ(entries().back().string_or("act", ""), "session.read");
  EXPECT_EQ(entries().back().string_or("purpose", ""), "PATRQT");
  EXPECT_EQ(entries().back().dump().find("MRN"), std::string::npos);

  const auto refused = [&](Ask one) { return records_->note_pdf(one).error().code; };
  EXPECT_EQ(refused(ask("observer", {}, id)), "authorisation.denied");
  EXPECT_EQ(refused(ask("admin", {}, id)), "authorisation.denied");
  Ask reasoned = ask("admin", {}, id);
  reasoned.caller.reason = "complaint 4711";
  EXPECT_EQ(must(records_->note_pdf(reasoned)), pdf);
}

TEST_F(RecordsTest, ADraftIsPrintedAsOneAndNotForThePatient) {
  const Json draft = must(records_->write_note(
      ask("doctor", Json::object({{"content", "perhaps"}, {"status", "draft"}}))));
  const std::string id = draft.string_or("id", "");
  const std::string read = rabt::test::text_of_pdf(must(records_->note_pdf(ask("nurse", {}, id))));
  EXPECT_TRUE(rabt::test::pdf_has(read, "DRAFT, not signed")) << read;
  EXPECT_TRUE(rabt::test::pdf_has(read, "perhaps")) << read;
  EXPECT_EQ(records_->note_pdf(ask("patient", {}, id)).error().code, "record.unknown");
}

TEST_F(RecordsTest, ANoteInErrorIsPrintedAsOneOnEachPage) {
  people_.people[person_of("doctor")].profile = Json::object({{"name", "Dr. Sara"}});
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "knee pain\n";
  const std::string id =
      must(records_->write_note(ask("doctor", Json::object({{"content", lines}}))))
          .string_or("id", "");
  const std::string before = must(records_->note_pdf(ask("patient", {}, id)));
  clock_.advance_ms(60'000);
  must(records_->mark_note_in_error(
      ask("doctor", Json::object({{"reason", "written for another patient"}}), id)));
  const std::string pdf = must(records_->note_pdf(ask("patient", {}, id)));
  EXPECT_NE(pdf, before);
  clock_.advance_ms(60'000);
  EXPECT_EQ(must(records_->note_pdf(ask("doctor", {}, id))), pdf) << "the same note, the same file";
  const std::string read = rabt::test::text_of_pdf(pdf);
  int pages = 0;
  std::istringstream all(read);
  for (std::string page; std::getline(all, page, '\f');) {
    ++pages;
    for (const char* expected :
         {"ENTERED IN ERROR", "بالخطأ", "Dr. Sara", "written for another patient"})
      EXPECT_TRUE(rabt::test::pdf_has(page, expected)) << expected << "\n" << page;
  }
  EXPECT_GE(pages, 2);
}

TEST_F(RecordsTest, TheChartIsGivenSignedNotesOfCliniciansInBlobs) {
  const auto write = [&](const char* content, const char* status) {
    return must(records_->write_note(
                    ask("doctor", Json::object({{"content", content}, {"status", status}}))))
        .string_or("id", "");
  };
  write("perhaps", "draft");
  const std::string id = write("stable", "final");
  Ask hub = ask("doctor");
  hub.caller = caller_of_hub("t1", "workflow");
  const Json given = must(records_->chart_pdfs(hub));
  ASSERT_EQ(given["documents"].size(), 1U) << given.dump();
  const Json& item = given["documents"].item(0);
  EXPECT_EQ(item.string_or("id", ""), id);
  EXPECT_EQ(item.string_or("status", ""), "final");
  const auto reader = must(blobs_->open("t1", item.string_or("blob", "")));
  std::string pdf;
  must(reader->read(0, reader->info().bytes, [&](std::string_view piece) {
    pdf += piece;
    return ok_status();
  }));
  EXPECT_EQ(pdf, must(records_->note_pdf(ask("doctor", {}, id))));
  EXPECT_EQ(item.string_or("sha256", ""), reader->info().sha256);
  EXPECT_EQ(reader->info().owner, "") << "it is removed a day later";
  must(records_->add_addendum(ask("doctor", text("better"), id)));
  const Json later = must(records_->chart_pdfs(hub));
  EXPECT_EQ(later["documents"].item(0).string_or("status", ""), "amended");
  EXPECT_NE(later["documents"].item(0).string_or("sha256", ""), item.string_or("sha256", ""));
  EXPECT_EQ(verdict(records_->chart_pdfs(ask("doctor"))), "authorisation.denied");
}

// Symptom: of 51 signed notes the first one became entered-in-error in the record system. Cause: a
// note that was not printed was taken for one that does not hold.
TEST_F(RecordsTest, TheChartIsToldOfNotesInErrorByName) {
  std::vector<std::string> ids;
  for (int i = 0; i < 52; ++i)
    ids.push_back(must(records_->write_note(ask("doctor", Json::object({{"content", "x"}}))))
                      .string_or("id", ""));
  must(records_->mark_note_in_error(
      ask("doctor", Json::object({{"reason", "another patient"}}), ids[51])));
  Ask hub = ask("doctor");
  hub.caller = caller_of_hub("t1", "workflow");
  const Json given = must(records_->chart_pdfs(hub));
  ASSERT_EQ(given["documents"].size(), 51U) << given.dump();
  EXPECT_EQ(given["documents"].item(0).dump(),
            R"({"id":")" + ids[51] + R"(","status":"entered_in_error"})");
  EXPECT_EQ(given["documents"].item(1).string_or("id", ""), ids[1]);
  EXPECT_EQ(given.dump().find(ids[0]), std::string::npos) << "the record system keeps what it has";
}

TEST_F(RecordsTest, ANoteWhosePdfIsTooLargeIsLeftOutOfTheChart) {
  // Characters without a font stand by their number, which is long.
  Json sections = Json::object();
  std::uint32_t next = 0x4e00;
  for (int i = 0; i < 20; ++i) {
    std::string text;
    for (int k = 0; k < 3900; ++k) append_utf8(text, 0xf0000 + next++ % 0xfff0);
    sections.set("s" + std::to_string(i), text);
  }
  const Json note =
      must(records_->write_note(ask("doctor", Json::object({{"sections", sections}}))));
  const std::string id = note.string_or("id", "");
  for (int i = 0; i < 12; ++i) {
    std::string text;
    for (int k = 0; k < 3900; ++k) append_utf8(text, 0xf0000 + next++ % 0xfff0);
    must(records_->add_addendum(ask("doctor", Json::object({{"text", text}}), id)));
  }
  Ask hub = ask("doctor");
  hub.caller = caller_of_hub("t1", "workflow");
  const Json given = must(records_->chart_pdfs(hub));
  EXPECT_EQ(given["documents"].dump(), R"([{"id":")" + id + R"(","code":"print.too_large"}])");
}

TEST_F(RecordsTest, ASessionThatEndsMeanwhileTakesNothing) {
  sessions_.ended_meanwhile.insert(kSession);
  EXPECT_EQ(verdict(records_->send_message(ask("doctor", text("x")))), "session.completed");
  EXPECT_EQ(verdict(records_->record_vitals(ask("nurse", Json::object({{"heartRate", 70}})))),
            "session.completed");
  EXPECT_TRUE(entries().empty());
  EXPECT_TRUE(sessions_.told.empty());
}

TEST_F(RecordsTest, VitalSignsSayWhereTheyCameFrom) {
  const Json body = Json::object({{"heartRate", 72}, {"temperatureC", Json::number("36.60")}});
  EXPECT_EQ(must(records_->record_vitals(ask("patient", body))).string_or("source", ""), "patient");
  EXPECT_EQ(must(records_->record_vitals(ask("doctor", body))).string_or("source", ""), "manual");
  Json device = body;
  device.set("device", Json::object({{"kind", "oximeter"}, {"serial", "A1"}}));
  const Json measured = must(records_->record_vitals(ask("nurse", device)));
  EXPECT_EQ(measured.string_or("source", ""), "device");
  EXPECT_EQ(measured["temperatureC"].number_text(), "36.60");
  EXPECT_EQ(verdict(records_->record_vitals(ask("family_member", body))), "authorisation.denied");
  EXPECT_EQ(seen(records_->vitals(ask("patient"))), 3U);
  EXPECT_EQ(count("vitals.recorded"), 3);
}

TEST_F(RecordsTest, ATimeInTheFutureIsNamedInItsPlaceAmongTheMistakes) {
  const std::string later = to_iso8601({clock_.now().ms + 3'600'000});
  const auto wrong = [&](Json body) {
    body.set("takenAt", later);
    return records_->record_vitals(ask("nurse", std::move(body))).error().message;
  };
  EXPECT_EQ(wrong(Json::object({{"heartRate", 72}})), "takenAt: it lies in the future");
  EXPECT_EQ(wrong(Json::object({{"heartRate", 900}})),
            "takenAt: it lies in the future\nheartRate: it must be a whole number from 20 to 300");
  const std::string all = wrong(Json::object({{"colour", "red"}, {"heartRate", 900}}));
  EXPECT_TRUE(all.starts_with("body: it has an unknown member")) << all;
  EXPECT_NE(all.find("\ntakenAt: it lies in the future\nheartRate: "), std::string::npos) << all;
}

TEST_F(RecordsTest, ATrainingSessionHoldsNoPatientData) {
  set(SessionStatus::active, "training_session");
  EXPECT_EQ(verdict(records_->record_vitals(ask("nurse", Json::object({{"heartRate", 70}})))),
            "training.no_patient_data");
}

TEST_F(RecordsTest, APrescriptionNeedsADoctorWithALicenceAndTheSession) {
  const Json issued = must(records_->prescribe(ask("doctor", medication())));
  EXPECT_EQ(issued.string_or("status", ""), "issued");
  EXPECT_EQ(issued.string_or("prescriptionNumber", ""),
            "RX-" + to_iso8601(clock_.now()).substr(0, 4) + "-1");
  EXPECT_EQ(verdict(records_->prescribe(ask("nurse", medication()))), "authorisation.denied");
  EXPECT_EQ(verdict(records_->prescribe(ask("patient", medication()))), "authorisation.denied");
  EXPECT_EQ(verdict(records_->prescribe(ask("doctor", Json::object({{"items", Json::array()}})))),
            "api.invalid");
  EXPECT_EQ(seen(records_->prescriptions(ask("patient"))), 1U);
  EXPECT_EQ(verdict(records_->prescriptions(ask("nurse"))), "authorisation.denied");
  people_.people[person_of("specialist")].licence = identity::Licence::missing;
  EXPECT_EQ(verdict(records_->prescribe(ask("specialist", medication()))), "licence.missing");
  set(SessionStatus::waiting);
  EXPECT_EQ(verdict(records_->prescribe(ask("doctor", medication()))), "session.not_started");
}

TEST_F(RecordsTest, K57TheDoctorPrescribesForADayAfterTheEnd) {
  people_.people[person_of("specialist")].licence = identity::Licence::verified;
  set(SessionStatus::completed);
  EXPECT_EQ(verdict(records_->prescribe(ask("specialist", medication()))), "session.completed");
  clock_.advance_ms(24LL * 3'600'000);
  const Json issued = must(records_->prescribe(ask("doctor", medication())));
  clock_.advance_ms(1);
  EXPECT_EQ(verdict(records_->prescribe(ask("doctor", medication()))), "session.completed");
  const std::string id = issued.string_or("id", "");
  EXPECT_EQ(verdict(records_->cancel_prescription(ask("patient", {}, id))), "authorisation.denied");
  const Json cancelled =
      must(records_->cancel_prescription(ask("doctor", Json::object({{"reason", "allergy"}}), id)));
  EXPECT_EQ(cancelled.string_or("status", ""), "cancelled");
  EXPECT_EQ(cancelled["cancelled"].string_or("reason", ""), "allergy");
  EXPECT_EQ(must(records_->cancel_prescription(ask("doctor", {}, id))).int_or("version", 0), 2);
  EXPECT_EQ(count("prescription.cancelled"), 1);
}

TEST_F(RecordsTest, APharmacyDispensesMedicationsOneAfterTheOtherAlsoAfterTheVisit) {
  const std::string id = two_medications();
  set(SessionStatus::completed);
  clock_.advance_ms(3'600'000);
  const Json body = handed_over("PH-1", *Json::parse(R"({"items":[{"item":2,"quantity":10.50,)"
                                                     R"("unit":"tablet"}],"notes":"brand B"})"));
  const Json first = must(records_->dispense(pharmacy(body, id)));
  EXPECT_EQ(first.string_or("prescriptionStatus", ""), "issued") << "in part";
  EXPECT_EQ(first.string_or("prescription", ""), id);
  EXPECT_EQ(first["items"].dump(), R"([{"item":2,"quantity":10.50,"unit":"tablet"}])");
  EXPECT_EQ(first.string_or("handedOverAt", ""), to_iso8601(clock_.now()));
  EXPECT_EQ(first.string_or("recordedBy", ""), "pharmacy");
  EXPECT_EQ(first.dump().find("Paracetamol"), std::string::npos) << "it reads no prescription";
  EXPECT_EQ(verdict(records_->prescription(pharmacy({}, id))), "participant.not_a_participant");

  const Json rest = must(records_->dispense(pharmacy(handed_over("PH-2"), id)));
  EXPECT_EQ(rest["items"].dump(), R"([{"item":1}])") << "what was left";
  EXPECT_EQ(rest.string_or("prescriptionStatus", ""), "dispensed");
  for (const char* role : {"doctor", "patient"}) {
    const Json shown = must(records_->prescription(ask(role, {}, id)));
    EXPECT_EQ(shown.string_or("status", ""), "dispensed");
    ASSERT_EQ(shown["dispensings"].size(), 2U);
    EXPECT_EQ(shown["dispensings"].item(0).string_or("pharmacist", ""), "Sara Al-Harbi");
  }
  EXPECT_EQ(sessions_.told.back().first, "prescription-dispensed");
  EXPECT_EQ(sessions_.told.back().second.dump(), Json::object({{"prescription", id},
                                                               {"dispensing", rest["id"]},
                                                               {"items", 1},
                                                               {"prescriptionStatus", "dispensed"}})
                                                     .dump());
  EXPECT_EQ(count("prescription.dispensed"), 2);
  for (const Json& entry : entries())
    EXPECT_EQ(entry.dump().find("Al-Harbi"), std::string::npos) << "names are sealed";
  EXPECT_EQ(verdict(records_->cancel_prescription(ask("doctor", {}, id))),
            "prescription.dispensed");
}

TEST_F(RecordsTest, TheSameReferenceIsTheSameDispensing) {
  const std::string id = two_medications();
  const Json first = must(records_->dispense(pharmacy(handed_over("PH-1", item(1)), id)));
  clock_.advance_ms(60'000);
  EXPECT_EQ(must(records_->dispense(pharmacy(handed_over("PH-1", item(1)), id))).dump(),
            first.dump());
  EXPECT_EQ(must(records_->dispense(pharmacy(handed_over("PH-1"), id))).dump(), first.dump());
  EXPECT_EQ(count("prescription.dispensed"), 1);
  EXPECT_EQ(verdict(records_->dispense(pharmacy(handed_over("PH-1", item(2)), id))),
            "dispensing.other");
  EXPECT_EQ(verdict(records_->dispense(pharmacy(handed_over("PH-2", item(1)), id))),
            "prescription.item_dispensed");
  Ask other = pharmacy(handed_over("PH-1", item(2)), id);
  other.caller.who.id = "second-pharmacy";
  EXPECT_EQ(verdict(records_->dispense(other)), "ok") << "numbers of its own";
  EXPECT_EQ(verdict(records_->dispense(pharmacy(handed_over("PH-3"), id))),
            "prescription.dispensed");
}

TEST_F(RecordsTest, OnlyAPharmacysSystemDispensesAndOnlyWhatWasPrescribed) {
  const std::string id = two_medications();
  for (const char* role : {"doctor", "specialist", "nurse", "patient", "observer", "admin"})
    EXPECT_EQ(verdict(records_->dispense(ask(role, handed_over("PH-1"), id))),
              "authorisation.denied")
        << role;
  const auto refused = [&](Json body) {
    const Answer answer = records_->dispense(pharmacy(std::move(body), id));
    return answer.ok() ? std::string("ok") : answer.error().message;
  };
  EXPECT_NE(refused(Json::object()).find("reference: "), std::string::npos);
  EXPECT_NE(refused(handed_over("PH-1", item(3))).find("items[0].item: the prescription has 2"),
            std::string::npos);
  const auto with = [](const char* more) { return handed_over("PH-1", *Json::parse(more)); };
  for (const char* wrong :
       {R"({"items":[]})", R"({"items":[{"item":1},{"item":1}]})", R"({"items":[{"quantity":1}]})",
        R"({"items":[{"item":1,"quantity":0}]})", R"({"items":[{"item":1,"unit":"tablet"}]})"})
    EXPECT_NE(refused(with(wrong)).find("items"), std::string::npos) << wrong;
  for (const std::int64_t minutes : {-6, 6}) {
    const Timestamp at{clock_.now().ms + minutes * 60'000};
    const Json body = handed_over("PH-1", Json::object({{"handedOverAt", to_iso8601(at)}}));
    EXPECT_NE(refused(body).find("handedOverAt: "), std::string::npos) << minutes;
  }
  EXPECT_NE(refused(handed_over("PH-1", Json::object({{"notes", std::string(501, 'x')}}))), "ok");
  EXPECT_EQ(count("prescription.dispensed"), 0);

  must(records_->dispense(pharmacy(handed_over("PH-1", item(1)), id)));
  const Json cancelled = must(records_->cancel_prescription(ask("doctor", {}, id)));
  EXPECT_EQ(cancelled["dispensings"].size(), 1U) << "the rest is cancelled";
  EXPECT_EQ(verdict(records_->dispense(pharmacy(handed_over("PH-2"), id))),
            "prescription.cancelled");
  EXPECT_EQ(verdict(records_->dispense(pharmacy(handed_over("PH-1", item(1)), id))), "ok")
      << "a repeat";
}

TEST_F(RecordsTest, ADispensingInErrorDoesNotCountAndIsTakenBackOnce) {
  const std::string id = two_medications();
  const std::string dispensing =
      must(records_->dispense(pharmacy(handed_over("PH-1"), id))).string_or("id", "");
  const auto mark = [&](Json body, const std::string& which) {
    return records_->mark_dispensing_in_error(pharmacy(std::move(body), id, which));
  };
  const Json reason = Json::object({{"reason", "handed over to Layla"}});
  Ask doctor = ask("doctor", reason, id);
  doctor.part = dispensing;
  EXPECT_EQ(verdict(records_->mark_dispensing_in_error(doctor)), "authorisation.denied");
  EXPECT_EQ(verdict(mark(Json::object(), dispensing)), "api.invalid");
  EXPECT_EQ(verdict(mark(reason, id)), "record.unknown");
  clock_.advance_ms(60'000);
  const Json marked = must(mark(reason, dispensing));
  EXPECT_EQ(marked.string_or("prescriptionStatus", ""), "issued");
  EXPECT_EQ(marked["enteredInError"].string_or("reason", ""), "handed over to Layla");
  EXPECT_EQ(marked["enteredInError"].string_or("at", ""), to_iso8601(clock_.now()));
  EXPECT_EQ(sessions_.told.back().first, "prescription-dispensing-in-error");
  EXPECT_EQ(entries().back().dump().find("Layla"), std::string::npos) << "the reason is sealed";
  clock_.advance_ms(60'000);
  EXPECT_EQ(must(mark(Json::object({{"reason", "again"}}), dispensing)).dump(), marked.dump());
  EXPECT_EQ(count("prescription.dispensing_in_error"), 1);
  EXPECT_EQ(must(records_->prescription(ask("patient", {}, id))).string_or("status", ""), "issued");
  EXPECT_EQ(must(records_->dispense(pharmacy(handed_over("PH-2"), id)))
                .string_or("prescriptionStatus", ""),
            "dispensed");
}

TEST_F(RecordsTest, APrescriptionHasAsManyDispensingsAsTheLimitSays) {
  const std::string id = two_medications();
  const Json reason = Json::object({{"reason", "typing"}});
  for (std::size_t i = 0; i < limits::kMaxDispensings; ++i) {
    const Json item =
        must(records_->dispense(pharmacy(handed_over("PH-" + std::to_string(i)), id)));
    must(records_->mark_dispensing_in_error(pharmacy(reason, id, item.string_or("id", ""))));
  }
  EXPECT_EQ(verdict(records_->dispense(pharmacy(handed_over("PH-last"), id))), "record.limit");
}

TEST_F(RecordsTest, C30SegmentsOfASpeakerStandInTheirOrder) {
  const auto say = [&](const std::string& role, std::int64_t seq, const std::string& words) {
    clock_.advance_ms(1'000);
    must(records_->add_segment(
        ask(role, Json::object({{"text", words}, {"seq", seq}, {"language", "en"}}))));
  };
  say("doctor", 2, "second");
  say("patient", 1, "answer");
  say("doctor", 1, "first");
  say("doctor", 1, "first again");
  const Json transcript = must(records_->transcript(ask("patient")));
  std::string words;
  for (const Json& item : transcript["items"].as_array()) words += item.string_or("text", "") + "|";
  EXPECT_EQ(words, "first|answer|second|");
  EXPECT_EQ(verdict(records_->transcript(ask("observer"))), "authorisation.denied");
  EXPECT_EQ(count("transcript.read"), 1);
  must(records_->add_segment(
      ask("doctor", Json::object({{"text", "not yet"}, {"seq", 3}, {"final", false}}))));
  EXPECT_EQ(must(records_->transcript(ask("doctor")))["items"].size(), 3U);
}

// Symptom: a segment with `audio` was 503 whatever plugin wrote down recordings. Cause: nothing
// called the role asr for it.
TEST_F(RecordsTest, C18TheSoundOfASegmentIsHeardByTheRoleAsr) {
  const std::string sound = "RIFF, and what is said";
  const Json audio = Json::object({{"audio", to_base64(as_bytes(sound))}, {"format", "wav"}});
  for (auto& [person, one] : sessions_.members[kSession]) {
    one.transcribable = true;
    one.language = "en";
  }
  std::string read;
  ears_.meanwhile = [&](const plugin::CallRequest& call) {
    EXPECT_EQ(count("action.sent"), 1) << "the disclosure is durable before the sound leaves";
    const auto reader = must(blobs_->open("t1", call.arguments.string_or("blob", "")));
    must(reader->read(0, reader->info().bytes, [&](std::string_view piece) {
      read += piece;
      return ok_status();
    }));
  };
  ears_.says({{"I have", Json(0.9)}, {"a headache.", Json(0.5)}, {"Since Monday.", Json()}});
  const Json kept = must(records_->add_segment(ask("patient", audio)));
  EXPECT_EQ(kept.string_or("text", ""), "I have a headache. Since Monday.");
  EXPECT_EQ(kept.string_or("source", ""), "asr");
  EXPECT_EQ(kept.string_or("language", ""), "en-US");
  EXPECT_EQ(kept["confidence"].dump(), "0.5");
  EXPECT_EQ(read, sound);
  ASSERT_EQ(ears_.calls.size(), 1U);
  const plugin::CallRequest& call = ears_.calls[0];
  EXPECT_EQ(call.arguments.string_or("language", ""), "en") << "the session's";
  EXPECT_EQ(blobs_->find("t1", call.arguments.string_or("blob", "")).error().code, "blob.unknown")
      << "nothing of the sound is kept";
  EXPECT_EQ(must(records_->transcript(ask("doctor")))["items"].size(), 1U);
  for (const Json& entry : entries()) {
    EXPECT_EQ(entry.dump().find("headache"), std::string::npos);
    if (entry.string_or("act", "") == "action.sent") {
      EXPECT_EQ(entry["detail"].string_or("recipient", ""), "whisper");
    }
  }
}

TEST_F(RecordsTest, C18SoundThatMayNotOrCannotBeHeardLeavesNothing) {
  const auto heard = [&](Json more = Json::object(), const char* role = "doctor") {
    more.set("audio", "AAAA");
    return verdict(records_->add_segment(ask(role, std::move(more))));
  };
  const auto let = [&](bool given) {
    for (auto& [person, one] : sessions_.members[kSession]) {
      one.transcribable = given;
      one.language = "ar";
    }
  };
  ears_.bound = false;
  EXPECT_EQ(heard(), "asr.not_configured");
  ears_.bound = true;
  let(false);
  EXPECT_EQ(heard(), "consent.transcription_missing");
  let(true);
  EXPECT_EQ(heard(Json::object({{"language", "English"}})), "asr.language");
  EXPECT_EQ(verdict(records_->add_segment(ask("doctor", Json::object({{"audio", "%"}})))),
            "api.invalid");
  EXPECT_TRUE(ears_.calls.empty()) << "no sound has left";

  using workflow::OutcomeKind;
  ears_.fails(OutcomeKind::permanent, 415);
  EXPECT_EQ(heard(), "asr.format");
  ears_.fails(OutcomeKind::permanent, 422);
  EXPECT_EQ(heard(), "asr.language");
  ears_.fails(OutcomeKind::transient, 503);
  EXPECT_EQ(heard(), "asr.unavailable");
  ears_.says({});
  EXPECT_EQ(heard(), "asr.silent");
  ears_.says({{"good morning", Json()}});
  // Somebody takes his consent back while the plugin hears.
  ears_.meanwhile = [&](const plugin::CallRequest& /*call*/) { let(false); };
  EXPECT_EQ(heard(), "consent.transcription_missing");
  EXPECT_EQ(must(records_->transcript(ask("doctor")))["items"].size(), 0U);
  // Two pieces are heard at once; one more waits for nobody.
  let(true);
  std::int64_t depth = 0;
  std::vector<std::string> others;
  ears_.meanwhile = [&](const plugin::CallRequest& /*call*/) {
    others.push_back(heard(Json::object({{"seq", ++depth}})));
  };
  EXPECT_EQ(heard(Json::object({{"seq", 9}})), "ok");
  EXPECT_EQ(others, (std::vector<std::string>{"asr.busy", "ok"}));
  for (const plugin::CallRequest& call : ears_.calls) {
    EXPECT_EQ(blobs_->find("t1", call.arguments.string_or("blob", "")).error().code,
              "blob.unknown");
  }
}

TEST_F(RecordsTest, WhatTheProviderHeardIsTakenWhileItMayListen) {
  const auto heard = [&] {
    return verdict(records_->add_segment(
        ask("doctor", Json::object({{"text", "heard"}, {"seq", 1}, {"source", "provider"}}))));
  };
  EXPECT_EQ(heard(), "transcription.not_started");
  for (auto& [session, people] : sessions_.members) {
    for (auto& [person, member] : people) {
      member.transcribed = true;
      member.transcript_gaps = Json::array({Json::object({{"code", "video.interrupted"}})});
    }
  }
  EXPECT_EQ(heard(), "ok");
  const Json transcript = must(records_->transcript(ask("doctor")));
  ASSERT_EQ(transcript["items"].size(), 1U);
  EXPECT_EQ(transcript["items"].item(0).string_or("source", ""), "provider");
  EXPECT_EQ(transcript["gaps"].dump(), R"([{"code":"video.interrupted"}])");
}

// A client that lost its line sends nothing of what was said meanwhile.
TEST_F(RecordsTest, WhatNoClientSentOfTheProvidersWordsIsAddedOnceAndInItsPlace) {
  sessions_.members[kSession][""];
  set(SessionStatus::active);
  for (auto& [person, member] : sessions_.members[kSession]) member.transcribed = true;
  const std::int64_t begin = clock_.now().ms;
  const auto send = [&](std::int64_t seq, const char* words) {
    clock_.advance_ms(2'000);
    must(records_->add_segment(
        ask("doctor", Json::object({{"text", words}, {"seq", seq}, {"source", "provider"}}))));
  };
  send(1, "Good morning.");
  clock_.advance_ms(60'000);
  send(2, "yes");
  set(SessionStatus::completed);
  const auto said = [&](const char* key, const char* role, std::int64_t at, const char* words) {
    return Json::object({{"key", key},
                         {"participant", member(role).participant},
                         {"person", person_of(role)},
                         {"role", role},
                         {"at", begin + at},
                         {"endAt", begin + at + 500},
                         {"text", words},
                         {"confidence", 0.5}});
  };
  Ask add = ask_of_hub("t1", "sessions");
  add.session = kSession;
  add.body = Json::object({{"recording", "01BX5ZZKBKACTAV9WEVGEMMVRZ"},
                           {"said", Json::array({said("a/0", "doctor", 1'000, "Good morning"),
                                                 said("b/0", "patient", 10'000, "It hurts"),
                                                 said("c/0", "doctor", 20'000, "Since when?"),
                                                 said("d/0", "doctor", 63'000, "yes"),
                                                 said("e/0", "doctor", 70'000, "yes")})}});
  EXPECT_EQ(must(records_->add_said(add)).int_or("segments", 0), 3);
  EXPECT_EQ(count("transcript.written"), 1);
  EXPECT_EQ(sessions_.told.back().first, "transcript-ready");
  // The step is repeated.
  EXPECT_EQ(must(records_->add_said(add)).int_or("segments", 0), 0);
  EXPECT_EQ(count("transcript.written"), 1);
  const Json transcript = must(records_->transcript(ask("doctor")));
  std::string words;
  for (const Json& item : transcript["items"].as_array()) {
    words += item.string_or("text", "") + "|";
    EXPECT_EQ(item.string_or("source", ""), "provider");
  }
  EXPECT_EQ(words, "Good morning.|It hurts|Since when?|yes|yes|");
  const Json& hurts = transcript["items"].item(1);
  EXPECT_EQ(hurts.string_or("speaker", ""), member("patient").participant);
  EXPECT_EQ(hurts["confidence"].as_double(), 0.5);
}

// A workflow gives the words; the hub says which recording they belong to, and when it began.
TEST_F(RecordsTest, ATranscriptStandsAtTheTimeOfItsRecording) {
  sessions_.members[kSession][""];
  set(SessionStatus::active);
  RecordedSpeech speech;
  speech.recording = "01BX5ZZKBKACTAV9WEVGEMMVRZ";
  speech.started_ms = clock_.now().ms;
  speech.offset_ms = 10'000;
  Ask add = ask_of_hub("t1", "workflow");
  add.session = kSession;
  add.body = Json::object(
      {{"recording", "01BX5ZZKBKACTAV9WEVGEMMVR1"},
       {"startedMs", 5},
       {"offsetMs", 5},
       {"language", "en"},
       {"segments",
        Json::array({Json::object({{"startMs", 500}, {"endMs", 900}, {"text", "It hurts"}})})}});
  EXPECT_EQ(must(records_->add_transcript(add, speech)).int_or("segments", 0), 1);
  EXPECT_EQ(count("transcript.written"), 1);
  const Json transcript = must(records_->transcript(ask("doctor")));
  ASSERT_EQ(transcript["items"].size(), 1U);
  const Json& segment = transcript["items"].item(0);
  EXPECT_EQ(segment.string_or("recording", ""), speech.recording);
  EXPECT_EQ(segment.string_or("createdAt", ""), to_iso8601({speech.started_ms + 500}));
  EXPECT_EQ(segment.int_or("seq", 0), 10'500);
  EXPECT_EQ(segment.int_or("startMs", 0), 10'500);
  EXPECT_EQ(segment.int_or("endMs", 0), 10'900);
  EXPECT_EQ(segment.string_or("source", ""), "asr");
}

// R-21
TEST_F(RecordsTest, FeedbackIsOneForEachAndReplaceableForThirtyDays) {
  EXPECT_EQ(verdict(records_->give_feedback(ask("patient", Json::object({{"rating", 5}})))),
            "session.not_completed");
  set(SessionStatus::completed);
  EXPECT_EQ(verdict(records_->give_feedback(ask("patient", Json::object({{"rating", 6}})))),
            "api.invalid");
  must(records_->give_feedback(ask("patient", Json::object({{"rating", 2}}))));
  clock_.advance_ms(30LL * 24 * 3'600'000);
  const Json changed = must(records_->give_feedback(
      ask("patient", Json::object({{"rating", 4}, {"comments", "better"}}))));
  EXPECT_EQ(changed.int_or("version", 0), 2);
  must(records_->give_feedback(ask("doctor", Json::object({{"rating", 5}}))));
  EXPECT_EQ(seen(records_->feedback(ask("patient"))), 1U);
  EXPECT_EQ(seen(records_->feedback(ask("doctor"))), 2U);
  clock_.advance_ms(1);
  EXPECT_EQ(verdict(records_->give_feedback(ask("patient", Json::object({{"rating", 1}})))),
            "feedback.closed");
}

TEST_F(RecordsTest, AnAdministratorReadsFiguresAndPatientDataOnlyWithAReason) {
  must(records_->send_message(ask("doctor", text("hello"))));
  set(SessionStatus::completed);
  must(records_->give_feedback(
      ask("patient", Json::object({{"rating", 4}, {"comments", "private"}}))));
  EXPECT_EQ(verdict(records_->messages(ask("admin"))), "authorisation.denied");
  Ask reasoned = ask("admin");
  reasoned.caller.reason = "complaint 4711";
  EXPECT_EQ(seen(records_->messages(reasoned)), 1U);
  EXPECT_EQ(entries().back().dump().find("4711"), std::string::npos) << "the reason is sealed";
  const Json figures = must(records_->feedback(ask("admin")));
  EXPECT_EQ(figures["items"].item(0).int_or("rating", 0), 4);
  EXPECT_EQ(figures["items"].item(0).find("comments"), nullptr);
  EXPECT_EQ(verdict(records_->send_message(ask("admin", text("hello")))),
            "participant.not_a_participant");
}

TEST_F(RecordsTest, AFollowUpMayBookASession) {
  const Json proposed = must(records_->plan_follow_up(
      ask("doctor", Json::object({{"afterDays", 14}, {"reason", "check"}}))));
  EXPECT_EQ(proposed.string_or("status", ""), "proposed");
  EXPECT_EQ(proposed.string_or("dueAt", ""), to_iso8601({clock_.now().ms + 14LL * 24 * 3'600'000}));
  const Json booked = must(records_->plan_follow_up(
      ask("doctor", Json::object({{"afterDays", 7}, {"book", true}, {"plannedMinutes", 15}}))));
  EXPECT_EQ(booked.string_or("status", ""), "booked");
  EXPECT_EQ(booked.string_or("bookedSession", ""), "01BX5ZZKBKACTAV9WEVGEMMVRZ");
  ASSERT_EQ(sessions_.created.size(), 1U);
  EXPECT_EQ(sessions_.created[0].follow_up_of, kSession);
  EXPECT_EQ(sessions_.created[0].planned_minutes, 15);
  EXPECT_EQ(verdict(records_->plan_follow_up(ask("patient", Json::object({{"afterDays", 7}})))),
            "authorisation.denied");
  EXPECT_EQ(verdict(records_->plan_follow_up(ask("doctor", Json::object()))), "api.invalid");
}

// Symptom: a doctor planned a follow-up of a visit of last year, the hub booked it on the word of
// whoever had booked that visit, and the record was open to him again.
// Cause: a plan was taken at any time after the end. Tests planned while the visit ran.
TEST_F(RecordsTest, TheHubPlansNothingByAVisitOfLongAgo) {
  const Json plan = Json::object({{"afterDays", 1}});
  set(SessionStatus::completed);
  clock_.advance_ms(30LL * 24 * 3'600'000);
  EXPECT_EQ(verdict(records_->plan_follow_up(ask("doctor", plan))), "ok");
  clock_.advance_ms(1);
  EXPECT_EQ(verdict(records_->plan_follow_up(ask("doctor", plan))), "follow_up.closed");
  Json booked = plan;
  booked.set("book", true);
  EXPECT_EQ(verdict(records_->plan_follow_up(ask("doctor", booked))), "ok") << "on his own word";
}

Json window(double loss, double jitter, double rtt, const std::string& at) {
  return Json::object({{"at", at},
                       {"lossPercent", loss},
                       {"jitterMs", jitter},
                       {"rttMs", rtt},
                       {"kbps", 1000},
                       {"direction", "up"}});
}

TEST_F(RecordsTest, B44K80TwoBadWindowsLowerTheLevelAndAreTold) {
  const auto at = [&](int i) { return to_iso8601({clock_.now().ms + i * 10'000}); };
  const Json good = must(records_->report_quality(
      ask("patient", Json::object({{"samples", Json::array({window(0, 5, 40, at(0))})}}))));
  EXPECT_EQ(good.string_or("level", ""), "standard");
  const Json bad = must(records_->report_quality(
      ask("patient", Json::object({{"samples", Json::array({window(20, 80, 600, at(1)),
                                                            window(20, 80, 600, at(2))})}}))));
  EXPECT_EQ(bad.string_or("level", ""), "low");
  ASSERT_EQ(sessions_.told.size(), 1U);
  EXPECT_EQ(sessions_.told[0].first, "quality-changed");
  EXPECT_EQ(count("quality.adapted"), 1);
  // Sent again, nothing counts twice.
  must(records_->report_quality(
      ask("patient", Json::object({{"samples", Json::array({window(20, 80, 600, at(2))})}}))));
  const Json quality = must(records_->quality(ask("doctor")));
  ASSERT_EQ(quality["participants"].size(), 1U);
  EXPECT_EQ(quality["participants"].item(0).int_or("samples", 0), 3);
  // (4.38 + 1 + 1) / 3
  EXPECT_DOUBLE_EQ(quality["score"].as_double(), 2.13);
  EXPECT_EQ(quality.string_or("grade", ""), "bad");
  EXPECT_EQ(verdict(records_->report_quality(
                ask("patient", Json::object({{"samples", Json::array({Json::object()})}})))),
            "api.invalid");
}

TEST_F(RecordsTest, AHostSetsALevelForAllWhoSpeakLaterToo) {
  const Json set =
      must(records_->set_quality_level(ask("doctor", Json::object({{"level", "low"}}))));
  EXPECT_EQ(set.int_or("width", 0), 320);
  EXPECT_EQ(set["applied"], Json(false)) << "no provider is asked";
  const Json later = must(records_->report_quality(
      ask("patient",
          Json::object({{"samples", Json::array({window(0, 5, 40, to_iso8601(clock_.now()))})}}))));
  EXPECT_EQ(later.string_or("level", ""), "low");
  EXPECT_EQ(verdict(records_->set_quality_level(ask("patient", Json::object({{"level", "low"}})))),
            "session.not_host");
  EXPECT_EQ(verdict(records_->set_quality_level(ask("doctor", Json::object({{"level", "ultra"}})))),
            "api.invalid");
}

TEST_F(RecordsTest, ATimeInThePastIsNamedInItsPlaceAmongTheMistakes) {
  const std::string past = to_iso8601({clock_.now().ms - 60'000});
  const Answer wrong = records_->plan_follow_up(
      ask("doctor", Json::object({{"at", past}, {"plannedMinutes", 1}, {"colour", "red"}})));
  ASSERT_FALSE(wrong.ok());
  const std::string& all = wrong.error().message;
  EXPECT_TRUE(all.starts_with("body: it has an unknown member")) << all;
  EXPECT_NE(all.find("\nat: it must lie in the future\nplannedMinutes: "), std::string::npos)
      << all;
}

TEST_F(RecordsTest, ARecordOfAnotherTenantOrKindIsNotFound) {
  const Json note = must(records_->write_note(ask("doctor", Json::object({{"content", "x"}}))));
  const std::string id = note.string_or("id", "");
  EXPECT_EQ(verdict(records_->document(ask("doctor", {}, id))), "record.unknown");
  Ask elsewhere = ask("doctor", text("x"), id);
  elsewhere.caller.who.tenant = "t2";
  EXPECT_EQ(verdict(records_->add_addendum(elsewhere)), "record.unknown");
  EXPECT_EQ(verdict(records_->document(ask("doctor", {}, "no id"))), "record.unknown");
}

TEST_F(RecordsTest, TheSummaryHoldsWhatTheCallerMaySee) {
  must(records_->write_note(ask("doctor", Json::object({{"content", "seen"}}))));
  must(records_->write_note(
      ask("doctor", Json::object({{"content", "hidden"}, {"status", "draft"}}))));
  must(records_->prescribe(ask("doctor", medication())));
  must(records_->record_vitals(ask("nurse", Json::object({{"heartRate", 70}}))));
  const Json patient = must(records_->summary_of(ask("patient"), member("patient")));
  EXPECT_EQ(patient["notes"].size(), 1U);
  EXPECT_EQ(patient["prescriptions"].size(), 1U);
  EXPECT_EQ(patient["vitals"].size(), 1U);
  const Json nurse = must(records_->summary_of(ask("nurse"), member("nurse")));
  EXPECT_EQ(nurse["notes"].size(), 2U);
  EXPECT_EQ(nurse["prescriptions"].size(), 0U);
}

}  // namespace
}  // namespace rabt::consultation::records_test

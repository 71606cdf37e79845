#include "hub/consultation/events/hearing.hpp"

#include "hub/base/bytes.hpp"
#include "hub/consultation/events/telling.hpp"
#include "hub/outbox/outbox.hpp"
#include "tests/consultation/service_house.hpp"

// Events and consents of a session as those see them who were not let in.
namespace rabt::consultation::hearing_test {
namespace {

class Hearing : public ServiceHouse {
 protected:
  void SetUp() override {
    ServiceHouse::SetUp();
    session_ = id_of(
        made(with(plain(), "participants",
                  Json::array({Json::object({{"role", "patient"}, {"person", patient_}}),
                               Json::object({{"role", "observer"}, {"person", patient2_}})}))));
    must(sessions_->entry.join(as(doctor_, session_)));
    Ask admit = as(doctor_, session_);
    admit.record = part_of(session_, patient_);
    must(sessions_->people.admit(admit));
    must(sessions_->entry.join(as(patient_, session_)));
    must(sessions_->entry.join(as(patient2_, session_)));
  }
  std::multiset<std::string> events(const std::string& who) {
    std::multiset<std::string> types;
    const Json all = must(sessions_->reading.events(as(who, session_)));
    for (const Json& item : all["items"].as_array()) types.insert(item.string_or("type", ""));
    return types;
  }
  // Somebody opens the link of the patient, and waits.
  Ask opened_link(const std::string& session) {
    return opened_link(session, part_of(session, patient_));
  }
  Ask opened_link(const std::string& session, const std::string& own) {
    const Json sent = must(sessions_->invitations.invite(
        as(doctor_, session, Json::object({{"participant", own}, {"renew", true}}))));
    Ask nobody;
    nobody.caller.who.tenant = "t1";
    nobody.caller.client = "203.0.113.7";
    nobody.body = Json::object({{"code", sent["code"]}});
    must(sessions_->guests.enter(
        nobody, {.held = [](std::string_view) { return identity::GuestProof(); }, .tap = {}}));
    return by_link(session, own);
  }
  void tell(const std::string& session, std::string_view text) {
    must(records_->send_message(
        as(doctor_, session, Json::object({{"text", text}, {"to", part_of(session, patient_)}}))));
    clock_.advance_ms(1000);
  }
  // Messages that the list shows, with those that the events tell of.
  std::size_t messages(const Ask& who) {
    const std::size_t shown = must(records_->messages(who))["items"].size();
    const Json all = must(sessions_->reading.events(who));
    std::size_t told = 0;
    for (const Json& item : all["items"].as_array()) told += item["type"] == Json("message-sent");
    EXPECT_EQ(told, shown);
    return shown;
  }
  std::size_t consents(const Ask& who) {
    const std::size_t shown = must(sessions_->reading.get(who))["consents"].size();
    EXPECT_EQ(must(sessions_->people.consents(who))["items"].size(), shown);
    return shown;
  }

  std::string session_;
};

// Symptom: an observer who was never let in read of notes, prescriptions and private messages.
// Cause: the list of events had no filter; that of the live channel was its own.
// The list had no test for who waits.
TEST_F(Hearing, WhoWaitsReadsNoEventThatTheLiveChannelHides) {
  Ask mark = as(doctor_, session_, Json::object({{"reason", "another patient"}}));
  mark.record = must(records_->write_note(as(doctor_, session_, Json::object({{"content", "x"}}))))
                    .string_or("id", "");
  must(records_->mark_note_in_error(mark));
  must(records_->plan_follow_up(as(doctor_, session_, Json::object({{"afterDays", 7}}))));
  must(records_->send_message(
      as(doctor_, session_,
         Json::object({{"text", "to you alone"}, {"to", part_of(session_, patient_)}}))));
  must(records_->send_message(as(doctor_, session_, Json::object({{"text", "to all"}}))));
  must(records_->send_message(
      as(doctor_, session_,
         Json::object({{"text", "please wait"}, {"to", part_of(session_, patient2_)}}))));
  must(records_->share_document(
      as(doctor_, session_,
         Json::object({{"documentType", "TEXT"},
                       {"contentType", "text/plain"},
                       {"data", to_base64(as_bytes(std::string_view("hello")))},
                       {"shownTo", Json::array({"specialist"})}}))));
  must(sessions_->people.record_consent(
      as(patient_, session_, Json::object({{"kind", "recording"}, {"given", false}}))));

  const auto waits = events(patient2_);
  for (const char* hidden :
       {"note-written", "note-entered-in-error", "follow-up-created", "document-shared",
        "consent-recorded", "participant-admitted", "participant-waiting", "participant-joined"})
    EXPECT_EQ(waits.count(hidden), 0U) << hidden;
  EXPECT_EQ(waits.count("message-sent"), 1U) << "the message to him";
  EXPECT_EQ(waits.count("created"), 1U);
  const auto patient = events(patient_);
  EXPECT_EQ(patient.count("note-written"), 0U) << "staff";
  EXPECT_EQ(patient.count("note-entered-in-error"), 0U) << "staff";
  EXPECT_EQ(events(doctor_).count("note-entered-in-error"), 1U);
  EXPECT_EQ(patient.count("document-shared"), 0U) << "shown to others";
  EXPECT_EQ(patient.count("message-sent"), 2U);
  EXPECT_EQ(patient.count("consent-recorded"), 1U);
  EXPECT_EQ(events(doctor_).count("document-shared"), 1U) << "he shared it";
  const Json all = must(sessions_->reading.events(as_admin(session_)));
  std::size_t notes = 0;
  for (const Json& item : all["items"].as_array()) notes += item["type"] == Json("note-written");
  EXPECT_EQ(notes, 1U) << "offices see the whole of it";
}

TEST(HearingOfDocuments, TheFamilyIsNotToldOfOneThatIsWithheld) {
  Membership family;
  family.participant = "brother";
  family.role = "family_member";
  family.admitted = true;
  Membership doctor = family;
  doctor.participant = "doctor";
  doctor.role = "doctor";
  Json data = Json::object({{"document", "d"}, {"from", "patient"}});
  EXPECT_TRUE(may_hear(family, "document-shared", 0, data));
  data.set("withheld", true);
  EXPECT_FALSE(may_hear(family, "document-shared", 0, data));
  EXPECT_TRUE(may_hear(doctor, "document-shared", 0, data));
  data.set("from", "brother");
  EXPECT_TRUE(may_hear(family, "document-shared", 0, data)) << "his own";
}

// Symptom: whoever opened a link that was sent again read on the live channel what the list hid.
// Cause: the list looked at the time of a message, the events did not.
// Tests asked the list.
TEST_F(Hearing, ALinkThatWasOpenedAnewHearsNothingOfBefore) {
  tell(session_, "private");
  const Ask guest = opened_link(session_);
  EXPECT_EQ(messages(guest), 0U);
  must(sessions_->entry.join(guest));
  EXPECT_EQ(messages(guest), 0U);
  tell(session_, "who are you?");
  EXPECT_EQ(messages(guest), 1U);
  EXPECT_EQ(messages(as(doctor_, session_)), 2U);
  Ask admit = as(doctor_, session_);
  admit.record = part_of(session_, patient_);
  must(sessions_->people.admit(admit));
  EXPECT_EQ(messages(guest), 2U);
}

// Symptom: whoever opened the first link read what the doctor had written to the patient.
// Cause: who waits reads what is addressed to him, whenever it was written.
// Tests wrote to him while he waited.
TEST_F(Hearing, WhoWaitsByALinkReadsOnlyWhatIsWrittenWhileHeIsSeenWaiting) {
  const std::string visit = id_of(made());
  tell(visit, "private");
  Ask guest = opened_link(visit);
  EXPECT_EQ(messages(guest), 0U);
  tell(visit, "nobody has come");
  EXPECT_EQ(messages(guest), 0U);
  must(sessions_->entry.join(guest));
  EXPECT_EQ(messages(guest), 0U);
  tell(visit, "please wait");
  EXPECT_EQ(messages(guest), 1U);
  must(sessions_->entry.join(guest));
  EXPECT_EQ(messages(guest), 1U) << "the page again";
  must(sessions_->entry.leave(guest));
  EXPECT_EQ(messages(guest), 0U);
  // The patient waits under the account, and somebody opens the link.
  const std::string other = id_of(made());
  must(sessions_->entry.join(as(patient_, other)));
  tell(other, "to her");
  EXPECT_EQ(messages(as(patient_, other)), 1U);
  guest = opened_link(other);
  EXPECT_EQ(messages(guest), 0U);
}

TEST_F(Hearing, WhoWaitsSeesHisOwnConsentsAlone) {
  must(sessions_->people.record_consent(
      as(patient_, session_, Json::object({{"kind", "recording"}, {"given", false}}))));
  must(sessions_->people.record_consent(
      as(patient2_, session_, Json::object({{"kind", "training"}, {"given", true}}))));
  EXPECT_EQ(consents(as(patient2_, session_)), 1U);
  EXPECT_EQ(consents(as(patient_, session_)), 2U);
  EXPECT_EQ(consents(as(doctor_, session_)), 2U);
  EXPECT_EQ(consents(as_admin(session_)), 2U);
}

// Symptom: a patient refused that his words are written down, and pages and APIs wrote on.
// Cause: only what the video provider hears was asked about.
// Tests refused the start of a transcription.
TEST_F(Hearing, NobodyWritesDownWordsThatSomebodyRefused) {
  const auto writes = [&](const std::string& who, const char* source) {
    return code(records_->add_segment(
        as(who, session_, Json::object({{"text", "hello"}, {"source", source}}))));
  };
  const auto says = [&](bool given) {
    must(sessions_->people.record_consent(
        as(patient_, session_, Json::object({{"kind", "transcription"}, {"given", given}}))));
  };
  EXPECT_EQ(writes(doctor_, "browser"), "ok");
  says(false);
  for (const char* source : {"browser", "asr"}) {
    EXPECT_EQ(writes(doctor_, source), "consent.transcription_missing") << source;
    EXPECT_EQ(writes(patient_, source), "consent.transcription_missing") << source;
  }
  Ask transcript = ask_of_hub("t1", "workflow");
  transcript.session = session_;
  transcript.body = Json::object({{"segments", Json::array({Json::object({{"text", "hello"}})})}});
  EXPECT_EQ(code(records_->add_transcript(transcript)), "consent.transcription_missing");
  says(true);
  EXPECT_EQ(writes(doctor_, "browser"), "ok");
}

// Symptom: a host wrote down that a guest refuses, and pages, APIs and recordings wrote on.
// Cause: only what somebody said himself counted as a refusal.
// Tests had accounts, which speak for themselves.
TEST_F(Hearing, NobodyWritesDownWordsAfterANoThatAHostWroteDownForAGuest) {
  const std::string visit = id_of(made(Json::object(
      {{"type", "doctor_patient"},
       {"participants", Json::array({Json::object({{"role", "patient"}, {"name", "Sami"}})})}})));
  std::string guest;
  const Json all = seen(visit);
  for (const Json& item : all["participants"].as_array()) {
    if (item.string_or("role", "") == "patient") guest = item.string_or("id", "");
  }
  must(sessions_->entry.join(as(doctor_, visit)));
  const auto writes = [&](const char* source) {
    return code(records_->add_segment(
        as(doctor_, visit, Json::object({{"text", "hello"}, {"source", source}}))));
  };
  const auto writes_down = [&](bool given) {
    return code(sessions_->people.record_consent(as(doctor_, visit,
                                                    Json::object({{"kind", "transcription"},
                                                                  {"given", given},
                                                                  {"method", "verbal"},
                                                                  {"participant", guest}}))));
  };
  Ask transcript = ask_of_hub("t1", "workflow");
  transcript.session = visit;
  transcript.body = Json::object({{"segments", Json::array({Json::object({{"text", "hello"}})})}});
  EXPECT_EQ(writes("browser"), "ok");
  EXPECT_EQ(writes_down(false), "ok");
  for (const char* source : {"browser", "asr"})
    EXPECT_EQ(writes(source), "consent.transcription_missing") << source;
  EXPECT_EQ(code(records_->add_transcript(transcript)), "consent.transcription_missing");
  EXPECT_EQ(writes_down(true), "ok");
  EXPECT_EQ(writes("browser"), "ok");

  EXPECT_EQ(writes_down(false), "ok");
  EXPECT_EQ(writes("browser"), "consent.transcription_missing");
  Ask himself = opened_link(visit, guest);
  must(sessions_->entry.join(himself));
  Ask admit = as(doctor_, visit);
  admit.record = guest;
  must(sessions_->people.admit(admit));
  himself.body = Json::object({{"kind", "transcription"}, {"given", true}});
  EXPECT_EQ(code(sessions_->people.record_consent(himself)), "ok");
  EXPECT_EQ(writes("browser"), "ok");
}

// Symptom: a message in the chat cost a commit for each of those who might hear of it, though no
// workflow and no other system wanted it. Cause: every event waited to be told.
TEST_F(Hearing, AnEventThatNobodyWantsCostsNoCommit) {
  sessions_->acts.tell_only([](std::string_view type) { return type == "note-written"; });
  sessions_->catch_up();
  const std::uint64_t before = store_->stats().jobs;
  must(records_->send_message(as(doctor_, session_, Json::object({{"text", "to all"}}))));
  EXPECT_EQ(store_->stats().jobs - before, 1U) << "the act";
  sessions_->catch_up();
  EXPECT_EQ(store_->stats().jobs - before, 1U) << "nothing follows the act";
  EXPECT_TRUE(told("message-sent").empty());
  EXPECT_TRUE(events(doctor_).contains("message-sent")) << "the history keeps it";

  must(records_->write_note(as(doctor_, session_, Json::object({{"content", "x"}}))));
  sessions_->catch_up();
  EXPECT_EQ(told("note-written").size(), 1U);
}

TEST_F(Hearing, EachEventOfAnActIsOfferedOnceAndWakesTheTellerWhereItIsWanted) {
  sessions_->stop();
  std::map<std::string, int> offered;
  bool wanted = false;
  int woken = 0;
  sessions_->acts.on_work([&woken] { ++woken; });
  sessions_->acts.tell_only([&](std::string_view type) {
    ++offered[std::string(type)];
    return wanted;
  });
  const auto consents = [&](bool given) {
    must(sessions_->people.record_consent(
        as(patient_, session_, Json::object({{"kind", "transcription"}, {"given", given}}))));
  };
  consents(true);
  EXPECT_EQ(offered, (std::map<std::string, int>{{"consent-recorded", 1}}));
  EXPECT_EQ(woken, 0);
  wanted = true;
  offered.clear();
  consents(false);
  EXPECT_EQ(offered, (std::map<std::string, int>{{"consent-recorded", 1}}));
  EXPECT_EQ(woken, 1);
}

TEST_F(Hearing, EventsOfRecordsNameTheSessionInTheWordsOfItsActs) {
  must(sessions_->people.record_consent(
      as(patient_, session_, Json::object({{"kind", "transcription"}, {"given", true}}))));
  must(records_->write_note(as(doctor_, session_, Json::object({{"content", "x"}}))));
  sessions_->catch_up();
  const auto begin_of = [this](std::string_view type) {
    const std::vector<Json> events = told(type);
    EXPECT_EQ(events.size(), 1U) << type;
    std::string members;
    if (events.empty()) return members;
    const Json data = events.front()["data"];
    for (const auto& [key, value] : data.as_object()) {
      if (key == "at") break;
      // The note's own.
      if (key == "status") continue;
      members += std::string(key) + "=" + value.dump() + " ";
    }
    return members;
  };
  const std::string by_act = begin_of("consent-recorded");
  EXPECT_EQ(begin_of("note-written"), by_act);
  EXPECT_TRUE(by_act.starts_with("session=\"" + session_ + "\" sessionNumber=")) << by_act;
  EXPECT_NE(by_act.find("provider=\"" + doctor_ + "\""), std::string::npos) << by_act;
}

// Events that are refused together are told one by one, up to the first that nobody takes.
TEST_F(Hearing, OneEventThatIsRefusedHoldsBackOnlyThoseAfterIt) {
  sessions_->stop();
  std::vector<Untold> events;
  must(store_->write([&](store::Transaction& transaction) -> Status {
    for (const char* id : {"a", "b", "bad", "c"})
      RABT_TRY_STATUS(outbox::put(transaction, "t1", {.kind = "test", .ref = id}));
    return ok_status();
  }));
  const auto waiting = [this] { return must(outbox::waiting(*store_, "t1", "test")); };
  const auto read = [&] {
    events = must(outbox::due_items<Untold>(
        *store_, "t1", "test", "", 0, 10,
        [](store::Connection& /*connection*/, const outbox::Work& work,
           std::vector<Untold>& found) {
          found.push_back({Json::object({{"id", work.ref}}), "test", work});
          return ok_status();
        }));
  };
  bool refuses = true;
  const auto deliver = [&](const std::vector<Json>& all, const store::Store::Job& also) {
    for (const Json& item : all) {
      if (refuses && item["id"] == Json("bad")) return Status(invalid("test.no", "no"));
    }
    return store_->write(also);
  };
  read();
  EXPECT_EQ(tell_in_order("t1", events, deliver, *lines_), 2U);
  EXPECT_EQ(waiting(), (std::set<std::string, std::less<>>{"bad", "c"}));
  refuses = false;
  read();
  const std::uint64_t before = store_->stats().jobs;
  EXPECT_EQ(tell_in_order("t1", events, deliver, *lines_), 2U);
  EXPECT_EQ(store_->stats().jobs - before, 1U) << "all of them in one job";
  EXPECT_TRUE(waiting().empty());
}

// Symptom: one answer had all events of a session, of which there may be tens of thousands. Cause:
// the list knew no pages.
TEST_F(Hearing, EventsComeInPages) {
  constexpr std::int64_t kMore = 1'200;
  must(store_->write([&](store::Transaction& transaction) -> Status {
    for (std::int64_t i = 0; i < kMore; ++i)
      RABT_TRY_STATUS(SessionRows::add_event(transaction, "t1", session_, "message-sent",
                                             clock_.now(), "node:test", "", Json::object(), false));
    return ok_status();
  }));
  const auto page = [&](const std::string& cursor) {
    Ask ask = as_admin(session_);
    if (!cursor.empty()) ask.query.emplace_back("cursor", cursor);
    return sessions_->reading.events(ask);
  };
  const Json first = must(page(""));
  EXPECT_EQ(first["items"].size(), 1'000U);
  EXPECT_EQ(first.string_or("next", ""), "1000");
  const Json second = must(page("1000"));
  ASSERT_GT(second["items"].size(), 200U);
  EXPECT_EQ(second["items"].item(0)["seq"], Json(1'001));
  EXPECT_TRUE(second["next"].is_null()) << "the last one";
  EXPECT_EQ(must(page("1000000"))["items"].size(), 0U);
  for (const char* wrong : {"x", "-1"}) EXPECT_EQ(code(page(wrong)), "cursor.invalid") << wrong;
}

}  // namespace
}  // namespace rabt::consultation::hearing_test

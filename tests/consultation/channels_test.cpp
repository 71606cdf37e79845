#include "hub/audit/reader.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/limits.hpp"
#include "hub/consultation/messages/channel.hpp"
#include "hub/consultation/messages/message_limit.hpp"
#include "hub/consultation/messages/messenger.hpp"
#include "hub/consultation/messages/reports.hpp"
#include "hub/consultation/messages/texts.hpp"
#include "tests/consultation/session_house.hpp"

// Messages whose SMS did not reach the patient go by mail.
namespace rabt::consultation::channels_test {
namespace {

constexpr const char* kSms = "our-send-sms";
constexpr const char* kMail = "our-send-email";

TEST(Channels, AMessageByMailHasANameOfItsOwn) {
  for (std::size_t i = 0; i < kMessageKinds; ++i) {
    for (const Channel channel : {Channel::sms, Channel::mail}) {
      const std::string name =
          to_string(MessageName{.kind = static_cast<MessageKind>(i), .channel = channel});
      EXPECT_FALSE(parse_message_kind(name) && channel == Channel::mail) << name;
      const auto read = parse_message_name(name);
      ASSERT_TRUE(read) << name;
      EXPECT_EQ(read->kind, static_cast<MessageKind>(i));
      EXPECT_EQ(read->channel, channel);
    }
  }
  EXPECT_FALSE(parse_message_name("staff_new"));
  EXPECT_FALSE(parse_message_name("/mail"));
}

class SecondChannel : public SessionHouse {
 protected:
  static Timestamp at(const char* text) { return test::must(parse_iso8601(text)); }
  static workflow::ActionOutcome refused() {
    return plugin::failed(workflow::OutcomeKind::permanent, "notify.refused", "no such number");
  }
  static workflow::ActionOutcome took(const std::string& id) {
    return Provider::done_with(Json::object({{"messageId", id}, {"status", "accepted"}}));
  }
  void SetUp() override {
    public_url_ = "https://hub.example.sa";
    house_.name = {{"ar", "مستشفى الواحة"}, {"en", "Oasis Hospital"}};
    for (const char* language : {"ar", "en"}) {
      for (const MessageTemplate& message_template : message_templates())
        house_.texts[language][std::string(message_template.name)] =
            std::string(message_template.name) + " {hospital} {time} {link}{code}";
    }
    provider_.notifies = true;
    provider_.names["notify.email.send"] = kMail;
    provider_.served.insert(kMail);
    clock_.set(at("2026-12-01T08:00:00Z"));
    SessionHouse::SetUp();
    people_.set(patient_, "phone", "0551234567");
    people_.set(patient_, "email", "patient@example.sa");
    people_.set(patient_, "language", "en");
    session_ = id_of(made(with(plain(), "scheduledStart", "2026-12-10T07:00:00Z")));
  }
  // Each channel takes messages as S-1, S-2 and M-1, M-2, or answers as said here.
  void gateway(std::optional<workflow::ActionOutcome> sms,
               std::optional<workflow::ActionOutcome> mail) {
    provider_.answer = [this, sms, mail](const plugin::CallRequest& call) {
      if (call.action == kSms) return sms ? *sms : took("S-" + std::to_string(++sms_));
      if (call.action == kMail) return mail ? *mail : took("M-" + std::to_string(++mail_));
      return provider_.usual(call);
    };
  }
  Json tell(const char* call = "call") {
    Ask ask = ask_of_hub("t1", "workflow");
    ask.caller.key = call;
    return must(codes_->tell(ask.caller, {.session = session_}));
  }
  std::string told_by(const char* call) { return tell(call)["told"].dump(); }
  std::size_t sent(const char* action) { return provider_.calls(action).size(); }
  void report(const std::string& what, const std::string& id) {
    must(MessageReports(sessions_->acts)
             .take(Json::object({{"type", "org.rabt.notify.message-" + what + ".v1"},
                                 {"source", "urn:rabt:gateway"},
                                 {"data", Json::object({{"messageId", id}})}})));
  }
  std::vector<std::string> noted(const std::string& act) {
    store_->flush();
    std::vector<std::string> out;
    for (const auto& entry : must(audit::read_page(*audit_, {}, 500)).entries) {
      const Json& detail = entry.entry.detail;
      if (entry.entry.act != act) continue;
      if (act == "action.sent") {
        out.push_back(detail.string_or("capability", ""));
      } else if (act == "action.ended") {
        out.push_back(detail.string_or("action", "") + " " + detail.string_or("task", "") + " " +
                      detail.string_or("outcome", "") + " " + entry.entry.result);
        EXPECT_FALSE(entry.entry.patient.empty()) << "the report of disclosures finds it";
      } else {
        out.push_back(detail.string_or("kind", "") + " " + detail.string_or("channel", "sms") +
                      " " + detail.string_or("outcome", ""));
      }
    }
    return out;
  }

  std::string session_;
  int sms_ = 0;
  int mail_ = 0;
};

// Symptom: the desk called a patient at once whose telephone took no SMS, though the record has a
// mail address. Cause: messages had one channel. Caught by: a gateway that refuses the number.
TEST_F(SecondChannel, AMessageThatNoTelephoneTookGoesOnceByMail) {
  gateway(refused(), {});
  EXPECT_EQ(told_by("call-1"),
            R"([{"kind":"booked","outcome":"sent","channel":"mail","sms":"failed"}])");
  EXPECT_EQ(told_by("call-2"), "[]") << "once";
  ASSERT_EQ(sent(kSms), 1U);
  ASSERT_EQ(sent(kMail), 1U);
  const plugin::CallRequest sms = provider_.calls(kSms)[0];
  const plugin::CallRequest mail = provider_.calls(kMail)[0];
  EXPECT_EQ(mail.arguments.string_or("to", ""), "patient@example.sa");
  EXPECT_EQ(mail.arguments.string_or("subject", ""), "Oasis Hospital") << "no word of a visit";
  EXPECT_EQ(mail.arguments.string_or("text", ""), sms.arguments.string_or("text", "-"));
  EXPECT_NE(mail.arguments.string_or("text", "").find("https://hub.example.sa/i#"),
            std::string::npos);
  EXPECT_EQ(mail.arguments.string_or("language", ""), "en");
  EXPECT_NE(mail.idempotency_key, sms.idempotency_key);
  EXPECT_EQ(noted("participant.told"),
            (std::vector<std::string>{"booked sms failed", "booked mail sent"}));
  EXPECT_EQ(noted("action.sent"),
            (std::vector<std::string>{"notify.sms.send:1.0.0", "notify.email.send:1.0.0"}));
  EXPECT_TRUE(noted("action.ended").empty()) << "the gateway had the number that it refused";
}

// Symptom: the desk had a task for a patient who could have had a mail in the morning.
TEST_F(SecondChannel, AnSmsThatFailsAfterTheQuietHoursBeganIsFollowedByAMailInTheMorning) {
  clock_.set(at("2026-12-01T18:59:50Z"));
  provider_.answer = [this](const plugin::CallRequest& call) -> workflow::ActionOutcome {
    if (call.action != kSms) return provider_.usual(call);
    clock_.set(at("2026-12-01T19:00:10Z"));
    return refused();
  };
  EXPECT_EQ(told_by("call-1"), "[]");
  EXPECT_EQ(sent(kMail), 0U);
  EXPECT_EQ(noted("participant.told"), std::vector<std::string>{});
  clock_.set(at("2026-12-02T04:00:00Z"));
  gateway(refused(), {});
  EXPECT_EQ(told_by("call-2"),
            R"([{"kind":"booked","outcome":"sent","channel":"mail","sms":"failed"}])");
}

TEST_F(SecondChannel, ARecordWithoutATelephoneIsToldByMail) {
  people_.set(patient_, "phone", "ask the ward");
  gateway({}, {});
  EXPECT_EQ(told_by("call"),
            R"([{"kind":"booked","outcome":"sent","channel":"mail","sms":"no_phone"}])");
  EXPECT_EQ(sent(kSms), 0U);
}

TEST_F(SecondChannel, AMailThatIsRefusedOrCannotLeaveNowIsTheDesks) {
  const auto away = plugin::failed(workflow::OutcomeKind::transient, "smtp.away", "later");
  const auto lost = plugin::failed(workflow::OutcomeKind::ambiguous, "smtp.lost", "no answer");
  gateway(refused(), refused());
  EXPECT_EQ(told_by("call"), R"([{"kind":"booked","outcome":"failed","mail":"failed"}])");
  const auto another = [this](const char* start) {
    session_ = id_of(made(with(plain(), "scheduledStart", start)));
  };
  another("2026-12-11T07:00:00Z");
  gateway(refused(), away);
  EXPECT_EQ(told_by("call"), R"([{"kind":"booked","outcome":"failed","mail":"failed"}])");
  another("2026-12-12T07:00:00Z");
  gateway(refused(), lost);
  EXPECT_EQ(told_by("call"), R"([{"kind":"booked","outcome":"failed","mail":"unknown"}])");
  EXPECT_EQ(sent(kMail), 3U) << "a mail whose answer was lost is not sent once more";
  gateway({}, {});
  EXPECT_EQ(told_by("call"), "[]");
}

TEST_F(SecondChannel, WithoutASecondChannelTheDeskIsAskedAsBefore) {
  gateway(refused(), {});
  people_.forget(patient_, "email");
  EXPECT_EQ(told_by("call"), R"([{"kind":"booked","outcome":"failed"}])");
  people_.set(patient_, "email", "patient@example.sa");
  provider_.served.erase(kMail);
  session_ = id_of(made(with(plain(), "scheduledStart", "2026-12-11T07:00:00Z")));
  EXPECT_EQ(told_by("call"), R"([{"kind":"booked","outcome":"failed"}])") << "no mail by this role";
  EXPECT_EQ(sent(kMail), 0U);
}

// Symptom: the audit log had a mail that failed, where no gateway for mail is configured. Cause:
// the plugin declares the action whether or not its configuration has a gateway.
TEST_F(SecondChannel, APluginWithoutAGatewayForMailIsNoSecondChannel) {
  gateway(refused(),
          plugin::failed(workflow::OutcomeKind::permanent, "notify.no_email", "no gateway"));
  EXPECT_EQ(told_by("call"), R"([{"kind":"booked","outcome":"failed"}])");
  EXPECT_EQ(noted("participant.told"), std::vector<std::string>{"booked sms failed"});
  // The entry of the disclosure is written before the plugin refuses.
  EXPECT_EQ(noted("action.sent").size(), 2U);
  EXPECT_EQ(noted("action.ended"),
            std::vector<std::string>{"notify.email.send messages permanent notify.no_email"});
}

// Whoever can book could read what goes to the mail of a booking.
TEST_F(SecondChannel, NobodyIsToldByTheMailOfABooking) {
  gateway(refused(), {});
  people_.forget(patient_, "email");
  Ask by_hub = ask_of_hub("t1", "workflow");
  by_hub.body = Json::object(
      {{"type", "doctor_patient"},
       {"provider", doctor_},
       {"scheduledStart", "2026-12-11T07:00:00Z"},
       {"participants", Json::array({Json::object({{"role", "patient"},
                                                   {"name", "A Guest"},
                                                   {"phone", "+966500000001"},
                                                   {"email", "whoever@example.com"}})})}});
  session_ = id_of(must(sessions_->creation.create(by_hub)));
  EXPECT_EQ(told_by("call"), R"([{"kind":"booked","outcome":"no_phone"}])");
  EXPECT_EQ(sent(kMail), 0U);
}

TEST_F(SecondChannel, AChildsMessageGoesToNoMailOfTheChild) {
  people_.set(patient_, "birthDate", "2015-05-17");
  people_.set(patient_, "guardians",
              Json::array({Json::object(
                  {{"name", "Mona"}, {"phone", "0559876543"}, {"relation", "mother"}})}));
  gateway(refused(), {});
  EXPECT_EQ(told_by("call"), R"([{"kind":"booked","outcome":"failed"}])");
  EXPECT_EQ(provider_.calls(kSms).at(0).arguments.string_or("to", ""), "+966559876543");
  EXPECT_EQ(sent(kMail), 0U);
}

TEST_F(SecondChannel, AnSmsThatDidNotArriveIsFollowedByAMailAndThatByTheDesk) {
  gateway({}, {});
  EXPECT_EQ(told_by("call-1"), R"([{"kind":"booked","outcome":"sent"}])");
  EXPECT_EQ(sent(kMail), 0U);
  report("failed", "S-1");
  constexpr const char* kMailed =
      R"([{"kind":"booked","outcome":"sent","channel":"mail","sms":"undelivered"}])";
  EXPECT_EQ(told_by("call-2"), kMailed);
  EXPECT_EQ(told_by("call-2"), kMailed) << "the same call, after a crash";
  const Json next = tell("call-3");
  EXPECT_EQ(next["told"].dump(), "[]");
  EXPECT_EQ(sent(kMail), 1U);
  report("failed", "M-1");
  ASSERT_TRUE(eventually([&] { return told("message-undelivered").size() == 2; }));
  const Json data = told("message-undelivered").at(1)["data"];
  EXPECT_EQ(data.string_or("kind", ""), "booked");
  EXPECT_EQ(data.string_or("channel", ""), "mail");
  EXPECT_EQ(told("message-undelivered").at(0)["data"].find("channel"), nullptr);
  constexpr const char* kLost = R"([{"kind":"booked","outcome":"undelivered","channel":"mail"}])";
  EXPECT_EQ(told_by("call-4"), kLost);
  EXPECT_EQ(told_by("call-5"), "[]") << "the desk knows";
  EXPECT_EQ(sent(kSms), 1U);
  EXPECT_EQ(noted("participant.told"),
            (std::vector<std::string>{"booked sms sent", "booked sms undelivered",
                                      "booked mail sent", "booked mail undelivered"}));
}

TEST_F(SecondChannel, TheGatewayIsAskedOfAMailThatFollows) {
  gateway({}, {});
  (void)tell();
  must(sessions_->life.cancel(as(doctor_, session_, Json::object({{"reason", "ill"}}))));
  EXPECT_EQ(told_by("call-1"), R"([{"kind":"cancelled","outcome":"sent"}])");
  report("failed", "S-2");
  const Json mailed = tell("call-2");
  EXPECT_EQ(mailed["over"], Json(false));
  EXPECT_EQ(mailed["waitSeconds"], Json(120));
}

TEST_F(SecondChannel, QuietHoursHoldTheMailAndTheDeskIsNotAskedMeanwhile) {
  gateway({}, {});
  (void)tell();
  clock_.set(at("2026-12-01T20:00:00Z"));  // 23:00 in Riyadh
  report("failed", "S-1");
  const Json night = tell("call-1");
  EXPECT_EQ(night["told"].dump(), "[]");
  EXPECT_EQ(night["waitSeconds"], Json(8 * 3600));
  EXPECT_EQ(sent(kMail), 0U);
  clock_.set(at("2026-12-02T04:00:00Z"));
  EXPECT_EQ(told_by("call-2"),
            R"([{"kind":"booked","outcome":"sent","channel":"mail","sms":"undelivered"}])");
  EXPECT_EQ(sent(kMail), 1U);
}

TEST_F(SecondChannel, WhatIsOfNoUseAnyMoreGoesByNoOtherChannel) {
  gateway({}, {});
  (void)tell();
  clock_.set(at("2026-12-10T06:45:00Z"));
  (void)tell();
  report("failed", "S-2");
  clock_.set(at("2026-12-10T07:11:00Z"));
  EXPECT_EQ(told_by("call-1"), "[]") << "a reminder is of use until ten minutes after the start";
  session_ = id_of(made(with(plain(), "scheduledStart", "2026-12-20T07:00:00Z")));
  EXPECT_EQ(told_by("call-2"), R"([{"kind":"booked","outcome":"sent"}])");
  must(sessions_->life.change(
      as(doctor_, session_, Json::object({{"scheduledStart", "2026-12-21T07:00:00Z"}}))));
  report("failed", "S-3");
  EXPECT_EQ(told_by("call-3"), "[]") << "the visit has another time";
  EXPECT_EQ(sent(kMail), 0U);
}

TEST_F(SecondChannel, WhoWantsNoRemindersGetsNoneByMail) {
  gateway({}, {});
  (void)tell();
  clock_.set(at("2026-12-09T07:00:00Z"));
  EXPECT_EQ(told_by("call"), R"([{"kind":"day_before","outcome":"sent"}])");
  people_.set(patient_, "reminders", false);
  report("failed", "S-2");
  EXPECT_EQ(told_by("call-1"), R"([{"kind":"day_before","outcome":"undelivered"}])");
  EXPECT_EQ(sent(kMail), 0U);
}

TEST_F(SecondChannel, ALinkThatWasTakenBackIsNotMailed) {
  gateway({}, {});
  (void)tell();
  report("failed", "S-1");
  Ask revoke = as(doctor_, session_);
  revoke.record =
      must(sessions_->invitations.list(as(doctor_, session_)))["items"].item(0).string_or("id", "");
  must(sessions_->invitations.revoke(revoke));
  EXPECT_EQ(told_by("call-1"), R"([{"kind":"booked","outcome":"undelivered"}])");
  EXPECT_EQ(sent(kMail), 0U);
}

TEST_F(SecondChannel, ACodeAndACallOf997AreForTheTelephoneAlone) {
  gateway(refused(), {});
  EXPECT_EQ(must(codes_->tell_at_once({.session = session_, .message = "call_997"}))["told"].dump(),
            R"([{"kind":"call_997","outcome":"failed"}])");
  const Session session = must(sessions_->acts.load(session_));
  const Participant* patient = nullptr;
  for (const Participant& participant : session.people.participants) {
    if (participant.role == PartRole::patient) patient = &participant;
  }
  ASSERT_NE(patient, nullptr);
  EXPECT_EQ(must(codes_->send_code(session, *patient, {.digits = "482913", .name = "1"})),
            "failed");
  EXPECT_EQ(sent(kMail), 0U);
}

TEST_F(SecondChannel, AMailIsCountedForItsAddress) {
  const MessageLimit limit(sessions_->acts.parts());
  for (std::int64_t i = 0; i < limits::kMaxVisitNewsInDay; ++i) {
    EXPECT_FALSE(must(limit.take({.cause = MessageCause::visit,
                                  .address = "patient@example.sa",
                                  .letter = std::to_string(i)})));
  }
  gateway(refused(), {});
  EXPECT_EQ(told_by("call"), R"([{"kind":"booked","outcome":"failed"}])") << "the desk calls";
  EXPECT_EQ(sent(kMail), 0U);
}

// The desk is not asked to call a patient who knows by either channel.
TEST_F(SecondChannel, ATaskIsClosedWhenTheMailOrTheSmsArrivesAfterAll) {
  desk_tasks_ = std::make_unique<const Tasks>(
      Tasks::Parts{*store_, *audit_, *keys_, people_, *reasons_, clock_, random_, ids_, "t1"});
  const std::string desk = somebody({identity::Role::desk}, {{"name", "Sara"}});
  gateway({}, {});
  const char* const starts[] = {"2026-12-11T07:00:00Z", "2026-12-12T07:00:00Z"};
  for (int i = 1; i <= 2; ++i) {
    session_ = id_of(made(with(plain(), "scheduledStart", starts[i - 1])));
    const std::string number = std::to_string(i);
    (void)tell("call-1");
    report("failed", "S-" + number);
    (void)tell("call-2");
    report("failed", "M-" + number);
    NewTask wanted;
    wanted.task.kind = "call";
    wanted.task.title = "patient.not-told";
    wanted.task.role = "desk";
    wanted.task.object_type = "session";
    wanted.task.object = session_;
    wanted.content.data = Json::object({{"told", tell("call-3")["told"]}});
    wanted.content.schema = form_of({"called", "not-reached"});
    wanted.call = "call-" + number;
    const std::string id = must(desk_tasks_->open(wanted)).task.id;
    EXPECT_EQ(must(desk_tasks_->find(as(desk).caller.who, id)).task.state, "open");
    report("delivered", (i == 1 ? "M-" : "S-") + number);
    EXPECT_EQ(must(desk_tasks_->find(as(desk).caller.who, id)).task.state, "cancelled") << i;
  }
}

// A list of the day shows how the patient knows.
TEST_F(SecondChannel, TheListOfTheDayShowsTheMailThatLeft) {
  const std::string desk = somebody({identity::Role::desk}, {{"name", "Sara"}});
  const auto shown = [&] {
    Ask ask = as(desk);
    ask.query = {{"date", "2026-12-10"}};
    ask.caller.reason = "paper for a day without the hub";
    return must(sessions_->days.list(ask))["visits"].item(0)["told"];
  };
  gateway(refused(), {});
  (void)tell();
  EXPECT_EQ(shown().string_or("kind", ""), "booked");
  EXPECT_EQ(shown().string_or("outcome", ""), "sent");
  EXPECT_EQ(shown().string_or("channel", ""), "mail");
  report("failed", "M-1");
  EXPECT_EQ(shown().string_or("outcome", ""), "failed");
  EXPECT_EQ(shown().string_or("channel", ""), "sms");
}

}  // namespace
}  // namespace rabt::consultation::channels_test

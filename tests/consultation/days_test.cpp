#include "hub/audit/reader.hpp"
#include "tests/consultation/service_house.hpp"

// A bad day: a doctor is away, and all visits of the day are given to another, moved or called off;
// and the list of a day on paper.
namespace rabt::consultation::days_test {
namespace {

class Days : public ServiceHouse {
 protected:
  void SetUp() override {
    ServiceHouse::SetUp();
    desk_ = somebody({identity::Role::desk}, {{"name", "Sara"}});
  }
  // "09:00" of the day, in Riyadh.
  static std::string at(const std::string& clock, const char* day = "2027-03-10") {
    return std::string(day) + "T" + clock + ":00+03:00";
  }
  static std::string utc(const std::string& time) { return to_iso8601(must(parse_iso8601(time))); }
  std::string booked(const std::string& when, const std::string& provider = {}) {
    Json body = plain();
    body.set("provider", provider.empty() ? doctor_ : provider);
    body.set("scheduledStart", when);
    body.set("plannedMinutes", 30);
    return id_of(must(sessions_->creation.create(as(desk_, {}, std::move(body)))));
  }
  void publish(const std::string& provider) {
    Json slots = Json::array();
    slots.push_back(Json::object({{"startsAt", at("08:00")}, {"endsAt", at("18:00")}}));
    Ask ask = as(provider, {}, Json::object({{"slots", std::move(slots)}}));
    ask.record = provider;
    must(practice_->set_availability(ask));
  }
  Ask of(Json body, const std::string& provider = {}) {
    Ask ask = as(desk_, {}, std::move(body));
    ask.record = provider.empty() ? doctor_ : provider;
    return ask;
  }
  static Json day(std::initializer_list<std::pair<std::string_view, Json>> more) {
    Json body = Json::object({{"date", "2027-03-10"}});
    for (const auto& [name, value] : more) body.set(name, value);
    return body;
  }
  Json previewed(const Json& body) { return must(sessions_->days.preview(of(body))); }
  // The act for all that the preview shows.
  static Json all_of(Json body, const Json& preview) {
    Json visits = Json::array();
    for (const Json& item : preview["visits"].as_array())
      visits.push_back(Json::object({{"session", item["session"]}, {"version", item["version"]}}));
    body.set("visits", std::move(visits));
    body.set("reason", "the doctor is ill");
    return body;
  }
  // "left provider.busy" by session.
  static std::map<std::string, std::string> outcomes(const Json& answer) {
    std::map<std::string, std::string> out;
    for (const Json& item : answer["visits"].as_array()) {
      const std::string code = item.string_or("code", "");
      out[item.string_or("session", "")] =
          item.string_or("outcome", "") + (code.empty() ? "" : " " + code);
    }
    return out;
  }
  // The desk asks for the list of the day, for a reason.
  Ask paper(const char* day = "2027-03-10") {
    Ask ask = as(desk_);
    ask.query = {{"date", day}};
    ask.caller.reason = "paper for a day without the hub";
    return ask;
  }
  // A message of which the messenger has noted what became of it.
  void note_message(const std::string& session, std::string_view kind, std::string_view outcome,
                    std::int64_t at_ms) {
    static constexpr store::Statement kNoted{
        "INSERT INTO session_message (tenant, session, participant, kind, version, outcome, at_ms, "
        "gateway_id) VALUES ('t1', $1, $2, $3, 1, $4, $5, '')"};
    std::string patient;
    const Json all = seen(session);
    for (const Json& item : all["participants"].as_array()) {
      if (item.string_or("role", "") == "patient") patient = item.string_or("id", "");
    }
    must(store_->write([&](store::Transaction& transaction) {
      return store::run(transaction, kNoted, {session, patient, kind, outcome, at_ms});
    }));
  }
  static std::vector<std::string> ids_of(const Json& list) {
    std::vector<std::string> out;
    for (const Json& item : list["visits"].as_array()) out.push_back(item.string_or("session", ""));
    return out;
  }
  static std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }
  // By an office, whoever's the visit is.
  Json seen(const std::string& session) { return must(sessions_->reading.get(as_admin(session))); }
  std::string start(const std::string& session) {
    return seen(session).string_or("scheduledStart", "");
  }
  std::vector<audit::Entry> entries(const std::string& act) {
    audit::Query query;
    query.act = act;
    store_->flush();
    std::vector<audit::Entry> out;
    for (const auto& entry : must(audit::read_page(*audit_, query, 100)).entries)
      out.push_back(entry.entry);
    return out;
  }

  std::string desk_;
};

TEST_F(Days, APreviewSaysWhatWouldBecomeOfEachVisitAndChangesNothing) {
  publish(doctor2_);
  const std::string nine = booked(at("09:00"));
  const std::string ten = booked(at("10:00"));
  const std::string eleven = booked(at("11:00"));
  const std::string taken = booked(at("10:15"), doctor2_);
  must(sessions_->life.start(as(doctor_, eleven)));
  const Json body = day({{"act", "give"}, {"provider", doctor2_}});
  const Json shown = previewed(body);
  EXPECT_EQ(
      outcomes(shown),
      (std::map<std::string, std::string>{
          {nine, "given"}, {ten, "left provider.busy"}, {eleven, "left session.already_started"}}))
      << shown.dump();
  const Json busy = shown["visits"].item(1);
  EXPECT_EQ(busy["taken"].string_or("from", ""), utc(at("10:15")));
  EXPECT_EQ(busy["taken"].string_or("to", ""), utc(at("10:45")));
  EXPECT_EQ(busy["patient"]["record"].string_or("name", "") + busy["patient"].string_or("name", ""),
            "Patient OnePatient One");
  for (const std::string& text : {nine, ten})
    EXPECT_EQ(seen(text).string_or("provider", ""), doctor_);
  EXPECT_EQ(entries("provider.absence").size(), 0U);
  EXPECT_EQ(outcomes(previewed(body)), outcomes(shown)) << "nothing has changed";
}

TEST_F(Days, VisitsAreGivenToAnotherDoctorAndTheOthersAreLeft) {
  publish(doctor2_);
  const std::string nine = booked(at("09:00"));
  const std::string ten = booked(at("10:00"));
  const std::string eleven = booked(at("11:00"));
  booked(at("10:15"), doctor2_);
  must(sessions_->life.start(as(doctor_, eleven)));
  sessions_->catch_up();
  const Json body = day({{"act", "give"}, {"provider", doctor2_}});
  const Json preview = previewed(body);
  const Json done = must(sessions_->days.apply(of(all_of(body, preview))));
  EXPECT_EQ(outcomes(done), outcomes(preview)) << done.dump();
  EXPECT_EQ(done.int_or("done", 0), 1);
  EXPECT_EQ(done.int_or("left", 0), 2);
  EXPECT_EQ(seen(nine).string_or("provider", ""), doctor2_);
  EXPECT_EQ(seen(ten).string_or("provider", ""), doctor_);
  EXPECT_EQ(seen(eleven).string_or("status", ""), "active");
  EXPECT_TRUE(eventually([&] { return !told("updated").empty(); })) << "everybody is told";
  const std::int64_t version = seen(nine).int_or("version", 0);
  const Json again = must(sessions_->days.apply(of(all_of(body, preview))));
  EXPECT_EQ(outcomes(again)[nine], "left precondition.failed");
  EXPECT_EQ(seen(nine).int_or("version", 0), version) << "nothing is done twice";
}

TEST_F(Days, VisitsThatMoveTogetherDoNotStandInTheWayOfEachOther) {
  publish(doctor_);
  const std::vector<std::string> visits{booked(at("09:00")), booked(at("09:30")),
                                        booked(at("10:00"))};
  for (const auto& [minutes, first] :
       {std::pair<int, const char*>{30, "09:30"}, {-45, "08:45"}, {15, "09:00"}}) {
    const Json body = day({{"act", "move"}, {"minutes", minutes}});
    const Json preview = previewed(body);
    const Json done = must(sessions_->days.apply(of(all_of(body, preview))));
    EXPECT_EQ(outcomes(done), outcomes(preview)) << minutes;
    EXPECT_EQ(done.int_or("done", 0), 3) << done.dump();
    EXPECT_EQ(start(visits[0]), utc(at(first)));
  }
  EXPECT_EQ(start(visits[2]), utc(at("10:00")));
}

TEST_F(Days, AVisitThatCannotMoveHoldsTheOneBehindIt) {
  publish(doctor_);
  const std::string nine = booked(at("09:00"));
  const std::string half = booked(at("09:30"));
  const std::string ten = booked(at("10:00"));
  must(sessions_->life.start(as(doctor_, ten)));
  sessions_->catch_up();
  const Json body = day({{"act", "move"}, {"minutes", 30}});
  const Json preview = previewed(body);
  const std::map<std::string, std::string> wanted{{nine, "left provider.busy"},
                                                  {half, "left provider.busy"},
                                                  {ten, "left session.already_started"}};
  EXPECT_EQ(outcomes(preview), wanted);
  EXPECT_EQ(outcomes(must(sessions_->days.apply(of(all_of(body, preview))))), wanted);
}

TEST_F(Days, VisitsMoveToTheSameTimesOfAnotherDayInTheHospitalsZone) {
  const std::string first = booked(at("00:00"));
  const std::string last = booked(at("23:30"));
  const std::string before = booked(at("23:59", "2027-03-09"));
  const std::string after = booked(at("00:00", "2027-03-11"));
  const Json body = day({{"act", "move"}, {"toDate", "2027-03-12"}});
  Ask ask = as_admin({}, all_of(body, previewed(body)));
  ask.record = doctor_;
  const Json done = must(sessions_->days.apply(ask));
  EXPECT_EQ(done.int_or("done", 0), 2) << done.dump();
  EXPECT_EQ(start(first), utc(at("00:00", "2027-03-12")));
  EXPECT_EQ(start(last), utc(at("23:30", "2027-03-12")));
  EXPECT_EQ(start(before), utc(at("23:59", "2027-03-09")));
  EXPECT_EQ(start(after), utc(at("00:00", "2027-03-11")));
}

TEST_F(Days, AVisitOfTheHospitalsOwnAppointmentDoesNotMoveAndIsCalledOff) {
  const std::string linked = booked(at("09:00"));
  Ask hub = ask_of_hub("t1", "workflow");
  hub.session = linked;
  hub.body = Json::object({{"appointment", "A-1"}});
  must(sessions_->life.set_appointment(hub));
  hub.body = Json::object({{"consultation", "01KK7GJ0G0YVA4897AK1WYD2K7"}});
  must(sessions_->life.link_consultation(hub));
  const Json body = day({{"act", "move"}, {"minutes", 60}});
  const Json preview = previewed(body);
  EXPECT_EQ(outcomes(preview)[linked], "left day.linked");
  EXPECT_EQ(preview["visits"].item(0)["linked"], Json(true));
  EXPECT_EQ(outcomes(must(sessions_->days.apply(of(all_of(body, preview)))))[linked],
            "left day.linked");
  EXPECT_EQ(start(linked), utc(at("09:00")));
  const Json off = day({{"act", "cancel"}});
  EXPECT_EQ(outcomes(must(sessions_->days.apply(of(all_of(off, previewed(off))))))[linked],
            "cancelled");
}

TEST_F(Days, NoVisitMovesIntoThePast) {
  const std::string now = to_iso8601({clock_.now().ms + 3LL * 3'600'000});
  const std::string soon = booked(to_iso8601({clock_.now().ms + 10LL * 60'000}));
  Json body = Json::object({{"date", now.substr(0, 10)}, {"act", "move"}, {"minutes", -30}});
  const Json preview = previewed(body);
  EXPECT_EQ(outcomes(preview)[soon], "left day.past");
  EXPECT_EQ(outcomes(must(sessions_->days.apply(of(all_of(body, preview)))))[soon],
            "left day.past");
}

TEST_F(Days, VisitsAreCalledOffForAReasonThatTheLogKeepsSealed) {
  const std::string nine = booked(at("09:00"));
  const std::string asked = id_of(must(sessions_->creation.create(
      as(desk_, {},
         with(with(with(plain(), "provider", doctor_), "scheduledStart", at("10:00")), "request",
              true)))));
  const Json body = day({{"act", "cancel"}});
  const Json preview = previewed(body);
  ASSERT_EQ(preview["visits"].size(), 2U);
  const Json done = must(sessions_->days.apply(of(all_of(body, preview))));
  for (const std::string& text : {nine, asked}) {
    EXPECT_EQ(seen(text).string_or("status", ""), "cancelled");
    Ask office = as_admin(text);
    office.caller.reason = "to call the patient";
    EXPECT_EQ(must(sessions_->reading.get(office))["cancellation"].string_or("reason", ""),
              "the doctor is ill");
  }
  EXPECT_TRUE(eventually([&] { return told("cancelled").size() == 2; }));
  const auto noted = entries("provider.absence");
  ASSERT_EQ(noted.size(), 1U);
  EXPECT_EQ(noted[0].object, "person:" + doctor_);
  EXPECT_EQ(noted[0].actor, "person:" + desk_);
  EXPECT_EQ(noted[0].detail.string_or("act", ""), "cancel");
  EXPECT_EQ(noted[0].detail.int_or("visits", 0), 2);
  EXPECT_EQ(noted[0].detail.dump().find("ill"), std::string::npos);
  EXPECT_EQ(must(reasons_->open("t1", "", noted[0].sealed)).string_or("reason", ""),
            "the doctor is ill");
}

TEST_F(Days, AVisitThatSomebodyChangedSinceThePreviewIsLeft) {
  const std::string nine = booked(at("09:00"));
  const std::string ten = booked(at("10:00"));
  const Json body = day({{"act", "cancel"}});
  const Json preview = previewed(body);
  must(sessions_->life.change(as(desk_, nine, Json::object({{"scheduledStart", at("12:00")}}))));
  EXPECT_EQ(
      outcomes(must(sessions_->days.apply(of(all_of(body, preview))))),
      (std::map<std::string, std::string>{{nine, "left precondition.failed"}, {ten, "cancelled"}}));
  EXPECT_EQ(seen(nine).string_or("status", ""), "scheduled");
}

TEST_F(Days, TheVersionCountsForEachActOnOneVisit) {
  const std::string nine = booked(at("09:00"));
  Ask ask = as(desk_, nine, Json::object({{"provider", doctor2_}}));
  ask.version = seen(nine).int_or("version", 0) + 1;
  EXPECT_EQ(code(sessions_->life.assign(ask)), "precondition.failed");
  ask.body = Json::object({{"reason", "late"}});
  EXPECT_EQ(code(sessions_->life.cancel(ask)), "precondition.failed");
}

TEST_F(Days, VisitsOfAnotherDoctorOrDayAreNotTouched) {
  const std::string other = booked(at("09:00"), doctor2_);
  const std::string later = booked(at("09:00", "2027-03-11"));
  Json visits = Json::array();
  for (const std::string& word : {other, later})
    visits.push_back(Json::object({{"session", word}, {"version", seen(word)["version"]}}));
  const Json done = must(sessions_->days.apply(
      of(day({{"act", "cancel"}, {"reason", "ill"}, {"visits", std::move(visits)}}))));
  for (const std::string& text : {other, later}) {
    EXPECT_EQ(outcomes(done)[text], "left session.unknown");
    EXPECT_EQ(seen(text).string_or("status", ""), "scheduled");
  }
}

TEST_F(Days, AtMostAHundredVisitsAreChangedAtOnce) {
  const auto asked = [&](std::size_t count) {
    Json visits = Json::array();
    for (std::size_t i = 0; i < count; ++i)
      visits.push_back(Json::object({{"session", ids_.next().text()}, {"version", 1}}));
    return sessions_->days.apply(
        of(day({{"act", "cancel"}, {"reason", "ill"}, {"visits", std::move(visits)}})));
  };
  EXPECT_EQ(must(asked(kMostOfADay)).int_or("left", 0), 100);
  EXPECT_EQ(code(asked(kMostOfADay + 1)), "api.invalid");
  EXPECT_EQ(code(asked(0)), "api.invalid");
}

TEST_F(Days, WhatIsAskedForIsOneAct) {
  const auto refused = [&](std::initializer_list<std::pair<std::string_view, Json>> more) {
    return code(sessions_->days.preview(of(day(more))));
  };
  EXPECT_EQ(refused({}), "api.invalid");
  EXPECT_EQ(refused({{"act", "give"}}), "api.invalid") << "to nobody";
  EXPECT_EQ(refused({{"act", "give"}, {"provider", doctor_}}), "api.invalid") << "to himself";
  EXPECT_EQ(refused({{"act", "give"}, {"provider", nurse_}}), "api.invalid");
  EXPECT_EQ(refused({{"act", "give"}, {"provider", patient_}}), "api.invalid");
  EXPECT_EQ(refused({{"act", "move"}}), "api.invalid") << "nowhere";
  EXPECT_EQ(refused({{"act", "move"}, {"minutes", 0}}), "api.invalid");
  EXPECT_EQ(refused({{"act", "move"}, {"minutes", 1441}}), "api.invalid");
  EXPECT_EQ(refused({{"act", "move"}, {"toDate", "2027-03-10"}}), "api.invalid");
  EXPECT_EQ(refused({{"act", "move"}, {"minutes", 30}, {"toDate", "2027-03-11"}}), "api.invalid");
  EXPECT_EQ(refused({{"act", "cancel"}, {"date", "2027-02-30"}}), "api.invalid");
  EXPECT_EQ(refused({{"act", "cancel"}, {"date", "tomorrow"}}), "api.invalid");
  EXPECT_EQ(code(sessions_->days.preview(of(day({{"act", "cancel"}}), patient_))),
            "provider.unknown");
  EXPECT_EQ(code(sessions_->days.apply(of(day({{"act", "cancel"}})))), "api.invalid")
      << "without a reason and visits";
}

TEST_F(Days, OneAnswerNamesAllMistakesInTheOrderOfTheMembers) {
  const auto refused = sessions_->days.apply(
      of(day({{"date", "tomorrow"}, {"act", "give"}, {"provider", doctor_}})));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "date: it must be a day, such as 2026-12-01\n"
            "provider: it is the one who is away\n"
            "reason: it is needed\n"
            "visits: it must have 1 to 100 visits");
}

TEST_F(Days, TheListOfADayHasTelephonesAndIsAReadingOfEachPatient) {
  people_.set(patient_, "phone", "+966551234567");
  people_.set(patient2_, "birthDate", "2020-01-01");
  people_.set(patient2_, "guardians",
              Json::array({Json::object(
                  {{"name", "Salma"}, {"phone", "+966557654321"}, {"relation", "mother"}})}));
  const std::string ten = booked(at("10:00"), doctor2_);
  const std::string nine = id_of(must(sessions_->creation.create(
      as(desk_, {},
         with(with(with(plain(), "patient", patient2_), "provider", doctor_), "scheduledStart",
              at("09:00"))))));
  Ask ask = as(desk_);
  ask.query = {{"date", "2027-03-10"}};
  EXPECT_EQ(code(sessions_->days.list(ask)), "phi.reason");
  ask.caller.reason = "paper for a day without the hub";
  const Json list = must(sessions_->days.list(ask));
  ASSERT_EQ(list["visits"].size(), 2U) << list.dump();
  EXPECT_EQ(list["visits"].item(0).string_or("session", ""), nine);
  EXPECT_EQ(list["visits"].item(0)["patient"]["guardian"].string_or("phone", ""), "+966557654321");
  EXPECT_EQ(list["visits"].item(1)["patient"].string_or("name", ""), "Patient One");
  EXPECT_EQ(list["visits"].item(1)["patient"].string_or("phone", ""), "+966551234567");
  EXPECT_EQ(list["visits"].item(1)["doctor"].string_or("name", ""), "Dr Two");
  EXPECT_EQ(list.dump().find("chiefComplaint"), std::string::npos);
  std::set<std::string> read;
  for (const audit::Entry& entry : entries("session.read")) {
    if (entry.detail.string_or("what", "") == "day_list") read.insert(entry.patient);
  }
  EXPECT_EQ(read, (std::set<std::string>{people_.of(patient_).pseudonym,
                                         people_.of(patient2_).pseudonym}));
  ask.query.emplace_back("provider", doctor2_);
  EXPECT_EQ(must(sessions_->days.list(ask))["visits"].size(), 1U);
  ask.query = {{"date", "10/03/2027"}};
  EXPECT_EQ(code(sessions_->days.list(ask)), "api.invalid");
}

TEST_F(Days, TheListOfADaySaysWhatThePatientHeardAndHowHeIsKnown) {
  sessions_->surround(practice_->surroundings());
  people_.set(patient_, "mrn", "MRN-7");
  people_.set(patient_, "language", "en");
  Ask clinic = as_admin({}, Json::object({{"name", "Heart"}, {"nameAr", "القلب"}}));
  clinic.caller.who.tenant = "t1";
  const Json heart = must(practice_->add_clinic(clinic));
  Ask hours = as_admin({}, Json::object({{"provider", doctor_},
                                         {"startsAt", at("09:00")},
                                         {"endsAt", at("10:00")},
                                         {"capacity", 3}}));
  hours.caller.who.tenant = "t1";
  hours.record = id_of(heart);
  const Json morning = must(practice_->add_clinic_session(hours));
  Json place = with(with(plain(), "provider", doctor_), "scheduledStart", at("09:00"));
  place = with(with(place, "clinic", heart["id"]), "clinicSession", morning["id"]);
  const std::string told_of =
      id_of(must(sessions_->creation.create(as(desk_, {}, std::move(place)))));
  const std::string moved = booked(at("11:00"), doctor2_);
  must(sessions_->life.change(as(desk_, moved, Json::object({{"scheduledStart", at("12:00")}}))));
  const std::string off = booked(at("13:00"), doctor2_);
  must(sessions_->life.cancel(as(desk_, off)));
  note_message(told_of, "booked", "sent", clock_.now().ms);
  note_message(told_of, "day_before", "undelivered", clock_.now().ms + 1'000);
  note_message(told_of, "second_proof", "sent", clock_.now().ms + 2'000);
  note_message(moved, "booked", "failed", clock_.now().ms);
  note_message(moved, "booked/mail", "sent", clock_.now().ms);
  const Json list = must(sessions_->days.list(paper()));
  ASSERT_EQ(ids_of(list), (std::vector<std::string>{told_of, moved, off})) << list.dump();
  const Json& first = list["visits"].item(0);
  EXPECT_EQ(first["patient"].string_or("mrn", ""), "MRN-7");
  EXPECT_EQ(first.string_or("language", ""), "en");
  EXPECT_EQ(first["clinic"].string_or("nameAr", ""), "القلب");
  EXPECT_EQ(first["told"].string_or("kind", ""), "day_before");
  EXPECT_EQ(first["told"].string_or("outcome", ""), "undelivered");
  EXPECT_EQ(first["moved"], Json(false));
  EXPECT_EQ(first["told"].string_or("channel", ""), "sms");
  EXPECT_EQ(list["visits"].item(1)["told"].string_or("channel", ""), "mail");
  EXPECT_TRUE(list["visits"].item(2)["told"].is_null());
  EXPECT_EQ(list["visits"].item(1)["moved"], Json(true));
  EXPECT_EQ(list["visits"].item(2).string_or("status", ""), "cancelled");
  const std::string page = sessions_->days.page(paper(), "en");
  EXPECT_NE(page.find("Reminder of the day before: NOT delivered"), std::string::npos) << page;
  EXPECT_NE(page.find("Cancelled"), std::string::npos) << page;
  EXPECT_EQ(count(page, "<tr class=\"off\">"), 1U);
  EXPECT_EQ(count(page, "Not told yet"), 1U);
  EXPECT_NE(page.find("Booking: sent by e-mail"), std::string::npos) << page;
}

TEST_F(Days, TheListOfADayHasAllVisitsOnItsPagesByTimeAndDoctor) {
  people_.set(doctor_, "name", "Dr Zaid");
  std::vector<std::string> wanted;
  for (const char* clock : {"09:00", "10:00", "11:00"}) {
    const std::string second = booked(at(clock), doctor_);
    wanted.push_back(booked(at(clock), doctor2_));
    wanted.push_back(second);
  }
  Window page{.limit = 2};
  std::vector<std::string> found;
  for (int pages = 0; pages < 3; ++pages) {
    const Json list = must(sessions_->days.list(paper(), page));
    EXPECT_EQ(list["more"], Json(pages < 2));
    for (std::string& text : ids_of(list)) found.push_back(std::move(text));
    page.cursor = sessions_->days.next;
    EXPECT_EQ(page.cursor.empty(), pages == 2);
  }
  EXPECT_EQ(found, wanted);
  EXPECT_EQ(count(sessions_->days.page(paper(), "en"), "<th scope=\"row\">"), wanted.size());
  EXPECT_EQ(count(sessions_->days.table(paper(), "en"), "\r\n"), wanted.size() + 1);
}

TEST_F(Days, AVisitThatMovesWhileTheListIsReadHidesNoOther) {
  const std::string nine = booked(at("09:00"));
  const std::string ten = booked(at("10:00"));
  const std::string eleven = booked(at("11:00"));
  must(sessions_->days.list(paper(), {.limit = 1}));
  const std::string behind = sessions_->days.next;
  must(sessions_->life.change(as(desk_, nine, Json::object({{"scheduledStart", at("12:00")}}))));
  const Json list = must(sessions_->days.list(paper(), {.limit = 10, .cursor = behind}));
  EXPECT_EQ(ids_of(list), (std::vector<std::string>{ten, eleven, nine}));
}

TEST_F(Days, MoreVisitsThanAStretchOfRowsAreOnOnePaper) {
  const std::int64_t midnight = must(parse_iso8601(at("00:00"))).ms;
  for (std::size_t i = 0; i < kMostOnPaper + 2; ++i) {
    const std::int64_t start = midnight + static_cast<std::int64_t>(i) * 60'000;
    Json body = with(plain(), "provider", i % 2 == 0 ? doctor_ : doctor2_);
    // By a system of the hospital: a person books fewer in a day.
    must(sessions_->creation.create(
        as_admin({}, with(std::move(body), "scheduledStart", to_iso8601({start})))));
  }
  EXPECT_EQ(count(sessions_->days.table(paper(), "ar"), "\r\n"), kMostOnPaper + 3);
  EXPECT_EQ(must(sessions_->days.list(paper()))["visits"].size(), kMostOnPaper);
  EXPECT_FALSE(sessions_->days.next.empty());
}

TEST_F(Days, TheListOfADayEndsAtMidnightInRiyadh) {
  booked(at("23:59", "2027-03-09"));
  const std::string first = booked(at("00:00"));
  const std::string last = booked(at("23:59"));
  booked(at("00:00", "2027-03-11"));
  EXPECT_EQ(ids_of(must(sessions_->days.list(paper()))), (std::vector<std::string>{first, last}));
  const std::string page = sessions_->days.page(paper(), "en");
  EXPECT_NE(page.find("Wednesday <bdi dir=\"ltr\">2027-03-10</bdi>"), std::string::npos) << page;
  EXPECT_NE(page.find("<bdi dir=\"ltr\">00:00</bdi>"), std::string::npos) << page;
  EXPECT_NE(page.find("<bdi dir=\"ltr\">23:59</bdi>"), std::string::npos) << page;
  EXPECT_NE(page.find("1448-10-02</bdi> AH"), std::string::npos) << page;
}

TEST_F(Days, NamesAreNeitherMarkupNorFormulasNorDoTheyTurnThePaperRound) {
  people_.set(patient_, "name", "<script>alert(1)</script>\xE2\x80\xAE evil\r\nrow");
  people_.set(patient_, "nameAr", "=HYPERLINK(\"http://x\",\"نورة\")");
  people_.set(patient_, "mrn", "@SUM(1)");
  people_.set(patient_, "phone", "+966551234567");
  people_.set(doctor_, "name", "-2+3\"><img src=x>");
  people_.set(doctor_, "nameAr", " =1;@SUM(2); \"+3");
  booked(at("09:00"));
  for (const char* language : {"ar", "en"}) {
    const std::string page = sessions_->days.page(paper(), language);
    EXPECT_EQ(page.find("<script"), std::string::npos) << page;
    EXPECT_EQ(page.find("<img"), std::string::npos) << page;
    EXPECT_EQ(page.find("\xE2\x80\xAE"), std::string::npos) << page;
    EXPECT_NE(page.find("&lt;script&gt;alert(1)"), std::string::npos) << page;
    const std::string table = sessions_->days.table(paper(), language);
    EXPECT_TRUE(table.starts_with("\xEF\xBB\xBF\"")) << table;
    EXPECT_EQ(count(table, "\r\n"), 2U) << table;
    EXPECT_EQ(table.find("\xE2\x80\xAE"), std::string::npos) << table;
    EXPECT_NE(table.find("\"'=HYPERLINK(\"\"http://x\"\",\"\"نورة\"\")\""), std::string::npos)
        << table;
    EXPECT_NE(table.find("\"'@SUM(1)\""), std::string::npos) << table;
    EXPECT_NE(table.find("\"'+966551234567\""), std::string::npos) << table;
    EXPECT_NE(table.find("\"'-2+3\"\"><img src=x>\""), std::string::npos) << table;
    EXPECT_NE(table.find("\" '=1;'@SUM(2); \"\"'+3\""), std::string::npos) << table;
    for (const char formula : {'=', '+', '-', '@'})
      EXPECT_EQ(table.find(std::string("\"") + formula), std::string::npos) << table;
  }
  EXPECT_NE(sessions_->days.page(paper(), "ar").find("<html lang=\"ar\" dir=\"rtl\">"),
            std::string::npos);
  std::size_t readings = 0;
  for (const audit::Entry& entry : entries("session.read"))
    readings += entry.detail.string_or("what", "") == "day_list" ? 1 : 0;
  EXPECT_EQ(readings, 5U) << "each paper is a reading";
}

}  // namespace
}  // namespace rabt::consultation::days_test

#include "hub/consultation/practice/practice.hpp"

#include "hub/consultation/practice/agreements.hpp"
#include "hub/consultation/rows/statements.hpp"
#include "tests/consultation/asked_practice.hpp"
#include "tests/consultation/asked_records.hpp"
#include "tests/consultation/fakes.hpp"
#include "tests/consultation/plan_of.hpp"
#include "tests/number_of.hpp"

// Visits, clinics, availability, presence and figures on a real store. Rows of sessions are put
// there by hand.
namespace rabt::consultation::practice_test {
namespace {

using identity::Role;
using identity::Roles;
using rabt::test::must;
using test::RecordHouse;

constexpr store::Statement kSession{
    "INSERT INTO session (tenant, id, number, version, events, status, type, booking, provider, "
    "patient, visit, clinic, consultation, follow_up_of, appointment, room_sid, door, at_ms, "
    "planned_minutes, created_ms, updated_ms, started_ms, ended_ms, data_key) VALUES ('t1', $1, "
    "$2, 1, 0, $3, $4, '', $5, '', $6, '', '', '', '', '', 'api', $7, 30, $7, $7, $7, $8, x'00')"};
constexpr store::Statement kMember{
    "INSERT INTO session_member (tenant, person, session, participant, role, admission) VALUES "
    "('t1', $1, $2, $3, $4, 'admitted')"};
constexpr store::Statement kStay{
    "INSERT INTO session_attendance (tenant, session, participant, sid, joined_ms, left_ms, "
    "source) VALUES ('t1', $1, $2, $3, $4, $5, 'event')"};
constexpr store::Statement kSummary{
    "INSERT INTO quality_summary (tenant, session, participant, samples, mos_sum, loss_sum, "
    "jitter_sum, rtt_sum, bytes_up, bytes_down, seconds, ladder, updated_ms) VALUES ('t1', $1, $2, "
    "2, $3, 2000, 20000, 80000, 1000, 3000, 20, '{}', 0)"};

class PracticeTest : public RecordHouse {
 protected:
  PracticeTest() {
    clock_.set(*parse_iso8601("2026-11-22T09:00:00Z"));
    doctor_ = add("doctor", Roles{Role::doctor},
                  {{"name", "د. أحمد حسن"},
                   {"gender", "male"},
                   {"specialty", "cardiology"},
                   {"languages", Json::array({"ar", "en"})},
                   {"licenceNumber", "DOC-2024-001"}});
    other_ = add("other", Roles{Role::doctor}, {{"gender", "female"}, {"specialty", "cardiology"}});
    patient_ = add("patient", Roles{Role::patient}, {});
    nurse_ = add("nurse", Roles{Role::nurse}, {});
    admin_ = add("admin", Roles{Role::admin}, {});
    records_.make({.store = *store_,
                   .audit = *audit_,
                   .blobs = *blobs_,
                   .keys = *keys_,
                   .access = *access_,
                   .detector = *detector_,
                   .people = people_,
                   .sessions = sessions_,
                   .clock = clock_,
                   .random = random_,
                   .ids = ids_,
                   .video = {}});
    make({});
  }
  ~PracticeTest() override {
    practice_.reset();
    records_.reset();
  }
  void make(PracticeSettings settings, VideoSettings video = {}) {
    practice_ = std::make_unique<AskedPractice>(PracticeParts{.store = *store_,
                                                              .audit = *audit_,
                                                              .keys = *keys_,
                                                              .people = people_,
                                                              .records = *records_,
                                                              .clock = clock_,
                                                              .random = random_,
                                                              .ids = ids_,
                                                              .tenant = "t1",
                                                              .video = std::move(video),
                                                              .settings = std::move(settings)});
  }
  // Events that the hub has sent so far, oldest first: type and data.
  std::vector<std::pair<std::string, Json>> told() {
    static constexpr store::Statement kTold{
        "SELECT e.type, e.data FROM hub_event e JOIN outbox o ON o.kind = 'hub-event' AND o.ref = "
        "e.id ORDER BY o.n"};
    std::vector<std::pair<std::string, Json>> out;
    (void)must(store_->read([&](store::Connection& connection) {
      return connection.query(kTold, {}, [&](const store::Row& row) {
        out.emplace_back(std::string(row.text(0)), must(Json::parse(row.text(1))));
        return true;
      });
    }));
    return out;
  }
  std::string add(const std::string& name, Roles roles,
                  std::initializer_list<std::pair<std::string_view, Json>> profile) {
    const std::string id = ids_.next().text();
    people_.people[id] = {.id = id,
                          .number = static_cast<std::int64_t>(people_.people.size()) + 1,
                          .roles = roles,
                          .profile = Json::object(profile),
                          .licence = identity::Licence::vouched,
                          .pseudonym = "pseudonym-of-" + name};
    return id;
  }
  Ask ask(const std::string& person, Json body = Json::object(), std::string record = {},
          std::vector<std::pair<std::string, std::string>> query = {}) {
    Ask ask;
    ask.caller.who = {.kind = identity::Kind::person, .tenant = "t1", .id = person};
    ask.caller.who.person = person;
    ask.caller.who.roles = people_.people[person].roles;
    ask.record = std::move(record);
    ask.body = std::move(body);
    ask.query = std::move(query);
    return ask;
  }
  static std::string verdict(const Answer& answer) {
    return answer.ok() ? "ok" : answer.error().code;
  }
  void write(const std::function<Status(store::Transaction&)>& job) {
    (void)must(store_->write(job));
  }
  // The hospital has booked somebody for the patient.
  void treats(const std::string& person) {
    const std::string id = session("2026-11-22T08:50:00Z", 0);
    static constexpr store::Statement kPatient{
        "UPDATE session SET patient = $2 WHERE tenant = 't1' AND id = $1"};
    write([&](store::Transaction& tx) -> Status {
      RABT_TRY_STATUS(store::run(tx, kPatient, {id, patient_}));
      return store::run(tx, kMember, {person, id, ids_.next().text(), "nurse"});
    });
  }
  std::int64_t at(std::string_view text) { return parse_iso8601(text)->ms; }
  // A session of the doctor's that began then; 0 minutes: it still runs.
  std::string session(std::string_view begin, std::int64_t minutes,
                      const std::string& type = "doctor_patient", const std::string& visit = {}) {
    const std::string id = ids_.next().text();
    const std::int64_t started = at(begin);
    const std::string status = minutes > 0 ? "completed" : "active";
    ++sessions_made_;
    if (minutes > 0) over_.insert(id);
    write([&](store::Transaction& tx) {
      const store::Value end =
          minutes > 0 ? store::Value(started + minutes * 60'000) : store::Value(store::Null{});
      return store::run(tx, kSession,
                        {id, sessions_made_, status, type, doctor_, visit, started, end});
    });
    return id;
  }
  // Stores a stay of a participant. `late`: the hub learns of it after the end of the session.
  void stay(const std::string& session, const std::string& participant, std::string_view from,
            std::string_view to, bool late = false) {
    const std::string sid = ids_.next().text();
    write([&](store::Transaction& tx) -> Status {
      const store::Value left = to.empty() ? store::Value(store::Null{}) : store::Value(at(to));
      RABT_TRY_STATUS(store::run(tx, kStay, {session, participant, sid, at(from), left}));
      if (!over_.contains(session)) return ok_status();
      return practice_->surroundings().meter(tx, "t1", session, !late);
    });
  }
  // Rows of the metering: month, participant, kind, seconds.
  std::vector<std::string> metered(const std::string& session) {
    static constexpr store::Statement kRows{
        "SELECT month, participant, kind, seconds FROM usage_record WHERE tenant = 't1' AND "
        "session = $1 ORDER BY month, participant, n"};
    std::vector<std::string> out;
    (void)must(store_->read([&](store::Connection& connection) {
      return connection.query(kRows, {session}, [&](const store::Row& row) {
        out.push_back(std::string(row.text(0)) + " " + std::string(row.text(1)) + " " +
                      std::string(row.text(2)) + " " + std::to_string(row.integer(3)));
        return true;
      });
    }));
    return out;
  }
  Json slots(std::initializer_list<std::pair<const char*, const char*>> all, bool keep = false) {
    Json list = Json::array();
    for (const auto& [from, to] : all)
      list.push_back(Json::object({{"startsAt", from}, {"endsAt", to}}));
    return Json::object({{"slots", list}, {"keep", keep}});
  }
  std::string slot_states() {
    std::string out;
    const Json now = must(practice_->availability(ask(patient_, {}, doctor_)));
    for (const Json& slot : now["slots"].as_array()) {
      out += slot.string_or("startsAt", "").substr(11, 5) + "-" +
             slot.string_or("endsAt", "").substr(11, 5) + " " + slot.string_or("status", "") + "|";
    }
    return out;
  }

  test::StandInSessions sessions_;
  test::StandInPeople people_;
  AskedRecords records_;
  std::unique_ptr<AskedPractice> practice_;
  std::string doctor_, other_, patient_, nurse_, admin_;
  std::int64_t sessions_made_ = 0;
  // Those that have ended.
  std::set<std::string> over_;
};

TEST_F(PracticeTest, AVisitIsOpenedFoundByEveryNameAndClosed) {
  const Json external = Json::object({{"system", "his"}, {"value", "V-77"}});
  const Json opened = must(practice_->open_visit(
      ask(doctor_, Json::object({{"patient", patient_}, {"externalId", external}}))));
  EXPECT_EQ(opened.string_or("status", ""), "OPEN");
  EXPECT_EQ(opened.string_or("provider", ""), doctor_);
  EXPECT_EQ(opened.int_or("number", 0), 1);
  EXPECT_EQ(opened["externalId"], external);
  for (const std::string& name :
       {opened.string_or("id", ""), opened.string_or("uuid", ""), std::string("1")})
    EXPECT_EQ(must(practice_->visit(ask(admin_, {}, name)))["id"], opened["id"]) << name;
  const auto known = practice_->surroundings().visit("t1", external);
  ASSERT_TRUE(known.ok());
  EXPECT_TRUE(known->open);
  EXPECT_EQ(known->patient, patient_);
  // Told again it is the same; of somebody else it is a mix-up.
  EXPECT_EQ(must(practice_->open_visit(ask(
                doctor_, Json::object({{"patient", patient_}, {"externalId", external}}))))["id"],
            opened["id"]);
  EXPECT_EQ(verdict(practice_->open_visit(
                ask(doctor_, Json::object({{"patient", nurse_}, {"externalId", external}})))),
            "visit.other_patient");
  EXPECT_EQ(verdict(practice_->visit(ask(patient_, {}, "1"))), "ok");
  const std::string stranger = add("stranger", Roles{Role::patient}, {});
  EXPECT_EQ(verdict(practice_->visit(ask(stranger, {}, "1"))), "authorisation.denied");
  EXPECT_EQ(verdict(practice_->visit(ask(doctor_, {}, "99"))), "visit.unknown");

  const Json closed = must(practice_->close_visit(ask(doctor_, {}, "1")));
  EXPECT_EQ(closed.string_or("status", ""), "CLOSED");
  EXPECT_EQ(must(practice_->close_visit(ask(doctor_, {}, "1")))["closedAt"], closed["closedAt"]);
  EXPECT_EQ(count("visit.opened"), 1);
  EXPECT_EQ(count("visit.closed"), 1);
  EXPECT_EQ(entries()[0].string_or("patient", ""), "pseudonym-of-patient");
}

TEST_F(PracticeTest, VisitsAreListedNewestFirstAPageAtATime) {
  for (int i = 0; i < 5; ++i)
    must(practice_->open_visit(ask(doctor_, Json::object({{"patient", patient_}}))));
  must(practice_->close_visit(ask(doctor_, {}, "2")));
  const auto numbers = [](const Page& page) {
    std::string out;
    for (const Json& item : page.items) out += item["number"].number_text() + " ";
    return out;
  };
  Page page = must(practice_->visits(ask(admin_), {.limit = 2}));
  EXPECT_EQ(numbers(page), "5 4 ");
  page = must(practice_->visits(ask(admin_), {.limit = 2, .cursor = page.next}));
  EXPECT_EQ(numbers(page), "3 2 ");
  page = must(practice_->visits(ask(admin_), {.limit = 2, .cursor = page.next}));
  EXPECT_EQ(numbers(page), "1 ");
  EXPECT_EQ(page.next, "");
  page = must(practice_->visits(ask(admin_, {}, {}, {{"status", "closed"}}), {.skip = 0}));
  EXPECT_EQ(numbers(page), "2 ");
  EXPECT_EQ(page.total, 1);
  EXPECT_EQ(must(practice_->visits(ask(admin_, {}, {}, {{"patient", patient_}}), {})).items.size(),
            5U);
  EXPECT_EQ(must(practice_->visits(ask(admin_, {}, {}, {{"patient", nurse_}}), {})).items.size(),
            0U);
  EXPECT_EQ(practice_->visits(ask(patient_), {}).error().code, "authorisation.denied");
  // The list of nobody is empty, whatever else is wrong with it.
  EXPECT_EQ(
      must(practice_->visits(ask(admin_, {}, {}, {{"patient", "nobody"}, {"status", "x"}}), {}))
          .items.size(),
      0U);
  EXPECT_EQ(practice_->visits(ask(admin_, {}, {}, {{"status", "x"}}), {}).error().code,
            "api.invalid");
}

// Symptom: a visit got the number of one that was deleted. Cause: it was the highest there was, and
// one more.
TEST_F(PracticeTest, NumbersAreDrawnOnceAlsoWhenTheLastRowIsGone) {
  const auto drawn = [&](const store::Statement& gone, const std::function<Answer()>& add) {
    const std::int64_t first = must(add()).int_or("number", 0);
    write([&](store::Transaction& tx) { return store::run(tx, gone, {}); });
    return std::pair(first, must(add()).int_or("number", 0));
  };
  const std::pair<std::int64_t, std::int64_t> both{1, 2};
  static constexpr store::Statement kNoVisits{"DELETE FROM visit"};
  EXPECT_EQ(
      drawn(kNoVisits,
            [&] {
              return practice_->open_visit(ask(doctor_, Json::object({{"patient", patient_}})));
            }),
      both);
  static constexpr store::Statement kNoClinics{"DELETE FROM clinic"};
  EXPECT_EQ(drawn(kNoClinics,
                  [&] {
                    return practice_->add_clinic(ask(admin_, Json::object({{"name", "Heart"}})));
                  }),
            both);
  static constexpr store::Statement kNoHours{"DELETE FROM clinic_session"};
  EXPECT_EQ(drawn(kNoHours,
                  [&] {
                    return practice_->add_clinic_session(
                        ask(admin_,
                            Json::object({{"provider", doctor_},
                                          {"startsAt", "2026-11-23T06:00:00Z"},
                                          {"endsAt", "2026-11-23T09:00:00Z"}}),
                            "2"));
                  }),
            both);
}

TEST_F(PracticeTest, VisitsThatAreOpenedAtOnceHaveNumbersOfTheirOwn) {
  constexpr int kEach = 20;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n)
        must(practice_->open_visit(ask(doctor_, Json::object({{"patient", patient_}}))));
    });
  }
  for (std::thread& thread : threads) thread.join();
  static constexpr store::Statement kNumbers{"SELECT count(DISTINCT number) FROM visit"};
  EXPECT_EQ(rabt::test::number_of(*store_, kNumbers), 2 * kEach);
}

// A nurse who has nothing to do with it neither reads nor closes it.
TEST_F(PracticeTest, AVisitIsOfItsDoctorOfWhoOpenedItAndOfTheOffices) {
  const Json body = Json::object({{"patient", patient_}, {"provider", doctor_}});
  must(practice_->open_visit(ask(nurse_, body)));
  const std::string nurse2 = add("nurse2", Roles{Role::nurse}, {});
  for (const std::string& who : {other_, nurse2, patient_}) {
    EXPECT_EQ(verdict(practice_->close_visit(ask(who, {}, "1"))), "authorisation.denied");
    EXPECT_EQ(verdict(practice_->reopen_visit(ask(who, {}, "1"))), "authorisation.denied");
    if (who == patient_) continue;
    EXPECT_EQ(verdict(practice_->visit(ask(who, {}, "1"))), "authorisation.denied");
    EXPECT_EQ(must(practice_->visits(ask(who), {})).items.size(), 0U);
  }
  for (const std::string& who : {doctor_, nurse_, admin_}) {
    EXPECT_EQ(must(practice_->visits(ask(who), {})).items.size(), 1U);
    EXPECT_EQ(must(practice_->close_visit(ask(who, {}, "1")))["status"], Json("CLOSED"));
    const Json again = must(practice_->reopen_visit(ask(who, {}, "1")));
    EXPECT_EQ(again["status"], Json("OPEN"));
    EXPECT_EQ(again["closedAt"], Json());
    EXPECT_EQ(must(practice_->reopen_visit(ask(who, {}, "1"))), again);
  }
  EXPECT_EQ(count("visit.reopened"), 3);
  // A visit without a doctor is that of who treats the patient.
  must(practice_->open_visit(ask(admin_, Json::object({{"patient", patient_}}))));
  EXPECT_EQ(verdict(practice_->close_visit(ask(other_, {}, "2"))), "authorisation.denied");
  treats(other_);
  EXPECT_EQ(must(practice_->visits(ask(other_, {}, {}, {{"patient", patient_}}), {})).items.size(),
            2U);
  EXPECT_EQ(verdict(practice_->close_visit(ask(other_, {}, "1"))), "authorisation.denied");
  EXPECT_EQ(verdict(practice_->visit(ask(other_, {}, "1"))), "ok");
  EXPECT_EQ(verdict(practice_->close_visit(ask(other_, {}, "2"))), "ok");
}

TEST_F(PracticeTest, AVisitWithAnActiveSessionStaysOpen) {
  const std::string visit =
      must(practice_->open_visit(ask(doctor_, Json::object({{"patient", patient_}}))))
          .string_or("id", "");
  session("2026-11-22T08:50:00Z", 0, "doctor_patient", visit);
  EXPECT_EQ(verdict(practice_->close_visit(ask(doctor_, {}, visit))), "visit.session_active");
  EXPECT_EQ(must(practice_->visit(ask(doctor_, {}, visit))).string_or("status", ""), "OPEN");
  EXPECT_EQ(verdict(practice_->open_visit(ask(doctor_, Json::object({{"patient", "nobody"}})))),
            "api.invalid");
  EXPECT_EQ(verdict(practice_->open_visit(ask(patient_, Json::object({{"patient", patient_}})))),
            "authorisation.denied");
}

// R-17
TEST_F(PracticeTest, AClinicSessionHasSoManyPlaces) {
  const Json clinic = must(
      practice_->add_clinic(ask(admin_, Json::object({{"name", "Heart"}, {"nameAr", "القلب"}}))));
  EXPECT_EQ(verdict(practice_->add_clinic(ask(doctor_, Json::object({{"name", "Mine"}})))),
            "authorisation.denied");
  EXPECT_EQ(verdict(practice_->add_clinic(
                ask(admin_, Json::object({{"name", "X"}, {"timeZone", "Mars/Base"}})))),
            "api.invalid");
  const Json hours =
      must(practice_->add_clinic_session(ask(admin_,
                                             Json::object({{"provider", doctor_},
                                                           {"startsAt", "2026-11-23T06:00:00Z"},
                                                           {"endsAt", "2026-11-23T09:00:00Z"},
                                                           {"capacity", 1}}),
                                             "1")));
  EXPECT_EQ(must(practice_->clinics(ask(patient_)))["items"].size(), 1U);
  EXPECT_EQ(must(practice_->clinic_sessions(ask(patient_, {}, "1")))["items"].size(), 1U);
  Surroundings& around = practice_->surroundings();
  const auto place = around.clinic_place("t1", clinic["number"], hours["id"]);
  ASSERT_TRUE(place.ok());
  EXPECT_TRUE(place->free);
  EXPECT_EQ(place->provider, doctor_);
  const auto take = [&](std::string_view session) {
    return store_->write(
        [&](store::Transaction& tx) { return around.take_place(tx, "t1", *place, session); });
  };
  EXPECT_TRUE(take("S1").ok());
  const Status full = take("S2");
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, "clinic.full");
  write([&](store::Transaction& tx) { return around.free_place(tx, "t1", "S1"); });
  EXPECT_TRUE(take("S2").ok());
  EXPECT_EQ(around.clinic_place("t1", Json(99), hours["id"]).error().code, "clinic.unknown");
}

// R-23
TEST_F(PracticeTest, SlotsDoNotOverlapAndOnlyTheProviderSetsThem) {
  EXPECT_EQ(verdict(practice_->set_availability(
                ask(other_, slots({{"2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z"}}), doctor_))),
            "authorisation.denied");
  EXPECT_EQ(verdict(practice_->set_availability(
                ask(doctor_, slots({{"2026-11-23T07:00:00Z", "2026-11-23T06:00:00Z"}}), doctor_))),
            "api.invalid");
  EXPECT_EQ(verdict(practice_->set_availability(
                ask(doctor_,
                    slots({{"2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z"},
                           {"2026-11-23T06:30:00Z", "2026-11-23T07:30:00Z"}}),
                    doctor_))),
            "api.invalid");
  must(practice_->set_availability(
      ask(admin_, slots({{"2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z"}}), doctor_)));
  EXPECT_EQ(
      verdict(practice_->set_availability(
          ask(doctor_, slots({{"2026-11-23T06:30:00Z", "2026-11-23T07:30:00Z"}}, true), doctor_))),
      "availability.overlap");
  must(practice_->set_availability(
      ask(doctor_, slots({{"2026-11-23T07:00:00Z", "2026-11-23T08:00:00Z"}}, true), doctor_)));
  EXPECT_EQ(slot_states(), "06:00-07:00 free|07:00-08:00 free|");
  must(practice_->set_availability(
      ask(doctor_, slots({{"2026-11-24T06:00:00Z", "2026-11-24T07:00:00Z"}}), doctor_)));
  EXPECT_EQ(slot_states(), "06:00-07:00 free|");
  EXPECT_EQ(told().back().first, "provider.availability-changed");
}

// Symptom: the longer a provider had had slots, the longer it took to book one, to set others and
// to ask who is free.
// Cause: the slots of a time were looked for from the provider's first one on.
// Why this would have caught it: the plan names both bounds of the time.
TEST_F(PracticeTest, SlotsOfATimeAreFoundWithoutThoseBeforeIt) {
  const auto in = plan_of(*store_, sql::rows::kSlotsIn, {"t1", "p", 2, 3});
  EXPECT_NE(in[0].find("(tenant=? AND provider=? AND starts_ms>? AND starts_ms<?)"),
            std::string::npos)
      << in[0];
  const auto dropped = plan_of(*store_, sql::rows::kDropSlots, {"t1", "p", 2, 3});
  EXPECT_NE(dropped[0].find("(tenant=? AND provider=? AND starts_ms>? AND starts_ms<?)"),
            std::string::npos)
      << dropped[0];
}

TEST_F(PracticeTest, AWeeklyRuleIsEightWeeksOfSlots) {
  const Json weekly =
      Json::object({{"weekly", Json::array({Json::object({{"day", "monday"},
                                                          {"from", "09:00"},
                                                          {"to", "11:30"},
                                                          {"timeZone", "Asia/Riyadh"}})})}});
  const Json set = must(practice_->set_availability(ask(doctor_, weekly, doctor_)));
  ASSERT_EQ(set["slots"].size(), 8U);
  EXPECT_EQ(set["slots"].item(0).string_or("startsAt", ""), "2026-11-23T06:00:00.000Z");
  EXPECT_EQ(set["slots"].item(0).string_or("endsAt", ""), "2026-11-23T08:30:00.000Z");
  EXPECT_EQ(set["slots"].item(7).string_or("startsAt", ""), "2027-01-11T06:00:00.000Z");
  EXPECT_EQ(
      verdict(practice_->set_availability(ask(
          doctor_,
          Json::object({{"weekly", Json::array({Json::object(
                                       {{"day", "someday"}, {"from", "9"}, {"to", "25:00"}})})}}),
          doctor_))),
      "api.invalid");
}

TEST_F(PracticeTest, AConnectionThatComesAndGoesIsTold) {
  const auto changes = [&] {
    std::string out;
    for (const auto& [type, data] : told()) {
      if (type == "provider.presence-changed") out += data.string_or("status", "") + " ";
    }
    return out;
  };
  practice_->seen("t1", doctor_);
  practice_->seen("t1", doctor_);
  practice_->seen("t1", patient_);
  EXPECT_EQ(changes(), "online ");
  clock_.advance_ms(59'000);
  practice_->seen("t1", doctor_);
  clock_.advance_ms(59'000);
  ASSERT_TRUE(practice_->catch_up().ok());
  EXPECT_EQ(changes(), "online ") << "one connection is still there";
  clock_.advance_ms(2'000);
  ASSERT_TRUE(practice_->catch_up().ok());
  EXPECT_EQ(changes(), "online offline ");
  ASSERT_TRUE(practice_->catch_up().ok());
  EXPECT_EQ(changes(), "online offline ");
  // A presence set by hand stays, whatever connections do.
  must(practice_->set_presence(ask(doctor_, Json::object({{"status", "busy"}}), doctor_)));
  practice_->seen("t1", doctor_);
  clock_.advance_ms(61'000);
  ASSERT_TRUE(practice_->catch_up().ok());
  EXPECT_EQ(changes(), "online offline busy ");
}

TEST(Agreements, B31APluginWithoutAValidOneIsNotBoundWhereOneIsRequired) {
  PracticeSettings settings;
  settings.processors = {"twilio", "fhir"};
  settings.agreements = {
      {.party = "twilio", .kind = "baa", .signed_on = "2026-01-01"},
      {.party = "fhir", .kind = "dpa", .signed_on = "2025-01-01", .valid_to = "2026-06-30"}};
  const Timestamp may = must(parse_iso8601("2026-05-01T00:00:00Z"));
  const Timestamp july = must(parse_iso8601("2026-07-01T00:00:00Z"));
  EXPECT_TRUE(may_be_bound(settings, july).ok()) << "nothing is required";
  settings.require_agreement = true;
  EXPECT_TRUE(may_be_bound(settings, may).ok());
  const Status refused = may_be_bound(settings, july);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "compliance.agreement");
  EXPECT_NE(refused.error().message.find("fhir"), std::string::npos);
  EXPECT_EQ(refused.error().message.find("twilio"), std::string::npos);
}

// R-22
TEST_F(PracticeTest, ASessionMakesBusyAndByHandHoldsForEightHours) {
  const auto status = [&] {
    return must(practice_->provider(ask(patient_, {}, doctor_))).string_or("status", "");
  };
  EXPECT_EQ(status(), "offline");
  practice_->seen("t1", doctor_);
  EXPECT_EQ(status(), "online");
  clock_.advance_ms(60'001);
  EXPECT_EQ(status(), "offline");
  ASSERT_TRUE(practice_->catch_up().ok());
  const std::size_t before = told().size();
  must(practice_->set_presence(ask(doctor_, Json::object({{"status", "online"}}), doctor_)));
  EXPECT_EQ(status(), "online");
  EXPECT_EQ(told().back().first, "provider.presence-changed");
  EXPECT_EQ(told().back().second.string_or("provider", ""), doctor_);
  EXPECT_EQ(told().back().second.string_or("status", ""), "online");
  EXPECT_EQ(count("presence.set"), 1);
  must(practice_->set_presence(ask(patient_, Json::object({{"status", "busy"}}))));
  EXPECT_EQ(told().size(), before + 1) << "a patient is no provider";
  const std::string id = session("2026-11-22T09:02:00Z", 0);
  EXPECT_EQ(status(), "busy");
  clock_.advance_ms(5 * 60'000);
  must(practice_->set_presence(ask(doctor_, Json::object({{"status", "online"}}), doctor_)));
  EXPECT_EQ(status(), "online") << "he says so after it began";
  static constexpr store::Statement kEnd{"UPDATE session SET status = 'completed' WHERE id = $1"};
  write([&](store::Transaction& tx) { return store::run(tx, kEnd, {id}); });
  EXPECT_EQ(status(), "online");
  clock_.advance_ms(8LL * 3'600'000 + 1);
  EXPECT_EQ(status(), "offline");
  EXPECT_EQ(
      verdict(practice_->set_presence(ask(doctor_, Json::object({{"status", "asleep"}}), doctor_))),
      "api.invalid");
  EXPECT_EQ(verdict(practice_->set_presence(
                ask(patient_, Json::object({{"status", "online"}}), doctor_))),
            "authorisation.denied");
  EXPECT_EQ(verdict(practice_->set_presence(ask(patient_, Json::object({{"status", "online"}})))),
            "ok");
}

TEST_F(PracticeTest, B37K18ProvidersAreFilteredBySpecialtyGenderLanguageAndTime) {
  const auto found = [&](std::vector<std::pair<std::string, std::string>> query) {
    return must(practice_->providers(ask(patient_, {}, {}, std::move(query))))["items"].size();
  };
  EXPECT_EQ(found({}), 2U);
  EXPECT_EQ(found({{"specialty", "Cardiology"}}), 2U);
  EXPECT_EQ(found({{"specialty", "dermatology"}}), 0U);
  EXPECT_EQ(found({{"gender", "female"}}), 1U);
  EXPECT_EQ(found({{"language", "ar"}}), 1U);
  EXPECT_EQ(found({{"status", "online"}}), 0U);
  must(practice_->set_availability(
      ask(doctor_, slots({{"2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z"}}), doctor_)));
  EXPECT_EQ(found({{"at", "2026-11-23T06:30:00Z"}}), 1U);
  EXPECT_EQ(found({{"at", "2026-11-23T07:30:00Z"}}), 0U);
  EXPECT_EQ(verdict(practice_->provider(ask(patient_, {}, nurse_))), "provider.unknown");
}

TEST_F(PracticeTest, UsageCountsEverybodyOnceInTheMonthOfRiyadh) {
  const std::string id = session("2026-11-10T10:00:00Z", 30);
  stay(id, "P1", "2026-11-10T10:00:00Z", "2026-11-10T10:30:00Z");
  stay(id, "P2", "2026-11-10T10:00:00Z", "2026-11-10T10:20:00Z");
  // Another device of the same participant.
  stay(id, "P2", "2026-11-10T10:10:00Z", "2026-11-10T10:30:00Z");
  // Half of it lies in October.
  const std::string over = session("2026-10-31T20:50:00Z", 20);
  stay(over, "P3", "2026-10-31T20:50:00Z", "2026-10-31T21:10:00Z");
  const std::string running = session("2026-11-22T08:59:00Z", 0);
  stay(running, "P4", "2026-11-22T08:59:00Z", "");
  const Json usage = must(practice_->usage(ask(admin_)));
  EXPECT_EQ(usage.int_or("attendeeSeconds", 0), 3600 + 600 + 60);
  EXPECT_EQ(usage.int_or("attendeeMinutes", 0), 71);
  EXPECT_EQ(usage.int_or("limit", 0), 1000);
  EXPECT_EQ(usage.int_or("remaining", 0), 929);
  EXPECT_EQ(usage["percentage"].number_text(), "7.1");
  EXPECT_EQ(usage.int_or("sessions", 0), 3);
  EXPECT_EQ(usage.int_or("activeSessions", 0), 1);
  EXPECT_EQ(usage.int_or("year", 0), 2026);
  EXPECT_EQ(usage.int_or("month", 0), 11);
  EXPECT_EQ(
      must(practice_->usage(ask(doctor_, {}, {}, {{"month", "10"}}))).int_or("attendeeMinutes", 0),
      10);
  // Other doctors see what their own sessions used.
  for (const auto& [who, seconds, sessions] :
       {std::tuple{doctor_, 3600 + 600 + 60, 3U}, std::tuple{other_, 0, 0U}}) {
    const Json own = must(practice_->usage(ask(who)));
    EXPECT_EQ(own.int_or("attendeeSeconds", -1), seconds);
    EXPECT_EQ(own.int_or("sessions", -1), sessions);
    EXPECT_EQ(own.int_or("activeSessions", -1), sessions == 0 ? 0 : 1);
    EXPECT_EQ(must(practice_->usage_by_session(ask(who)))["items"].size(), sessions);
  }
  EXPECT_EQ(verdict(practice_->usage(ask(admin_, {}, {}, {{"month", "13"}}))), "api.invalid");
  EXPECT_EQ(verdict(practice_->usage(ask(admin_, {}, {}, {{"month", "x"}}))), "api.invalid");
  EXPECT_EQ(verdict(practice_->usage(ask(patient_))), "authorisation.denied");
  const Json by_session = must(practice_->usage_by_session(ask(admin_)));
  ASSERT_EQ(by_session["items"].size(), 3U);
  EXPECT_EQ(by_session["items"].item(2).int_or("attendeeMinutes", 0), 60);
  EXPECT_EQ(by_session["items"].item(2).int_or("participants", 0), 2);
}

TEST_F(PracticeTest, WhatIsLearntLateIsARowMoreAndRowsNeverChange) {
  const std::string id = session("2026-10-31T20:50:00Z", 20);
  stay(id, "P1", "2026-10-31T20:50:00Z", "2026-10-31T21:10:00Z");
  const std::vector<std::string> rows{"2026-10 P1 attendance 600", "2026-11 P1 attendance 600"};
  EXPECT_EQ(metered(id), rows);
  // Nothing is new: nothing is written.
  write(
      [&](store::Transaction& tx) { return practice_->surroundings().meter(tx, "t1", id, false); });
  EXPECT_EQ(metered(id), rows);
  // October is closed, and a second device of the same participant was there a minute longer.
  stay(id, "P1", "2026-10-31T20:49:00Z", "2026-10-31T21:00:00Z", true);
  stay(id, "P2", "2026-10-31T20:55:00Z", "2026-10-31T21:05:00Z", true);
  EXPECT_EQ(metered(id),
            (std::vector<std::string>{"2026-10 P1 attendance 600", "2026-10 P1 adjustment 60",
                                      "2026-10 P2 adjustment 300", "2026-11 P1 attendance 600",
                                      "2026-11 P2 adjustment 300"}));
  // A correction may take away.
  write([&](store::Transaction& tx) -> Status {
    static constexpr store::Statement kDrop{
        "DELETE FROM session_attendance WHERE session = $1 AND participant = 'P2'"};
    RABT_TRY_STATUS(store::run(tx, kDrop, {id}));
    return practice_->surroundings().meter(tx, "t1", id, false);
  });
  const Json october = must(practice_->usage(ask(admin_, {}, {}, {{"month", "10"}})));
  EXPECT_EQ(october.int_or("attendeeSeconds", 0), 660);
  EXPECT_EQ(october.int_or("adjustmentSeconds", 0), 60);
  EXPECT_EQ(october.int_or("sessions", 0), 1);
  EXPECT_EQ(must(practice_->usage(ask(admin_))).int_or("adjustmentSeconds", -1), 0);
  EXPECT_EQ(metered(id).size(), 7U);
}

TEST_F(PracticeTest, TheMinutesOfTheMonthAreAMetric) {
  const std::string id = session("2026-11-10T10:00:00Z", 30);
  stay(id, "P1", "2026-11-10T10:00:00Z", "2026-11-10T10:29:01Z");
  MetricsWriter before;
  practice_->write_metrics(before);
  EXPECT_EQ(before.str().find("{month="), std::string::npos) << "nobody has counted";
  ASSERT_TRUE(practice_->catch_up().ok());
  MetricsWriter after;
  practice_->write_metrics(after);
  EXPECT_NE(after.str().find("rabt_attendee_minutes{month=\"2026-11\"} 30\n"), std::string::npos)
      << after.str();
}

TEST_F(PracticeTest, StepsOfBothRecordsOfAPatientAreReadAsOneUntilTheyAreParted) {
  const std::string old = add("old", Roles{Role::patient}, {});
  const auto note = [&](const std::string& patient, Json body) {
    return must(practice_->note_onboarding(ask(admin_, std::move(body), patient)));
  };
  const auto steps = [&](const std::string& patient) {
    return must(practice_->onboarding(ask(admin_, {}, patient)));
  };
  const auto run = [&](const store::Statement& statement) {
    must(store_->write([&](store::Transaction& transaction) {
      return store::run(transaction, statement, {old, patient_, store::Blob{"sealed"}});
    }));
  };
  static constexpr store::Statement kMerge{
      "INSERT INTO person_merge (tenant, id, merged, survivor, state, by_actor, asked_ms, sealed) "
      "VALUES ('t1', 'm1', $1, $2, 'in_force', 'desk', 1, $3)"};
  static constexpr store::Statement kUndo{
      "UPDATE person_merge SET state = 'undone', sealed = $3 WHERE tenant = 't1' AND merged = $1 "
      "AND survivor = $2"};
  note(old, Json::object({{"deviceChecked", true}, {"language", "en"}}));
  clock_.advance_ms(60'000);
  note(patient_, Json::object({{"language", "ar"}}));
  run(kMerge);
  const Json both = steps(patient_);
  EXPECT_TRUE(both.bool_or("deviceChecked", false));
  EXPECT_EQ(both.string_or("language", ""), "ar") << "the latest one";
  EXPECT_EQ(both["steps"].size(), 2U);
  EXPECT_EQ(steps(old)["steps"], both["steps"]);
  note(patient_, Json::object({{"consentShown", true}}));
  note(patient_, Json::object({{"deviceChecked", true}}));
  EXPECT_TRUE(steps(patient_).bool_or("complete", false));
  run(kUndo);
  EXPECT_TRUE(steps(patient_).bool_or("complete", false)) << "noted of him since then";
  EXPECT_EQ(steps(old)["steps"].size(), 2U);
  EXPECT_EQ(steps(old).string_or("language", ""), "en");
}

TEST_F(PracticeTest, K48StepsThatMakeAPatientReadyAreNotedByHimAndByStaff) {
  const auto note = [&](const std::string& who, Json body) {
    return practice_->note_onboarding(ask(who, std::move(body), patient_));
  };
  const Json device = Json::object({{"deviceChecked", true}});
  for (const std::string& who : {nurse_, doctor_}) {
    EXPECT_EQ(verdict(note(who, device)), "authorisation.denied") << "not his patient";
    EXPECT_EQ(verdict(practice_->onboarding(ask(who, {}, patient_))), "authorisation.denied");
    treats(who);
  }
  EXPECT_EQ(must(practice_->onboarding(ask(patient_, {}, patient_)))["steps"].size(), 0U);
  EXPECT_EQ(verdict(note(patient_, device)), "ok");
  clock_.advance_ms(60'000);
  Json item =
      must(note(nurse_, Json::object({{"language", "ar"}, {"at", "2026-11-22T08:00:00Z"}})));
  EXPECT_FALSE(item.bool_or("complete", true));
  EXPECT_EQ(item["steps"].item(0).dump(),
            R"({"step":"language_chosen","at":"2026-11-22T08:00:00.000Z"})");
  item = must(note(admin_, Json::object({{"consentShown", true}, {"language", "en"}})));
  EXPECT_TRUE(item.bool_or("complete", false));
  EXPECT_EQ(item.string_or("language", ""), "en");
  EXPECT_EQ(item["steps"].size(), 3U) << "a step that is noted again is one step";
  EXPECT_EQ(must(practice_->onboarding(ask(doctor_, {}, patient_))), item);
  EXPECT_EQ(count("patient.onboarded"), 3);
  EXPECT_EQ(must(note(patient_, device)), item) << "known since a minute";
  EXPECT_EQ(count("patient.onboarded"), 3);
  // Refused: another patient's onboarding, a person who is no patient, and steps not done.
  const std::string stranger = add("stranger", Roles{Role::patient}, {});
  EXPECT_EQ(verdict(note(stranger, device)), "authorisation.denied");
  EXPECT_EQ(verdict(practice_->onboarding(ask(stranger, {}, patient_))), "authorisation.denied");
  EXPECT_EQ(verdict(practice_->onboarding(ask(admin_, {}, doctor_))), "person.unknown");
  for (const Json& body :
       {Json::object(), Json::object({{"deviceChecked", false}}),
        Json::object({{"language", "fr"}}), Json::object({{"deviceChecked", "yes"}}),
        Json::object({{"consentShown", true}, {"at", "2026-11-23T08:00:00Z"}}),
        Json::object({{"consentShown", true}, {"more", 1}})})
    EXPECT_EQ(verdict(note(patient_, body)), "api.invalid") << body.dump();
}

TEST_F(PracticeTest, P31AThresholdIsToldOncePerMonth) {
  make({.metering = {.free_minutes = 100}});
  const std::string id = session("2026-11-10T10:00:00Z", 85);
  stay(id, "P1", "2026-11-10T10:00:00Z", "2026-11-10T11:25:00Z");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(practice_->catch_up().ok());
    clock_.advance_ms(60'000);
  }
  const Json usage = must(practice_->usage(ask(admin_)));
  ASSERT_EQ(usage["alerts"].size(), 2U);
  EXPECT_EQ(usage["alerts"].item(1).int_or("threshold", 0), 80);
  EXPECT_EQ(told().size(), 2U);
  EXPECT_EQ(told()[0].first, "metering.threshold");
  EXPECT_EQ(count("metering.threshold"), 2);
}

TEST_F(PracticeTest, K73ComplianceIsToldWhenItChangesAndNotWhenItIsFirstSeen) {
  PracticeSettings settings;
  settings.agreements = {
      {.party = "twilio", .kind = "baa", .signed_on = "2026-01-01", .valid_to = "2026-11-23"}};
  make(settings);
  ASSERT_TRUE(practice_->catch_up().ok());
  EXPECT_TRUE(told().empty());
  make(settings);
  ASSERT_TRUE(practice_->catch_up().ok());
  EXPECT_TRUE(told().empty()) << "a restart changes nothing";
  clock_.advance_ms(3LL * 86'400'000);
  ASSERT_TRUE(practice_->catch_up().ok());
  ASSERT_EQ(told().size(), 1U) << "the agreement has run out";
  EXPECT_EQ(told()[0].first, "compliance.changed");
  EXPECT_EQ(told()[0].second.string_or("state", ""), "attention");
  clock_.advance_ms(60'000);
  ASSERT_TRUE(practice_->catch_up().ok());
  EXPECT_EQ(told().size(), 1U);
}

TEST_F(PracticeTest, AFullMonthRefusesSessionsWhereTheConfigurationSaysSo) {
  const std::string id = session("2026-11-10T10:00:00Z", 60);
  stay(id, "P1", "2026-11-10T10:00:00Z", "2026-11-10T11:00:00Z");
  make({.metering = {.free_minutes = 60}});
  EXPECT_TRUE(practice_->surroundings().may_create("t1").ok());
  make({.metering = {.free_minutes = 60, .refuse_over_limit = true}});
  EXPECT_EQ(practice_->surroundings().may_create("t1").error().code, "metering.limit");
  make({.metering = {.free_minutes = 61, .refuse_over_limit = true}});
  EXPECT_TRUE(practice_->surroundings().may_create("t1").ok());
}

TEST_F(PracticeTest, FiguresAreNullUntilThereAreSessions) {
  const Json quality = must(practice_->quality_metrics(ask(admin_)));
  EXPECT_TRUE(quality["averageQualityScore"].is_null());
  EXPECT_EQ(quality.int_or("sessionsMeasured", -1), 0);
  const Json performance = must(practice_->performance(ask(admin_)));
  EXPECT_EQ(performance.int_or("totalSessions", -1), 0);
  EXPECT_TRUE(performance["successRate"].is_null());
  EXPECT_EQ(must(practice_->bandwidth(ask(admin_))).int_or("totalBytes", -1), 0);
  for (const Answer& answer :
       {practice_->quality_metrics(ask(patient_)), practice_->performance(ask(nurse_)),
        practice_->bandwidth(ask(patient_))})
    EXPECT_EQ(verdict(answer), "authorisation.denied");
}

TEST_F(PracticeTest, FiguresAddUp) {
  const std::string text = session("2026-11-10T10:00:00Z", 30);
  const std::string two = session("2026-11-11T10:00:00Z", 15);
  stay(text, "P1", "2026-11-10T10:00:04Z", "2026-11-10T10:30:00Z");
  stay(two, "P2", "2026-11-11T09:59:00Z", "2026-11-11T10:15:00Z");
  write([&](store::Transaction& tx) -> Status {
    RABT_TRY_STATUS(store::run(tx, kSummary, {text, "P1", std::int64_t{8800}}));
    RABT_TRY_STATUS(store::run(tx, kSummary, {text, "P9", std::int64_t{6400}}));
    return store::run(tx, kSummary, {two, "P2", std::int64_t{8200}});
  });
  const Json quality = must(practice_->quality_metrics(ask(doctor_)));
  // The lower one of 4.40 and 3.20, and 4.10.
  EXPECT_DOUBLE_EQ(quality["averageQualityScore"].as_double(), 3.65);
  EXPECT_EQ(quality.int_or("sessionsMeasured", 0), 2);
  EXPECT_DOUBLE_EQ(quality["averagePacketLossPercent"].as_double(), 1);
  EXPECT_DOUBLE_EQ(quality["averageRttMs"].as_double(), 40);
  EXPECT_EQ(quality["distribution"].int_or("fair", 0), 1);
  EXPECT_EQ(quality["distribution"].int_or("excellent", 0), 1);
  const Json performance = must(practice_->performance(ask(doctor_)));
  EXPECT_EQ(performance.int_or("completedSessions", 0), 2);
  EXPECT_DOUBLE_EQ(performance["successRate"].as_double(), 1);
  EXPECT_DOUBLE_EQ(performance["averageDurationMinutes"].as_double(), 22.5);
  EXPECT_DOUBLE_EQ(performance["averageJoinSeconds"].as_double(), 2);
  const Json bandwidth = must(practice_->bandwidth(ask(doctor_, {}, {}, {{"session", "1"}})));
  EXPECT_EQ(bandwidth.int_or("totalBytes", 0), 8000);
  EXPECT_EQ(bandwidth["sessions"].size(), 1U);
  // Of another doctor there are none.
  EXPECT_EQ(must(practice_->performance(ask(other_))).int_or("totalSessions", -1), 0);
  EXPECT_EQ(must(practice_->performance(
                     ask(doctor_, {}, {}, {{"from", "2026-11-11"}, {"to", "2026-11-12"}})))
                .int_or("totalSessions", -1),
            1);
}

TEST_F(PracticeTest, B33TheMonthlyReportHasALineForEachLicence) {
  const std::string text = session("2026-11-10T10:00:00Z", 30);
  const std::string training = session("2026-11-11T10:00:00Z", 60, "training_session");
  write([&](store::Transaction& tx) -> Status {
    RABT_TRY_STATUS(store::run(tx, kMember, {doctor_, text, "P1", "doctor"}));
    RABT_TRY_STATUS(store::run(tx, kMember, {patient_, text, "P2", "patient"}));
    return store::run(tx, kMember, {doctor_, training, "P3", "doctor"});
  });
  stay(text, "P1", "2026-11-10T10:00:00Z", "2026-11-10T10:29:30Z");
  stay(text, "P2", "2026-11-10T10:00:00Z", "2026-11-10T10:29:30Z");
  stay(training, "P3", "2026-11-11T10:00:00Z", "2026-11-11T11:00:00Z");
  const Json report = must(practice_->scfhs_report(ask(admin_, {}, {}, {{"month", "2026-11"}})));
  ASSERT_EQ(report["items"].size(), 1U);
  const Json& line = report["items"].item(0);
  EXPECT_EQ(line.string_or("licenceNumber", ""), "DOC-2024-001");
  EXPECT_EQ(line.int_or("sessions", 0), 2);
  EXPECT_EQ(line.int_or("minutes", 0), 30);
  EXPECT_EQ(line.int_or("trainingMinutes", 0), 60);
  EXPECT_EQ(count("compliance.read"), 1);
  EXPECT_EQ(verdict(practice_->scfhs_report(ask(doctor_, {}, {}, {{"month", "2026-11"}}))),
            "authorisation.denied");
  for (const char* wrong : {"", "2026", "2026-13", "2026-1", "abcd-ef", "2026-11-01"})
    EXPECT_EQ(verdict(practice_->scfhs_report(ask(admin_, {}, {}, {{"month", wrong}}))),
              "api.invalid")
        << wrong;
}

TEST_F(PracticeTest, B31AgreementsAreValidExpiredOrMissing) {
  VideoSettings video;
  video.allowed_regions = {"me-south-1"};
  video.region = "us1";
  make({.agreements =
            {{.party = "twilio", .kind = "baa", .signed_on = "2026-01-01"},
             {.party = "fhir", .kind = "dpa", .signed_on = "2025-01-01", .valid_to = "2026-11-21"}},
        .processors = {"twilio", "fhir", "nphies"}},
       video);
  const Json figures = must(practice_->compliance(ask(admin_)));
  std::string states;
  for (const Json& item : figures["agreements"].as_array())
    states += item.string_or("party", "") + " " + item.string_or("state", "") + "|";
  EXPECT_EQ(states, "twilio valid|fhir expired|nphies missing|");
  EXPECT_EQ(figures["residency"].string_or("state", ""), "refused");
  EXPECT_EQ(figures.string_or("state", ""), "attention");
  EXPECT_EQ(verdict(practice_->compliance(ask(doctor_))), "authorisation.denied");
}

TEST_F(PracticeTest, PagesGetTheirStringsTermsAndSettings) {
  EXPECT_EQ(
      must(practice_->ui_strings(ask(patient_, {}, {}, {{"lang", "ar"}})))["strings"].string_or(
          "join_call", ""),
      "انضم إلى المكالمة");
  const Json term = must(practice_->terms(
      ask(patient_, {}, {}, {{"q", "hypertension"}, {"lang", "ar"}})))["items"]
                        .item(0);
  EXPECT_EQ(term.string_or("term", ""), "ارتفاع ضغط الدم");
  EXPECT_EQ(must(practice_->note_templates(ask(doctor_)))["items"].size(), 5U);
  const Json settings = must(practice_->video_settings(ask(doctor_)));
  EXPECT_EQ(settings.int_or("maxParticipants", 0), 10);
  for (const char* name : {"enabled", "recordingEnabled", "encryptionRequired"})
    EXPECT_TRUE(settings.bool_or(name, false)) << name;
}

}  // namespace
}  // namespace rabt::consultation::practice_test

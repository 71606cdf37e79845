#include "tests/clinic/clinic.hpp"

#include <map>
#include <set>

#include "hub/audit/verify.hpp"
#include "tests/must.hpp"

// The day of a busy clinic. Some news of the video provider come twice, some never. In the evening
// everybody's books must agree.
namespace rabt::clinic::clinic_test {
namespace {

using test::must;

class ClinicDay : public Clinic {
 protected:
  // So many visits begin together, at all desks. A quarter of them ends after 10 minutes, the
  // others one quarter every 5 minutes.
  void hour(int at_once) {
    const int each = at_once / kDesks;
    const int first = patients_;
    patients_ += each * kDesks;
    ASSERT_NO_FATAL_FAILURE(at_each_desk([&](Desk& desk) {
      desk.visits.clear();
      const int place = static_cast<int>(&desk - desks_.data());
      return book(desk, each, first + place * each);
    }));
    ASSERT_NO_FATAL_FAILURE(at_each_desk([&](Desk& desk) {
      return until_all(desk, [&](Visit& visit) { return opened(desk, visit); });
    }));
    ASSERT_NO_FATAL_FAILURE(at_each_desk([&](Desk& desk) {
      return until_all(desk, [&](Visit& visit) { return talking(desk, visit); });
    }));
    const auto usage = get(desks_[0], "/usage");
    ASSERT_TRUE(usage.ok()) << usage.error().message;
    EXPECT_EQ(usage->int_or("activeSessions", 0), each * kDesks);
    clock_.skip_minutes(10);
    for (int quarter = 0; quarter < 4; ++quarter) {
      ASSERT_NO_FATAL_FAILURE(at_each_desk([&](Desk& desk) {
        return until_all(desk, [&](Visit& visit) -> Result<bool> {
          if (visit.quarter != quarter) return true;
          if (visit.people->next().empty()) return finished(desk, visit);
          RABT_TRY_STATUS(visit.people->go_on());
          return false;
        });
      }));
      clock_.skip_minutes(5);
    }
    for (const Desk& desk : desks_) {
      for (const Visit& visit : desk.visits) {
        instances_.insert(visit.instance);
        EXPECT_TRUE(visit.people->next().empty());
      }
    }
    clock_.skip_minutes(20);
  }

  // In the evening.
  void compare_books() {
    const auto visits = static_cast<std::size_t>(patients_);
    ASSERT_EQ(instances_.size(), visits);
    const sandbox::Ledger& ledger = outside_->ledger();
    EXPECT_EQ(ledger.count("room.created"), visits);
    EXPECT_EQ(ledger.count("room.completed"), visits);
    EXPECT_EQ(ledger.count("claim.accepted"), visits);
    std::set<std::string> claims;
    for (const auto& one : ledger.entries({.service = {}, .kind = "claim.accepted", .key = {}}))
      claims.insert(one["key"].get<std::string>());
    EXPECT_EQ(claims.size(), visits) << "one claim for each visit";
    std::map<std::string, std::size_t> written;
    for (const auto& one :
         ledger.entries({.service = "fhir", .kind = "resource.created", .key = {}})) {
      const std::string key = one["key"];
      ++written[key.substr(0, key.find('/'))];
    }
    EXPECT_EQ(written["Encounter"], visits);
    EXPECT_EQ(written["DocumentReference"], visits);

    // Seconds that the provider bills, and those that the hub counted from its events.
    std::int64_t billed = 0;
    std::map<std::string, std::int64_t> closed_ms;
    for (const auto& one : ledger.entries({.service = {}, .kind = "room.completed", .key = {}})) {
      billed += one["detail"]["participant_seconds"].get<std::int64_t>();
      closed_ms[one["key"]] = one["detail"]["ended_ms"].get<std::int64_t>();
    }
    const auto usage = get(desks_[0], "/usage?year=2026&month=3");
    ASSERT_TRUE(usage.ok()) << usage.error().message;
    EXPECT_EQ(usage->int_or("sessions", 0), patients_);
    EXPECT_EQ(usage->int_or("activeSessions", 1), 0);
    EXPECT_GE(billed, patients_ * 2LL * 10 * 60);

    std::int64_t ended = 0;
    // The hub counts to the end of the session, the provider until it has closed the room.
    std::int64_t open_ms = 0;
    std::string next = "/sessions?status=completed&limit=100";
    while (!next.empty()) {
      const auto page = get(desks_[0], next);
      ASSERT_TRUE(page.ok()) << page.error().message;
      for (const Json& node : (*page)["items"].as_array()) {
        const auto at = parse_iso8601(node.string_or("endedAt", ""));
        ASSERT_TRUE(at.ok()) << node.string_or("id", "");
        const auto closed = closed_ms.find(node.string_or("roomName", ""));
        ASSERT_NE(closed, closed_ms.end()) << node.string_or("id", "");
        open_ms += closed->second - at->ms;
        ++ended;
      }
      next = page->string_or("next", "");
      if (next.starts_with("/api/v1")) next.erase(0, 7);
    }
    EXPECT_EQ(ended, patients_);
    EXPECT_NEAR(static_cast<double>(usage->int_or("attendeeSeconds", 0)),
                static_cast<double>(billed) - 2.0 * static_cast<double>(open_ms) / 1000,
                2.0 * patients_)
        << "a second for each person";

    // The ministry's figures after the last report.
    const auto reported = desks_[0].http.json(
        "GET",
        outside_->url("dhis2") +
            "/api/dataValueSets?dataSet=TH_MONTHLY&period=202603&orgUnit=PR-FHIR",
        {{"Authorization", "ApiToken " + std::string(demo::kDemoMohToken)}});
    ASSERT_TRUE(reported.ok()) << reported.error().message;
    bool told = false;
    for (const Json& item : (*reported)["dataValues"].as_array())
      told = told || item.string_or("value", "") == std::to_string(patients_);
    EXPECT_TRUE(told) << reported->dump();

    // Some news were lost, others came twice.
    const auto rules = desks_[0].http.json("GET", outside_->url("control") + "/faults/twilio");
    ASSERT_TRUE(rules.ok());
    const Json& list = rules->is_array() ? *rules : (*rules)["rules"];
    ASSERT_EQ(list.size(), 2U) << rules->dump();
    for (const Json& rule : list.as_array()) EXPECT_GT(rule.int_or("fired", 0), 0) << rule.dump();

    hub_->stop();
    hub_.reset();
    const auto verified = audit::verify_file(site_.config.data + "/rabt.db", site_.config.data);
    ASSERT_TRUE(verified.ok()) << verified.error().message;
    EXPECT_TRUE(verified->verified);
  }

  std::set<std::string> instances_;
  int patients_ = 0;
};

TEST_F(ClinicDay, TwoHoursOfFourVisitsAtOnceAreInEverybodysBooks) {
  for (int i = 0; i < 2; ++i) ASSERT_NO_FATAL_FAILURE(hour(4));
  compare_books();
}

class SlowClinic : public ClinicDay {};

TEST_F(SlowClinic, ADayOfTwoThousandVisitsTwoHundredAtOnceIsInEverybodysBooks) {
  for (int i = 0; i < 10; ++i) ASSERT_NO_FATAL_FAILURE(hour(200));
  compare_books();
}

// Symptom: a coverage that was corrected after the claim was final was accepted, and nobody heard
// of it. Cause: the instance of the visit had ended, and a later one compared nothing.
// Caught by: the Appointment as fulfilled with another payer, the same as booked, then without one.
TEST_F(Clinic, ACoverageThatIsCorrectedAfterTheClaimIsATaskOfTheDesk) {
  Desk& desk = desks_[0];
  demo::Booking booking = demo::make_booking(clock_, ids_, 0);
  ASSERT_TRUE(desk.people->enter_booked(booking.body, "doctor", "patient").ok());
  const auto accepted = must(deliver(desk, booking));
  held(desk, accepted["instances"][0].as_string());
  const auto comes = [&](const char* status, const char* payer) {
    sandbox::Json bundle = sandbox::Json::parse(booking.body);
    sandbox::Json kept = sandbox::Json::array();
    for (sandbox::Json& entry : bundle["entry"]) {
      sandbox::Json& item = entry["resource"];
      const bool coverage = item["resourceType"] == "Coverage";
      if (item["resourceType"] == "Appointment") item["status"] = status;
      if (coverage) item["payor"][0] = {{"display", payer}};
      if (!coverage || *payer != '\0') kept.push_back(entry);
    }
    bundle["entry"] = kept;
    demo::Booking out = booking;
    out.id = "msg_" + ids_.next().text();
    out.body = bundle.dump();
    (void)must(deliver(desk, out));
  };
  const std::vector<std::string> question{"claim.other-payer: Demo Insurance -> Other Insurance"};
  comes("fulfilled", "Other Insurance");
  EXPECT_EQ(asked(desk, 2, 1), question);
  comes("booked", "Other Insurance");
  EXPECT_EQ(asked(desk, 3, 1), question) << "once for a correction";
  comes("fulfilled", "");
  EXPECT_EQ(asked(desk, 4, 1), question) << "it says nothing of who pays";
  EXPECT_EQ(outside_->ledger().count("claim.accepted"), 1U);
}

// Symptom: a booking was accepted, and its instance given up for the length of a text.
// Cause: a session takes shorter texts than the event had.
// Caught by: every text of a booking far beyond its limit, then each identifier at its limit.
TEST_F(Clinic, TextsThatAreTooLongAreCutAndTheVisitIsBookedAtItsLength) {
  Desk& desk = desks_[0];
  const auto resources =
      [this](const std::function<void(const std::string&, sandbox::Json&)>& edit) {
        demo::Booking booking = demo::make_booking(clock_, ids_, 0);
        sandbox::Json bundle = sandbox::Json::parse(booking.body);
        for (sandbox::Json& entry : bundle["entry"]) {
          sandbox::Json& member_value = entry["resource"];
          edit(member_value["resourceType"].get<std::string>(), member_value);
        }
        booking.body = bundle.dump();
        return booking;
      };
  const std::string text(5000, 'x');
  const sandbox::Json name =
      sandbox::Json::array({{{"text", text}, {"family", text}, {"given", {text}}}});
  const auto texts = deliver(desk, resources([&](const std::string& type, sandbox::Json& node) {
                               if (type == "Appointment") {
                                 node["description"] = text;
                                 node["reasonCode"][0]["text"] = text;
                                 node["reasonCode"][0]["coding"][0]["display"] = text;
                                 node.erase("end");
                                 node["minutesDuration"] = 45;
                               } else if (type == "Coverage") {
                                 node["payor"][0]["display"] = text;
                               } else {
                                 node["name"] = name;
                                 // A guest, whom the hub does not know: the name is kept with the
                                 // session.
                                 if (type == "Practitioner")
                                   node["identifier"][0]["value"] = "N-P-09999";
                               }
                             }));
  ASSERT_TRUE(texts.ok()) << texts.error().message;
  const Json context = session_of(desk, (*texts)["instances"][0].as_string());
  EXPECT_EQ(context["warnings"].size(), 10U) << context["warnings"].dump();
  const Json session = get(desk, "/sessions/" + context.string_or("session", "")).value();
  EXPECT_EQ(session["plannedMinutes"], Json(45));

  const auto ids = deliver(desk, resources([&](const std::string& type, sandbox::Json& item) {
                             if (type == "Appointment") {
                               item["identifier"][0] = {{"system", std::string(255, 's')},
                                                        {"value", std::string(200, 'v')}};
                               item["reasonCode"][0]["coding"][0]["code"] = std::string(100, 'c');
                               item["reasonCode"][0]["coding"][0]["system"] = std::string(255, 's');
                             } else if (type == "Practitioner") {
                               item["identifier"][0]["value"] = std::string(100, 'v');
                               item["identifier"][0]["system"] = std::string(255, 's');
                             } else if (type == "Coverage") {
                               item["identifier"][0]["value"] = std::string(100, 'v');
                               item["identifier"][0]["system"] = std::string(255, 's');
                             }
                           }));
  ASSERT_TRUE(ids.ok()) << ids.error().message;
  EXPECT_FALSE(session_of(desk, (*ids)["instances"][0].as_string()).is_null());
}

}  // namespace
}  // namespace rabt::clinic::clinic_test

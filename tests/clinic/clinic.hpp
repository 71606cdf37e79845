#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "hub/assembly/hub.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/identity/api_token.hpp"
#include "hub/phi/detector.hpp"
#include "hub/phi/policy.hpp"
#include "tests/e2e/support.hpp"
#include "tests/eventually.hpp"
#include "tests/recording_logger.hpp"
#include "tools/demo/booked.hpp"
#include "tools/demo/people.hpp"
#include "tools/demo/video.hpp"
#include "tools/sandbox/server.hpp"

// A hospital whose hub, whose stand-ins of every outside system and whose people share one process
// and one clock, which jumps over the minutes in which people only talk.
namespace rabt::clinic {

using std::chrono::steady_clock;

// As fast as the real one, and further where somebody has jumped. Internally synchronised.
class DayClock final : public Clock {
 public:
  explicit DayClock(std::int64_t begins_ms = kMorning) : begins_ms_(begins_ms) {}
  [[nodiscard]] Timestamp now() const override { return {begins_ms_ + monotonic_ms()}; }
  [[nodiscard]] std::int64_t monotonic_ms() const override {
    const Lock lock(mutex_);
    return reached();
  }
  void skip_minutes(int minutes) {
    const Lock lock(mutex_);
    jump(minutes * 60'000LL);
  }
  // Goes to a later time; stays where it is past it already.
  void go_to(Timestamp at) {
    const Lock lock(mutex_);
    jump(std::max<std::int64_t>(0, at.ms - begins_ms_ - reached()));
  }
  // Stands still so long after each jump, until the next one: a slow machine makes no day longer.
  void rest_after(std::int64_t ms) {
    const Lock lock(mutex_);
    most_ms_ = ms;
  }

 private:
  [[nodiscard]] std::int64_t reached() const RABT_REQUIRES(mutex_) {
    const auto passed =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - jumped_);
    return jumped_to_ms_ + std::min<std::int64_t>(most_ms_, passed.count());
  }
  void jump(std::int64_t ms) RABT_REQUIRES(mutex_) {
    jumped_to_ms_ = reached() + ms;
    jumped_ = steady_clock::now();
  }

  // Eight in the morning of 10 March 2026 in Riyadh: the day lies within a month.
  static constexpr std::int64_t kMorning = 1'773'118'800'000;
  const std::int64_t begins_ms_;
  mutable Mutex mutex_;
  steady_clock::time_point jumped_ RABT_GUARDED_BY(mutex_) = steady_clock::now();
  std::int64_t jumped_to_ms_ RABT_GUARDED_BY(mutex_) = 0;
  std::int64_t most_ms_ RABT_GUARDED_BY(mutex_) = std::numeric_limits<std::int64_t>::max();
};

// Longest wait for something that does not happen.
inline constexpr auto kPatience = std::chrono::seconds(60);

class Clinic : public ::testing::Test {
 protected:
  Clinic() = default;
  explicit Clinic(std::int64_t begins_ms) : clock_(begins_ms) {}
  struct Visit {
    std::string instance;
    std::string session;
    std::string doctor;
    std::string patient;
    // When they end, 0 to 3.
    int quarter = 0;
    std::unique_ptr<demo::BookedVisit> people;
    bool done = false;
  };
  // The software of some doctors and their patients. Confined to one thread at a time.
  struct Desk {
    std::unique_ptr<demo::People> people;
    std::unique_ptr<demo::StandIn> video;
    net::LocalHttp http;
    std::vector<Visit> visits;
    std::string wrong;
  };

  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    sandbox::Settings settings;
    settings.hub = demo::local_url(site_.config.port);
    settings.now_ms = [this] { return clock_.now().ms; };
    settings.options = sandbox::Json::parse(R"({
      "twilio": {"media_bytes": 1024},
      "nphies": {"adjudicate_after_ms": 0, "licence": "PR-FHIR"},
      "fhir": {"token": "sandbox-fhir-token"},
      "faults": {"twilio": [
        {"match": {"path": "/hooks/"}, "fault": "drop-callback", "probability": 0.1},
        {"match": {"path": "/hooks/"}, "fault": "duplicate-callback", "probability": 0.25}]}})");
    settings.options["twilio"]["api_key_secret"] = std::string(demo::kDemoApiKeySecret);
    std::vector<sandbox::StandIn> stand_ins{{"twilio", sandbox::make_twilio},
                                            {"fhir", sandbox::make_fhir},
                                            {"nphies", sandbox::make_nphies},
                                            {"dhis2", sandbox::make_dhis2}};
    if (site_.config.sends_messages) stand_ins.push_back({"sms", sandbox::make_sms});
    furnish(settings.options);
    outside_ = std::make_unique<sandbox::Sandbox>(std::move(settings), stand_ins);
    site_.config.stand_in = [this](const char* name) -> std::string {
      const sandbox::Json urls = outside_->urls();
      return urls.contains(name) ? urls[name].get<std::string>() : "http://127.0.0.1:9";
    };
    config_file_ = site_.write_configuration();
    std::string text = e2e::read_file(config_file_);
    configure(text);
    e2e::write_file(config_file_, text);
    start_hub(config_file_);
  }
  // Changes the text of rabt.yaml before the hub starts.
  virtual void configure(std::string& /*yaml*/) {}
  // Changes the options of the stand-ins before they start.
  virtual void furnish(sandbox::Json& /*options*/) {}
  void start_hub(const std::string& file) {
    const auto config = config::load_config(file);
    ASSERT_TRUE(config.ok()) << config.error().message;
    if (privacy_ == nullptr) {
      auto detector = phi::Detector::make(config->privacy.detector);
      ASSERT_TRUE(detector.ok()) << detector.error().message;
      privacy_ = std::make_unique<phi::Policy>(config->privacy.channels, *std::move(detector));
    }
    auto hub = assembly::Hub::start(*config, clock_, log_, *privacy_);
    ASSERT_TRUE(hub.ok()) << hub.error().code << ": " << hub.error().message;
    hub_ = *std::move(hub);
    token_ = identity::read_api_token(site_.config.data).value();
    key_ = from_base64(e2e::read_file(site_.whsec_file).substr(6)).value();
    const std::string secret = e2e::read_file(site_.config.issuer_secret);
    for (Desk& desk : desks_) {
      desk.people = std::make_unique<demo::People>(hub_->url(), token_, secret, clock_, random_);
      desk.video = std::make_unique<demo::StandIn>(
          "twilio", demo::StandIn::Doors{
                        .control =
                            [this, &http = desk.http](const std::string& what, const Json& body) {
                              return http.json("POST",
                                               outside_->url("control") + "/control/" + what,
                                               {{"Content-Type", "application/json"}}, body.dump());
                            },
                        .effects =
                            [this](const std::string& kind) {
                              return static_cast<std::int64_t>(outside_->ledger().count(kind));
                            },
                        .url = [this](const std::string& name) { return outside_->url(name); }});
    }
  }
  void TearDown() override {
    hub_.reset();
    outside_.reset();
  }

  // Every desk at once. A failure at one ends the test.
  void at_each_desk(const std::function<Status(Desk&)>& act) {
    std::vector<std::thread> threads;
    for (Desk& desk : desks_) {
      threads.emplace_back([&act, &desk] {
        const Status did = act(desk);
        if (!did.ok()) desk.wrong = did.error().message;
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Desk& desk : desks_) ASSERT_EQ(desk.wrong, "");
  }
  // Goes on with each visit of a desk until all are done. Error: for so long none went on.
  static Status until_all(Desk& desk, const std::function<Result<bool>(Visit&)>& done) {
    std::string last;
    for (Visit& visit : desk.visits) visit.done = false;
    bool all = false;
    const auto goes_on = [&] {
      bool moved = false;
      all = true;
      for (Visit& visit : desk.visits) {
        if (visit.done) continue;
        const std::string before = visit.people == nullptr ? "" : visit.people->next();
        const auto did = done(visit);
        if (!did.ok()) last = did.error().message;
        visit.done = did.ok() && *did;
        const bool went_on = visit.people != nullptr && visit.people->next() != before;
        moved = moved || visit.done || went_on;
        all = all && visit.done;
      }
      return all || moved;
    };
    while (!all) {
      if (!test::eventually(goes_on, kPatience))
        return unavailable("test.stuck", "nothing goes on: " + last);
    }
    return ok_status();
  }
  Result<Json> get(Desk& desk, const std::string& path) {
    return desk.http.json("GET", hub_->url() + "/api/v1" + path,
                          {{"Authorization", "Bearer " + token_}, {"X-Rabt-Reason", "test"}});
  }

  // Delivers a booking of the hospital. Gives the hub's answer.
  Result<Json> deliver(Desk& desk, const demo::Booking& booking) {
    const std::string stamp = std::to_string(clock_.now().ms / 1000);
    const std::string signature =
        to_base64(crypto::hmac_sha256(key_, booking.id + "." + stamp + "." + booking.body));
    return desk.http.json("POST", hub_->url() + "/hooks/his",
                          {{"Content-Type", "application/fhir+json"},
                           {"webhook-id", booking.id},
                           {"webhook-timestamp", stamp},
                           {"webhook-signature", "v1," + signature}},
                          booking.body);
  }
  // The context of an instance when its session is there. Fails the test when none is made.
  Json session_of(Desk& desk, const std::string& id) {
    Json seen;
    const auto made = [&] { return !seen["context"].string_or("session", "").empty(); };
    (void)test::eventually([&] {
      seen = get(desk, "/instances/" + id + "?data=true").value();
      return made() || seen.string_or("status", "") == "faulted";
    });
    EXPECT_TRUE(made()) << "no session was made: " << seen["error"].dump();
    return seen["context"];
  }

  // Books so many visits at a desk, for patients with numbers from `first` on.
  Status book(Desk& desk, int count, int first) {
    const auto place = &desk - desks_.data();
    for (int n = first; n < first + count; ++n) {
      demo::Booking booking = demo::make_booking(clock_, ids_, n);
      // Five doctors sit at a desk.
      const std::string number = std::to_string(10 + place * 5 + n % 5);
      const std::string licence = "N-P-000";
      for (auto at = booking.body.find(licence + "01"); at != std::string::npos;
           at = booking.body.find(licence + "01", at))
        booking.body.replace(at, licence.size() + 2, licence + number);
      Visit visit;
      visit.doctor = "doctor-" + number;
      visit.patient = "patient-" + std::to_string(n);
      visit.quarter = n % 4;
      RABT_TRY_STATUS(desk.people->enter_booked(booking.body, visit.doctor, visit.patient));
      RABT_TRY(accepted, deliver(desk, booking));
      visit.instance = accepted["instances"][0].as_string();
      desk.visits.push_back(std::move(visit));
    }
    return ok_status();
  }
  // The visit has a session, and the people know of it.
  Result<bool> opened(Desk& desk, Visit& visit) {
    RABT_TRY(instance, get(desk, "/instances/" + visit.instance + "?data=true"));
    visit.session = instance["context"].string_or("session", "");
    if (visit.session.empty()) return false;
    visit.people = std::make_unique<demo::BookedVisit>(
        demo::BookedVisit::Setting{.people = *desk.people, .video = *desk.video}, visit.session,
        visit.doctor, visit.patient);
    return true;
  }
  // Both are in the room and have said what there is to say; it is recorded, and the workflow waits
  // for the end.
  Result<bool> talking(Desk& desk, Visit& visit) {
    if (visit.people->next() != "end") {
      RABT_TRY_STATUS(visit.people->go_on());
      return false;
    }
    RABT_TRY(session, get(desk, "/sessions/" + visit.session));
    if (session["recordingActive"] != Json(true)) return false;
    RABT_TRY(instance, get(desk, "/instances/" + visit.instance));
    for (const Json& entry : instance["timeline"].as_array()) {
      if (entry.string_or("task", "") == "over") return true;
    }
    return false;
  }
  Result<bool> finished(Desk& desk, Visit& visit) {
    RABT_TRY(instance, get(desk, "/instances/" + visit.instance));
    const std::string status = instance.string_or("status", "");
    if (status == "faulted" || status == "cancelled" || status == "parked")
      return internal("test.visit", "a visit is " + status + ": " + instance.dump());
    return status == "completed";
  }

  // The doctor and the patient of a booked visit, whom the hub knows, meet until it has ended and
  // `settled` is true. They talk for ten minutes.
  void meet(Desk& desk, const std::string& instance,
            const std::function<Result<bool>(Visit&)>& settled) {
    Visit& visit = desk.visits.emplace_back();
    visit.instance = instance;
    visit.doctor = "doctor";
    visit.patient = "patient";
    const auto skipped = [&](Visit&) -> Result<bool> {
      clock_.skip_minutes(10);
      return true;
    };
    for (const auto& step : std::vector<std::function<Result<bool>(Visit&)>>{
             [&](Visit& one) { return opened(desk, one); },
             [&](Visit& one) { return talking(desk, one); }, skipped,
             [&](Visit& one) -> Result<bool> {
               if (one.people->next().empty()) return settled(one);
               RABT_TRY_STATUS(one.people->go_on());
               return false;
             }}) {
      const Status done = until_all(desk, step);
      ASSERT_TRUE(done.ok()) << done.error().message;
    }
  }
  // The visit is held until it is claimed, if a payer pays.
  void held(Desk& desk, const std::string& instance, std::size_t claims = 1) {
    ASSERT_NO_FATAL_FAILURE(
        meet(desk, instance, [&](Visit& visit) { return finished(desk, visit); }));
    EXPECT_EQ(outside_->ledger().count("claim.accepted"), claims);
    // Those whom the hub knows, not guests.
    const Json session = get(desk, "/sessions/" + desk.visits[0].session).value();
    ASSERT_EQ(session["participants"].size(), 2U);
    for (const Json& item : session["participants"].as_array())
      EXPECT_FALSE(item["person"].is_null());
  }
  // Messages that the payers' platform received from the hub, of every kind.
  std::size_t messages_to_payers() {
    return outside_->ledger().count({.service = "nphies", .kind = {}, .key = {}});
  }
  // The visit of a booking whose payer has no licence is held: an operator is asked, with the
  // reason, and no payer hears of the patient.
  void held_without_licence(Desk& desk, const std::string& instance) {
    ASSERT_NO_FATAL_FAILURE(meet(desk, instance, [&](Visit& visit) -> Result<bool> {
      RABT_TRY(seen, get(desk, "/instances/" + visit.instance));
      const std::string status = seen.string_or("status", "");
      if (status == "completed" || status == "faulted")
        return internal("test.visit", "a visit is " + status + ": " + seen.dump());
      return status == "parked";
    }));
    EXPECT_EQ(messages_to_payers(), 0U);
    const Json seen = get(desk, "/instances/" + instance).value();
    Json refused;
    for (const Json& entry : seen["timeline"].as_array()) {
      if (entry.string_or("state", "") == "parked") refused = entry;
    }
    EXPECT_EQ(refused["failure"].string_or("outcome", ""), "permanent") << seen.dump_pretty();
    EXPECT_EQ(refused["failure"].string_or("code", ""), "nphies.invalid_input");
    const std::string reason = refused["failure"].string_or("message", "");
    EXPECT_TRUE(reason.starts_with("coverage/payerLicence")) << reason;
    EXPECT_NE(reason.find("by name only"), std::string::npos) << reason;
    // The same is a task in the operator's list.
    std::vector<std::string> asked;
    const Json tasks = get(desk, "/tasks?state=open").value()["items"];
    for (const Json& item : tasks.as_array()) {
      if (item["object"].string_or("id", "") == instance)
        asked.push_back(item.string_or("kind", "") + " " + item["call"].string_or("action", ""));
    }
    EXPECT_EQ(asked, std::vector<std::string>{"parked payer.eligibility.check"}) << tasks.dump();
  }
  // Waits for so many completed instances of the consultation and the open tasks that they left:
  // "title: claimed -> named" of each.
  std::vector<std::string> asked(Desk& desk, std::size_t completed, std::size_t tasks) {
    Json list;
    EXPECT_TRUE(test::eventually([&] {
      list = get(desk, "/instances?status=completed&workflow=consultation").value()["items"];
      return list.size() == completed;
    })) << "completed: "
        << list.size();
    EXPECT_TRUE(test::eventually([&] {
      list = get(desk, "/tasks?state=open").value()["items"];
      return list.size() == tasks;
    })) << "tasks: "
        << list.size();
    std::vector<std::string> out;
    for (const Json& item : list.as_array()) {
      const Json data = get(desk, "/tasks/" + item.string_or("id", "")).value()["data"];
      out.push_back(item.string_or("title", "") + ": " + data.string_or("claimed", "") + " -> " +
                    data.string_or("named", ""));
    }
    return out;
  }

  static constexpr int kDesks = 4;
  DayClock clock_;
  SystemRandom random_;
  UlidSource ids_{clock_, random_};
  e2e::Site site_{e2e::Kind::whole};
  test::RecordingLogger log_;
  std::unique_ptr<sandbox::Sandbox> outside_;
  // Outlives the hub. What may leave it, as `rabt serve` has it.
  std::unique_ptr<phi::Policy> privacy_;
  std::unique_ptr<assembly::Hub> hub_;
  std::string config_file_;
  std::string token_;
  Bytes key_;
  std::array<Desk, kDesks> desks_;
};

}  // namespace rabt::clinic

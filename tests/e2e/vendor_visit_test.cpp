#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <mutex>
#include <string>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "tests/e2e/support.hpp"
#include "tests/engine/loopback_http.hpp"
#include "tests/eventually.hpp"
#include "tests/sdk/shell.hpp"

// A hospital whose every outside system is reached by a plugin of a vendor, each as `rabt plugin
// new` wrote it, plays a whole visit with the shipped workflows.
namespace rabt::e2e::vendor_visit_test {
namespace {

using engine::LoopbackHttp;
using engine::LoopbackRequest;
using engine::LoopbackResponse;

constexpr std::array kRoles{"video", "ehr", "payer", "notify", "asr", "moh"};

std::string plugin_of(const std::string& role) {
  return "acme-" + role;
}

// The outside systems of all roles, as the examples of the projects describe them.
class Outside {
 public:
  [[nodiscard]] std::string url() const { return server_.origin(); }
  // The bodies that were sent to a path.
  [[nodiscard]] std::vector<Json> sent(const std::string& method, const std::string& path) const {
    std::vector<Json> out;
    for (const LoopbackRequest& request : server_.requests()) {
      if (request.method != method || request.target != path) continue;
      auto body = Json::parse(request.body);
      out.push_back(body.ok() ? *std::move(body) : Json(request.body));
    }
    return out;
  }

 private:
  static Json room(const std::string& state) {
    return Json::object({{"id", "S-1"},
                         {"state", state},
                         {"began", "2026-03-01T10:00:00Z"},
                         {"participants", Json::array()}});
  }
  static Json claim(const std::string& state) {
    return Json::object({{"claim", Json::object({{"system", "acme"}, {"value", "C-1"}})},
                         {"state", state},
                         {"decision", state == "decided" ? Json("approved") : Json()},
                         {"errors", Json::array()}});
  }
  LoopbackResponse answer(const LoopbackRequest& request) {
    if (request.header("authorization") != "Bearer vendor-token") return {.status = 401};
    const std::string& at = request.target;
    const std::string what = request.method + " " + at;
    const auto body = Json::parse(request.body);
    if (what == "GET /recordings/R-1/content") return {.body = "the sound of a visit"};
    Json said;
    if (what == "POST /eligibility") {
      said = Json::object({{"covered", true},
                           {"inForce", true},
                           {"reference", Json::object({{"system", "acme"}, {"value", "L-1"}})},
                           {"errors", Json::array()}});
    } else if (what == "POST /sessions") {
      const std::scoped_lock lock(mutex_);
      said = room(state_ = "open");
    } else if (what == "GET /sessions/S-1") {
      const std::scoped_lock lock(mutex_);
      said = room(state_);
    } else if (what == "POST /sessions/S-1/end") {
      const std::scoped_lock lock(mutex_);
      said = room(state_ = "closed");
    } else if (what == "POST /sessions/S-1/tokens") {
      said = Json::object({{"token", "token of the room"}, {"expires", 4'000'000'000}});
    } else if (what == "POST /sessions/S-1/recording") {
      said = Json::object({{"id", "S-1"}, {"recording", true}});
    } else if (what == "POST /sessions/S-1/recording/end") {
      said = Json::object({{"id", "S-1"}, {"recording", false}});
    } else if (what == "GET /sessions/S-1/recordings") {
      said = Json::object(
          {{"complete", true},
           {"recordings", Json::array({Json::object({{"id", "R-1"}, {"kind", "video"}})})}});
    } else if (what == "POST /encounters") {
      said = Json::object({{"id", "E-1"}});
    } else if (what == "POST /documents") {
      said = Json::object({{"id", "D-1"}});
    } else if (what == "POST /claims") {
      said = claim("received");
    } else if (what == "POST /claims/C-1/poll") {
      said = claim("decided");
    } else if (what == "POST /reports") {
      said = Json::object({{"added", 1}, {"changed", 0}, {"refused", 0}, {"removed", 0}});
    } else if (what == "POST /messages") {
      said = Json::object({{"id", "M-1"}, {"state", "queued"}});
    } else if (at.starts_with("/transcripts?language=")) {
      said = Json::object(
          {{"length", 2000},
           {"said",
            Json::array({Json::object(
                {{"from", 0}, {"to", 900}, {"words", "one tablet a day"}, {"voice", "A"}})})}});
    } else {
      return {.status = 404};
    }
    return {.body = said.dump()};
  }

  std::mutex mutex_;
  std::string state_ = "open";
  LoopbackHttp server_{[this](const LoopbackRequest& request) { return answer(request); }};
};

class SlowVendors : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [name, value] : sdk::tests::ccache_variables(folder_.path()))
      ccache_ += name + "='" + value + "' ";
    for (const char* component : {"sdk", "hub"}) {
      const auto installed =
          sdk::tests::run("cmake --install '" + build_dir() + "' --component " + component +
                          " --prefix '" + (folder_ / "prefix") + "'");
      ASSERT_EQ(installed.code, 0) << installed.output;
    }
    write_file(folder_ / "token", "vendor-token");
    write_file(folder_ / "whsec", "whsec_" + to_base64(key_));
  }
  // A command line on the vendor's machine, which knows neither this tree nor its build.
  void vendor(const std::string& line, const std::string& where = ".") {
    const std::string prefix = folder_ / "prefix";
    const auto ran = sdk::tests::run(
        "cd '" + (folder_ / where) + "' && env -i HOME='" + folder_.path().string() +
        "' LANG=C.UTF-8 PATH='" + prefix + "/bin:/usr/bin:/bin' CMAKE_PREFIX_PATH='" + prefix +
        "' CMAKE_BUILD_PARALLEL_LEVEL=2 " + ccache_ + "sh -euc '" + line + "'");
    ASSERT_EQ(ran.code, 0) << line << ": " << ran.output;
  }
  // Scaffolds, builds and signs a plugin of the role; the hospital trusts the vendor and adds it.
  void plugin_for(const std::string& role) {
    const std::string name = plugin_of(role);
    vendor("rabt plugin new " + name + " --role " + role + " --author Acme");
    if (HasFatalFailure()) return;
    vendor("cmake --preset release && cmake --build --preset release --target " + name, name);
    if (HasFatalFailure()) return;
    const std::string package = (folder_ / name) + "/build/release/" + name + "-0.1.0.rabtplugin";
    vendor("rabt plugin sign --key ../acme.key " + package, name);
    if (HasFatalFailure()) return;
    const Finished added = site_.rabt({"plugin", "add", package, "--yes"});
    ASSERT_EQ(added.code, 0) << added.said;
  }
  // Configures every role with the vendor's plugin, and none of the shipped ones.
  void configure() {
    site_.config.plugins = signed_store(folder_.path().string());
    site_.config.every_plugin = false;
    site_.config.workflows.clear();
    for (const char* name : {"consultation", "follow_up", "transcribe"})
      site_.config.workflows.push_back(source_dir() + "/workflows/" + name + ".yaml");
    site_.config.more_roles = "  session: hub://session\n  recording: hub://recording\n";
    std::string sources;
    for (const std::string role : kRoles) {
      const std::string name = plugin_of(role);
      site_.config.more_roles += "  " + role + ": plugin://" + name + "\n";
      site_.config.more_plugins += "  " + name + ":\n    config: {base_url: \"" + outside_.url() +
                                   "\"}\n    secrets: {api_token: {file: \"" + (folder_ / "token") +
                                   "\"}}\n    hosts: [\"" + outside_.url() + "\"]\n";
    }
    for (const std::string role : {"video", "ehr"}) {
      sources += "  " + role + ": {scheme: standard-webhooks, secrets: [{file: \"" +
                 (folder_ / "whsec") + "\"}], plugin: " + plugin_of(role) + "}\n";
    }
    // `more` follows the sources. A message may hold the time of a visit.
    site_.config.more = sources +
                        "privacy: {channels: {notify: {allow: {to: [phone], text: [date], "
                        "reference: [], language: []}}}}\n";
    static_cast<void>(site_.write_configuration());
  }
  // A delivery of an outside system.
  net::Response deliver(const std::string& source, const std::string& id, const Json& body) {
    const std::string text = body.dump();
    const std::string stamp = std::to_string(SystemClock().now().ms / 1000);
    const std::string signature =
        to_base64(crypto::hmac_sha256(key_, id + "." + stamp + "." + text));
    return site_.send("POST", "/hooks/" + source,
                      {{"Content-Type", "application/json"},
                       {"webhook-id", id},
                       {"webhook-timestamp", stamp},
                       {"webhook-signature", "v1," + signature}},
                      text);
  }
  // Waits for the answer of `ask`; a failed expectation and null after two minutes.
  template <typename Ask>
  Json wait(const std::string& what, Ask ask) {
    Json found;
    EXPECT_TRUE(test::eventually(
        [&] {
          found = ask();
          return !found.is_null();
        },
        std::chrono::minutes(2)))
        << what << " did not come";
    return found;
  }
  // The outcome of the only instance of a workflow.
  Json completed(const std::string& workflow) {
    std::string id;
    wait("the end of " + workflow, [&]() -> Json {
      const Json list = site_.api("instances");
      for (const Json& item : list["items"].as_array()) {
        if (item["workflow"].string_or("name", item.string_or("workflow", "")) == workflow)
          id = item.string_or("id", "");
      }
      if (id.empty()) return {};
      const std::string status = site_.api("instances/" + id).string_or("status", "");
      return status == "completed" || status == "faulted" || status == "parked" ? Json(status)
                                                                                : Json();
    });
    const Json instance = site_.api("instances/" + id, true);
    EXPECT_EQ(instance.string_or("status", ""), "completed") << instance.dump_pretty();
    return instance["output"];
  }

  const Bytes key_ = Bytes(32, 7);
  std::string ccache_;
  Folder folder_;
  Outside outside_;
  Site site_{Kind::whole};
};

// Symptom: a project of the role video, as it was written, did not build, and a booking of one of
// the role ehr started no visit.
// Cause: the projects were looked at one by one, by their own tests alone.
// Here the hub and the shipped workflows use all of them together.
TEST_F(SlowVendors, PlayAWholeVisitWithAProjectOfEachRole) {
  configure();
  vendor("rabt plugin keys generate acme.key --no-password");
  const Finished trusted = site_.rabt(
      {"plugin", "keys", "add", folder_ / "acme.pub", "--name", "Acme", "--scope", "acme-*"});
  ASSERT_EQ(trusted.code, 0) << trusted.said;
  for (const char* role : kRoles) {
    plugin_for(role);
    if (HasFatalFailure()) return;
  }
  const Finished checked = site_.rabt({"config", "check"});
  ASSERT_EQ(checked.code, 0) << checked.said;
  site_.start_hub();
  ASSERT_FALSE(HasFailure());

  // The hospital enters its people, and its record system tells of a booking.
  const demo::Booking booking = site_.booking();
  site_.enter(booking);
  demo::People& people = site_.people();
  const auto patient = [&] {
    const auto bundle = Json::parse(booking.body);
    return (*bundle)["entry"][1]["resource"]["identifier"][0];
  }();
  const std::string account = "/api/v1/patients/" + people.of("patient").string_or("id", "");
  const std::pair<std::string, std::string> self{
      "Authorization", "Bearer " + people.of("patient").string_or("token", "")};
  const net::Response profile = site_.send("GET", account, {self});
  const net::Response changed = site_.send("PATCH", account,
                                           {self,
                                            {"Content-Type", "application/json"},
                                            {"If-Match", std::string(profile.header("etag"))}},
                                           R"({"phone": "+966500000001"})");
  ASSERT_EQ(changed.status, 200) << changed.body;
  const net::Response booked = deliver(
      "ehr", "msg_1",
      Json::object(
          {{"id", "E-1"},
           {"event", "appointment.booked"},
           {"appointment", Json::object({{"id", "A-1"},
                                         {"kind", "video"},
                                         {"start", SystemClock().now().ms / 1000},
                                         {"reason", "cough"}})},
           {"patient", Json::object({{"identifier", Json::object({{"system", patient["system"]},
                                                                  {"value", patient["value"]},
                                                                  {"type", "NI"}})},
                                     {"name", "Example Patient"},
                                     {"gender", "female"},
                                     {"birthDate", "1990-01-31"}})},
           {"practitioner", Json::object({{"name", "Example Doctor"}, {"licence", "N-P-00001"}})},
           {"coverage", Json::object({{"memberId", "M-1"}})}}));
  ASSERT_EQ(booked.status, 202) << booked.body;
  const auto accepted = Json::parse(booked.body);
  ASSERT_EQ((*accepted)["instances"].size(), 1U) << booked.body;
  const std::string instance = (*accepted)["instances"][0].as_string();

  const Json session = wait("the session", [&] {
    return site_.api("instances/" + instance, true)["context"]["session"];
  });
  ASSERT_TRUE(session.is_string()) << site_.api("instances/" + instance).dump_pretty();
  const std::string at = "/sessions/" + session.as_string();
  // An act of somebody; repeated while the hub is not ready for it.
  const auto act = [&](const std::string& who, const std::string& path, const Json& body = {}) {
    std::string last;
    const Json done = wait(who + " " + path, [&]() -> Json {
      auto answer = people.as(who, "POST", at + path, body);
      if (!answer.ok()) last = answer.error().message;
      return answer.ok() ? (answer->is_null() ? Json(true) : *answer) : Json();
    });
    EXPECT_FALSE(done.is_null()) << last;
    return done;
  };
  act("patient", "/join");
  if (HasFailure()) return;
  const auto room = people.as("doctor", "GET", at + "/waiting-room");
  ASSERT_TRUE(room.ok()) << room.error().message;
  const Json& first = (*room)["items"][0];
  act("doctor", "/participants/" +
                    first["participant"].string_or("id", first.string_or("participant", "")) +
                    "/admit");
  for (const std::string who : {"patient", "doctor"}) {
    act(who, "/join");
    EXPECT_EQ(act(who, "/token").string_or("token", ""), "token of the room");
    if (HasFailure()) return;
    const auto tokens = outside_.sent("POST", "/sessions/S-1/tokens");
    ASSERT_FALSE(tokens.empty());
    const Json& asked = tokens.back();
    const net::Response response = deliver(
        "video", "msg_" + who,
        Json::object({{"id", "joined-" + who},
                      {"event", "participant.joined"},
                      {"session", "S-1"},
                      {"participant",
                       Json::object({{"identity", asked["identity"]}, {"role", asked["role"]}})}}));
    EXPECT_EQ(response.status, 202) << response.body;
    act(who, "/consents", Json::object({{"kind", "transcription"}, {"given", true}}));
  }
  act("doctor", "/start");
  wait("the recording", [&]() -> Json {
    return outside_.sent("POST", "/sessions/S-1/recording").empty() ? Json() : Json(true);
  });
  act("doctor", "/notes",
      Json::object(
          {{"template", "soap"},
           {"status", "final"},
           {"sections", Json::object({{"subjective", "cough"},
                                      {"objective", "lungs clear"},
                                      {"assessment", "a cold"},
                                      {"plan", "rest"}})},
           {"diagnoses", Json::array({Json::object(
                             {{"code", "J00"}, {"display", "Common cold"}, {"rank", 1}})})}}));
  act("doctor", "/follow-ups", Json::object({{"afterDays", 1}}));
  test::let_pass(std::chrono::milliseconds(1500));  // claim_min_seconds: 1
  act("doctor", "/end", Json::object({{"reason", "consultation_completed"}}));
  ASSERT_FALSE(HasFailure());

  // The record, the claim and the report; then the message and the transcript.
  const Json visit = completed("consultation");
  EXPECT_EQ(visit.string_or("encounter", ""), "Encounter/E-1");
  EXPECT_EQ(visit.string_or("document", ""), "DocumentReference/D-1");
  EXPECT_EQ(visit["claim"].string_or("adjudication", ""), "approved") << visit.dump();
  EXPECT_EQ(visit["report"].string_or("status", ""), "SUCCESS");
  EXPECT_EQ(outside_.sent("POST", "/encounters").size(), 1U);
  EXPECT_EQ(outside_.sent("POST", "/documents").at(0)["recordings"].size(), 1U);
  EXPECT_EQ(outside_.sent("POST", "/claims").at(0)["diagnoses"][0].string_or("code", ""), "J00");
  EXPECT_EQ(completed("follow-up").string_or("told", ""), "accepted");
  EXPECT_EQ(outside_.sent("POST", "/messages").at(0).string_or("to", ""), "+966500000001");
  const Json heard = completed("transcribe");
  EXPECT_TRUE(heard.bool_or("transcribed", false)) << heard.dump();
  const auto transcript = people.as("doctor", "GET", at + "/transcript");
  ASSERT_TRUE(transcript.ok()) << transcript.error().message;
  EXPECT_NE(transcript->dump().find("one tablet a day"), std::string::npos) << transcript->dump();
}

}  // namespace
}  // namespace rabt::e2e::vendor_visit_test

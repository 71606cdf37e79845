#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "hub/identity/totp.hpp"
#include "hub/net/local_http.hpp"
#include "tests/acceptance/description.hpp"
#include "tests/acceptance/hospital.hpp"
#include "tests/identity/soft_authenticator.hpp"

// Every example of a body in docs/openapi.yaml is sent to a hub, to a world in which it is allowed,
// and does what it is for. The examples tell one story: those that name a patient or a doctor by an
// id of the hospital's system mean the people of the examples of createPatient and createProvider.
namespace rabt::acceptance::examples_test {
namespace {

// Bodies that nobody can write down beforehand, with the reason.
const std::map<std::string, std::string, std::less<>> kWithoutExample{
    {"signInWithPasskey", "an authenticator signs a challenge of the hub"},
    {"addPasskey", "an authenticator answers a challenge of the hub"},
    {"restartInstance", "which calls stand depends on how far the old one came"},
    {"replayDelivery", "a delivery comes to nothing by a fault of its sender or plugin"},
    {"discardDelivery", "the same"},
    {"acknowledgeAlert", "something has to be wrong with the hub"},
    {"snoozeAlert", "the same"},
    {"sendInvitationCode", "a message gateway has to be bound"},
    {"askInvitationIdentity", "a plugin of the role identity has to be bound"},
    {"retryInstance", "the shipped workflows handle the errors of their calls"}};

// Members whose values the hub itself makes: in their places the hub's are sent.
const std::map<std::string, std::set<std::string>, std::less<>> kPutInPlace{
    {"acceptInvitation", {"code"}},   // of the invitation
    {"previewInvitation", {"code"}},  // the same
    {"mergePatient", {"into"}},       // the id of another record
    {"keepPatientsApart", {"from"}},  // the same
    {"activate", {"code"}},           // of the new account
    {"runRepair", {"digest"}},        // of the preview
    {"pauseRole", {"digest"}},        // the same
    {"beginBootstrap", {"code"}},     // that `rabt users bootstrap` prints
    {"bootstrap", {"code", "otp"}},   // the same; of an authenticator, by the hub's secret
    {"confirmMfa", {"code"}},         // of an authenticator
    {"stepUp", {"otp"}},              // of an authenticator
    {"removeMfa", {"code"}},          // of those for recovery
    {"reviewDetection", {"event"}}};  // the number of the finding

// Members of answers that have another value each time.
const std::set<std::string, std::less<>> kNewEachTime{
    "id",        "uuid",        "number", "version",  "provider",  "patient",
    "createdAt", "accessToken", "token",  "roomName", "expiresAt", "instance"};

constexpr const char* kOwn = "somebody with an account of the hub";
constexpr const char* kDesk = "somebody at the front desk";
constexpr const char* kLocal = "a command on the machine of the hub";

class Examples {
 public:
  void run() {
    for (const Step& step : steps()) {
      if (testing::Test::HasFatalFailure()) return;
      const auto operation =
          std::find_if(description_.operations().begin(), description_.operations().end(),
                       [&](const Operation& one) { return one.id == step.operation; });
      ASSERT_NE(operation, description_.operations().end()) << step.operation;
      const auto examples = description_.body_examples(*operation);
      for (const auto& [name, body] : examples) play(step, *operation, name, body);
      done_.insert(step.operation);
    }
    for (const Operation& one : description_.operations()) {
      const bool takes_one =
          one.pattern.starts_with("/api/v1/") && description_.body_schema(one).is_object();
      if (!takes_one) continue;
      const bool excepted = kWithoutExample.contains(one.id);
      EXPECT_EQ(description_.body_examples(one).empty(), excepted)
          << one.id << ": its body needs an example, or a reason why it has none";
      EXPECT_NE(done_.contains(one.id), excepted) << one.id << ": no step sends its example";
    }
  }

 private:
  // Before an example is sent `ready` makes what it needs. who: of the hospital, "-", or a constant
  // from above.
  struct Step {
    const char* operation;
    const char* who;
    std::function<void()> ready = [] {};
  };

  [[nodiscard]] std::vector<Step> steps() {
    const auto patient = [this] { names_["id"] = made_["createPatient"].text("id"); };
    const auto provider = [this] { names_["id"] = made_["createProvider"].text("id"); };
    const auto user = [this] { names_["id"] = made_["createUser"].text("id"); };
    const auto client = [this] { names_["id"] = made_["createClient"].text("id"); };
    const auto webhook = [this] { names_["id"] = made_["createWebhook"].text("id"); };
    const auto doctor = [this] { names_["provider"] = h_.person("D").id; };
    // D has no hours: other examples hold visits of his at once, on each day of the week.
    const auto with_hours = [this] { names_["provider"] = made_["createProvider"].text("id"); };
    const auto active = [this] { begin(); };
    const auto asked = [this] {
      booked("P", Json::object({{"request", true}, {"provider", h_.person("D").id}}));
    };
    return {
        // Persons whom the other examples name.
        {"createProvider", "AD"},
        {"createPatient", "AD"},
        {"changeProvider", "AD", provider},
        {"changePatient", "AD", patient},
        {"searchPatients", "D"},
        {"noteOnboarding", "AD", patient},
        {"mergePatient", "AD", [this] { two_records(); }},
        {"unmergePatient", "AD"},
        {"keepPatientsApart", "AD", [this] { put("from", Json(two_new())); }},
        {"addClinic", "AD"},
        {"addClinicSession", "AD", [this] { names_["clinic"] = made_["addClinic"].text("id"); }},
        {"openVisit", "D"},
        {"setAvailability", "AD", with_hours},
        {"previewDay", "AD", with_hours},
        {"changeDay", "AD", with_hours},
        {"setPresence", "AD", doctor},
        {"setMyPresence", "D"},

        // Sessions.
        {"createSession", "AD"},
        {"changeSession", "D", [this] { booked("D"); }},
        {"acceptSession", "D", asked},
        {"declineSession", "D", asked},
        {"assignSession", "AD", asked},
        {"cancelSession", "D", [this] { booked("D"); }},
        {"joinSession", "P", active},
        {"addParticipant", "D", active},
        {"denyParticipant", "D", [this] { knock(); }},
        {"invite", "D", active},
        {"previewInvitation", "-", [this] { invited(); }},
        {"acceptInvitation", "P2", [this] { invited(); }},
        {"recordConsent", "P", active},
        {"confirmIdentity", "D", active},
        {"startRecording", "D", [this] { call_begins(); }},
        {"withdrawRecording", "AD", [this] { kept(); }},

        // Entries of a session.
        {"sendMessage", "D", active},
        {"reviewDetection", "D", [this] { found(); }},
        {"shareDocument", "D"},
        {"writeNote", "D"},
        {"changeNote", "D", [this] { names_["note"] = made_["writeNote"].text("id"); }},
        {"addAddendum", "D"},
        {"markNoteInError", "D"},
        {"recordVitals", "N", [this] { begin(); }},
        {"prescribe", "D"},
        {"recordDispensing", "W",
         [this] { names_["prescription"] = made_["prescribe"].text("id"); }},
        {"markDispensingInError", "W",
         [this] { names_["dispensing"] = made_["recordDispensing"].text("id"); }},
        {"cancelPrescription", "D"},
        {"addSegment", "P"},
        {"reportQuality", "P"},
        {"setQualityLevel", "D"},
        {"planFollowUp", "D"},
        {"endSession", "D"},
        {"giveFeedback", "P"},

        // Workflows and their instances.
        {"planWorkflows", "IE"},
        {"replayWorkflow", kLocal},
        {"applyWorkflows", "IE"},
        {"resolveInstance", "OP", [this] { parked(); }},
        {"cancelInstance", "OP", [this] { parked(); }},
        {"startInstance", "OP"},
        {"previewRepair", "OP", [this] { parked_twice(); }},
        {"runRepair", "OP",
         [this] {
           previewed();
           put("digest", made_["previewRepair"]["digest"]);
         }},
        {"stopRepair", "OP", [this] { previewed(); }},
        {"goOnWithRepair", "OP", [this] { previewed(); }},
        {"pauseRole", "OP",
         [this] {
           names_["role"] = "moh";
           put("digest", h_.get("OP", "/api/v1/roles/moh/pause?for=2h")["digest"]);
         }},
        {"resumeRole", "OP"},
        {"claimTask", kDesk, [this] { open_task(); }},
        {"releaseTask", kDesk},
        {"decideTask", kDesk},

        {"makeRequest", "P"},

        // Access to patient data and its audit.
        {"openGrant", "D"},
        {"searchInstances", "D"},
        {"reviewGrant", "SO", [this] { close_grant(); }},
        {"reportPatient", "SO"},
        {"exportAudit", "SO"},
        {"explainAccess", "SO"},
        {"keysAct", "SO"},
        {"pluginActs", kLocal},

        {"snoozeRule", "OP"},
        {"testAlertChannel", "AD",
         [this] {
           RABT_EXPECT_STATUS(h_.post("AD", "/api/v1/webhooks",
                                      Json::object({{"name", "alarms"},
                                                    {"url", "https://his.example.sa/rabt/alarms"},
                                                    {"events", Json::array({"alert.*"})}})),
                              201);
         }},

        // Systems that call, and systems that are told.
        {"createClient", "AD"},
        {"changeClient", "AD", client},
        {"addClientKey", "AD", client},
        {"createWebhook", "AD"},
        {"changeWebhook", "AD", webhook},
        {"rotateWebhook", "AD", webhook},
        {"replayWebhook", "AD", webhook},
        {"discardWebhook", "AD", webhook},

        // An account, from its making.
        {"createUser", "AD"},
        {"searchUsers", "AD"},
        {"activate", "-", [this] { put("code", made_["createUser"]["activation"]); }},
        {"login", "-"},
        {"confirmMfa", kOwn, [this] { enrol(); }},
        {"stepUp", kOwn, [this] { put("otp", Json(otp(1))); }},
        {"renamePasskey", kOwn, [this] { passkey(); }},
        {"removeMfa", kOwn, [this] { put("code", made_["confirmMfa"]["recoveryCodes"].item(0)); }},
        {"setPassword", kOwn},
        {"changeUser", "AD", user},
        {"logout", "D2"},

        // The first administrator of another hub.
        {"beginBootstrap", "-", [this] { start_empty(); }},
        {"bootstrap", "-", [this] {
           secret_ = made_["beginBootstrap"].text("secret");
           put("code", code_);
           put("otp", Json(otp(0)));
         }}};
  }

  // A body that is wrong in one name is refused as the example of a problem says.
  void misspell(const Operation& operation, Json body) {
    const Json minutes = body["plannedMinutes"];
    body.mutable_object().erase("plannedMinutes");
    body.set("plannedMinute", minutes);
    const Answer refused = ask("AD", operation, operation.pattern, body);
    const auto shown = description_.answer_examples(operation, 422);
    ASSERT_EQ(shown.size(), 1U);
    EXPECT_EQ(description_.misfit(operation, 422, shown.begin()->second.dump()), "");
    EXPECT_EQ(unlike(shown.begin()->second, refused.json), "") << refused.body;
  }

  void play(const Step& step, const Operation& operation, const std::string& name,
            const Json& example) {
    SCOPED_TRACE(std::string(step.operation) + " " + name);
    const auto schema = Schema::compile(description_.body_schema(operation));
    ASSERT_TRUE(schema.ok()) << schema.error().message;
    const auto wrong = schema->check(example);
    EXPECT_FALSE(wrong) << wrong->instance_path << " " << wrong->message;
    put_.clear();
    step.ready();
    Json body = example;
    const auto replaced = kPutInPlace.find(step.operation);
    for (const auto& [member, value] : put_) {
      EXPECT_TRUE(replaced != kPutInPlace.end() && replaced->second.contains(member)) << member;
      // Texts in the example have the length of the hub's own values.
      if (value.is_string()) {
        EXPECT_EQ(example.string_or(member, "").size(), value.as_string().size()) << member;
      }
      body.set(member, value);
    }
    if (!name.empty()) names_["verb"] = name;
    const std::string path = fill(operation.pattern);
    const Answer answer = ask(step.who, operation, path, body);
    EXPECT_TRUE(answer.status >= 200 && answer.status < 300) << answer.status << answer.body;
    EXPECT_EQ(description_.misfit(operation, answer.status, answer.body), "");
    for (const std::string& member : description_.untold(operation, answer.status, answer.json))
      ADD_FAILURE() << member << " of the answer is not described";
    for (const auto& [of, shown] : description_.answer_examples(operation, answer.status)) {
      EXPECT_EQ(description_.misfit(operation, answer.status, shown.dump()), "");
      EXPECT_EQ(unlike(shown, answer.json), "") << of << answer.body;
    }
    if (step.operation == std::string_view("createSession")) misspell(operation, example);
    if (std::string_view(step.operation) == "login" || std::string_view(step.operation) == "stepUp")
      token_ = answer.text("accessToken");
    made_[step.operation] = answer;
  }

  [[nodiscard]] Answer ask(std::string_view who, const Operation& operation,
                           const std::string& path, const Json& body) {
    std::vector<std::pair<std::string, std::string>> headers;
    const bool of_person = who != "-" && who != kOwn && who != kLocal;
    if (who == kOwn) headers.emplace_back("Authorization", "Bearer " + token_);
    if (of_person) headers.emplace_back("Authorization", "Bearer " + h_.person(who).token);
    for (const Json& parameter : operation.parameters) {
      const std::string header = parameter.string_or("name", "");
      if (header == "X-Rabt-Reason") headers.emplace_back(header, "review of quality");
      if (header != "If-Match") continue;
      auto with_reason = headers;
      with_reason.emplace_back("X-Rabt-Reason", "review of quality");
      const net::Response now = h_.site.send("GET", path, with_reason);
      std::string tag = "\"1\"";
      for (const auto& [key, value] : now.headers) {
        if (key == "ETag" || key == "etag") tag = value;
      }
      headers.emplace_back(header, tag);
    }
    headers.emplace_back("Content-Type", "application/json");
    e2e::Site& site = empty_ ? *empty_ : h_.site;
    net::Response response;
    if (who == kLocal) {
      response = locally(site, operation.method, path, body, headers);
    } else {
      response = site.send(operation.method, path, headers, body.dump());
    }
    const auto parsed = Json::parse(response.body);
    return {.status = response.status,
            .body = response.body,
            .json = parsed.ok() ? *parsed : Json(),
            .headers = response.headers};
  }
  static net::Response locally(const e2e::Site& site, const std::string& method,
                               const std::string& path, const Json& body,
                               std::vector<std::pair<std::string, std::string>> headers = {
                                   {"Content-Type", "application/json"}}) {
    net::LocalHttp socket(site.config.data + "/hub.sock");
    auto response = socket.send(method, "http://hub" + path, std::move(headers), body.dump());
    EXPECT_TRUE(response.ok()) << path;
    return response.ok() ? *std::move(response) : net::Response();
  }

  // First member of the example that the answer lacks or that differs; empty if none.
  static std::string unlike(const Json& shown, const Json& item) {
    if (shown.is_object()) {
      for (const auto& [name, value] : shown.as_object()) {
        const Json* const member = item.find(name);
        std::string wrong = member == nullptr ? " is missing" : "";
        if (member != nullptr && !kNewEachTime.contains(name)) wrong = unlike(value, *member);
        if (!wrong.empty()) return "/" + name + wrong;
      }
      return {};
    }
    if (!shown.is_array()) return shown == item ? "" : " is " + item.dump();
    if (!item.is_array() || shown.size() != item.size()) return " has another length";
    for (std::size_t i = 0; i < shown.size(); ++i) {
      if (std::string wrong = unlike(shown[i], item[i]); !wrong.empty())
        return "[" + std::to_string(i) + "]" + wrong;
    }
    return {};
  }

  [[nodiscard]] std::string fill(std::string pattern) const {
    for (auto open = pattern.find('{'); open != std::string::npos; open = pattern.find('{')) {
      const auto close = pattern.find('}', open);
      const std::string name = pattern.substr(open + 1, close - open - 1);
      EXPECT_TRUE(names_.contains(name)) << name;
      pattern.replace(open, close - open + 1, names_.contains(name) ? names_.at(name) : "-");
    }
    return pattern;
  }
  void put(const std::string& member, const Json& value) { put_[member] = value; }

  // A session of D and P, and with N.
  std::string booked(const char* by, const Json& more = Json::object()) {
    Json nurse = Json::object({{"person", h_.person("N").id}, {"role", "nurse"}});
    Json body = Json::object({{"type", "doctor_patient"},
                              {"patient", h_.person("P").id},
                              {"waitingRoom", false},
                              {"context", Json::object({{"familyConsent", true}})}});
    if (more.find("request") == nullptr) body.set("participants", Json::array({std::move(nurse)}));
    for (const auto& [name, value] : more.as_object()) body.set(name, value);
    session_ = h_.post(by, "/api/v1/sessions", body);
    RABT_EXPECT_STATUS(session_, 201);
    names_["session"] = session_.text("id");
    at_ = "/api/v1/sessions/" + names_["session"];
    return at_;
  }
  // A task of the desk, opened by a workflow.
  void open_task() {
    h_.enter(kDesk, "desk");
    const Json file = Json::object(
        {{"name", "asks.yaml"},
         {"source",
          "document: {dsl: '1.0.3', namespace: examples, name: asks, version: '1.0.0'}\n"
          "do:\n  - open:\n      call: open:1.0.0@task\n      with: {kind: coverage, title: "
          "coverage.not-eligible, role: desk, answers: [go-on, self-pay, refuse]}\n"}});
    RABT_EXPECT_STATUS(
        h_.post("IE", "/api/v1/workflows/apply", Json::object({{"files", Json::array({file})}})),
        200);
    const Answer started =
        h_.post("OP", "/api/v1/instances",
                Json::object({{"workflow", "asks"}, {"reason", "the examples of tasks"}}));
    RABT_EXPECT_STATUS(started, 201);
    const std::string tasks = "/api/v1/tasks?object=instance:" + started.text("id");
    EXPECT_TRUE(eventually([&] {
      const Answer list = h_.get(kDesk, tasks);
      names_["id"] = list["items"].item(0).string_or("id", "");
      return !names_["id"].empty();
    }));
  }
  void begin() { RABT_EXPECT_STATUS(h_.post("D", booked("D") + "/start"), 200); }
  // P waits to be let in.
  void knock() {
    booked("D", Json::object({{"waitingRoom", true}}));
    RABT_EXPECT_STATUS(h_.post("D", at_ + "/start"), 200);
    const Answer waits = h_.post("P", at_ + "/join");
    EXPECT_EQ(waits["admission"], Json("waiting")) << waits.body;
    names_["participant"] = waits["participant"].string_or("id", "");
  }
  // Two new records: the one of the path, and the one whose id it gives.
  std::string two_new() {
    const auto record = [this] {
      const Answer answer =
          h_.post("AD", "/api/v1/patients", Json::object({{"name", "Layla Alharbi"}}));
      RABT_EXPECT_STATUS(answer, 201);
      return answer.text("id");
    };
    names_["id"] = record();
    return record();
  }
  // The same, and the merge is confirmed.
  void two_records() {
    const std::string into = two_new();
    put("into", Json(into));
    // Somebody of another office confirms it.
    RABT_EXPECT_STATUS(
        h_.post("AD", "/api/v1/patients/" + names_["id"] + "/merge",
                Json::object({{"into", into}, {"reason", "the same person, two cards"}})),
        403);
    h_.confirm("patient.merge");
  }
  void invited() {
    begin();
    const Answer sent =
        h_.post("D", at_ + "/invitations",
                Json::object({{"person", h_.person("P2").id}, {"role", "family_member"}}));
    RABT_EXPECT_STATUS(sent, 201);
    put("code", sent["code"]);
  }
  // D is in the room, so that there is something to record.
  void call_begins() {
    begin();
    const Answer in = h_.post("D", at_ + "/join");
    RABT_EXPECT_STATUS(in, 200);
    (void)h_.site.control(
        "POST", "/control/twilio/join",
        Json::object({{"room", h_.get("D", at_).text("roomSid")}, {"token", in["media"]["token"]}})
            .dump());
  }
  void kept() {
    names_["id"] = made_["startRecording"].text("id");
    h_.wait_for_recording(at_);
    RABT_EXPECT_STATUS(h_.post("D", at_ + "/end"), 200);
    const std::string recording = "/api/v1/recordings/" + names_["id"];
    EXPECT_TRUE(eventually([&] { return h_.get("D", recording)["status"] == Json("ready"); }))
        << h_.get("D", recording).body;
  }
  // A message in which the hub finds patient data.
  void found() {
    RABT_EXPECT_STATUS(h_.post("D", at_ + "/messages", Json::object({{"text", "id 1000000008"}})),
                       201);
    const Answer events = h_.get("D", at_ + "/events");
    for (const Json& item : events["items"].as_array()) {
      if (item.string_or("type", "").find("phi-detected") != std::string::npos)
        put("event", item["seq"]);
    }
  }
  // An instance of the example's workflow waits for somebody's decision.
  void parked() {
    RABT_EXPECT_STATUS(h_.post("D", booked("D") + "/cancel"), 200);
    EXPECT_TRUE(eventually([&] {
      const Answer waiting = h_.get("OP", "/api/v1/instances?status=parked");
      if (waiting["items"].size() == 0) return false;
      names_["id"] = waiting["items"].item(0).string_or("id", "");
      return true;
    }));
  }
  // A job of two rows runs for a while.
  void parked_twice() {
    parked();
    parked();
    EXPECT_TRUE(eventually(
        [&] { return h_.get("OP", "/api/v1/instances?status=parked")["items"].size() >= 2; }));
  }
  void previewed() { names_["id"] = made_["previewRepair"].text("id"); }
  void close_grant() {
    names_["id"] = made_["openGrant"].text("id");
    RABT_EXPECT_STATUS(h_.post("D", "/api/v1/break-glass/" + names_["id"] + "/close"), 200);
  }
  void enrol() {
    const Answer begun = own("POST", "/api/v1/me/mfa", Json::object());
    RABT_EXPECT_STATUS(begun, 201);
    secret_ = begun.text("secret");
    put("code", Json(otp(0)));
  }
  void passkey() {
    const Answer begun = own("POST", "/api/v1/me/passkeys/options", Json::object());
    RABT_EXPECT_STATUS(begun, 200);
    const Json key = identity::test::SoftAuthenticator().create(
        begun["publicKey"], {.origin = "http://localhost:8480"});
    const Answer added =
        own("POST", "/api/v1/me/passkeys",
            Json::object(
                {{"ceremony", begun["ceremony"]}, {"credential", key}, {"name", "Telephone"}}));
    RABT_EXPECT_STATUS(added, 201);
    names_["passkey"] = added.text("id");
  }
  [[nodiscard]] Answer own(const std::string& method, const std::string& path, const Json& body) {
    static const Operation plain;
    Operation as = plain;
    as.method = method;
    return ask(kOwn, as, path, body);
  }
  // The code of an authenticator, so many steps from now.
  [[nodiscard]] std::string otp(int steps) const {
    const auto secret = identity::from_base32(secret_);
    EXPECT_TRUE(secret.has_value());
    if (!secret) return {};
    return identity::totp_code(*secret, identity::totp_step(SystemClock().now()) + steps);
  }
  // A hub that nobody administers yet.
  void start_empty() {
    empty_ = std::make_unique<e2e::Site>(e2e::Kind::edge);
    empty_->start_hub();
    const auto printed =
        Json::parse(locally(*empty_, "POST", "/api/v1/auth/bootstrap/code", Json::object()).body);
    ASSERT_TRUE(printed.ok());
    code_ = (*printed)["code"];
    put("code", code_);
  }

  Hospital h_{HospitalOptions{.more = "http: {webhooks: [his.example.sa]}\n"}};
  Description& description_ = Description::get();
  std::unique_ptr<e2e::Site> empty_;
  // Values of the path parameters, and members that are put into the next body.
  std::map<std::string, std::string> names_;
  std::map<std::string, Json> put_;
  // The session that was made last, and its path.
  Answer session_;
  std::string at_;
  // By operation, the answer to its example.
  std::map<std::string, Answer, std::less<>> made_;
  std::set<std::string, std::less<>> done_;
  std::string token_;
  std::string secret_;
  Json code_;

 public:
  Examples() {
    for (const auto& [who, role] : {std::pair{"SO", "security_officer"},
                                    {"IE", "engineer"},
                                    {"OP", "operator"},
                                    {"W", "integration"}})
      h_.enter(who, role);
  }
};

TEST(OpenApiExamples, EveryBodyThatTheDescriptionShowsIsTaken) {
  Examples().run();
}

}  // namespace
}  // namespace rabt::acceptance::examples_test

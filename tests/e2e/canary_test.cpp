#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <set>

#include "tests/e2e/canaries.hpp"
#include "tests/e2e/support.hpp"
#include "tests/engine/loopback_http.hpp"
#include "tests/eventually.hpp"

// Two hundred values that stand for patient data go into the hub by every door; afterwards none may
// be found in anything that it wrote or said without being asked for data with a reason.
namespace rabt::e2e::canary_test {
namespace {

namespace fs = std::filesystem;
using engine::LoopbackHttp;
using engine::LoopbackRequest;
using engine::LoopbackResponse;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kPlanted = 200;

// Sends bytes as they are and reads what comes until the hub closes or falls silent.
std::string raw(int port, const std::string& bytes) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {  // NOLINT
    const timeval patience{2, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ::shutdown(fd, SHUT_WR);
    char buffer[4096];
    for (ssize_t got = 0; (got = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(fd);
  return answer;
}

// Replaces every text of a FHIR resource that a person could have written.
Json planted(const Json& value, Canaries& canaries, const std::string& key = {}) {
  // Members that the plugins need unchanged: codes, references, times, links between resources.
  static const std::set<std::string> kKept{
      "resourceType", "type", "system", "url",       "reference",   "fullUrl",
      "status",       "use",  "gender", "birthDate", "start",       "end",
      "code",         "id",   "active", "valueCode", "valueString", "valuePositiveInt"};
  if (value.is_string())
    return key == "value" || kKept.contains(key) ? value : Json(canaries.any());
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.as_array()) out.push_back(planted(item, canaries, key));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [name, part] : value.as_object()) {
    const bool kept = name != "type" && name != "code" && kKept.contains(name);
    out.set(name, kept ? part : planted(part, canaries, name));
  }
  return out;
}

// A booking whose people, numbers, addresses and notes are canaries.
demo::Booking booking_of(Site& site, Canaries& canaries, int number) {
  demo::Booking booking = site.booking(number);
  Json bundle = planted(*Json::parse(booking.body), canaries);
  Json entries = Json::array();
  for (const Json& old : bundle["entry"].as_array()) {
    Json entry = old;
    Json resource = entry["resource"];
    const std::string type = resource.string_or("resourceType", "");
    if (type == "Patient") {
      resource.set("identifier",
                   Json::array({Json::object({{"type", resource["identifier"][0]["type"]},
                                              {"system", "http://nphies.sa/identifier/nationalid"},
                                              {"value", canaries.number()}})}));
      resource.set("telecom",
                   Json::array({Json::object({{"system", "phone"}, {"value", canaries.phone()}}),
                                Json::object({{"system", "email"}, {"value", canaries.email()}})}));
      resource.set("address", Json::array({Json::object({{"text", canaries.note()},
                                                         {"line", Json::array({canaries.arabic()})},
                                                         {"city", canaries.word()},
                                                         {"postalCode", canaries.number()}})}));
      resource.set(
          "contact",
          Json::array({Json::object({{"name", Json::object({{"text", canaries.arabic()}})}})}));
      resource.set("text", Json::object({{"status", "generated"},
                                         {"div", "<div>" + canaries.note() + "</div>"}}));
    } else if (type == "Coverage") {
      resource.set("identifier",
                   Json::array({Json::object({{"system", "http://payer.example.sa/memberid"},
                                              {"value", canaries.record()}})}));
      resource.set("subscriberId", canaries.record());
    } else if (type == "Appointment") {
      resource.set("identifier",
                   Json::array({Json::object({{"system", "https://his.example.sa/appointment"},
                                              {"value", canaries.record()}})}));
      resource.set("description", canaries.note());
      resource.set("comment", canaries.note());
      resource.set("patientInstruction", canaries.note());
      resource.set("supportingInformation",
                   Json::array({Json::object({{"display", canaries.note()}})}));
    }
    entry.set("resource", resource);
    entries.push_back(entry);
  }
  bundle.set("entry", entries);
  booking.body = bundle.dump();
  return booking;
}

class CanaryRun : public testing::Test {
 protected:
  // Keeps an answer, with its head, for the search.
  net::Response keep(net::Response answer) {
    std::string text = std::to_string(answer.status) + "\n";
    for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\n";
    keep_text(text + "\n" + answer.body);
    return answer;
  }
  void keep_text(const std::string& text) {
    write_file(site_.folder().path() / "answers" / std::to_string(++answers_), text);
  }
  net::Response ask(const std::string& method, const std::string& path, Headers headers = {},
                    std::string body = {}) {
    headers.emplace_back("Authorization", "Bearer " + site_.token());
    return keep(site_.send(method, path, std::move(headers), std::move(body)));
  }
  std::string file(const std::string& name, const std::string& yaml) {
    std::string path = site_.folder() / name;
    write_file(path, yaml);
    return path;
  }

  // Everything that a running hub tells without a reason, from every instance.
  void ask_everything() {
    for (const char* path : {"/health", "/metrics", "/api/v1/instances?limit=200",
                             "/api/v1/workflows", "/api/v1/instances?status=parked"})
      (void)ask("GET", path);
    const Json list = site_.api("instances?limit=200")["items"];
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string id = list[i].string_or("id", "");
      (void)ask("GET", "/api/v1/instances/" + id);
      (void)ask("GET", "/api/v1/instances/" + id + "/events");
      keep_text(site_.rabt({"instances", id}).said);
      if (i < 3) keep_text(site_.rabt({"instances", id, "--events"}).said);
    }
    keep_text(site_.rabt({"instances"}).said);
    keep_text(site_.rabt({"audit", "verify"}).said);
    keep_text(site_.rabt({"plugin", "list"}).said);
  }
  [[nodiscard]] std::vector<fs::path> places() const {
    return {site_.config.data, site_.folder() / "hub.log", site_.folder() / "hub.out",
            site_.folder() / "answers"};
  }
  // Waits until no instance runs, or for so long.
  void settle(std::int64_t limit_ms) {
    (void)test::eventually(
        [this] { return site_.api("instances?status=running")["items"].size() == 0; },
        std::chrono::milliseconds(limit_ms));
  }

  Canaries canaries_{20'261'121};
  Site site_{Kind::whole};
  int answers_ = 0;

  void SetUp() override {
    fs::create_directories(site_.folder() / "answers");
    // Temporary files of the hub lie where the search finds them.
    const std::string temporary = site_.folder() / "tmp";
    fs::create_directories(temporary);
    if (const char* usual = ::getenv("TMPDIR"); usual != nullptr) usual_temporary_ = usual;
    ASSERT_EQ(::setenv("TMPDIR", temporary.c_str(), 1), 0);
    // The fixture says everything that it was given: as message, code, log entry, refusal.
    site_.config.plugins = signed_store(site_.folder().path(), {build_dir() + "/fixtures/echo"});
    write_file(site_.folder() / "secrets/echo", "a-secret-of-thirty-two-bytes-0123456789");
    write_file(site_.folder() / "secrets/leaky", "a-token-of-the-leaky-source");
  }
  // The fixture as plugin, role and source; requests of workflows to the outside.
  void add_echo(const std::string& outside) {
    site_.config.more_roles = "  echo: plugin://echo\n";
    site_.config.more_plugins = "  echo:\n    config: {greeting: hi, base_url: '" + outside +
                                "'}\n    secrets: {token: {file: secrets/echo}}\n    hosts: ['" +
                                outside + "']\n";
    site_.config.more =
        "  leaky: {scheme: static-token, header: x-token, secrets: [{file: "
        "secrets/leaky}], plugin: echo}\nhttp: {allow: ['" +
        outside + "', '*.example.sa']}\n";
    site_.config.log_level = "debug";
  }
  void TearDown() override {
    if (usual_temporary_.empty()) {
      ::unsetenv("TMPDIR");
    } else {
      ::setenv("TMPDIR", usual_temporary_.c_str(), 1);
    }
  }
  std::string usual_temporary_;
};

// ---- the whole consultation

TEST_F(CanaryRun, AWholeConsultationLeavesNoTraceInTheClear) {
  add_echo("http://127.0.0.1:9");
  ASSERT_NO_FATAL_FAILURE(site_.start_sandbox());
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  const demo::Booking booking = booking_of(site_, canaries_, 3);
  ASSERT_GE(canaries_.all().size(), 30U);
  EXPECT_EQ(site_.play(booking), "completed") << read_file(site_.folder() / "hub.log");
  const std::string data = site_.api("instances/" + site_.instance(), true).dump();
  EXPECT_FALSE(CanarySearch(canaries_.all()).in(data, "data").empty())
      << "the hub does not have what is searched for";
  ask_everything();
  const CanarySearch search(canaries_.all());
  EXPECT_EQ(search.in_files(places()), std::vector<std::string>{}) << "while the hub runs";
  site_.stop_hub();
  EXPECT_EQ(search.in_files(places()), std::vector<std::string>{});
}

// ---- every door

class SlowEveryDoor : public CanaryRun {
 protected:
  // Good and bad answers of outside systems, each with canaries in status line's neighbours,
  // headers and body; by turns.
  LoopbackResponse answer(const LoopbackRequest& request) {
    const std::scoped_lock lock(mutex_);
    const auto c = [this] { return canaries_.any(); };
    const auto name = [this] { return canaries_.word(); };
    const Headers json{{"Content-Type", "application/json"}, {"X-Patient", name()}};
    if (request.target.starts_with("/blob")) {
      return {.headers = {{"Content-Type", "video/webm"}}, .body = recording_};
    }
    switch (turn_++ % 8) {
      case 0:
        return {.status = 422,
                .headers = json,
                .body = Json::object({{"resourceType", "OperationOutcome"},
                                      {"issue", Json::array({Json::object(
                                                    {{"severity", "error"},
                                                     {"code", name()},
                                                     {"diagnostics", c()},
                                                     {"details", Json::object({{"text", c()}})},
                                                     {"expression", Json::array({c()})}})})}})
                            .dump()};
      case 1:
        return {.status = 400,
                .headers = json,
                .body = Json::object({{"code", name()},
                                      {"message", c()},
                                      {"more_info", c()},
                                      {"status", name()},
                                      {"errorCode", name()}})
                            .dump()};
      case 2:
        return {.status = 403, .headers = {{"Content-Type", "text/html"}}, .body = "<p>" + c()};
      case 3:
        return {.headers = json, .body = "{\"patient\": \"" + name() + "\", " + name()};
      case 4:
        return {.headers = json,
                .body = Json::object({{"resourceType", name()},
                                      {"id", c()},
                                      {name(), c()},
                                      {"sid", name()},
                                      {"status", name()}})
                            .dump()};
      case 5:
        return {.status = 302,
                .headers = {{"Location", "http://" + name() + ".example.org/" + name()}}};
      case 6:
        return {.status = 401,
                .headers = {{"WWW-Authenticate",
                             "Bearer realm=\"" + name() + "\", error=\"" + name() + "\""}},
                .body = c()};
      default:
        return {
            .status = 409,
            .headers = json,
            .body =
                Json::object(
                    {{"httpStatus", "Conflict"},
                     {"message", c()},
                     {"response",
                      Json::object(
                          {{"conflicts",
                            Json::array({Json::object(
                                {{"object", c()}, {"value", c()}, {"errorCode", name()}})})}})}})
                    .dump()};
    }
  }

  // Workflows whose mistakes happen on the patient's values, and calls with them.
  std::vector<std::string> workflows() {
    const std::string head =
        "document: {dsl: '1.0.3', namespace: canary, name: NAME, version: '1.0.0'}\n"
        "schedule: {on: {one: {with: {type: org.rabt.appointment.booked.v1}}}}\n"
        "input: {from: '${ .[0].data }'}\n";
    int number = 0;
    std::vector<std::string> list{source_dir() + "/workflows/consultation.yaml"};
    const auto add = [&](const std::string& tasks, const std::string& more = {}) {
      std::string yaml = head + more + "do:\n" + tasks;
      const std::string name = "w" + std::to_string(++number);
      yaml.replace(yaml.find("NAME"), 4, name);
      list.push_back(file(name + ".yaml", yaml));
    };
    // Expressions that fail on a value.
    for (const char* expression :
         {".patient.name + 1", ".patient.name | tonumber", ".patient.name | error",
          "error(.patient)", ".patient.name | fromjson", ".patient[.patient.name][0].x[\"y\"]",
          ".patient.name | strptime(\"%Y\")", ".patient.name | test(\"(\" + .)",
          "[.patient.name] | implode", ".patient.name | @base64d",
          ".patient | keys | .[0] | tonumber", "{(.patient.name): 1} | .[0]",
          ".patient.name | ltrimstr(1) | .a", ".patient.name | ascii_downcase | splits(\"[\" + .)",
          ".appointment.description | todate", "limit(.patient.name; 1)",
          ".patient.name as [$a] | $a"})
      add(std::string("  - fails: {set: {x: '${ ") + expression + " }'}}\n");
    // Errors whose every part is a value.
    add("  - raises:\n      raise:\n        error:\n          type: '${ \"https://x.example/\" + "
        ".patient.name }'\n          status: 400\n          title: '${ .patient.name }'\n          "
        "detail: '${ .appointment.description }'\n          instance: '${ \"/\" + .patient.name "
        "}'\n");
    add("  - caught:\n      try:\n        - raises: {raise: {error: {type: '${ .patient.name }', "
        "status: 500, title: '${ .patient.name }'}}}\n      catch:\n        as: error\n        "
        "do:\n   "
        "       - again: {raise: {error: {type: 'https://x.example/again', status: 500, title: '${ "
        "$error.title }', detail: '${ $error | tojson }'}}}\n");
    // Events with values in every attribute.
    add("  - tells:\n      emit: {event: {with: {type: '${ \"org.\" + .patient.name }', source: "
        "'${ \"/\" "
        "+ .patient.name }', subject: '${ .patient.name }', id: '${ .patient.identifier.value }', "
        "data: "
        "'${ . }'}}}\n  - hears:\n      listen: {to: {one: {with: {type: never.v1, subject: '${ "
        ".patient.name }'}}}}\n      timeout: {after: {milliseconds: 50}}\n");
    add("  - waits: {wait: '${ .patient.name }'}\n");
    add("  - loops: {for: {each: x, in: '${ .patient.name }'}, do: [{a: {set: {y: 1}}}]}\n");
    add("  - chooses: {switch: [{a: {when: '${ .patient.name + [] }', then: end}}]}\n");
    // Schemas.
    add("  - checked:\n      set: {note: '${ .appointment.description }'}\n      output: {schema: "
        "{document: {type: object, properties: {note: {type: string, maxLength: 3}}}}}\n");
    add("  - never: {set: {a: 1}}\n",
        "output: {schema: {document: {type: object, required: [x], additionalProperties: "
        "false}}}\n");
    add("  - exported:\n      set: {a: 1}\n      export: {as: '${ $workflow.input[0].data.patient "
        "}', "
        "schema: {document: {type: object, additionalProperties: {type: integer}}}}\n");
    // Calls: the fixture says what it gets.
    add("  - leaks:\n      call: leak:1.0.0@echo\n      with:\n        event: '${ .patient.name "
        "}'\n        "
        "log: '${ {(.patient.name): 1, code: .patient.name, n: .patient.identifier.value, count: "
        "(.patient.identifier.value | tonumber), greeting: .appointment.description, patient: "
        ".patient.name, ok: {deep: .patient}} }'\n        code: '${ .patient.identifier.value }'\n "
        "       "
        "message: '${ .appointment.description }'\n        detail: '${ .patient }'\n");
    add("  - leaks: {call: 'leak:1.0.0@echo', with: {code: 'echo.unknown', message: '${ \"no such "
        "action \" + .patient.name "
        "}'}}\n");
    add("  - throws: {call: 'leak:1.0.0@echo', with: {throw: '${ .patient.name }'}}\n");
    add("  - refused: {call: 'echo:1.2.0@echo', with: {n: '${ .patient.name }', '${ .patient.name "
        "}': 1}}\n");
    add("  - kept: {call: 'kv-raw:1.0.0@echo', with: {key: '${ .patient.name }', value: '${ "
        ".patient }'}}\n");
    add("  - unsafe: {call: 'throw:1.0.0@echo', with: '${ .patient }'}\n");
    add("  - advance: {call: 'advance:1.0.0@register', with: {consultation: '${ $workflow.id }', "
        "to: '${ .patient.name }'}}\n");
    add("  - fetches: {call: 'fetch-blob:1.0.0@echo', with: {url: '" + outside_.origin() +
        "/blob/1'}}\n");
    // Requests of workflows.
    for (const char* uri : {"ORIGIN/patients", "ORIGIN/patients?name={name}",
                            "http://{name}.example.sa/x", "http://{name}.example.org/",
                            "https://{name}.example.sa/x", "http://[{name}]/", "{name}"}) {
      std::string text(uri);
      if (const auto at = text.find("ORIGIN"); at != std::string::npos)
        text.replace(at, 6, outside_.origin());
      if (const auto at = text.find("{name}"); at != std::string::npos)
        text.replace(at, 6, "' + ($workflow.input[0].data.patient.name | @uri) + '");
      // An expression whose texts are in double quotes.
      std::string expression = "\"" + text + "\"";
      for (std::size_t at = 0; (at = expression.find('\'', at)) != std::string::npos;)
        expression[at] = '"';
      add("  - asks:\n      for: {each: turn, in: '${ [range(0; 8)] }'}\n      do:\n        - "
          "once:\n     "
          "       try:\n              - call:\n                  call: http\n                  "
          "with:\n    "
          "                method: get\n                    endpoint: {uri: '${ " +
          expression +
          " }'}\n                    headers: {X-Patient: '${ $workflow.input[0].data.patient.name "
          "| "
          "@uri }'}\n                    output: response\n            catch: {as: error}\n  - "
          "last:\n    "
          "  call: http\n      with: {method: post, endpoint: {uri: '${ " +
          expression + " }'}, body: '${ $workflow.input[0].data.patient }'}\n");
    }
    // Plugins of outside systems that answer badly.
    const std::vector<std::pair<std::string, std::string>> calls = {
        {"search:1.0.0@ehr", "{type: Patient, parameters: '${ {name: $in.patient.name} }'}"},
        {"read:1.0.0@ehr", "{type: Patient, id: x1}"},
        {"write-encounter:1.0.0@ehr",
         "{consultation: c1, patient: '${ $in.patient }', practitioner: '${ $in.practitioner }', "
         "appointment: '${ $in.appointment }'}"},
        {"check-eligibility:1.0.0@payer",
         "{patient: '${ $in.patient }', coverage: '${ $in.coverage }', serviceDate: 1790000000}"},
        {"get-session:1.0.0@video", "{sessionId: RMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}"},
        {"list-recordings:1.0.0@video", "{sessionId: RMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}"},
        {"submit-aggregate:1.0.0@moh", "{period: '2026-11', values: '${ $in.patient }'}"},
    };
    for (const auto& [action, arguments] : calls) {
      std::string with = arguments;
      for (std::size_t at = 0; (at = with.find("$in.")) != std::string::npos;)
        with.replace(at, 4, "$workflow.input[0].data.");
      add("  - asks:\n      for: {each: turn, in: '${ [range(0; 8)] }'}\n      do:\n        - "
          "once:\n     "
          "       try:\n              - call: {call: '" +
          action + "', with: " + with + "}\n            catch: {as: error}\n  - last: {call: '" +
          action + "', with: " + with + "}\n");
    }
    return list;
  }

  // Requests that are wrong or odd, with canaries wherever bytes can stand.
  void knock() {
    const auto c = [this] { return canaries_.any(); };
    const auto w = [this] { return canaries_.word(); };
    const auto n = [this] { return canaries_.number(); };
    const std::string port = std::to_string(site_.config.port);
    const std::string host = " HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n";
    // Heads.
    for (const std::string& text : std::vector<std::string>{
             "GET /" + w() + host + "\r\n",
             w() + " /health" + host + "\r\n",
             "GET /health?" + w() + "=" + w() + host + "X-" + w() + ": " + w() + "\r\n\r\n",
             "GET /health" + host + "X-Request-Id: " + n() + "\r\n\r\n",
             "GET /health" + host + "X-Request-Id: " + w() + "\r\n\r\n",
             "GET /health HTTP/9.9\r\nHost: " + w() + "\r\n\r\n",
             "GET /health HTTP/1.1\r\nHost: " + w() + "\r\nHost: " + w() + "\r\n\r\n",
             "GET /health" + host + w() + " : " + w() + "\r\n\r\n",
             "GET /health" + host + w() + "\r\n\r\n",
             "GET /%zz" + w() + host + "\r\n",
             "GET /hooks/" + w() + host + "\r\n",
             "POST /hooks/" + w() + host + "Content-Length: 0\r\n\r\n",
             "POST /hooks/his" + host + "Content-Length: 99999999999\r\n\r\n" + w(),
             "POST /hooks/his" + host + "Content-Length: " + n() + "\r\n\r\n" + c(),
             "POST /hooks/his" + host + "Content-Length: " + w() + "\r\n\r\n",
             "POST /hooks/his" + host + "Transfer-Encoding: " + w() + "\r\n\r\n",
             "POST /hooks/his" + host + "Content-Length: 500\r\n\r\n" + c(),
             "POST /hooks/his" + host + "Expect: " + w() + "\r\nContent-Length: 1\r\n\r\nx",
             "GET /health" + host + "X-Long: " + w() + std::string(70'000, 'x') + "\r\n\r\n",
             w() + "\r\n\r\n",
             "\x16\x03\x01" + w() + "\r\n\r\n"})
      keep_text(raw(site_.config.port, text));
    // Deliveries.
    keep(site_.post(w(), c()));
    keep(site_.post(w(), "{\"resourceType\": \"" + w() + "\", \"x\": " + w()));
    keep(site_.post(n(), Json::object({{"resourceType", w()}, {w(), c()}}).dump()));
    keep(site_.post(n(), Json::object({{"resourceType", "Bundle"}, {"entry", c()}}).dump()));
    keep(site_.post(w(), Json::object({{"resourceType", "Appointment"},
                                       {"id", w()},
                                       {"status", w()},
                                       {"start", c()},
                                       {"participant", Json::array({c()})}})
                             .dump()));
    keep(site_.post(w(), "{\"a\": \"" + w() + "\", \"a\": \"" + w() + "\"}"));
    keep(site_.post(w(), "{\"" + w() + "\": \"\xff\xfe\"}"));
    keep(site_.post(w(), std::string(200, '[') + "\"" + w() + "\""));
    const demo::Booking spoilt = booking_of(site_, canaries_, 8);
    keep(site_.post(w(), spoilt.body, true));
    const auto signature = [&](const std::string& value, const std::string& stamp) {
      return Headers{
          {"webhook-id", w()}, {"webhook-timestamp", stamp}, {"webhook-signature", value}};
    };
    keep(site_.send("POST", "/hooks/his", signature(w(), n()), c()));
    keep(site_.send("POST", "/hooks/his", signature("v1," + w(), w()), c()));
    keep(site_.send("POST", "/hooks/his", {{"webhook-id", w()}}, c()));
    keep(site_.send("POST", "/hooks/his", {}, c() + std::string(11U << 20U, 'x')));
    keep(site_.send("POST", "/hooks/twilio?x=" + w(), {{"X-Twilio-Signature", w()}},
                    "RoomName=" + w()));
    // The same id with another body.
    const std::string twice = w();
    keep(site_.post(twice, booking_of(site_, canaries_, 5).body));
    keep(site_.post(twice, booking_of(site_, canaries_, 6).body));
    // Without its patient, and with a patient that lacks everything.
    for (const char* left_out : {"Patient", "Practitioner", "Coverage", "Appointment"}) {
      const Json bundle = *Json::parse(booking_of(site_, canaries_, 7).body);
      Json some = Json::array();
      for (const Json& entry : bundle["entry"].as_array()) {
        if (entry["resource"].string_or("resourceType", "") != left_out) some.push_back(entry);
      }
      keep(site_.post(w(), Json::object({{"resourceType", "Bundle"}, {"entry", some}}).dump()));
    }
    // A plugin that refuses with the delivery's words, or makes events that do not fit.
    const std::pair<std::string, std::string> leaky{"x-token", "a-token-of-the-leaky-source"};
    for (const Json& body : std::vector<Json>{
             Json::object({{"refuse", c()}}),
             Json::object({{"refuse", "no such action for " + c()}}), Json::object({{"n", c()}}),
             Json::object({{"n", 1}, {"type", w()}}), Json::object({{"n", 1}, {"extra", w()}}),
             Json(c()), Json::object({{w(), w()}}),
             Json::object({{"n", 1}, {"note", c()}, {"name", w()}})})
      keep(site_.send(
          "POST", "/hooks/leaky?" + w() + "=" + w(),
          {leaky, {"X-Patient", w()}, {"User-Agent", w()}, {"Content-Type", "text/" + w()}},
          body.dump()));
    keep(site_.send("POST", "/hooks/leaky", {{"x-token", w()}}, c()));
    // The API. It names an unknown member or parameter to who sent it when that is one word, as
    // names of members are; a person's are more.
    keep(site_.send("GET", "/api/v1/instances", {{"Authorization", "Bearer " + w()}}));
    for (const std::string& path : std::vector<std::string>{
             "/api/v1/" + w(), "/api/v1/instances/" + w(), "/api/v1/instances/" + n() + "/events",
             "/api/v1/instances?status=" + w(), "/api/v1/instances?limit=" + w(),
             "/api/v1/instances?limit=" + n(), "/api/v1/instances?cursor=" + w(),
             "/api/v1/instances?" + w() + "%20" + w() + "=1", "/api/v1/instances?patient=" + w(),
             "/api/v1/instances?patient=identifier:" + n(),
             "/api/v1/instances?patient=phone:%2B966" + n(), "/api/v1/workflows/" + w(),
             "/api/v1/workflows/w1?version=" + w(), "/api/v1/workflows/w1?namespace=" + w(),
             "/api/v1/recordings/" + w(), "/api/v1/recordings/" + w() + "/content",
             "/api/v1/instances/" + w() + "?data=true"})
      (void)ask("GET", path, {{"X-Rabt-Reason", canaries_.word()}});
    for (const std::string& patient : {w(), "identifier:" + n(), "phone:+966" + n(), "mrn:" + w()})
      (void)ask("POST", "/api/v1/instances/search", {{"X-Rabt-Reason", canaries_.word()}},
                Json::object({{"patient", patient}, {"status", w()}, {"before", w()}}).dump());
    const Json list = site_.api("instances?limit=5")["items"];
    const std::string id = list.size() > 0 ? list[0].string_or("id", "x") : "x";
    for (const std::string& body : std::vector<std::string>{
             Json::object({{"reason", c()}}).dump(), "{\"reason\": " + w(), "[\"" + w() + "\"]",
             Json::object({{w() + " " + w(), w()}}).dump(),
             Json::object({{"outcome", w()}, {"reason", c()}}).dump(),
             Json::object({{"outcome", "done"}, {"output", c()}, {"reason", c()}}).dump()}) {
      (void)ask("POST", "/api/v1/instances/" + id + "/cancel", {}, body);
      (void)ask("POST", "/api/v1/instances/" + id + "/resolve", {}, body);
      (void)ask("POST", "/api/v1/workflows/apply", {}, body);
      (void)ask("POST", "/api/v1/workflows/plan", {}, body);
    }
    // Read with a reason that is a person's name; the answer is data and is not kept.
    (void)site_.send(
        "GET", "/api/v1/instances/" + id + "?data=true",
        {{"Authorization", "Bearer " + site_.token()}, {"X-Rabt-Reason", canaries_.word()}});
  }

  std::mutex mutex_;
  int turn_ = 0;
  std::string recording_;
  LoopbackHttp outside_{[this](const LoopbackRequest& request) { return answer(request); }};
};

TEST_F(SlowEveryDoor, NoCanaryComesOutOfLogsErrorsMetricsEventsFilesOrACrash) {
  for (int i = 0; i < 2000; ++i) recording_ += "frame " + std::to_string(i) + "\n";
  recording_ += canaries_.note() + canaries_.arabic();
  add_echo(outside_.origin());
  site_.everywhere = outside_.origin();
  site_.config.workflows = workflows();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_CORE, &before), 0);
  const rlimit unlimited{before.rlim_max, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_CORE, &unlimited), 0);
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());

  for (int i = 0; i < 3; ++i) {
    const demo::Booking booking = booking_of(site_, canaries_, i);
    const net::Response accepted = keep(site_.post(canaries_.word(), booking.body));
    EXPECT_EQ(accepted.status, 202) << accepted.body;
  }
  knock();
  settle(20'000);
  ask_everything();
  {
    const std::scoped_lock lock(mutex_);
    EXPECT_GE(canaries_.all().size(), kPlanted);
    EXPECT_GT(turn_, 50) << "the outside systems were hardly asked";
    const CanarySearch search(canaries_.all());
    EXPECT_EQ(search.in_files(places()), std::vector<std::string>{}) << "while the hub runs";
  }
  // A crash: no core, wherever the system would put one.
  const auto pid = static_cast<pid_t>(site_.hub_pid());
  const std::string limits = read_file("/proc/" + std::to_string(pid) + "/limits");
  EXPECT_NE(limits.find("Max core file size        0                    0"), std::string::npos)
      << limits;
  EXPECT_EQ(::kill(pid, SIGABRT), 0);
  EXPECT_TRUE(test::eventually([this] { return !site_.hub_runs(); }));
  for (const fs::path& folder : {fs::path(site_.folder().path()), fs::current_path()}) {
    auto entry = fs::recursive_directory_iterator(folder);
    for (; entry != fs::recursive_directory_iterator(); ++entry) {
      const std::string name = entry->path().filename().string();
      // Packages of JavaScript have folders of this name, and no process of ours writes there.
      if (name == "node_modules") entry.disable_recursion_pending();
      EXPECT_FALSE(name == "core" || name.starts_with("core.")) << entry->path();
    }
  }
  ASSERT_EQ(::setrlimit(RLIMIT_CORE, &before), 0);
  // After recovery everything is told again from the journal.
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  settle(5'000);
  ask_everything();
  site_.stop_hub();
  const std::scoped_lock lock(mutex_);
  const CanarySearch search(canaries_.all());
  std::vector<fs::path> everything = places();
  everything.push_back(site_.folder() / "tmp");
  EXPECT_EQ(search.in_files(everything), std::vector<std::string>{});
}

// ---- the test itself

// With the rules of one channel opened, the same run must find canaries in that channel.
TEST_F(SlowEveryDoor, AHubWhoseLogIsOpenedIsFoundOut) {
  add_echo(outside_.origin());
  site_.config.more +=
      "privacy: {channels: {log: {allow: {code: [], n: [], greeting: [], count: []}}}}\n";
  site_.everywhere = outside_.origin();
  site_.config.workflows = workflows();
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  const demo::Booking booking = booking_of(site_, canaries_, 0);
  EXPECT_EQ(site_.post("one", booking.body).status, 202);
  settle(20'000);
  site_.stop_hub();
  const std::scoped_lock lock(mutex_);
  const auto found = CanarySearch(canaries_.all()).in_files(places());
  EXPECT_FALSE(found.empty());
  for (const std::string& text : found) EXPECT_TRUE(text.starts_with("hub.log: ")) << text;
}

TEST(CanarySearch, FindsEveryFormInAFileOfTheDataFolder) {
  Canaries canaries(7);
  for (int i = 0; i < 40; ++i) (void)canaries.any();
  const CanarySearch search(canaries.all());
  const Folder folder;
  // A copy of a database with one value in it.
  std::string page(64'000, '\0');
  for (std::size_t i = 0; i < page.size(); ++i) page[i] = static_cast<char>(i * 31 % 251);
  std::set<std::string> names;
  for (std::size_t i = 0; i < canaries.all().size(); ++i) {
    for (const auto& [form, bytes] : CanarySearch::forms(canaries.all()[i])) {
      names.insert(form);
      std::string leaked = page;
      leaked.replace(1000 + i * 7, bytes.size(), bytes);
      const auto found = search.in(leaked, "db");
      EXPECT_NE(
          std::find(found.begin(), found.end(), "db: canary " + std::to_string(i) + " as " + form),
          found.end())
          << form;
    }
  }
  for (const char* form : {"UTF-8", "UTF-16LE", "UTF-16BE", "JSON escapes", "base64", "base64url",
                           "hex", "percent", "UTF-8 in another case"})
    EXPECT_TRUE(names.contains(form)) << form;
  EXPECT_TRUE(search.in(page, "db").empty());
  write_file(folder / ("visit-" + canaries.all().front()), "nothing");
  EXPECT_EQ(search.in_files({folder.path()}).size(), 1U);
}

// The encoders here are not ours: the search's own list of forms may be wrong.
TEST(CanarySearch, FindsOnePlantedValueInWhatOtherSoftwareHasEncoded) {
  const Folder folder;
  const std::string latin = "Canaryfatimah";
  const std::string arabic = "قحطبانية الزهرانوي";
  const std::string script = R"(
import base64, gzip, json, sys, urllib.parse, zlib
folder, values = sys.argv[1], sys.argv[2:]
forms = {
  "plain": lambda v: v.encode(),
  "json": lambda v: json.dumps({"name": "of " + v}).encode(),
  "base64": lambda v: b"Basic " + base64.b64encode(("user:" + v + ", and more").encode()),
  "base64url": lambda v: base64.urlsafe_b64encode(("x" + v).encode()),
  "hex": lambda v: v.encode().hex().encode(),
  "percent": lambda v: ("GET /?q=" + urllib.parse.quote(v)).encode(),
  "utf16le": lambda v: v.encode("utf-16-le"),
  "utf16be": lambda v: v.encode("utf-16-be"),
  "gzip": lambda v: b"head" + gzip.compress((v + " lies in here " * 20).encode()),
  "gzip-json": lambda v: gzip.compress(json.dumps([v]).encode()),
  "upper": lambda v: v.upper().encode(),
}
for name, form in forms.items():
  for i, value in enumerate(values):
    with open(f"{folder}/{name}.{i}", "wb") as out:
      out.write(b"\0\1 before " + form(value) + b" behind \xff\n")
with open(folder + "/clean", "wb") as out:
  out.write(gzip.compress(b"nobody") + b"\x1f\x8b\x08 not gzip" + bytes(1000))
print(len(forms) * len(values))
)";
  write_file(folder / "encode.py", script);
  fs::create_directory(folder / "out");
  const std::string command = "python3 '" + (folder / "encode.py") + "' '" + (folder / "out") +
                              "' '" + latin + "' '" + arabic + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const CanarySearch search({latin, arabic});
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder / "out")) {
    const bool planted = entry.path().filename() != "clean";
    files += planted ? 1 : 0;
    EXPECT_EQ(search.in_files({entry.path()}).empty(), !planted) << entry.path().filename();
  }
  EXPECT_EQ(files, 22);
}

}  // namespace
}  // namespace rabt::e2e::canary_test

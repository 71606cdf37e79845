#include <algorithm>
#include <map>
#include <set>

#include "hub/base/bytes.hpp"
#include "hub/schema/schema.hpp"
#include "tests/acceptance/description.hpp"
#include "tests/acceptance/hospital.hpp"
#include "tools/check/schema_generate.hpp"

// Every operation that docs/openapi.yaml describes, with bodies, queries and paths that are odd in
// one place: the hub never fails, an error is a problem document, and an answer is one of those
// that the description has.
namespace rabt::acceptance::openapi_fuzz_test {
namespace {

constexpr std::uint64_t kSeed = 20261122;
// Operations that need what no test of one request has: a signature, a WebSocket.
const std::set<std::string, std::less<>> kNotHere{"deliver", "openStream"};
// Operations whose errors have the form of RFC 6749 section 5.2, as their callers expect.
const std::set<std::string, std::less<>> kOauth{"grantToken", "logoutOidc"};
// Bodies of one operation.
constexpr std::size_t kMaxBodies = 260;

// Values that no field expects.
const std::vector<std::string>& oddities() {
  static const std::vector<std::string> all{"null",
                                            "true",
                                            "-1",
                                            "0.5",
                                            "99999999999999999999",
                                            "1e300",
                                            "\"\"",
                                            "\"0\"",
                                            "\"" + std::string(5000, 'x') + "\"",
                                            R"("\u0000\u202e١٢٣ 👋")",
                                            R"("2026-13-45T99:99:99Z")",
                                            "[]",
                                            "[[[[]]]]",
                                            "{}",
                                            R"({"a":{"b":[1,null]}})"};
  return all;
}

// Every place of a value: copies of the whole with one of the oddities there.
void spoil(const Json& root, const Json& at, const std::function<Json(const Json&)>& rebuild,
           std::vector<std::string>& out) {
  for (const std::string& odd : oddities()) {
    if (out.size() >= kMaxBodies) return;
    out.push_back(rebuild(*Json::parse(odd)).dump());
  }
  if (at.is_object()) {
    for (const auto& [name, value] : at.as_object()) {
      spoil(
          root, value,
          [&, key = name](const Json& put) {
            Json copy = at;
            copy.set(key, put);
            return rebuild(copy);
          },
          out);
    }
  } else if (at.is_array() && at.size() > 0) {
    spoil(
        root, at[0],
        [&](const Json& put) {
          Json copy = Json::array();
          copy.push_back(put);
          return rebuild(copy);
        },
        out);
  }
}

std::vector<std::string> bodies(const Json& schema) {
  std::vector<std::string> out{"",
                               "null",
                               "[]",
                               "7",
                               "\"text\"",
                               "{",
                               "{\"a\":1,\"a\":2}",
                               "{\"a\":1e999999}",
                               "\xef\xbb\xbf{}",
                               "{\"a\":\"\xff\xfe\"}",
                               std::string(300, '[') + std::string(300, ']')};
  if (const auto compiled = Schema::compile(schema); !compiled.ok()) {
    ADD_FAILURE() << compiled.error().message;
    return out;
  }
  SchemaGenerator make(schema, kSeed);
  for (int n = 0; n < 8; ++n) {
    if (const auto value = make.valid()) out.push_back(value->dump());
    if (const auto value = make.near_valid()) out.push_back(value->dump());
  }
  if (const auto whole = make.valid(SchemaGenerator::Size::largest)) {
    out.push_back(whole->dump());
    spoil(
        *whole, *whole, [](const Json& put) { return put; }, out);
  }
  return out;
}

const std::vector<std::string>& odd_segments() {
  static const std::vector<std::string> all{"01ARZ3NDEKTSV4RRFFQ69G5FAV",
                                            "0",
                                            "-1",
                                            "99999999999999999999",
                                            "%00",
                                            "%ff%fe",
                                            "..%2f..%2fetc",
                                            "%E2%80%AE",
                                            "'%20or%201=1",
                                            std::string(2000, 'a'),
                                            "6ba7b810-9dad-11d1-80b4-00c04fd430c8"};
  return all;
}

class Fuzz {
 public:
  void run() {
    for (const Operation& operation : description_.operations()) {
      if (kNotHere.contains(operation.id)) continue;
      fresh();
      const Json schema = description_.body_schema(operation);
      const std::string path = fill(operation.pattern, "");
      if (schema.is_object()) {
        for (const std::string& body : bodies(schema)) send(operation, path, body);
      } else {
        send(operation, path, "");
        send(operation, path, "{}");
        send(operation, path, "{");
      }
      for (const std::string& odd : odd_segments()) {
        if (operation.pattern.find('{') != std::string::npos)
          send(operation, fill(operation.pattern, odd), schema.is_object() ? "{}" : "");
        for (const Json& parameter : operation.parameters) {
          if (parameter.string_or("in", "") != "query") continue;
          send(operation, path + "?" + parameter.string_or("name", "") + "=" + odd,
               schema.is_object() ? "{}" : "");
        }
      }
    }
    report();
  }

 private:
  // A running session of D and P, so that an operation finds something to change.
  void fresh() {
    const Answer answer = h_.post(
        "D", "/api/v1/sessions",
        Json::object(
            {{"type", "doctor_patient"}, {"patient", h_.person("P").id}, {"waitingRoom", false}}));
    RABT_EXPECT_STATUS(answer, 201);
    session_ = answer.text("id");
    RABT_EXPECT_STATUS(h_.post("D", "/api/v1/sessions/" + session_ + "/start"), 200);
    const Json& people = answer["participants"];
    if (people.is_array() && people.size() > 0) participant_ = people[0].string_or("id", "");
  }

  [[nodiscard]] std::string fill(std::string pattern, const std::string& odd) {
    for (auto open = pattern.find('{'); open != std::string::npos; open = pattern.find('{')) {
      const auto close = pattern.find('}', open);
      const std::string name = pattern.substr(open + 1, close - open - 1);
      std::string value = odd;
      if (value.empty() && name == "session") value = session_;
      if (value.empty() && name == "participant") value = participant_;
      if (value.empty() && (name == "id" || name == "provider")) value = h_.person("D").id;
      if (value.empty()) value = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
      pattern.replace(open, close - open + 1, value);
    }
    return pattern;
  }

  void send(const Operation& operation, const std::string& path, const std::string& body) {
    const char* const who = std::array{"D", "AD", "P"}[turn_++ % 3];
    std::vector<std::pair<std::string, std::string>> headers{
        {"Authorization", "Bearer " + h_.person(who).token}};
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    if (operation.method == "PATCH") headers.emplace_back("If-Match", "\"1\"");
    if (turn_ % 2 == 0) headers.emplace_back("X-Rabt-Reason", "quality review");
    const net::Response response = h_.site.send(operation.method, path, headers, body);
    ++sent_;
    ++statuses_[operation.id][response.status];
    judge(operation, path, body, response);
    // Callers whom the request signed out sign in again.
    const bool signs_out = operation.id == "logout" || operation.id == "endUserSessions";
    if (!signs_out || response.status >= 300) return;
    for (const char* letter : {"D", "AD", "P"}) h_.renew(letter, 1);
  }

  void judge(const Operation& operation, const std::string& path, const std::string& body,
             const net::Response& response) {
    const auto fault = [&](const std::string& what) {
      auto& list = faults_[operation.id];
      if (list.size() < 4)
        list.push_back(operation.method + " " + path.substr(0, 120) + " " + body.substr(0, 300) +
                       "\n    " + std::to_string(response.status) + " " + what + "\n    " +
                       response.body.substr(0, 400));
    };
    const auto answer = Json::parse(response.body);
    // Functions that are not configured answer 503 to every request.
    const bool unbound = response.status == 503 && answer.ok() &&
                         answer->string_or("code", "").ends_with(".not_configured");
    if ((response.status >= 500 && !unbound) || response.status < 200) {
      fault("the hub failed");
      return;
    }
    // A target that is no path is refused before anybody knows whose it is.
    const bool oauth = kOauth.contains(operation.id);
    if (oauth && answer.ok() && answer->string_or("code", "") == "http.target") return;
    const char* const code = oauth ? "error" : "code";
    if (response.status >= 400 && (!answer.ok() || answer->string_or(code, "").empty())) {
      fault("this is no problem document");
      return;
    }
    if (!description_.describes(operation, response.status)) {
      if (seen_.insert(operation.id + std::to_string(response.status)).second)
        undescribed_.push_back(operation.id + " " + std::to_string(response.status) + " " +
                               (answer.ok() ? answer->string_or("code", "") : ""));
      return;
    }
    if (const std::string wrong = description_.misfit(operation, response.status, response.body);
        !wrong.empty())
      fault(wrong);
  }

  void report() const {
    for (const auto& [operation, list] : faults_) {
      for (const std::string& word : list) ADD_FAILURE() << operation << ": " << word;
    }
    EXPECT_TRUE(undescribed_.empty()) << "statuses that docs/openapi.yaml does not have:";
    for (const std::string& text : undescribed_) ADD_FAILURE() << "not described: " << text;
    std::size_t reached = 0;
    for (const auto& [operation, counts] : statuses_) {
      if (counts.begin()->first < 300) ++reached;
    }
    std::printf("%zu requests of %zu operations; %zu of them did what they are for\n", sent_,
                statuses_.size(), reached);
  }

  // Of its own: what it leaves behind is nothing that other tests could begin with.
  Hospital h_;
  Description& description_ = Description::get();
  std::string session_;
  std::string participant_;
  std::size_t turn_ = 0;
  std::size_t sent_ = 0;
  std::map<std::string, std::map<int, int>> statuses_;
  std::map<std::string, std::vector<std::string>> faults_;
  std::vector<std::string> undescribed_;
  std::set<std::string> seen_;
};

TEST(SlowOpenApi, OddBodiesQueriesAndPathsNeverMakeTheHubFail) {
  Fuzz().run();
}

}  // namespace
}  // namespace rabt::acceptance::openapi_fuzz_test

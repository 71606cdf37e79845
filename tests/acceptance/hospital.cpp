#include "tests/acceptance/hospital.hpp"

#include <chrono>
#include <filesystem>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "tests/eventually.hpp"
#include "tests/identity/test_keys.hpp"

namespace rabt::acceptance {

namespace {

constexpr std::string_view kMore =
    "identity:\n"
    "  issuers:\n"
    "    kiorex:\n"
    "      kind: shared-secret\n"
    "      secret: {file: \"ISSUER\"}\n"
    "      issuer: absent\n"
    "      audience: absent\n"
    "      max_lifetime: 24h\n"
    "      role_map: {provider: doctor}\n"
    "      may_grant: [doctor, specialist, nurse, desk, patient, operator, auditor, engineer,\n"
    "        integration]\n"
    "      second_factor: true\n"
    "    office:\n"
    "      kind: jwks\n"
    "      jwks: \"OFFICE\"\n"
    "      algs: [ES384]\n"
    "      issuer: https://office.example.sa\n"
    "      audience: absent\n"
    "      max_lifetime: 24h\n"
    "      may_grant: [admin, security_officer]\n"
    "      second_factor: true\n"
    "  sessions: {step_up: 1h}\n"
    "  passkeys: {host: localhost, origins: ['http://localhost:8480']}\n"
    "doors:\n"
    "  kiorex: {KIOREX}\n"
    "  emr: {rate: 0, cors: ['https://app.example.sa']}\n"
    "  pulseone: {PULSEONE}\n"
    "  clinicvault: {CLINICVAULT}\n";

// Signs the tokens of administrators and security officers, whom no shared secret makes.
const identity::test::TestKey& office_key() {
  static const identity::test::TestKey key = identity::test::ec_key("office");
  return key;
}

}  // namespace

std::string Answer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() &&
        std::equal(key.begin(), key.end(), name.begin(),
                   [](char a, char b) { return std::tolower(a) == std::tolower(b); }))
      return value;
  }
  return {};
}

Hospital& Hospital::get() {
  static Hospital hospital(HospitalOptions{.anchored = true});
  return hospital;
}

Hospital::Hospital(const HospitalOptions& options) : site(options.kind) {
  const std::string secret = site.folder() / "issuer.secret";
  e2e::write_file(secret, kSecret);
  std::string more(kMore);
  const std::string office = site.folder() / "office.jwks";
  e2e::write_file(office, Json::object({{"keys", Json::array({office_key().jwk})}}).dump());
  for (const auto& [word, value] : {std::pair<std::string_view, std::string>{"ISSUER", secret},
                                    {"OFFICE", office},
                                    {"KIOREX", options.kiorex},
                                    {"PULSEONE", options.pulseone},
                                    {"CLINICVAULT", options.clinicvault}})
    more.replace(more.find(word), word.size(), value);
  site.config.more = more + options.more;
  if (options.anchored) {
    const std::string anchor = site.folder() / "anchor";
    std::filesystem::create_directories(anchor);
    site.config.more += "\naudit: {anchors: [{folder: '" + anchor + "'}]}\n";
  }
  if (!options.workflows.empty()) site.config.workflows.clear();
  for (const std::string& name : options.workflows)
    site.config.workflows.push_back(e2e::source_dir() + "/workflows/" + name + ".yaml");
  site.default_limits = options.default_limits;
  // These people come from the issuer above, not from the demonstration's.
  site.config.issuer_secret.clear();
  if (options.kind == e2e::Kind::whole) site.start_sandbox();
  site.start_hub();
  for (const auto& [who, role] : {std::pair{"AD", "admin"},
                                  {"D", "provider"},
                                  {"D2", "doctor"},
                                  {"N", "nurse"},
                                  {"P", "patient"},
                                  {"P2", "patient"}})
    enter(who, role);
}

std::string Hospital::mint(const std::string& subject, const std::string& role,
                           std::string_view secret, std::int64_t seconds,
                           std::int64_t later) const {
  const std::int64_t now = SystemClock().now().ms / 1000;
  Json claims = Json::object({{"sub", subject},
                              {"role", role},
                              {"name", "Somebody " + subject},
                              {"jti", std::to_string(++minted_)},
                              {"iat", now + later},
                              {"exp", now + seconds}});
  const bool office = role == "admin" || role == "security_officer";
  if (office) claims.set("iss", "https://office.example.sa");
  const auto token =
      office ? crypto::sign_jwt(as_bytes(office_key().pem), "ES384",
                                R"({"typ":"JWT","kid":"office"})", claims.dump())
             : crypto::sign_jwt(as_bytes(secret), "HS256", R"({"typ":"JWT"})", claims.dump());
  EXPECT_TRUE(token.ok());
  return token.ok() ? *token : "";
}

void Hospital::enter(const std::string& who, const std::string& role) {
  people_[who].role = role;
  renew(who);
  const Answer me = get(who, "/api/v1/me");
  ASSERT_EQ(me.status, 200) << me.body;
  people_[who].id = me.text("id");
  people_[who].uuid = me.text("uuid");
  people_[who].number = me.json.int_or("number", 0);
}

void Hospital::confirm(const std::string& act) {
  enter("SO", "security_officer");
  const Answer open = get("SO", "/api/v1/approvals");
  int confirmed = 0;
  for (const Json& item : open["items"].as_array()) {
    if (item.string_or("act", "") != act) continue;
    RABT_EXPECT_STATUS(post("SO", "/api/v1/approvals/" + item.string_or("id", "") + "/confirm"),
                       204);
    ++confirmed;
  }
  EXPECT_GE(confirmed, 1) << act;
}

Answer Hospital::come_by_link(const std::string& who, const std::string& code) {
  Answer answer = call("-", "POST", "/api/v1/invitations/accept", Json::object({{"code", code}}),
                       {{"Sec-Fetch-Site", "same-origin"}});
  const std::string set = answer.header("set-cookie");
  if (answer.status == 200) people_[who].cookie = set.substr(0, set.find(';'));
  return answer;
}

void Hospital::wait_for_recording(const std::string& at) {
  EXPECT_TRUE(eventually([&] {
    return get("D", at + "/events").body.find("recording-confirmed") != std::string::npos;
  })) << at;
}

void Hospital::renew(const std::string& who, std::int64_t later) {
  Person& person = people_.at(who);
  person.token = mint("user-" + who, person.role, kSecret, 3600, later);
}

Answer Hospital::call(std::string_view who, const std::string& method, const std::string& path,
                      const Json& body, std::vector<std::pair<std::string, std::string>> headers) {
  if (who != "-") {
    const Person& caller = person(who);
    if (caller.cookie.empty()) {
      headers.emplace_back("Authorization", "Bearer " + caller.token);
    } else {
      headers.emplace_back("Cookie", caller.cookie);
      headers.emplace_back("Sec-Fetch-Site", "same-origin");
    }
  }
  std::string text;
  if (!body.is_null()) {
    text = body.dump();
    headers.emplace_back("Content-Type", "application/json");
  }
  const net::Response response = site.send(method, path, std::move(headers), text);
  const auto parsed = Json::parse(response.body);
  Answer answer{.status = response.status,
                .body = response.body,
                .json = parsed.ok() ? *parsed : Json(),
                .headers = response.headers};
  compare(method, path, answer);
  return answer;
}

void Hospital::compare(const std::string& method, const std::string& path, const Answer& answer) {
  if (doors_.empty()) {
    for (const char* door : {"kiorex", "emr", "pulseone", "clinicvault"}) {
      const auto document =
          Json::parse(site.send("GET", "/api/docs/" + std::string(door) + ".json").body);
      ASSERT_TRUE(document.ok()) << door;
      doors_.push_back(std::make_unique<Description>(*document));
    }
  }
  Description* description = &Description::get();
  const Operation* operation = description->find(method, path);
  const bool own = operation != nullptr;
  for (const auto& door : doors_) {
    if (operation != nullptr) break;
    description = door.get();
    operation = description->find(method, path);
  }
  const std::string asked = method + " " + path + " " + std::to_string(answer.status);
  if (operation == nullptr) {
    const bool page = path.find("/docs") != std::string::npos || path == "/redoc" || path == "/" ||
                      path.ends_with("/openapi.json") || path.ends_with(".yaml");
    EXPECT_TRUE(answer.status >= 300 || page || method == "OPTIONS")
        << asked << " is not described";
    return;
  }
  const std::string type = answer.header("Content-Type");
  EXPECT_EQ(description->misfit(*operation, answer.status, answer.body, type), "") << asked;
  // `default` of a door's operation stands for statuses of servers in front of the hub.
  const Json& statuses = operation->described["responses"];
  EXPECT_TRUE(own || statuses.find(std::to_string(answer.status)) != nullptr) << asked;
  for (const std::string& member :
       description->untold(*operation, answer.status, answer.json, type))
    ADD_FAILURE() << asked << ": " << member << " of the answer is not described";
}

void expect_status(const Answer& answer, int status, const char* file, int line) {
  if (answer.status == status) return;
  ADD_FAILURE_AT(file, line) << answer.status << " in place of " << status << ": " << answer.body;
}

bool eventually(const std::function<bool()>& happened) {
  return test::eventually(happened, std::chrono::minutes(1));
}

namespace kiorex {

Hospital& h() {
  return Hospital::get();
}

Json booking(const Json& more) {
  Json body = Json::object({{"patientId", h().uuid("P")}, {"providerId", h().uuid("D")}});
  for (const auto& [name, value] : more.as_object()) body.set(name, value);
  return body;
}

std::string made(const Json& more) {
  const Answer answer = h().post("D", "/video/sessions", booking(more));
  RABT_EXPECT_STATUS(answer, 201);
  return answer.text("id");
}

std::string active() {
  std::string id = made();
  RABT_EXPECT_STATUS(h().post("D", path(id, "start")), 201);
  return id;
}

std::string ended() {
  std::string id = active();
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 201);
  return id;
}

std::string path(const std::string& id, const std::string& act) {
  return "/video/sessions/" + id + (act.empty() ? "" : "/" + act);
}

}  // namespace kiorex

}  // namespace rabt::acceptance

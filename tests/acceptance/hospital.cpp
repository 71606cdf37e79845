#include "tests/acceptance/hospital.hpp"

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::acceptance {

namespace {

constexpr std::string_view kSecret = "kq3Yw0bTzR8uN5vXc1LmPd7hJg2sFa9E";

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
    "      may_grant: [admin, doctor, specialist, nurse, patient, operator, auditor, engineer,\n"
    "        security_officer]\n"
    "      second_factor: true\n"
    "  sessions: {step_up: 1h}\n"
    "  passkeys: {host: localhost, origins: ['http://localhost:8480']}\n"
    "doors:\n"
    "  kiorex: {cors: ['https://app.example.sa'], rate: 0}\n"
    "  emr: {rate: 0}\n"
    "  pulseone: {naive_time_zone: Asia/Riyadh, rate: 0}\n"
    "  clinicvault: {rate: 0}\n";

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
  static Hospital hospital;
  return hospital;
}

Hospital::Hospital(const std::string& added) {
  const std::string secret = site.folder() / "issuer.secret";
  e2e::write_file(secret, kSecret);
  std::string more(kMore);
  more.replace(more.find("ISSUER"), std::string_view("ISSUER").size(), secret);
  site.config.more = more + added;
  // These people come from the issuer above, not from the demonstration's.
  site.config.issuer_secret.clear();
  site.start_sandbox();
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
                           std::string_view secret) const {
  const std::int64_t now = SystemClock().now().ms / 1000;
  const Json claims = Json::object({{"sub", subject},
                                    {"role", role},
                                    {"name", "Somebody " + subject},
                                    {"iat", now},
                                    {"exp", now + 3600}});
  const auto token = crypto::sign_jwt(
      ByteView(reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size()), "HS256",
      R"({"typ":"JWT"})", claims.dump());
  EXPECT_TRUE(token.ok());
  return token.ok() ? *token : "";
}

void Hospital::enter(const std::string& who, const std::string& role) {
  people_[who].token = mint("user-" + who, role, kSecret);
  const Answer me = get(who, "/api/v1/me");
  ASSERT_EQ(me.status, 200) << me.body;
  people_[who].id = me.text("id");
  people_[who].uuid = me.text("uuid");
  people_[who].number = me.json.int_or("number", 0);
}

Answer Hospital::call(std::string_view who, const std::string& method, const std::string& path,
                      const Json& body, std::vector<std::pair<std::string, std::string>> headers) {
  if (who != "-") headers.emplace_back("Authorization", "Bearer " + person(who).token);
  std::string text;
  if (!body.is_null()) {
    text = body.dump();
    headers.emplace_back("Content-Type", "application/json");
  }
  const net::Response response = site.send(method, path, std::move(headers), text);
  const auto parsed = Json::parse(response.body);
  return {.status = response.status,
          .body = response.body,
          .json = parsed.ok() ? *parsed : Json(),
          .headers = response.headers};
}

void expect_status(const Answer& answer, int status, const char* file, int line) {
  if (answer.status == status) return;
  ADD_FAILURE_AT(file, line) << answer.status << " in place of " << status << ": " << answer.body;
}

}  // namespace rabt::acceptance

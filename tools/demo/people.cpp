#include "tools/demo/people.hpp"

#include <array>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/identity/totp.hpp"

namespace rabt::demo {

namespace {

// As long as the configuration lets a token live.
constexpr std::int64_t kTokenSeconds = 24LL * 3600;

struct Somebody {
  const char* who;
  const char* role;
  const char* profile;
};
constexpr std::array kEverybody{
    Somebody{"admin", "admin", R"({"name": "Reem Alharbi"})"},
    Somebody{"doctor", "doctor",
             R"({"name": "Dr. Ahmed Hassan", "nameAr": "د. أحمد حسن", "gender": "male",
                 "specialty": "cardiology", "licenceNumber": "DOC-2024-001",
                 "languages": ["ar", "en"], "videoEnabled": true})"},
    Somebody{"doctor2", "doctor",
             R"({"name": "Dr. Mona Aldosari", "nameAr": "د. منى الدوسري", "gender": "female",
                 "specialty": "cardiology", "licenceNumber": "DOC-2024-002",
                 "languages": ["ar"], "videoEnabled": true})"},
    Somebody{"nurse", "nurse", R"({"name": "Nora Saleh", "gender": "female"})"},
    Somebody{"patient", "patient",
             R"({"name": "Noura Alqahtani", "nameAr": "نورة القحطاني", "gender": "female",
                 "mrn": "DEMO-1001", "language": "ar", "birthDate": "1990-03-02",
                 "phone": "+966500000001",
                 "identifiers": [{"kind": "national_id", "value": "1000000008"}]})"},
    Somebody{"patient2", "patient",
             R"({"name": "Omar Alotaibi", "gender": "male", "mrn": "DEMO-1002"})"},
};

}  // namespace

People::People(std::string hub_url, std::string api_token, std::string secret, const Clock& clock,
               Random& random)
    : hub_url_(std::move(hub_url)),
      api_token_(std::move(api_token)),
      secret_(std::move(secret)),
      clock_(clock),
      random_(random) {}

Result<Json> People::call(const std::string& token, const std::string& method,
                          const std::string& path, const Json& body, const std::string& key) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + token);
  if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
  std::string text;
  if (method != "GET") {
    headers.emplace_back("Content-Type", "application/json");
    text = body.is_null() ? "{}" : body.dump();
  }
  RABT_TRY(response, http_.send(method, hub_url_ + path, std::move(headers), std::move(text)));
  RABT_TRY(answer, net::good_body(std::move(response)));
  return answer.empty() ? Json() : Json::parse(answer);
}

Result<std::string> People::open_link(const std::string& link, const std::string& key) {
  const std::string code = link.substr(link.find('#') + 1);
  std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/json"},
                                                           {"Sec-Fetch-Site", "same-origin"}};
  if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
  RABT_TRY(response, http_.send("POST", hub_url_ + "/api/v1/invitations/accept", std::move(headers),
                                Json::object({{"code", code}}).dump()));
  std::string cookie;
  for (const auto& [name, value] : response.headers) {
    if (equal_ignoring_case(name, "set-cookie")) cookie = value.substr(0, value.find(';'));
  }
  RABT_TRY(answer, net::good_body(std::move(response)));
  if (cookie.empty()) return internal("demo.link", "the link opened nothing: " + answer);
  return cookie;
}

Result<Json> People::as_guest(const std::string& cookie, const std::string& method,
                              const std::string& path, const Json& body, const std::string& key) {
  std::vector<std::pair<std::string, std::string>> headers{{"Cookie", cookie},
                                                           {"Sec-Fetch-Site", "same-origin"}};
  if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
  std::string text;
  if (method != "GET") {
    headers.emplace_back("Content-Type", "application/json");
    text = body.is_null() ? "{}" : body.dump();
  }
  RABT_TRY(response,
           http_.send(method, hub_url_ + "/api/v1" + path, std::move(headers), std::move(text)));
  RABT_TRY(answer, net::good_body(std::move(response)));
  return Json::parse(answer);
}

Result<std::string> People::token_of(const Json& person, std::string_view role) const {
  const std::int64_t now = clock_.now().ms / 1000;
  const Json claims = Json::object({{"iss", kDemoIssuer},
                                    {"sub", person["uuid"]},
                                    {"role", role},
                                    {"iat", now},
                                    {"exp", now + kTokenSeconds}});
  return crypto::sign_jwt(as_bytes(secret_), "HS256", R"({"typ":"JWT"})", claims.dump());
}

Status People::enter(const std::string& who, Json profile) {
  const std::string role = profile["roles"][0].as_string();
  profile.set("username", who);
  RABT_TRY(made, call(api_token_, "POST", "/api/v1/users", profile));
  std::array<std::uint8_t, 15> bytes{};
  random_.fill(bytes);
  const std::string password = crypto::base64url(bytes);
  RABT_TRY_STATUS(call(
      "", "POST", "/api/v1/auth/activate",
      Json::object({{"username", who}, {"password", password}, {"code", made["activation"]}})));
  // No issuer of shared secrets makes administrators: they sign in at the hub, with a second
  // factor.
  Enrolled in;
  if (role == "admin") {
    RABT_TRY(enrolled, enrol(who, password));
    in = std::move(enrolled);
  } else {
    RABT_TRY(token, token_of(made, role));
    in.token = std::move(token);
  }
  people_[who] = Json::object({{"token", in.token},
                               {"username", who},
                               {"password", password},
                               {"totp", std::move(in.totp)},
                               {"id", made["id"]},
                               {"uuid", made["uuid"]},
                               {"number", made["number"]}});
  return ok_status();
}

Result<People::Enrolled> People::enrol(const std::string& who, const std::string& password) {
  Json shown = Json::object({{"username", who}, {"password", password}});
  RABT_TRY(in, call("", "POST", "/api/v1/auth/login", shown));
  const std::string session = in.string_or("accessToken", "");
  RABT_TRY(made, call(session, "POST", "/api/v1/me/mfa", Json::object()));
  const std::string secret = made.string_or("secret", "");
  const auto bytes = identity::from_base32(secret);
  if (!bytes) return unavailable("demo.hub", "the hub gave no secret of codes by time");
  // The code before the present one, which stays good for a sign-in.
  const std::string code = identity::totp_code(*bytes, identity::totp_step(clock_.now()) - 1);
  RABT_TRY(confirmed,
           call(session, "POST", "/api/v1/me/mfa/confirm", Json::object({{"code", code}})));
  RABT_TRY_STATUS(call(session, "POST", "/api/v1/auth/logout", Json::object()));
  // A code of recovery, for the same reason.
  shown.set("otp", confirmed["recoveryCodes"].item(0));
  RABT_TRY(again, call("", "POST", "/api/v1/auth/login", shown));
  return Enrolled{.token = again.string_or("accessToken", ""), .totp = secret};
}

Status People::enter() {
  for (const Somebody& somebody : kEverybody) {
    RABT_TRY(profile, Json::parse(somebody.profile));
    profile.set("roles", Json::array({somebody.role}));
    RABT_TRY_STATUS(enter(somebody.who, std::move(profile)));
  }
  return ok_status();
}

Result<Json> People::as(const std::string& who, const std::string& method, const std::string& path,
                        const Json& body, const std::string& key) {
  const auto guest = guests_.find(who);
  if (guest != guests_.end()) return as_guest(guest->second, method, path, body, key);
  return call(people_.at(who).string_or("token", ""), method, "/api/v1" + path, body, key);
}

// A FHIR resource of a booking as a person of the hub.
Status People::enter_resource(const std::string& who, std::string_view role, const Json& resource) {
  const Json& identifier = resource["identifier"][0];
  const Json& name = resource["name"][0];
  Json profile = Json::object(
      {{"roles", Json::array({role})},
       {"username", "booked-" + who},
       {"name", name["text"].is_string() ? name["text"] : name["family"]},
       {"externalIds", Json::array({Json::object(
                           {{"system", identifier["system"]}, {"value", identifier["value"]}})})}});
  if (role == "doctor") profile.set("licenceNumber", identifier["value"]);
  RABT_TRY(made, call(api_token_, "POST", "/api/v1/users", profile));
  RABT_TRY(token, token_of(made, role));
  people_[who] = Json::object({{"token", token}, {"id", made["id"]}, {"uuid", made["uuid"]}});
  return ok_status();
}

Status People::enter_booked(const std::string& booking_body, const std::string& doctor,
                            const std::string& patient) {
  RABT_TRY(bundle, Json::parse(booking_body));
  for (const Json& entry : bundle["entry"].as_array()) {
    const Json& resource = entry["resource"];
    const std::string type = resource.string_or("resourceType", "");
    if (type == "Practitioner" && !knows(doctor))
      RABT_TRY_STATUS(enter_resource(doctor, "doctor", resource));
    if (type == "Patient" && !patient.empty() && !knows(patient))
      RABT_TRY_STATUS(enter_resource(patient, "patient", resource));
  }
  return ok_status();
}

Status People::know(const Json& list) {
  for (const std::string who : {"doctor", "patient"}) {
    Json person = list[who];
    RABT_TRY(token, token_of(person, who));
    person.set("token", token);
    people_[who] = std::move(person);
  }
  return ok_status();
}

Json People::list() const {
  Json out = Json::object();
  for (const auto& [who, person] : people_) out.set(who, person);
  return out;
}

Json People::issuer() const {
  return Json::object({{"alg", "HS256"}, {"secret", secret_}, {"iss", kDemoIssuer}});
}

}  // namespace rabt::demo

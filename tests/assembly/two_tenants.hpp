#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hub/assembly/tenants.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/net/local_http.hpp"
#include "tests/identity/test_keys.hpp"
#include "tests/recording_logger.hpp"
#include "tests/web_socket_client.hpp"
#include "tools/demo/signed_store.hpp"

// Two tenants in one process, called over its sockets, and the program beside them.
namespace rabt::assembly {

namespace fs = std::filesystem;

inline constexpr std::string_view kUnknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
inline const std::vector<std::string> kRoles{"admin",   "doctor",   "specialist",
                                             "nurse",   "patient",  "operator",
                                             "auditor", "engineer", "security_officer"};

struct Answer {
  int status = 0;
  std::string body;
  Json json;
};

inline std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class TwoTenants : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "rabt-tenants-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    for (const std::string name : {"north", "south"}) {
      fs::create_directories(folder_ / name);
      secret(name + "/issuer", name + "-kq3Yw0bTzR8uN5vXc1LmPd7hJg2sFa9E");
      secret(name + "/sender", name + "-sends-this-token-with-each-delivery");
      secret(name + "/echo", "a token of the outside system");
      const Status status = demo::make_signed_store({std::string(RABT_FIXTURES) + "/echo"},
                                                    (folder_ / (name + "-work")).string(),
                                                    (folder_ / name / "plugins").string());
      ASSERT_TRUE(status.ok()) << status.error().message;
      write(name + "/office.jwks",
            Json::object({{"keys", Json::array({office_key(name).jwk})}}).dump());
      write(name + "/rabt.yaml", configuration(name));
    }
    write("rabt.yaml", both());
  }
  void TearDown() override {
    all_.reset();
    fs::remove_all(folder_);
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::trunc) << text;
  }
  void secret(const std::string& name, const std::string& text) {
    write(name + ".secret", text);
    fs::permissions(folder_ / (name + ".secret"), fs::perms::owner_read | fs::perms::owner_write);
  }
  // Signs the tokens of a tenant's administrators, whom no shared secret makes.
  static const identity::test::TestKey& office_key(const std::string& tenant) {
    static std::map<std::string, identity::test::TestKey> keys;
    const auto [at, is_new] = keys.try_emplace(tenant);
    if (is_new) at->second = identity::test::ec_key("office");
    return at->second;
  }
  static std::string both(const std::string& server = "{port: 0}") {
    return "server: " + server +
           "\ntenants:\n"
           "  north: {config: north/rabt.yaml, hosts: [north.example.sa]}\n"
           "  south: {config: south/rabt.yaml, hosts: [South.example.sa, south2.example.sa]}\n";
  }
  static std::string configuration(const std::string& name, const std::string& more = "") {
    return "tenant: " + name +
           "\n"
           "data: data\n"
           "plugins: plugins\n"
           "migrations: " RABT_MIGRATIONS
           "\n"
           "server:\n"
           "  public_url: https://" +
           name +
           ".example.sa\n"
           "  rates: {anonymous: off, sign_in: off, invitation: off, refused: off, hook: off, "
           "read: off,\n"
           "    write: off, rare: off, connect: off, enter: off, concurrent: 0, connections: 0}\n"
           "plugin:\n"
           "  echo:\n"
           "    config: {greeting: hello, base_url: 'https://a.example'}\n"
           "    secrets: {token: {file: echo.secret}}\n"
           "sources:\n"
           "  his: {scheme: static-token, secrets: [{file: sender.secret}], plugin: echo}\n"
           "identity:\n"
           "  issuers:\n"
           "    app: {kind: shared-secret, secret: {file: issuer.secret}, issuer: absent, "
           "second_factor: true,\n"
           "      audience: absent, may_grant: [doctor, specialist, nurse, patient,\n"
           "      operator, auditor, engineer]}\n"
           "    office: {kind: jwks, jwks: office.jwks, algs: [ES384], issuer: office,\n"
           "      audience: absent, may_grant: [admin, security_officer], second_factor: true}\n" +
           more;
  }
  void start() {
    const auto config = config::load_tenants((folder_ / "rabt.yaml").string());
    ASSERT_TRUE(config.ok()) << config.error().message;
    ASSERT_TRUE(config->has_value());
    auto all = Tenants::start(**config, clock_, log_, {.hub = {}, .again_ms = 200});
    ASSERT_TRUE(all.ok()) << all.error().code << ": " << all.error().message;
    all_ = *std::move(all);
  }
  static std::string host(const std::string& tenant) { return tenant + ".example.sa"; }

  Answer raw(const std::string& host, const std::string& method, const std::string& path,
             const std::vector<std::pair<std::string, std::string>>& headers = {},
             const std::string& body = {}) {
    std::string request =
        method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n";
    for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
    if (method != "GET") {
      request +=
          "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
          "\r\n";
    }
    test::WebSocketClient client(all_->port());
    client.send(request + "\r\n" + body);
    const std::string head = client.head();
    Answer out;
    if (head.size() < 12) return out;
    out.status = std::stoi(head.substr(9, 3));
    const auto length = head.find("Content-Length: ");
    if (length != std::string::npos) {
      out.body = client.bytes(std::stoul(head.substr(length + 16)));
    }
    auto json = Json::parse(out.body);
    if (json.ok()) out.json = *std::move(json);
    return out;
  }
  Answer call(const std::string& at, const std::string& bearer, const std::string& method,
              const std::string& path, const Json& body = {},
              std::vector<std::pair<std::string, std::string>> headers = {}) {
    if (!bearer.empty()) headers.emplace_back("Authorization", "Bearer " + bearer);
    return raw(host(at), method, path, headers, body.is_null() ? "" : body.dump());
  }
  // Somebody with a token of the tenant's own issuer.
  std::string enter(const std::string& tenant, const std::string& role) {
    const std::string key = tenant + " " + role;
    if (tokens_.contains(key)) return tokens_.at(key);
    const std::int64_t now = clock_.now().ms / 1000;
    Json claims = Json::object({{"sub", "user-" + role},
                                {"role", role},
                                {"name", "Somebody"},
                                {"iat", now},
                                {"exp", now + 3000}});
    const bool office = role == "admin" || role == "security_officer";
    if (office) claims.set("iss", "office");
    const auto token = office
                           ? crypto::sign_jwt(as_bytes(office_key(tenant).pem), "ES384",
                                              R"({"typ":"JWT","kid":"office"})", claims.dump())
                           : crypto::sign_jwt(as_bytes(text_of(folder_ / tenant / "issuer.secret")),
                                              "HS256", R"({"typ":"JWT"})", claims.dump());
    EXPECT_TRUE(token.ok());
    tokens_[key] = token.ok() ? *token : "";
    const Answer me = call(tenant, tokens_[key], "GET", "/api/v1/me");
    EXPECT_EQ(me.status, 200) << me.body;
    ids_[key] = me.json.string_or("id", "");
    return tokens_[key];
  }
  std::string id_of(const std::string& tenant, const std::string& role) {
    (void)enter(tenant, role);
    return ids_[tenant + " " + role];
  }
  Json local(const std::string& tenant, const std::string& method, const std::string& path,
             const Json& body = {}) {
    net::LocalHttp http((folder_ / tenant / "data/hub.sock").string());
    const auto answer =
        http.json(method, "http://localhost" + path, {{"Content-Type", "application/json"}},
                  body.is_null() ? "" : body.dump());
    EXPECT_TRUE(answer.ok()) << path << ": " << answer.error().message;
    return answer.ok() ? *answer : Json();
  }
  // Makes one resource of each kind in a tenant; ids by the names of path parameters.
  std::map<std::string, std::string> things(const std::string& tenant) {
    std::map<std::string, std::string> out;
    const std::string doctor = enter(tenant, "doctor");
    out["person"] = out["patient"] = out["id"] = id_of(tenant, "patient");
    const auto made = [&](const std::string& path, const Json& body) {
      const Answer answer = call(tenant, doctor, "POST", path, body);
      EXPECT_EQ(answer.status, 201) << path << ": " << answer.body;
      return answer.json;
    };
    const Json session = made("/api/v1/sessions", Json::object({{"type", "doctor_patient"},
                                                                {"waitingRoom", false},
                                                                {"patient", out["patient"]}}));
    out["session"] = session.string_or("id", "");
    out["participant"] = session["participants"].item(0).string_or("id", "");
    const std::string at = "/api/v1/sessions/" + out["session"];
    EXPECT_EQ(call(tenant, doctor, "POST", at + "/start").status, 200);
    out["note"] =
        made(at + "/notes",
             Json::object({{"kind", "free"}, {"content", "a cough"}, {"status", "draft"}}))
            .string_or("id", "");
    out["prescription"] =
        made(at + "/prescriptions",
             Json::object({{"items", Json::array({Json::object(
                                         {{"name", "Paracetamol"}, {"dosage", "500 mg"}})})}}))
            .string_or("id", "");
    out["message"] = made(at + "/messages", Json::object({{"text", "hello"}})).string_or("id", "");
    return out;
  }
  // A pattern with these in the place of its parameters; nothing when it has none of them.
  static std::optional<std::string> fill(std::string pattern,
                                         const std::map<std::string, std::string>& things) {
    bool any = false;
    for (auto open = pattern.find('{'); open != std::string::npos; open = pattern.find('{')) {
      const auto close = pattern.find('}', open);
      const auto found = things.find(pattern.substr(open + 1, close - open - 1));
      any = any || found != things.end();
      pattern.replace(open, close - open + 1,
                      found != things.end() ? found->second : std::string(kUnknown));
    }
    if (!any) return std::nullopt;
    return pattern;
  }
  // An answer without what differs from request to request.
  static std::string plain(const Answer& answer, const std::map<std::string, std::string>& things) {
    Json json = answer.json;
    if (json.is_object()) {
      for (const char* const name : {"instance", "ceremony", "publicKey"}) {
        if (json.find(name) != nullptr) json.set(name, Json());
      }
    }
    std::string text = std::to_string(answer.status) + " " + json.dump();
    for (const auto& [name, id] : things) {
      for (auto at = text.find(id); at != std::string::npos; at = text.find(id))
        text.replace(at, id.size(), kUnknown);
    }
    return text;
  }
  // Output of the program `rabt`, run in this test's folder.
  std::string rabt(const std::string& arguments, int* code = nullptr) {
    const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
    const std::string out = (folder_ / "said").string();
    const int status =
        std::system(("cd '" + folder_.string() + "' && '" + (build == nullptr ? "" : build) +
                     "/bin/rabt' " + arguments + " > '" + out + "' 2>&1")
                        .c_str());
    if (code != nullptr) *code = WEXITSTATUS(status);
    return text_of(out);
  }

  SystemClock clock_;
  test::RecordingLogger log_;
  fs::path folder_;
  std::unique_ptr<Tenants> all_;
  std::map<std::string, std::string> tokens_;
  std::map<std::string, std::string> ids_;
};

}  // namespace rabt::assembly

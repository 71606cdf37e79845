#include "hub/assembly/tenants.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include "hub/assembly/share.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/net/local_http.hpp"
#include "tests/operations.hpp"
#include "tests/recording_logger.hpp"
#include "tests/tls_files.hpp"
#include "tests/web_socket_client.hpp"
#include "tools/demo/signed_store.hpp"

// Two tenants in one process, over its sockets: nothing of one is anything at the other.
namespace rabt::assembly {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const std::vector<std::string> kRoles{"admin",   "doctor",   "specialist",
                                      "nurse",   "patient",  "operator",
                                      "auditor", "engineer", "security_officer"};

struct Answer {
  int status = 0;
  std::string body;
  Json json;
};

std::string text_of(const fs::path& path) {
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
      const Status made = demo::make_signed_store({std::string(RABT_FIXTURES) + "/echo"},
                                                  (folder_ / (name + "-work")).string(),
                                                  (folder_ / name / "plugins").string());
      ASSERT_TRUE(made.ok()) << made.error().message;
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
           "  rates: {anonymous: off, sign_in: off, refused: off, hook: off, read: off,\n"
           "    write: off, rare: off, connect: off, concurrent: 0}\n"
           "plugin:\n"
           "  echo:\n"
           "    config: {greeting: hello, base_url: 'https://a.example'}\n"
           "    secrets: {token: {file: echo.secret}}\n"
           "sources:\n"
           "  his: {scheme: static-token, secrets: [{file: sender.secret}], plugin: echo}\n"
           "identity:\n"
           "  issuers:\n"
           "    app: {kind: shared-secret, secret: {file: issuer.secret}, issuer: absent,\n"
           "      audience: absent, may_grant: [admin, doctor, specialist, nurse, patient,\n"
           "      operator, auditor, engineer, security_officer]}\n" +
           more;
  }
  void start() {
    const auto config = config::load_tenants((folder_ / "rabt.yaml").string());
    ASSERT_TRUE(config.ok()) << config.error().message;
    ASSERT_TRUE(config->has_value());
    auto all = Tenants::start(**config, clock_, log_, {.dev = false, .again_ms = 200});
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
    const auto token = crypto::sign_jwt(as_bytes(text_of(folder_ / tenant / "issuer.secret")),
                                        "HS256", R"({"typ":"JWT"})",
                                        Json::object({{"sub", "user-" + role},
                                                      {"role", role},
                                                      {"name", "Somebody"},
                                                      {"iat", now},
                                                      {"exp", now + 3000}})
                                            .dump());
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
  // What a tenant has, by the names of path parameters.
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
    if (json.is_object()) json.set("instance", Json());
    std::string text = std::to_string(answer.status) + " " + json.dump();
    for (const auto& [name, id] : things) {
      for (auto at = text.find(id); at != std::string::npos; at = text.find(id))
        text.replace(at, id.size(), kUnknown);
    }
    return text;
  }
  bool wait_until(const std::function<bool()>& holds) {
    for (int i = 0; i < 200; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }
  // What the program says. Its folder is this one.
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

// Trap 40, first half: at the host of B a credential of A is what nobody has.
TEST_F(TwoTenants, Trap40NoCredentialOfOneTenantIsOneAtTheOther) {
  start();
  const auto theirs = things("south");
  std::vector<std::vector<std::pair<std::string, std::string>>> credentials;
  for (const std::string& role : kRoles)
    credentials.push_back({{"Authorization", "Bearer " + enter("north", role)}});
  std::string api_token = text_of(folder_ / "north/data/api-token");
  api_token.erase(api_token.find_last_not_of('\n') + 1);
  EXPECT_EQ(call("north", api_token, "GET", "/api/v1/instances").status, 200);
  credentials.push_back({{"Authorization", "Bearer " + api_token}});

  // A client with a key, and an account with a session.
  (void)local("north", "POST", "/api/v1/clients",
              Json::object({{"id", "his-app"}, {"roles", Json::array({"operator"})}}));
  const Json key = local("north", "POST", "/api/v1/clients/his-app/keys", Json::object({}));
  const std::string client = key.string_or("key", key.string_or("secret", ""));
  ASSERT_NE(client, "") << key.dump();
  EXPECT_EQ(call("north", client, "GET", "/api/v1/instances").status, 200);
  credentials.push_back({{"Authorization", "Bearer " + client}});
  const Json account = local(
      "north", "POST", "/api/v1/users",
      Json::object({{"username", "dr.ahmad"}, {"roles", Json::array({"doctor"})}, {"name", "A"}}));
  const std::string password = "a long way to the north gate";
  EXPECT_EQ(
      call("north", "", "POST", "/api/v1/auth/activate",
           Json::object(
               {{"username", "dr.ahmad"}, {"password", password}, {"code", account["activation"]}}))
          .status,
      204);
  const Json sign_in = Json::object({{"username", "dr.ahmad"}, {"password", password}});
  const Answer in = call("north", "", "POST", "/api/v1/auth/login", sign_in);
  ASSERT_EQ(in.status, 200) << in.body;
  const std::string session = in.json.string_or("accessToken", "");
  EXPECT_EQ(call("north", session, "GET", "/api/v1/me").status, 200);
  credentials.push_back({{"Authorization", "Bearer " + session}});
  credentials.push_back({{"Cookie", "__Host-rabt=" + session}, {"Sec-Fetch-Site", "same-origin"}});
  EXPECT_EQ(call("south", "", "POST", "/api/v1/auth/login", sign_in).status, 401);

  int asked = 0;
  for (const auto& [name, operation] : test::operations()) {
    const std::string path = fill(operation.pattern, theirs).value_or(operation.pattern);
    for (const auto& credential : credentials) {
      auto nobodys = credential;
      std::string& shown = nobodys.front().second;
      std::reverse(shown.end() - 20, shown.end());
      const Answer stranger = raw(host("south"), operation.method, path, nobodys, "{}");
      const Answer answer = raw(host("south"), operation.method, path, credential, "{}");
      ASSERT_EQ(plain(answer, {}), plain(stranger, {})) << name;
      ++asked;
    }
  }
  EXPECT_GT(asked, 1'500);
}

// Trap 40, second half: at the host of A an object of B is one that nobody has.
TEST_F(TwoTenants, Trap40NoObjectOfOneTenantIsAnythingAtTheOther) {
  start();
  const auto theirs = things("south");
  (void)things("north");
  std::map<std::string, std::string> nothing;
  for (const auto& [name, id] : theirs) nothing[name] = kUnknown;
  int asked = 0;
  for (const auto& [name, operation] : test::operations()) {
    const auto path = fill(operation.pattern, theirs);
    if (!path) continue;
    const std::string unknown = fill(operation.pattern, nothing).value_or("");
    for (const std::string& role : kRoles) {
      const std::vector<std::pair<std::string, std::string>> headers{
          {"Authorization", "Bearer " + enter("north", role)},
          {"X-Rabt-Reason", "review of quality"},
          {"If-Match", "*"}};
      const Answer answer = raw(host("north"), operation.method, *path, headers, "{}");
      const Answer none = raw(host("north"), operation.method, unknown, headers, "{}");
      EXPECT_EQ(plain(answer, theirs), plain(none, theirs)) << name << " by " << role;
      EXPECT_EQ(answer.body.find("a cough"), std::string::npos);
      ++asked;
    }
  }
  EXPECT_GT(asked, 300);
  const Answer list = call("north", enter("north", "admin"), "GET", "/api/v1/sessions");
  EXPECT_EQ(list.body.find(theirs.at("session")), std::string::npos);
  const std::string at = "/api/v1/sessions/" + theirs.at("session");
  EXPECT_EQ(call("south", enter("south", "doctor"), "GET", at).status, 200) << "its owner sees it";
}

// Traps 14, 60, 64, 66 and 71 across tenants.
TEST_F(TwoTenants, SwappedHostsCursorsKeysAndTicketsAreWorthNothing) {
  start();
  for (int i = 0; i < 3; ++i) {
    (void)things("north");
    (void)things("south");
  }
  const std::string north = enter("north", "doctor");
  const std::string south = enter("south", "doctor");
  const Answer page = call("north", north, "GET", "/api/v1/sessions?limit=1");
  const std::string more = page.json.string_or("next", "");
  ASSERT_NE(more.find("cursor="), std::string::npos) << page.body;
  const Answer second = call("north", north, "GET", more);
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(call("south", south, "GET", more).status, 400);

  const std::vector<std::pair<std::string, std::string>> once{
      {"Idempotency-Key", "the-same-key-1"}};
  const Json body = Json::object({{"type", "doctor_patient"}});
  const auto make = [&](const std::string& tenant) {
    Json own = body;
    own.set("patient", id_of(tenant, "patient"));
    return call(tenant, enter(tenant, "doctor"), "POST", "/api/v1/sessions", own, once);
  };
  const Answer first = make("north");
  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(make("north").json["id"], first.json["id"]);
  const Answer other = make("south");
  ASSERT_EQ(other.status, 201) << other.body;
  EXPECT_NE(other.json["id"], first.json["id"]);

  const Answer ticket = call("north", north, "POST", "/api/v1/tickets", Json::object({}));
  ASSERT_EQ(ticket.status, 201) << ticket.body;
  const std::string shown = ticket.json.string_or("ticket", "");
  ASSERT_NE(shown, "") << ticket.body;
  const auto handshake = [&](const std::string& tenant) {
    test::WebSocketClient client(all_->port());
    client.send("GET /api/v1/stream HTTP/1.1\r\nHost: " + host(tenant) +
                "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Sec-WebSocket-Protocol: rabt.v1, " +
                shown + "\r\n\r\n");
    return client.head().substr(9, 3);
  };
  EXPECT_EQ(handshake("south"), "401");
  EXPECT_EQ(handshake("north"), "101") << "and it was not used up elsewhere";

  // Whose a request is, its Host says alone.
  const std::vector<std::pair<std::string, std::string>> forwarded{
      {"X-Forwarded-Host", host("south")},
      {"Forwarded", "host=" + host("south")},
      {"Authorization", "Bearer " + south}};
  EXPECT_EQ(raw(host("north"), "GET", "/api/v1/me", forwarded).status, 401);
  EXPECT_EQ(
      raw("NORTH.example.sa:8480", "GET", "/api/v1/me", {{"Authorization", "Bearer " + north}})
          .status,
      200);
  for (const std::string unknown : {"127.0.0.1", "example.sa", "north.example.sa.evil.example"}) {
    const Answer answer = raw(unknown, "GET", "/api/v1/me", {{"Authorization", "Bearer " + north}});
    EXPECT_EQ(answer.status, 421) << unknown;
    EXPECT_EQ(answer.json.string_or("code", ""), "http.unknown_host");
  }
  EXPECT_EQ(raw("127.0.0.1", "GET", "/health").json.string_or("status", ""), "pass");
  EXPECT_EQ(raw(host("south"), "GET", "/health").json.string_or("status", ""), "pass");
}

TEST_F(TwoTenants, ADeliveryIsTheTenantsOfItsHostOrOfItsPath) {
  start();
  int number = 0;
  const auto deliver = [&](const std::string& host, const std::string& path,
                           const std::string& sender) {
    return raw(host, "POST", path,
               {{"Authorization", "Bearer " + text_of(folder_ / sender / "sender.secret")}},
               Json::object({{"n", ++number}}).dump())
        .status;
  };
  EXPECT_EQ(deliver(host("north"), "/hooks/his", "north"), 202);
  EXPECT_EQ(deliver(host("north"), "/hooks/north/his", "north"), 202);
  EXPECT_EQ(deliver("hub.example.sa", "/hooks/north/his", "north"), 202);
  EXPECT_EQ(deliver("hub.example.sa", "/hooks/south/his", "south"), 202);
  EXPECT_EQ(deliver(host("north"), "/hooks/south/his", "south"), 404);
  EXPECT_EQ(deliver(host("north"), "/hooks/south/his", "north"), 404);
  EXPECT_EQ(deliver(host("north"), "/hooks/north/other", "north"), 404);
  EXPECT_EQ(deliver(host("south"), "/hooks/his", "north"), 401);
  EXPECT_EQ(deliver("hub.example.sa", "/hooks/south/his", "north"), 401);
  EXPECT_EQ(deliver("hub.example.sa", "/hooks/his", "north"), 421);
  EXPECT_EQ(deliver("hub.example.sa", "/hooks/west/his", "north"), 421);
}

TEST_F(TwoTenants, AuditLogsHaveTheirOwnOriginsAndAreVerifiedApart) {
  start();
  (void)things("north");
  (void)things("south");
  all_->stop();
  int code = 0;
  for (const std::string name : {"north", "south"}) {
    const std::string said = rabt("audit verify -c rabt.yaml --tenant " + name, &code);
    EXPECT_EQ(code, 0) << said;
    EXPECT_NE(said.find("MAC chain holds"), std::string::npos) << said;
    EXPECT_EQ(text_of(folder_ / name / "data/audit.checkpoint").find("rabt.health/audit/" + name),
              0U);
  }
  const std::string said =
      rabt("audit verify -c rabt.yaml --tenant south --key north/data/audit.vkey", &code);
  EXPECT_EQ(code, 1) << said;
}

TEST_F(TwoTenants, RatesOfOneTenantLeaveTheOtherAlone) {
  std::string slow = configuration("north");
  slow.replace(slow.find("read: off"), 9, "read: 1/min");
  slow.replace(slow.find("anonymous: off"), 14, "anonymous: 1/min");
  write("north/rabt.yaml", slow);
  start();
  const std::string south = enter("south", "doctor");
  const std::string north = enter("north", "doctor");
  int refused = 0;
  int strangers = 0;
  for (int i = 0; i < 10; ++i) {
    if (call("north", north, "GET", "/api/v1/me").status == 429) ++refused;
    if (call("north", "", "GET", "/api/v1/me").status == 429) ++strangers;
    EXPECT_EQ(call("south", south, "GET", "/api/v1/me").status, 200);
    EXPECT_EQ(call("south", "", "GET", "/api/v1/me").status, 401);
  }
  EXPECT_GT(refused, 5);
  EXPECT_GT(strangers, 5);
}

TEST_F(TwoTenants, ErasedKeysOfOneTenantLeaveTheOtherReadable) {
  start();
  const auto north = things("north");
  const auto south = things("south");
  const auto note = [&](const std::string& tenant, const std::map<std::string, std::string>& of) {
    return call(tenant, enter(tenant, "doctor"), "GET",
                "/api/v1/sessions/" + of.at("session") + "/notes");
  };
  EXPECT_NE(note("north", north).body.find("a cough"), std::string::npos);
  int shredded = 0;
  const Json buckets = local("north", "GET", "/api/v1/keys")["buckets"];
  for (const Json& bucket : buckets.as_array()) {
    int code = 0;
    const std::string said = rabt("keys shred " + bucket.string_or("bucket", "") +
                                      " -c rabt.yaml --tenant north --reason test --force",
                                  &code);
    if (code == 0) ++shredded;
    EXPECT_EQ(code, 0) << said;
  }
  EXPECT_GT(shredded, 0);
  EXPECT_EQ(note("north", north).body.find("a cough"), std::string::npos);
  EXPECT_NE(note("south", south).body.find("a cough"), std::string::npos);
}

TEST_F(TwoTenants, ATenantThatCannotStartLeavesTheOtherAloneAndComesBack) {
  write("south/rabt.yaml", configuration("south", "nonsense: true\n"));
  start();
  EXPECT_FALSE(all_->refused("north").has_value());
  ASSERT_TRUE(all_->refused("south").has_value());
  EXPECT_EQ(all_->refused("south")->code, "config.invalid");
  EXPECT_TRUE(log_.has("tenant.refused tenant=south code=config.invalid"));
  (void)enter("north", "doctor");
  const Answer answer = raw(host("south"), "GET", "/api/v1/me");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.json.string_or("code", ""), "tenant.unavailable");
  EXPECT_EQ(raw("127.0.0.1", "GET", "/health").json.string_or("status", ""), "warn");
  EXPECT_EQ(raw(host("north"), "GET", "/health").json.string_or("status", ""), "pass");
  // What tells strangers of the fault would tell them of the configuration.
  EXPECT_EQ(answer.body.find("nonsense"), std::string::npos);

  write("south/rabt.yaml", configuration("south"));
  EXPECT_TRUE(wait_until([&] { return !all_->refused("south").has_value(); }));
  (void)things("south");
  EXPECT_EQ(raw("127.0.0.1", "GET", "/health").json.string_or("status", ""), "pass");
}

TEST_F(TwoTenants, TenantsThatWouldShareAnythingDoNotBothStart) {
  const std::vector<std::pair<std::string, std::string>> shared{
      {"data: data", "data: ../north/data"},
      {"data: data", "data: ../north/data/inner"},
      {"plugins: plugins", "plugins: ../north/plugins"},
      {"", "audit: {origin: rabt.health/audit/north}\n"},
      {"", "keys: {root: {file: ../north/data/root.key}}\n"}};
  for (const auto& [from, to] : shared) {
    std::string text = configuration("south");
    if (from.empty()) {
      text += to;
    } else {
      text.replace(text.find(from), from.size(), to);
    }
    write("south/rabt.yaml", text);
    start();
    const auto refused = all_->refused("south");
    EXPECT_EQ(refused ? refused->code : "it started", "config.shared") << to;
    EXPECT_FALSE(all_->refused("north").has_value());
    all_.reset();
  }
  // Its memory, its name and its address are its own, too.
  for (const auto& [from, to, why] :
       {std::tuple{"plugin:\n  echo:\n", "plugin:\n  echo:\n    isolation: inline\n", "memory"},
        std::tuple{"tenant: south", "tenant: west", "`tenant` must be `south`"},
        std::tuple{"https://south", "https://north", "public_url"},
        std::tuple{"  rates:", "  port: 0\n  rates:", "`server.port` is set once"}}) {
    std::string text = configuration("south");
    text.replace(text.find(from), std::string_view(from).size(), to);
    write("south/rabt.yaml", text);
    start();
    const auto refused = all_->refused("south");
    ASSERT_TRUE(refused.has_value()) << to;
    EXPECT_NE(refused->message.find(why), std::string::npos) << refused->message;
    all_.reset();
  }
}

TEST_F(TwoTenants, CommandsSayWhichTenantTheyMean) {
  start();
  int code = 0;
  (void)local("north", "POST", "/api/v1/users",
              Json::object({{"username", "dr.north"}, {"roles", Json::array({"doctor"})}}));
  const std::string north = rabt("users list -c rabt.yaml --tenant north", &code);
  EXPECT_EQ(code, 0) << north;
  EXPECT_NE(north.find("dr.north"), std::string::npos) << north;
  EXPECT_EQ(rabt("users list -c rabt.yaml --tenant south").find("dr.north"), std::string::npos);
  EXPECT_NE(rabt("users list -c rabt.yaml", &code).find("--tenant: north, south"),
            std::string::npos);
  EXPECT_EQ(code, 2);
  EXPECT_NE(rabt("users list -c rabt.yaml --tenant west", &code).find("no tenant `west`"),
            std::string::npos);
  EXPECT_EQ(code, 2);
  EXPECT_NE(rabt("users list -c north/rabt.yaml --tenant north", &code).find("leave --tenant out"),
            std::string::npos);
  EXPECT_EQ(code, 2);
  const std::string good = rabt("config check -c rabt.yaml", &code);
  EXPECT_EQ(code, 0) << good;
  write("south/rabt.yaml", configuration("south", "audit: {origin: rabt.health/audit/north}\n"));
  EXPECT_NE(rabt("config check -c rabt.yaml", &code).find("the same name of the audit log"),
            std::string::npos);
  EXPECT_EQ(code, 2);
  const Answer metrics = call("north", enter("north", "operator"), "GET", "/metrics");
  EXPECT_NE(metrics.body.find("rabt_bugs_total{tenant=\"north\"} 0"), std::string::npos);
  EXPECT_EQ(metrics.body.find("south"), std::string::npos);
}

TEST_F(TwoTenants, EachHostHasItsCertificate) {
  if (!test::have_program("openssl")) GTEST_SKIP() << "openssl makes the certificates";
  ASSERT_TRUE(test::make_certificates(folder_.string()));
  fs::create_directories(folder_ / "s");
  ASSERT_TRUE(test::make_certificates((folder_ / "s").string()));
  std::string text = both("{port: 0, tls: {cert: server.pem, key: server.key}}");
  const std::string hosts = "hosts: [South.example.sa, south2.example.sa]";
  text.replace(text.find(hosts), hosts.size(),
               hosts + ", tls: {cert: s/server.pem, key: s/server.key}");
  write("rabt.yaml", text);
  start();
  const auto ask = [&](const std::string& named, const std::string& host) {
    const std::string out = (folder_ / "out").string();
    (void)std::system(("printf 'GET /health HTTP/1.1\\r\\nHost: " + host +
                       "\\r\\nConnection: close\\r\\n\\r\\n' | timeout 10 openssl s_client -quiet "
                       "-ign_eof -connect 127.0.0.1:" +
                       std::to_string(all_->port()) + " -servername " + named + " -CAfile '" +
                       (folder_ / (named.starts_with("south") ? "s/ca.pem" : "ca.pem")).string() +
                       "' -verify_return_error > '" + out + "' 2>/dev/null")
                          .c_str());
    const std::string answer = text_of(out);
    return answer.size() > 12 ? answer.substr(9, 3) : answer;
  };
  EXPECT_EQ(ask("north.example.sa", "north.example.sa"), "200");
  EXPECT_EQ(ask("south2.example.sa", "south.example.sa"), "200");
  EXPECT_EQ(ask("other.example.sa", "south.example.sa"), "200") << "it named no tenant";
  EXPECT_EQ(ask("north.example.sa", "south.example.sa"), "421");
  EXPECT_EQ(ask("south.example.sa", "north.example.sa"), "421");
}

TEST(TenantsShare, WhatOneHoldsIsBoundedAndComesBack) {
  Share share({.handlers = 2, .streams = 1, .bodies = 100, .sockets = 1});
  http::Request head{.method = "POST", .target = "/x", .path = "/x"};
  head.headers = {{"content-length", "60"}};
  const auto admit = [&] {
    return share.admit(head, [](const http::Request&) -> http::Admission {
      return http::Handler([](const http::Request&) {
        http::Response response;
        response.stream = [](const auto&) { return ok_status(); };
        return response;
      });
    });
  };
  const auto status = [](const http::Admission& one) {
    const auto* refused = std::get_if<http::Response>(&one);
    return refused == nullptr ? 0 : refused->status;
  };
  http::Admission first = admit();
  EXPECT_EQ(status(first), 0);
  EXPECT_EQ(status(admit()), 503) << "60 of 100 bytes are taken";
  http::Response stream = std::get<http::Handler>(first)(head);
  EXPECT_EQ(stream.status, 200);
  first = http::Response{};
  const http::Admission second = admit();
  EXPECT_EQ(status(second), 0) << "the bytes came back";
  EXPECT_EQ(std::get<http::Handler>(second)(head).status, 503) << "one stream is being written";
  stream = {};
  EXPECT_EQ(std::get<http::Handler>(second)(head).status, 200);
  EXPECT_EQ(share.refused(), 2U);
  // A third at once finds no place.
  http::Admission inner = http::Response{};
  const auto nested = share.admit(head, [&](const http::Request&) -> http::Admission {
    return share.admit(head, [&](const http::Request&) -> http::Admission {
      inner = share.admit(head, [](const http::Request&) -> http::Admission {
        return http::Response{.status = 200};
      });
      return http::Response{.status = 200};
    });
  });
  EXPECT_EQ(status(nested), 200);
  EXPECT_EQ(status(inner), 503);
}

}  // namespace
}  // namespace rabt::assembly

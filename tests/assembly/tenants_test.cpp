#include "hub/assembly/tenants.hpp"

#include <algorithm>

#include "hub/assembly/share.hpp"
#include "tests/assembly/two_tenants.hpp"
#include "tests/eventually.hpp"
#include "tests/operations.hpp"
#include "tests/tls_files.hpp"

// Two tenants in one process, over its sockets: nothing of one is anything at the other.
namespace rabt::assembly::tenants_test {
namespace {

// Credentials of one tenant are unknown at the host of another.
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

// Objects of one tenant are unknown at the host of another.
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

TEST_F(TwoTenants, Traps14And60And64And66And71SwappedHostsCursorsKeysAndTicketsAreWorthNothing) {
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

  // The Host header alone decides the tenant of a request.
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
  // The answer names no fault: strangers would learn parts of the configuration.
  EXPECT_EQ(answer.body.find("nonsense"), std::string::npos);

  write("south/rabt.yaml", configuration("south"));
  EXPECT_TRUE(test::eventually([&] { return !all_->refused("south").has_value(); }));
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

// Over TLS, with certificates of the openssl command: who holds the key of a client's certificate
// is that client, on that listener alone.
TEST_F(TwoTenants, Trap62ACertificateIsAClientOnTheListenerForItAndNowhereElse) {
  if (!test::have_program("openssl")) GTEST_SKIP() << "openssl makes the certificates";
  ASSERT_TRUE(test::make_certificates(folder_.string()));
  const auto shell = [&](const std::string& commands) {
    return std::system(
               ("cd '" + folder_.string() + "' && (" + commands + ") >/dev/null 2>&1").c_str()) ==
           0;
  };
  const std::string key =
      "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=his";
  ASSERT_TRUE(shell(
      "mkdir other new && touch index && echo 1000 > serial && printf '[ca]\\ndefault_ca=a\\n[a]\\n"
      "database=index\\nserial=serial\\nnew_certs_dir=new\\ndefault_md=sha256\\npolicy=p\\n"
      "unique_subject=no\\n[p]\\ncommonName=supplied\\n' > ca.conf && openssl req -x509 -newkey ec "
      "-pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other/ca.key -out other/ca.pem -days 2 "
      "-subj "
      "/CN=test-authority"));
  const auto certificate = [&](const std::string& name, const std::string& authority,
                               const std::string& names, const std::string& until) {
    return shell("echo subjectAltName=" + names + " > " + name + ".ext && " + key + " -keyout " +
                 name + ".key -out " + name + ".csr && openssl ca -batch -notext -config ca.conf " +
                 "-keyfile " + authority + ".key -cert " + authority + ".pem -startdate " +
                 "20200101000000Z -enddate " + until + " -extfile " + name + ".ext -in " + name +
                 ".csr -out " + name + ".crt");
  };
  const std::string later = "20490101000000Z";
  ASSERT_TRUE(certificate("his", "ca", "DNS:his.example", later));
  ASSERT_TRUE(certificate("lab", "ca", "URI:urn:lab", later));
  ASSERT_TRUE(certificate("stranger", "ca", "DNS:stranger.example", later));
  ASSERT_TRUE(certificate("old", "ca", "DNS:his.example", "20200102000000Z"));
  ASSERT_TRUE(certificate("foreign", "other/ca", "DNS:his.example", later));
  ASSERT_TRUE(
      shell("openssl x509 -in lab.crt -outform der | openssl dgst -sha256 -binary | base64 "
            "-w0 | tr '+/' '-_' | tr -d '=' > lab.sum"));
  write("rabt.yaml",
        both("{port: 0, tls: {cert: server.pem, key: server.key}, mtls: {port: 0, ca: ca.pem}}"));
  start();
  int for_certificates = 0;
  for (const std::string& line : log_.lines()) {
    if (line.starts_with("hub.mtls port=")) for_certificates = std::stoi(line.substr(14));
  }
  ASSERT_GT(for_certificates, 0);
  const auto add = [&](const char* id, const std::string& name) {
    (void)local("north", "POST", "/api/v1/clients",
                Json::object({{"id", id},
                              {"roles", Json::array({"operator"})},
                              {"certificates", Json::array({name})}}));
  };
  add("his", "dns:his.example");
  add("lab", "x5t#S256:" + text_of(folder_ / "lab.sum"));
  // The status and the actor that the hub sees; "refused" when it does not even answer.
  const auto ask = [&](const std::string& name, int port, const std::string& tenant = "north") {
    (void)shell(
        "printf 'GET /api/v1/me HTTP/1.1\\r\\nHost: " + host(tenant) +
        "\\r\\nConnection: close\\r\\n\\r\\n' | timeout 20 openssl s_client -quiet -ign_eof "
        "-connect 127.0.0.1:" +
        std::to_string(port) + " -CAfile ca.pem -cert " + name + ".crt -key " + name +
        ".key > out");
    const std::string answer = text_of(folder_ / "out");
    if (answer.size() < 12) return std::string("refused");
    const auto at = answer.find("client:");
    return answer.substr(9, 3) +
           (at == std::string::npos ? "" : " " + answer.substr(at, answer.find('"', at) - at));
  };
  EXPECT_EQ(ask("his", for_certificates), "200 client:his");
  EXPECT_EQ(ask("lab", for_certificates), "200 client:lab");
  EXPECT_EQ(ask("stranger", for_certificates), "401");
  EXPECT_EQ(ask("old", for_certificates), "refused");
  EXPECT_EQ(ask("foreign", for_certificates), "refused");
  EXPECT_EQ(ask("his", all_->port()), "401") << "the listener asks nobody for a certificate";
  EXPECT_EQ(ask("his", for_certificates, "south"), "401") << "a client of the other tenant";
  int code = 0;
  const std::string said = rabt("clients disable lab -c rabt.yaml --tenant north", &code);
  EXPECT_EQ(code, 0) << said;
  EXPECT_EQ(ask("lab", for_certificates), "401");
  EXPECT_EQ(ask("his", for_certificates), "200 client:his");
}

// 4.6: one principal does not take the connections of all others.
TEST_F(TwoTenants, SoManyConnectionsServeOnePrincipal) {
  std::string text = configuration("north");
  const std::string off = "connections: 0";
  text.replace(text.find(off), off.size(), "connections: 2");
  write("north/rabt.yaml", text);
  start();
  const std::string doctor = enter("north", "doctor");
  const std::string nurse = enter("north", "nurse");
  const auto ask = [](test::WebSocketClient& over, const std::string& token) {
    over.send("GET /api/v1/me HTTP/1.1\r\nHost: north.example.sa\r\nAuthorization: Bearer " +
              token + "\r\n\r\n");
    const std::string head = over.head();
    const auto length = head.find("Content-Length: ");
    if (length != std::string::npos) (void)over.bytes(std::stoul(head.substr(length + 16)));
    return head.size() < 12 ? std::string() : head.substr(9, 3);
  };
  // The first calls of both ended, whose connections may take a moment.
  const auto opens = [&](const std::string& token) {
    std::unique_ptr<test::WebSocketClient> over;
    const bool opened = test::eventually([&] {
      over = std::make_unique<test::WebSocketClient>(all_->port());
      return ask(*over, token) == "200";
    });
    if (!opened) over.reset();
    return over;
  };
  auto one = opens(doctor);
  auto two = opens(doctor);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(ask(*one, doctor), "200") << "it counts once";
  test::WebSocketClient three(all_->port());
  EXPECT_EQ(ask(three, doctor), "429");
  test::WebSocketClient four(all_->port());
  EXPECT_EQ(ask(four, nurse), "200") << "somebody else";
  EXPECT_EQ(ask(*two, nurse), "200") << "it serves another one now";
  two.reset();
  EXPECT_TRUE(opens(doctor));
}

TEST(TenantsShare, WhatOneHoldsIsBoundedAndComesBack) {
  Share share({.handlers = 2, .streams = 1, .bodies = 100, .sockets = 1});
  http::Request head{.method = "POST", .target = "/x", .path = "/x"};
  head.length = 60;
  const auto admit = [&] {
    return share.admit(head, [](const http::Request&) -> http::Admission {
      return http::Handler([](const http::Request&) {
        http::Response response;
        response.stream = [](const auto&) { return ok_status(); };
        return response;
      });
    });
  };
  const auto status = [](const http::Admission& admission) {
    const auto* refused = std::get_if<http::Response>(&admission);
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
}

TEST(TenantsShare, AnswersThatAreNotReadYetAreBounded) {
  Share share({.handlers = 2, .answers = 300'000});
  const http::Request head{.method = "GET", .target = "/x", .path = "/x"};
  const auto answer = [&](std::size_t size) {
    const http::Admission admission =
        share.admit(head, [size](const http::Request&) -> http::Admission {
          return http::Handler([size](const http::Request&) {
            return http::Response{.body = std::string(size, 'a')};
          });
        });
    return std::get<http::Handler>(admission)(head);
  };
  http::Response large = answer(200'000);
  EXPECT_EQ(large.status, 200);
  EXPECT_EQ(answer(200'000).status, 503);
  EXPECT_EQ(answer(20'000).status, 200);
  large = {};
  EXPECT_EQ(answer(200'000).status, 200);
}

// A tenant who holds all that he may is still told so, and his /health is answered.
TEST(TenantsShare, HeadsAndHealthHoldNothing) {
  Share share({.handlers = 1, .streams = 1, .bodies = 100, .sockets = 1});
  const http::Request head{.method = "GET", .target = "/x", .path = "/x"};
  const auto admitted = [&](http::Lane lane, http::Handler handler) {
    http::Admission admission = share.admit(head, [&](const http::Request&) -> http::Admission {
      return http::Intake{.handler = std::move(handler), .lane = lane};
    });
    return std::get<http::Intake>(admission).handler(head).status;
  };
  int health = 0;
  int other = 0;
  const auto busy = [&](const http::Request&) {
    health = admitted(http::Lane::head, [](const http::Request&) { return http::Response{}; });
    other = admitted(http::Lane::handler, [](const http::Request&) { return http::Response{}; });
    return http::Response{};
  };
  EXPECT_EQ(admitted(http::Lane::handler, busy), 200);
  EXPECT_EQ(health, 200);
  EXPECT_EQ(other, 503);
}

class Swallowing final : public http::BodySink {
 public:
  std::optional<http::Response> take(std::string_view /*piece*/) override { return std::nullopt; }
  http::Response finish(const http::Request& /*request*/) override { return {.status = 201}; }
};

TEST(TenantsShare, BodiesThatAreTakenPieceByPieceCountInIt) {
  Share share({.handlers = 1, .streams = 1, .bodies = 1U << 20U, .sockets = 1});
  http::Request head{.method = "POST", .target = "/x", .path = "/x"};
  head.length = 60'000'000;
  const auto admit = [&] {
    return share.admit(head, [](const http::Request&) -> http::Admission {
      return http::Intake{.max_body = 64ULL << 20U, .sink = std::make_unique<Swallowing>()};
    });
  };
  const auto refused = [](const http::Admission& admission) {
    return std::holds_alternative<http::Response>(admission);
  };
  http::Admission first = admit();
  const http::Admission second = admit();
  ASSERT_FALSE(refused(first));
  ASSERT_FALSE(refused(second)) << "each holds half of what there is";
  EXPECT_TRUE(refused(admit()));
  auto& sink = *std::get<http::Intake>(first).sink;
  EXPECT_FALSE(sink.take("a").has_value());
  // While the only handler runs, no piece is taken.
  std::optional<http::Response> meanwhile;
  const http::Request small{.method = "GET", .target = "/x", .path = "/x"};
  const http::Admission running = share.admit(small, [&](const http::Request&) -> http::Admission {
    return http::Handler([&](const http::Request&) {
      meanwhile = sink.take("b");
      return http::Response{.status = 200};
    });
  });
  EXPECT_EQ(std::get<http::Handler>(running)(small).status, 200);
  ASSERT_TRUE(meanwhile.has_value());
  EXPECT_EQ(meanwhile->status, 503);
  EXPECT_EQ(sink.finish(head).status, 201);
  first = http::Response{};
  EXPECT_FALSE(refused(admit())) << "what it held came back";
}

}  // namespace
}  // namespace rabt::assembly::tenants_test

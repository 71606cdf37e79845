#include "hub/assembly/config_check.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "hub/assembly/hub.hpp"
#include "hub/phi/policy.hpp"
#include "tests/tls_files.hpp"
#include "tools/demo/signed_store.hpp"

// `rabt config check` says of each mistake what `rabt serve` stops at.
namespace rabt::assembly::config_check_test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPlain =
    "document: {dsl: '1.0.3', namespace: t, name: plain, version: '1.0.0'}\n"
    "schedule: {on: {one: {with: {type: t.start}}}}\n";

class ConfigCheck : public testing::Test {
 protected:
  ConfigCheck() {
    std::string pattern = (fs::temp_directory_path() / "rabt-check-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    put("short", "x\n");
    put("token", "a-token-of-the-vault\n");
    put("good.yaml", std::string(kPlain) + "do:\n  - rest: {wait: PT1M}\n");
    put("same.yaml", std::string(kPlain) + "do:\n  - rest: {wait: PT2M}\n");
    put("bad.yaml", std::string(kPlain) + "do:\n  - rest: {wiat: PT1M}\n");
    put("secret.yaml",
        std::string(kPlain) + "use: {secrets: [partner]}\ndo:\n  - rest: {wait: PT1M}\n");
    put("host.yaml",
        std::string(kPlain) +
            "do:\n  - ask: {call: http, with: {method: get, endpoint: 'https://a.example.sa/'}}\n");
    fs::create_directories(folder_ / "maps");
    fs::create_directories(folder_ / "good");
    put("maps/ward.csv", "code\n1\n");
    put("good/sex.csv", "code,gender\nM,male\n");
    put("codes.yaml",
        std::string(kPlain) +
            "do:\n  - find: {call: 'lookup:1.0.0@map', with: {map: sexes, code: M}}\n");
    put("role.yaml", std::string(kPlain) + "do:\n  - room: {call: 'video.room.open:1.0.0'}\n");
  }
  ~ConfigCheck() override { fs::remove_all(folder_); }

  void put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    fs::permissions(folder_ / name, fs::perms::owner_read | fs::perms::owner_write);
  }
  [[nodiscard]] Result<config::Config> load(const std::string& more) const {
    const bool migrations = more.find("migrations: ") != std::string::npos;
    const bool server = more.find("server: ") != std::string::npos;
    put("rabt.yaml", "tenant: t1\ndata: data\nplugins: plugins\n" +
                         (migrations ? "" : "migrations: " + std::string(RABT_MIGRATIONS) + "\n") +
                         (server ? "" : "server: {port: 0}\n") + more + "\n");
    return config::load_config((folder_ / "rabt.yaml").string());
  }
  // Mistakes that the check finds, one a line.
  [[nodiscard]] std::string checked(const config::Config& config) const {
    std::string out;
    auto all = mistakes_of(config, clock_, Unsigned::refuse);
    for (const std::string& word : mistakes_of(config.server, {}, clock_)) all.push_back(word);
    for (const std::string& text : all) out += text + "\n";
    return out;
  }
  [[nodiscard]] std::string started(const config::Config& config) const {
    auto hub = Hub::start(config, clock_, null_logger(), phi::strict_policy());
    if (hub.ok()) (*hub)->stop(0);
    fs::remove_all(config.data);
    return hub.ok() ? "" : hub.error().message;
  }
  // Both say it, and the check says nothing else.
  void both_say(const std::string& more, const std::string& said) const {
    const auto config = load(more);
    if (!config.ok()) {
      EXPECT_NE(config.error().message.find(said), std::string::npos) << more << "\n"
                                                                      << config.error().message;
      return;
    }
    const std::string check = checked(*config);
    EXPECT_NE(check.find(said), std::string::npos) << more << "\ncheck: " << check;
    EXPECT_EQ(check.find('\n'), check.size() - 1) << more << "\ncheck: " << check;
    const std::string start = started(*config);
    EXPECT_NE(start.find(said), std::string::npos) << more << "\nstart: " << start;
  }

  SystemClock clock_;
  fs::path folder_;
};

TEST_F(ConfigCheck, WhatIsGoodStarts) {
  const auto config = load("workflows: [good.yaml]\nroles: {video: 'hub://p2p'}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(checked(*config), "");
  EXPECT_FALSE(fs::exists(folder_ / "data")) << "the check makes nothing";
  EXPECT_EQ(started(*config), "");
}

TEST_F(ConfigCheck, EachMistakeIsSaidAsTheStartSaysIt) {
  const std::string issuer = "identity: {issuers: {his: {";
  const std::string oidc =
      "kind: oidc, issuer: 'https://id.example.sa', client_id: rabt, algs: [ES256], ";
  const std::string address = "server: {port: 0, public_url: 'https://rabt.example.sa'}\n";
  for (const auto& [more, said] : std::vector<std::pair<std::string, std::string>>{
           {"migrations: none", "cannot read the migrations folder"},
           {"migrations: .", "there is no migration in the folder "},
           {"server: {port: 0, address: localhost, plain: behind-proxy}",
            "`address` must be an IP address"},
           // Roles and workflows.
           {"roles: {video: 'hub://p2q'}", "role video cannot be bound to \"hub://p2q\""},
           {"roles: {ehr: 'plugin://fhir'}", "role ehr cannot be bound to \"plugin://fhir\""},
           {"workflows: [none.yaml]", "none.yaml cannot be read"},
           {"workflows: [bad.yaml]", "bad.yaml:4:"},
           {"workflows: [good.yaml, same.yaml]", "t/plain 1.0.0 is in "},
           {"workflows: [secret.yaml]", "the secret `partner` is not configured"},
           {"workflows: [host.yaml]", "https://a.example.sa is not allowed"},
           {"workflows: [role.yaml]", "video"},
           {"workflow_secrets: {partner: {file: none}}", "workflow secret partner: "},
           // Code maps.
           {"maps: none", "maps: the folder "},
           {"roles: {map: 'hub://map'}", "`maps` names no folder of code maps"},
           {"maps: maps", "ward.csv: "},
           {"maps: good\nroles: {map: 'hub://map'}\nworkflows: [codes.yaml]",
            "codes.yaml:4:50: error: `map` must be one of sex"},
           // Keys.
           {"keys: {root: {file: short}}", "short"},
           {"keys: {development: true, root: {env: RABT_NO_SUCH_ROOT}}", "RABT_NO_SUCH_ROOT"},
           {"keys: {root: {vault: {url: 'https://v.example.sa', key: k, token: {file: none}}}}",
            "keys.root.vault.token: "},
           {"keys: {root: {pkcs11: {module: /none.so, token: t, key: k, pin: {file: none}}}}",
            "keys.root.pkcs11.pin: "},
           {"keys: {root: {pkcs11: {module: /none.so, token: t, key: k, pin: {file: token}}}}",
            "the PKCS#11 library cannot be loaded: /none.so: "},
           // Issuers and sign-in.
           {issuer + "kind: shared-secret, issuer: i, audience: a, secret: {file: none}}}}",
            "the issuer his: the secret file "},
           {issuer + "kind: jwks, issuer: i, audience: a, algs: [ES256], jwks: none}}}",
            "of the issuer his cannot be read"},
           {address + issuer + oidc + "client_secret: {file: none}}}}",
            "the issuer his: the secret file "},
           {issuer + oidc + "client_secret: {file: token}}}}", "set server.public_url"},
           {"identity: {passkeys: {origins: ['http://rabt.example.sa']}}",
            "identity.passkeys: http://rabt.example.sa must be https"},
           {"identity: {passkeys: {host: rabt.example.sa}}",
            "identity.passkeys: `host` needs `origins`"},
           {address + "identity: {passkeys: {host: other.example.sa}}",
            "below it; that host is other.example.sa"},
           {address + "identity: {passkeys: {host: sa}}", "below it; that host is sa"},
           {"identity: {local: {password: {blocklist: none}}}", "none"},
           // Webhooks, the bus and ICE servers.
           {"webhooks: [{name: his, url: 'https://his.example.sa/', secrets: [{file: none}]}]",
            "webhook his: the secret file "},
           {"webhooks: [{name: his, url: 'https://his.example.sa/', secrets: [{file: short}]}]",
            "webhook his: "},
           {"bus: {hosts: [mq.example.sa], user: rabt, password: {file: none}}", "bus.password: "},
           {"video: {ice: {turn: ['turn:t.example.sa'], turn_secret: {file: none}}}",
            "the secret file "},
       })
    both_say(more, said);
}

TEST_F(ConfigCheck, ARequiredAnchorHasItsFolder) {
  const auto required = load("audit: {anchors: [{folder: none, required: true}]}");
  ASSERT_TRUE(required.ok()) << required.error().message;
  EXPECT_EQ(checked(*required), "audit.anchors: the folder " + (folder_ / "none").string() +
                                    " does not exist; mount its disk, or make it\n");
  EXPECT_NE(started(*required), "");
  const auto other = load("audit: {anchors: [none]}");
  ASSERT_TRUE(other.ok()) << other.error().message;
  EXPECT_EQ(checked(*other), "");
}

// Symptom: files of authorities that were not there were found with the first connection.
TEST_F(ConfigCheck, FilesOfAuthoritiesAreThereAndTheLogIsNoFolder) {
  put("empty.pem", "x\n");
  fs::create_directories(folder_ / "logs");
  for (const auto& [more, said] : std::vector<std::pair<std::string, std::string>>{
           {"http: {ca: none.pem}", "http.ca: "},
           {"http: {ca: empty.pem}", "holds no certificate (PEM)"},
           {"log: {file: logs}", "is a folder; name a file in it"}}) {
    const auto config = load(more);
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_NE(checked(*config).find(said), std::string::npos) << more << checked(*config);
  }
  const auto named =
      load("sources: {a/b: {scheme: static-token, plugin: x, secrets: [{file: s}]}}");
  ASSERT_FALSE(named.ok());
  EXPECT_NE(named.error().message.find("/hooks/NAME"), std::string::npos);
}

// The start only refuses what cannot run; sessions of this hub are refused one by one.
TEST_F(ConfigCheck, ARoleThatLetsNobodyIntoASessionIsNamedWithWhatItLacks) {
  const auto config = load("roles: {video: 'hub://recording'}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(checked(*config),
            "role video: hub://recording cannot let anybody into a session: no action of it "
            "declares the capability video.session.create/1, video.token.issue/1, "
            "video.session.end/1; bind the role to a plugin whose manifest does\n");
}

TEST_F(ConfigCheck, ARoleThatSendsNoMessageIsNamed) {
  const std::string bound = "roles: {notify: 'hub://register'}\n";
  const auto silent = load(bound);
  ASSERT_TRUE(silent.ok()) << silent.error().message;
  EXPECT_EQ(checked(*silent),
            "role notify: hub://register sends no message: no action of it declares the capability "
            "notify.sms.send/1, notify.email.send/1 or notify.push.send/1; bind the role to a "
            "plugin whose manifest does\n");
  const auto config =
      load(bound + "alerts: {tell: {page: [sms, webhook]}, sms: {to: ['+966501234567']}}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(checked(*config),
            "role notify: hub://register sends no message: no action of it declares the capability "
            "notify.sms.send/1, which alerts.sms needs; bind the role to a plugin whose manifest "
            "does\n");
}

// Without the role no message is sent, and nothing else says why.
TEST_F(ConfigCheck, MessagesWithoutARoleThatSendsThemAreNamed) {
  const std::string texts = "booked: a\nmoved: b\ncancelled: c\nreminder: d\n";
  fs::create_directories(folder_ / "messages");
  put("messages/ar.yaml", texts);
  put("messages/en.yaml", texts);
  const auto config = load("hospital: {messages: messages}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(checked(*config),
            "role notify: `roles` binds none, and hospital.messages sends messages through it\n");
}

TEST_F(ConfigCheck, AnUnsignedBuildIsJudgedAsTheStartWithDevJudgesIt) {
  const fs::path bell = folder_ / "plugins" / "bell";
  fs::create_directories(bell.parent_path());
  fs::copy(std::string(RABT_FIXTURES) + "/bell-1.0.0", bell, fs::copy_options::recursive);
  const auto config = load("plugin: {bell: {config: {hello: ding}}}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const auto said = [&] {
    std::string out;
    for (const std::string& text : mistakes_of(*config, clock_, Unsigned::take)) out += text + "\n";
    return out;
  };
  EXPECT_EQ(said(), "");
  std::ofstream(bell / "manifest.yaml", std::ios::app) << "# edited\n";
  EXPECT_NE(said().find("manifest.yaml is not the one that the library was built with"),
            std::string::npos)
      << said();
  fs::remove_all(bell / "bin");
  EXPECT_NE(said().find("plugin.so: is not there"), std::string::npos) << said();
}

TEST_F(ConfigCheck, CertificatesAndKeysOfListenersAreReadAndCompared) {
  if (!test::have_program("openssl")) GTEST_SKIP() << "openssl makes the certificates";
  ASSERT_TRUE(test::make_certificates(folder_.string()));
  const std::string tls = "server: {port: 0, tls: {cert: server.pem, key: server.key}";
  for (const auto& [more, said] : std::vector<std::pair<std::string, std::string>>{
           {"server: {port: 0, tls: {cert: none.pem, key: server.key}}", "none.pem"},
           {"server: {port: 0, tls: {cert: server.pem, key: none.key}}", "none.key"},
           {"server: {port: 0, tls: {cert: server.pem, key: ca.key}}", "ca.key"},
           {tls + ", mtls: {port: 0, ca: none.pem}}", "none.pem"},
           {tls + ", mtls: {port: 0, ca: ca.pem, crl: none.crl}}", "none.crl"},
           {tls + ", mtls: {port: 0, address: here, ca: ca.pem}}",
            "`address` must be an IP address"},
       })
    both_say(more, said);
  const auto good = load(tls + ", mtls: {port: 0, ca: ca.pem}}");
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_EQ(checked(*good), "");
  EXPECT_EQ(started(*good), "");
}

TEST_F(ConfigCheck, SourcesAndPluginsAreReadToo) {
  const Status status =
      demo::make_signed_store({std::string(RABT_FIXTURES) + "/bell-1.0.0"},
                              (folder_ / "work").string(), (folder_ / "plugins").string());
  ASSERT_TRUE(status.ok()) << status.error().message;
  ASSERT_TRUE(test::make_certificates(folder_.string()));
  const std::string bell = "plugin: {bell: {config: {hello: ding}}}\n";
  const std::string tls = "server: {port: 0, tls: {cert: server.pem, key: server.key}}\n";
  const std::string source = bell + "sources: {his: {plugin: bell, scheme: ";
  for (const auto& [more, said] : std::vector<std::pair<std::string, std::string>>{
           {"plugin: {bell: {config: {hello: 7}}}", "the configuration of bell does not fit"},
           {"plugin: {bell: {config: {hello: ding, base_url: ehr.example.sa}}}",
            "config /base_url is no URL: "},
           {"plugin: {bell: {config: {hello: ding}, secrets: {key: {file: none}}}}",
            "plugin bell, secret key: "},
           {"plugin: {bell: {config: {hello: ding}, record: tapes}}", "is for development only"},
           {"plugin: {ball: {}}", "ball"},
           {bell + "compliance: {require_agreement: true}\nroles: {ring: 'plugin://bell'}",
            "no agreement is valid today with: bell"},
           {source + "static-token, secrets: [{file: none}]}}", "source his: "},
           {source + "standard-webhooks, secrets: [{file: short}]}}", "source his: "},
           {source + "twilio, secrets: [{file: token}]}}", "twilio needs public_url"},
           {source + "sns, topics: [none]}}", "source his: "},
           {source + "hmac, header: x-sign, secrets: [{file: short}]}}", "source his: "},
           {source + "hmac, header: x-sign, signs: body, secrets: [{file: token}]}}",
            "`signs` must hold {body} once"},
           {source + "jwt, issuer: i, audience: a, algs: [ES256], jwks: none}}",
            "source his: the JWK set "},
           {source + "jwt, issuer: i, audience: a, algs: [ES256], jwks: {file: none}}}",
            "source his: the issuer his: the secret file "},
           {source + "jwt, issuer: i, audience: a, algs: [ES256], jwks: token}}",
            "source his: the issuer his: the JWK set has no `keys`"},
           {tls + source + "mllp, listen: {port: 0, ca: none.pem}}}", "none.pem"},
           {source + "mllp, listen: {port: 0, address: here}}}", "`address` must be an IP address"},
       })
    both_say(more, said);
  const auto silent = load(bell + "roles: {notify: 'plugin://bell'}");
  ASSERT_TRUE(silent.ok()) << silent.error().message;
  EXPECT_NE(checked(*silent).find("role notify: plugin://bell sends no message"), std::string::npos)
      << checked(*silent);
  const auto good = load(source + "static-token, secrets: [{file: token}]}}");
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_EQ(checked(*good), "");
  EXPECT_EQ(started(*good), "");
}

TEST_F(ConfigCheck, OneMistakeDoesNotHideTheNext) {
  const auto config = load(
      "workflows: [none.yaml, other.yaml]\n"
      "workflow_secrets: {a: {file: none}, b: {file: none}}\n"
      "webhooks: [{name: c, url: 'https://c.example.sa/', secrets: [{file: none}]},\n"
      "  {name: d, url: 'https://d.example.sa/', secrets: [{file: none}]}]\n"
      "roles: {e: 'hub://none', f: 'plugin://none'}\n"
      "server: {port: 0, tls: {cert: none.pem, key: none.key}}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const std::string said = checked(*config);
  for (const char* part : {"none.yaml", "other.yaml", "workflow secret a", "workflow secret b",
                           "webhook c", "webhook d", "role e", "role f", "server.tls"})
    EXPECT_NE(said.find(part), std::string::npos) << part << " in\n" << said;
}

// Which actions and secrets there are is not known before.
TEST_F(ConfigCheck, WorkflowsAreJudgedWhenWhatTheyNameIsGood) {
  const std::string files = "workflows: [bad.yaml]\n";
  for (const char* mistake : {"workflow_secrets: {a: {file: none}}", "roles: {e: 'hub://none'}"}) {
    const auto config = load(files + mistake);
    ASSERT_TRUE(config.ok()) << config.error().message;
    const std::string said = checked(*config);
    EXPECT_NE(said, "");
    EXPECT_EQ(said.find("bad.yaml"), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace rabt::assembly::config_check_test

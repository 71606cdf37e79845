#include "hub/config/config.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace rabt::config::config_test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGood =
    "tenant: t1\n"
    "data: data\n"
    "plugins: ../plugins\n"
    "migrations: /migrations\n"
    "workflows: [a.yaml, /b.yaml]\n"
    "roles: {video: plugin://twilio}\n"
    "plugin:\n"
    "  twilio:\n"
    "    config: {n: 1}\n"
    "    secrets: {key: {file: secret}, other: {env: SOME_NAME}}\n"
    "    hosts: ['https://a.example']\n"
    "sources:\n"
    "  his: {scheme: standard-webhooks, secrets: [{file: secret}], plugin: twilio}\n";

class ConfigFile : public testing::Test {
 protected:
  ConfigFile() {
    std::string pattern = (fs::temp_directory_path() / "rabt-config-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~ConfigFile() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  std::string write(const std::string& name, std::string_view content, mode_t mode = 0600) {
    std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::trunc) << content;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  Result<Config> load(std::string_view content) { return load_config(write("rabt.yaml", content)); }
  // The message of a configuration that must be refused.
  std::string refused(std::string_view content) {
    const auto config = load(content);
    if (config.ok()) return "it was accepted";
    EXPECT_EQ(config.error().code, "config.invalid");
    return config.error().message;
  }
  static std::string with(std::string_view from, std::string_view to) {
    std::string text(kGood);
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  std::string folder_;
};

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "missing: " << part << "\nin: " << text;
}

TEST_F(ConfigFile, PathsAreRelativeToTheFileAndDefaultsHold) {
  const auto config = load(kGood);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->tenant, "t1");
  EXPECT_EQ(config->server.address, "127.0.0.1");
  EXPECT_EQ(config->server.port, 8480);
  EXPECT_EQ(config->data, folder_ + "/data");
  EXPECT_EQ(config->plugins, fs::path(folder_).parent_path().string() + "/plugins");
  EXPECT_EQ(config->migrations, "/migrations");
  EXPECT_EQ(config->workflows, (std::vector<std::string>{folder_ + "/a.yaml", "/b.yaml"}));
  ASSERT_EQ(config->plugin.count("twilio"), 1U);
  const PluginEntry& plugin = config->plugin.at("twilio");
  EXPECT_EQ(plugin.secrets.at("key").file, folder_ + "/secret");
  EXPECT_EQ(plugin.secrets.at("other").env, "SOME_NAME");
  EXPECT_FALSE(plugin.allow_private);
  ASSERT_EQ(config->sources.size(), 1U);
  EXPECT_EQ(config->sources[0].plugin, "twilio");
}

TEST_F(ConfigFile, EveryMistakeIsListedWithItsPlace) {
  const std::string said = refused(with("tenant: t1", "tenent: t1") + "workers: many\n");
  expect_part(said, "rabt.yaml:1:1: unknown key `tenent`; did you mean `tenant`?");
  expect_part(said, "`tenant` is missing");
  expect_part(said, "rabt.yaml:14:1: `workers` must be a whole number from 1 to 64");
}

TEST_F(ConfigFile, MistakesInsideAPluginOrASourceAreFound) {
  expect_part(refused(with("hosts:", "host:")),
              "rabt.yaml:11:5: unknown key `host`; did you mean `hosts`?");
  expect_part(refused(with("secrets: {key: {file: secret}", "secrets: {key: abc")),
              "a secret is never written into the configuration");
  expect_part(refused(with("{env: SOME_NAME}", "{}")), "a secret needs either `file` or `env`");
  expect_part(refused(with("{env: SOME_NAME}", "{env: A, file: b}")),
              "a secret needs either `file` or `env`");
  expect_part(refused(with("standard-webhooks", "standard")),
              "unknown scheme `standard`; use standard-webhooks, hmac, jwt, basic, twilio, "
              "static-token, sns or "
              "mllp");
  expect_part(refused(with("standard-webhooks", "sns")),
              "source `his` needs `topics`, the ARNs that it listens to");
  expect_part(refused(with("standard-webhooks", "sns")),
              "source `his` has the scheme sns, which needs no `secrets`");
  expect_part(refused(with("secrets: [{file: secret}]", "secrets: []")),
              "source `his` needs `secrets`");
  expect_part(refused(with("plugin: twilio}", "plugin: other}")),
              "names the plugin `other`, which is not under `plugin`");
}

TEST_F(ConfigFile, AnEntryMayRunAPluginUnderAnotherNameByAMappingFile) {
  const auto config =
      load(with("plugin:\n", "plugin:\n  lab: {use: mapped, source: sources/lab.yaml}\n"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->plugin.at("lab").use, "mapped");
  EXPECT_EQ(config->plugin.at("lab").source, folder_ + "/sources/lab.yaml");
  EXPECT_EQ(config->plugin.at("twilio").use, "");
  const std::string wrong = refused(
      with("plugin:\n",
           "plugin:\n  Lab--1: {use: Mapped}\n  b: {use: mapped, source: x, config: {a: 1}}\n"));
  expect_part(wrong, ":8:3: an entry with `use` needs a name of lower-case letters");
  expect_part(wrong, ":8:12: `use` must be the id of a plugin");
  expect_part(wrong, ":9:20: an entry has `source` or `config`");
}

TEST_F(ConfigFile, ASourceMayTakeTokensOfAnIssuer) {
  const auto source = [](const std::string& more) {
    return with("scheme: standard-webhooks, secrets: [{file: secret}]", "scheme: jwt" + more);
  };
  const std::string keys = ", jwks: keys.json, algs: [ES256]";
  const std::string named = ", issuer: 'https://idp', audience: hub";
  const auto good = load(source(keys + named +
                                ", typ: at+jwt, max_age: 5m, max_lifetime: 2h, "
                                "require: {azp: his, scope: deliver}"));
  ASSERT_TRUE(good.ok()) << good.error().message;
  ASSERT_TRUE(good->sources.at(0).issuer.has_value());
  const IssuerEntry& entry = *good->sources[0].issuer;
  EXPECT_EQ(entry.jwks, folder_ + "/keys.json");
  EXPECT_EQ(entry.options.issuer, "https://idp");
  EXPECT_EQ(entry.options.audience, "hub");
  EXPECT_EQ(entry.options.type, "at+jwt");
  EXPECT_EQ(entry.options.max_age_ms, 300'000);
  EXPECT_EQ(entry.options.max_lifetime_ms, 7'200'000);
  EXPECT_EQ(entry.options.required.at("azp"), "his");
  EXPECT_FALSE(entry.options.needs_subject);
  const auto far =
      load(source(", jwks: 'https://idp/jwks', stale_grace: 1h, algs: [RS256]" + named));
  ASSERT_TRUE(far.ok()) << far.error().message;
  EXPECT_EQ(far->sources[0].issuer->options.jwks_url, "https://idp/jwks");
  const auto kept = load(source(", jwks: {env: KEYS}, algs: [RS256]" + named));
  ASSERT_TRUE(kept.ok()) << kept.error().message;
  EXPECT_EQ(kept->sources[0].issuer->jwks_place->env, "KEYS");
  for (const auto& [more, said] : std::vector<std::pair<std::string, std::string>>{
           {named + ", algs: [ES256]", "`jwks` is missing"},
           {named + ", jwks: k", "needs `algs`"},
           {named + ", jwks: 'http://idp/jwks', algs: [ES256]",
            "`jwks` must be a file, or an https address"},
           {keys + ", audience: hub", "`issuer` is missing"},
           {keys + ", issuer: 'https://idp'", "`audience` is missing"},
           {keys + ", issuer: '', audience: hub", "`issuer` must not be empty"},
           {keys + named + ", secrets: [{file: secret}]",
            "source `his` has the scheme jwt, which knows no `secrets`: the keys of `jwks` prove "
            "the token of `Authorization: Bearer`"},
           {keys + named + ", header: x-token", "which knows no `header`"},
           {keys + named + ", max_age: 25h", "`max_age`"},
           {keys + named + ", require: {azp: ''}", "`azp` must not be empty"},
           {keys + named + ", preset: github", "`preset` belongs to a source of the scheme hmac"}})
    expect_part(refused(source(more)), said);
  // Whoever has a shared secret can sign with it, and `none` is no signature (RFC 8725 section 3).
  for (const char* algorithm : {"none", "HS256", "RS512", "EdDSA"})
    expect_part(refused(source(named + ", jwks: k, algs: [" + algorithm + "]")),
                "`algs` lists what its keys may be used with: RS256, PS256, ES256");
  expect_part(refused(with("plugin: twilio}\n", "plugin: twilio, jwks: k}\n")),
              "`jwks` belongs to a source of the scheme jwt");
}

TEST_F(ConfigFile, ASourceOfBasicIsForAPrivateNetworkAlone) {
  const auto source = [](const std::string& more) {
    return with("scheme: standard-webhooks,", "scheme: basic, " + more);
  };
  const auto good = load(source("user: his, addresses: [10.1.0.0/16, 'fd00::/8', '::1'],"));
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_EQ(good->sources.at(0).user, "his");
  const std::string home = "addresses: [192.168.7.0/24], ";
  expect_part(refused(source(home)), "`user` is missing");
  expect_part(refused(source(home + "user: 'a:b',")), "`user` holds a colon");
  expect_part(refused(source(home + "user: his, header: x-pass,")), "knows no `header`");
  expect_part(refused(source("user: his,")),
              "source `his`: the scheme basic is for a private network alone, and needs "
              "`addresses` of it, such as [10.1.0.0/16]");
  for (const char* wide : {"8.8.8.0/24", "10.0.0.0/7", "0.0.0.0/1", "172.16.0.0/11", "::/1",
                           "2001:db8::/32", "fc00::/6", "100.64.0.0/10"})
    expect_part(
        refused(source("user: his, addresses: [10.1.0.0/16, '" + std::string(wide) + "'],")),
        "the scheme basic takes deliveries from private networks alone");
  // The secret stands elsewhere, as that of each scheme.
  expect_part(
      refused(with("scheme: standard-webhooks, secrets: [{file: secret}]",
                   "scheme: basic, user: his, addresses: [10.1.0.0/16], secrets: [hunter2]")),
      "a secret is never written into the configuration");
  expect_part(refused(with("scheme: standard-webhooks, secrets: [{file: secret}]",
                           "scheme: basic, user: his, addresses: [10.1.0.0/16]")),
              "source `his` needs `secrets`");
  expect_part(refused(with("plugin: twilio}\n", "plugin: twilio, user: his}\n")),
              "`user` belongs to a source of the scheme basic");
}

TEST_F(ConfigFile, ASourceMayListTheAddressesThatItTakesDeliveriesFrom) {
  const auto source = [](const std::string& more) {
    return with("plugin: twilio}\n", "plugin: twilio, " + more + "}\n");
  };
  EXPECT_FALSE(load(kGood)->sources.at(0).addresses.has_value()) << "all may send";
  const auto good = load(source("addresses: [10.1.0.0/16, 192.0.2.7, 'fd00:1::/32']"));
  ASSERT_TRUE(good.ok()) << good.error().message;
  const auto& addresses = good->sources.at(0).addresses;
  ASSERT_TRUE(addresses.has_value());
  for (const char* in : {"10.1.255.1", "::ffff:10.1.0.1", "192.0.2.7", "fd00:1::5"})
    EXPECT_TRUE(addresses->has(in)) << in;
  for (const char* out : {"10.2.0.1", "::ffff:10.2.0.1", "192.0.2.8", "fd00:2::5", "local", ""})
    EXPECT_FALSE(addresses->has(out)) << out;
  expect_part(refused(source("addresses: [10.1.0.0/33]")),
              "`addresses`: \"10.1.0.0/33\" is no address and no network such as 10.0.0.0/8");
  expect_part(refused(source("addresses: [his.example.sa]")), "\"his.example.sa\" is no address");
  expect_part(refused(source("addresses: []")),
              "source `his`: `addresses` names nobody; list addresses or networks such as "
              "10.1.0.0/16, or leave it out");
  expect_part(refused(source("addresses: 10.1.0.0/16")), "`addresses` must be a list");
  expect_part(refused(with("scheme: standard-webhooks, secrets: [{file: secret}]",
                           "scheme: mllp, addresses: [10.1.0.0/16], listen: {}")),
              "the addresses that may connect stand in `listen.from`");
}

TEST_F(ConfigFile, ASourceOfMllpSaysWhereItListensAndWhoMaySend) {
  const auto source = [](const std::string& more) {
    return with("scheme: standard-webhooks, secrets: [{file: secret}]", "scheme: mllp" + more);
  };
  const auto plain = load(source(", listen: {}"));
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  ASSERT_TRUE(plain->sources.at(0).listen.has_value());
  EXPECT_EQ(plain->sources[0].listen->address, "127.0.0.1");
  EXPECT_EQ(plain->sources[0].listen->port, 2575);
  const auto far = load(source(", listen: {address: 0.0.0.0, from: [10.1.0.0/16]}"));
  EXPECT_TRUE(far.ok()) << far.error().message;
  const std::string tls = "server: {tls: {cert: c.pem, key: k.pem}}\n";
  const auto sealed =
      load(source(", listen: {address: 0.0.0.0, port: 0, ca: ca.pem, crl: crl.pem, names: [his]}") +
           tls);
  ASSERT_TRUE(sealed.ok()) << sealed.error().message;
  EXPECT_EQ(sealed->sources[0].listen->authorities, folder_ + "/ca.pem");

  expect_part(refused(source("")), "source `his` needs `listen`, where its messages come");
  expect_part(refused(source(", listen: {}, secrets: [{file: secret}]")),
              "source `his` has the scheme mllp, which knows no `secrets`");
  expect_part(refused(source(", listen: {}, header: x-token")),
              "source `his` has the scheme mllp, which knows no `header`");
  expect_part(refused(source(", listen: {adress: 127.0.0.1}")),
              "unknown key `adress`; did you mean `address`?");
  expect_part(refused(source(", listen: {port: 65536}")),
              "`port` must be a whole number from 0 to 65535");
  expect_part(refused(source(", listen: {from: [10.1.0.0/33]}")), "`listen.from`: ");
  expect_part(refused(source(", listen: {names: [his.example.sa]}")),
              "source `his`: `listen.names` and `listen.crl` need `listen.ca`");
  expect_part(refused(source(", listen: {crl: crl.pem}") + tls),
              "source `his`: `listen.names` and `listen.crl` need `listen.ca`");
  expect_part(refused(source(", listen: {ca: ca.pem}")),
              "source `his`: `listen.ca` needs the hub's own certificate: add `server.tls`");
  expect_part(refused(source(", listen: {address: 0.0.0.0}")),
              "source `his`: messages that come from outside this machine need `listen.ca`, or at "
              "least `listen.from`");
  expect_part(refused(with("secrets: [{file: secret}]", "secrets: [{file: secret}], listen: {}")),
              "`listen` belongs to a source of the scheme mllp");
}

TEST_F(ConfigFile, WhatAPluginIsGivenBesideItsSectionIsRead) {
  const auto config = load(with("    hosts: ['https://a.example']\n",
                                "    hosts: ['https://a.example']\n    config_version: 1.4.0\n"
                                "    patient_data: []\n    record: tapes\n"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  const PluginEntry& plugin = config->plugin.at("twilio");
  EXPECT_EQ(plugin.config_version, "1.4.0");
  EXPECT_EQ(plugin.patient_data, std::vector<std::string>{});
  EXPECT_EQ(plugin.record, folder_ + "/tapes");
  EXPECT_FALSE(load(kGood)->plugin.at("twilio").patient_data.has_value());
  expect_part(
      refused(with("    hosts: ['https://a.example']\n", "    config_version: old\n")),
      "rabt.yaml:11:5: `config_version` must be a version of the plugin, such as \"1.4.0\"");
}

TEST_F(ConfigFile, NumbersAreHeldToTheirLimits) {
  for (const int port : {0, 65535})
    EXPECT_TRUE(load(std::string(kGood) + "server: {port: " + std::to_string(port) + "}\n").ok());
  for (const int port : {-1, 65536}) {
    expect_part(refused(std::string(kGood) + "server: {port: " + std::to_string(port) + "}\n"),
                "`port` must be a whole number from 0 to 65535");
  }
  for (const int workers : {1, 64})
    EXPECT_TRUE(load(std::string(kGood) + "workers: " + std::to_string(workers) + "\n").ok());
  for (const int workers : {0, 65})
    expect_part(refused(std::string(kGood) + "workers: " + std::to_string(workers) + "\n"),
                "from 1 to 64");
}

TEST_F(ConfigFile, TheLogHasALevelThatThereIs) {
  for (const auto& [level, is] : {std::pair{"debug", LogLevel::debug},
                                  {"info", LogLevel::info},
                                  {"warn", LogLevel::warn},
                                  {"error", LogLevel::error}}) {
    const auto config = load(std::string(kGood) + "log: {level: " + level + "}\n");
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_EQ(log_level(config->log_level), is);
  }
  for (const char* const level : {"warning", "verbose", "Debug"}) {
    expect_part(refused(std::string(kGood) + "log: {level: " + level + "}\n"),
                "`level` must be debug, info, warn or error");
  }
}

TEST_F(ConfigFile, WhatIsNoMappingAndWhatIsNoYamlIsRefused) {
  expect_part(refused("- a\n- b\n"), "the configuration must be a mapping");
  expect_part(refused("a: [1, 2\n"), "rabt.yaml:");
  EXPECT_EQ(load_config(folder_ + "/none.yaml").error().code, "config.io");
}

// Symptom: a secret that names a folder ended the process.
// Cause: reading a folder throws inside the stream. Each reader is given a folder here.
TEST_F(ConfigFile, AFolderInThePlaceOfAFileIsAnErrorAndNoCrash) {
  const auto config = load_config(folder_);
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().code, "config.io");
  expect_part(config.error().message, "Is a directory");
  const std::string secrets = folder_ + "/folder";
  fs::create_directory(secrets);
  EXPECT_EQ(::chmod(secrets.c_str(), 0700), 0);
  const auto secret = read_secret({.file = secrets});
  ASSERT_FALSE(secret.ok());
  expect_part(secret.error().message, secrets + " cannot be read: Is a directory");
}

TEST_F(ConfigFile, ASecretIsReadWithoutItsLineEnd) {
  const auto secret = read_secret({.file = write("secret", "value\r\n")});
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ((*secret)->expose_text(), "value");
}

TEST_F(ConfigFile, ASecretThatIsOpenEmptyOrAbsentIsRefusedWithTheWayOut) {
  const std::string open = write("open", "value", 0640);
  const auto readable = read_secret({.file = open});
  ASSERT_FALSE(readable.ok());
  EXPECT_EQ(readable.error().code, "config.missing_secret");
  expect_part(readable.error().message, "chmod 600 " + open);
  EXPECT_EQ(readable.error().message.find("value"), std::string::npos);
  expect_part(read_secret({.file = write("empty", "\n")}).error().message, "is empty");
  expect_part(read_secret({.file = folder_ + "/none"}).error().message, folder_ + "/none");
  expect_part(read_secret({.env = "RABT_TEST_UNSET_VARIABLE"}).error().message,
              "RABT_TEST_UNSET_VARIABLE is not set");
}

TEST_F(ConfigFile, WhatWorkflowsMayReachAndTheirSecretsAreRead) {
  const auto none = load(kGood);
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->http.allow.empty()) << "nothing is allowed by itself";
  EXPECT_FALSE(none->http.allow_private);
  EXPECT_TRUE(none->workflow_secrets.empty());

  const auto config = load(std::string(kGood) +
                           "http: {allow: ['https://a.example', 'https://b.example:8443'], "
                           "allow_private: true, ca: tls/ca.pem}\n"
                           "workflow_secrets: {partner: {file: keys/partner}, other: {env: "
                           "OTHER}, far: {file: /run/far}}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->http.allow,
            (std::vector<std::string>{"https://a.example", "https://b.example:8443"}));
  EXPECT_TRUE(config->http.allow_private);
  EXPECT_EQ(config->http.ca, folder_ + "/tls/ca.pem");
  ASSERT_EQ(config->workflow_secrets.size(), 3U);
  EXPECT_EQ(config->workflow_secrets.at("partner").file, folder_ + "/keys/partner");
  EXPECT_EQ(config->workflow_secrets.at("other").env, "OTHER");
  EXPECT_EQ(config->workflow_secrets.at("far").file, "/run/far");
}

TEST_F(ConfigFile, MistakesInWhatWorkflowsGetAreFoundWithTheirPlace) {
  const auto added = [](std::string_view text) { return std::string(kGood) + std::string(text); };
  expect_part(refused(added("http: {alow: []}\n")),
              "rabt.yaml:14:8: unknown key `alow`; did you "
              "mean `allow`?");
  expect_part(refused(added("http: ['https://a.example']\n")), "`http` must be a mapping");
  expect_part(refused(added("http: {allow: 'https://a.example'}\n")), "`allow` must be a list");
  expect_part(refused(added("http: {allow: [{a: b}]}\n")), "every entry of `allow` must be text");
  for (const std::string host :
       {"https://a.example/path", "ftp://a.example", "*", "*.example", "a.example:99999", ""}) {
    expect_part(refused(added("http: {allow: [good.example, '" + host + "']}\n")),
                "rabt.yaml:14:1: `http.allow`: ");
  }
  expect_part(refused(added("http: {allow_private: maybe}\n")),
              "`allow_private` must be true or false");
  expect_part(refused(added("workflow_secrets: {partner: s3cr3t-value}\n")),
              "a secret is never written into the configuration");
  EXPECT_EQ(refused(added("workflow_secrets: {partner: s3cr3t-value}\n")).find("s3cr3t"),
            std::string::npos);
  expect_part(refused(added("workflow_secrets: [partner]\n")),
              "`workflow_secrets` must be a mapping");
  expect_part(refused(added("workflow_secrets: {partner: {file: a, env: B}}\n")),
              "a secret needs either `file` or `env`");
  expect_part(refused(added("workflow_secret: {}\n")),
              "unknown key `workflow_secret`; did you mean `workflow_secrets`?");
}

TEST_F(ConfigFile, TheRoleOfTheHubsOwnHttpCallsIsTaken) {
  expect_part(refused(with("roles: {video: plugin://twilio}", "roles: {http: plugin://twilio}")),
              "rabt.yaml:6:9: the role `http` is the hub's own");
}

TEST_F(ConfigFile, TheShippedConfigurationIsRead) {
  const char* source = ::getenv("RABT_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run this program through ctest";
  const auto config = load_config(std::string(source) + "/config/rabt.yaml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  for (const auto& [role, target] : config->roles) {
    if (!target.starts_with("plugin://")) continue;
    EXPECT_TRUE(config->plugin.contains(target.substr(9))) << role;
  }
  for (const std::string& workflow : config->workflows)
    EXPECT_TRUE(fs::exists(workflow)) << workflow;
}

TEST_F(ConfigFile, PlainHttpStaysOnThisMachineUnlessAProxyIsInFront) {
  const auto server = [](std::string_view members) {
    return std::string(kGood) + "server: {" + std::string(members) + "}\n";
  };
  EXPECT_TRUE(load(server("address: 127.0.0.2")).ok());
  EXPECT_TRUE(load(server("address: '::1'")).ok());
  EXPECT_TRUE(load(server("address: 0.0.0.0, plain: behind-proxy")).ok());
  EXPECT_NE(refused(server("address: 0.0.0.0")).find("without `server.tls`"), std::string::npos);
  EXPECT_NE(refused(server("plain: yes-please")).find("behind-proxy"), std::string::npos);
}

TEST_F(ConfigFile, TlsHasACertificateAndAKey) {
  const auto tls = [](std::string_view members) {
    return std::string(kGood) + "server: {address: 0.0.0.0, tls: {" + std::string(members) + "}}\n";
  };
  const auto config = load(tls("cert: tls.pem, key: tls.key, min: '1.3'"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->server.tls_certificates, folder_ + "/tls.pem");
  EXPECT_EQ(config->server.tls_key, folder_ + "/tls.key");
  EXPECT_TRUE(config->server.tls_only_1_3);
  EXPECT_NE(refused(tls("cert: tls.pem")).find("key"), std::string::npos);
  EXPECT_NE(refused(tls("cert: a, key: b, min: '1.1'")).find("1.2"), std::string::npos);
}

TEST_F(ConfigFile, ActsOfTwoPersonsAreNamedAndRolesKeptApart) {
  const auto with = [](std::string_view members) {
    return std::string(kGood) + "identity: {" + std::string(members) + "}\n";
  };
  auto config = load(with(""));
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->identity.second_person.acts,
            (std::vector<std::string>{"key.shred", "key.release", "role.assign", "factor.reset"}));
  EXPECT_TRUE(config->identity.separate_roles);
  config = load(with("two_person: {acts: [workflow.apply], within: 2h}, separation: off"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->identity.second_person.acts, std::vector<std::string>{"workflow.apply"});
  EXPECT_EQ(config->identity.second_person.within_ms, 2LL * 3600 * 1000);
  EXPECT_FALSE(config->identity.separate_roles);
  EXPECT_TRUE(load(with("two_person: {acts: []}"))->identity.second_person.acts.empty());
  EXPECT_NE(refused(with("two_person: {acts: [key.destroy]}")).find("unknown act"),
            std::string::npos);
  EXPECT_NE(refused(with("two_person: {within: 8d}")).find("within"), std::string::npos);
  EXPECT_NE(refused(with("separation: some")).find("separation"), std::string::npos);
}

TEST_F(ConfigFile, AListenerForCertificatesNeedsAnAuthorityAndTls) {
  const auto mtls = [](std::string_view tls, std::string_view members) {
    return std::string(kGood) + "server: {address: 127.0.0.2, " + std::string(tls) + "mtls: {" +
           std::string(members) + "}}\n";
  };
  const auto config =
      load(mtls("tls: {cert: a, key: b}, ", "ca: ca.pem, crl: crl.pem, port: 9443"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  ASSERT_TRUE(config->server.mtls.has_value());
  EXPECT_EQ(config->server.mtls->address, "127.0.0.2");
  EXPECT_EQ(config->server.mtls->port, 9443);
  EXPECT_EQ(config->server.mtls->authorities, folder_ + "/ca.pem");
  EXPECT_EQ(config->server.mtls->revoked, folder_ + "/crl.pem");
  EXPECT_NE(refused(mtls("tls: {cert: a, key: b}, ", "crl: crl.pem")).find("ca"),
            std::string::npos);
  EXPECT_NE(refused(mtls("", "ca: ca.pem")).find("server.tls"), std::string::npos);
}

}  // namespace
}  // namespace rabt::config::config_test

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "hub/config/config.hpp"

// `identity` of the configuration.
namespace rabt::config::config_identity_test {
namespace {

using identity::Role;
using identity::Roles;

class ConfigIdentity : public testing::Test {
 protected:
  ConfigIdentity() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-config-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
  }
  ~ConfigIdentity() override { std::filesystem::remove_all(folder_); }
  Result<Config> read(const std::string& identity) {
    std::ofstream(folder_ + "/rabt.yaml") << "tenant: t1\ndata: data\nplugins: plugins\n"
                                             "migrations: migrations\nidentity: "
                                          << identity << "\n";
    return load_config(folder_ + "/rabt.yaml");
  }
  std::string mistake(const std::string& identity) {
    const auto config = read(identity);
    return config.ok() ? "taken" : config.error().message;
  }
  // An issuer that is whole, with `more` in it.
  static std::string issuer(const std::string& more) {
    return "{issuers: {app: {kind: shared-secret, secret: {env: S}, issuer: absent, audience: "
           "absent, " +
           more + "}}}";
  }
  std::string folder_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(ConfigIdentity, AnIssuerIsReadWithItsDefaults) {
  const auto config = read(issuer("max_lifetime: 24h"));
  ASSERT_TRUE(config.ok()) << config.error().message;
  const IssuerEntry& entry = config->identity.issuers.at(0);
  EXPECT_EQ(entry.secret.env, "S");
  EXPECT_EQ(entry.options.issuer, "");
  EXPECT_EQ(entry.options.audience, "");
  EXPECT_EQ(entry.options.max_lifetime_ms, 24LL * 3600 * 1000);
  EXPECT_EQ(entry.options.subject_system, "app");
  EXPECT_EQ(entry.options.may_grant,
            (Roles{Role::doctor, Role::specialist, Role::nurse, Role::patient}));
  const auto more =
      read(issuer("claims: {subject: id, roles: groups}, role_map: {KFH-Doctors: doctor}, "
                  "may_grant: [auditor], "
                  "subject_system: emr, subject_numbers: true"));
  ASSERT_TRUE(more.ok()) << more.error().message;
  const identity::IssuerOptions& options = more->identity.issuers.at(0).options;
  EXPECT_EQ(options.subject_claim, "id");
  EXPECT_EQ(options.roles_claim, "groups");
  EXPECT_EQ(options.role_map.at("KFH-Doctors"), Role::doctor);
  EXPECT_EQ(options.may_grant, Roles{Role::auditor});
  EXPECT_TRUE(options.subject_numbers);
}

TEST_F(ConfigIdentity, KeysOfAnIssuerNeedTheirAlgorithms) {
  const auto config = read(
      "{issuers: {idp: {kind: jwks, jwks: keys.json, algs: [RS256], issuer: 'https://i', audience: "
      "rabt}}}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->identity.issuers.at(0).jwks, folder_ + "/keys.json");
  const std::string start = "{issuers: {idp: {kind: jwks, jwks: k, issuer: i, audience: a";
  EXPECT_TRUE(has(mistake(start + "}}}"), "algs"));
  EXPECT_TRUE(has(mistake(start + ", algs: [HS256]}}}"), "algs"));
  EXPECT_TRUE(has(mistake(start + ", algs: [none]}}}"), "algs"));
  EXPECT_TRUE(has(mistake(start + ", algs: [RS256], secret: {env: S}}}}"), "secret"));
}

TEST_F(ConfigIdentity, KeysMayBePublishedAtAnAddress) {
  const auto config = read(
      "{issuers: {idp: {kind: jwks, jwks: 'https://i/jwks', algs: [ES384], issuer: 'https://i', "
      "audience: rabt, stale_grace: 2d}}}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const IssuerEntry& entry = config->identity.issuers.at(0);
  EXPECT_EQ(entry.options.jwks_url, "https://i/jwks");
  EXPECT_TRUE(entry.jwks.empty());
  EXPECT_EQ(entry.options.stale_grace_ms, 2LL * 24 * 3600 * 1000);
  const std::string start = "{issuers: {idp: {kind: jwks, algs: [RS256], issuer: i, audience: a";
  EXPECT_TRUE(has(mistake(start + ", jwks: 'http://i/jwks'}}}"), "https"));
  EXPECT_TRUE(has(mistake(start + ", jwks: k, stale_grace: 8d}}}"), "stale_grace"));
}

TEST_F(ConfigIdentity, BrowsersSignInAtAnIssuerOfOpenIdConnect) {
  const std::string start =
      "{issuers: {hospital: {kind: oidc, issuer: 'https://idp', client_id: rabt, algs: [RS256]";
  const auto config = read(
      start +
      ", client_key: {file: rp.key, alg: RS384, kid: k1}, provision: true, claims: {roles: g}, "
      "role_map: {D: doctor}, may_grant: [doctor], strong_acr: [phr], tenant: {claim: org, value: "
      "kfh}, hosts: ['https://keys.example'], scope: 'openid profile', display: {en: Staff}}}}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_TRUE(config->identity.issuers.empty());
  const OidcEntry& entry = config->identity.oidc.at(0);
  EXPECT_EQ(entry.secret.file, folder_ + "/rp.key");
  EXPECT_EQ(entry.hosts, std::vector<std::string>{"https://keys.example"});
  EXPECT_EQ(entry.display, (std::map<std::string, std::string>{{"en", "Staff"}}));
  const identity::OidcOptions& options = entry.options;
  EXPECT_EQ(options.name, "hospital");
  EXPECT_EQ(options.key_algorithm, "RS384");
  EXPECT_TRUE(options.provision);
  EXPECT_EQ(options.roles_claim, "g");
  EXPECT_EQ(options.role_map.at("D"), Role::doctor);
  EXPECT_EQ(options.tenant_value, "kfh");
  EXPECT_TRUE(read(start + ", client_secret: {env: S}}}}").ok());
  EXPECT_TRUE(has(mistake(start + "}}}"), "client_secret"));
  EXPECT_TRUE(
      has(mistake(start + ", client_secret: {env: S}, client_key: {file: k}}}}"), "client_secret"));
  EXPECT_TRUE(has(mistake(start + ", client_secret: {env: S}, jwks: k}}}"), "jwks"));
  EXPECT_TRUE(has(mistake("{issuers: {h: {kind: oidc, issuer: 'http://idp', client_id: rabt, "
                          "client_secret: {env: S}, algs: [RS256]}}}"),
                  "https"));
}

TEST_F(ConfigIdentity, AddressesAreWhole) {
  EXPECT_TRUE(has(mistake("{passkeys: {origins: [rabt.example.sa]}}"), "origins as browsers"));
  EXPECT_TRUE(has(mistake("{passkeys: {origins: ['https:/x']}}"), "origins as browsers"));
  const std::string oidc =
      "{issuers: {h: {kind: oidc, client_id: rabt, algs: [ES256], client_secret: {env: S}, ";
  for (const char* const bad : {"https://", "https:/x", "id.example", "https://:8443"})
    EXPECT_TRUE(has(mistake(oidc + "issuer: '" + bad + "'}}}"), "`issuer` must be an address"))
        << bad;
  EXPECT_TRUE(has(mistake("{issuers: {h: {kind: jwks, issuer: i, audience: a, algs: [ES256], jwks: "
                          "'https://:8443/keys'}}}"),
                  "`jwks` must be an address"));
}

TEST_F(ConfigIdentity, TheHostOfPasskeysIsAHostAsBrowsersWriteIt) {
  const auto config = read("{passkeys: {host: rabt.example.sa}}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->identity.accounts.passkey_host, "rabt.example.sa");
  EXPECT_EQ(mistake("{passkeys: {host: localhost}}"), "taken");
  for (const char* const bad :
       {"https://rabt.example.sa", "rabt.example.sa:8443", "rabt.example.sa/", "Rabt.example.sa",
        "*.example.sa", ".example.sa", "rabt.example.sa.", "127.0.0.1", "[::1]", ""}) {
    EXPECT_TRUE(has(mistake("{passkeys: {host: '" + std::string(bad) + "'}}"),
                    "rabt.yaml:5:23: `host` of passkeys must be the name of a host"))
        << bad;
  }
}

TEST_F(ConfigIdentity, WhatIsForgottenOrTooMuchIsAMistake) {
  EXPECT_TRUE(has(mistake("{issuers: {a: {kind: shared-secret, secret: {env: S}}}}"), "issuer"));
  EXPECT_TRUE(
      has(mistake("{issuers: {a: {kind: shared-secret, issuer: i, audience: b}}}"), "secret"));
  EXPECT_TRUE(has(mistake("{issuers: {a: {kind: ldap, jwks: k, issuer: i, audience: b}}}"),
                  "shared-secret, jwks or oidc"));
  EXPECT_TRUE(has(mistake(issuer("max_lifetime: 25h")), "max_lifetime"));
  EXPECT_TRUE(has(mistake(issuer("max_lifetime: forever")), "max_lifetime"));
  EXPECT_TRUE(has(mistake(issuer("may_grant: [king]")), "may_grant"));
  for (const std::string role : {"admin", "security_officer"})
    EXPECT_TRUE(
        has(mistake(issuer("may_grant: [doctor, " + role + "]")), "must not hold " + role + ";"))
        << role;
  EXPECT_TRUE(has(mistake(issuer("role_map: {x: king}")), "role_map"));
  EXPECT_TRUE(has(mistake(issuer("alg: none")), "alg"));
}

TEST_F(ConfigIdentity, AccountsHaveAFloor) {
  const auto config = read(
      "{local: {password: {min: 14}, argon2: {memory_mib: 128, time: 4, lanes: 2}}, sessions: "
      "{idle: 30m, idle_in_consultation: 45m, absolute: 8h, per_person: 2}}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const identity::AccountOptions& accounts = config->identity.accounts;
  EXPECT_EQ(accounts.memory_kib, 128U * 1024);
  EXPECT_EQ(accounts.time, 4U);
  EXPECT_EQ(accounts.min_password, 14);
  EXPECT_EQ(accounts.idle_ms, 30LL * 60 * 1000);
  EXPECT_EQ(accounts.idle_in_consultation_ms, 45LL * 60 * 1000);
  EXPECT_EQ(accounts.second_factor, (Roles{Role::admin, Role::security_officer}));
  const auto asks = read("{local: {second_factor: [nurse]}}");
  ASSERT_TRUE(asks.ok()) << asks.error().message;
  EXPECT_EQ(asks->identity.accounts.second_factor, Roles{Role::nurse});
  const auto none = read("{local: {second_factor: []}}");
  ASSERT_TRUE(none.ok()) << none.error().message;
  EXPECT_TRUE(none->identity.accounts.second_factor.empty());
  EXPECT_TRUE(has(mistake("{local: {second_factor: [king]}}"), "second_factor"));
  EXPECT_TRUE(has(mistake("{sessions: {idle_in_consultation: 61m}}"), "idle_in_consultation"));
  EXPECT_EQ(accounts.absolute_ms, 8LL * 3600 * 1000);
  EXPECT_TRUE(has(mistake("{local: {argon2: {memory_mib: 18}}}"), "memory_mib"));
  EXPECT_TRUE(has(mistake("{local: {argon2: {time: 1}}}"), "time"));
  EXPECT_TRUE(has(mistake("{local: {password: {min: 7}}}"), "min"));
  EXPECT_EQ(accounts.max_password_ms, 0);
  const auto aged = read("{local: {password: {max_days: 90}}}");
  ASSERT_TRUE(aged.ok()) << aged.error().message;
  EXPECT_EQ(aged->identity.accounts.max_password_ms, 90LL * 24 * 3600 * 1000);
  EXPECT_TRUE(has(mistake("{local: {password: {max_days: 0}}}"), "max_days"));
  EXPECT_TRUE(has(mistake("{sessions: {idle: 61m}}"), "idle"));
  EXPECT_TRUE(has(mistake("{sessions: {absolute: 25h}}"), "absolute"));
}

}  // namespace
}  // namespace rabt::config::config_identity_test

#include "hub/cli/config_import.hpp"

#include <gtest/gtest.h>

namespace rabt::cli::config_import_test {
namespace {

// Configuration made from the variables TWILIO_*: both halves of the key stay in the environment,
// so that they change together.
const std::string kTwilioPart =
    "plugin:\n"
    "  twilio:\n"
    "    config:\n"
    "      account_sid: 'AC1'\n"
    "      api_key_sid:\n"
    "        env: 'TWILIO_API_KEY'\n"
    "      callback_url: 'https://hub.example.sa/hooks/twilio'\n"
    "    secrets:\n"
    "      api_key_secret:\n"
    "        env: 'TWILIO_API_SECRET'\n"
    "sources:\n"
    "  twilio:\n"
    "    scheme: 'twilio'\n"
    "    plugin: 'twilio'\n"
    "    secrets: [{env: TWILIO_AUTH_TOKEN}]\n";
const std::string kTwilioRole = "roles:\n  video: 'plugin://twilio'\n";
const std::string kBase = "server:\n  public_url: 'https://hub.example.sa'\n";

// Without the base, which stands first.
std::string yaml(std::string_view system, std::string_view env) {
  const auto imported = import_config(
      system, read_env(env),
      Json::object({{"server", Json::object({{"public_url", "https://hub.example.sa"}})}}));
  if (!imported.ok()) return imported.error().message;
  const std::string text = to_yaml(imported->config);
  EXPECT_EQ(text.substr(0, kBase.size()), kBase);
  return text.substr(kBase.size());
}

TEST(ConfigImport, ReadsAFileAsDotenvDoes) {
  const auto read =
      read_env("# comment\nA=1\nexport B=\"two words\" \nC='it # is'\nD=x # y\nE=\nno\n");
  const std::vector<std::pair<std::string, std::string>> wanted{
      {"A", "1"}, {"B", "two words"}, {"C", "it # is"}, {"D", "x"}, {"E", ""}};
  EXPECT_EQ(read, wanted);
}

TEST(ConfigImport, K60K62K63K64KiorexBecomesADoorAnIssuerAndTwilio) {
  const std::string_view env =
      "NODE_ENV=production\nPORT=3009\nDB_HOST=localhost\nREDIS_HOST=r\nJWT_SECRET=very-secret\n"
      "JWT_EXPIRES_IN=24h\nTWILIO_ACCOUNT_SID=AC1\nTWILIO_AUTH_TOKEN=t\nTWILIO_API_KEY=SK1\n"
      "TWILIO_API_SECRET=s\nTWILIO_VIDEO_SERVICE_SID=VS1\nOTHER=1\n";
  EXPECT_EQ(yaml("kiorex", env),
            "doors:\n"
            "  kiorex:\n"
            "    listen: 3009\n"
            "identity:\n"
            "  issuers:\n"
            "    kiorex:\n"
            "      kind: 'shared-secret'\n"
            "      issuer: 'absent'\n"
            "      audience: 'absent'\n"
            "      role_map:\n"
            "        provider: 'doctor'\n"
            "      secret:\n"
            "        env: 'JWT_SECRET'\n"
            "      max_lifetime: '24h'\n" +
                kTwilioPart + kTwilioRole);
  const auto imported = import_config("kiorex", read_env(env));
  std::string names;
  for (const auto& [name, why] : imported->ignored) {
    names += name + " ";
    EXPECT_FALSE(why.empty()) << name;
  }
  EXPECT_EQ(names, "NODE_ENV DB_HOST REDIS_HOST TWILIO_VIDEO_SERVICE_SID OTHER ");
}

TEST(ConfigImport, E29TheEmrBecomesAnIssuerTwilioAndItsWishToRecord) {
  const std::string_view env =
      "SECRET_KEY=hush\nDATABASE_URL=postgres://u:hush@h/emr\nTWILIO_ACCOUNT_SID=AC1\n"
      "TWILIO_AUTH_TOKEN=hush\nTWILIO_API_KEY=SK1\nTWILIO_API_SECRET=hush\n"
      "TWILIO_RECORDING_ENABLED=False\n";
  EXPECT_EQ(yaml("emr", env),
            "identity:\n"
            "  issuers:\n"
            "    emr:\n"
            "      kind: 'shared-secret'\n"
            "      issuer: 'absent'\n"
            "      audience: 'absent'\n"
            "      subject_numbers: true\n"
            "      secret:\n"
            "        env: 'SECRET_KEY'\n" +
                kTwilioPart + "video:\n  auto_record: false\n" + kTwilioRole);
}

TEST(ConfigImport, P34P35PulseoneBecomesADoorAnIssuerAndChime) {
  const std::string_view env =
      "PORT=8086\nJWT_SECRET_KEY=hush\nJWT_ALGORITHM=HS256\nDATABASE_URL=postgres://u:hush@h/v\n"
      "AWS_ACCESS_KEY_ID=AKIA1\nAWS_SECRET_ACCESS_KEY=hush\nAWS_REGION=us-east-1\n";
  EXPECT_EQ(yaml("pulseone", env),
            "doors:\n"
            "  pulseone:\n"
            "    listen: 8086\n"
            "identity:\n"
            "  issuers:\n"
            "    pulseone:\n"
            "      kind: 'shared-secret'\n"
            "      issuer: 'absent'\n"
            "      audience: 'absent'\n"
            "      role_map:\n"
            "        DOCTOR: 'doctor'\n"
            "        PATIENT: 'patient'\n"
            "      secret:\n"
            "        env: 'JWT_SECRET_KEY'\n"
            "plugin:\n"
            "  chime:\n"
            "    config:\n"
            "      access_key_id: 'AKIA1'\n"
            "      region: 'us-east-1'\n"
            "      media_region: 'us-east-1'\n"
            "    secrets:\n"
            "      secret_access_key:\n"
            "        env: 'AWS_SECRET_ACCESS_KEY'\n"
            "roles:\n"
            "  video: 'plugin://chime'\n");
}

TEST(ConfigImport, C34C35C36C37ClinicvaultNeedsNothingButTheTimeOfItsTokens) {
  const std::string_view env =
      "DATABASE_URL=sqlite:///./clinicvault.db\nSECRET_KEY=hush\nENCRYPTION_KEY=hush\n"
      "ALGORITHM=HS256\nACCESS_TOKEN_EXPIRE_MINUTES=30\n";
  EXPECT_EQ(yaml("clinicvault", env),
            "identity:\n"
            "  sessions:\n"
            "    absolute: '30m'\n");
  const auto imported = import_config("clinicvault", read_env(env));
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(imported->ignored.size(), 4U);
  for (const char* minutes : {"0", "1441", "soon"})
    EXPECT_EQ(yaml("clinicvault", std::string("ACCESS_TOKEN_EXPIRE_MINUTES=") + minutes + "\n"),
              "ACCESS_TOKEN_EXPIRE_MINUTES must be a number of minutes from 1 to 1440");
}

TEST(ConfigImport, B18SwitchesOfBrainsaitAreVideoSettings) {
  EXPECT_EQ(yaml("brainsait",
                 "HIPAA_VIDEO_CHAT_ENABLED=False\nHIPAA_VIDEO_MAX_PARTICIPANTS=12\n"
                 "HIPAA_VIDEO_RECORDING_RETENTION_DAYS=2555\n"),
            "video:\n  chat: false\n  max_participants: 12\n  recording_retention_days: 2555\n");
}

TEST(ConfigImport, B18BrainsaitRecordsUnlessItIsToldNotTo) {
  const std::string key = "HIPAA_TWILIO_API_KEY=SK1\n";
  const auto said = [&](const std::string& more) {
    const std::string text = yaml("brainsait", key + more);
    return text.substr(std::min(text.find("auto_record"), text.size()));
  };
  EXPECT_EQ(said(""), "auto_record: true\n");
  EXPECT_EQ(said("HIPAA_VIDEO_AUTO_RECORD=false\n").substr(0, 19), "auto_record: false\n");
}

TEST(ConfigImport, TheBrokerOfPulseoneIsReadFromItsUrlOrItsParts) {
  EXPECT_EQ(yaml("pulseone", "RABBITMQ_URL=amqps://pulse%40one:hush@mq.example.sa:5671/v%2Fideo\n"),
            "bus:\n"
            "  user: 'pulse@one'\n"
            "  hosts: ['mq.example.sa:5671']\n"
            "  vhost: 'v/ideo'\n"
            "  password:\n"
            "    env: 'RABBITMQ_PASSWORD'\n");
  EXPECT_EQ(yaml("pulseone", "RABBITMQ_URL=amqp://guest:hush@localhost/\n"),
            "bus:\n"
            "  user: 'guest'\n"
            "  hosts: ['localhost']\n"
            "  tls: false\n"
            "  password:\n"
            "    env: 'RABBITMQ_PASSWORD'\n");
  EXPECT_EQ(yaml("pulseone",
                 "RABBITMQ_HOST=mq\nRABBITMQ_PORT=5673\nRABBITMQ_USER=u\nRABBITMQ_PASSWORD=hush\n"
                 "RABBITMQ_EXCHANGE=other.events\n"),
            "bus:\n"
            "  hosts: ['mq:5673']\n"
            "  tls: false\n"
            "  user: 'u'\n"
            "  exchange: 'other.events'\n"
            "  password:\n"
            "    env: 'RABBITMQ_PASSWORD'\n");
  const auto imported = import_config("pulseone", {{"RABBITMQ_URL", "amqp://u:hush@h"}});
  ASSERT_TRUE(imported.ok());
  ASSERT_EQ(imported->ignored.size(), 1U);
  EXPECT_EQ(imported->ignored[0].second.find("hush"), std::string::npos);
}

TEST(ConfigImport, EachOriginOfAListIsOne) {
  const std::string wanted =
      "doors:\n  pulseone:\n    cors: ['https://a.example.sa', 'https://b.example.sa']\n";
  EXPECT_EQ(yaml("pulseone", "CORS_ORIGINS=https://a.example.sa, https://b.example.sa\n"), wanted);
  EXPECT_EQ(yaml("pulseone", R"(CORS_ORIGINS=["https://a.example.sa","https://b.example.sa"])"),
            wanted);
  EXPECT_EQ(yaml("kiorex", "CORS_ORIGIN=https://a.example.sa\n"),
            "doors:\n  kiorex:\n    cors: ['https://a.example.sa']\n");
  const auto all = import_config("kiorex", {{"CORS_ORIGIN", "*"}});
  ASSERT_TRUE(all.ok());
  EXPECT_TRUE(all->config["doors"].is_null());
  EXPECT_EQ(all->ignored.size(), 1U);
}

TEST(ConfigImport, WhatTheProviderNeedsAndNoVariableHasIsTold) {
  const auto missing = [](std::string_view system, std::string_view env) {
    const auto imported = import_config(system, read_env(env));
    return imported.ok() ? imported->missing : std::vector<std::string>{"refused"};
  };
  const std::string key = "HIPAA_TWILIO_API_KEY=SK1\nHIPAA_TWILIO_API_SECRET=s\n";
  EXPECT_EQ(missing("brainsait", key),
            std::vector<std::string>{"plugin.twilio.config.account_sid"});
  EXPECT_TRUE(missing("brainsait", key + "HIPAA_TWILIO_ACCOUNT_SID=AC1\n").empty());
  EXPECT_EQ(missing("pulseone", "AWS_REGION=me-south-1\n"),
            (std::vector<std::string>{"plugin.chime.config.access_key_id",
                                      "plugin.chime.secrets.secret_access_key"}));
  EXPECT_TRUE(missing("clinicvault", "PORT=8000\n").empty());
}

TEST(ConfigImport, AValueThatCannotBeTakenIsNamed) {
  for (const char* url : {"http://h", "amqp://", "amqp:h", "amqp://u@/v", "amqp://:p@h"})
    EXPECT_EQ(yaml("pulseone", std::string("RABBITMQ_URL=") + url + "\n").rfind("RABBITMQ_URL ", 0),
              0U)
        << url;
  EXPECT_EQ(yaml("kiorex", "PORT=many\n"), "PORT must be a whole number");
  EXPECT_EQ(yaml("brainsait", "HIPAA_VIDEO_ENABLED=perhaps\n"),
            "HIPAA_VIDEO_ENABLED must be true or false");
}

TEST(ConfigImport, E33NoSecretIsWritten) {
  for (const char* system : {"kiorex", "emr", "pulseone", "clinicvault", "brainsait"}) {
    EXPECT_EQ(yaml(system,
                   "JWT_SECRET=hush\nJWT_SECRET_KEY=hush\nSECRET_KEY=hush\n"
                   "AWS_SECRET_ACCESS_KEY=hush\nTWILIO_API_SECRET=hush\n"
                   "HIPAA_TWILIO_API_SECRET=hush\nENCRYPTION_KEY=hush\nDB_PASSWORD=hush\n"
                   "RABBITMQ_URL=amqp://u:hush@h/v\nRABBITMQ_PASSWORD=hush\n")
                  .find("hush"),
              std::string::npos)
        << system;
  }
}

}  // namespace
}  // namespace rabt::cli::config_import_test

#include "hub/cli/config_import.hpp"

#include <gtest/gtest.h>

namespace rabt::cli {
namespace {

std::string yaml(std::string_view system, std::string_view env) {
  const auto imported = import_config(system, read_env(env));
  return imported.ok() ? to_yaml(imported->config) : imported.error().message;
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
            "      max_lifetime: '24h'\n"
            "plugin:\n"
            "  twilio:\n"
            "    config:\n"
            "      account_sid: 'AC1'\n"
            "      api_key_sid: 'SK1'\n"
            "    secrets:\n"
            "      api_key_secret:\n"
            "        env: 'TWILIO_API_SECRET'\n"
            "sources:\n"
            "  twilio:\n"
            "    scheme: 'twilio'\n"
            "    plugin: 'twilio'\n"
            "    secrets: [{env: TWILIO_AUTH_TOKEN}]\n");
  const auto imported = import_config("kiorex", read_env(env));
  std::string names;
  for (const auto& [name, why] : imported->ignored) {
    names += name + " ";
    EXPECT_FALSE(why.empty()) << name;
  }
  EXPECT_EQ(names, "NODE_ENV DB_HOST REDIS_HOST TWILIO_VIDEO_SERVICE_SID OTHER ");
}

TEST(ConfigImport, B18SwitchesOfBrainsaitAreVideoSettings) {
  EXPECT_EQ(yaml("brainsait",
                 "HIPAA_VIDEO_CHAT_ENABLED=False\nHIPAA_VIDEO_MAX_PARTICIPANTS=12\n"
                 "HIPAA_VIDEO_RECORDING_RETENTION_DAYS=2555\n"),
            "video:\n  chat: false\n  max_participants: 12\n  recording_retention_days: 2555\n");
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

TEST(ConfigImport, AValueThatCannotBeTakenIsNamed) {
  for (const char* url : {"http://h", "amqp://", "amqp:h", "amqp://u@/v", "amqp://:p@h"})
    EXPECT_EQ(yaml("pulseone", std::string("RABBITMQ_URL=") + url + "\n").rfind("RABBITMQ_URL ", 0),
              0U)
        << url;
  EXPECT_EQ(yaml("kiorex", "PORT=many\n"), "PORT must be a whole number");
  EXPECT_EQ(yaml("brainsait", "HIPAA_VIDEO_ENABLED=perhaps\n"),
            "HIPAA_VIDEO_ENABLED must be true or false");
}

TEST(ConfigImport, NoSecretIsWritten) {
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
}  // namespace rabt::cli

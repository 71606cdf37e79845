#include <cstdlib>
#include <filesystem>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/identity/api_token.hpp"
#include "tests/acceptance/hospital.hpp"
#include "tools/demo/booking.hpp"
#include "tools/demo/child_process.hpp"

// Configurations that `rabt config import` makes from the settings of each of the five systems,
// started unchanged: only paths of this machine are replaced.
namespace rabt::acceptance::imported_test {
namespace {

// Set in the environment of the hub as long as this object lives.
class Variables {
 public:
  explicit Variables(std::vector<std::pair<std::string, std::string>> all) : all_(std::move(all)) {
    for (const auto& [name, value] : all_) ::setenv(name.c_str(), value.c_str(), 1);  // NOLINT
  }
  ~Variables() {
    for (const auto& [name, value] : all_) ::unsetenv(name.c_str());  // NOLINT
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;
  [[nodiscard]] std::string file() const {
    std::string text;
    for (const auto& [name, value] : all_) text.append(name).append("=").append(value).append("\n");
    return text;
  }

 private:
  const std::vector<std::pair<std::string, std::string>> all_;
};

void put(std::string& text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  ASSERT_NE(at, std::string::npos) << what << " is not in:\n" << text;
  text.replace(at, what.size(), with);
}

class Imported : public testing::Test {
 protected:
  // The file that the command prints, with this machine's folders, port and stand-in.
  void import(const std::string& system, const Variables& variables) {
    site_.start_sandbox(
        Json::object({{"chime", Json::object({{"access_key_id", demo::kDemoChimeKey},
                                              {"secret_access_key", demo::kDemoChimeSecret},
                                              {"region", "us-east-1"}})}}));
    const std::string env = site_.folder() / "old.env";
    file_ = site_.folder() / "imported.yaml";
    e2e::write_file(env, variables.file());
    const e2e::Finished done =
        e2e::run({"/bin/sh", "-c",
                  "'" + e2e::program("rabt") + "' config import --from " + system +
                      " --tenant hospital-of-" + system + " --public-url " + site_.url() + " '" +
                      env + "' > '" + file_ + "'"});
    ASSERT_EQ(done.code, 0) << done.said;
    std::string text = e2e::read_file(file_);
    put(text, "address: '0.0.0.0'", "address: '127.0.0.1'");
    put(text, "port: 8480", "port: " + std::to_string(site_.config.port));
    put(text, "/var/lib/rabt/data", site_.config.data);
    put(text, "/var/lib/rabt/plugins", e2e::build_dir() + "/plugins");
    put(text, "/usr/local/share/rabt/migrations", e2e::source_dir() + "/migrations");
    const auto stands_in = [&](const std::string& plugin, const std::string& key) {
      const std::string begin = "  " + plugin + ":\n    config:\n";
      if (text.find(begin) == std::string::npos) return;
      const std::string url = site_.config.stand_in(plugin.c_str());
      put(text, begin,
          "  " + plugin + ":\n    hosts: ['" + url + "']\n    config:\n      " + key + ": '" + url +
              "'\n");
    };
    stands_in("twilio", "base_url");
    stands_in("chime", "meetings_url");
    e2e::write_file(file_, text);
  }
  void start() {
    const std::string ready = site_.folder() / "imported.ready";
    const auto started = hub_.start({e2e::program("rabt"), "serve", "--config", file_, "--dev",
                                     "--ready-file", ready, "--die-with-parent"},
                                    site_.folder() / "imported.out");
    ASSERT_TRUE(started.ok()) << started.error().message;
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(ready) || !hub_.running(); }));
    ASSERT_TRUE(hub_.running()) << e2e::read_file(site_.folder() / "imported.out");
    const auto token = identity::read_api_token(site_.config.data);
    ASSERT_TRUE(token.ok()) << token.error().message;
    token_ = *token;
  }
  Json call(const std::string& method, const std::string& path, const Json& body,
            const std::string& actor = {}, int wanted = 200) {
    std::vector<std::pair<std::string, std::string>> headers{{"Authorization", "Bearer " + token_}};
    if (!actor.empty()) headers.emplace_back("X-Rabt-Actor", actor);
    if (!body.is_null()) headers.emplace_back("Content-Type", "application/json");
    const net::Response answer =
        site_.send(method, path, std::move(headers), body.is_null() ? "" : body.dump());
    EXPECT_EQ(answer.status, wanted) << method << " " << path << ": " << answer.body;
    const auto parsed = Json::parse(answer.body);
    return parsed.ok() ? *parsed : Json();
  }
  // A doctor and a patient meet.
  void meet(const std::string& provider) {
    const std::string doctor =
        call("POST", "/api/v1/providers",
             Json::object({{"name", "Dr. Sara Alharbi"}, {"licenceNumber", "DOC-2024-001"}}), {},
             201)
            .string_or("id", "");
    const Json person = call("POST", "/api/v1/patients",
                             Json::object({{"name", "Noura"}, {"gender", "female"}}), {}, 201);
    const std::string patient = person.string_or("id", "");
    const Json item = call("POST", "/api/v1/sessions",
                           Json::object({{"type", "doctor_patient"},
                                         {"provider", doctor},
                                         {"patient", patient},
                                         {"waitingRoom", false}}),
                           {}, 201);
    EXPECT_EQ(item["warnings"].size(), 0U) << item.dump();
    const std::string at = "/api/v1/sessions/" + item.string_or("id", "");
    for (const std::string& who : {doctor, patient}) {
      const Json in = call("POST", at + "/join", Json::object(), who);
      EXPECT_EQ(in["tokenUse"], Json("media")) << in.dump();
      EXPECT_EQ(in["media"]["provider"], Json(provider)) << in.dump();
      EXPECT_NE(in["media"].string_or("token", ""), "") << in.dump();
    }
    (void)call("POST", at + "/start", Json::object(), doctor);
    const Json over = call("POST", at + "/end", Json::object(), doctor);
    EXPECT_EQ(over["status"], Json("completed")) << over.dump();
  }
  // Tokens that the old system signs.
  int with_token(const std::string& path, const std::string& secret, const std::string& role) {
    const std::int64_t now = SystemClock().now().ms / 1000;
    const Json claims =
        Json::object({{"sub", "1"}, {"role", role}, {"iat", now}, {"exp", now + 600}});
    const auto token =
        crypto::sign_jwt(as_bytes(secret), "HS256", R"({"typ":"JWT"})", claims.dump());
    EXPECT_TRUE(token.ok());
    return site_.send("GET", path, {{"Authorization", "Bearer " + *token}}).status;
  }
  static std::vector<std::pair<std::string, std::string>> twilio(const std::string& prefix) {
    return {{prefix + "ACCOUNT_SID", std::string(demo::kDemoAccount)},
            {prefix + "AUTH_TOKEN", std::string(demo::kDemoAuthToken)},
            {prefix + "API_KEY", std::string(demo::kDemoApiKey)},
            {prefix + "API_SECRET", std::string(demo::kDemoApiKeySecret)}};
  }
  static Variables with(std::vector<std::pair<std::string, std::string>> first,
                        const std::vector<std::pair<std::string, std::string>>& more) {
    first.insert(first.end(), more.begin(), more.end());
    return Variables(std::move(first));
  }

  static constexpr const char* kSecret = "kq3Yw0bTzR8uN5vXc1LmPd7hJg2sFa9E";
  e2e::Site site_{e2e::Kind::whole};
  std::string file_;
  std::string token_;
  demo::ChildProcess hub_;
};

TEST_F(Imported, K60K63K64KiorexServesAVideoSession) {
  const Variables variables = with(twilio("TWILIO_"), {{"NODE_ENV", "production"},
                                                       {"PORT", "0"},
                                                       {"DB_HOST", "localhost"},
                                                       {"JWT_SECRET", kSecret},
                                                       {"JWT_EXPIRES_IN", "24h"}});
  ASSERT_NO_FATAL_FAILURE(import("kiorex", variables));
  ASSERT_NO_FATAL_FAILURE(start());
  meet("plugin://twilio");
  EXPECT_EQ(site_.effects("room.created"), 1);
  EXPECT_EQ(with_token("/video/sessions", kSecret, "provider"), 200);
  EXPECT_EQ(with_token("/video/sessions", "Zt6Qe1Wn8Vb3Ru5Yk9Pm2Ls7Hd4Gf0Xc", "provider"), 401);
}

TEST_F(Imported, E29TheEmrServesAVideoSession) {
  const Variables variables =
      with(twilio("TWILIO_"), {{"SECRET_KEY", kSecret}, {"TWILIO_RECORDING_ENABLED", "False"}});
  ASSERT_NO_FATAL_FAILURE(import("emr", variables));
  ASSERT_NO_FATAL_FAILURE(start());
  meet("plugin://twilio");
  EXPECT_EQ(site_.effects("room.created"), 1);
  EXPECT_EQ(with_token("/api/v1/telemedicine/", kSecret, "doctor"), 200);
}

TEST_F(Imported, P34P35PulseoneServesAVideoSession) {
  const Variables variables({{"PORT", "0"},
                             {"JWT_SECRET_KEY", kSecret},
                             {"AWS_ACCESS_KEY_ID", std::string(demo::kDemoChimeKey)},
                             {"AWS_SECRET_ACCESS_KEY", std::string(demo::kDemoChimeSecret)},
                             {"AWS_REGION", "us-east-1"}});
  ASSERT_NO_FATAL_FAILURE(import("pulseone", variables));
  ASSERT_NO_FATAL_FAILURE(start());
  meet("plugin://chime");
  EXPECT_EQ(with_token("/api/video/sessions", kSecret, "DOCTOR"), 200);
}

TEST_F(Imported, C34C37ClinicvaultServesAVideoSession) {
  const Variables variables({{"DATABASE_URL", "sqlite:///./clinicvault.db"},
                             {"SECRET_KEY", kSecret},
                             {"ACCESS_TOKEN_EXPIRE_MINUTES", "30"}});
  ASSERT_NO_FATAL_FAILURE(import("clinicvault", variables));
  ASSERT_NO_FATAL_FAILURE(start());
  meet("hub://p2p");
}

TEST_F(Imported, B17B18BrainsaitServesAVideoSessionWithBothHalvesOfItsKeyFromTheEnvironment) {
  ASSERT_NO_FATAL_FAILURE(import("brainsait", Variables(twilio("HIPAA_TWILIO_"))));
  const std::string text = e2e::read_file(file_);
  for (const std::string_view secret : {demo::kDemoApiKey, demo::kDemoApiKeySecret})
    EXPECT_EQ(text.find(secret), std::string::npos) << text;
  const auto check = [&] {
    return e2e::run({e2e::program("rabt"), "config", "check", "--dev", "--config", file_});
  };
  const auto misses = [&](const char* variable) {
    const e2e::Finished done = check();
    EXPECT_EQ(done.code, 2) << done.said;
    EXPECT_NE(done.said.find(std::string("the environment variable ") + variable + " is not set"),
              std::string::npos)
        << done.said;
  };
  misses("HIPAA_TWILIO_API_SECRET");
  {
    const Variables half({{"HIPAA_TWILIO_API_SECRET", std::string(demo::kDemoApiKeySecret)},
                          {"HIPAA_TWILIO_AUTH_TOKEN", std::string(demo::kDemoAuthToken)}});
    misses("HIPAA_TWILIO_API_KEY");
  }
  const Variables variables(twilio("HIPAA_TWILIO_"));
  const e2e::Finished good = check();
  EXPECT_EQ(good.code, 0) << good.said;
  ASSERT_NO_FATAL_FAILURE(start());
  meet("plugin://twilio");
  EXPECT_EQ(site_.effects("room.created"), 1);
}

}  // namespace
}  // namespace rabt::acceptance::imported_test

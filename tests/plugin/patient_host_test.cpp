#include <gtest/gtest.h>

#include "hub/plugin/package/marked_places.hpp"
#include "hub/schema/schema.hpp"
#include "support.hpp"

// Hosts to which a plugin may send data of a call with patient data.
namespace rabt::plugin::test::patient_host_test {
namespace {

class PatientHosts : public BothWays {
 protected:
  Status load(const std::optional<std::vector<std::string>>& operators = std::nullopt) {
    PluginConfig config = hub_.config("courier");
    config.config = Json::object({{"base_url", base_.url()}, {"other_url", other_.url()}});
    config.secrets["token"] =
        std::make_shared<SecretBytes>(std::string_view("s3cret-of-the-courier"));
    config.allow_private_addresses = true;
    config.patient_hosts = operators;
    RABT_TRY_STATUS(hub_.host->load(std::move(config)));
    return hub_.host->bind_role("courier", "plugin://courier");
  }
  // Answer that the plugin got: "200", or the error's code.
  std::string carry(Json arguments) {
    const auto outcome = hub_.call("courier", "carry", std::move(arguments));
    EXPECT_EQ(outcome.kind, workflow::OutcomeKind::done) << outcome.message;
    const std::string error = outcome.output.string_or("error", "");
    return error.empty() ? std::to_string(outcome.output.int_or("status", 0)) : error;
  }
  std::vector<Json> acts() {
    std::vector<Json> out;
    const store::Statement all{"SELECT canonical FROM audit WHERE act = 'plugin.withheld'"};
    EXPECT_TRUE(hub_.store
                    ->read([&](store::Connection& connection) {
                      return connection.query(all, {}, [&](const store::Row& row) {
                        auto entry = Json::parse(row.blob(0));
                        EXPECT_TRUE(entry.ok());
                        if (entry.ok()) out.push_back(std::move(entry).value());
                        return true;
                      });
                    })
                    .ok());
    return out;
  }
  static Json patient(const char* to) {
    return Json::object({{"to", to}, {"patient", "Layla Canary"}});
  }
  Hub hub_;
  TinyServer base_{TinyServer::Mode::answer, R"({"access_token":"abcdef"})"};
  TinyServer other_{TinyServer::Mode::answer, R"({"access_token":"abcdef"})"};
};
RABT_BOTH_WAYS(PatientHosts);

TEST_P(PatientHosts, ACallWithPatientDataReachesOnlyThoseOfTheManifest) {
  ASSERT_TRUE(load().ok());
  EXPECT_EQ(carry(patient("base")), "200");
  EXPECT_EQ(carry(patient("other")), "not_allowed");
  EXPECT_EQ(other_.last_request(), "");
  EXPECT_EQ(hub_.violations("courier", "patient_data"), 1U);
  EXPECT_TRUE(eventually([&] { return acts().size() == 1; }));
  const Json act = acts().front();
  EXPECT_EQ(act.string_or("object", ""), "plugin:courier");
  EXPECT_EQ(act.string_or("result", ""), "plugin.patient_host");
  EXPECT_EQ(act["detail"].string_or("host", ""), "127.0.0.1");
  EXPECT_EQ(act["detail"].string_or("instance", ""), "01JTEST");
  EXPECT_EQ(act.dump().find("Layla"), std::string::npos);
}

TEST_P(PatientHosts, ACallWithoutReachesAll) {
  ASSERT_TRUE(load().ok());
  EXPECT_EQ(carry(Json::object({{"to", "other"}})), "200");
  // The trace is one for all that is done for a patient: it goes where patient data may go.
  EXPECT_EQ(other_.last_request().find("traceparent"), std::string::npos);
  EXPECT_EQ(carry(Json::object({{"to", "base"}})), "200");
  EXPECT_NE(base_.last_request().find("traceparent: 00-"), std::string::npos);
  EXPECT_EQ(carry(Json::object({{"to", "other"}, {"patient", ""}})), "200");
  EXPECT_EQ(carry(Json::object({{"to", "other"}, {"contacts", Json::array()}})), "200");
  EXPECT_TRUE(acts().empty());
}

TEST_P(PatientHosts, AMarkThatNoNameTellsCountsAsWell) {
  ASSERT_TRUE(load().ok());
  Json contacts = Json::array();
  contacts.push_back(Json::object({{"mother", "Canary"}}));
  EXPECT_EQ(carry(Json::object({{"to", "other"}, {"contacts", contacts}})), "not_allowed");
}

TEST_P(PatientHosts, ARequestOfNoCallIsHeldBackOnceThereWerePatientData) {
  ASSERT_TRUE(load().ok());
  const Json background = Json::object({{"to", "other"}, {"background", true}});
  EXPECT_EQ(carry(background), "200");
  EXPECT_EQ(carry(patient("base")), "200");
  EXPECT_EQ(carry(background), "not_allowed");
}

TEST_P(PatientHosts, TheOperatorDecidesInPlaceOfTheManifest) {
  ASSERT_TRUE(load({{"${config:/base_url}", "${config:/other_url}"}}).ok());
  EXPECT_EQ(carry(patient("other")), "200");
}

TEST_P(PatientHosts, TheOperatorMayAllowNone) {
  ASSERT_TRUE(load(std::vector<std::string>{}).ok());
  EXPECT_EQ(carry(patient("base")), "not_allowed");
  EXPECT_EQ(carry(Json::object({{"to", "base"}, {"note", "n"}})), "200");
}

TEST_P(PatientHosts, AHostThatItMayNotReachIsAMistake) {
  const Status loaded = load({{"https://elsewhere.example"}});
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, "plugin.config");
  EXPECT_NE(loaded.error().message.find("https://elsewhere.example"), std::string::npos);
}

TEST(MarkedPlaces, AreFoundWhereverTheSchemaPutsThem) {
  const auto places = [](const char* schema) {
    return Schema::compile(Json::parse(schema).value()).value().phi_places();
  };
  const auto holds = [&](const char* schema, const char* value) {
    return holds_marked(Json::parse(value).value(), places(schema), {});
  };
  EXPECT_TRUE(holds(R"({"x-phi":true})", R"({"a":1})"));
  EXPECT_FALSE(holds(R"({"x-phi":true})", "{}"));
  const char* nested =
      R"({"properties":{"a":{"items":{"properties":{"b/c":{"x-phi":true}}}},"d":{}}})";
  EXPECT_TRUE(holds(nested, R"({"a":[{},{"b/c":"x"}]})"));
  EXPECT_FALSE(holds(nested, R"({"a":[{"b":"x"}],"d":{"b/c":"x"}})"));
  EXPECT_FALSE(holds(nested, R"({"a":[{"b/c":null}]})"));
  EXPECT_TRUE(holds(R"({"patternProperties":{"^x":{"x-phi":true}}})", R"({"y":false})"))
      << "rather too much than too little";
  EXPECT_TRUE(holds_marked(Json::parse(R"({"deep":[{"name":"x"}]})").value(), {}, {"name"}));
}

}  // namespace
}  // namespace rabt::plugin::test::patient_host_test

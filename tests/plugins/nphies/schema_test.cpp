#include <array>
#include <memory>
#include <stdexcept>

#include "gateway.hpp"
#include "hub/base/json.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "hub/schema/schema.hpp"

// The manifest and its schemas as the hub reads them, against what the plugin takes and gives.
namespace rabt::nphies::testing::schema_test {
namespace {

class NphiesSchemas : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* source = std::getenv("RABT_SOURCE_DIR");
    if (source == nullptr) GTEST_SKIP() << "RABT_SOURCE_DIR is not set";
    auto package = plugin::read_package(std::string(source) + "/plugins/nphies");
    ASSERT_TRUE(package.ok()) << package.error().message;
    package_ = std::make_unique<plugin::Package>(std::move(package).value());
  }
  static std::string fault(const Schema& schema, const std::string& text) {
    const auto value = rabt::Json::parse(text);
    if (!value.ok()) return value.error().message;
    const auto found = schema.check(*value);
    return found ? found->instance_path + " " + found->message : "";
  }
  const plugin::CompiledAction& action(const std::string& name) const {
    for (const auto& entry : package_->actions) {
      if (entry.spec.name == name) return entry;
    }
    throw std::runtime_error("no action " + name);
  }
  std::string input_fault(const std::string& name, const Json& input) const {
    return fault(action(name).input, write_json(input));
  }
  std::string output_fault(const std::string& name, const sdk::Outcome& outcome) const {
    return outcome.kind == sdk::Kind::done ? fault(action(name).output, outcome.output)
                                           : outcome.code;
  }

  std::unique_ptr<plugin::Package> package_;
};

TEST_F(NphiesSchemas, TheManifestNamesWhatTheLibraryIs) {
  EXPECT_EQ(package_->manifest.id, rabt_plugin_entry.id);
  EXPECT_EQ(package_->manifest.version, rabt_plugin_entry.version);
  EXPECT_EQ(package_->actions.size(), 5U);
  for (const auto& entry : package_->actions) EXPECT_EQ(entry.spec.idempotency, "key");
  for (const char* name :
       {"name", "birthDate", "memberId", "diagnoses", "notes", "vitals", "chiefComplaint"}) {
    EXPECT_EQ(package_->phi_names.count(name), 1U) << name;
  }
  EXPECT_EQ(fault(package_->config, kConfig), "");
}

TEST_F(NphiesSchemas, TheTimelineShowsThatAPayerWasAssumed) {
  const phi::Vocabulary words;
  const rabt::Json answer =
      rabt::Json::object({{"assumed", rabt::Json::array({"payer", "Layla"})}});
  for (const char* name : {"check-eligibility", "submit-claim"}) {
    EXPECT_EQ(action(name).coded.read(answer, words).dump(), R"({"assumed":["payer"]})") << name;
  }
}

TEST_F(NphiesSchemas, InputsOfTheTestsHoldAndNullsAreAllowedWhereOptional) {
  EXPECT_EQ(input_fault("check-eligibility", eligibility_input()), "");
  EXPECT_EQ(input_fault("submit-claim", claim_input()), "");
  Json sparse = claim_input();
  for (const char* name :
       {"preAuthRef", "priorAuthResponse", "vitals", "services", "practitioner", "priority"}) {
    sparse[name] = nullptr;
  }
  sparse["patient"]["occupation"] = nullptr;
  sparse["coverage"]["class"] = nullptr;
  sparse["encounter"]["start"] = 1773122400;
  EXPECT_EQ(input_fault("submit-claim", sparse), "");
  Json wrong = claim_input();
  wrong["patient"]["nmae"] = "x";
  EXPECT_NE(input_fault("submit-claim", wrong), "");
}

TEST_F(NphiesSchemas, OutputsHold) {
  NphiesHost host;
  int key = 0;
  const auto next = [&key] { return "k" + std::to_string(++key); };
  Identifier claim;
  for (const auto& [outcome, adjudication, error] :
       std::vector<std::array<std::string, 3>>{{"queued", "", ""},
                                               {"complete", "approved", ""},
                                               {"partial", "partial", ""},
                                               {"error", "", "BV-00752"}}) {
    host.outside = [&](const Request& sent) {
      return answered(sent, "claim-response", [&](const Identifier& id) {
        claim = id;
        return claim_response(id, outcome, adjudication, error);
      });
    };
    EXPECT_EQ(output_fault("submit-claim", host.call("submit-claim", claim_input(), next())), "")
        << outcome;
  }
  Json poll = Json::object();
  poll["claim"] = to_json(claim);
  EXPECT_EQ(output_fault("poll-claim", host.call("poll-claim", poll, next())), "");
  EXPECT_EQ(input_fault("poll-claim", poll), "");

  const auto folder = conformance_folder("nphies/synthetic");
  if (folder.empty() || !std::filesystem::exists(folder))
    GTEST_SKIP() << "RABT_CONFORMANCE_DATA has no NPHIES messages";
  for (const auto& [name, file] : std::vector<std::pair<std::string, std::string>>{
           {"check-eligibility", "eligibility-response-complete.json"},
           {"check-eligibility", "eligibility-response-not-inforce.json"},
           {"check-eligibility", "eligibility-response-error-1658.json"},
           {"cancel-claim", "cancel-response.json"},
           {"cancel-claim", "cancel-response-failed.json"},
           {"status-check", "status-response.json"}}) {
    // The recorded answer, put about the request at hand.
    host.outside = [&](const Request& sent) {
      const Json request = parse_json(sent.body);
      Json answer = parse_json(read_file(folder / file));
      Json& focus = answer["entry"][1]["resource"];
      if (focus.contains("request"))
        focus["request"]["identifier"] = request["entry"][1]["resource"]["identifier"][0];
      if (focus.contains("focus"))
        focus["focus"]["identifier"] = request["entry"][1]["resource"]["focus"]["identifier"];
      return Answer{RABT_SENT_YES, 200, write_json(answer), "[]", ""};
    };
    Json input = name == "check-eligibility" ? eligibility_input() : poll;
    if (name == "cancel-claim") input["reason"] = "NP";
    EXPECT_EQ(input_fault(name, input), "") << name;
    EXPECT_EQ(output_fault(name, host.call(name, input, next())), "") << file;
  }
}

}  // namespace
}  // namespace rabt::nphies::testing::schema_test

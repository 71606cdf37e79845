#include "hub/assembly/code_maps.hpp"

#include "hub/assembly/manifest_catalog.hpp"
#include "hub/mapping/limits.hpp"
#include "tests/assembly/whole_hub.hpp"
#include "tests/eventually.hpp"

// Code maps of a hub: how they are read, looked up by workflows, and noted when they change.
namespace rabt::assembly::code_maps_test {
namespace {

class CodeMaps : public WholeHub {
 protected:
  void SetUp() override {
    WholeHub::SetUp();
    config_.maps = (folder_ / "maps").string();
    fs::create_directories(config_.maps);
    config_.roles = {{"map", "hub://map"}};
    put("maps/sex.csv", "code,gender\nM,male\nF,female\n");
    put("coded.yaml",
        "document: {dsl: '1.0.3', namespace: t, name: coded, version: '1.0.0'}\n"
        "do:\n"
        "  - find: {call: 'lookup:1.0.0@map', with: {map: sex, code: '${ .code }'}}\n");
    config_.workflows = {(folder_ / "coded.yaml").string()};
  }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  void stop() {
    hub_->stop(0);
    hub_.reset();
  }
  // An instance that looks this code up, and has come to its end.
  Json ended(const std::string& code) {
    const Answer answer = call("operator", "POST", "/api/v1/instances",
                               Json::object({{"workflow", "coded"},
                                             {"reason", "a test"},
                                             {"input", Json::object({{"code", code}})}}));
    EXPECT_EQ(answer.status, 201) << answer.json.dump();
    Json out;
    const std::string id = answer.json.string_or("id", "");
    EXPECT_TRUE(test::eventually([&] {
      out = read(id);
      const std::string status = out.string_or("status", "");
      return status == "completed" || status == "faulted";
    })) << out.dump();
    return out;
  }
  Json read(const std::string& id, const std::string& query = "") {
    return call("operator", "GET", "/api/v1/instances/" + id + query).json;
  }
  // Entries about maps: "map.changed map:sex was".
  std::vector<std::string> noted() {
    std::vector<std::string> out;
    constexpr store::Statement kAll{
        "SELECT canonical FROM audit WHERE act IN ('map.changed', 'map.removed') ORDER BY seq"};
    const Status read = hub_->store().read([&](store::Connection& connection) {
      return connection.query(kAll, {}, [&](const store::Row& row) {
        const auto entry = Json::parse(row.blob(0));
        if (!entry.ok()) return false;
        const Json& detail = (*entry)["detail"];
        out.push_back(entry->string_or("act", "") + " " + entry->string_or("object", "") +
                      (detail["was"].is_string() ? " was" : "") +
                      (detail["sha256"].is_string() ? " is" : ""));
        return true;
      });
    });
    EXPECT_TRUE(read.ok());
    return out;
  }
  std::string fault() const {
    const auto read = read_code_maps(config_);
    return read.ok() ? "" : read.error().code + ": " + read.error().message;
  }
  using Lines = std::vector<std::string>;
};

TEST_F(CodeMaps, TheAnswerStaysInTheJournalWhenTheFileChanges) {
  start();
  const Json first = ended("M");
  EXPECT_EQ(first.string_or("status", ""), "completed");
  const Json codes = first["timeline"][0]["codes"];
  EXPECT_EQ(codes.string_or("map", ""), "sex") << first.dump();
  EXPECT_EQ(codes.string_or("sha256", "").size(), 16U);
  stop();

  put("maps/sex.csv", "code,gender\nM,man\n");
  start();
  more_ = {{"X-Rabt-Reason", "a test"}};
  const std::string id = first.string_or("id", "");
  EXPECT_EQ(read(id, "?data=true")["output"].string_or("value", ""), "male");
  EXPECT_EQ(read(id)["timeline"][0]["codes"], codes) << "the version of then";
  const Json second = ended("M");
  EXPECT_EQ(read(second.string_or("id", ""), "?data=true")["output"].string_or("value", ""), "man");
  EXPECT_NE(second["timeline"][0]["codes"], codes);
}

TEST_F(CodeMaps, AnUnknownCodeFaultsTheInstanceAndNamesTheMapAlone) {
  start();
  const Json item = ended("CANARY-77");
  EXPECT_EQ(item.string_or("status", ""), "faulted");
  EXPECT_EQ(item["timeline"][0]["failure"].string_or("code", ""), "map.unknown_code")
      << item.dump();
  EXPECT_NE(item.dump().find("`sex`"), std::string::npos) << item.dump();
  EXPECT_EQ(item.dump().find("CANARY-77"), std::string::npos);
}

TEST_F(CodeMaps, AStartNotesWhatItServesOtherThanTheLastOne) {
  start();
  EXPECT_EQ(noted(), Lines{"map.changed map:sex is"});
  stop();
  start();
  EXPECT_EQ(noted().size(), 1U) << "nothing has changed";
  stop();
  put("maps/sex.csv", "code,gender\nM,man\n");
  put("maps/ward.csv", "code,name\n1,North\n");
  start();
  EXPECT_EQ(noted(), (Lines{"map.changed map:sex is", "map.changed map:sex was is",
                            "map.changed map:ward is"}));
  stop();
  fs::remove(folder_ / "maps/ward.csv");
  start();
  EXPECT_EQ(noted().back(), "map.removed map:ward was");
}

// A start that fails serves nothing.
TEST_F(CodeMaps, AStartThatAnUnknownMapStopsNotesNothing) {
  put("coded.yaml",
      "document: {dsl: '1.0.3', namespace: t, name: coded, version: '1.0.0'}\n"
      "do:\n"
      "  - find: {call: 'lookup:1.0.0@map', with: {map: sexes, code: M}}\n");
  const auto hub = Hub::start(config_, clock_, log_, phi::strict_policy());
  ASSERT_FALSE(hub.ok());
  EXPECT_NE(hub.error().message.find("coded.yaml:3:"), std::string::npos) << hub.error().message;
  EXPECT_NE(hub.error().message.find("`map` must be one of sex"), std::string::npos)
      << hub.error().message;
  put("coded.yaml",
      "document: {dsl: '1.0.3', namespace: t, name: coded, version: '1.0.0'}\n"
      "do:\n"
      "  - find: {call: 'lookup:1.0.0@map', with: {map: sex, code: M}}\n");
  start();
  EXPECT_EQ(noted(), Lines{"map.changed map:sex is"});
}

TEST_F(CodeMaps, AMistakeNamesTheFile) {
  EXPECT_EQ(fault(), "");
  put("maps/ward.csv", "code\n1\n");
  EXPECT_NE(fault().find("mapping.map: maps: " + config_.maps + "/ward.csv: "), std::string::npos)
      << fault();
  fs::remove(folder_ / "maps/ward.csv");
  put("maps/Ward 1.csv", "code,name\n1,North\n");
  EXPECT_EQ(fault().substr(0, 12), "config.maps:");
  fs::remove(folder_ / "maps/Ward 1.csv");
  put("maps/README.md", "no map\n");
  EXPECT_EQ(fault(), "");
  fs::remove(folder_ / "maps/sex.csv");
  EXPECT_NE(fault().find("has no code map"), std::string::npos) << fault();
  config_.maps.clear();
  EXPECT_NE(fault().find("role map is hub://map"), std::string::npos) << fault();
  config_.maps = (folder_ / "none").string();
  EXPECT_EQ(fault().substr(0, 11), "mapping.io:");
}

TEST_F(CodeMaps, AHubHasAsManyAsTheLimit) {
  for (std::size_t i = 1; i < limits::kMaxCodeMaps; ++i)
    put("maps/m" + std::to_string(i) + ".csv", "code,name\n1,North\n");
  EXPECT_EQ(fault(), "");
  put("maps/more.csv", "code,name\n1,North\n");
  EXPECT_EQ(fault().substr(0, 12), "config.maps:");
}

TEST_F(CodeMaps, TheCatalogAnswersLookUpsAndNothingElse) {
  config_.roles.emplace("task", "hub://task");
  const auto catalog = ManifestCatalog::make(config_);
  ASSERT_TRUE(catalog.ok()) << catalog.error().message;
  const auto answer = [&](const char* role, const char* action) {
    workflow::CallAction call;
    call.role = role;
    call.action = action;
    call.version = "1.0.0";
    call.arguments = Json::object({{"map", "sex"}, {"code", "F"}});
    return catalog->answer(call);
  };
  for (const char* role : {"map", "hub://map"}) {
    const auto found = answer(role, "lookup");
    ASSERT_TRUE(found.has_value()) << role;
    EXPECT_EQ(found->output.string_or("value", ""), "female");
  }
  EXPECT_FALSE(answer("map", "other"));
  EXPECT_FALSE(answer("task", "get"));
}

}  // namespace
}  // namespace rabt::assembly::code_maps_test

#include "hub/plugin/package/capability.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "hub/plugin/package/manifest.hpp"
#include "hub/plugin/package/schema_subset.hpp"
#include "hub/schema/schema.hpp"
#include "hub/workflow/definition.hpp"

namespace rabt::plugin::capability_test {
namespace {

namespace fs = std::filesystem;

std::string source_dir() {
  const char* const dir = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  return dir == nullptr ? "." : dir;
}

TEST(Capabilities, AreThoseOfTheSixRolesAndCompile) {
  std::set<std::string> roles;
  for (const RoleContract& role : role_contracts()) {
    roles.insert(role.id());
    std::vector<std::string> ids = role.required;
    ids.insert(ids.end(), role.optional.begin(), role.optional.end());
    EXPECT_FALSE(role.required.empty()) << role.id();
    for (const std::string& id : ids) EXPECT_NE(find_capability(id), nullptr) << id;
  }
  EXPECT_EQ(roles, (std::set<std::string>{"asr/1", "ehr/1", "identity/1", "moh/1", "notify/1",
                                          "payer/1", "video/1"}));
  std::set<std::string> listed;
  for (const RoleContract& role : role_contracts()) {
    for (const auto* list : {&role.required, &role.optional})
      listed.insert(list->begin(), list->end());
  }
  for (const Capability& capability : capabilities()) {
    EXPECT_TRUE(listed.contains(capability.id)) << capability.id << " stands in no index";
    EXPECT_TRUE(Schema::compile(capability.input).ok()) << capability.id;
    EXPECT_TRUE(Schema::compile(capability.output).ok()) << capability.id;
    // Each is comparable: an action with the very same schemas is compatible.
    ActionSpec same;
    same.name = "same";
    same.version = "1.0.0";
    same.idempotency = capability.idempotency.front();
    same.channel = capability.channel;
    same.input_schema = capability.input;
    same.output_schema = capability.output;
    EXPECT_EQ(capability_fault(same, capability), "") << capability.id;
  }
  for (const EventContract& event : event_contracts())
    EXPECT_EQ(event_fault(event.data, event), "") << event.type;
}

TEST(Capabilities, NoNameOfAVendorStandsInOne) {
  const std::set<std::string> vendors{"twilio", "nphies", "dhis2", "chime",
                                      "janus",  "nafath", "absher"};
  for (const auto& entry : fs::recursive_directory_iterator(source_dir() + "/sdk/capabilities")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path());
    std::string text((std::istreambuf_iterator<char>(in)), {});
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    for (const std::string& vendor : vendors)
      EXPECT_EQ(text.find(vendor), std::string::npos) << entry.path() << " names " << vendor;
  }
}

TEST(Capabilities, TheShippedPluginsServeTheirRolesAsAWhole) {
  const std::map<std::string, std::string> roles{
      {"twilio", "video/1"},  {"chime", "video/1"},      {"janus", "video/1"},
      {"fhir", "ehr/1"},      {"nphies", "payer/1"},     {"moh", "moh/1"},
      {"notify", "notify/1"}, {"pocketsphinx", "asr/1"}, {"whisper", "asr/1"}};
  for (const auto& [id, role] : roles) {
    const auto manifest = read_manifest(source_dir() + "/plugins/" + id);
    ASSERT_TRUE(manifest.ok()) << manifest.error().message;
    EXPECT_EQ(manifest->roles, std::vector<std::string>{role});
  }
}

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}
// Names of all actions of the shipped plugins.
std::set<std::string> shipped_actions() {
  std::set<std::string> out;
  for (const auto& entry : fs::directory_iterator(source_dir() + "/plugins")) {
    if (!fs::exists(entry.path() / "manifest.yaml")) continue;
    const auto manifest = read_manifest(entry.path().string());
    EXPECT_TRUE(manifest.ok()) << entry.path() << ": " << manifest.error().message;
    if (!manifest.ok()) continue;
    for (const ActionSpec& action : manifest->actions) out.insert(action.name);
  }
  return out;
}
// Services of the hub itself (hub://): a call to one names an action of the hub.
const std::set<std::string> kHubServices{"recording", "register", "session", "task"};

TEST(Capabilities, TheShippedWorkflowsCallPluginsByCapabilityAlone) {
  const std::set<std::string> own = shipped_actions();
  ASSERT_FALSE(own.empty());
  std::set<std::string> called;
  for (const auto& entry : fs::directory_iterator(source_dir() + "/workflows")) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with(".yaml") || file.ends_with(".test.yaml")) continue;
    const auto parsed = workflow::parse_definition(text_of(entry.path()), nullptr);
    ASSERT_NE(parsed.definition, nullptr) << file;
    for (const auto& call : parsed.definition->calls()) {
      if (kHubServices.contains(call.role)) continue;
      const std::string where = file + ":" + std::to_string(call.line) + ": " + call.action + ":" +
                                call.version + "@" + call.role;
      const Capability* const shared = capability_of_call(call.action, call.version);
      EXPECT_NE(shared, nullptr) << where << " names no capability";
      EXPECT_TRUE(call.action.starts_with(call.role + ".")) << where << " is of another role";
      EXPECT_FALSE(own.contains(call.action)) << where << " is an action of a shipped plugin";
      called.insert(call.role);
    }
  }
  EXPECT_EQ(called, (std::set<std::string>{"asr", "ehr", "moh", "notify", "payer"}));
}

// The whole visit of tests/e2e/vendor_visit_test.cpp is played with these projects: a call by the
// name of a shipped plugin's action finds nothing there.
TEST(Capabilities, TheProjectsOfRolesHaveActionNamesThatNoShippedPluginHas) {
  const std::set<std::string> own = shipped_actions();
  std::size_t names = 0;
  for (const auto& entry : fs::directory_iterator(source_dir() + "/sdk/template/roles")) {
    std::istringstream manifest(text_of(entry.path() / "manifest.yaml"));
    constexpr std::string_view kName = "  - name: ";
    for (std::string line; std::getline(manifest, line);) {
      if (!line.starts_with(kName)) continue;
      ++names;
      EXPECT_FALSE(own.contains(line.substr(kName.size()))) << entry.path() << line;
    }
  }
  EXPECT_GE(names, 20U);
}

// A second vendor, with names and versions of its own.
class Package {
 public:
  Package() : folder_(fs::temp_directory_path() / ("capability-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~Package() { fs::remove_all(folder_); }
  Result<Manifest> read(const std::string& rest) const {
    std::ofstream(folder_ / "manifest.yaml")
        << "id: chime\nversion: 3.1.0\nabi: {major: 1}\nvendor: {name: Someone}\n"
        << rest;
    return read_manifest(folder_);
  }

 private:
  fs::path folder_;
};
const std::string kEnd =
    "actions:\n"
    "  - name: delete-meeting\n    version: 2.4.0\n    capability: video.session.end/1\n"
    "    idempotency: native\n";

std::string fault(const Result<Manifest>& read) {
  return read.ok() ? "ok" : read.error().message.substr(read.error().message.rfind("yaml:") + 5);
}

TEST(Capabilities, AnotherVendorsActionAnswersToTheSharedName) {
  const Package package;
  const auto read = package.read(
      kEnd +
      "    input: {type: object, required: [sessionId], properties: {sessionId: {type: string}}}\n"
      "    output: {type: object, required: [sessionId, status, meeting], properties: {sessionId: "
      "{type: string, "
      "minLength: 1, maxLength: 36}, status: {const: completed}, meeting: {type: string}}}\n");
  ASSERT_TRUE(read.ok()) << read.error().message;
  const ActionSpec* const action = serving_action(read->actions, "video.session.end", "1.0.0");
  ASSERT_NE(action, nullptr);
  EXPECT_EQ(action->name, "delete-meeting");
  EXPECT_NE(serving_action(read->actions, "delete-meeting", "2.0.0"), nullptr);
  EXPECT_EQ(serving_action(read->actions, "video.session.end", "2.0.0"), nullptr);
  EXPECT_EQ(serving_action(read->actions, "video.session.end", "1.1.0"), nullptr);
  // A workflow that names the capability sees the capability's schemas alone.
  const auto info = action_info(*action, "video.session.end");
  EXPECT_EQ(info.version, "1.0.0");
  EXPECT_EQ(info.output_schema["properties"].find("meeting"), nullptr);
  EXPECT_NE(action_info(*action, "delete-meeting").output_schema["properties"].find("meeting"),
            nullptr);
}

TEST(Capabilities, AClaimThatDoesNotHoldIsRefusedWithLineAndPlace) {
  const Package package;
  const std::string out =
      "    output: {type: object, required: [sessionId, status], properties: {sessionId: {type: "
      "string, minLength: 1, "
      "maxLength: 36}, status: {const: completed}}}\n";
  const std::string in = "    input: {type: object}\n";
  EXPECT_EQ(fault(package.read(kEnd + in + out)), "ok");
  EXPECT_EQ(
      fault(package.read(
          kEnd +
          "    input: {type: object, properties: {sessionId: {type: string, maxLength: 36}}}\n" +
          out)),
      "8: the action delete-meeting cannot be video.session.end/1: input /sessionId: it refuses "
      "what the "
      "capability allows: maxLength is 36, and the other side has 200");
  EXPECT_EQ(fault(package.read(kEnd + "    input: {type: object, required: [region]}\n" + out)),
            "8: the action delete-meeting cannot be video.session.end/1: input the value: it "
            "refuses what the "
            "capability allows: `region` is required, and the other side does not require it");
  EXPECT_EQ(fault(package.read(
                kEnd + in +
                "    output: {type: object, required: [sessionId, status], properties: {sessionId: "
                "{type: string, minLength: 1, maxLength: 36}, status: {type: string}}}\n")),
            "8: the action delete-meeting cannot be video.session.end/1: output /status: it may "
            "give what the "
            "capability does not allow: a list of values is allowed and no other; the other side "
            "names none");
  EXPECT_EQ(fault(package.read(kEnd + "    input: {not: {type: string}}\n" + out)),
            "8: the action delete-meeting cannot be video.session.end/1: input the value: the "
            "keyword `not` cannot be "
            "compared; say it in both schemas in the same words");
  std::string unsafe = kEnd;
  unsafe.replace(unsafe.find("native"), 6, "none");
  EXPECT_EQ(fault(package.read(unsafe + in + out)),
            "8: the action delete-meeting cannot be video.session.end/1: its idempotency is none, "
            "allowed are: "
            "native, key, probe");
  std::string unknown = kEnd;
  unknown.replace(unknown.find("video.session.end/1"), 19, "video.session.ended/1");
  EXPECT_NE(fault(package.read(unknown + in + out)).find("video.session.end/1"), std::string::npos);
}

// Symptom: a member that is added to a capability refuses every plugin that was built before.
// Cause: an action had to take all that the capability allows. Caught by: an action of before.
TEST(Capabilities, AMemberThatIsYoungerThanAnActionIsNotAskedFor) {
  const Capability* const shared = find_capability("ehr.patient.read/1");
  ASSERT_NE(shared, nullptr);
  ActionSpec action;
  action.name = "find-patient";
  action.idempotency = "native";
  action.input_schema = shared->input;
  action.output_schema = shared->output;
  EXPECT_EQ(left_out(action.input_schema, *shared), std::vector<std::string>{});
  action.input_schema.mutable_object().find("properties")->mutable_object().erase("at");
  action.output_schema.mutable_object().find("properties")->mutable_object().erase("warnings");
  EXPECT_EQ(capability_fault(action, *shared), "");
  EXPECT_EQ(left_out(action.input_schema, *shared), std::vector<std::string>{"at"});
  // One that it names must be as the capability says.
  action.input_schema.mutable_object()
      .find("properties")
      ->set("at", Json::object({{"type", "null"}}));
  EXPECT_NE(capability_fault(action, *shared), "");
  action.input_schema.mutable_object().find("properties")->mutable_object().erase("at");
  action.input_schema.mutable_object().find("properties")->mutable_object().erase("identifier");
  EXPECT_NE(capability_fault(action, *shared), "");
}

TEST(Capabilities, PatientDataStaysMarked) {
  const Package package;
  const std::string action =
      "actions:\n  - name: send\n    version: 1.0.0\n    capability: notify.sms.send/1\n    "
      "idempotency: key\n";
  const std::string out =
      "    output: {type: object, required: [messageId, status], properties: {messageId: {type: "
      "string, minLength: 1, "
      "maxLength: 9}, status: {enum: [sent]}}}\n";
  EXPECT_NE(fault(package.read(action + out)).find("it must say channel: notify"),
            std::string::npos);
  EXPECT_NE(fault(package.read(action + "    channel: notify\n" + out))
                .find("input /to: x-phi is missing"),
            std::string::npos);
  EXPECT_EQ(
      fault(package.read(
          action + "    channel: notify\n    input: {properties: {to: {x-phi: true}}}\n" + out)),
      "ok");
}

// It passes no rules of a channel.
TEST(Capabilities, AQuestionAboutAMessageTakesNothingThatCouldBeOne) {
  const Package package;
  const std::string action =
      "actions:\n  - name: ask\n    version: 1.0.0\n    capability: notify.message.get/1\n    "
      "idempotency: native\n"
      "    output: {type: object, required: [messageId, status], properties: {messageId: {type: "
      "string, minLength: 1, maxLength: 200}, status: {const: sent, x-code: true}}}\n";
  const std::string id = "messageId: {type: string, minLength: 1, maxLength: 200}";
  const auto input = [&id](const std::string& more, const std::string& end) {
    return "    input: {type: object, required: [messageId], properties: {" + id + more + "}" +
           end + "}\n";
  };
  const std::string closed = ", additionalProperties: false";
  EXPECT_EQ(fault(package.read(action + input("", closed))), "ok");
  for (const std::string& open :
       {std::string(), input("", ""), input(", text: {type: string}", closed)}) {
    EXPECT_NE(fault(package.read(action + open))
                  .find("its input takes more than the capability does, which may be a message"),
              std::string::npos)
        << open;
    EXPECT_EQ(fault(package.read(action + "    channel: notify\n" + open)), "ok") << open;
  }
}

TEST(Capabilities, AClaimedRoleIsServedAsAWhole) {
  const Package package;
  const std::string said = fault(package.read("roles: [video/1]\n"));
  EXPECT_NE(said.find("5: the plugin does not serve the role video/1: it lacks an action with "
                      "capability: video.session.create/1"),
            std::string::npos)
      << said;
  EXPECT_NE(said.find("the event org.rabt.session.ended.v1"), std::string::npos) << said;
  EXPECT_NE(fault(package.read("roles: [vidio/1]\n")).find("there are: asr/1"), std::string::npos);
}

TEST(Capabilities, ASharedEventKeepsItsData) {
  const Package package;
  EXPECT_NE(fault(package.read("events: [{type: org.rabt.session.ended.v1}]\n"))
                .find("it may give what the event does not allow"),
            std::string::npos);
}

}  // namespace
}  // namespace rabt::plugin::capability_test

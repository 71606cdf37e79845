#include "tools/demo/configuration.hpp"

#include <algorithm>
#include <array>

#include "hub/base/check.hpp"
#include "hub/base/json.hpp"
#include "tools/demo/booking.hpp"
#include "tools/demo/people.hpp"
#include "tools/demo/template.hpp"

namespace rabt::embedded {
extern const std::string_view demo_configuration;
extern const std::string_view demo_roles;
extern const std::string_view demo_plugins;
extern const std::string_view demo_notify;
extern const std::string_view demo_twilio;
extern const std::string_view demo_chime;
extern const std::string_view demo_janus;
}  // namespace rabt::embedded

namespace rabt::demo {

namespace {

struct VideoParts {
  const char* name;
  const std::string_view& plugin;
  const char* source;
};
// The time of a visit stands in the message; nothing else of a patient may.
constexpr std::string_view kMayBeSent =
    "privacy: {channels: {notify: {allow: {to: [phone], text: [date], reference: [], language: "
    "[]}}}}\n";

constexpr std::array kVideo{
    VideoParts{"twilio", embedded::demo_twilio,
               R"(  twilio: {scheme: twilio, secrets: [{file: "{{secrets}}/twilio-auth-token"}], )"
               "plugin: twilio}\n"},
    VideoParts{"chime", embedded::demo_chime,
               R"(  chime: {scheme: sns, topics: ["{{chime_topic}}"], endpoint: "{{chime}}", )"
               "plugin: chime}\n"},
    VideoParts{"janus", embedded::demo_janus,
               R"(  janus: {scheme: static-token, secrets: [{file: "{{janus}}/events-secret"}], )"
               "plugin: janus}\n"}};

const VideoParts& parts_of(std::string_view video) {
  const auto found = std::find_if(kVideo.begin(), kVideo.end(),
                                  [&](const VideoParts& parts) { return parts.name == video; });
  RABT_CHECK(found != kVideo.end());
  return *found;
}

}  // namespace

std::string local_url(int port) {
  return "http://127.0.0.1:" + std::to_string(port);
}

std::string yaml_of(const Configuration& c) {
  std::string workflows;
  for (const std::string& file : c.workflows) {
    if (!workflows.empty()) workflows += ", ";
    append_json_string(workflows, file);
  }
  std::string fhir_secret = c.fhir_secret;
  if (fhir_secret.empty()) {
    append_json_string(fhir_secret = "{file: ", c.secrets + "/fhir-token");
    fhir_secret += "}";
  }
  std::string messages;
  if (!c.messages.empty()) append_json_string(messages = "  messages: ", c.messages);
  std::map<std::string, std::string, std::less<>> values{
      {"port", std::to_string(c.port)},
      {"url", local_url(c.port)},
      {"data", c.data},
      {"plugins", c.plugins},
      {"root", c.root},
      {"engine", c.engine},
      {"workflows", workflows},
      {"messages", messages},
      {"log", c.log},
      {"log_level", c.log_level},
      {"secrets", c.secrets},
      {"fhir_secret", fhir_secret},
      {"account_sid", std::string(kDemoAccount)},
      {"api_key_sid", std::string(kDemoApiKey)},
      {"chime_key", std::string(kDemoChimeKey)},
      {"chime_topic", std::string(kDemoChimeTopic)},
      {"video", c.video},
      {"more", c.more}};
  values.insert(c.video_words.begin(), c.video_words.end());
  if (!c.issuer_secret.empty()) {
    values["issuer"] =
        "identity:\n  issuers:\n    demo:\n      kind: shared-secret\n      secret: {file: \"" +
        c.issuer_secret + "\"}\n      issuer: " + std::string(kDemoIssuer) +
        "\n      audience: absent\n      max_lifetime: 24h\n      subject_numbers: true\n"
        "      may_grant: [doctor, specialist, nurse, patient]\n"
        "  sessions: {idle: 1h, absolute: 24h}\n";
  } else {
    values["issuer"] = "";
  }
  for (const char* name : {"twilio", "chime", "fhir", "nphies", "dhis2", "sms"})
    values[name] = c.stand_in(name);
  const auto part = [&](std::string_view text) {
    return c.every_plugin ? filled(text, values) : std::string();
  };
  const bool sends = c.sends_messages;
  if (sends) values["more"].append(kMayBeSent);
  values["more_roles"] =
      part(embedded::demo_roles) + (sends ? "  notify: plugin://notify\n" : "") + c.more_roles;
  values["more_plugins"] = part(parts_of(c.video).plugin) + part(embedded::demo_plugins) +
                           (sends ? part(embedded::demo_notify) : "") + c.more_plugins;
  values["more_sources"] = part(parts_of(c.video).source) + c.more_sources;
  return filled(embedded::demo_configuration, values);
}

}  // namespace rabt::demo

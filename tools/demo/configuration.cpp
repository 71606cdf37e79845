#include "tools/demo/configuration.hpp"

#include "hub/base/json.hpp"
#include "tools/demo/booking.hpp"
#include "tools/demo/people.hpp"
#include "tools/demo/template.hpp"

namespace rabt::embedded {
extern const std::string_view demo_configuration;
extern const std::string_view demo_roles;
extern const std::string_view demo_plugins;
extern const std::string_view demo_sources;
}  // namespace rabt::embedded

namespace rabt::demo {

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
  std::map<std::string, std::string, std::less<>> values{{"port", std::to_string(c.port)},
                                                         {"url", local_url(c.port)},
                                                         {"data", c.data},
                                                         {"plugins", c.plugins},
                                                         {"root", c.root},
                                                         {"workflows", workflows},
                                                         {"log", c.log},
                                                         {"log_level", c.log_level},
                                                         {"secrets", c.secrets},
                                                         {"fhir_secret", fhir_secret},
                                                         {"account_sid", std::string(kDemoAccount)},
                                                         {"api_key_sid", std::string(kDemoApiKey)},
                                                         {"more", c.more}};
  if (!c.issuer_secret.empty()) {
    values["issuer"] =
        "identity:\n  issuers:\n    demo:\n      kind: shared-secret\n      secret: {file: \"" +
        c.issuer_secret + "\"}\n      issuer: " + std::string(kDemoIssuer) +
        "\n      audience: absent\n      max_lifetime: 24h\n      subject_numbers: true\n"
        "      may_grant: [admin, doctor, specialist, nurse, patient]\n";
  } else {
    values["issuer"] = "";
  }
  for (const char* name : {"twilio", "fhir", "nphies", "dhis2"}) values[name] = c.stand_in(name);
  const auto part = [&](std::string_view text) {
    return c.every_plugin ? filled(text, values) : std::string();
  };
  values["more_roles"] = part(embedded::demo_roles) + c.more_roles;
  values["more_plugins"] = part(embedded::demo_plugins) + c.more_plugins;
  values["more_sources"] = part(embedded::demo_sources);
  return filled(embedded::demo_configuration, values);
}

}  // namespace rabt::demo

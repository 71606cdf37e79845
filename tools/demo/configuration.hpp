#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

// The configuration of a hospital whose hub runs beside the stand-ins, for the demonstration and
// for tests of the whole hub.
namespace rabt::demo {

struct Configuration {
  int port = 0;
  std::string data;
  // The folder of the store of plugins.
  std::string plugins;
  // The project's folder.
  std::string root;
  // The files of the workflows.
  std::vector<std::string> workflows;
  std::string log;
  std::string log_level = "info";
  // The folder of the files of secrets.
  std::string secrets;
  // YAML that names the place of the FHIR plugin's secret. While it is empty, the secret is a file
  // of the folder of secrets.
  std::string fhir_secret;
  // The file of the secret that the tokens of the people are signed with (kDemoIssuer). While it is
  // empty, the hub trusts no issuer.
  std::string issuer_secret;
  // The plugin of the role `video`: twilio, chime or janus; and words that its section needs.
  std::string video = "twilio";
  std::map<std::string, std::string, std::less<>> video_words;
  // The URL of the stand-in of this name: twilio, chime, fhir, nphies, dhis2,
  // sms.
  std::function<std::string(const char* name)> stand_in;
  // True if every shipped plugin serves. If not, the FHIR plugin serves alone, for workflows that
  // need no other system.
  bool every_plugin = true;
  // True if patients are sent text messages, through the stand-in `sms`.
  bool sends_messages = false;
  // The folder of the hospital's texts of messages. While it is empty, patients hear of follow-ups
  // alone.
  std::string messages;
  // The engine of the migrations: sqlite, or postgres beside a section `store` in `more`.
  std::string engine = "sqlite";
  // YAML of tests that follows the own entries: below `roles`, `plugin` and `sources`, two spaces
  // in, and at the top.
  std::string more_roles;
  std::string more_plugins;
  std::string more_sources;
  std::string more;
};

// The text of rabt.yaml.
[[nodiscard]] std::string yaml_of(const Configuration& configuration);

// The URL of a hub that listens on this port of this machine.
[[nodiscard]] std::string local_url(int port);

}  // namespace rabt::demo

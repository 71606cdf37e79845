#include <cstdio>

#include "hub/base/printable.hpp"
#include "hub/base/uri.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"

// rabt plugin upgrade: a newer version into the running hub, through its API.
namespace rabt::cli {

int upgrade_plugin(const std::string& path, const std::string& id) {
  const auto config = config::load_config(path);
  if (!config.ok()) return complain(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return complain(client.error());
  const auto answer =
      client->post("/api/v1/plugins/" + percent_encode(id) + "/upgrade", Json::object());
  if (!answer.ok()) return complain(answer.error());
  const auto list = [&](const char* key, const char* text) {
    for (const Json& version :
         (*answer)[key].is_array() ? (*answer)[key].as_array() : Json::Array{})
      std::printf("%s %s %s\n", id.c_str(), version.as_string().c_str(), text);
  };
  list("loaded", "was loaded and takes new calls");
  list("retired", "takes no new calls and ends with its last open one");
  list("serving", "serves");
  return 0;
}

}  // namespace rabt::cli

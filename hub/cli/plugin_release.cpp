#include <cstdio>

#include "hub/base/printable.hpp"
#include "hub/base/uri.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/hub_client.hpp"

// rabt plugin release: ends a quarantine, through the API of the running hub.
namespace rabt::cli {

int release_plugin(const std::string& path, const std::string& id) {
  const auto config = config::load_config(path);
  if (!config.ok()) return complain(config.error());
  auto client = HubClient::of(*config);
  if (!client.ok()) return complain(client.error());
  const auto answer =
      client->post("/api/v1/plugins/" + percent_encode(id) + "/release", Json::object());
  if (!answer.ok()) return complain(answer.error());
  std::printf("%s is started again\n", id.c_str());
  return 0;
}

}  // namespace rabt::cli

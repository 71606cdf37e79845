#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "hub/args/args.hpp"
#include "hub/base/end_signals.hpp"
#include "hub/base/random.hpp"
#include "tools/demo/janus.hpp"

// rabt-janus: Debian's Janus and coturn with the configuration of config/janus, and the shelf of
// recordings, for the plugin janus of a hub on this machine.
int main(int argc, char** argv) {
  rabt::demo::JanusServers::Place place;
  std::string ready_file;
  bool die_with_parent = false;
  place.bin = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  place.root = std::filesystem::path(place.bin).parent_path().parent_path().parent_path();
  place.hook = "http://127.0.0.1:8480/hooks/janus";
  place.ports = {
      {"admin_port", 7088}, {"client_port", 8188}, {"turn_port", 3478}, {"shelf_port", 7090}};
  rabt::args::Program app(
      "Run a Janus, a TURN server and the shelf of recordings for the plugin janus", "rabt-janus");
  app.add_option("--folder", place.folder,
                 "Folder for configuration, secrets, logs and recordings; it is made")
      ->required();
  app.add_option("--root", place.root,
                 "Folder that holds config/janus (default: found from the program)");
  app.add_option("--hook", place.hook, "URL of the hub to which Janus reports")
      ->capture_default_str();
  app.add_option("--address", place.address,
                 "Address of this machine that carries media (default: its first one that is not "
                 "the loopback address)");
  app.add_option("--admin-port", place.ports["admin_port"], "Port of the Admin API, on 127.0.0.1")
      ->capture_default_str();
  app.add_option("--client-port", place.ports["client_port"], "Port of the WebSocket, on 127.0.0.1")
      ->capture_default_str();
  app.add_option("--turn-port", place.ports["turn_port"], "Port of the TURN server")
      ->capture_default_str();
  app.add_option("--shelf-port", place.ports["shelf_port"], "Port of the shelf, on 127.0.0.1")
      ->capture_default_str();
  app.add_option("--ready-file", ready_file, "File that is made when everything runs");
  app.add_flag("--die-with-parent", die_with_parent, "End when the process that started it ends");
  if (const auto ended = app.parse(argc, argv)) return *ended;
  if (die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  place.folder = std::filesystem::absolute(place.folder);

  rabt::SystemRandom random;
  rabt::demo::JanusServers servers;
  if (const rabt::Status started = servers.start(place, random); !started.ok()) {
    std::fprintf(stderr, "rabt-janus: %s\n", started.error().message.c_str());
    return 1;
  }
  const rabt::EndSignals signals;
  const auto written = servers.write_hub_configuration();
  if (!written.ok()) {
    std::fprintf(stderr, "rabt-janus: %s\n", written.error().message.c_str());
    return 1;
  }
  std::printf("rabt-janus: a hub's configuration is in %s, and secrets are in %s\n",
              written->c_str(), servers.secrets().c_str());
  std::fflush(stdout);
  if (!ready_file.empty() && !std::ofstream(ready_file).put('\n').flush().good()) {
    std::fprintf(stderr, "rabt-janus: %s cannot be written\n", ready_file.c_str());
    return 1;
  }
  while (true) {
    if (signals.within_a_second()) return 0;
    const std::string ended = servers.ended();
    if (ended.empty()) continue;
    std::fprintf(stderr, "rabt-janus: %s has ended; its log is in %s\n", ended.c_str(),
                 place.folder.c_str());
    // People come back to a Janus that starts anew. When another server ends, whoever started this
    // program starts all of them again.
    if (ended != "janus") return 1;
    if (const rabt::Status again = servers.restart_janus(); !again.ok()) {
      std::fprintf(stderr, "rabt-janus: %s\n", again.error().message.c_str());
      return 1;
    }
  }
}

#include <Poco/Exception.h>
#include <signal.h>
#include <sys/prctl.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "hub/args/args.hpp"
#include "hub/base/end_signals.hpp"
#include "tools/shelf/server.hpp"

// rabt-janus-shelf: hands out what a Janus on this machine has recorded.
int main(int argc, char** argv) {
  std::string folder;
  std::string secret_file;
  std::string address = "127.0.0.1";
  std::uint16_t port = 7090;
  bool die_with_parent = false;
  rabt::args::Program app("Hand out what a Janus on this machine has recorded", "rabt-janus-shelf");
  app.add_option("--recordings", folder, "Folder that Janus records into")
      ->required()
      ->existing_directory();
  app.add_option("--secret-file", secret_file, "File with the secret that requests carry")
      ->required()
      ->existing_file();
  app.add_option("--address", address, "Address to listen at");
  app.add_option("--port", port, "Port to listen at");
  app.add_flag("--die-with-parent", die_with_parent, "End when the process that started it ends");
  if (const auto ended = app.parse(argc, argv)) return *ended;
  if (die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGTERM);

  std::ifstream in(secret_file, std::ios::binary);
  std::string secret((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  if (secret.size() < 16) {
    std::fprintf(stderr, "rabt-janus-shelf: the secret has fewer than 16 bytes\n");
    return 1;
  }
  const rabt::EndSignals signals;
  try {
    const rabt::SystemClock clock;
    rabt::shelf::Shelf shelf(folder, clock);
    const rabt::shelf::Server server(address, port, rabt::SecretBytes(std::string_view(secret)),
                                     shelf);
    std::printf("rabt-janus-shelf: %s port %u\n", address.c_str(), unsigned{server.port()});
    std::fflush(stdout);
    signals.wait();
  } catch (const Poco::Exception& failure) {
    std::fprintf(stderr, "rabt-janus-shelf: %s\n", failure.displayText().c_str());
    return 1;
  }
  return 0;
}

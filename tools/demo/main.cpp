#include <cstdio>

#include "hub/args/args.hpp"
#include "tools/demo/demo.hpp"

// `./dev demo`: a hub, stand-ins for the systems around it, and the people of one consultation.
int main(int argc, char** argv) {
  rabt::demo::Options options;
  rabt::args::Program app(
      "Take a first-time patient from a signed booking to the chart, an accepted claim and a filed "
      "report",
      "./dev demo");
  app.add_flag("--serve", options.serve, "Keep the hub running afterwards and print its addresses");
  app.add_option(
      "--ready-file", options.ready_file,
      "With --serve: file to write, with addresses, people and their tokens, when all is "
      "ready");
  app.add_flag("--crash", options.crash, "Kill the hub twenty times during the consultation");
  app.add_flag("--keep", options.keep, "Keep the data folder");
  app.add_option("--data", options.data, "Data folder (default: a temporary one)");
  app.add_option("--consultations", options.consultations, "Number of consultations to run at once")
      ->between(1, 10'000);
  app.add_option("--root", options.root, "Folder of the project (default: found from the program)");
  app.add_option("--video", options.video,
                 "Video provider: twilio or chime, played by a stand-in, or a Janus on this "
                 "machine with browsers that call (default: twilio)")
      ->one_of({"twilio", "chime", "janus"});
  app.add_flag("--rabbitmq", options.rabbitmq, "Start a RabbitMQ, too, which is told of events");
  if (const auto ended = app.parse(argc, argv)) return *ended;
  if (options.video == "janus" && options.consultations > 1) {
    std::fprintf(stderr,
                 "--consultations needs a stand-in: a browser for each person is too much\n");
    return 2;
  }
  return rabt::demo::run(options);
}

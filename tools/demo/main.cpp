#include <CLI/CLI.hpp>

#include "tools/demo/demo.hpp"

// `./dev demo`: a hub, stand-ins for the systems around it, and the people of one consultation.
int main(int argc, char** argv) {
  rabt::demo::Options options;
  CLI::App app{
      "take one consultation from a signed webhook to an accepted claim and a filed report",
      "./dev demo"};
  app.add_flag("--serve", options.serve, "stay up afterwards and print the addresses");
  app.add_flag("--crash", options.crash, "kill the hub twenty times on the way");
  app.add_flag("--keep", options.keep, "keep the data folder");
  app.add_option("--data", options.data, "data folder (default: a temporary one)");
  app.add_option("--consultations", options.consultations, "how many at once")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--root", options.root, "the project's folder");
  CLI11_PARSE(app, argc, argv);
  return rabt::demo::run(options);
}

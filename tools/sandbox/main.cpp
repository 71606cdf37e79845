#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/server.hpp"

namespace {

using rabt::sandbox::Json;

Json read_options(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("the options file cannot be read: " + path);
  std::ostringstream text;
  text << in.rdbuf();
  const std::optional<Json> options = rabt::sandbox::parse_json(text.str());
  if (!options) throw std::runtime_error("the options file is not JSON: " + path);
  return *options;
}

// Readers who wait for the file see the whole line or no file.
void write_ready_file(const std::string& path, const std::string& line) {
  const std::string next = path + ".tmp";
  {
    std::ofstream out(next, std::ios::binary | std::ios::trunc);
    out << line << '\n';
    out.flush();
    if (!out) throw std::runtime_error("the ready file cannot be written: " + next);
  }
  if (std::rename(next.c_str(), path.c_str()) != 0) {
    throw std::runtime_error("the ready file cannot be moved into place: " + path);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Stand-ins for Twilio Video, Amazon Chime, a FHIR R4 server, NPHIES, DHIS2 and an SMS "
      "gateway, "
      "on loopback.");
  rabt::sandbox::Settings settings;
  std::string options_file;
  std::string ready_file;
  bool die_with_parent = false;
  app.add_option(
      "--port-base", settings.port_base,
      "First of seven ports: twilio, fhir, nphies, dhis2, chime, sms, control (default: free "
      "ports)");
  app.add_option("--hub", settings.hub, "Base URL for callbacks that are given as a path");
  app.add_option("--ca", settings.ca,
                 "PEM file of the authorities of the hub's certificate (default: those of the "
                 "system)")
      ->check(CLI::ExistingFile);
  app.add_option("--options", options_file, "JSON file with one object for each stand-in");
  app.add_option("--ready-file", ready_file,
                 "File to write, with the line that also goes to standard output");
  app.add_option("--ledger", settings.ledger_file,
                 "Append every effect that was performed to this file");
  app.add_flag("--die-with-parent", die_with_parent,
               "Stop when the thread that started this process ends");
  CLI11_PARSE(app, argc, argv);

  const pid_t parent = getppid();
  if (die_with_parent) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) return 0;  // it was gone before we asked
  }
  // All threads inherit the mask, so that sigwait below is the only place that sees these signals.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  signal(SIGPIPE, SIG_IGN);

  try {
    if (!options_file.empty()) settings.options = read_options(options_file);
    rabt::sandbox::Sandbox sandbox(std::move(settings), {{"twilio", rabt::sandbox::make_twilio},
                                                         {"fhir", rabt::sandbox::make_fhir},
                                                         {"nphies", rabt::sandbox::make_nphies},
                                                         {"dhis2", rabt::sandbox::make_dhis2},
                                                         {"chime", rabt::sandbox::make_chime},
                                                         {"sms", rabt::sandbox::make_sms}});
    const std::string line = sandbox.urls().dump();
    std::cout << line << std::endl;
    if (!ready_file.empty()) write_ready_file(ready_file, line);
    int received = 0;
    sigwait(&ending, &received);
    if (!ready_file.empty()) unlink(ready_file.c_str());
  } catch (const std::exception& error) {
    std::cerr << "rabt-sandbox: " << error.what() << '\n';
    return 1;
  }
  return 0;
}

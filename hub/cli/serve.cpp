#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>

#include "hub/assembly/hub.hpp"
#include "hub/base/json.hpp"
#include "hub/cli/commands.hpp"
#include "hub/config/config.hpp"

// rabt serve
namespace rabt::cli {

namespace {

struct ServeOptions {
  std::string config = kDefaultConfig;
  // Gets {"url": "...", "pid": N} when the hub listens; empty means no file.
  std::string ready_file;
  bool die_with_parent = false;
  // Unsigned plugins are loaded too.
  bool dev = false;
};

LogLevel to_level(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warn") return LogLevel::warn;
  if (name == "error") return LogLevel::error;
  return LogLevel::info;
}

bool write_ready_file(const std::string& path, const std::string& url) {
  const std::string temporary = path + ".tmp";
  std::ofstream out(temporary);
  out << Json::object({{"url", url}, {"pid", static_cast<std::int64_t>(::getpid())}}).dump()
      << "\n";
  out.close();
  return out.good() && std::rename(temporary.c_str(), path.c_str()) == 0;
}

// Runs the hub until SIGTERM or SIGINT.
int serve(const ServeOptions& options, bool allow_debugging) {
  if (options.die_with_parent) (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // sigwait takes the signals below; every thread that starts later inherits the mask.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const auto config = config::load_config(options.config);
  if (!config.ok()) {
    std::fprintf(stderr, "%s\n", config.error().message.c_str());
    return 2;
  }
  auto detector = phi::Detector::make(config->privacy.detector);
  if (!detector.ok()) {
    std::fprintf(stderr, "rabt: cannot start [%s]\n%s\n", detector.error().code.c_str(),
                 detector.error().message.c_str());
    return 1;
  }
  const phi::Policy privacy(config->privacy.channels, std::move(*detector));
  const auto base_log = make_logger(to_level(config->log_level), config->log_file);
  const auto log = phi::screened(*base_log, privacy);
  if (allow_debugging) log->warn("hub.debugging_allowed");
  if (options.dev) log->warn("hub.dev_mode");
  const SystemClock clock;
  auto hub = assembly::Hub::start(*config, clock, *log, privacy, options.dev);
  if (!hub.ok()) {
    std::fprintf(stderr, "rabt: cannot start [%s]\n%s\n", hub.error().code.c_str(),
                 hub.error().message.c_str());
    return hub.error().kind == ErrorKind::invalid ? 2 : 1;
  }
  if (!options.ready_file.empty() && !write_ready_file(options.ready_file, (*hub)->url())) {
    std::fprintf(stderr, "rabt: the ready file %s cannot be written\n", options.ready_file.c_str());
    return 1;
  }
  int received = 0;
  sigwait(&signals, &received);
  log->info("hub.stopping", {{"signal", static_cast<std::int64_t>(received)}});
  (*hub)->stop();
  return 0;
}

}  // namespace

void add_serve_command(CLI::App& program, int& code, bool& allow_debugging) {
  auto options = std::make_shared<ServeOptions>();
  auto* command = program.add_subcommand("serve", "Run the hub until it gets SIGTERM or SIGINT");
  add_config_option(*command, options->config);
  command->add_option("--ready-file", options->ready_file,
                      "File to write, with URL and process id, when the hub listens");
  command->add_flag("--die-with-parent", options->die_with_parent,
                    "Stop when the parent process ends");
  command->add_flag("--dev", options->dev,
                    "For development: also load plugins that are not signed and added");
  command->add_flag("--allow-debugging", allow_debugging,
                    "For development: let debuggers attach and let core files hold patient data");
  command->callback(
      [options, &code, &allow_debugging] { code = serve(*options, allow_debugging); });
}

}  // namespace rabt::cli

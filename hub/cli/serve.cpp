#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>

#include "hub/assembly/hub.hpp"
#include "hub/base/json.hpp"
#include "hub/cli/commands.hpp"
#include "hub/config/config.hpp"

namespace rabt::cli {

namespace {

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

}  // namespace

int serve(const ServeOptions& options) {
  if (options.die_with_parent) (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // Signals are taken by sigwait below; every thread that starts later inherits the mask.
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
  if (options.allow_debugging) log->warn("hub.debugging_allowed");
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

}  // namespace rabt::cli

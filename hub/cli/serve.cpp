#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <future>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "hub/args/args.hpp"
#include "hub/assembly/hub.hpp"
#include "hub/assembly/process_limits.hpp"
#include "hub/assembly/tenants.hpp"
#include "hub/base/end_signals.hpp"
#include "hub/base/json.hpp"
#include "hub/base/start_thread.hpp"
#include "hub/cli/commands.hpp"
#include "hub/config/config.hpp"
#include "hub/config/tenants.hpp"

// rabt serve
namespace rabt::cli {

namespace {

// An operator's tools wait for some 10 seconds before they kill.
constexpr std::chrono::seconds kStopWithin{8};
constexpr std::chrono::milliseconds kLastWords{200};

struct ServeOptions {
  std::string config = kDefaultConfig;
  // Gets {"url": "...", "pid": N} when the hub listens; empty means no file.
  std::string ready_file;
  bool die_with_parent = false;
  assembly::HubOptions hub;
};

bool write_ready_file(const std::string& path, const std::string& url) {
  const std::string temporary = path + ".tmp";
  std::ofstream out(temporary);
  out << Json::object({{"url", url}, {"pid", static_cast<std::int64_t>(::getpid())}}).dump()
      << "\n";
  out.close();
  return out.good() && std::rename(temporary.c_str(), path.c_str()) == 0;
}

// A hub that was killed leaves its file. One whose hub runs stays: this one will not start.
void remove_old_ready_file(const std::string& path) {
  const auto text = config::read_text(path);
  if (!text.ok()) return;
  const auto old = Json::parse(*text);
  const auto pid = static_cast<pid_t>(old.ok() ? old->int_or("pid", 0) : 0);
  if (pid > 0 && pid != ::getpid() && ::kill(pid, 0) == 0) return;
  (void)std::remove(path.c_str());
}

int cannot_start(const Error& error) {
  std::fprintf(stderr, "rabt: cannot start [%s]\n%s\n", error.code.c_str(), error.message.c_str());
  return error.kind == ErrorKind::invalid ? 2 : 1;
}

// Whoever sits at the terminal may make the first administrator; a log never holds the code.
void show_first_code(assembly::Hub& hub) {
  if (::isatty(STDERR_FILENO) != 1) return;
  const auto code = hub.first_code();
  if (!code.ok()) return;
  std::fprintf(stderr,
               "rabt: there is no administrator. The one-time code %s makes the first one within "
               "30 minutes at %s/bootstrap; `rabt users bootstrap` prints another.\n",
               code->c_str(), hub.url().c_str());
}

// Writes a line of the log, which may hang when nobody reads it. Without a thread it is left out:
// the process must end in time.
template <class Line>
void write_beside(Line line) {
  auto thread = start_thread(std::move(line));
  if (thread.ok()) thread->detach();
}

std::terminate_handler usual_end = nullptr;

// Ends a hub that can make no thread. During the start the parts that run already cannot be taken
// down without one.
[[noreturn]] void without_thread() {
  try {
    if (const auto failure = std::current_exception()) std::rethrow_exception(failure);
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) {
      std::fprintf(stderr, "rabt: cannot go on [process.threads]\n%s\n", kNoThreads);
      ::_exit(1);
    }
  } catch (...) {
  }
  if (usual_end != nullptr) usual_end();
  std::abort();
}

// Takes the signals of the process, also while it starts. Ends the process when it has not stopped
// in time after the one that ends it, such as with a plugin that hangs. A hub that is killed loses
// nothing that it has acknowledged. A log that nobody reads may hang, too: each line has a thread.
std::future<int> take_signals(const EndSignals& signals, Logger& log) {
  std::promise<int> ended;
  std::future<int> end = ended.get_future();
  std::thread([&signals, &log, ended = std::move(ended)]() mutable {
    int received = signals.wait();
    // Other daemons read their configuration again. This one would end without having been asked.
    for (; received == SIGHUP; received = signals.wait()) {
      write_beside([&log] {
        log.warn("hub.hangup_ignored",
                 {{"why", "the configuration is read at start only; restart the hub to apply it"}});
      });
    }
    ended.set_value(received);
    std::this_thread::sleep_for(kStopWithin);
    write_beside([&log] {
      log.warn("hub.stopped_unfinished",
               {{"seconds", static_cast<std::int64_t>(kStopWithin.count())}});
    });
    std::this_thread::sleep_for(kLastWords);
    ::_exit(0);
  }).detach();
  return end;
}

// Says that the hub listens, and waits until it shall stop. The exit code.
int run_until_signal(const ServeOptions& options, const std::string& url, Logger& log,
                     std::future<int>& end) {
  if (!options.ready_file.empty() && !write_ready_file(options.ready_file, url)) {
    std::fprintf(stderr, "rabt: the ready file %s cannot be written\n", options.ready_file.c_str());
    return 1;
  }
  const int signal = end.get();
  if (!options.ready_file.empty()) (void)std::remove(options.ready_file.c_str());
  log.info("hub.stopping", {{"signal", static_cast<std::int64_t>(signal)}});
  return 0;
}

void warn_of_modes(const ServeOptions& options, bool allow_debugging, Logger& log) {
  if (allow_debugging) log.warn("hub.debugging_allowed");
  if (options.hub.dev) log.warn("hub.dev_mode");
  if (options.hub.hold) log.warn("hub.held");
}

int wrong_configuration(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 2;
}

int serve_one(const ServeOptions& options, bool allow_debugging, const EndSignals& signals) {
  const auto config = config::load_config(options.config);
  if (!config.ok()) return wrong_configuration(config.error());
  auto detector = phi::Detector::make(config->privacy.detector);
  if (!detector.ok()) return cannot_start(detector.error());
  const phi::Policy privacy(config->privacy.channels, std::move(*detector));
  const auto base_log = make_logger(config::log_level(config->log_level), config->log_file);
  if (!base_log.ok()) return cannot_start(base_log.error());
  const auto log = phi::screened(**base_log, privacy);
  std::future<int> end = take_signals(signals, *log);
  warn_of_modes(options, allow_debugging, *log);
  const SystemClock clock;
  const auto hub = assembly::Hub::start(*config, clock, *log, privacy, options.hub);
  if (!hub.ok()) return cannot_start(hub.error());
  show_first_code(**hub);
  const int code = run_until_signal(options, (*hub)->url(), *log, end);
  (*hub)->stop();
  return code;
}

int serve_several(const ServeOptions& options, bool allow_debugging, const config::Tenants& config,
                  const EndSignals& signals) {
  const auto logger = make_logger(config::log_level(config.log_level), config.log_file);
  if (!logger.ok()) return cannot_start(logger.error());
  const auto& log = *logger;
  std::future<int> end = take_signals(signals, *log);
  warn_of_modes(options, allow_debugging, *log);
  const SystemClock clock;
  const auto tenants = assembly::Tenants::start(config, clock, *log, {.hub = options.hub});
  if (!tenants.ok()) return cannot_start(tenants.error());
  for (const config::TenantEntry& entry : config.entries) {
    const auto refused = (*tenants)->refused(entry.name);
    if (!refused) continue;
    std::fprintf(stderr, "rabt: the tenant %s cannot start [%s]\n%s\n", entry.name.c_str(),
                 refused->code.c_str(), refused->message.c_str());
  }
  const int code = run_until_signal(options, (*tenants)->url(), *log, end);
  (*tenants)->stop();
  return code;
}

// Runs the hub until SIGTERM or SIGINT.
int serve(const ServeOptions& options, bool allow_debugging) {
  const Status limits = assembly::check_process_limits();
  if (!limits.ok()) return cannot_start(limits.error());
  if (options.die_with_parent) (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // Before any thread starts.
  const EndSignals signals(EndSignals::Hangup::told);
  std::signal(SIGPIPE, SIG_IGN);
  usual_end = std::set_terminate(without_thread);
  if (!options.ready_file.empty()) remove_old_ready_file(options.ready_file);

  const auto several = config::load_tenants(options.config);
  if (!several.ok()) return wrong_configuration(several.error());
  return *several ? serve_several(options, allow_debugging, **several, signals)
                  : serve_one(options, allow_debugging, signals);
}

}  // namespace

void add_serve_command(args::Command& program, int& code, bool& allow_debugging,
                       const Build& build) {
  auto options = std::make_shared<ServeOptions>();
  options->hub.build = build;
  options->config = default_config();
  auto* command = program.add_subcommand("serve", "Run the hub until it gets SIGTERM or SIGINT");
  command->add_option("-c,--config", options->config, "Configuration file")->capture_default_str();
  command->add_option("--ready-file", options->ready_file,
                      "File to write, with URL and process id, when the hub listens; it is removed "
                      "when the hub stops");
  command->add_flag("--die-with-parent", options->die_with_parent,
                    "Stop when the parent process ends");
  command->add_flag("--dev", options->hub.dev,
                    "For development: also load plugins that are not signed and added");
  command->add_flag("--hold", options->hub.hold,
                    "After a restore: answer reads, but accept and send nothing");
  command->add_flag("--allow-debugging", allow_debugging,
                    "For development: let debuggers attach and let core files hold patient data");
  command->callback(
      [options, &code, &allow_debugging] { code = serve(*options, allow_debugging); });
}

}  // namespace rabt::cli

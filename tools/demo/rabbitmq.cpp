#include "tools/demo/rabbitmq.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "hub/base/bytes.hpp"
#include "tools/demo/booking.hpp"
#include "tools/demo/template.hpp"

namespace rabt::demo {

namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "/usr/lib/rabbitmq/bin/";
constexpr const char* kNames = "/usr/bin/epmd";
constexpr std::int64_t kStartLimitMs = 180'000;
constexpr std::chrono::milliseconds kLook{100};

Error broker_failed(const std::string& what) {
  return unavailable("demo.rabbitmq", what);
}

// Ends with us, however we end.
std::vector<std::string> killed_with_us(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"/usr/bin/setpriv", "--pdeathsig", "KILL"});
  return arguments;
}

}  // namespace

Status RabbitServer::start(const std::string& folder, Random& random,
                           const std::string& certificates) {
  if (!fs::exists(std::string(kFolder) + "rabbitmq-server") || !fs::exists(kNames))
    return broker_failed("there is no RabbitMQ; install the Debian package rabbitmq-server");
  folder_ = folder;
  std::error_code failure;
  fs::create_directories(folder_, failure);
  if (failure) return broker_failed(folder_ + " cannot be made: " + failure.message());
  std::array<std::uint8_t, 16> raw{};
  random.fill(raw);
  password_ = to_hex(raw);
  for (int* const port : {&port_, &tls_port_, &node_port_, &names_port_}) {
    RABT_TRY(free, free_port());
    *port = free;
  }
  if (!write_text(password_file(), password_)) return broker_failed(folder_ + " cannot be written");
  RABT_TRY_STATUS(write_configuration(certificates));
  RABT_TRY_STATUS(names_.start(
      killed_with_us({kNames, "-port", std::to_string(names_port_), "-address", "127.0.0.1"}),
      folder_ + "/names.log"));
  return restart();
}

Status RabbitServer::write_configuration(const std::string& certificates) const {
  std::string text = "listeners.tcp.1 = 127.0.0.1:" + std::to_string(port_) +
                     "\ndefault_user = " + user_ + "\ndefault_pass = " + password_ +
                     "\ndisk_free_limit.absolute = 1MB\nlog.console.level = info\n";
  if (!certificates.empty()) {
    text += "listeners.ssl.1 = 127.0.0.1:" + std::to_string(tls_port_) +
            "\nssl_options.cacertfile = " + certificates +
            "/ca.pem\nssl_options.certfile = " + certificates +
            "/server.pem\nssl_options.keyfile = " + certificates +
            "/server.key\nssl_options.verify = verify_none\n";
  }
  const bool written = write_text(folder_ + "/rabbitmq.conf", text) &&
                       write_text(folder_ + "/plugins", "[].\n") &&
                       write_text(folder_ + "/environment", "");
  if (!written) return broker_failed(folder_ + " cannot be written");
  return ok_status();
}

Status RabbitServer::restart() {
  const std::string log = folder_ + "/rabbitmq.log";
  std::error_code absent;
  const auto size = fs::file_size(log, absent);
  log_from_ = absent ? 0 : size;
  std::vector<std::string> arguments = environment();
  // With input the script becomes the broker, so that our signals reach it; it reads none.
  for (const std::string& more :
       {"RABBITMQ_MNESIA_BASE=" + folder_ + "/data", "RABBITMQ_LOG_BASE=" + folder_ + "/log",
        std::string("RABBITMQ_LOGS=-"), "RABBITMQ_CONFIG_FILE=" + folder_ + "/rabbitmq.conf",
        "RABBITMQ_ENABLED_PLUGINS_FILE=" + folder_ + "/plugins",
        "RABBITMQ_DIST_PORT=" + std::to_string(node_port_), std::string("RABBITMQ_ALLOW_INPUT=1"),
        std::string("RABBITMQ_SERVER_START_ARGS=-noinput"),
        std::string("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 1:1 +sbwt none -kernel "
                    "inet_dist_use_interface {127,0,0,1}"),
        std::string(kFolder) + "rabbitmq-server"})
    arguments.push_back(more);
  return broker_.start(killed_with_us(std::move(arguments)), log);
}

std::vector<std::string> RabbitServer::environment() const {
  return {"/usr/bin/env",
          "-i",
          "PATH=/usr/bin:/bin",
          "LANG=C.UTF-8",
          "HOME=" + folder_,
          "RABBITMQ_NODENAME=rabt@localhost",
          "RABBITMQ_CONF_ENV_FILE=" + folder_ + "/environment",
          "ERL_EPMD_PORT=" + std::to_string(names_port_),
          "ERL_EPMD_ADDRESS=127.0.0.1"};
}

Status RabbitServer::control(const std::vector<std::string>& arguments) const {
  std::vector<std::string> all = environment();
  all.push_back(std::string(kFolder) + "rabbitmqctl");
  all.insert(all.end(), arguments.begin(), arguments.end());
  const std::string log = folder_ + "/control.log";
  ChildProcess control;
  RABT_TRY_STATUS(control.start(killed_with_us(std::move(all)), log));
  control.wait(kStartLimitMs);
  if (control.running()) return broker_failed("rabbitmqctl did not end; see " + log);
  return ok_status();
}

Status RabbitServer::wait() {
  const std::string log = folder_ + "/rabbitmq.log";
  for (std::int64_t waited = 0; waited < kStartLimitMs && broker_.running();
       waited += kLook.count()) {
    std::ifstream in(log, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(log_from_));
    const std::string said{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (said.find("Server startup complete") != std::string::npos) return ok_status();
    std::this_thread::sleep_for(kLook);
  }
  return broker_failed("RabbitMQ did not start; see " + log);
}

void RabbitServer::freeze() const {
  if (broker_.pid() > 0) ::kill(broker_.pid(), SIGSTOP);
}

std::string RabbitServer::url() const {
  return "amqp://" + user_ + ":" + password_ + "@127.0.0.1:" + std::to_string(port_);
}

std::string RabbitServer::hub_configuration() const {
  return "bus:\n  hosts: [\"127.0.0.1:" + std::to_string(port_) +
         "\"]\n  tls: false\n  user: " + user_ + "\n  password: {file: \"" + password_file() +
         "\"}\n";
}

}  // namespace rabt::demo

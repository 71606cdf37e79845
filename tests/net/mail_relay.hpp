#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "hub/base/check.hpp"
#include "hub/base/json.hpp"

namespace rabt::net {

// tests/interop/mail_relay.py as a child.
class Relay {
 public:
  [[nodiscard]] static bool can_run() {
    return std::system("/usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null") == 0;
  }
  explicit Relay(const std::string& arguments) {
    const char* source = std::getenv("RABT_SOURCE_DIR");
    const std::string command = "exec /usr/bin/python3 '" +
                                std::string(source != nullptr ? source : ".") +
                                "/tests/interop/mail_relay.py' " + arguments;
    int out[2];
    int in[2];
    RABT_CHECK(::pipe(out) == 0 && ::pipe(in) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(out[1], 1);
      ::dup2(in[0], 0);
      for (const int fd : {out[0], out[1], in[0], in[1]}) ::close(fd);
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(in[0]);
    from_ = ::fdopen(out[0], "r");
    keep_ = in[1];
    port_ = std::atoi(line().c_str());
  }
  ~Relay() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    std::fclose(from_);
    ::close(keep_);
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  [[nodiscard]] int port() const { return port_; }
  // The next mail as Python reads it.
  [[nodiscard]] Json mail() { return Json::parse(line()).value(); }

 private:
  std::string line() {
    std::string text(1 << 20, '\0');
    if (std::fgets(text.data(), static_cast<int>(text.size()), from_) == nullptr) return "0";
    return text.c_str();
  }

  pid_t pid_ = -1;
  std::FILE* from_ = nullptr;
  int keep_ = -1;
  int port_ = 0;
};

}  // namespace rabt::net

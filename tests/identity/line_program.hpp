#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "hub/base/json.hpp"

namespace rabt::identity::test {

// A script of node on the other side of a test: a line of JSON in, a line of JSON out.
class LineProgram {
 public:
  LineProgram(const std::string& script, const std::string& argument) {
    int in[2] = {};
    int out[2] = {};
    if (::pipe(in) != 0 || ::pipe(out) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      for (const int one : {in[0], in[1], out[0], out[1]}) ::close(one);
      ::execlp("node", "node", script.c_str(), argument.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    to_ = ::fdopen(in[1], "w");
    from_ = ::fdopen(out[0], "r");
  }
  LineProgram(const LineProgram&) = delete;
  LineProgram& operator=(const LineProgram&) = delete;
  // The end of its input ends it.
  ~LineProgram() {
    if (to_ != nullptr) std::fclose(to_);
    if (from_ != nullptr) std::fclose(from_);
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
  }
  Json read() {
    std::string line;
    for (int c = std::fgetc(from_); c != EOF && c != '\n'; c = std::fgetc(from_))
      line.push_back(static_cast<char>(c));
    const auto parsed = Json::parse(line);
    return parsed.ok() ? *parsed : Json::object({{"error", "no answer: " + line}});
  }
  Json ask(const char* what, const Json& options) {
    const std::string line = Json::object({{what, options}}).dump() + "\n";
    std::fwrite(line.data(), 1, line.size(), to_);
    std::fflush(to_);
    return read();
  }

 private:
  pid_t child_ = -1;
  FILE* to_ = nullptr;
  FILE* from_ = nullptr;
};

}  // namespace rabt::identity::test

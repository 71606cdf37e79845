#include "hub/cli/ask.hpp"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace rabt::cli {

Result<std::string> ask(const std::string& question, bool hidden) {
  std::fprintf(stderr, "%s", question.c_str());
  termios before{};
  const bool terminal = hidden && ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line;
  const bool read = static_cast<bool>(std::getline(std::cin, line));
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fprintf(stderr, "\n");
  }
  if (!read) return invalid("cli.no_answer_given", "there was no answer on standard input");
  return line;
}

}  // namespace rabt::cli

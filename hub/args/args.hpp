#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

// Definition of a program's command line, and its help. CLI11 does the work, and only args.cpp
// includes it: the header costs each file that does four seconds of compilation. The functions are
// named as CLI11 names them, and its documentation holds for them.
namespace rabt::args {

// One option of a command. Lives as long as its command.
class Option {
 public:
  explicit Option(CLI::Option* it) : it_(it) {}

  Option* required();
  Option* capture_default_str();
  // The option takes one value each time it is given.
  Option* one_value_each_time();
  Option* needs(Option* other);
  Option* excludes(Option* other);
  // The help does not show it.
  Option* hide();

  // Rules for a value. Anything else ends the program with a message.
  Option* one_of(std::vector<std::string> texts);
  Option* positive();
  Option* between(int least, int most);
  Option* between(double least, double most);
  // A time; 90s, 15m, 2h and 7d count back from now, and are bound as RFC 3339.
  Option* moment();
  Option* existing_file();
  Option* existing_directory();

 private:
  CLI::Option* it_;
};

// A command, or the program itself. What options are bound to outlives the parse.
class Command {
 public:
  // app outlives the command.
  explicit Command(CLI::App& app) : app_(&app) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  Command* add_subcommand(const std::string& name, const std::string& description);
  void require_subcommand();
  void footer(const std::string& text);

  // names: "-c,--config"; a name without hyphens is the argument of that place. Several values are
  // taken by a vector only.
  Option* add_option(const std::string& names, std::string& value, const std::string& text);
  Option* add_option(const std::string& names, std::vector<std::string>& value,
                     const std::string& text);
  Option* add_option(const std::string& names, int& value, const std::string& text);
  Option* add_option(const std::string& names, std::int64_t& value, const std::string& text);
  Option* add_option(const std::string& names, std::uint16_t& value, const std::string& text);
  Option* add_option(const std::string& names, std::uint64_t& value, const std::string& text);
  Option* add_option(const std::string& names, double& value, const std::string& text);
  Option* add_option_function(const std::string& names,
                              const std::function<void(const std::string&)>& take,
                              const std::string& text);
  Option* add_flag(const std::string& names, bool& value, const std::string& text);
  void set_version_flag(const std::string& names, const std::string& version,
                        const std::string& text);

  // Runs when the command was named and the whole line was parsed.
  void callback(std::function<void()> run);
  // Runs before the callbacks.
  void parse_complete_callback(std::function<void()> run);

  // Leaves unknown arguments to the command instead of refusing them.
  void allow_extras();
  [[nodiscard]] std::vector<std::string> remaining() const;
  // Makes --help an ordinary argument.
  void without_help();

 private:
  CLI::App* app_;
  std::list<Command> commands_;
  std::list<Option> options_;
};

class Program : public Command {
 public:
  // name: empty, or what the help shows instead of the name that the program was called by.
  explicit Program(const std::string& description, const std::string& name = {});
  ~Program();

  // Parses the line and runs the callbacks. Gives the exit code if the program is to end: 2 if the
  // line was wrong, and a message was written; 0 if help was asked for.
  [[nodiscard]] std::optional<int> parse(int argc, char** argv);

  // A script of bash that completes commands and options, and a page for man(1). Both hold every
  // command that was added.
  [[nodiscard]] std::string bash_completion() const;
  [[nodiscard]] std::string manual() const;

 private:
  explicit Program(std::unique_ptr<CLI::App> app);

  std::unique_ptr<CLI::App> owned_;
};

// For callbacks. Each throws what parse() catches: it writes what is wrong, and gives 2.
[[noreturn]] void refuse_extras(const std::vector<std::string>& words);
[[noreturn]] void refuse_without(const std::string& option);
// parse() gives this code and writes nothing.
[[noreturn]] void leave(int code);

}  // namespace rabt::args

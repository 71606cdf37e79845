#include "hub/args/args.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/span.hpp"
#include "hub/base/suggest.hpp"

namespace rabt::args {

namespace {

// A line that is wrong ends a program as what it names and cannot be read does.
constexpr int kWrongLine = 2;

// The command that a line got to, and its name with those before it.
struct Reached {
  const CLI::App* app;
  std::string name;
};

Reached reached_by(const CLI::App& program) {
  Reached out{&program, program.get_name()};
  for (auto next = program.get_subcommands(); !next.empty(); next = out.app->get_subcommands())
    out = {next.back(), out.name + " " + next.back()->get_name()};
  return out;
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; }))
    out.push_back(one->get_name());
  return out;
}

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
  }
  return out;
}

std::string with_near(std::string text, std::string_view name,
                      const std::vector<std::string>& names) {
  const std::string near = did_you_mean(name, names);
  return near.empty() ? text : std::move(text) + "; " + near;
}

// Explains the mistake of a command line, and what to do.
std::string explain(const CLI::App& program, const CLI::ParseError& failure) {
  const Reached at = reached_by(program);
  const std::vector<std::string> commands = commands_of(*at.app);
  const std::vector<std::string> left = program.remaining(true);
  // CLI11 puts the name of the command in the place of the name of this mistake.
  const bool extras = dynamic_cast<const CLI::ExtrasError*>(&failure) != nullptr;
  const bool missing = dynamic_cast<const CLI::RequiredError*>(&failure) != nullptr;
  if (!left.empty() && (missing || extras)) {
    const auto option = std::find_if(left.begin(), left.end(), [](const std::string& text) {
      return text.starts_with("-") && text.size() > 1;
    });
    if (option != left.end()) {
      const std::string name = option->substr(0, option->find('='));
      return with_near("unknown option `" + name + "` of `" + at.name + "`", name,
                       options_of(*at.app));
    }
    if (!commands.empty())
      return with_near("unknown command `" + left.front() + "` of `" + at.name + "`", left.front(),
                       commands);
    return "`" + left.front() + "` is a word too many for `" + at.name + "`";
  }
  if (missing) {
    for (const CLI::Option* get_option : at.app->get_options()) {
      if (get_option->get_required() && get_option->count() == 0)
        return "`" + at.name + "` needs " + get_option->get_name() + ": " +
               get_option->get_description();
    }
    if (!commands.empty()) return "`" + at.name + "` needs a command: " + listed(commands);
  }
  return failure.what();
}

bool shown(const CLI::Option& option) {
  return !option.get_group().empty();
}

// Calls visit(command, its name with those before it) for the program and every command below.
void walk(const CLI::App& app, const std::string& name,
          const std::function<void(const CLI::App&, const std::string&)>& visit) {
  visit(app, name);
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!one->get_group().empty()) walk(*one, name + " " + one->get_name(), visit);
  }
}

// A text in a line of roff, where a backslash begins a command and a hyphen is no minus.
std::string roff(std::string_view text) {
  std::string out = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  return out;
}

}  // namespace

Option* Option::required() {
  it_->required();
  return this;
}

Option* Option::capture_default_str() {
  it_->capture_default_str();
  return this;
}

Option* Option::one_value_each_time() {
  it_->allow_extra_args(false);
  return this;
}

Option* Option::needs(Option* other) {
  it_->needs(other->it_);
  return this;
}

Option* Option::excludes(Option* other) {
  it_->excludes(other->it_);
  return this;
}

Option* Option::hide() {
  it_->group("");
  return this;
}

Option* Option::one_of(std::vector<std::string> texts) {
  it_->check(CLI::IsMember(std::move(texts)));
  return this;
}

Option* Option::positive() {
  it_->check(
      [](const std::string& text) {
        std::int64_t number = 0;
        const char* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, number);
        const bool good = read.ec == std::errc() && read.ptr == end && number > 0;
        return good ? std::string() : "\"" + text + "\" is no whole number of 1 or more";
      },
      "POSITIVE");
  return this;
}

Option* Option::between(int least, int most) {
  it_->check(CLI::Range(least, most));
  return this;
}

Option* Option::between(double least, double most) {
  it_->check(CLI::Range(least, most));
  return this;
}

Option* Option::moment() {
  it_->transform([](const std::string& text) {
    const std::optional<std::int64_t> back = parse_span_ms(text);
    if (!back) return text;
    return to_iso8601(Timestamp{SystemClock().now().ms - *back});
  });
  return this;
}

Option* Option::existing_file() {
  it_->check(CLI::ExistingFile);
  return this;
}

Option* Option::existing_directory() {
  it_->check(CLI::ExistingDirectory);
  return this;
}

Command* Command::add_subcommand(const std::string& name, const std::string& description) {
  return &commands_.emplace_back(*app_->add_subcommand(name, description));
}

void Command::require_subcommand() {
  app_->require_subcommand(1);
}

void Command::footer(const std::string& text) {
  app_->footer(text);
}

Option* Command::add_option(const std::string& names, std::string& value, const std::string& text) {
  return &options_.emplace_back(app_->add_option(names, value, text));
}

Option* Command::add_option(const std::string& names, std::vector<std::string>& value,
                            const std::string& text) {
  return &options_.emplace_back(app_->add_option(names, value, text));
}

Option* Command::add_option(const std::string& names, int& value, const std::string& text) {
  return &options_.emplace_back(app_->add_option(names, value, text));
}

Option* Command::add_option(const std::string& names, std::int64_t& value,
                            const std::string& text) {
  return &options_.emplace_back(app_->add_option(names, value, text));
}

Option* Command::add_option(const std::string& names, std::uint16_t& value,
                            const std::string& text) {
  return &options_.emplace_back(app_->add_option(names, value, text));
}

Option* Command::add_option(const std::string& names, std::uint64_t& value,
                            const std::string& text) {
  return &options_.emplace_back(app_->add_option(names, value, text));
}

Option* Command::add_option(const std::string& names, double& value, const std::string& text) {
  return &options_.emplace_back(app_->add_option(names, value, text));
}

Option* Command::add_option_function(const std::string& names,
                                     const std::function<void(const std::string&)>& take,
                                     const std::string& text) {
  return &options_.emplace_back(app_->add_option_function<std::string>(names, take, text));
}

Option* Command::add_flag(const std::string& names, bool& value, const std::string& text) {
  return &options_.emplace_back(app_->add_flag(names, value, text));
}

void Command::set_version_flag(const std::string& names, const std::string& version,
                               const std::string& text) {
  app_->set_version_flag(names, version, text);
}

void Command::callback(std::function<void()> run) {
  app_->callback(std::move(run));
}

void Command::parse_complete_callback(std::function<void()> run) {
  app_->parse_complete_callback(std::move(run));
}

void Command::allow_extras() {
  app_->allow_extras();
}

std::vector<std::string> Command::remaining() const {
  return app_->remaining();
}

void Command::without_help() {
  app_->set_help_flag();
}

Program::Program(const std::string& description, const std::string& name)
    : Program(std::make_unique<CLI::App>(description, name)) {}

Program::Program(std::unique_ptr<CLI::App> app) : Command(*app), owned_(std::move(app)) {}

Program::~Program() = default;

std::optional<int> Program::parse(int argc, char** argv) {
  try {
    owned_->parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    const bool meant =
        failure.get_exit_code() == 0 || dynamic_cast<const CLI::RuntimeError*>(&failure) != nullptr;
    if (meant) return owned_->exit(failure);
    std::fprintf(stderr, "%s\n`%s --help` says what it takes\n", explain(*owned_, failure).c_str(),
                 reached_by(*owned_).name.c_str());
    return kWrongLine;
  }
  return std::nullopt;
}

std::string Program::bash_completion() const {
  std::string table;
  walk(*owned_, owned_->get_name(), [&table](const CLI::App& app, const std::string& name) {
    std::string words;
    for (const std::string& text : commands_of(app)) words += text + " ";
    for (const CLI::Option* option : app.get_options()) {
      if (!shown(*option)) continue;
      for (const std::string& long_name : option->get_lnames()) words += "--" + long_name + " ";
    }
    table += "  [\"" + name + "\"]=\"" + words + "\"\n";
  });
  const std::string& name = owned_->get_name();
  return "declare -gA _" + name + "_words=(\n" + table + ")\n_" + name +
         R"(() {
  local at=)" +
         name +
         R"( word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ -n ${_)" +
         name + R"(_words["$at $word"]+x} ]] && at="$at $word"
  done
  mapfile -t COMPREPLY < <(compgen -W "${_)" +
         name + R"(_words["$at"]}" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _)" +
         name + " " + name + "\n";
}

std::string Program::manual() const {
  const std::string& name = owned_->get_name();
  std::string out = ".TH " + name + " 1\n.SH NAME\n" + name + " \\- " +
                    roff(owned_->get_description()) + "\n.SH SYNOPSIS\n.B " + name +
                    "\n.I COMMAND\n[options]\n.SH COMMANDS\n";
  walk(*owned_, name, [&out](const CLI::App& app, const std::string& path) {
    out += ".SS " + roff(path) + "\n" + roff(app.get_description()) + "\n";
    for (const CLI::Option* option : app.get_options()) {
      if (!shown(*option) || option->get_name(false, true) == "-h,--help") continue;
      out += ".TP\n.B " + roff(option->get_name(option->get_positional(), true)) + "\n" +
             roff(option->get_description()) + "\n";
    }
    if (!app.get_footer().empty()) out += ".PP\n" + roff(app.get_footer()) + "\n";
  });
  return out;
}

void refuse_extras(const std::vector<std::string>& words) {
  throw CLI::ExtrasError(words);
}

void refuse_without(const std::string& option) {
  throw CLI::RequiredError(option);
}

void leave(int code) {
  throw CLI::RuntimeError("leave", code);
}

}  // namespace rabt::args

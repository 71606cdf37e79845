#include "hub/args/args.hpp"

#include <CLI/CLI.hpp>

namespace rabt::args {

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
  it_->check(CLI::PositiveNumber);
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
    return owned_->exit(failure);
  }
  return std::nullopt;
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

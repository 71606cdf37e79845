#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/base/utf8.hpp"
#include "hub/cli/commands.hpp"
#include "hub/config/config.hpp"
#include "hub/workflow/expression.hpp"
#include "hub/workflow/yaml/yaml_position.hpp"

// rabt expr
namespace rabt::cli {

namespace {

struct ExprOptions {
  // As it stands between ${ and } in a workflow.
  std::string expression;
  // A file; empty means standard input, unless that is a terminal.
  std::string input;
  // Variables, each NAME=JSON.
  std::vector<std::string> arguments;
  bool null_input = false;
  // Texts are printed without quotes.
  bool raw = false;
};

// The exit code of the jq program.
constexpr int kEvaluationFailed = 5;
constexpr JsonLimits kInputLimits{.max_bytes = 64U << 20U, .max_depth = 256};

int wrong_input(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 2;
}

// Prints the place and the message of a fault, and the line with a caret under the place.
void show(const workflow::ExpressionFault& fault, std::string_view text) {
  const workflow::LineIndex lines(text);
  const workflow::TextPlace place = lines.at(fault.offset);
  const std::string_view line = lines.line(place.line);
  std::string margin;
  for (const char c : line) {
    if (margin.size() + 1 == static_cast<std::size_t>(place.column)) break;
    if (!continues_utf8(c)) margin.push_back(c == '\t' ? '\t' : ' ');
  }
  std::fprintf(stderr, "expression:%d:%d: %s [%s]\n  %.*s\n  %s^\n", place.line, place.column,
               fault.message.c_str(), fault.code.c_str(), static_cast<int>(line.size()),
               line.data(), margin.c_str());
}

// Gives the end of the JSON value that starts at `begin`. The parser checks what is inside.
std::size_t end_of_value(std::string_view text, std::size_t begin) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t at = begin; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c != '"') continue;
      quoted = false;
    } else if (c == '"') {
      if (depth == 0 && at > begin) return at;
      quoted = true;
      continue;
    } else if (c == '[' || c == '{') {
      if (depth == 0 && at > begin) return at;
      ++depth;
      continue;
    } else if (c == ']' || c == '}') {
      if (depth == 0) return at + 1;
      --depth;
    } else {
      if (depth == 0 && kSpace.find(c) != std::string_view::npos) return at;
      continue;
    }
    if (depth == 0) return at + 1;
  }
  return text.size();
}

std::string read_standard_input() {
  std::string text;
  std::array<char, 65536> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), stdin)) {
    text.append(buffer.data(), got);
    if (text.size() > kInputLimits.max_bytes) break;  // the parser refuses it
  }
  return text;
}

// Evaluates the expression on every JSON value of the input and prints the results, one on each
// line.
int evaluate_input(const ExprOptions& options) {
  if (options.expression.empty()) return wrong_input("give an expression, such as '.a | length'");
  std::vector<std::string> names;
  std::vector<Json> values;
  for (const std::string& argument : options.arguments) {
    const std::size_t equals = argument.find('=');
    auto value = Json::parse(equals == std::string::npos ? "" : argument.substr(equals + 1));
    if (equals == 0 || !value.ok()) {
      return wrong_input("--arg " + argument.substr(0, equals) +
                         ": write NAME=JSON; a text needs quotes: 'name=\"text\"'");
    }
    names.push_back(argument.substr(0, equals));
    values.push_back(std::move(*value));
  }
  const std::vector<std::string_view> variables(names.begin(), names.end());
  const auto compiled = workflow::Expression::compile(options.expression, variables);
  if (!compiled.expression) {
    show(compiled.fault, options.expression);
    return kEvaluationFailed;
  }

  int code = 0;
  const auto evaluate = [&](const Json& input) {
    const auto fault = compiled.expression->each(
        input, values, workflow::default_expression_budget(), [&](const Json& result) {
          const std::string line =
              options.raw && result.is_string() ? result.as_string() : result.dump();
          std::fwrite(line.data(), 1, line.size(), stdout);
          std::fputc('\n', stdout);
          return true;
        });
    if (!fault) return;
    std::fflush(stdout);
    show(*fault, options.expression);
    code = kEvaluationFailed;
  };
  if (options.null_input || (options.input.empty() && ::isatty(STDIN_FILENO) == 1)) {
    evaluate(Json());
    return code;
  }
  const auto text = options.input.empty() ? Result<std::string>(read_standard_input())
                                          : config::read_text(options.input);
  if (!text.ok()) return wrong_input(options.input + ": cannot be read: " + text.error().message);
  std::string_view rest = *text;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // some editors write it
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  for (std::size_t number = 1;; ++number) {
    const std::size_t begin = rest.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return code;
    const std::size_t end = end_of_value(rest, begin);
    const auto input = Json::parse(rest.substr(begin, end - begin), kInputLimits);
    if (!input.ok()) {
      return wrong_input("value " + std::to_string(number) +
                         " of the input: " + input.error().message);
    }
    evaluate(*input);
    rest.remove_prefix(end);
  }
}

}  // namespace

void add_expr_command(args::Command& program, int& code) {
  auto options = std::make_shared<ExprOptions>();
  auto* command = program.add_subcommand("expr", "Evaluate an expression on JSON values");
  command->footer("Exit status 5: the expression is wrong or an evaluation failed");
  command->add_option("expression", options->expression, "The expression");
  command->add_option("-i,--input", options->input,
                      "File with JSON values (default: standard input)");
  command
      ->add_option("--arg", options->arguments,
                   "Define a variable: NAME=JSON; may be given several times")
      ->one_value_each_time();
  command->add_flag("-n,--null-input", options->null_input, "Read no input; `.` is null");
  command->add_flag("-r,--raw", options->raw, "Print texts without quotes");
  // An expression may start with `-`; then it is taken for an unknown option.
  command->allow_extras();
  command->callback([options, command, &code] {
    std::vector<std::string> rest = command->remaining();
    std::erase(rest, "--");
    if (options->expression.empty() && rest.size() == 1) {
      options->expression = rest.front();
      rest.clear();
    }
    if (!rest.empty()) args::refuse_extras(rest);
    code = evaluate_input(*options);
  });
}

}  // namespace rabt::cli

// ./dev bench interpreter: tasks per second of the interpreter alone, on one core, without engine,
// journal or disk. Prints; asserts nothing.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "hub/workflow/execution.hpp"
#include "hub/workflow/expression.hpp"

namespace {

using namespace rabt;
using namespace rabt::workflow;
using Clock_ = std::chrono::steady_clock;

constexpr const char* kHead =
    "document: {dsl: '1.0.3', namespace: bench, name: bench, version: '1.0.0'}\n";
constexpr int kRepeats = 20;

std::shared_ptr<const Definition> must_parse(const std::string& body) {
  ParsedDefinition parsed = parse_definition(kHead + body, nullptr);
  for (const Diagnostic& diagnostic : parsed.diagnostics)
    std::fprintf(stderr, "%s\n", to_string(diagnostic, "bench").c_str());
  if (parsed.definition == nullptr) std::exit(1);
  return parsed.definition;
}

double seconds(Clock_::time_point start) {
  return std::chrono::duration<double>(Clock_::now() - start).count();
}

struct Measured {
  std::size_t tasks = 0;
  double seconds = 0;
};

Measured play(const std::shared_ptr<const Definition>& definition, const Json& input) {
  Measured out;
  for (int i = 0; i < kRepeats; ++i) {
    Execution execution(definition);
    Input start;
    start.at = {1'773'000'000'000};
    start.what = Start{"01J0000000000000000000TEST", input};
    const auto begin = Clock_::now();
    const std::vector<Effect> effects = execution.apply(start);
    out.seconds += seconds(begin);
    for (const Effect& effect : effects) {
      if (const auto* trace = std::get_if<TaskTrace>(&effect))
        out.tasks += trace->state == "started" ? 1 : 0;
      if (const auto* finished = std::get_if<Finished>(&effect);
          finished != nullptr && finished->status != InstanceStatus::completed) {
        std::fprintf(stderr, "did not complete: %s\n", finished->error.dump().c_str());
        std::exit(1);
      }
    }
  }
  return out;
}

// Cost of the same evaluations alone.
double expressions(const std::vector<std::pair<const char*, std::size_t>>& texts,
                   const std::vector<std::string_view>& names, const std::vector<Json>& values,
                   const Json& input) {
  double total = 0;
  for (const auto& [text, count] : texts) {
    const Expression::Outcome compiled = Expression::compile(text, names);
    if (!compiled.expression.has_value()) std::exit(1);
    const ExpressionBudget budget = default_expression_budget();
    const auto begin = Clock_::now();
    for (std::size_t i = 0; i < count * kRepeats; ++i)
      (void)compiled.expression->one(input, values, budget);
    total += seconds(begin);
  }
  return total;
}

void print(const char* name, const Measured& measured, double in_expressions) {
  std::printf("%-24s %9.0f tasks/s   %6.3f us a task   %4.1f%% in expressions\n", name,
              static_cast<double>(measured.tasks) / measured.seconds,
              measured.seconds * 1e6 / static_cast<double>(measured.tasks),
              100 * in_expressions / measured.seconds);
}

}  // namespace

int main() {
  // 10,000 tasks may start in one turn: a switch and a set for each item leave room for 4,999.
  constexpr std::size_t kItems = 4900;
  Json::Array items;
  for (std::size_t i = 0; i < kItems; ++i) items.emplace_back(i);
  const auto loop = must_parse(
      "do:\n"
      "  - loop:\n"
      "      for: {each: x, in: .items}\n"
      "      do:\n"
      "        - choose: {switch: [{odd: {when: '$x % 2 == 1', then: exit}}, {even: {then: "
      "add}}]}\n"
      "        - add: {set: {sum: '${ (.sum // 0) + $x }'}}\n");
  const Json input = Json::object({{"items", Json(items)}});
  const Measured looped = play(loop, input);
  print("loop of switch and set", looped,
        expressions({{"$x % 2 == 1", kItems}, {"(.sum // 0) + $x", kItems / 2}}, {"x"}, {Json(7)},
                    Json::object({{"sum", 5}})));

  std::string line = "do:\n";
  for (int i = 0; i < 20; ++i)
    line += "  - t" + std::to_string(i) + ": {set: {n: '${ (.n // 0) + 1 }', k: fixed}}\n";
  const auto twenty = must_parse(line);
  Measured lined;
  for (int i = 0; i < 500; ++i) {
    const Measured measured = play(twenty, Json::object({{"n", 1}}));
    lined.tasks += measured.tasks;
    lined.seconds += measured.seconds;
  }
  print("line of 20 set tasks", lined,
        expressions({{"(.n // 0) + 1", 20 * 500}}, {}, {}, Json::object({{"n", 1}})));
  return 0;
}

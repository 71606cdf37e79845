#include "hub/workflow/expression.hpp"

#include <array>

#include "hub/base/utf8.hpp"
#include "tests/fuzz/input.hpp"

// Input: the expression, NUL, a JSON document.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  constexpr std::array<std::string_view, 5> kVariables{"context", "input", "output", "task",
                                                       "error"};
  const workflow::ExpressionBudget budget{.steps = 20'000, .depth = 64, .bytes = 1U << 20U};
  const auto given = fuzz::parts(fuzz::text(data, size), 2);
  if (!is_utf8(given[0])) return 0;  // expressions come out of YAML, which is UTF-8
  const auto compiled = workflow::Expression::compile(given[0], kVariables);
  if (!compiled.expression) {
    fuzz::require(compiled.fault.code.starts_with("expression."),
                  "a refusal has an expression code");
    fuzz::require(compiled.fault.offset <= given[0].size(), "a refusal lies inside the text");
    return 0;
  }
  Json input = Json::object({{"a", 1},
                             {"b", Json::array({1, "x", nullptr, true})},
                             {"c", Json::object({{"d", "10.10"}})}});
  if (auto parsed = Json::parse(given[1], {.max_bytes = 16U << 10U, .max_depth = 32}); parsed.ok())
    input = std::move(*parsed);
  const std::string before = input.dump();
  const std::array<Json, 5> values{input, Json::object({{"startEpoch", 1'773'000'000}}),
                                   Json::array({1, 2}), Json(), Json("text")};
  const auto first = compiled.expression->all(input, values, budget);
  const auto second = compiled.expression->all(input, values, budget);
  fuzz::require(first.ok() == second.ok(), "evaluation is a function");
  if (first.ok()) {
    fuzz::require(first->size() == second->size(), "evaluation is a function");
    for (std::size_t i = 0; i < first->size(); ++i) {
      const std::string text = (*first)[i].dump();
      fuzz::require(text == (*second)[i].dump(), "evaluation is a function");
      fuzz::require(Json::parse(text, {.max_bytes = 64U << 20U, .max_depth = 10'000}).ok(),
                    "a result is a JSON value");
    }
  } else {
    fuzz::require(first.error().code.starts_with("expression."),
                  "a failure has an expression code");
  }
  std::size_t handed = 0;
  const auto fault = compiled.expression->each(input, values, budget, [&](const Json& result) {
    fuzz::require(
        !first.ok() || (handed < first->size() && (*first)[handed].dump() == result.dump()),
        "results one by one are the results");
    return ++handed < 10'000;
  });
  fuzz::require(!fault || fault->offset <= given[0].size(), "a failure lies inside the text");
  const auto one = compiled.expression->one(input, values, budget);
  fuzz::require(!one.ok() || !first.ok() || first->size() <= 1, "one result is one result");
  fuzz::require(input.dump() == before, "the input is left alone");
  return 0;
}

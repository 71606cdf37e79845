#include "tests/workflow/gherkin.hpp"

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  const std::string_view text = fuzz::text(data, size);
  const gherkin::Outcome outcome = gherkin::parse(text);
  if (!outcome.feature) {
    fuzz::require(!outcome.fault.message.empty(), "a refusal says why");
    fuzz::require(outcome.fault.line >= 1, "a refusal says where");
    return 0;
  }
  std::size_t steps = 0;
  for (const gherkin::Scenario& scenario : outcome.feature->scenarios) {
    fuzz::require(!scenario.steps.empty(), "a scenario has steps");
    fuzz::require(scenario.line >= 1, "a scenario has a place");
    steps += scenario.steps.size();
    for (const gherkin::Step& step : scenario.steps) {
      fuzz::require(step.keyword == "Given" || step.keyword == "When" || step.keyword == "Then",
                    "a step has one of three keywords");
      fuzz::require(!(step.block && !step.table.empty()), "a step has a block or a table");
      fuzz::require(step.line >= 1, "a step has a place");
      for (const auto& row : step.table)
        fuzz::require(row.size() == step.table.front().size(), "rows are equally long");
    }
  }
  fuzz::require(steps <= gherkin::kMaxSteps, "outlines do not multiply past the limit");
  return 0;
}

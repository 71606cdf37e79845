#include "hub/workflow/definition.hpp"

#include "hub/workflow/execution.hpp"
#include "hub/workflow/run/lifecycle.hpp"

#include "tests/fuzz/input.hpp"
#include "tests/workflow/random_workflow.hpp"

namespace {

// The definition runs on inputs that the text itself decides; a second execution must follow.
void execute(const std::shared_ptr<const rabt::workflow::Definition>& definition,
             std::uint64_t seed) {
  using namespace rabt;
  using namespace rabt::workflow;
  Dice dice(seed);
  Execution execution(definition);
  Execution again(definition);
  RandomInputs random(dice, {1'773'000'000'000});
  std::vector<Input> inputs;
  bool finished = false;
  for (std::uint64_t i = 0; i < 16; ++i) {
    Input input;
    if (i == 0) {
      input.at = {1'773'000'000'000};
      input.what = Start{"01J0000000000000000000FUZZ", Json::object({{"k", "a"}})};
    } else {
      input = random.next(execution, inputs);
    }
    const std::vector<Effect> effects = execution.apply(input);
    fuzz::require(!finished || effects.empty(), "nothing happens after the end");
    for (const Effect& effect : effects) {
      finished = finished || std::holds_alternative<Finished>(effect);
    }
    fuzz::require(finished == (execution.open().empty() && finished),
                  "the end leaves nothing open");
    (void)lifecycle_events(*definition, {"01J0000000000000000000FUZZ", i, input, effects});
    const Result<Input> journaled = input_from_json(to_json(input));
    fuzz::require(journaled.ok(), "the journal reads what it writes");
    (void)again.apply(journaled.value());
    inputs.push_back(std::move(input));
  }
  fuzz::require(execution.state() == again.state(), "a replay is in the same state");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  const auto parsed = workflow::parse_definition(fuzz::text(data, size), nullptr);
  bool error = false;
  for (const auto& diagnostic : parsed.diagnostics) {
    error = error || diagnostic.severity == workflow::Severity::error;
    fuzz::require(!diagnostic.code.empty() && !diagnostic.message.empty(),
                  "a diagnostic says what is wrong");
    fuzz::require(diagnostic.line >= 1 && diagnostic.column >= 1, "a diagnostic says where");
    (void)to_string(diagnostic, "fuzz.yaml");
  }
  fuzz::require(error == (parsed.definition == nullptr),
                "there is a definition unless there is an error");
  if (parsed.definition == nullptr) return 0;

  const workflow::Definition& definition = *parsed.definition;
  for (const std::string& type : definition.start_types()) {
    const Json event =
        Json::object({{"specversion", "1.0"},
                      {"id", "1"},
                      {"source", "/fuzz"},
                      {"type", type},
                      {"data", Json::object({{"key", "k"}, {"modality", "video"}})}});
    (void)definition.starts_on(event);
    (void)definition.business_key(Json::array({event}));
    fuzz::require(definition.correlation_keys(event) == definition.correlation_keys(event),
                  "correlation keys are a function");
  }
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < size; ++i) seed = seed * 131 + data[i];
  execute(parsed.definition, seed);
  return 0;
}

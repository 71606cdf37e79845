#include "hub/workflow/definition.hpp"

#include "tests/fuzz/input.hpp"

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
  return 0;
}

#include "hub/workflow/yaml/yaml.hpp"

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  const workflow::YamlLimits limits{.max_bytes = 64U << 10U, .max_depth = 32, .max_nodes = 5'000};
  const auto outcome = workflow::parse_yaml(fuzz::text(data, size), limits);
  if (outcome.root == nullptr) {
    fuzz::require(!outcome.fault.code.empty() && !outcome.fault.message.empty(),
                  "a refusal says why");
    fuzz::require(outcome.fault.line >= 1 && outcome.fault.column >= 1, "a refusal says where");
    return 0;
  }
  fuzz::require(outcome.root->nodes <= limits.max_nodes, "aliases do not multiply past the limit");
  fuzz::require(outcome.root->height <= limits.max_depth + 1, "depth keeps its limit");
  const Json value = workflow::to_json(*outcome.root);
  const auto again = Json::parse(value.dump());
  fuzz::require(again.ok() && *again == value, "the tree is a JSON value");
  return 0;
}

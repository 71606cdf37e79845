#include <array>
#include <charconv>

#include "hub/config/config_reader.hpp"
#include "hub/worker/sandbox.hpp"

// Where plugins run, and what their processes may take: `isolation` and `limits` of a plugin, and
// `plugin_sandbox`.
namespace rabt::config {

namespace {

// "512MiB"; 0: it is no size.
std::uint64_t parse_size(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, unsigned>, 3> kUnits{
      {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}}};
  for (const auto& [unit, shift] : kUnits) {
    if (!text.ends_with(unit)) continue;
    const std::string_view digits = text.substr(0, text.size() - unit.size());
    std::uint64_t count = 0;
    const auto [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (failure != std::errc() || end != digits.data() + digits.size() || count > 1'000'000)
      return 0;
    return count << shift;
  }
  return 0;
}

}  // namespace

void read_isolation(Reader& reader, const YamlNode& node, PluginEntry& plugin) {
  std::string isolation = "worker";
  reader.text(node, "isolation", isolation);
  if (isolation != "worker" && isolation != "inline")
    reader.mistake(node.line, node.column, "`isolation` must be worker or inline");
  plugin.in_process = isolation == "inline";
  const YamlEntry* limits = node.find("limits");
  if (limits == nullptr || !reader.mapping(*limits->value, "`limits`")) return;
  reader.only(*limits->value, {"memory", "threads"});
  std::string memory;
  reader.text(*limits->value, "memory", memory);
  if (!memory.empty()) {
    plugin.memory = parse_size(memory);
    if (plugin.memory < worker::kMinMemory || plugin.memory > worker::kMaxMemory) {
      reader.mistake(limits->line, limits->column,
                     "`limits.memory` must be a size from 32MiB to 64GiB, such as 512MiB");
    }
  }
  reader.integer(*limits->value, "threads", 1, 1024, plugin.threads);
}

void read_sandbox(Reader& reader, const YamlNode& root, Config& config) {
  std::string sandbox = "required";
  reader.text(root, "plugin_sandbox", sandbox);
  if (const YamlEntry* entry = root.find("plugin_sandbox");
      entry != nullptr && sandbox != "required" && sandbox != "best-effort") {
    reader.mistake(entry->line, entry->column, "`plugin_sandbox` must be required or best-effort");
  }
  config.sandbox_required = sandbox != "best-effort";
}

}  // namespace rabt::config

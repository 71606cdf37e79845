#include <filesystem>
#include <fstream>

#include "hub/mapping/limits.hpp"
#include "hub/mapping/mapping.hpp"
#include "hub/workflow/yaml/yaml.hpp"

// A mapping file and what it names, from the disk and from the hub.
namespace rabt::mapping {

namespace fs = std::filesystem;

namespace {

// Paths that a mapping file names: its code maps, and its schema where that is a text.
std::vector<std::string> named_in(const workflow::YamlNode& root) {
  std::vector<std::string> out;
  if (root.kind != workflow::YamlNode::Kind::mapping) return out;
  if (const auto* maps = root.find("maps");
      maps != nullptr && maps->value->kind == workflow::YamlNode::Kind::mapping) {
    for (const auto& entry : maps->value->entries) {
      if (entry.value->is_text()) out.push_back(entry.value->text());
    }
  }
  if (const auto* schema = root.find("schema"); schema != nullptr && schema->value->is_text())
    out.push_back(schema->value->text());
  return out;
}

}  // namespace

Result<std::string> read_part(const std::string& path, std::size_t most) {
  std::error_code failure;
  if (!fs::is_regular_file(path, failure))
    return invalid("mapping.io", path + ": there is no such file");
  std::ifstream in(path, std::ios::binary);
  std::string text(most + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in && !in.eof()) return invalid("mapping.io", path + ": the file cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > most)
    return invalid("mapping.io",
                   path + ": the file is longer than " + std::to_string(most >> 10U) + " KiB");
  return text;
}

Result<SourceFiles> read_files(const std::string& path) {
  SourceFiles out;
  out.name = fs::path(path).filename().string();
  RABT_TRY(text, read_part(path, limits::kMaxWorkflowBytes));
  out.text = std::move(text);
  const auto parsed = workflow::parse_yaml(out.text);
  if (parsed.root == nullptr)
    return invalid("mapping.file", path + ":" + std::to_string(parsed.fault.line) + ":" +
                                       std::to_string(parsed.fault.column) + ": " +
                                       parsed.fault.message);
  for (const std::string& name : named_in(*parsed.root)) {
    if (out.parts.size() == limits::kMaxMappingParts)
      return invalid("mapping.file", path + ": names more than " +
                                         std::to_string(limits::kMaxMappingParts) + " files");
    const fs::path relative(name);
    const fs::path part = relative.is_absolute() ? relative : fs::path(path).parent_path() / name;
    RABT_TRY(content, read_part(part.string(), limits::kMaxMappingPart));
    out.parts.insert_or_assign(name, std::move(content));
  }
  return out;
}

}  // namespace rabt::mapping

#include "hub/mapping/mapping.hpp"

// A mapping and its files as the configuration of the plugin. Without the code that reads files:
// the plugin links this, and reads none.
namespace rabt::mapping {

Json to_json(const SourceFiles& files) {
  Json parts = Json::object();
  for (const auto& [name, text] : files.parts) parts.set(name, Json(text));
  return Json::object({{"file", files.name}, {"text", files.text}, {"parts", std::move(parts)}});
}

Result<SourceFiles> from_json(const Json& config) {
  SourceFiles out;
  out.name = config.string_or("file", "");
  out.text = config.string_or("text", "");
  if (out.text.empty())
    return invalid("mapping.file",
                   "no mapping file: the plugin's entry of the configuration names it as `source`");
  if (const Json& parts = config["parts"]; parts.is_object()) {
    for (const auto& [name, text] : parts.as_object()) {
      if (text.is_string()) out.parts.emplace(name, text.as_string());
    }
  }
  return out;
}

}  // namespace rabt::mapping

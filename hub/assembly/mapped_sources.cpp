#include "hub/assembly/mapped_sources.hpp"

namespace rabt::assembly {

Result<MappedSource> read_mapped_source(const std::string& entry, const std::string& path) {
  MappedSource out;
  const auto of_entry = [&](const Error& error) {
    return invalid(error.code, "plugin " + entry + ", source " + path + ": " + error.message);
  };
  auto files = mapping::read_files(path);
  if (!files.ok()) return of_entry(files.error());
  out.files = *std::move(files);
  auto mappings = mapping::load(out.files);
  if (!mappings.ok()) return of_entry(mappings.error());
  out.mapping = *std::move(mappings);
  return out;
}

std::string words_of(const mapping::SourceFiles& files) {
  std::string out = files.name + "\n" + files.text;
  // Codes of maps stay out: reasons quote a map by its name only.
  for (const auto& [name, text] : files.parts) {
    if (!name.ends_with(".csv")) out += "\n" + text;
  }
  return out;
}

}  // namespace rabt::assembly

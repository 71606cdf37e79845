#include "hub/assembly/code_maps.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/mapping/limits.hpp"
#include "hub/mapping/mapping.hpp"

namespace rabt::assembly {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxName = 64;

// Names of maps stand in the audit log and in the timeline of an instance.
bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= kMaxName && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), fits);
}

// Files NAME.csv of the folder, in the order of their names.
Result<std::vector<fs::path>> files_in(const std::string& folder) {
  std::vector<fs::path> out;
  std::error_code failure;
  for (fs::directory_iterator one(folder, failure), end; !failure && one != end;
       one.increment(failure)) {
    if (one->path().extension() == ".csv") out.push_back(one->path());
  }
  if (failure)
    return invalid("mapping.io",
                   "maps: the folder " + folder + " cannot be read: " + failure.message());
  if (out.size() > limits::kMaxCodeMaps)
    return invalid("config.maps", "maps: the folder " + folder + " has more than " +
                                      std::to_string(limits::kMaxCodeMaps) + " code maps");
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Result<consultation::ServedMaps> read_code_maps(const config::Config& config) {
  consultation::ServedMaps out;
  if (!config.maps.empty()) {
    RABT_TRY(files, files_in(config.maps));
    for (const fs::path& file : files) {
      const std::string name = file.stem().string();
      if (!is_name(name))
        return invalid("config.maps", "maps: " + file.string() +
                                          ": the name of a code map has lower-case letters, digits "
                                          "and hyphens, at most 64, such as icd-to-sbs.csv");
      RABT_TRY(text, mapping::read_part(file.string(), limits::kMaxMappingPart));
      auto map = mapping::CodeMap::read(text);
      if (!map.ok())
        return invalid(map.error().code, "maps: " + file.string() + ": " + map.error().message);
      out.emplace(name, consultation::ServedMap{.map = *std::move(map),
                                                .sha256 = to_hex(crypto::sha256(text))});
    }
  }
  const std::string service = "hub://" + std::string(consultation::kMapService);
  for (const auto& [role, target] : config.roles) {
    if (target != service || !out.empty()) continue;
    return invalid("config.maps",
                   "role " + role + " is " + service + ", and " +
                       (config.maps.empty() ? "`maps` names no folder of code maps"
                                            : "the folder " + config.maps +
                                                  " has no code map: write one, such as sex.csv"));
  }
  return out;
}

}  // namespace rabt::assembly

#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/mapping/code_map.hpp"
#include "hub/plugin/call.hpp"
#include "hub/store/store.hpp"

// Code maps of the configuration, as workflows look codes up in them.
namespace rabt::consultation {

inline constexpr std::string_view kMapService = "map";

struct ServedMap {
  mapping::CodeMap map;
  // Digest of the file, in hexadecimal digits: the version of the map.
  std::string sha256;
};
using ServedMaps = std::map<std::string, ServedMap, std::less<>>;

// Outcome of lookup 1.0.0 with these arguments. Pure. Permanent outcomes: map.unknown_code,
// map.code, map.unknown; no message holds the code.
[[nodiscard]] workflow::ActionOutcome look_up(const ServedMaps& maps, const Json& arguments);

// hub://map
//   lookup 1.0.0  {map, code} -> {value, map, sha256}
// The answer is kept in the journal, as that of each call: an instance never reads a map again.
[[nodiscard]] std::shared_ptr<plugin::HubService> make_map_actions(
    std::shared_ptr<const ServedMaps> maps);

// Compares the maps with those of the last start, and keeps them for the next one. Each difference
// is an entry of the audit log: map.changed, map.removed. One transaction; durable when ok.
[[nodiscard]] Status note_served_maps(store::Store& store, audit::AuditLog& audit,
                                      const Clock& clock, const std::string& tenant,
                                      const std::string& actor, const ServedMaps& maps);

}  // namespace rabt::consultation

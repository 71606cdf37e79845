#pragma once

#include <cstddef>

#include "hub/base/limits.hpp"
#include "hub/formats/limits.hpp"

// Limits of mapped sources, with their reasons; those of deliveries and events are the hub's.
namespace rabt::limits {

// Levels of a message, as of JSON.
inline constexpr std::size_t kMaxMappedDepth = 64;
// Rules of one mapping; each is tried in turn.
inline constexpr std::size_t kMaxMappingRules = 200;
// Items of one message, most of which may become no event.
inline constexpr std::size_t kMaxMappedItems = 20'000;
// Files that one mapping names (code maps, its schema), each and their number. A code map of ICD-10
// has 15,000 rows.
inline constexpr std::size_t kMaxMappingPart = 4U << 20U;
inline constexpr std::size_t kMaxMappingParts = 16;
// Code maps of a hub, which it holds in memory.
inline constexpr std::size_t kMaxCodeMaps = 64;
// Bytes of a delivery's id and of a business key, which become part of events' ids.
inline constexpr std::size_t kMaxMappedId = 400;

}  // namespace rabt::limits

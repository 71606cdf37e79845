#pragma once

#include <cstddef>

#include "hub/base/limits.hpp"

// Limits of mapped sources, with their reasons; those of deliveries and events are the hub's.
namespace rabt::limits {

// Elements, fields and members of one message. A list of some hundred appointments has 10,000; an
// array of so many values takes some 20 MB.
inline constexpr std::size_t kMaxMappedValues = 200'000;
// Levels of a message, as of JSON.
inline constexpr std::size_t kMaxMappedDepth = 64;
// One text of a message; larger content does not belong into an event.
inline constexpr std::size_t kMaxMappedText = 256U << 10U;
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

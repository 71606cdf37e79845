#pragma once

#include <cstddef>

// Limits of messages that are read and written, with their reasons.
namespace rabt::limits {

// Elements, fields and members of one message. A list of some hundred appointments has 10,000; an
// array of so many values takes some 20 MB.
inline constexpr std::size_t kMaxMappedValues = 200'000;
// One text of a message; larger content does not belong into an event.
inline constexpr std::size_t kMaxMappedText = 256U << 10U;
// Name of a column of CSV, which each row repeats.
inline constexpr std::size_t kMaxColumnName = 200;
// Components of a value of HL7 v2 that is written, and subcomponents of one: a number that a
// message names says how many delimiters are written.
inline constexpr std::size_t kMaxHl7Parts = 100;

}  // namespace rabt::limits

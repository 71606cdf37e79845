#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rabt/abi.h"

// rabt.migrate/1: how a plugin reads a configuration that was written for an older version.
namespace rabt::worker {

// A configuration is written by people: a plugin's section of the hub's file.
inline constexpr std::size_t kMaxConfigBytes = 1U << 20U;

// Result of the extension. The configuration is longer than kMaxConfigBytes only when the plugin
// gave a longer one: it is cut there.
struct Migration {
  enum class End : std::uint8_t {
    migrated,  // returned 0
    refused,   // returned non-zero
    threw,     // across the C line
    absent,    // the library does not offer rabt.migrate/1
    lost,      // its process ended, or did not answer in time: error says why
  } end = End::absent;
  std::uint64_t config_calls = 0;
  std::uint64_t error_calls = 0;
  std::string config;
  std::string error;
};

// Runs the extension of the library on the calling thread. entry: checked.
[[nodiscard]] Migration run_migrate(const rabt_entry* entry, const std::string& from_version,
                                    std::string_view config);

// Returns the fault of the migration by the contract of the header, except the schema; empty if
// there is none and the configuration is there.
[[nodiscard]] std::string migration_fault(const Migration& migration);

}  // namespace rabt::worker

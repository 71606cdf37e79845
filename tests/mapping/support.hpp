#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "hub/mapping/mapping.hpp"

namespace rabt::mapping::test {

inline std::string source_dir() {
  const char* value = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "." : value;
}

// A mapping of this text; parts: code maps and schemas by path.
// The type sa.example.one.v1 is declared.
inline std::shared_ptr<const Mapping> mapping_of(std::string text,
                                                 std::map<std::string, std::string> parts = {}) {
  if (text.find("events:") == std::string::npos)
    text += "events: [{type: sa.example.one.v1, schema: {type: object}}]\n";
  auto made = load({.name = "test.yaml", .text = text, .parts = std::move(parts)});
  EXPECT_TRUE(made.ok()) << made.error().message;
  return made.ok() ? *std::move(made) : nullptr;
}
// All mistakes of a text that is no mapping.
inline std::string mistakes_of(const std::string& text,
                               std::map<std::string, std::string> parts = {}) {
  const auto made = load({.name = "test.yaml", .text = text, .parts = std::move(parts)});
  EXPECT_FALSE(made.ok());
  return made.ok() ? std::string() : made.error().message;
}
inline Taken take(const Mapping& mapping, std::string_view body) {
  return mapping.take({.body = body, .digest = "digest", .source = "clinic", .now_seconds = 0});
}

}  // namespace rabt::mapping::test

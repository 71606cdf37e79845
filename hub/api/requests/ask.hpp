#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/request/caller.hpp"

namespace rabt::api {

// One request as it came: what a door knows of it before it is read.
struct Ask {
  consultation::Caller caller;
  // The session that the request is about: its ULID, UUID or number. Empty when it is about none.
  std::string session{};
  // The record that the path names: a participant, note, recording, visit, provider.
  std::string record{};
  // The part of the record that the path names behind it: a dispensing. May be empty.
  std::string part{};
  // The members that docs/openapi.yaml gives the operation, in camelCase.
  Json body = Json::object();
  std::vector<std::pair<std::string, std::string>> query{};
  // If-Match: the version of the record that the caller has seen.
  std::optional<std::int64_t> version{};

  // The first one of this name in the query; empty when it is absent.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

}  // namespace rabt::api

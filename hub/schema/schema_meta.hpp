#pragma once

#include <string>
#include <vector>

#include "hub/base/json.hpp"

namespace rabt::schema {

struct Document {
  std::string uri;
  Json json;
};

// The 2020-12 metaschema and its vocabularies, so that a $ref to them needs no network. Any thread.
[[nodiscard]] const std::vector<Document>& meta_documents();

}  // namespace rabt::schema

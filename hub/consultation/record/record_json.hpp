#pragma once

#include "hub/base/json.hpp"
#include "hub/consultation/record/record_book.hpp"

// Records as docs/openapi.yaml describes them.
namespace rabt::consultation {

// {id, uuid, number, version, session, createdAt, updatedAt}: what each record has.
[[nodiscard]] Json head_of(const Record& record);
[[nodiscard]] Json document_json(const Record& record);

}  // namespace rabt::consultation

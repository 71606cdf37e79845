#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/record/record_list.hpp"

// Readers of requests that all kinds of records share.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::ListRecords> list_records_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::NamedRecord> named_record_of(const Ask& ask);

}  // namespace rabt::api

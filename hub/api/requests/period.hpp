#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/practice/period.hpp"
#include "hub/consultation/request/answer.hpp"

// Reader of the period of a query.
namespace rabt::api {

// Times `from` and `to` of the query, RFC 3339; a day alone is its beginning.
[[nodiscard]] consultation::Asked<consultation::Period> period_of(const Ask& ask);

}  // namespace rabt::api

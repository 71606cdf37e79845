#pragma once

#include <string>
#include <string_view>

#include "mapping.hpp"
#include "rabt/http_result.hpp"

// Requests to the DHIS2 Web API, and what their answers mean for the call.
namespace rabt::moh {

using sdk::HttpRequest;
using sdk::HttpResult;
using sdk::Outcome;

// DHIS2 knows a repeated report by its values; a gateway before it knows it by the key, as the body
// of ADX tells the time at which it was made.
[[nodiscard]] HttpRequest submit_request(const Settings& settings, std::string body,
                                         std::string key);
[[nodiscard]] HttpRequest task_request(const Settings& settings, const Reply& reply);
[[nodiscard]] HttpRequest task_summary_request(const Settings& settings, const Reply& reply);

// The outcome of a request that did not succeed and has no summary. A report may be sent again
// without harm, so a lost answer is transient.
[[nodiscard]] Outcome failure(const HttpResult& answer);
// The outcome of a report with a summary. http_status 409 or a WARNING can mean that a part was
// imported: then the outcome is done with status WARNING, which says how many values were taken.
// When nothing was, it is permanent.
[[nodiscard]] Outcome outcome_of(const Reply& reply, const Report& report, const Settings& settings,
                                 int http_status);

}  // namespace rabt::moh

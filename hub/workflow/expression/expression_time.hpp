#pragma once

#include "hub/workflow/expression/expression_evaluation.hpp"

// Broken-down UTC time as jq has it: [year, month 0-11, day, hours, minutes, seconds, weekday, day
// of the year]. No time zone data, no locale, no clock. Internal to hub/workflow.
namespace rabt::workflow {

bool gmtime(Evaluation& evaluation, const Json& input, const Json* arguments, Json& out);
bool mktime(Evaluation& evaluation, const Json& input, const Json* arguments, Json& out);
bool strftime(Evaluation& evaluation, const Json& input, const Json* arguments, Json& out);
bool strptime(Evaluation& evaluation, const Json& input, const Json* arguments, Json& out);

}  // namespace rabt::workflow

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/identity/people.hpp"

// Requests of patients about their own record: a copy, a correction, a complaint. Each is a task.
// Rules and forms. Pure.
namespace rabt::consultation {

// Kind of their tasks; the title is "request.<kind>".
inline constexpr std::string_view kRequest = "request";
// Object of their tasks.
inline constexpr std::string_view kPersonObject = "person";
// Time in which a request is answered: executive regulation of the Saudi data protection law.
inline constexpr std::int64_t kRequestDueMs = 30LL * 24 * 3'600'000;
// Requests of one patient that wait at once.
inline constexpr std::int64_t kMaxOpenRequests = 20;

// The task of a request: {kind: copy, correction or complaint; text}. Errors: api.invalid.
[[nodiscard]] Result<NewTask> request_task(const Json& body, const identity::Person& patient,
                                           Timestamp now);
// A request as its patient sees it: without who works on it. content: opened.
[[nodiscard]] Json request_json(const Task& task, const TaskContent& content);

}  // namespace rabt::consultation

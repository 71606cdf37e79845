#pragma once

#include <memory>

#include "hub/plugin/call.hpp"

namespace rabt::consultation {

class Tasks;

// hub://task
//   open 1.0.0    {kind, title, role? | assignee?, question?, data?, answers? | schema?, session?,
//                 due?, escalation?} -> {task, state, answer}
//   cancel 1.0.0  {task} -> {task, state, answer}
//   get 1.0.0     {task} -> {task, state, answer}
// A task is about the session that is named, otherwise about the instance that opens it. All are
// safe to repeat, and durable when they answer done.
[[nodiscard]] std::shared_ptr<plugin::HubService> make_task_actions(const Tasks& tasks);

}  // namespace rabt::consultation

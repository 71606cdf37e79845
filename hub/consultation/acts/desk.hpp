#pragma once

#include <string>

#include "hub/base/json.hpp"
#include "hub/consultation/rows/parts.hpp"
#include "hub/consultation/session/session.hpp"

namespace rabt::consultation {

struct DeskQuestion {
  // Code of the task: "invitation.locked".
  std::string title;
  // The participant whom it is about.
  std::string participant;
  // The same question under the same key is asked once.
  std::string key;
  // More members of the task's data, which is sealed: it may hold patient data.
  Json more = Json::object();
};
// Opens a task of the desk about a session; whoever has seen it answers. An error that prevents
// the task is logged.
void ask_desk(const SessionParts& parts, const Session& session, const DeskQuestion& question);

}  // namespace rabt::consultation

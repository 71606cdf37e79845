#include "hub/consultation/acts/desk.hpp"

#include "hub/consultation/tasks/tasks.hpp"

namespace rabt::consultation {

void ask_desk(const SessionParts& parts, const Session& session, const DeskQuestion& question) {
  if (!parts.ask_desk) return;
  NewTask wanted;
  wanted.task.kind = "call";
  wanted.task.title = question.title;
  wanted.task.role = "desk";
  wanted.task.object_type = "session";
  wanted.task.object = session.id;
  wanted.task.patient = session.naming.pseudonym;
  wanted.content.data = question.more;
  wanted.content.data.set("participant", question.participant);
  wanted.content.schema = form_of({"seen"});
  wanted.call = question.title + "/" + session.id + "/" + question.key;
  if (const Status asked = parts.ask_desk(wanted); !asked.ok())
    parts.log.warn(
        "desk.not_asked",
        {{"session", session.id}, {"title", question.title}, {"code", asked.error().code}});
}

}  // namespace rabt::consultation

#include "tools/demo/link.hpp"

namespace rabt::demo {

Status play_link(const Visit& visit) {
  People& people = visit.people;
  RABT_TRY(session,
           people.as("doctor", "POST", "/sessions",
                     Json::object(
                         {{"type", "doctor_patient"},
                          {"participants", Json::array({Json::object({{"role", "patient"}})})}})));
  const std::string at = "/sessions/" + session.string_or("id", "");
  std::string patient;
  for (const Json& item : session["participants"].as_array()) {
    if (item.string_or("role", "") == "patient") patient = item.string_or("id", "");
  }
  RABT_TRY(invitation, people.as("doctor", "POST", at + "/invitations",
                                 Json::object({{"participant", patient}})));
  RABT_TRY(cookie, people.open_link(invitation.string_or("link", "")));
  visit.say("a patient whom nobody entered opens the link of his visit");
  RABT_TRY(joined, people.as_guest(cookie, "POST", at + "/join", Json::object()));
  RABT_TRY(room, people.as("doctor", "GET", at + "/waiting-room"));
  if (joined.string_or("admission", "") != "waiting" || room["items"].size() != 1)
    return internal("demo.link", "the patient who came by a link does not wait");
  visit.say("the doctor finds him in the waiting room");
  RABT_TRY_STATUS(
      people.as("doctor", "POST", at + "/cancel", Json::object({{"reason", "end of the demo"}})));
  if (people.as_guest(cookie, "GET", at).ok())
    return internal("demo.link", "the link of a visit that was called off still opens it");
  visit.say("the visit is called off: the link opens nothing any more");
  return ok_status();
}

}  // namespace rabt::demo

#include "hub/api/sessions.hpp"

#include "hub/api/asks.hpp"
#include "hub/api/compat/brainsait.hpp"
#include "hub/api/requests/reading_requests.hpp"
#include "hub/api/requests/session_requests.hpp"
#include "hub/api/resources.hpp"

namespace rabt::api {

namespace {

http::Response created(const Json& session, const std::string& id) {
  http::Response response = answer(201, session);
  response.headers.emplace_back("Location", "/api/v1/sessions/" + id);
  return response;
}

// A list of sessions with one of its filters set to the person of the path.
Result<Ask> ask_about(Resources& resources, const Call& call, const std::string& filter) {
  const identity::Principal& who = call.caller.who;
  RABT_TRY(person, resources.people.people.resolve(who.tenant, Json(call.path[0])));
  const bool only_patient = who.roles == identity::Roles{identity::Role::patient};
  if (only_patient && (filter != "patient" || who.person != person))
    return denied("authorisation.denied", "patients ask about their own sessions");
  RABT_TRY(ask, ask_of(call));
  std::erase_if(ask.query, [&](const auto& one) { return one.first == filter; });
  ask.query.emplace_back(filter, person);
  return ask;
}

Result<http::Response> sessions_of(Resources& resources, const Call& call,
                                   const std::string& filter) {
  RABT_TRY(ask, ask_about(resources, call, filter));
  RABT_TRY(window, window_of(call));
  RABT_TRY(page, resources.sessions->reading.list(ask.caller, list_sessions_of(ask), window));
  return answer(call, std::move(page));
}

}  // namespace

Result<http::Response> patient_sessions(Resources& resources, const Call& call) {
  return sessions_of(resources, call, "patient");
}

Result<http::Response> provider_sessions(Resources& resources, const Call& call) {
  return sessions_of(resources, call, "provider");
}

Result<http::Response> patient_history(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_about(resources, call, "patient"));
  constexpr std::size_t kMost = 10'000;
  const std::string patient(ask.parameter("patient"));
  Json sessions = Json::array();
  std::int64_t completed = 0;
  std::int64_t minutes = 0;
  consultation::Window window{.limit = 200};
  do {
    RABT_TRY(page, resources.sessions->reading.list(ask.caller, list_sessions_of(ask), window));
    for (const consultation::SessionView& item : page.items) {
      completed += item.status == consultation::SessionStatus::completed ? 1 : 0;
      minutes += item.course.minutes().value_or(0);
      sessions.push_back(to_json(item));
    }
    window.cursor = page.next;
  } while (!window.cursor.empty() && sessions.size() < kMost);
  const std::size_t total = sessions.size();
  return answer(200, Json::object({{"patient", patient},
                                   {"totalSessions", total},
                                   {"completedSessions", completed},
                                   {"totalMinutes", minutes},
                                   {"items", sessions},
                                   {"sessions", std::move(sessions)}}));
}

Result<http::Response> my_rings(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(rings, resources.sessions->reading.rings(ask.caller));
  return answer(200, to_json(rings));
}

Result<http::Response> create_session(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_of(call));
  // The commit makes no room and no token: they follow, and the answer that is kept has them then.
  if (call.once) {
    ask.caller.once = [&call](store::Transaction& transaction, Json session) {
      session.set("tokens", Json::array());
      return call.once(transaction, created(session, session.string_or("id", "")));
    };
  }
  RABT_TRY(creation, resources.sessions->creation.create(
                         ask.caller, compat::from_library<create_session_of>(ask)));
  return created(to_json(creation), creation.session.id);
}

}  // namespace rabt::api

#include "hub/api/requests/reading_requests.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "hub/base/number.hpp"
#include "hub/consultation/request/fields.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::Fields;
using consultation::ListSessions;
using consultation::parse_part_role;
using consultation::parse_session_status;
using consultation::parse_session_type;
using consultation::ReadEvents;

namespace {

// The states that a filter names, each in any case of letters. Error invalid api.invalid.
Result<std::string> statuses_of(std::string_view text) {
  if (text.empty()) return std::string();
  std::string out = ",";
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto status = parse_session_status(text.substr(0, comma));
    if (!status) return invalid("api.invalid", "status: names no state of a session");
    out.append(to_string(*status)).append(",");
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return out;
}

// A day alone begins or ends at that time of day.
Json time_of_day(std::string_view text, std::string_view of_day) {
  constexpr std::size_t kDay = std::string_view("2026-12-01").size();
  std::string out(text);
  if (text.size() == kDay) out += of_day;
  return out;
}

// The times of the query.
Status read_bounds(const Ask& ask, ListSessions& out) {
  const Json times = Json::object({{"from", time_of_day(ask.parameter("from"), "T00:00:00")},
                                   {"to", time_of_day(ask.parameter("to"), "T23:59:59.999")}});
  Fields bounds(times);
  const auto bound = [&](std::string_view name, std::optional<Timestamp>& at) {
    const std::string_view given = ask.parameter(name);
    if (given.empty()) return;
    // A clinic's clients of other systems have a zone of their own (`naive_time_zone`).
    const std::size_t of_day = given.find_first_of("Tt");
    if (!ask.caller.manner.naive_times && of_day != std::string_view::npos &&
        given.find_first_of("Zz+-", of_day) == std::string_view::npos) {
      bounds.wrong(name,
                   "it needs a time zone: Z, or an offset such as +03:00, whose + is written as "
                   "%2B in an address");
      return;
    }
    if (const auto time = bounds.time(name, ask.caller.naive_offset_minutes)) at = time;
  };
  bound("from", out.from);
  bound("to", out.to);
  if (out.from && out.to && out.to->ms < out.from->ms) bounds.wrong("to", "it is before `from`");
  return bounds.done();
}

}  // namespace

Asked<ListSessions> list_sessions_of(const Ask& ask) {
  ListSessions out{.provider = std::string(ask.parameter("provider")),
                   .patient = std::string(ask.parameter("patient")),
                   .visit = std::string(ask.parameter("visit")),
                   .clinic = std::string(ask.parameter("clinic")),
                   .appointment = std::string(ask.parameter("appointment"))};
  RABT_TRY(statuses, statuses_of(ask.parameter("status")));
  out.statuses = std::move(statuses);
  if (const auto type = ask.parameter("type"); !type.empty()) {
    out.type = parse_session_type(type);
    if (!out.type) return invalid("api.invalid", "type: names no type of a session");
  }
  if (const auto role = ask.parameter("role"); !role.empty()) {
    out.role = parse_part_role(role);
    if (!out.role) return invalid("api.invalid", "role: names no role in a session");
  }
  RABT_TRY_STATUS(read_bounds(ask, out));
  return out;
}

Asked<ReadEvents> read_events_of(const Ask& ask) {
  ReadEvents out{.session = ask.session};
  if (const std::string_view given = ask.parameter("cursor"); !given.empty()) {
    const auto seq = read_number<std::int64_t>(given);
    if (!seq || *seq < 0) {
      return invalid("cursor.invalid",
                     "the cursor is no number of an event; read the list from its first page");
    }
    out.after = *seq;
  }
  return out;
}

}  // namespace rabt::api

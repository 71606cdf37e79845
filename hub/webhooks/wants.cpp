#include "hub/webhooks/wants.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/event_names.hpp"
#include "hub/base/suggest.hpp"
#include "hub/consultation/request/reference.hpp"
#include "hub/consultation/session/session.hpp"

namespace rabt::webhooks {

namespace {

constexpr std::size_t kMostPatterns = 64;
constexpr std::size_t kLongestPattern = 128;

// Goes back to the last star when what follows does not fit: time is bounded by the product of the
// two lengths.
bool fits(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool among(const std::vector<std::string>& list, const Json& value) {
  if (list.empty()) return true;
  return value.is_string() && std::find(list.begin(), list.end(), value.as_string()) != list.end();
}

bool is_pattern(std::string_view text) {
  if (text.empty() || text.size() > kLongestPattern) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '*';
  });
}

// A name or pattern that fits no event would never be told anything.
Status fits_some(std::string_view code, const std::string& pattern) {
  const auto& names = event_names();
  if (std::any_of(names.begin(), names.end(),
                  [&](const std::string& name) { return fits(pattern, name); }))
    return ok_status();
  std::string near = did_you_mean(pattern, names);
  if (near.empty()) near = "docs/consultation.md lists them";
  return invalid(std::string(code), "the hub tells no event `" + pattern + "`; " + near);
}

// A routing key without the stars and hashes that only bindings have.
bool is_key(std::string_view text) {
  if (text.empty() || text.size() > kLongestPattern) return false;
  bool after_dot = true;
  for (const char c : text) {
    if (c == '.' && after_dot) return false;
    after_dot = c == '.';
    if (!is_alnum(c) && c != '.' && c != '_' && c != '-') return false;
  }
  return !after_dot;
}

Json list(const std::vector<std::string>& texts) {
  Json out = Json::array();
  for (const std::string& text : texts) out.push_back(text);
  return out;
}

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  if (!list.is_array()) return out;
  for (const Json& item : list.as_array()) {
    if (item.is_string()) out.push_back(item.as_string());
  }
  return out;
}

}  // namespace

bool names_type(const Wants& wants, std::string_view type) {
  const std::string_view name = event_name(type);
  return !name.empty() &&
         std::any_of(wants.events.begin(), wants.events.end(),
                     [&](const std::string& pattern) { return fits(pattern, name); });
}

bool wanted(const Wants& wants, const Json& event) {
  const Json& data = event["data"];
  return names_type(wants, event.string_or("type", "")) && among(wants.types, data["type"]) &&
         among(wants.clinics, data["clinic"]);
}

Status check(const Wants& wants) {
  if (wants.events.empty() || wants.events.size() > kMostPatterns) {
    return invalid("webhook.events",
                   "name between one and " + std::to_string(kMostPatterns) + " patterns");
  }
  for (const std::string& pattern : wants.events) {
    if (!is_pattern(pattern)) {
      return invalid("webhook.events",
                     "a pattern is the name of an event, such as session.completed, with * "
                     "for any characters");
    }
    RABT_TRY_STATUS(fits_some("webhook.events", pattern));
  }
  for (const std::string& type : wants.types) {
    if (consultation::parse_session_type(type)) continue;
    return invalid("webhook.events", "`types` names types of sessions, such as doctor_patient");
  }
  for (const std::string& clinic : wants.clinics) {
    if (!consultation::read_reference(clinic).none()) continue;
    return invalid("webhook.events", "`clinics` names clinics by id, UUID or number");
  }
  if (wants.types.size() > kMostPatterns || wants.clinics.size() > kMostPatterns)
    return invalid("webhook.events",
                   "at most " + std::to_string(kMostPatterns) + " types, and as many clinics");
  return ok_status();
}

std::vector<Route> default_routes() {
  return {{"session.created", "video.session.created"},
          {"session.participant-joined", "video.session.user_joined"},
          {"session.participant-left", "video.session.user_left"},
          {"session.started", "video.session.started"},
          {"session.ended", "video.session.ended"},
          {"session.cancelled", "video.session.cancelled"},
          {"session.completed", "appointment.consultation.completed", true}};
}

bool names_type(const std::vector<Route>& routes, std::string_view type) {
  const std::string_view name = event_name(type);
  return !name.empty() && std::any_of(routes.begin(), routes.end(),
                                      [&](const Route& route) { return fits(route.event, name); });
}

const Route* route_of(const std::vector<Route>& routes, const Json& event) {
  const std::string type = event.string_or("type", "");
  const std::string_view name = event_name(type);
  if (name.empty()) return nullptr;
  const bool appointment = event["data"].bool_or("namesAppointment", false);
  const auto found = std::find_if(routes.begin(), routes.end(), [&](const Route& route) {
    return fits(route.event, name) && (appointment || !route.appointment);
  });
  return found == routes.end() ? nullptr : &*found;
}

Status check_routes(const std::vector<Route>& routes) {
  if (routes.empty() || routes.size() > kMostPatterns)
    return invalid("bus.keys", "name between one and " + std::to_string(kMostPatterns) + " keys");
  for (const Route& route : routes) {
    if (!is_pattern(route.event)) {
      return invalid("bus.keys",
                     "`event` is the name of an event, such as session.completed, with * for any "
                     "characters");
    }
    RABT_TRY_STATUS(fits_some("bus.keys", route.event));
    if (!is_key(route.key)) {
      return invalid("bus.keys",
                     "`key` is words of letters, digits, _ and -, with dots between them, such as "
                     "video.session.created; it has at most 128 characters");
    }
  }
  return ok_status();
}

Json to_json(const Wants& wants) {
  return Json::object({{"events", list(wants.events)},
                       {"types", list(wants.types)},
                       {"clinics", list(wants.clinics)}});
}

Wants read_wants(const Json& json) {
  return {.events = texts(json["events"]),
          .types = texts(json["types"]),
          .clinics = texts(json["clinics"])};
}

}  // namespace rabt::webhooks

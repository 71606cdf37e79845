#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/api/compat/door.hpp"
#include "hub/api/rates.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/mutex.hpp"
#include "hub/phi/policy.hpp"

namespace rabt::api::compat {

// doors.<name> of the configuration.
struct DoorOptions {
  bool enabled = true;
  // Minutes by which times that are written without a zone are ahead of UTC.
  int naive_offset_minutes = 0;
  // Origins of pages that may call the door, as browsers write them.
  std::vector<std::string> origins;
  // Requests that one caller may send in a second, in the long run. 0 if there is no limit.
  int rate = 0;
  // True if a sign-in of the door needs no second factor. Its sessions then count at the door
  // alone.
  bool second_factor_exempt = false;
};

// All compatibility APIs. Internally synchronised.
class Doors {
 public:
  // Options by the name of a door; a door without any is open with the defaults.
  Doors(House house, const phi::Policy& privacy,
        std::map<std::string, DoorOptions, std::less<>> options);

  struct Found {
    // Null when no door has the path.
    const Door* door = nullptr;
    // Null when the path does not answer to the method.
    const DoorRoute* route = nullptr;
    PathParameters path{};
    // The methods that the path answers to.
    std::string allowed;
  };
  // listener: the name of the door whose own listener the request came to; empty on the main one.
  // There /health is the hub's own unless the client accepts application/json by name.
  [[nodiscard]] Found find(std::string_view listener, const http::Request& head) const;

  // The route is there. The caller may be anonymous where the route is open.
  [[nodiscard]] http::Response answer(const Found& found, const http::Request& request,
                                      const identity::Caller& caller) const;
  // An error in the words of the door.
  [[nodiscard]] http::Response refuse(const Found& found, const http::Request& head,
                                      const Error& error) const;
  // Puts a problem document, which no door has made, into the words of the door that has the path:
  // refusals of heads and bodies, paths that are not there. Others stay as they are.
  void word(std::string_view listener, const http::Request& head, http::Response& problem) const;
  // True if the path is one of an open door.
  [[nodiscard]] bool owns(std::string_view listener, std::string_view path) const {
    return owner_of(listener, path) != nullptr;
  }
  // Requests that one caller of the door may send in a second; 0 if there is no limit.
  [[nodiscard]] int rate_of(const Found& found) const { return options_of(*found.door).rate; }
  // True if the caller signed in with one factor at this door, which is exempt.
  [[nodiscard]] bool exempts(const Found& found, const identity::Principal& who) const {
    return options_of(*found.door).second_factor_exempt && who.confined_to == found.door->name;
  }
  // The refusal of a caller who sends too much.
  [[nodiscard]] http::Response too_many(const Found& found, const http::Request& head,
                                        const Limit& limit, std::int64_t wait_ms) const;
  // No route of the path has the method: 405, or the answer to a browser that asks before it calls.
  [[nodiscard]] http::Response other_method(const Found& found, const http::Request& head) const;

  // Pages and OpenAPI documents that describe the doors. Nothing when the path is none of theirs.
  [[nodiscard]] std::optional<http::Response> description(std::string_view listener,
                                                          const http::Request& head) const;

  void write_metrics(MetricsWriter& out) const;

 private:
  [[nodiscard]] http::Response serve(const Found& found, const http::Request& request,
                                     const identity::Caller& caller) const;
  // Ok if the caller may do what the route does, whatever else the body says.
  [[nodiscard]] static Status may_act(const DoorRoute& route, const DoorCall& call);
  [[nodiscard]] const DoorOptions& options_of(const Door& door) const;
  // The door whose paths begin as this one does. Null when none does.
  [[nodiscard]] const Door* owner_of(std::string_view listener, std::string_view path) const;
  // Puts an error into the words of the door; headers of `response` stay.
  void say(const Door& door, const http::Request& head, Refusal refusal,
           http::Response& response) const;
  void allow_origin(const Door& door, const http::Request& request, http::Response& response) const;

  mutable House house_;
  const phi::Policy& privacy_;
  const std::map<std::string, DoorOptions, std::less<>> options_;

  mutable Mutex mutex_;
  // By door and status.
  mutable std::map<std::pair<std::string, int>, std::uint64_t> answered_ RABT_GUARDED_BY(mutex_);
};

// The OpenAPI 3.1 document of a door, made of its table.
[[nodiscard]] Json openapi_of(const Door& door);
// A page with the operations of a door, without scripts.
[[nodiscard]] std::string page_of(const Door& door);

}  // namespace rabt::api::compat

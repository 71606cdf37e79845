#include "hub/plugin/instance.hpp"

#include <utility>

#include "hub/net/url.hpp"
#include "hub/plugin/instance_parts.hpp"

// The HTTP requests of calls: counted, withheld, cancelled.
namespace rabt::plugin {

bool Instance::begin_request(std::uint64_t call) {
  const Lock lock(mutex_);
  if (ending_) return false;
  if (call == 0) {
    ++background_;
    return true;
  }
  const auto found = calls_.find(call);
  if (found == calls_.end() || found->second->state != OpenCall::State::running) return false;
  ++found->second->requests;
  return true;
}

void Instance::end_request(std::uint64_t call, const net::Response& response) {
  const Lock lock(mutex_);
  const auto found = calls_.find(call);
  if (found == calls_.end()) return;
  OpenCall& open = *found->second;
  open.unavailable = net::is_unavailable(response);
  if (response.sent == net::Sent::no && open.requests > 0) --open.requests;
}

bool Instance::carries_patient_data(std::uint64_t call) {
  if (call == 0) return given_marked_;
  const Lock lock(mutex_);
  const auto found = calls_.find(call);
  return found != calls_.end() && found->second->marked;
}

void Instance::withheld(std::uint64_t call, std::string_view url) {
  const auto parsed = net::parse_url_or_relay(url);
  const std::string host = parsed.ok() ? parsed->host : std::string();
  std::string run;
  std::string action;
  bool withheld = false;
  {
    const Lock lock(mutex_);
    const auto found = calls_.find(call);
    if (found != calls_.end()) {
      run = found->second->run;
      action = found->second->action->spec.name;
      withheld = std::exchange(found->second->withheld, true);
    }
  }
  violation("patient_data", "a request to a host that is not for patient data");
  if (call == 0) withheld = withheld_++ >= kAuditedAttempts;
  if (withheld) return;
  audit("plugin.withheld", "plugin.patient_host",
        Json::object({{"version", setup_.package.manifest.version},
                      {"host", host},
                      {"instance", run},
                      {"action", action}}));
}

void Instance::cancel_all_flights() {
  std::vector<std::uint64_t> open;
  {
    const Lock lock(flights_mutex_);
    for (const auto& [id, flight] : flights_) open.push_back(flight.call);
  }
  for (const std::uint64_t call : open) cancel_flights(call);
}

void Instance::cancel_flights(std::uint64_t call) {
  const Rundown::Pass pass(rundown_);
  if (!pass) return;
  std::vector<net::RequestId> requests;
  {
    const Lock lock(flights_mutex_);
    for (auto& [id, flight] : flights_) {
      if (flight.call != call) continue;
      flight.cancelled = true;
      if (flight.request != 0) requests.push_back(flight.request);
    }
  }
  for (const net::RequestId request : requests) setup_.parts.http.cancel(request);
}

}  // namespace rabt::plugin

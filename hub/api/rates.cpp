#include "hub/api/rates.hpp"

#include <algorithm>
#include <cmath>

namespace rabt::api {

namespace {

double step_of(const Limit& limit) {
  return 1000.0 * limit.seconds / limit.count;
}

// Milliseconds that a caller whose requests are due at `due` has to wait.
std::int64_t ahead(double due, const Limit& limit, double now) {
  const double step = step_of(limit);
  const double wait = std::max(due, now) + step - now - limit.burst * step;
  // A millisecond is a thousand times what adding up such numbers loses.
  return wait > 1e-6 ? static_cast<std::int64_t>(std::ceil(wait - 1e-6)) : 0;
}

}  // namespace

RateOptions RateOptions::none() {
  RateOptions out;
  for (Limit* limit : {&out.sign_in, &out.invitation, &out.registration, &out.anonymous, &out.read,
                       &out.write, &out.rare, &out.connect, &out.enter, &out.hook, &out.refused})
    limit->count = 0;
  out.concurrent = 0;
  out.connections = 0;
  out.bodies = 0;
  return out;
}

std::int64_t Rates::wait_ms(std::string_view caller, const Limit& limit, std::int64_t now_ms) {
  if (limit.count == 0) return 0;
  const auto now = static_cast<double>(now_ms);
  const Lock lock(mutex_);
  std::string name = std::string(limit.name) + " " + std::string(caller);
  if (due_ms_.size() >= kMostCallers && due_ms_.find(name) == due_ms_.end()) {
    // A full table is looked through once in a second, not by every newcomer.
    if (now_ms - forgotten_ms_ >= 1000) {
      forget(now);
      forgotten_ms_ = now_ms;
    }
    if (due_ms_.size() >= kMostCallers) name = limit.name;
  }
  double& due = due_ms_[name];
  const std::int64_t wait = ahead(due, limit, now);
  if (wait == 0) due = std::max(due, now) + step_of(limit);
  return wait;
}

std::int64_t Rates::peek_ms(std::string_view caller, const Limit& limit,
                            std::int64_t now_ms) const {
  if (limit.count == 0) return 0;
  const Lock lock(mutex_);
  auto found = due_ms_.find(std::string(limit.name) + " " + std::string(caller));
  if (found == due_ms_.end()) found = due_ms_.find(std::string(limit.name));
  return found == due_ms_.end() ? 0 : ahead(found->second, limit, static_cast<double>(now_ms));
}

bool Rates::enter(const std::string& caller, std::int64_t most, std::int64_t some) {
  const Lock lock(mutex_);
  const auto found = held_.find(caller);
  const std::int64_t held = found == held_.end() ? 0 : found->second;
  if (most > 0 && held + some > most) return false;
  held_[caller] = held + some;
  return true;
}

void Rates::leave(const std::string& caller, std::int64_t some) {
  const Lock lock(mutex_);
  const auto found = held_.find(caller);
  if (found != held_.end() && (found->second -= some) <= 0) held_.erase(found);
}

void Rates::forget(double now_ms) {
  std::erase_if(due_ms_, [now_ms](const auto& one) { return one.second <= now_ms; });
}

void set_rate_headers(http::Response& response, const Limit& limit, std::int64_t wait_ms) {
  const std::string seconds = std::to_string((wait_ms + 999) / 1000);
  std::erase_if(response.headers, [](const auto& field) { return field.first == "Retry-After"; });
  const std::string name = "\"" + std::string(limit.name) + "\"";
  response.headers.emplace_back("Retry-After", seconds);
  response.headers.emplace_back("RateLimit-Policy", name + ";q=" + std::to_string(limit.count) +
                                                        ";w=" + std::to_string(limit.seconds));
  response.headers.emplace_back("RateLimit", name + ";r=0;t=" + seconds);
}

}  // namespace rabt::api

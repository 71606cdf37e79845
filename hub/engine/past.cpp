#include "hub/engine/past.hpp"

#include <algorithm>

namespace rabt::engine {

namespace {

constexpr std::size_t kMost = 4;
// Shorter ones are replayed at once.
constexpr std::size_t kLong = 500;

}  // namespace

Json without_secrets(const Json& value, const Json& secrets) {
  if (!secrets.is_object()) return value;
  if (value.is_string()) {
    std::string text = value.as_string();
    for (const auto& [name, secret] : secrets.as_object()) {
      const std::string& hidden = secret.as_string();
      if (hidden.empty()) continue;
      for (auto at = text.find(hidden); at != std::string::npos; at = text.find(hidden, at + 1))
        text.replace(at, hidden.size(), "*");
    }
    return text;
  }
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.as_array()) out.push_back(without_secrets(item, secrets));
    return out;
  }
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& [key, item] : value.as_object()) out.set(key, without_secrets(item, secrets));
    return out;
  }
  return value;
}

std::shared_ptr<const Past> Pasts::find(const PastMark& mark) {
  const Lock lock(mutex_);
  const auto at =
      std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.mark == mark; });
  if (at == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, at);
  return kept_.front().past;
}

void Pasts::keep(const PastMark& mark, const std::shared_ptr<const Past>& past) {
  if (past->timeline->size() < kLong) return;
  const Lock lock(mutex_);
  kept_.remove_if([&](const Kept& kept) { return kept.mark.instance == mark.instance; });
  kept_.push_front({mark, past});
  if (kept_.size() > kMost) kept_.pop_back();
}

}  // namespace rabt::engine

#include "hub/api/views.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "hub/api/addresses.hpp"
#include "hub/api/routes.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::api {

namespace {

constexpr std::size_t kTicketBytes = 32;

std::string digest(std::string_view text) {
  const auto hash = crypto::sha256(text);
  return std::string(as_text(hash));
}

// An answer on its way, as long as it lives. `over` is true once the credential holds no more.
class Guard {
 public:
  Guard(identity::Watch& watch, const identity::Principal& who, const identity::Credential& shown)
      : watch_(watch),
        number_(watch.add({.who = who,
                           .shown = shown,
                           .lost = [over = over_] { *over = true; },
                           .used_ms = [at = watch.clock().monotonic_ms()] { return at; }})) {}
  ~Guard() { watch_.remove(number_); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  [[nodiscard]] bool over() const { return *over_; }

 private:
  const std::shared_ptr<std::atomic<bool>> over_ = std::make_shared<std::atomic<bool>>(false);
  identity::Watch& watch_;
  const std::int64_t number_;
};

}  // namespace

std::int64_t Views::lasting(std::optional<std::int64_t> seconds) {
  if (!seconds || *seconds < 0) return kUnknownMs;
  return std::min(*seconds, kLongestMs / 1000) * 1000 + kPausesMs;
}

std::string Views::make(View view) {
  Bytes bytes(kTicketBytes);
  random_.fill(bytes);
  std::string ticket = crypto::base64url(bytes);
  const std::int64_t now = clock_.monotonic_ms();
  const Lock lock(mutex_);
  std::erase_if(all_, [now](const auto& one) { return one.second.until_ms <= now; });
  end_one_of(view.owner, view.of_system ? kMostOfSystem : kMostOfOne);
  if (all_.size() >= kMost) end_one_of(owner_of_most(), 1);
  all_.emplace(
      digest(ticket),
      Kept{
          .view = std::move(view), .until_ms = now + kStartMs, .number = ++made_, .household = {}});
  return ticket;
}

void Views::end_one_of(const std::string& owner, std::size_t most) {
  auto first = all_.end();
  std::size_t own = 0;
  const auto sooner = [](const Kept& a, const Kept& b) {
    return a.begun != b.begun ? !a.begun : a.number < b.number;
  };
  for (auto one = all_.begin(); one != all_.end(); ++one) {
    if (one->second.view.owner != owner) continue;
    ++own;
    if (first == all_.end() || sooner(one->second, first->second)) first = one;
  }
  if (own >= most) all_.erase(first);
}

std::string Views::owner_of_most() const {
  std::map<std::string_view, std::size_t> counts;
  for (const auto& [hash, kept] : all_) ++counts[kept.view.owner];
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? std::string() : std::string(most->first);
}

void Views::forget(std::string_view ticket) {
  const Lock lock(mutex_);
  all_.erase(digest(ticket));
}

std::optional<identity::Credential> Views::shown(const http::Request& head,
                                                 std::string_view client) const {
  if (head.method != "GET") return std::nullopt;
  const auto path = match(kPattern, head.path);
  if (!path) return std::nullopt;
  const Lock lock(mutex_);
  const auto found = all_.find(digest((*path)[1]));
  if (found == all_.end() || found->second.until_ms <= clock_.monotonic_ms() ||
      found->second.view.by_cookie || found->second.view.recording != (*path)[0])
    return std::nullopt;
  // A request from another address proves nobody: nothing is noted in the name of the owner.
  const Kept& kept = found->second;
  if (kept.begun && kept.household != household_of(client)) return std::nullopt;
  return kept.view.shown;
}

Result<Views::View> Views::use(std::string_view recording, std::string_view ticket,
                               const identity::Caller& caller) {
  const std::int64_t now = clock_.monotonic_ms();
  const Lock lock(mutex_);
  const auto found = all_.find(digest(ticket));
  if (found == all_.end() || found->second.until_ms <= now ||
      found->second.view.recording != recording)
    return not_found("view.unknown",
                     "there is no such viewing of this recording, or its time is over; ask for "
                     "another: POST /api/v1/recordings/{id}/views");
  Kept& kept = found->second;
  const std::string household = kept.view.by_cookie ? std::string() : household_of(caller.client);
  const bool own = kept.view.owner == caller.who.actor() &&
                   kept.view.session == caller.who.session && kept.view.by_cookie == caller.page &&
                   (!kept.begun || kept.household == household);
  if (!own)
    return denied("view.other",
                  "the viewing is of another caller or sign-in, or goes on at another address; ask "
                  "for your own: POST /api/v1/recordings/{id}/views");
  if (!kept.begun) {
    kept.begun = true;
    kept.household = household;
    kept.until_ms = now + kept.view.lasts_ms;
  }
  return kept.view;
}

void Views::guard(const identity::Credential& shown, const identity::Principal& who,
                  http::Response& response) const {
  if (!response.stream) return;
  const auto guard = std::make_shared<Guard>(watch_, who, shown);
  response.stream = [guard, content = std::move(response.stream)](const auto& write) {
    return content([&](std::string_view piece) -> Status {
      if (guard->over()) return identity::unauthenticated();
      return write(piece);
    });
  };
}

}  // namespace rabt::api

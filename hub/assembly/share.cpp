#include "hub/assembly/share.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/limits.hpp"
#include "hub/http/problem.hpp"

namespace rabt::assembly {

using http::Admission;
using http::Handler;
using http::Request;
using http::Response;

namespace {

// Memory that a body holds while it is taken piece by piece, in bytes.
constexpr std::uint64_t kHeldOfStream = 512ULL << 10U;

// The handler of a connection, which gives its place back when it is gone.
std::shared_ptr<http::SocketHandler> holding(std::shared_ptr<http::SocketHandler> handler,
                                             std::shared_ptr<void> place) {
  using Both = std::pair<std::shared_ptr<http::SocketHandler>, std::shared_ptr<void>>;
  auto both = std::make_shared<Both>(std::move(handler), std::move(place));
  return {both, both->first.get()};
}

}  // namespace

std::shared_ptr<void> Share::Stock::take(std::uint64_t some) {
  if (some > most_) return nullptr;
  if (taken_.fetch_add(some) + some > most_) {
    taken_ -= some;
    return nullptr;
  }
  return {&taken_, [some](std::atomic<std::uint64_t>* taken) { *taken -= some; }};
}

Response Share::busy() {
  ++refused_;
  return http::problem(
      unavailable("http.overloaded", "this tenant has too much to do; try again later"));
}

Response Share::answer(const Handler& handler, const Request& request) {
  const auto turn = handlers_.take(1);
  if (turn == nullptr) return busy();
  Response response = handler(request);
  if (response.stream != nullptr) {
    auto place = streams_.take(1);
    if (place == nullptr) return busy();
    response.stream = [stream = std::move(response.stream),
                       place = std::move(place)](const auto& write) { return stream(write); };
  }
  if (response.body.size() > http::kSmallAnswer) {
    auto room = answers_.take(response.body.size());
    if (room == nullptr) return busy();
    using Both = std::pair<std::shared_ptr<void>, std::shared_ptr<void>>;
    response.held = std::make_shared<Both>(std::move(response.held), std::move(room));
  }
  auto& socket = response.socket != nullptr ? response.socket : response.events;
  if (socket != nullptr) {
    auto place = sockets_.take(1);
    if (place == nullptr) return busy();
    socket = holding(std::move(socket), std::move(place));
  }
  return response;
}

// A body that is taken piece by piece: each piece takes a handler's turn.
class Share::Counted final : public http::BodySink {
 public:
  Counted(Share& share, std::unique_ptr<http::BodySink> inner, std::shared_ptr<void> held)
      : share_(share), held_(std::move(held)), inner_(std::move(inner)) {}

  std::optional<Response> take(std::string_view piece) override {
    const auto turn = share_.handlers_.take(1);
    if (turn == nullptr) return share_.busy();
    return inner_->take(piece);
  }
  Response finish(const Request& request) override {
    return share_.answer([this](const Request& whole) { return inner_->finish(whole); }, request);
  }

 private:
  Share& share_;
  const std::shared_ptr<void> held_;
  const std::unique_ptr<http::BodySink> inner_;
};

Admission Share::admit(const Request& head,
                       const std::function<Admission(const Request& head)>& judge) {
  // Heads, refusals and /health hold nothing of what others need.
  Admission admission = judge(head);
  if (std::holds_alternative<Response>(admission) ||
      std::holds_alternative<http::Elsewhere>(admission))
    return admission;
  auto* intake = std::get_if<http::Intake>(&admission);
  if (intake != nullptr && intake->lane == http::Lane::head) return admission;
  if (intake != nullptr && intake->sink != nullptr) {
    auto held = bodies_.take(std::min(head.length, kHeldOfStream));
    if (held == nullptr) return busy();
    intake->sink = std::make_unique<Counted>(*this, std::move(intake->sink), std::move(held));
    return admission;
  }
  auto& handler = intake != nullptr ? intake->handler : std::get<Handler>(admission);
  const std::uint64_t copies = intake != nullptr ? intake->made_of_body : 0;
  const std::uint64_t most =
      intake != nullptr ? intake->max_body : std::uint64_t{limits::kMaxRequestBody};
  auto body = bodies_.take(std::min(head.length, most) * (1 + copies));
  if (body == nullptr) return busy();
  handler = [this, body = std::move(body), inner = std::move(handler)](const Request& request) {
    return answer(inner, request);
  };
  return admission;
}

}  // namespace rabt::assembly

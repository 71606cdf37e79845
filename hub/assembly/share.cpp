#include "hub/assembly/share.hpp"

#include <charconv>
#include <utility>

#include "hub/http/problem.hpp"

namespace rabt::assembly {

using http::Admission;
using http::Handler;
using http::Request;
using http::Response;

namespace {

// The reader of heads has checked it.
std::uint64_t length_of(const Request& head) {
  const std::string_view text = head.header("content-length");
  std::uint64_t length = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

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
  auto& socket = response.socket != nullptr ? response.socket : response.events;
  if (socket != nullptr) {
    auto place = sockets_.take(1);
    if (place == nullptr) return busy();
    socket = holding(std::move(socket), std::move(place));
  }
  return response;
}

Admission Share::admit(const Request& head,
                       const std::function<Admission(const Request& head)>& judge) {
  const auto turn = handlers_.take(1);
  if (turn == nullptr) return busy();
  Admission admission = judge(head);
  if (std::holds_alternative<Response>(admission)) return admission;
  auto* intake = std::get_if<http::Intake>(&admission);
  // What a sink gets piece by piece takes none of the memory for bodies.
  if (intake != nullptr && intake->sink != nullptr) return admission;
  auto& handler = intake != nullptr ? intake->handler : std::get<Handler>(admission);
  auto body = bodies_.take(length_of(head));
  if (body == nullptr) return busy();
  handler = [this, body = std::move(body), inner = std::move(handler)](const Request& request) {
    return answer(inner, request);
  };
  return admission;
}

}  // namespace rabt::assembly

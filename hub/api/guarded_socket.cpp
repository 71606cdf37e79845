#include "hub/api/guarded_socket.hpp"

#include <algorithm>
#include <atomic>

namespace rabt::api {

namespace {

class GuardedSocket final : public http::SocketHandler {
 public:
  GuardedSocket(std::shared_ptr<http::SocketHandler> handler, identity::Watch& watch,
                identity::Principal who, identity::Credential shown, std::function<bool()> may_send)
      : handler_(std::move(handler)),
        watch_(watch),
        who_(std::move(who)),
        shown_(std::move(shown)),
        may_send_(std::move(may_send)),
        filled_ms_(watch.clock().monotonic_ms()),
        used_(std::make_shared<std::atomic<std::int64_t>>(watch.clock().monotonic_ms())) {}

  void opened(std::shared_ptr<http::Socket> socket) override {
    number_ = watch_.add({.who = who_,
                          .shown = shown_,
                          .lost =
                              [weak = std::weak_ptr<http::Socket>(socket)] {
                                const auto open = weak.lock();
                                if (open != nullptr)
                                  open->close(http::kCloseSignIn, "sign in again");
                              },
                          .used_ms = [used = used_] { return used->load(); }});
    handler_->opened(std::move(socket));
  }
  void received(http::Socket& socket, std::string_view text) override {
    *used_ = watch_.clock().monotonic_ms();
    if (!take_turn() || !may_send_()) {
      socket.close(http::kCloseRate, "too many messages");
      return;
    }
    handler_->received(socket, text);
  }
  void closed() override {
    watch_.remove(number_);
    handler_->closed();
  }

 private:
  bool take_turn() {
    const std::int64_t now = watch_.clock().monotonic_ms();
    turns_ = std::min(kMessageBurst,
                      turns_ + static_cast<double>(now - filled_ms_) * kMessageRate / 1000.0);
    filled_ms_ = now;
    if (turns_ < 1) return false;
    turns_ -= 1;
    return true;
  }

  const std::shared_ptr<http::SocketHandler> handler_;
  identity::Watch& watch_;
  const identity::Principal who_;
  const identity::Credential shown_;
  const std::function<bool()> may_send_;
  // Messages that may come at once. Used by one thread at a time.
  double turns_ = kMessageBurst;
  std::int64_t filled_ms_ = 0;
  const std::shared_ptr<std::atomic<std::int64_t>> used_;
  std::int64_t number_ = 0;
};

}  // namespace

std::shared_ptr<http::SocketHandler> guarded(std::shared_ptr<http::SocketHandler> handler,
                                             identity::Watch& watch, identity::Principal who,
                                             identity::Credential shown,
                                             std::function<bool()> may_send) {
  return std::make_shared<GuardedSocket>(std::move(handler), watch, std::move(who),
                                         std::move(shown), std::move(may_send));
}

}  // namespace rabt::api

#include "hub/assembly/hold.hpp"

#include <atomic>
#include <utility>

#include "hub/http/problem.hpp"

namespace rabt::assembly {

namespace {

class HeldClient final : public net::HttpClient {
 public:
  net::RequestId start(net::Request /*request*/, std::shared_ptr<const net::AllowList> /*allow*/,
                       std::function<void(net::Response)> done) override {
    const net::RequestId id = ++started_;
    net::Response answer;
    answer.error_code = "held";
    answer.error_message = "the hub is held and sends nothing; start it without --hold";
    done(std::move(answer));
    return id;
  }
  void cancel(net::RequestId /*id*/) override {}
  [[nodiscard]] Stats stats() const override { return {.started = started_, .failed = started_}; }

 private:
  std::atomic<std::uint64_t> started_{0};
};

}  // namespace

std::unique_ptr<net::HttpClient> make_held_client() {
  return std::make_unique<HeldClient>();
}

bool only_looks(const http::Request& head) {
  return (head.method == "GET" || head.method == "HEAD") && head.header("upgrade").empty();
}

http::Response held_answer() {
  return http::problem(unavailable("hub.held",
                                   "this hub was started with --hold after a restore: it answers "
                                   "GET only, until it is started without --hold"));
}

}  // namespace rabt::assembly

// A plugin over the C++ wrapper, built once with the first SDK and kept: echo gives its input back
// by way of the key-value store, fetch makes an HTTP request, a delivery becomes an event.
#include "rabt/plugin.hpp"
#include "rabt/http_result.hpp"
#include "rabt/task.hpp"

namespace {

using namespace rabt::sdk;  // NOLINT: all of this file

class Kept final : public TaskPlugin {
 public:
  Kept(Host host, std::string_view /*config*/) : TaskPlugin(host) {}

  Events normalise(const Delivery& delivery) const {
    return {R"([{"type":"kept.arrived","source":"kept","id":")" + host().uuid() +
                R"(","data":{"bytes":)" + std::to_string(delivery.body.size()) + "}}]",
            ""};
  }
  void health(const Call& /*call*/, Reply reply) { std::move(reply).done(R"({"status":"ok"})"); }

 protected:
  Task<Outcome> run(Call call) override {
    if (call.action == "echo") {
      (void)co_await kv_put("last", call.input);
      const KvValue value = co_await kv_get("last");
      co_await sleep_ms(1);
      co_return Outcome::done(value.value);
    }
    const Span span(host(), call.id, "fetch");
    const HttpResult answer = co_await http(call, request_of(call));
    if (!answer.answered()) co_return no_answer(answer, "kept", Repeat::safe);
    if (!succeeded(answer))
      co_return Outcome::fail(Kind::permanent, "kept.refused", "the other side refused");
    host().record("fetched", 1);
    host().log(RABT_LOG_INFO, "fetched", R"({"status":200})");
    co_return Outcome::done("{\"bytes\":" + std::to_string(answer.body.size()) + "}");
  }

 private:
  // {"url": "..."}: without a JSON library.
  static HttpRequest request_of(const Call& call) {
    HttpRequest request;
    const auto begin = call.input.find("http");
    request.url = call.input.substr(begin, call.input.find('"', begin) - begin);
    return request;
  }
};

}  // namespace

RABT_PLUGIN(Kept, "kept-cpp", "1.0.0");

// An action reads from top to bottom: describe the request, await the answer, judge it.
#include <nlohmann/json.hpp>

#include "rabt/http_result.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/plugin.hpp"
#include "rabt/task.hpp"

using nlohmann::json;
using namespace rabt::sdk;

namespace {

class @CLASS@ final : public TaskPlugin {
 public:
  // config fits the schema in manifest.yaml. What is thrown here is shown to the operator.
  @CLASS@(Host host, std::string_view config)
      : TaskPlugin(host), base_url_(json::parse(config).at("base_url").get<std::string>()) {}

 protected:
  Task<Outcome> run(Call call) override {
@BEGIN ACTIONS@
    if (call.action == "@ACTION@") co_return co_await post(call, "/@ACTION@");
@END ACTIONS@
    throw Refusal("@ID@.unknown_action", "there is no such action");
  }

 private:
  Task<Outcome> post(const Call& call, const char* path) {
    const HttpResult answer = co_await http(call, request(call, path));
    // The request carries the idempotency key: sending it again does no harm.
    if (!answer.answered()) co_return no_answer(answer, "@ID@", Repeat::safe);
    if (!succeeded(answer)) {
      co_return bad_status(answer, may_pass(answer.status) ? "@ID@.unavailable" : "@ID@.refused",
                           "HTTP status " + std::to_string(answer.status));
    }
    const std::string id = text_of(body_of(answer), "id");
    // Something happened outside, and nobody can tell what: never guess.
    if (id.empty() || id.size() > 128) co_return Outcome::fail(Kind::ambiguous, "@ID@.unreadable", "the answer holds no id");
    co_return done({{"id", id}});
  }

  // Apart from the coroutine: GCC 12 takes no brace-initialised vectors beside a co_await.
  HttpRequest request(const Call& call, const char* path) const {
    HttpRequest out{.method = "POST", .url = base_url_ + path, .body = call.input};
    out.headers = {{.name = "Content-Type", .value = "application/json"},
                   {.name = "Idempotency-Key", .value = call.idempotency_key},
                   {.name = "Authorization", .secret = "api_token", .prefix = "Bearer "}};
    return out;
  }

  std::string base_url_;
};

}  // namespace

RABT_PLUGIN(@CLASS@, "@ID@", "0.1.0");

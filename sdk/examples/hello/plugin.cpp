// A whole plugin: one action that makes one HTTP request.
#include <nlohmann/json.hpp>

#include "rabt/http_result.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/plugin.hpp"
#include "rabt/task.hpp"

namespace {

using nlohmann::json;
using rabt::sdk::Call;
using rabt::sdk::Header;
using rabt::sdk::Host;
using rabt::sdk::HttpRequest;
using rabt::sdk::HttpResult;
using rabt::sdk::Kind;
using rabt::sdk::Outcome;
using rabt::sdk::Repeat;
using rabt::sdk::Task;

class Hello final : public rabt::sdk::TaskPlugin {
 public:
  // config fits the manifest's schema. A throw here is shown to the operator and the plugin does
  // not start.
  Hello(Host host, std::string_view config)
      : TaskPlugin(host), base_url_(json::parse(config).at("base_url").get<std::string>()) {}

 protected:
  Task<Outcome> run(Call call) override {
    if (call.action != "greet")
      co_return Outcome::fail(Kind::permanent, "hello.unknown_action", "there is no such action");
    const HttpResult answer = co_await http(call, greeting_request(call));
    // A GET has no effect: sending it again is safe, and nothing here is ambiguous.
    if (!answer.answered()) co_return no_answer(answer, "hello", Repeat::safe);
    if (answer.status == 429 || answer.status >= 500) {
      co_return Outcome::fail(Kind::transient, "hello.unavailable",
                              "HTTP status " + std::to_string(answer.status), {},
                              retry_after_ms(answer));
    }
    if (answer.status != 200) {
      co_return Outcome::fail(Kind::permanent, "hello.refused",
                              "HTTP status " + std::to_string(answer.status));
    }
    co_return rabt::sdk::done(json{{"greeting", answer.body}});
  }

 private:
  // GCC 12 refuses brace-initialised vectors inside co_await expressions: requests are built in
  // plain functions.
  HttpRequest greeting_request(const Call& call) const {
    HttpRequest request;
    request.url =
        base_url_ + "/greeting/" + rabt::sdk::input_of(call).at("language").get<std::string>();
    Header authorization;
    authorization.name = "Authorization";
    authorization.prefix = "Bearer ";
    authorization.secret = "api_token";  // the host puts the value in; this code never sees it
    request.headers.push_back(authorization);
    return request;
  }

  std::string base_url_;
};

}  // namespace

RABT_PLUGIN(Hello, "hello", "1.0.0");

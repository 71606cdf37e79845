#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "client.hpp"
#include "mapping.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/task.hpp"

// Monthly figures for the Ministry of Health behind the role `moh`, sent to a system that speaks
// the DHIS2 Web API.
namespace rabt::moh {

using sdk::Call;
using sdk::Host;
using sdk::Kind;
using sdk::Refusal;
using sdk::Task;
using sdk::TaskPlugin;

namespace {

// Waiting for an import in the background.
constexpr int kMaxPolls = 200;
constexpr std::int64_t kFirstPollMs = 200;
constexpr std::int64_t kLongestPollMs = 5000;
constexpr std::int64_t kMarginMs = 1000;  // kept for the answer before the call's deadline

}  // namespace

class MohPlugin final : public TaskPlugin {
 public:
  MohPlugin(Host host, std::string_view config)
      : TaskPlugin(host), settings_(read_settings(config)) {}

 protected:
  Task<Outcome> run(Call call) override {
    const Json input = sdk::input_of(call);
    if (call.action == "submit-aggregate") co_return co_await submit(call, input);
    throw Refusal("moh.unknown_action", "moh has no such action");
  }

 private:
  Task<Outcome> submit(const Call& call, const Json& input) {
    const Report report = read_report(input, settings_.format);
    std::string body = body_of(report, settings_, host().now_unix_ms() / 1000);
    const HttpResult answer =
        co_await http(call, submit_request(settings_, std::move(body), call.idempotency_key));
    // A conflict is told with a whole summary.
    if (!succeeded(answer) && !(answer.answered() && answer.status == 409))
      co_return failure(answer);
    const auto reply = read_reply(answer.body);
    if (!reply) co_return answer.status == 409 ? failure(answer) : unreadable();
    if (!reply->task.empty()) co_return co_await wait_for(call, *reply, report);
    co_return judged(*reply, report, answer.status);
  }

  // The summary of a task comes without a status line of its own: conflicts show in it.
  Task<Outcome> wait_for(const Call& call, Reply task, const Report& report) {
    std::int64_t delay = kFirstPollMs;
    bool over = false;
    for (int poll = 0; poll < kMaxPolls; ++poll) {
      if (call.deadline_unix_ms > 0 &&
          host().now_unix_ms() + delay + kMarginMs > call.deadline_unix_ms)
        break;
      co_await sleep_ms(delay);
      delay = std::min(delay * 2, kLongestPollMs);
      if (!over) {
        const HttpResult notes = co_await http(call, task_request(settings_, task));
        if (!succeeded(notes)) co_return failure(notes);
        over = task_over(notes.body);
        if (!over) continue;
      }
      const HttpResult answer = co_await http(call, task_summary_request(settings_, task));
      if (!succeeded(answer)) co_return failure(answer);
      const auto reply = read_reply(answer.body);
      if (reply && reply->task.empty()) co_return judged(*reply, report, answer.status);
      // Not written yet: the task says that it is over a moment before.
    }
    co_return Outcome::fail(
        Kind::transient, "moh.still_running",
        "the import has not ended in time; sending the report again does no harm");
  }

  Outcome judged(const Reply& reply, const Report& report, int status) const {
    Outcome outcome = outcome_of(reply, report, settings_, status);
    if (outcome.kind == Kind::done && reply.conflicts > 0) {
      Json fields = Json::object();
      fields["conflicts"] = reply.conflicts;
      fields["imported"] = reply.imported;
      host().log(RABT_LOG_WARN, "moh.partial", fields.dump());
    }
    return outcome;
  }

  static Outcome unreadable() {
    return Outcome::fail(Kind::transient, "moh.unreadable",
                         "the reporting system's answer could not be read");
  }

  Settings settings_;
};

}  // namespace rabt::moh

RABT_PLUGIN(rabt::moh::MohPlugin, "moh", "1.0.0");

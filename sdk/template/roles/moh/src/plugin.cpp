// The role moh: each action reads from top to bottom, describe the request, await the answer, say it in the words of the capability.
// Requests to the outside system are examples here: put yours in its place.
#include "outside.hpp"

namespace {

using namespace outside;

json report(const json& came, const json& input) {
  json out{{"period", text_of(input, "period")}, {"imported", count(came, "added")}, {"updated", count(came, "changed")}};
  out["ignored"] = count(came, "refused");
  out["deleted"] = count(came, "removed");
  out["status"] = out["ignored"] == 0 ? "SUCCESS" : "WARNING";
  return out;
}

class @CLASS@ final : public Client {
 public:
  using Client::Client;

 protected:
  Task<Outcome> run(Call call) override {
    if (call.action == "send-figures") co_return co_await send(call, post(call, "/reports", call.input), report);
    throw Refusal("@ID@.unknown_action", "there is no such action");
  }
};

}  // namespace

RABT_PLUGIN(@CLASS@, "@ID@", "0.1.0");

// The role notify: each action reads from top to bottom, describe the request, await the answer, say it in the words of the capability.
// Requests to the outside system are examples here: put yours in its place.
#include "outside.hpp"

namespace {

using namespace outside;

std::string status(const json& came) {
  return word(came, "state", {{"queued", "accepted"}, {"sent", "sent"}, {"delivered", "delivered"}, {"failed", "failed"}});
}
json message(const json& came, const json&) { return {{"messageId", text(came, "id")}, {"status", status(came)}}; }

class @CLASS@ final : public Client {
 public:
  using Client::Client;

 protected:
  Task<Outcome> run(Call call) override {
    if (call.action == "send-text") co_return co_await send(call, post(call, "/messages", call.input), message);
    throw Refusal("@ID@.unknown_action", "there is no such action");
  }
};

}  // namespace

RABT_PLUGIN(@CLASS@, "@ID@", "0.1.0");

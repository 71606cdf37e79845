// The role identity: each action reads from top to bottom, describe the request, await the answer, say it in the words of the capability.
// Requests to the outside system are examples here: put yours in its place.
#include "outside.hpp"

namespace {

using namespace outside;

std::string status(const json& came) {
  return word(came, "state",
              {{"waiting", "pending"}, {"accepted", "approved"}, {"refused", "rejected"}, {"late", "expired"}, {"withdrawn", "cancelled"}});
}
json started(const json& came, const json&) {
  json out{{"verificationId", text(came, "id")}, {"status", status(came)}, {"expiresAt", count(came, "expires")}};
  if (has(came, "number")) out["challenge"] = text(came, "number", 10);  // the person compares it in the app
  return out;
}
json verification(const json& came, const json&) {
  json out{{"verificationId", text(came, "id")}, {"status", status(came)}};
  if (!has(came, "person")) return out;
  const json& person = member(came, "person");
  out["person"] = {{"identifier", {{"type", text(person, "kind")}, {"value", text(person, "number")}}}};
  if (has(person, "name")) out["person"]["name"] = text(person, "name", 1000);
  return out;
}

class @CLASS@ final : public Client {
 public:
  using Client::Client;

 protected:
  Task<Outcome> run(Call call) override {
    const json input = input_of(call);
    if (call.action == "start-verification")
      co_return co_await send(call, post(call, "/verifications", call.input), started);
    if (call.action == "get-verification")
      co_return co_await send(call, get("/verifications/" + percent_encode(text_of(input, "verificationId"))), verification);
    throw Refusal("@ID@.unknown_action", "there is no such action");
  }
};

}  // namespace

RABT_PLUGIN(@CLASS@, "@ID@", "0.1.0");

// The role payer: each action reads from top to bottom, describe the request, await the answer, say it in the words of the capability.
// Requests to the outside system are examples here: put yours in its place.
#include "outside.hpp"

namespace {

using namespace outside;

json identifier(const json& came, const char* name) {
  const json& found = member(came, name);
  return {{"system", text(found, "system", 255)}, {"value", text(found, "value", 100)}};
}
json errors(const json& came) {
  json out = json::array();
  for (const json& one : list(came, "errors")) {
    json error{{"code", text(one, "code", 100)}};
    if (has(one, "display")) error["display"] = text(one, "display", 1000);
    out.push_back(error);
  }
  return out;
}
json eligibility(const json& came, const json&) {
  json out{{"inforce", flag(came, "inForce")}, {"benefits", json::array()}, {"errors", errors(came)}};
  out["outcome"] = !out["errors"].empty() ? "error" : flag(came, "covered") ? "eligible" : "not-eligible";
  if (has(came, "reference")) out["eligibilityReference"] = identifier(came, "reference");
  return out;
}
json claim(const json& came, const json&) {
  json out{{"claim", identifier(came, "claim")}, {"errors", errors(came)}};
  out["outcome"] =
      word(came, "state", {{"received", "queued"}, {"decided", "complete"}, {"decided-in-part", "partial"}, {"failed", "error"}});
  out["final"] = out["outcome"] != "queued";
  out["adjudication"] = nullptr;
  if (has(came, "decision"))
    out["adjudication"] =
        word(came, "decision", {{"approved", "approved"}, {"rejected", "rejected"}, {"partial", "partial"}});
  // In halalas: an integer, so that no amount is ever rounded.
  out["totals"] = json::object();
  if (has(came, "totals")) {
    const json& totals = member(came, "totals");
    if (has(totals, "submitted")) out["totals"]["submittedHalalas"] = count(totals, "submitted");
    if (has(totals, "benefit")) out["totals"]["benefitHalalas"] = count(totals, "benefit");
  }
  return out;
}

class @CLASS@ final : public Client {
 public:
  using Client::Client;

 protected:
  Task<Outcome> run(Call call) override {
    const json input = input_of(call);
    if (call.action == "ask-coverage")
      co_return co_await send(call, post(call, "/eligibility", call.input), eligibility);
    if (call.action == "send-claim") co_return co_await send(call, post(call, "/claims", call.input), claim);
    if (call.action == "fetch-claim") {
      const std::string number = text_of(member_of(input, "claim"), "value");
      co_return co_await send(call, post(call, "/claims/" + percent_encode(number) + "/poll"), claim);
    }
    throw Refusal("@ID@.unknown_action", "there is no such action");
  }
};

}  // namespace

RABT_PLUGIN(@CLASS@, "@ID@", "0.1.0");

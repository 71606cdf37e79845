// The role asr: each action reads from top to bottom, describe the request, await the answer, say it in the words of the capability.
// Requests to the outside system are examples here: put yours in its place. Sound of a visit is patient data: the system must be
// one that may have it.
#include "outside.hpp"

namespace {

using namespace outside;

json segment(const json& came) {
  json out{{"startMs", count(came, "from")}, {"endMs", count(came, "to")}, {"text", text(came, "words", 4000)}};
  if (has(came, "voice")) out["speaker"] = text(came, "voice", 64);
  return out;
}
json transcript(const json& came, const json& input) {
  json out{{"language", text_of(input, "language")}, {"durationMs", count(came, "length")}};
  out["segments"] = json::array();
  for (const json& one : list(came, "said")) out["segments"].push_back(segment(one));
  return out;
}

class @CLASS@ final : public Client {
 public:
  using Client::Client;

 protected:
  Task<Outcome> run(Call call) override {
    if (call.action != "write-down") throw Refusal("@ID@.unknown_action", "there is no such action");
    // The recording streams from the hub to the outside system; none of it is in this plugin's memory.
    HttpRequest request = post(call, "/transcripts?language=" + text_of(input_of(call), "language"), "");
    request.body_blob = text_of(input_of(call), "blob");
    co_return co_await send(call, std::move(request), transcript);
  }
};

}  // namespace

RABT_PLUGIN(@CLASS@, "@ID@", "0.1.0");

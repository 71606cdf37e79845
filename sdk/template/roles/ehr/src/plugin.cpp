// The role ehr: each action reads from top to bottom, describe the request, await the answer, say
// it in the words of the capability. What the outside system is asked here is an example: put yours
// in its place.
#include "outside.hpp"

namespace {

using namespace outside;

json encounter(const json& came, const json&) {
  return {{"id", text(came, "id")}, {"reference", "Encounter/" + text(came, "id")}};
}
json document(const json& came, const json&) {
  return {{"written", true},
          {"id", text(came, "id")},
          {"reference", "DocumentReference/" + text(came, "id")}};
}
json patient(const json& came, const json&) {
  const json& found = list(came, "patients");
  if (found.size() > 1) throw Unreadable("patients has several entries for one identifier");
  if (found.empty()) return {{"found", false}};
  if (!found.front().is_object()) throw Unreadable("patients holds what is no patient");
  json out{{"found", true}, {"patient", found.front()}};
  // Without the coverage nobody is asked to pay for a visit that no booking began.
  if (has(came, "coverage")) out["coverage"] = member(came, "coverage");
  return out;
}
json updated(const json& came, const json&) {
  return {{"found", true}, {"id", text(came, "id")}, {"changed", flag(came, "changed")}};
}

json filed(const json& came, const json&) {
  return {{"found", true}, {"written", count(came, "written")}, {"refused", json::array()}};
}

class @CLASS@ final : public Client {
 public:
  using Client::Client;

  // A delivery of the record system, whose signature the hub has checked, becomes events of the
  // role. One that is Unreadable is refused with that text.
  Events normalise(const Delivery& delivery) {
    const json came = parsed(delivery.body);
    const std::string what = text(came, "event");
    json event{{"source", "https://api.example.org"}, {"id", text(came, "id")}};
    if (what == "appointment.booked") {
      event["type"] = "org.rabt.appointment.booked.v1";
    } else if (what == "appointment.cancelled") {
      event["type"] = "org.rabt.appointment.cancelled.v1";
    } else {
      return {};
    }
    const json& appointment = member(came, "appointment");
    event["subject"] = text(appointment, "id");
    json data{{"appointment", {{"key", text(appointment, "id")}}},
              {"modality", text(appointment, "kind")}};
    if (what == "appointment.booked")
      data["appointment"]["startEpoch"] = count(appointment, "start");  // Unix seconds
    if (has(appointment, "reason")) data["appointment"]["description"] = text(appointment, "reason", 1000);
    // The shipped workflow takes a booking that has all three.
    for (const char* who : {"patient", "practitioner", "coverage"}) {
      if (member_of(came, who).is_object()) data[who] = member_of(came, who);
    }
    event["data"] = data;
    return {.json = json::array({event}).dump(), .error = {}};
  }

 protected:
  Task<Outcome> run(Call call) override {
    const json input = input_of(call);
    if (call.action == "file-encounter")
      co_return co_await send(call, post(call, "/encounters", call.input), encounter);
    if (call.action == "file-document") {
      if (list_of(input, "recordings").empty()) co_return done({{"written", false}});
      co_return co_await send(call, post(call, "/documents", call.input), document);
    }
    if (call.action == "find-patient")
      co_return co_await send(call, get("/patients?identifier=" + named(input, "identifier")),
                              patient);
    if (call.action == "report-appointment")
      co_return co_await send(
          call, post(call, "/appointments/" + named(input, "appointment"), call.input), updated);
    if (call.action == "file-chart")
      co_return co_await send(call, post(call, "/charts", call.input), filed);
    throw Refusal("@ID@.unknown_action", "there is no such action");
  }

 private:
  static std::string named(const json& input, const char* name) {
    return percent_encode(text_of(member_of(input, name), "value"));
  }
};

}  // namespace

RABT_PLUGIN(@CLASS@, "@ID@", "0.1.0");

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "belonging.hpp"
#include "chart_writer.hpp"
#include "client.hpp"
#include "mapping.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/task.hpp"

// A FHIR R4 record system behind the role `ehr`, and its appointments as events.
namespace rabt::fhir {

using sdk::Call;
using sdk::Delivery;
using sdk::Events;
using sdk::Kind;
using sdk::Refusal;
using sdk::Task;
using sdk::text_of;

namespace {

// Number of repeats of an update on a newer version.
constexpr int kMaxConflicts = 3;
// Number of merges of patients that are followed.
constexpr int kMaxMerges = 5;
Outcome several_patients() {
  return Outcome::fail(Kind::permanent, "fhir.several",
                       "the record system holds more than one patient with this identifier");
}

// The sender's id of the message (Standard Webhooks), which is the same when it is sent again; ""
// without one.
std::string message_of(const Delivery& delivery) {
  const Json info = Json::parse(delivery.info, nullptr, false);
  for (const Json& header : sdk::list_of(info, "headers")) {
    if (header.is_array() && header.size() == 2 && header[0].is_string() && header[1].is_string() &&
        sdk::lower(header[0].get<std::string>()) == "webhook-id")
      return header[1].get<std::string>();
  }
  return {};
}

}  // namespace

class FhirPlugin final : public ChartWriter {
 public:
  using ChartWriter::ChartWriter;

  Events normalise(const Delivery& delivery) {
    return {.json = to_events(delivery.body, settings_, message_of(delivery)).dump(), .error = {}};
  }

 protected:
  Task<Outcome> run(Call call) override {
    const Json input = sdk::input_of(call);
    if (call.action == "write-encounter") co_return co_await write_encounter(call, input);
    if (call.action == "write-document") co_return co_await write_document(call, input);
    if (call.action == "write-record") co_return co_await write_record(call, input);
    if (call.action == "update-encounter")
      co_return co_await update_encounter(call, text_of(input, "id"), text_of(input, "status"));
    if (call.action == "update-appointment") co_return co_await update_appointment(call, input);
    if (call.action == "read")
      co_return co_await read(call, text_of(input, "type"), text_of(input, "id"));
    if (call.action == "search") co_return co_await search(call, input);
    if (call.action == "read-patient") co_return co_await read_patient(call, input);
    throw Refusal("fhir.unknown_action", "fhir has no such action");
  }

 private:
  // Gives {id, reference, versionId}. FHIR has no idempotency key; the consultation's identifier
  // makes a repeat find the resource of the first attempt.
  Task<Outcome> create(const Call& call, Json resource, std::string consultation) {
    const std::string type = text_of(resource, "resourceType");
    const Made creation =
        co_await make(call, std::move(resource), std::string(kConsultationSystem), consultation);
    if (creation.failed) co_return *creation.failed;
    Json output = Json::object();
    output["id"] = creation.written.id;
    output["reference"] = type + "/" + creation.written.id;
    if (!creation.written.version.empty()) output["versionId"] = creation.written.version;
    co_return Outcome::done(output.dump());
  }

  Task<Outcome> write_encounter(const Call& call, const Json& input) {
    Outcome outcome =
        co_await create(call, encounter(input, settings_), text_of(input, "consultation"));
    if (outcome.kind != Kind::done) co_return outcome;
    // Fields that a document about the encounter repeats.
    Json output = Json::parse(outcome.output);
    const Json appointment = input.value("appointment", Json::object());
    for (const char* key : {"patientReference", "practitionerReference"}) {
      if (std::string value = text_of(appointment, key); !value.empty())
        output[key] = std::move(value);
    }
    for (const char* key : {"start", "end"}) {
      if (std::string value = text_of(input, key); !value.empty()) output[key] = std::move(value);
    }
    co_return Outcome::done(output.dump());
  }

  Task<Outcome> write_document(const Call& call, const Json& input) {
    const auto recordings = input.find("recordings");
    if (recordings == input.end() || !recordings->is_array())
      throw Refusal("fhir.input", "recordings is missing");
    // A DocumentReference must have content: without a recording there is nothing to file.
    if (recordings->empty()) co_return Outcome::done(R"({"written":false})");
    Outcome outcome = co_await create(call, document(input, settings_, host().now_unix_ms() / 1000),
                                      text_of(input, "consultation"));
    if (outcome.kind != Kind::done) co_return outcome;
    Json output = Json::parse(outcome.output);
    output["written"] = true;
    co_return Outcome::done(output.dump());
  }

  Task<Outcome> update_encounter(const Call& call, std::string id, std::string status) {
    HttpResult last;
    for (int attempt = 0; attempt <= kMaxConflicts; ++attempt) {
      const HttpResult seen = co_await ask(call, read_request(settings_, "Encounter", id));
      if (!succeeded(seen)) co_return failure(seen);
      const auto resource = resource_of(seen, "Encounter");
      if (!resource) co_return unreadable();
      Written version = written(seen, "Encounter");
      bool changed = false;
      if (text_of(*resource, "status") != status) {
        const auto body = with_status(seen.body, status);
        if (!body) co_return unreadable();
        if (version.version.empty()) {
          co_return no_version();
        }
        last =
            co_await ask(call, update_request(settings_, "Encounter", id, *body, version.version));
        if (last.answered() && (last.status == 412 || last.status == 409)) continue;
        if (!succeeded(last)) co_return failure(last);
        version = written(last, "Encounter");
        changed = true;
      }
      Json output = Json::object();
      output["id"] = id;
      output["reference"] = "Encounter/" + id;
      output["status"] = status;
      output["changed"] = changed;
      if (!version.version.empty()) output["versionId"] = version.version;
      co_return Outcome::done(output.dump());
    }
    co_return Outcome::fail(Kind::transient, "fhir.conflict",
                            "others keep changing the encounter; the update was not made");
  }

  // The id of the Appointment that the input names: the record system's own, or one that it finds.
  struct Named {
    std::string id;
    std::optional<Outcome> failed;
  };
  Task<Named> find_appointment(const Call& call, const Json& named) {
    const std::string system = text_of(named, "system");
    const std::string value = text_of(named, "value");
    Named out;
    // The key of a booking whose Appointment has no identifier is its reference.
    constexpr std::string_view kType = "Appointment/";
    const std::string id = value.starts_with(kType) ? value.substr(kType.size()) : value;
    if (system.empty() && is_id(id)) {
      const Seen seen = co_await look(call, "Appointment", id);
      out.failed = seen.failed;
      if (!seen.resource.is_null()) out.id = id;
      if (out.failed || !out.id.empty()) co_return out;
    }
    const Seen found = co_await find_one(call, "Appointment", system, value);
    out.failed = found.failed;
    if (!found.resource.is_null()) out.id = text_of(found.resource, "id");
    co_return out;
  }

  // An outcome unless the appointment is the patient's, or names no patient. Records that were
  // merged into his are his.
  Task<std::optional<Outcome>> check_patient(const Call& call, const Json& appointment,
                                             const Json& patient) {
    const std::string system = text_of(patient, "system");
    const std::string value = text_of(patient, "value");
    bool others = false;
    for (const Json& participant : sdk::list_of(appointment, "participant")) {
      const Json& actor = sdk::member_of(participant, "actor");
      const Json& identifier = sdk::member_of(actor, "identifier");
      const std::string named = plain_reference(text_of(actor, "reference"), settings_);
      const bool here = named.starts_with("Patient/");
      if (!here && named.find("/Patient/") == std::string::npos &&
          text_of(actor, "type") != "Patient")
        continue;
      std::string id = here ? named.substr(std::string_view("Patient/").size()) : std::string();
      if (identifier.is_object() && bears(actor, system, value)) co_return std::nullopt;
      others = true;
      for (int merges = 0; !id.empty() && merges <= kMaxMerges; ++merges) {
        const Seen seen = co_await look(call, "Patient", id);
        if (seen.failed) co_return seen.failed;
        if (bears(seen.resource, system, value)) co_return std::nullopt;
        id = replaced_by(seen.resource, settings_);
      }
    }
    if (!others) co_return std::nullopt;
    co_return Outcome::fail(Kind::permanent, "fhir.other_patient",
                            "the appointment is another patient's; nothing was written into it");
  }

  Task<Outcome> update_appointment(const Call& call, const Json& input) {
    const Named named = co_await find_appointment(call, input.value("appointment", Json::object()));
    if (named.failed) co_return *named.failed;
    if (named.id.empty()) co_return Outcome::done(R"({"found":false})");
    const Json session = input.value("session", Json());
    const std::string status = text_of(input, "status");
    const Json patient = input.value("patient", Json());
    for (int attempt = 0; attempt <= kMaxConflicts; ++attempt) {
      const HttpResult seen = co_await ask(call, read_request(settings_, "Appointment", named.id));
      if (!succeeded(seen)) co_return failure(seen);
      const auto resource = resource_of(seen, "Appointment");
      if (!resource) co_return unreadable();
      if (patient.is_object()) {
        const auto another = co_await check_patient(call, *resource, patient);
        if (another) co_return *another;
      }
      Written version = written(seen, "Appointment");
      auto body = with_identifiers(seen.body, session_identifiers(session));
      const std::string before = text_of(*resource, "status");
      if (body && !status.empty() && before != status && before != "entered-in-error")
        body = with_status(*body, status);
      if (!body) co_return unreadable();
      const bool changed = *body != seen.body;
      if (changed) {
        if (version.version.empty()) co_return no_version();
        const HttpResult put = co_await ask(
            call, update_request(settings_, "Appointment", named.id, *body, version.version));
        if (put.answered() && (put.status == 412 || put.status == 409)) continue;
        if (!succeeded(put)) co_return failure(put);
        version = written(put, "Appointment");
      }
      Json output = Json::object();
      output["found"] = true;
      output["id"] = named.id;
      output["reference"] = "Appointment/" + named.id;
      output["changed"] = changed;
      if (!version.version.empty()) output["versionId"] = version.version;
      co_return Outcome::done(output.dump());
    }
    co_return Outcome::fail(Kind::transient, "fhir.conflict",
                            "others keep changing the appointment; the update was not made");
  }

  Task<Outcome> read(const Call& call, std::string type, std::string id) {
    const HttpResult answer = co_await ask(call, read_request(settings_, type, id));
    if (!succeeded(answer)) co_return failure(answer);
    const auto resource = resource_of(answer, type);
    if (!resource) co_return unreadable();
    Json output = Json::object();
    output["resource"] = *resource;
    const Written version = written(answer, type);
    if (!version.version.empty()) output["versionId"] = version.version;
    co_return Outcome::done(output.dump());
  }

  // The output's `complete` is false if there is more than `limit`.
  Task<Outcome> search(const Call& call, const Json& input) {
    const std::int64_t limit = input.value("limit", kDefaultLimit);
    const Found found = co_await find(
        call,
        search_request(settings_, text_of(input, "type"), input.value("parameters", Json::object()),
                       std::min(limit, kMaxPage)),
        limit);
    if (found.failed) co_return *found.failed;
    Json output = Json::object();
    output["resources"] = Json::array();
    for (const Json& entry : found.entries) output["resources"].push_back(entry["resource"]);
    output["complete"] = found.complete;
    co_return Outcome::done(output.dump());
  }

  // Records that were merged into a patient, whose id is known: [Patient]. One that is not there
  // any more stands as its id, since coverages may still name it.
  struct Replaced {
    Json patients = Json::array();
    std::optional<Outcome> failed;
  };
  Task<Replaced> replaced(const Call& call, const Json& patient) {
    Replaced out;
    Json waiting = Json::array({patient});
    std::vector<std::string> ids{text_of(patient, "id")};
    while (!waiting.empty()) {
      const Json by = waiting.front();
      waiting.erase(waiting.begin());
      for (const std::string& id : replaced_ids(by, settings_)) {
        if (out.patients.size() == kMaxMerges || std::find(ids.begin(), ids.end(), id) != ids.end())
          continue;
        ids.push_back(id);
        const Seen seen = co_await look(call, "Patient", id);
        out.failed = seen.failed;
        if (out.failed) co_return out;
        Json other = Json::object({{"resourceType", "Patient"}, {"id", id}});
        if (!seen.resource.is_null()) {
          if (!lets_itself_be_replaced(seen.resource, text_of(by, "id"), settings_)) continue;
          other = seen.resource;
        }
        waiting.push_back(other);
        out.patients.push_back(std::move(other));
      }
    }
    co_return out;
  }

  // Coverages of all records of a patient, and the organisations that pay.
  Task<Found> covers_of(const Call& call, const Json& patients) {
    Found out;
    for (const Json& patient : patients) {
      Found found = co_await find(
          call, coverage_request(settings_, text_of(patient, "id"), kMaxPage), kDefaultLimit);
      if (found.failed) co_return found;
      // A server that ignores the parameter shows the same ones again.
      for (Json& entry : found.entries) {
        const bool again =
            std::any_of(out.entries.begin(), out.entries.end(), [&](const Json& bundle_entry) {
              return bundle_entry["resource"] == entry["resource"];
            });
        if (!again) out.entries.push_back(std::move(entry));
      }
    }
    co_return out;
  }

  // The patient with an identifier, and who pays for him at a time: `at`, else now.
  Task<Outcome> read_patient(const Call& call, const Json& input) {
    std::int64_t at = host().now_unix_ms() / 1000;
    if (const Json& time = sdk::member_of(input, "at"); time.is_number()) {
      at = time.get<std::int64_t>();
    } else if (time.is_string()) {
      const auto moment = read_instant(time.get_ref<const std::string&>());
      if (!moment) throw Refusal("fhir.input", "at is no time with an offset");
      at = *moment;
    }
    const Json identifier = input.value("identifier", Json::object());
    const Found found = co_await find_bearing(call, "Patient", text_of(identifier, "system"),
                                              text_of(identifier, "value"));
    if (found.failed) co_return *found.failed;
    Json patients = living(found.of("Patient"));
    // Records that lead to the patient, or that have the same identifier and were merged into him.
    Json merged_here = Json::array();
    // Only patients who were merged into another one have the identifier.
    Json merged = patients.empty() ? found.of("Patient") : Json::array();
    for (int merges = 0; !merged.empty() && patients.empty() && merges < kMaxMerges; ++merges) {
      const std::string other = replaced_by(merged.front(), settings_);
      const bool one = std::all_of(merged.begin(), merged.end(), [&](const Json& each) {
        return replaced_by(each, settings_) == other;
      });
      if (!one) co_return several_patients();
      for (const Json& each : merged) merged_here.push_back(each);
      const Seen seen = co_await look(call, "Patient", other);
      if (seen.failed) co_return *seen.failed;
      if (seen.resource.is_null()) break;
      merged = Json::array({seen.resource});
      patients = living(merged);
    }
    if (patients.empty()) co_return Outcome::done(R"({"found":false})");
    if (patients.size() != 1) co_return several_patients();
    for (const Json& each : found.of("Patient")) {
      if (replaced_by(each, settings_) == text_of(patients.front(), "id"))
        merged_here.push_back(each);
    }
    const Replaced before = co_await replaced(call, patients.front());
    if (before.failed) co_return *before.failed;
    for (const Json& each : before.patients) merged_here.push_back(each);
    for (Json& each : merged_here) {
      const bool listed = std::any_of(patients.begin(), patients.end(), [&](const Json& item) {
        return text_of(item, "id") == text_of(each, "id");
      });
      if (!listed) patients.push_back(std::move(each));
    }
    Found covers = co_await covers_of(call, patients);
    if (covers.failed) co_return *covers.failed;
    Insured out = insured(patients, covers.entries, at, settings_);
    // The record system does not include what is referred to; two payers may be one.
    for (int read = 0; read < 2 && !out.unread_payer.empty(); ++read) {
      const Seen payer = co_await look(call, "Organization", out.unread_payer);
      if (payer.failed) co_return *payer.failed;
      if (payer.resource.is_null()) break;
      covers.entries.push_back(Json::object({{"resource", payer.resource}}));
      out = insured(patients, covers.entries, at, settings_);
    }
    co_return Outcome::done(out.output.dump());
  }
};

}  // namespace rabt::fhir

RABT_PLUGIN(rabt::fhir::FhirPlugin, "fhir", "1.0.0");

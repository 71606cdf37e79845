#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chart.hpp"
#include "client.hpp"
#include "mapping.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/task.hpp"
#include "record_system.hpp"

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

// How often an update is made again on a newer version.
constexpr int kMaxConflicts = 3;
// Patients that were merged into one another.
constexpr int kMaxMerges = 5;
Outcome several_patients() {
  return Outcome::fail(Kind::permanent, "fhir.several",
                       "the record system holds more than one patient with this identifier");
}

}  // namespace

class FhirPlugin final : public RecordSystem {
 public:
  using RecordSystem::RecordSystem;

  Events normalise(const Delivery& delivery) {
    return {.json = to_events(delivery.body, settings_).dump(), .error = {}};
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
    const HttpResult answer = co_await ask(
        call, create_request(settings_, resource, std::string(kConsultationSystem), consultation));
    if (answer.answered() && answer.status == 412) {
      co_return Outcome::fail(
          Kind::permanent, "fhir.several",
          "the record system holds more than one " + type + " of this consultation");
    }
    if (!succeeded(answer)) co_return failure(answer);
    const Written made = written(answer, type);
    if (made.id.empty()) co_return unreadable();
    Json output = Json::object();
    output["id"] = made.id;
    output["reference"] = type + "/" + made.id;
    if (!made.version.empty()) output["versionId"] = made.version;
    co_return Outcome::done(output.dump());
  }

  Task<Outcome> write_encounter(const Call& call, const Json& input) {
    Outcome made =
        co_await create(call, encounter(input, settings_), text_of(input, "consultation"));
    if (made.kind != Kind::done) co_return made;
    // What a document about the encounter repeats.
    Json output = Json::parse(made.output);
    const Json appointment = input.value("appointment", Json::object());
    for (const char* key : {"patientReference", "practitionerReference"}) {
      if (std::string known = text_of(appointment, key); !known.empty())
        output[key] = std::move(known);
    }
    for (const char* key : {"start", "end"}) {
      if (std::string known = text_of(input, key); !known.empty()) output[key] = std::move(known);
    }
    co_return Outcome::done(output.dump());
  }

  Task<Outcome> write_document(const Call& call, const Json& input) {
    const auto recordings = input.find("recordings");
    if (recordings == input.end() || !recordings->is_array())
      throw Refusal("fhir.input", "recordings is missing");
    // A DocumentReference must have content: without a recording there is nothing to file.
    if (recordings->empty()) co_return Outcome::done(R"({"written":false})");
    Outcome made = co_await create(call, document(input, settings_, host().now_unix_ms() / 1000),
                                   text_of(input, "consultation"));
    if (made.kind != Kind::done) co_return made;
    Json output = Json::parse(made.output);
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
    Json by = Json::object();
    by["identifier"] = system.empty() ? value : system + "|" + value;
    const Found found =
        co_await find(call, search_request(settings_, "Appointment", by, kMaxPage), kDefaultLimit);
    Json appointments = found.of("Appointment");
    if (appointments.size() > 1) {
      Json meant = Json::array();
      for (const Json& one : appointments) {
        if (text_of(one, "status") != "entered-in-error") meant.push_back(one);
      }
      appointments = std::move(meant);
    }
    if (found.failed) {
      out.failed = found.failed;
    } else if (appointments.size() > 1) {
      out.failed =
          Outcome::fail(Kind::permanent, "fhir.several",
                        "the record system holds more than one appointment with this identifier");
    } else if (!appointments.empty()) {
      out.id = text_of(appointments.front(), "id");
    }
    co_return out;
  }

  Task<Outcome> update_appointment(const Call& call, const Json& input) {
    const Named named = co_await find_appointment(call, input.value("appointment", Json::object()));
    if (named.failed) co_return *named.failed;
    if (named.id.empty()) co_return Outcome::done(R"({"found":false})");
    const Json session = input.value("session", Json());
    const std::string status = text_of(input, "status");
    for (int attempt = 0; attempt <= kMaxConflicts; ++attempt) {
      const HttpResult seen = co_await ask(call, read_request(settings_, "Appointment", named.id));
      if (!succeeded(seen)) co_return failure(seen);
      const auto resource = resource_of(seen, "Appointment");
      if (!resource) co_return unreadable();
      Written version = written(seen, "Appointment");
      auto body = with_identifiers(seen.body, session_identifiers(session));
      if (body && !status.empty() && text_of(*resource, "status") != status)
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

  // A resource of the chart in the record system.
  struct Kept {
    std::string id;
    Json before;  // as it was; null when it was not there
    std::optional<Outcome> failed;
  };
  // Makes the resource, or makes it say what is wanted, whatever others have added to it.
  Task<Kept> keep(const Call& call, const ChartEntry& wanted) {
    Kept out;
    Json by = Json::object();
    by["identifier"] = std::string(kRecordSystem) + "|" + wanted.identifier;
    const Found found =
        co_await find(call, search_request(settings_, wanted.type, by, kMaxPage), kDefaultLimit);
    const Json known = found.of(wanted.type);
    if (found.failed) {
      out.failed = found.failed;
    } else if (known.size() > 1) {
      out.failed = Outcome::fail(Kind::permanent, "fhir.several",
                                 "the record system holds more than one " + wanted.type +
                                     " with the identifier of this entry");
    } else if (known.empty()) {
      const HttpResult made =
          co_await ask(call, create_request(settings_, wanted.resource, std::string(kRecordSystem),
                                            wanted.identifier));
      out.id = written(made, wanted.type).id;
      if (!succeeded(made)) {
        out.failed = failure(made);
      } else if (out.id.empty()) {
        out.failed = unreadable();
      }
    } else {
      out.before = known.front();
      out.id = text_of(out.before, "id");
      Json now = out.before;
      now.update(wanted.resource);
      if (!says(out.before, wanted.resource))
        out.failed = co_await replace(call, wanted.type, out.before, now);
    }
    co_return out;
  }

  // The Encounter that was written for the consultation; null when there is none yet.
  Task<Seen> encounter_of(const Call& call, const std::string& consultation) {
    Seen out;
    Json by = Json::object();
    by["identifier"] = std::string(kConsultationSystem) + "|" + consultation;
    const Found found =
        co_await find(call, search_request(settings_, "Encounter", by, kMaxPage), kDefaultLimit);
    out.failed = found.failed;
    if (const Json known = found.of("Encounter"); !known.empty()) out.resource = known.front();
    co_return out;
  }

  // What an earlier note referred to and this one does not is withdrawn.
  Task<std::optional<Outcome>> withdraw(const Call& call, const Json& before, const Json& taken) {
    const std::vector<std::string> references = entries_of(before);
    for (const std::string& reference : references) {
      const auto slash = reference.find('/');
      const bool stays = std::any_of(taken.begin(), taken.end(), [&](const Json& one) {
        return text_of(one, "reference") == reference;
      });
      if (stays || slash == std::string::npos) continue;
      const std::string type = reference.substr(0, slash);
      const Seen seen = co_await look(call, type, reference.substr(slash + 1));
      if (seen.failed) co_return seen.failed;
      if (seen.resource.is_null()) continue;
      if (auto failed = co_await replace(call, type, seen.resource, withdrawn(seen.resource)))
        co_return failed;
    }
    co_return std::nullopt;
  }

  // What the record system refuses of the chart is left out and named; the note says it as text.
  Task<Outcome> write_record(const Call& call, const Json& input) {
    const Seen visit = co_await encounter_of(call, text_of(input, "consultation"));
    if (visit.failed) co_return *visit.failed;
    if (visit.resource.is_null())
      co_return Outcome::done(R"({"found":false,"written":0,"refused":[]})");
    Json taken = Json::array();
    Json refused = Json::array();
    std::optional<Outcome> last;
    const auto settle = [&](const ChartEntry& entry, const Kept& kept) {
      if (!kept.failed) {
        taken.push_back({{"of", entry.of}, {"reference", entry.type + "/" + kept.id}});
      } else {
        refused.push_back({{"of", entry.of}, {"code", kept.failed->code}});
        last = kept.failed;
      }
    };
    const std::vector<ChartEntry> entries = chart(input, visit.resource);
    for (const ChartEntry& entry : entries) {
      const Kept kept = co_await keep(call, entry);
      if (kept.failed && kept.failed->kind != Kind::permanent) co_return *kept.failed;
      settle(entry, kept);
    }
    const ChartEntry whole = note(input, visit.resource, taken, settings_);
    const Kept kept = co_await keep(call, whole);
    if (kept.failed && kept.failed->kind != Kind::permanent) co_return *kept.failed;
    if (!kept.before.is_null()) {
      if (auto failed = co_await withdraw(call, kept.before, taken)) co_return *failed;
    }
    settle(whole, kept);
    if (taken.empty()) co_return *last;
    Json output = Json::object();
    output["found"] = true;
    output["written"] = taken.size();
    output["refused"] = std::move(refused);
    if (!kept.failed) output["reference"] = "Composition/" + kept.id;
    co_return Outcome::done(output.dump());
  }

  // The patient with an identifier, and who pays for him.
  Task<Outcome> read_patient(const Call& call, const Json& input) {
    const Json identifier = input.value("identifier", Json::object());
    const std::string system = text_of(identifier, "system");
    Json by = Json::object();
    by["identifier"] =
        system.empty() ? text_of(identifier, "value") : system + "|" + text_of(identifier, "value");
    const Found found =
        co_await find(call, search_request(settings_, "Patient", by, kMaxPage), kDefaultLimit);
    if (found.failed) co_return *found.failed;
    Json patients = living(found.of("Patient"));
    // Only patients who were merged into another one have the identifier.
    Json merged = patients.empty() ? found.of("Patient") : Json::array();
    for (int merges = 0; !merged.empty() && patients.empty() && merges < kMaxMerges; ++merges) {
      const std::string other = replaced_by(merged.front(), settings_);
      const bool one = std::all_of(merged.begin(), merged.end(), [&](const Json& each) {
        return replaced_by(each, settings_) == other;
      });
      if (!one) co_return several_patients();
      const Seen seen = co_await look(call, "Patient", other);
      if (seen.failed) co_return *seen.failed;
      if (seen.resource.is_null()) break;
      merged = Json::array({seen.resource});
      patients = living(merged);
    }
    if (patients.empty()) co_return Outcome::done(R"({"found":false})");
    if (patients.size() != 1) co_return several_patients();
    const Json& patient = patients.front();
    Found covers = co_await find(
        call, coverage_request(settings_, text_of(patient, "id"), kMaxPage), kDefaultLimit);
    if (covers.failed) co_return *covers.failed;
    const std::int64_t now = host().now_unix_ms() / 1000;
    Insured out = insured(patient, covers.entries, now, settings_);
    if (!out.unread_payer.empty()) {  // the record system does not include what is referred to
      const Seen payer = co_await look(call, "Organization", out.unread_payer);
      if (payer.failed) co_return *payer.failed;
      if (!payer.resource.is_null()) {
        covers.entries.push_back(Json::object({{"resource", payer.resource}}));
        out = insured(patient, covers.entries, now, settings_);
      }
    }
    co_return Outcome::done(out.output.dump());
  }
};

}  // namespace rabt::fhir

RABT_PLUGIN(rabt::fhir::FhirPlugin, "fhir", "1.0.0");

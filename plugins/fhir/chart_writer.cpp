#include "chart_writer.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "belonging.hpp"
#include "correction.hpp"
#include "rabt/json_nlohmann.hpp"

namespace rabt::fhir {

using sdk::Call;
using sdk::Kind;
using sdk::member_of;
using sdk::Task;
using sdk::text_of;

namespace {

// Most resources of one type that the encounter of a visit is looked through for.
constexpr std::int64_t kMaxOfEncounter = 1000;
// Time that a CapabilityStatement is believed.
constexpr std::int64_t kAbilitiesMs = 3'600'000;

std::string reference_of(const Json& resource) {
  return text_of(resource, "resourceType") + "/" + text_of(resource, "id");
}

bool passes(const std::optional<Outcome>& failed) {
  return failed && failed->kind != Kind::permanent;
}

// Results for the parts of a chart.
struct Parts {
  Json taken = Json::array();  // [{of, reference, ended}]
  Json refused = Json::array();
  std::optional<Outcome> last;

  void take(const std::string& of, const std::string& reference, bool ended) {
    taken.push_back({{"of", of}, {"reference", reference}, {"ended", ended}});
  }
  void refuse(const std::string& of, const Outcome& outcome) {
    leave(of, outcome);
    last = outcome;
  }
  // Named, and no reason to call the chart refused where nothing else was to be written.
  void leave(const std::string& of, const Outcome& outcome) {
    refused.push_back({{"of", of}, {"code", outcome.code}});
  }
};

}  // namespace

Task<ChartWriter::Own> ChartWriter::own_of(const Call& call, std::string consultation,
                                           const Json& encounter, const Json& note) {
  Own out;
  std::set<std::string> seen;
  const auto add = [&](const Json& resource) {
    if (!own_identifier(resource, consultation).empty() &&
        seen.insert(reference_of(resource)).second)
      out.resources.push_back(resource);
  };
  for (const auto& [type, kind] : kChartTypes) {
    Json by = Json::object();
    by["encounter"] = "Encounter/" + text_of(encounter, "id");
    const Found found = co_await find(
        call, search_request(settings_, std::string(type), by, kMaxPage), kMaxOfEncounter);
    if (found.failed || !found.complete) {
      out.failed = found.failed ? *found.failed : unsearchable(std::string(type));
      if (passes(out.failed)) co_return out;
    }
    for (const Json& resource : found.of(type)) add(resource);
  }
  // Others may have moved a resource to another encounter; note and Encounter name it still.
  std::vector<std::string> named = entries_of(note);
  for (std::string& diagnosis : diagnoses_of(encounter)) named.push_back(std::move(diagnosis));
  for (const std::string& entry : named) {
    const std::string reference = plain_reference(entry, settings_);
    const std::string type = reference.substr(0, reference.find('/'));
    const bool possible =
        std::any_of(kChartTypes.begin(), kChartTypes.end(),
                    [&](const auto& chart_type) { return chart_type.first == type; }) &&
        reference.size() > type.size();
    if (!possible || seen.contains(reference)) continue;
    const Seen found = co_await look(call, type, reference.substr(type.size() + 1));
    if (passes(found.failed)) {
      out.failed = found.failed;
      co_return out;
    }
    if (!found.resource.is_null()) add(found.resource);
  }
  co_return out;
}

Task<ChartWriter::Pdfs> ChartWriter::pdfs_of(const Call& call, const Json& input,
                                             const Json& encounter) {
  Pdfs out;
  const auto leave = [&out](const std::string& of, const std::string& code) {
    out.unread.push_back({{"of", of}, {"code", code}});
  };
  std::size_t at = 0;
  for (const Json& document : sdk::list_of(input, "documents")) {
    const std::string of = "documents/" + std::to_string(at++);
    const std::string blob = text_of(document, "blob");
    const std::string code = text_of(document, "code");
    if (text_of(document, "status") == "entered_in_error") {
      out.in_error.push_back(
          {.of = of, .type = "DocumentReference", .identifier = pdf_identifier(input, document)});
      continue;
    }
    if (blob.empty()) {
      leave(of, code.empty() ? "fhir.no_blob" : code);
      continue;
    }
    const auto read = co_await blob_read(call, blob, 0, kMaxPdf + 1);
    if (read.status == RABT_BLOB_FAILED) {
      out.failed = Outcome::fail(Kind::transient, "fhir.blob", "a document cannot be read now");
      co_return out;
    }
    if (read.ok() && read.piece.size() <= kMaxPdf) {
      out.entries.push_back(note_pdf(input, encounter, of, document, read.piece, settings_));
      continue;
    }
    leave(of, read.ok() ? "fhir.too_large" : "fhir.no_blob");
  }
  co_return out;
}

Task<Abilities> ChartWriter::abilities(const Call& call) {
  if (host().now_unix_ms() < abilities_until_ms_) co_return abilities_;
  const HttpResult answer = co_await ask(call, metadata_request(settings_));
  if (!succeeded(answer)) co_return Abilities{};
  const auto statement = resource_of(answer, "CapabilityStatement");
  if (!statement) co_return Abilities{};
  abilities_ = abilities_of(*statement);
  abilities_until_ms_ = host().now_unix_ms() + kAbilitiesMs;
  co_return abilities_;
}

Task<std::optional<Outcome>> ChartWriter::find_all(const Call& call,
                                                   const std::vector<ChartEntry>& entries,
                                                   const std::vector<InError>& in_error,
                                                   Together& together) {
  std::map<std::string, std::set<std::string>> wanted;
  for (const ChartEntry& entry : entries) wanted[entry.type].insert(entry.identifier);
  for (const InError& error : in_error) wanted[error.type].insert(error.identifier);
  for (const auto& [type, identifiers] : wanted) {
    std::string any;
    for (const std::string& text : identifiers)
      any.append(any.empty() ? "" : ",").append(kRecordSystem).append("|").append(text);
    Json by = Json::object();
    by["identifier"] = std::move(any);
    const Found found =
        co_await find(call, search_request(settings_, type, by, kMaxPage), kMaxOfEncounter);
    if (found.failed || !found.complete)
      co_return found.failed ? *found.failed : unsearchable(type);
    const Json resources = found.of(type);
    for (const std::string& identifier : identifiers) {
      Json own = Json::array();
      for (const Json& resource : resources) {
        if (bears(resource, kRecordSystem, identifier)) own.push_back(resource);
      }
      together.seen[{type, identifier}] = only_one(type, std::move(own));
    }
  }
  co_return std::nullopt;
}

Task<ChartWriter::Seen> ChartWriter::look_up(const Call& call, std::string type,
                                             std::string identifier, Together* together) {
  if (together != nullptr) co_return together->seen[{type, identifier}];
  co_return co_await find_one(call, type, std::string(kRecordSystem), identifier);
}

Task<std::optional<Outcome>> ChartWriter::put(const Call& call, const Json& before, const Json& now,
                                              Together* together) {
  if (together == nullptr)
    co_return co_await replace(call, text_of(before, "resourceType"), before, now);
  if (!together->changes.replace(before, now)) co_return no_version();
  co_return std::nullopt;
}

Task<ChartWriter::Sent> ChartWriter::send(const Call& call, const Transaction& changes) {
  Sent out;
  if (changes.empty()) {
    out.made.emplace();
    co_return out;
  }
  const Abilities can = co_await abilities(call);
  if (!changes.suits(can)) co_return out;
  std::string body = changes.bundle(settings_).dump();
  if (body.size() > kMaxTransaction) co_return out;
  const HttpResult answer = co_await ask(call, transaction_request(settings_, std::move(body)));
  if (refuses_transaction(answer)) co_return out;
  if (!succeeded(answer)) {
    out.failed = failure(answer);
    // It may always take longer than somebody on the way waits: the repeat goes in small parts.
    if (!answer.answered() || answer.status == 408 || answer.status == 504)
      abilities_.transaction = false;
  } else if (const auto bundle = resource_of(answer, "Bundle")) {
    out.made = changes.made(*bundle);
  }
  co_return out;
}

Task<ChartWriter::Kept> ChartWriter::keep(const Call& call, const ChartEntry& wanted, Json resource,
                                          const std::set<std::string>& gone, Together* together) {
  Kept out;
  if (resource.is_null() && together != nullptr) {
    out.reference = together->changes.make(wanted);
    co_return out;
  }
  if (resource.is_null()) {
    Made creation =
        co_await make(call, wanted.resource, std::string(kRecordSystem), wanted.identifier);
    out.reference = wanted.type + "/" + creation.written.id;
    out.failed = creation.failed;
    if (out.failed || creation.known.is_null()) co_return out;
    resource = std::move(creation.known);
  }
  out.reference = reference_of(resource);
  if (!same_subject(member_of(resource, "subject"), member_of(wanted.resource, "subject"),
                    settings_)) {
    out.failed = other_subject(wanted.type);
    co_return out;
  }
  const Json now = wanted.type == "Composition" ? corrected_note(resource, wanted, gone, settings_)
                                                : corrected(resource, wanted);
  out.ended = has_ended(now);
  if (now != resource) out.failed = co_await put(call, resource, now, together);
  // A code may be entered twice.
  if (!out.failed && together != nullptr)
    together->seen[{wanted.type, wanted.identifier}].resource = now;
  co_return out;
}

Task<ChartWriter::Kept> ChartWriter::find_and_keep(const Call& call, const ChartEntry& wanted,
                                                   Together* together) {
  Seen found = co_await look_up(call, wanted.type, wanted.identifier, together);
  if (found.failed) co_return Kept{.reference = {}, .failed = std::move(found.failed)};
  co_return co_await keep(call, wanted, std::move(found.resource), {}, together);
}

Task<std::optional<Outcome>> ChartWriter::withdraw(const Call& call, const Json& before,
                                                   std::string identifier, const Json& encounter,
                                                   Together* together) {
  const Json now = withdrawn(before, identifier);
  if (now == before) co_return std::nullopt;
  const std::string type = text_of(before, "resourceType");
  if (!same_subject(member_of(before, "subject"), member_of(encounter, "subject"), settings_))
    co_return other_subject(type);
  co_return co_await put(call, before, now, together);
}

Task<std::optional<Outcome>> ChartWriter::find_and_withdraw(const Call& call, const InError& what,
                                                            const Json& encounter,
                                                            std::set<std::string>& gone,
                                                            Together* together) {
  Seen filed = co_await look_up(call, what.type, what.identifier, together);
  if (filed.failed || filed.resource.is_null()) co_return std::move(filed.failed);
  gone.insert(reference_of(filed.resource));
  co_return co_await withdraw(call, filed.resource, what.identifier, encounter, together);
}

Task<std::optional<Outcome>> ChartWriter::name_diagnoses(const Call& call, const Json& input,
                                                         const Json& encounter, const Json& taken,
                                                         const std::set<std::string>& gone,
                                                         Together* together) {
  std::set<std::string> unnamed = gone;
  for (const Json& item : taken) {
    if (member_of(item, "ended") == true) unnamed.insert(text_of(item, "reference"));
  }
  const Json now =
      corrected_encounter(encounter, encounter_diagnoses(input, taken), unnamed, settings_);
  if (now == encounter) co_return std::nullopt;
  co_return co_await put(call, encounter, now, together);
}

Task<Outcome> ChartWriter::write_record(const Call& call, const Json& input) {
  Together together;
  std::optional<Outcome> outcome = co_await write_chart(call, input, &together);
  if (!outcome) outcome = co_await write_chart(call, input, nullptr);
  co_return *outcome;
}

Task<std::optional<Outcome>> ChartWriter::write_chart(const Call& call, const Json& input,
                                                      Together* together) {
  const std::string consultation = text_of(input, "consultation");
  const Seen visit =
      co_await find_one(call, "Encounter", std::string(kConsultationSystem), consultation);
  if (visit.failed) co_return *visit.failed;
  if (visit.resource.is_null())
    co_return Outcome::done(R"({"found":false,"written":0,"refused":[]})");
  const Json& encounter = visit.resource;
  if (!same_subject(member_of(encounter, "subject"), member_of(input, "patient"), settings_))
    co_return other_subject("Encounter");
  Parts parts;
  std::vector<ChartEntry> entries = chart(input, encounter);
  Pdfs pdfs = co_await pdfs_of(call, input, encounter);
  if (pdfs.failed) co_return *pdfs.failed;
  std::move(pdfs.entries.begin(), pdfs.entries.end(), std::back_inserter(entries));
  for (const Json& item : pdfs.unread) parts.refused.push_back(item);
  const Seen before =
      co_await find_one(call, "Composition", std::string(kRecordSystem), consultation + "/note");
  if (passes(before.failed)) co_return *before.failed;
  const Own own = co_await own_of(call, consultation, encounter, before.resource);
  if (passes(own.failed)) co_return *own.failed;
  if (own.failed) parts.refuse("withdrawn", *own.failed);
  std::vector<InError> in_error = dispensings_in_error(input);
  std::move(pdfs.in_error.begin(), pdfs.in_error.end(), std::back_inserter(in_error));
  if (together != nullptr) {
    const Abilities can = co_await abilities(call);
    std::optional<Outcome> unknown;
    if (can.transaction) unknown = co_await find_all(call, entries, in_error, *together);
    if (passes(unknown)) co_return unknown;
    if (!can.transaction || unknown) together = nullptr;
  }
  // First what does not hold any more: nothing that fails later keeps a drug in force.
  std::set<std::string> gone;
  for (const Json& resource : own.resources) {
    const std::string identifier = own_identifier(resource, consultation);
    if (std::any_of(entries.begin(), entries.end(), [&](const ChartEntry& entry) {
          return entry.type == text_of(resource, "resourceType") && entry.identifier == identifier;
        }))
      continue;
    gone.insert(reference_of(resource));
    const auto failed = co_await withdraw(call, resource, identifier, encounter, together);
    if (passes(failed)) co_return *failed;
    if (failed) parts.refuse("withdrawn/" + reference_of(resource), *failed);
  }
  for (const InError& error : in_error) {
    const auto failed = co_await find_and_withdraw(call, error, encounter, gone, together);
    if (passes(failed)) co_return *failed;
    if (failed) parts.refuse(error.of, *failed);
  }
  for (ChartEntry& entry : entries) {
    authorise(entry, parts.taken);
    const Kept kept = co_await find_and_keep(call, entry, together);
    if (passes(kept.failed)) co_return *kept.failed;
    if (kept.failed) {
      parts.refuse(entry.of, *kept.failed);
    } else {
      parts.take(entry.of, kept.reference, kept.ended);
    }
  }
  const ChartEntry whole = note(input, encounter, parts.taken, settings_);
  Kept kept{.reference = {}, .failed = before.failed};
  const bool empty = sdk::list_of(whole.resource, "section").empty();
  if (!kept.failed && !(empty && before.resource.is_null())) {
    kept = co_await keep(call, whole, before.resource, gone, together);
    if (passes(kept.failed)) co_return *kept.failed;
  }
  if (kept.failed) {
    parts.refuse(whole.of, *kept.failed);
  } else if (!kept.reference.empty()) {
    parts.take(whole.of, kept.reference, kept.ended);
  }
  const auto unnamed = co_await name_diagnoses(call, input, encounter, parts.taken, gone, together);
  if (passes(unnamed)) co_return *unnamed;
  if (unnamed) parts.leave("encounter/diagnosis", *unnamed);
  if (together != nullptr) {
    Sent sent = co_await send(call, together->changes);
    if (sent.failed) co_return sent.failed;
    if (!sent.made) co_return std::nullopt;
    const auto made = sent.made->find(kept.reference);
    if (made != sent.made->end()) kept.reference = made->second;
  }
  if (parts.taken.empty() && parts.last) co_return *parts.last;
  Json output = Json::object();
  output["found"] = true;
  output["written"] = parts.taken.size();
  output["refused"] = std::move(parts.refused);
  if (!kept.failed && !kept.reference.empty()) output["reference"] = kept.reference;
  co_return Outcome::done(output.dump());
}

}  // namespace rabt::fhir

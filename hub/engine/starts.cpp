#include "hub/engine/starts.hpp"

#include <algorithm>

#include "hub/base/bytes.hpp"
#include "hub/base/check.hpp"
#include "hub/engine/instance_reader.hpp"
#include "hub/engine/statements.hpp"
#include "hub/identity/blind_index.hpp"
#include "hub/workflow/error_types.hpp"

namespace rabt::engine {

ActionOutcome refused_outcome(const std::string& code) {
  ActionOutcome outcome;
  outcome.kind = workflow::OutcomeKind::permanent;
  outcome.code = code;
  Json error = Json::object();
  if (code == kBusinessKeyTaken) {
    outcome.message = "another instance of the workflow lives for this business key";
    error.set("type", "https://rabt.health/errors/conflict");
    error.set("status", 409);
    error.set("title", "Another instance lives for this business key");
  } else if (code == kNestingTooDeep) {
    outcome.message = "workflows start each other more than " +
                      std::to_string(limits::kMaxWorkflowNesting) + " deep";
    error.set("type", workflow::error_type("runtime"));
    error.set("status", 500);
    error.set("title", "Workflows start each other too deep");
  } else {
    outcome.message = "the workflow was not bound when this one was deployed";
    error.set("type", workflow::error_type("configuration"));
    error.set("status", 400);
    error.set("title", "The workflow is not deployed");
  }
  outcome.detail = Json::object({{"error", error}});
  return outcome;
}

namespace {

// Sealed part of an origin.
Json document_of(const Origin& origin) {
  Json out = Json::object({{"input", origin.input}});
  if (!origin.trace.empty()) out.set("trace", origin.trace);
  return out;
}

}  // namespace

std::string Starts::business_key(const KeyLease& lease, const std::string& workflow,
                                 const std::string& key) {
  return lease.keys.blind_index("instance.business_key", workflow + "\n" + key);
}

// Sets the patients of the new instance, and its key.
Status Starts::prepare_owner(PreparedStart& start, const workflow::Definition& definition,
                             const Json& input, const KeyLease& lease) const {
  start.id = context_.parts.ids.next().text();
  const auto business_key = definition.business_key(input);
  if (business_key.ok() && business_key->has_value()) {
    start.business_key = Starts::business_key(lease, definition.name(), **business_key);
  }
  find_patients(start, definition, input, lease);
  RABT_TRY(key, lease.keys.make(keys::kConsultation));
  start.key = std::move(key);
  return ok_status();
}

Result<PreparedStart> Starts::prepare(std::int64_t definition_id,
                                      const workflow::Definition& definition, const Json& envelope,
                                      const KeyLease& lease) const {
  PreparedStart start{.definition = definition_id};
  RABT_TRY_STATUS(prepare_owner(start, definition, Json::array({envelope}), lease));
  return start;
}

Result<PreparedStart> Starts::prepare(std::int64_t definition_id, Origin origin,
                                      const KeyLease& lease) const {
  PreparedStart start{.definition = definition_id};
  const auto found = definitions_.find(definition_id);
  if (found == nullptr) {
    start.refused = kNotBound;
  } else if (origin.depth > limits::kMaxWorkflowNesting) {
    start.refused = kNestingTooDeep;
  } else {
    RABT_TRY_STATUS(prepare_owner(start, *found, origin.input, lease));
    start.sealed_input = start.key.key->seal(input_context(context_.options.tenant, start.id),
                                             document_of(origin).dump(), context_.parts.random);
  }
  start.origin = std::make_shared<const Origin>(std::move(origin));
  return start;
}

Result<StoredStart> Starts::store(store::Transaction& transaction, const PreparedStart& start,
                                  std::int64_t start_event, const Json& envelope,
                                  AfterCommit& after) const {
  if (!start.refused.empty()) return StoredStart{.refused = start.refused};
  const std::string& tenant = context_.options.tenant;
  const Origin* origin = start.origin.get();
  const bool child = origin != nullptr && origin->parent != 0;
  // A child lies in its parent's partition, so that the two never talk across engines.
  const int partition = child ? partition_of(origin->parent) : partitions_.any();
  if (partition < 0)
    return unavailable("engine.no_partition", "this hub runs no instances now; try again later");
  RABT_TRY(drawn, transaction.next(sql::kInstanceNumbers));
  const std::int64_t num = range_of(partition).begin + drawn;
  const store::Value business_key = start.business_key.empty()
                                        ? store::Value(store::Null{})
                                        : store::Value(store::Blob{start.business_key});
  const std::int64_t now = context_.parts.clock.now().ms;
  RABT_TRY(inserted,
           transaction.execute(sql::kInsertInstance,
                               {num, start.id, tenant, start.definition, business_key, start_event,
                                store::Blob{start.key.id}, now, now, definitions_.binding()}));
  if (inserted == 0) {
    StoredStart taken{.refused = std::string(kBusinessKeyTaken)};
    RABT_TRY_STATUS(transaction.query(
        sql::kRunningByBusinessKey, {tenant, business_key}, [&](const store::Row& row) {
          taken.existing = std::string(row.text(sql::kRunningByBusinessKey["id"]));
          return false;
        }));
    if (taken.existing.empty())
      return conflict(std::string(store::kRaced), "the instance with the business key has ended");
    return taken;
  }
  wanted_.lives(transaction, start.definition);
  RABT_TRY_STATUS(keys::insert(transaction, start.key));
  if (origin != nullptr) {
    const store::Value none = store::Null{};
    transaction.put(
        sql::kInsertOrigin,
        {num, store::Blob{start.sealed_input}, child ? store::Value(origin->parent) : none,
         child ? store::Value(static_cast<std::int64_t>(origin->call)) : none,
         origin->awaited ? 1 : 0, origin->depth});
  }
  RABT_TRY(patient, store_patients(transaction, num, start.patients, child ? origin->parent : 0));
  // A child has its parent's.
  if (const auto definition = definitions_.find(start.definition);
      start.unread && !child && definition != nullptr) {
    context_.parts.log.warn("instance.patient_unknown",
                            {{"workflow", definition->name()},
                             {"version", definition->version()},
                             {"instance", start.id},
                             {"found", static_cast<std::int64_t>(start.patients.size())},
                             {"unread", std::int64_t{*start.unread}}});
  }
  after.begins.push_back({.num = num,
                          .id = start.id,
                          .definition = start.definition,
                          .start_event = start_event,
                          .data_key = start.key.id,
                          .envelope = envelope,
                          .origin = start.origin,
                          .patient = std::move(patient)});
  return StoredStart{.num = num};
}

// ---- whose data an instance works on (metadata.rabt.patient)

namespace {

constexpr std::size_t kIndexBytes = 16;

// A pseudonym is an index already.
Result<std::string> index_of(const KeyLease& lease, std::string_view kind_text,
                             std::string_view value) {
  if (kind_text == "pseudonym") {
    const auto index = from_hex(value);
    if (!index || index->size() != kIndexBytes)
      return invalid("phi.index_value", "the value is no pseudonym");
    return std::string(as_text(*index));
  }
  const auto kind = phi::parse_index_kind(kind_text);
  RABT_CHECK(kind.has_value());
  return identity::blind_index(lease.keys.keys(), *kind, value);
}

}  // namespace

void Starts::find_patients(PreparedStart& start, const workflow::Definition& definition,
                           const Json& start_events, const KeyLease& lease) const {
  const auto reference = definition.patient(start_events);
  Patients& out = start.patients;
  int unread = reference.unread;
  for (const auto& [kind_text, value] : reference.identifiers) {
    auto index = index_of(lease, kind_text, value);
    if (!index.ok()) {
      ++unread;
    } else if (std::find(out.begin(), out.end(), *index) == out.end()) {
      out.push_back(std::move(*index));
    }
  }
  if (reference.declared && (out.empty() || unread != 0)) start.unread = unread;
}

Result<std::string> Starts::store_patients(store::Transaction& transaction, std::int64_t num,
                                           const Patients& patients, std::int64_t parent) const {
  if (patients.empty()) {
    if (parent == 0) return std::string();
    RABT_TRY(rows, transaction.execute(sql::kInheritPatients, {num, parent}));
    if (rows == 0) return std::string();
    return InstanceReader::patient(transaction, num);
  }
  std::int64_t place = 0;
  for (const std::string& patient : patients) {
    transaction.put(sql::kInsertPatient,
                    {context_.options.tenant, store::Blob{patient}, num, place});
    ++place;
  }
  return patients.front();
}

}  // namespace rabt::engine

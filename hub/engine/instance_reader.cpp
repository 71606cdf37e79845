#include "hub/engine/instance_reader.hpp"

#include <cstdlib>
#include <map>
#include <optional>

#include "hub/engine/statements.hpp"

// Everything is made by replaying the journal: there is no second copy of the truth.
namespace rabt::engine {

namespace {

InstanceRow to_row(const store::Row& row) {
  return {.num = row.integer(sql::kLoadInstance["num"]),
          .id = std::string(row.text(sql::kLoadInstance["id"])),
          .tenant = std::string(row.text(sql::kLoadInstance["tenant"])),
          .definition = row.integer(sql::kLoadInstance["definition"]),
          .status = static_cast<int>(row.integer(sql::kLoadInstance["status"])),
          .busy = row.integer(sql::kLoadInstance["busy"]) != 0,
          .parked = row.is_null(sql::kLoadInstance["parked"])
                        ? std::string()
                        : std::string(row.text(sql::kLoadInstance["parked"])),
          .start_event = row.integer(sql::kLoadInstance["start_event"]),
          .data_key = std::string(row.blob(sql::kLoadInstance["data_key"])),
          .created = Timestamp{row.integer(sql::kLoadInstance["created_ms"])},
          .updated = Timestamp{row.integer(sql::kLoadInstance["updated_ms"])},
          .binding = row.integer(sql::kLoadInstance["binding"]),
          .about = row.is_null(sql::kLoadInstance["about"])
                       ? std::string()
                       : std::string(row.text(sql::kLoadInstance["about"])),
          .question = row.is_null(sql::kLoadInstance["question"])
                          ? std::string()
                          : std::string(row.text(sql::kLoadInstance["question"]))};
}

}  // namespace

Result<InstanceRow> InstanceReader::row(std::int64_t num) const {
  std::optional<InstanceRow> found;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kLoadInstance, {num}, [&](const store::Row& row) {
      found = to_row(row);
      return false;
    });
  }));
  if (!found) return not_found("engine.instance", "there is no such instance");
  return *found;
}

Result<InstanceRow> InstanceReader::row(std::string_view id) const {
  std::optional<InstanceRow> found;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kLoadInstanceById, {id, context_.options.tenant},
                            [&](const store::Row& row) {
                              found = to_row(row);
                              return false;
                            });
  }));
  if (!found) return not_found("engine.instance", "there is no instance with this id");
  return *found;
}

Result<std::vector<workflow::Input>> InstanceReader::journal(const InstanceRow& row,
                                                             const crypto::DataKey& key) const {
  std::vector<workflow::Input> inputs;
  std::optional<Error> failure;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kReadJournal, {row.num}, [&](const store::Row& entry) {
      const std::string name = row.id + "/" + std::to_string(inputs.size());
      auto plain =
          key.open(journal_context(row.tenant, name), entry.blob(sql::kReadJournal["sealed"]));
      if (!plain.ok()) {
        failure = plain.error();
        return false;
      }
      const auto json = Json::parse(*plain);
      auto input = json.ok() ? workflow::input_from_json(*json) : json.error();
      if (!input.ok()) {
        failure = corrupt("engine.unknown_input",
                          "entry " + std::to_string(inputs.size()) +
                              " of the instance's journal is unknown to this build (" +
                              input.error().message +
                              "); the instance is held: start the build that wrote it, or a newer "
                              "one");
        return false;
      }
      inputs.push_back(std::move(*input));
      return true;
    });
  }));
  if (failure) return *failure;
  return inputs;
}

Result<workflow::Finished> InstanceReader::replay_end(const InstanceRow& row) const {
  RABT_TRY(key, context_.parts.keys.open(row.tenant, row.data_key));
  RABT_TRY(from, materials(row, *key));
  workflow::History history(std::move(from.versions));
  std::optional<workflow::Finished> end;
  for (const workflow::Input& input : from.inputs) {
    for (workflow::Effect& effect : history.apply(input)) {
      if (auto* finished = std::get_if<workflow::Finished>(&effect)) end = std::move(*finished);
    }
  }
  if (end) return std::move(*end);
  return corrupt("engine.journal", "the journal of an instance that has ended does not end");
}

Result<std::shared_ptr<const Origin>> InstanceReader::origin(const InstanceRow& row,
                                                             const crypto::DataKey& key) const {
  std::shared_ptr<Origin> origin;
  std::string sealed;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kLoadOrigin, {row.num}, [&](const store::Row& found) {
      origin = std::make_shared<Origin>();
      sealed = std::string(found.blob(sql::kLoadOrigin["input"]));
      if (!found.is_null(sql::kLoadOrigin["parent"])) {
        origin->parent = found.integer(sql::kLoadOrigin["parent"]);
        origin->call = static_cast<std::uint64_t>(found.integer(sql::kLoadOrigin["call"]));
        if (!found.is_null(sql::kLoadOrigin["id"]))
          origin->parent_id = std::string(found.text(sql::kLoadOrigin["id"]));
      }
      origin->awaited = found.integer(sql::kLoadOrigin["awaited"]) != 0;
      origin->depth = static_cast<int>(found.integer(sql::kLoadOrigin["depth"]));
      return false;
    });
  }));
  if (origin == nullptr) return std::shared_ptr<const Origin>();
  RABT_TRY(plain, key.open(input_context(row.tenant, row.id), sealed));
  RABT_TRY(kept, Json::parse(plain));
  origin->trace = kept.string_or("trace", "");
  origin->input = kept["input"];
  return std::shared_ptr<const Origin>(std::move(origin));
}

Result<std::string> InstanceReader::patient(store::Connection& connection, std::int64_t num) {
  std::string patient;
  RABT_TRY_STATUS(connection.query(sql::kPatientOf, {num}, [&](const store::Row& row) {
    patient = std::string(row.blob(sql::kPatientOf["patient"]));
    return false;
  }));
  return patient;
}

Result<std::string> InstanceReader::patient(std::int64_t num) const {
  std::string found;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(one, patient(connection, num));
    found = std::move(one);
    return ok_status();
  }));
  return found;
}

Status InstanceReader::add_versions(const InstanceRow& row, Materials& to) const {
  const Error lost = corrupt("engine.definition", "the instance's definition is not loaded");
  const auto now = definitions_.find(row.definition);
  if (now == nullptr) return lost;
  std::vector<std::string> names;
  for (const workflow::Input& input : to.inputs) {
    const auto* const rewound = std::get_if<workflow::Rewound>(&input.what);
    if (rewound == nullptr || rewound->version.empty()) continue;
    if (names.empty()) names.push_back(rewound->was);
    names.push_back(rewound->version);
  }
  if (names.empty()) names.emplace_back(now->version());
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto definition = now;
    if (names[i] != now->version()) {
      auto found = definitions_.deployed(now->name_space(), now->name(), names[i]);
      if (!found.ok()) return lost;
      definition = std::move(found->definition);
    }
    auto secrets = definitions_.secrets_of(*definition);
    // An earlier version made rows that are skipped: nothing depends on its secrets any more.
    if (!secrets.ok() && i + 1 == names.size()) return secrets.error();
    workflow::Version version{std::move(definition), secrets.ok() ? *std::move(secrets) : Json()};
    if (version.secrets.is_object()) {
      for (const auto& [name, value] : version.secrets.as_object()) to.secrets.set(name, value);
    }
    to.definition = version.definition;
    if (i != 0) {
      to.versions.later.insert_or_assign(names[i], std::move(version));
    } else {
      to.versions.first = std::move(version);
    }
  }
  return ok_status();
}

Result<InstanceReader::Materials> InstanceReader::materials(const InstanceRow& row,
                                                            const keys::Lease& lease) const {
  RABT_TRY(key, lease.open(row.data_key));
  return materials(row, *key);
}

Result<InstanceReader::Materials> InstanceReader::materials(const InstanceRow& row,
                                                            const crypto::DataKey& key) const {
  Materials out;
  RABT_TRY(came_from, origin(row, key));
  RABT_TRY(inputs, journal(row, key));
  out.origin = std::move(came_from);
  out.inputs = std::move(inputs);
  RABT_TRY_STATUS(add_versions(row, out));
  return out;
}

Result<InstanceReader::Materials> InstanceReader::kept_materials(const InstanceRow& row,
                                                                 const keys::Lease& lease) const {
  auto from = materials(row, lease);
  if (!from.ok() && from.error().kind == ErrorKind::not_found) {
    return conflict("engine.journal_gone",
                    "the key of the instance was destroyed at the end of its retention; nobody can "
                    "read what it did");
  }
  if (from.ok() && from->inputs.empty())
    return conflict("engine.journal_gone", "the instance has no journal any more");
  return from;
}

Result<std::unique_ptr<ResidentInstance>> InstanceReader::make(const InstanceRow& row,
                                                               const Materials& from,
                                                               workflow::History&& history) const {
  RABT_TRY(of_patient, patient(row.num));
  std::vector<Json> skipped = history.skipped_events();
  auto instance =
      std::make_unique<ResidentInstance>(ResidentInstance{.num = row.num,
                                                          .id = row.id,
                                                          .definition_id = row.definition,
                                                          .definition = from.definition,
                                                          .start_event = row.start_event,
                                                          .data_key = row.data_key,
                                                          .execution = std::move(history).take(),
                                                          .origin = from.origin,
                                                          .patient = std::move(of_patient),
                                                          .binding = row.binding,
                                                          .turns = from.inputs.size(),
                                                          .skipped_events = std::move(skipped),
                                                          .begun = !from.inputs.empty()});
  if (instance->begun) {
    if (const auto* start = std::get_if<workflow::Start>(&from.inputs.front().what))
      instance->trace = trace_of(row.id, from.origin.get(), start->input);
  }
  instance->stored_status = row.status;
  instance->stored_busy = row.busy;
  instance->stored_about = row.about;
  return instance;
}

Result<std::unique_ptr<ResidentInstance>> InstanceReader::replay(const InstanceRow& row,
                                                                 const keys::Lease& lease) const {
  RABT_TRY(from, materials(row, lease));
  workflow::History history(from.versions);
  std::map<std::uint64_t, Timestamp> call_times;
  for (const workflow::Input& input : from.inputs) {
    for (const workflow::Effect& effect : history.apply(input)) {
      const auto* const call = std::get_if<workflow::CallAction>(&effect);
      if (call != nullptr && call->was == 0) call_times[call->id] = input.at;
    }
  }
  RABT_TRY(instance, make(row, from, std::move(history)));
  for (const workflow::Effect& effect : instance->execution.open()) {
    if (const auto* call = std::get_if<workflow::CallAction>(&effect)) {
      // It may have left before the hub went down.
      instance->calls.emplace(call->id, OpenCall{.action = *call,
                                                 .made_at = call_times[call->id],
                                                 .doubtful = true,
                                                 .let_go = call->let_go});
    } else if (const auto* ask = std::get_if<workflow::Ask>(&effect)) {
      instance->calls.emplace(
          ask->call.id,
          OpenCall{
              .action = ask->call, .parked = true, .asked = true, .maybe_done = ask->doubtful});
    } else if (const auto* child = std::get_if<workflow::StartWorkflow>(&effect)) {
      instance->children.emplace(child->id, *child);
    } else if (const auto* timer = std::get_if<workflow::StartTimer>(&effect)) {
      instance->timers.insert(timer->id);
    } else if (const auto* listen = std::get_if<workflow::Subscribe>(&effect)) {
      instance->listens.insert(listen->id);
    }
  }
  if (row.parked.empty()) return instance;
  instance->parked_call = std::strtoull(row.parked.c_str(), nullptr, 10);
  const auto call = instance->calls.find(instance->parked_call);
  if (call == instance->calls.end()) return instance;
  call->second.parked = true;
  if (const auto question = Json::parse(row.question); question.ok()) {
    if (const auto since = parse_iso8601(question->string_or("since", "")); since.ok())
      call->second.parked_at = *since;
    call->second.parked_code = question->string_or("code", "");
  }
  return instance;
}

Result<InstanceReader::Rewinding> InstanceReader::rewind(const InstanceRow& row,
                                                         const keys::Lease& lease,
                                                         std::string_view version) const {
  if (row.status != as_int(workflow::InstanceStatus::faulted)) {
    return conflict(
        "engine.not_faulted",
        "only an instance that is faulted can be run again; this one is " +
            std::string(workflow::to_string(static_cast<workflow::InstanceStatus>(row.status))));
  }
  RABT_TRY(from, kept_materials(row, lease));
  if (from.origin != nullptr && from.origin->awaited) {
    return conflict("engine.retry_family",
                    "instance " + from.origin->parent_id +
                        " started this one and has gone on without it; look at that one");
  }
  InstanceRow on_row = row;
  std::optional<workflow::Version> on;
  if (!version.empty()) {
    RABT_TRY(found, definitions_.deployed(from.definition->name_space(), from.definition->name(),
                                          version == kNewestVersion ? "" : version));
    if (found.definition->version() != from.definition->version()) {
      RABT_TRY(secrets, definitions_.secrets_of(*found.definition));
      on = workflow::Version{found.definition, std::move(secrets)};
      on_row.definition = found.id;
    }
  }
  RABT_TRY(plan, workflow::plan_rewind(from.versions, from.inputs, context_.parts.clock.now(),
                                       on ? &*on : nullptr));
  workflow::History history(from.versions);
  for (const workflow::Input& input : from.inputs) (void)history.apply(input);
  workflow::Rewound input{.to = plan.to, .next = plan.next, .reason = {}, .by = {}};
  if (on) {
    input.version = on->definition->version();
    input.was = from.definition->version();
    from.definition = on->definition;
    history.rewind(plan.to, *std::move(on));
  } else {
    history.rewind(plan.to);
  }
  RABT_TRY(instance, make(on_row, from, std::move(history)));
  return Rewinding{.instance = std::move(instance), .input = std::move(input)};
}

}  // namespace rabt::engine

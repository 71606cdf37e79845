#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "hub/engine/impl.hpp"
#include "hub/engine/state_text.hpp"
#include "hub/engine/statements.hpp"

// Lists and counts of instances, from what their rows say.
namespace rabt::engine {

namespace {

bool wants_state(const InstanceFilter& filter, std::string_view state) {
  return filter.states.empty() ||
         std::find(filter.states.begin(), filter.states.end(), state) != filter.states.end();
}

std::int64_t from_ms(const InstanceFilter& filter) {
  return filter.since ? filter.since->ms : std::numeric_limits<std::int64_t>::min();
}
std::int64_t before_ms(const InstanceFilter& filter) {
  return filter.until ? filter.until->ms : std::numeric_limits<std::int64_t>::max();
}

Json parsed(const store::Row& row, int column) {
  if (row.is_null(column)) return {};
  auto json = Json::parse(row.text(column));
  return json.ok() ? std::move(*json) : Json();
}

// Reads rows of the list statements.
class Lister {
 public:
  Lister(Context& context, const Definitions& definitions)
      : context_(context), definitions_(definitions) {}

  bool add(const store::Row& row) {
    const auto definition = definitions_.find(row.integer(sql::kListInstances["definition"]));
    if (definition == nullptr) return true;
    const int status = static_cast<int>(row.integer(sql::kListInstances["status"]));
    const bool parked = !row.is_null(sql::kListInstances["parked"]);
    InstanceSummary summary{.id = std::string(row.text(sql::kListInstances["id"])),
                            .workflow = definition->name(),
                            .version = definition->version(),
                            .status = state_text(status, parked),
                            .created = Timestamp{row.integer(sql::kListInstances["created_ms"])},
                            .updated = Timestamp{row.integer(sql::kListInstances["updated_ms"])},
                            .held = context_.held.of(row.text(sql::kListInstances["id"])),
                            .paused = context_.pauses.of(row.text(sql::kListInstances["id"]))};
    if (status == as_int(workflow::InstanceStatus::faulted)) {
      summary.error = parsed(row, sql::kListInstances["about"]);
    } else if (!has_ended(status)) {
      summary.waits = parsed(row, parked ? 7 : 6);
    }
    list_.push_back(std::move(summary));
    return true;
  }
  // The newest first.
  std::vector<InstanceSummary> take(std::size_t limit) {
    std::sort(list_.begin(), list_.end(),
              [](const auto& one, const auto& other) { return one.id > other.id; });
    if (list_.size() > limit) list_.resize(limit);
    return std::move(list_);
  }
  [[nodiscard]] std::vector<InstanceSummary>& list() { return list_; }

 private:
  Context& context_;
  const Definitions& definitions_;
  std::vector<InstanceSummary> list_;
};

}  // namespace

Result<std::vector<InstanceSummary>> Engine::instances(const InstanceFilter& filter,
                                                       std::size_t limit,
                                                       std::optional<std::string> before) {
  const std::string& tenant = impl_->context.options.tenant;
  const std::string start = before.value_or(std::string(kNoPlace));
  const std::int64_t from = from_ms(filter);
  const std::int64_t to = before_ms(filter);
  const auto most = static_cast<std::int64_t>(limit);
  std::vector<std::string> keys;
  if (filter.key) {
    RABT_TRY(indexes, impl_->business_keys(*filter.key, filter.workflow));
    keys = std::move(indexes);
  }
  Lister lister(impl_->context, impl_->definitions);
  const auto add = [&lister](const store::Row& row) { return lister.add(row); };
  RABT_TRY_STATUS(impl_->context.parts.store.read([&](store::Connection& connection) -> Status {
    // Few belong to one person or one key.
    const auto of = [&](const store::Statement& statement, const std::string& index) {
      return connection.query(statement,
                              {tenant, start, filter.workflow, filter.version, filter.code, from,
                               to, store::Blob{index}},
                              add);
    };
    if (filter.patient) return of(sql::kListInstancesOfPatient, *filter.patient);
    if (filter.key) {
      for (const std::string& key : keys) RABT_TRY_STATUS(of(sql::kListInstancesOfKey, key));
      return ok_status();
    }
    if (wants_state(filter, kParkedState)) {
      RABT_TRY_STATUS(connection.query(
          sql::kListParked,
          {tenant, start, filter.workflow, filter.version, filter.code, from, to, most}, add));
    }
    for (int status = 0; status <= as_int(workflow::InstanceStatus::cancelled); ++status) {
      if (!wants_state(filter, state_text(status, false))) continue;
      RABT_TRY_STATUS(connection.query(
          sql::kListInstances,
          {tenant, start, filter.workflow, filter.version, filter.code, from, to, most, status},
          add));
    }
    return ok_status();
  }));
  if (filter.patient || filter.key) {
    std::erase_if(lister.list(), [&](const InstanceSummary& summary) {
      return !wants_state(filter, summary.status);
    });
  }
  return lister.take(limit);
}

// The index of a business key is made with the name of its workflow.
Result<std::vector<std::string>> Engine::Impl::business_keys(const std::string& key,
                                                             const std::string& workflow) const {
  std::set<std::string> names;
  for (const DeployedDefinition& definition : *definitions.all()) {
    if (workflow.empty() || definition.definition->name() == workflow)
      names.insert(definition.definition->name());
  }
  RABT_TRY(lease, KeyLease::take(context.parts.keys, context.options.tenant));
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(Starts::business_key(*lease, name, key));
  return out;
}

Result<InstanceCounts> Engine::counts(const InstanceFilter& filter) {
  // By definition: version, and how many have each state.
  std::map<std::int64_t, std::array<std::int64_t, kStates.size()>> by_definition;
  std::map<std::pair<std::string, std::string>, InstanceCounts::Code> by_code;
  const auto add = [&](const store::Row& row) {
    const int status = static_cast<int>(row.integer(sql::kCountInstances["status"]));
    const std::string_view code = row.is_null(sql::kCountInstances["code"])
                                      ? std::string_view()
                                      : row.text(sql::kCountInstances["code"]);
    const std::string state = state_text(status, !has_ended(status) && !code.empty());
    const auto place = std::find(kStates.begin(), kStates.end(), state) - kStates.begin();
    ++by_definition[row.integer(sql::kCountInstances["definition"])].at(
        static_cast<std::size_t>(place));
    if (code.empty()) return true;
    InstanceCounts::Code& one = by_code[{state, std::string(code)}];
    const Timestamp updated{row.integer(sql::kCountInstances["updated_ms"])};
    one.oldest = one.count == 0 ? updated : std::min(one.oldest, updated);
    ++one.count;
    return true;
  };
  RABT_TRY_STATUS(impl_->context.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kCountInstances,
                            {impl_->context.options.tenant, filter.workflow, filter.version,
                             filter.code, from_ms(filter), before_ms(filter)},
                            add);
  }));
  InstanceCounts out;
  std::map<std::pair<std::string, std::string>, InstanceCounts::Workflow> by_workflow;
  for (const auto& [id, states] : by_definition) {
    const auto definition = impl_->definitions.find(id);
    if (definition == nullptr) continue;
    InstanceCounts::Workflow& workflow = by_workflow[{definition->name(), definition->version()}];
    workflow.name = definition->name();
    workflow.version = definition->version();
    for (std::size_t i = 0; i < states.size(); ++i) {
      workflow.states.at(i) += states.at(i);
      out.states.at(i) += states.at(i);
      out.total += states.at(i);
    }
  }
  for (auto& [key, one] : by_workflow) out.workflows.push_back(std::move(one));
  for (auto& [key, one] : by_code) {
    one.status = key.first;
    one.code = key.second;
    out.codes.push_back(std::move(one));
  }
  std::stable_sort(out.codes.begin(), out.codes.end(),
                   [](const auto& one, const auto& other) { return one.count > other.count; });
  return out;
}

Result<std::vector<Tally>> Engine::parked_first() {
  std::vector<Tally> out;
  RABT_TRY_STATUS(impl_->context.parts.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::kParkedFirst, {impl_->context.options.tenant}, [&](const store::Row& row) {
          out.push_back({.of = std::string(row.text(sql::kParkedFirst["code"])),
                         .count = row.integer(sql::kParkedFirst["count"]),
                         .oldest = {row.integer(sql::kParkedFirst["first_updated_ms"])}});
          return true;
        });
  }));
  return out;
}

Result<std::vector<InstanceCounts::Code>> Engine::open_codes(Timestamp faulted_since) {
  std::vector<InstanceCounts::Code> out;
  RABT_TRY_STATUS(impl_->context.parts.store.read([&](store::Connection& connection) -> Status {
    const auto read = [&](const store::Statement& statement, std::string_view status,
                          Timestamp since) {
      return connection.query(
          statement, {impl_->context.options.tenant, since.ms}, [&](const store::Row& row) {
            out.push_back(
                {.status = std::string(status),
                 .code = std::string(row.text(sql::kParkedByCode["code"])),
                 .count = row.integer(sql::kParkedByCode["count"]),
                 .oldest = Timestamp{row.integer(sql::kParkedByCode["first_updated_ms"])}});
            return true;
          });
    };
    RABT_TRY_STATUS(read(sql::kParkedByCode, kParkedState, {}));
    return read(sql::kFaultedByCode, "faulted", faulted_since);
  }));
  return out;
}

}  // namespace rabt::engine

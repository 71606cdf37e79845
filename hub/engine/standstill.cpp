#include "hub/engine/standstill.hpp"

#include "hub/engine/statements.hpp"

namespace rabt::engine {

Status count_waiting(
    store::Store& store, std::string_view tenant, Timestamp now,
    std::initializer_list<std::pair<std::string_view, const store::Statement*>> kinds,
    std::vector<Waiting>& out) {
  return store.read([&](store::Connection& connection) -> Status {
    for (const auto& [for_what, statement] : kinds) {
      RABT_TRY_STATUS(connection.query(
          *statement, {tenant, now.ms - kStandstillMs},
          [&, name = for_what](const store::Row& row) {
            out.push_back(
                {.for_what = name,
                 .count = row.integer(sql::kWaitForDecision["count"]),
                 .oldest_ms = row.is_null(sql::kWaitForDecision["first_updated_ms"])
                                  ? 0
                                  : now.ms - row.integer(sql::kWaitForDecision["first_updated_ms"]),
                 .code = std::string(row.text(sql::kWaitForDecision["code"]))});
            return false;
          }));
    }
    return ok_status();
  });
}

Status add_waiting(store::Store& store, std::string_view tenant, Timestamp now,
                   std::vector<Waiting>& out) {
  return count_waiting(store, tenant, now,
                       {{"decision", &sql::kWaitForDecision},
                        {"answer", &sql::kWaitForAnswer},
                        {"nothing", &sql::kWaitForNothing}},
                       out);
}

}  // namespace rabt::engine

#pragma once

#include <optional>
#include <string>

#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/engine/engine.hpp"
#include "hub/identity/accounts.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

// Work that waits for a person: tasks, and calls that the engine has parked. A parked call is a
// task of kind `parked`; it is read from the engine and kept nowhere else.
struct Tasks {
  const consultation::Tasks& tasks;
  engine::Engine& engine;
  identity::Accounts& accounts;
  store::Store& store;
  audit::AuditLog& audit;
  Patients patients;

  // ?state= &role= &mine= &kind= &object= &limit= &cursor=
  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  // With question and form for whom the task is; for others with a reason.
  [[nodiscard]] Result<http::Response> get(const Call& call) const;
  [[nodiscard]] Result<http::Response> claim(const Call& call) const;
  [[nodiscard]] Result<http::Response> release(const Call& call) const;
  // {answer, reason?}
  [[nodiscard]] Result<http::Response> decide(const Call& call) const;

 private:
  // The task after an act; of a conflict, who was first and when.
  [[nodiscard]] Result<http::Response> acted(const Call& call,
                                             const Result<consultation::Task>& task) const;
  // The call that "parked-<instance>-<number>" names.
  struct ParkedName {
    std::string instance;
    std::uint64_t call = 0;
  };
  [[nodiscard]] static std::optional<ParkedName> parked_name(std::string_view id);
  [[nodiscard]] Result<http::Response> parked(const ParkedName& name) const;
  [[nodiscard]] Result<http::Response> decide_parked(const Call& call, const ParkedName& name,
                                                     const Json& answer,
                                                     const std::string& reason) const;
  // The decided call, out of the audit log. Unset when nobody has decided it.
  [[nodiscard]] Result<std::optional<Json>> decided(const ParkedName& name) const;
};

}  // namespace rabt::api

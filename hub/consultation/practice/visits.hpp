#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/access/decide.hpp"
#include "hub/consultation/acts/surroundings.hpp"
#include "hub/consultation/practice/practice_parts.hpp"
#include "hub/consultation/practice/visit_requests.hpp"
#include "hub/consultation/practice/visit_views.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/request/reference.hpp"

namespace rabt::consultation {

// Visits of patients: OPEN -> CLOSED. Has no state of its own; every act blocks for one commit.
class Visits {
 public:
  explicit Visits(const PracticeParts& parts) : parts_(parts) {}

  // Newest first.
  Result<PageOf<VisitView>> list(const Caller& caller, const Asked<ListVisits>& asked,
                                 const Window& window);
  // The visit that has this name already where there is one. Error conflict visit.other_patient.
  Result<VisitView> open(const Caller& caller, const Asked<OpenVisit>& asked);
  // Error not_found visit.unknown, here and in the next ones.
  Result<VisitView> read(const Caller& caller, const OfVisit& asked);
  // Error conflict visit.session_active.
  Result<VisitView> close(const Caller& caller, const OfVisit& asked);
  // One that was closed by mistake goes on.
  Result<VisitView> reopen(const Caller& caller, const OfVisit& asked);
  // Right visit_close of the visit that `record` names. Errors: denied, not_found.
  [[nodiscard]] Status may_close(const Caller& caller, std::string_view record) const;

  // Answers to sessions, as Surroundings says them.
  Result<Surroundings::Visit> known(std::string_view tenant, const Json& reference) const;
  Result<Surroundings::Visit> visible(const Caller& caller, const Json& reference) const;

 private:
  // A row of table visit.
  struct VisitRow {
    std::string id;
    std::int64_t number = 0;
    std::int64_t version = 0;
    std::string patient;
    std::string provider;
    std::string status;
    std::int64_t opened_ms = 0;
    std::optional<std::int64_t> closed_ms;
    std::string data_key;
    std::string sealed;
    // The person who opened it. Empty when it was no person.
    std::string opened_by;
  };

  [[nodiscard]] static VisitRow read_visit(const store::Row& row);
  // Names the survivor where the patient's record was merged.
  [[nodiscard]] static Status read_for_survivor(store::Connection& connection,
                                                std::string_view tenant, VisitRow& row);
  [[nodiscard]] Result<VisitRow> find_visit(std::string_view tenant,
                                            const Reference& reference) const;
  // Decides about the caller and a visit. Error: that of the decision.
  [[nodiscard]] Status may_visit(access::Right right, const Caller& caller, const VisitRow& row,
                                 std::string_view what) const;
  [[nodiscard]] Result<VisitRow> visit_to_change(const Caller& caller, const Reference& visit,
                                                 std::string_view what) const;
  // Without its name in another system.
  [[nodiscard]] static VisitView view_of(const VisitRow& row);
  // With that name, opened.
  [[nodiscard]] Result<VisitView> opened_view(std::string_view tenant, const VisitRow& row) const;

  const PracticeParts& parts_;
};

}  // namespace rabt::consultation

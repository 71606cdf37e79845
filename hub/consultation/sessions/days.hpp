#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/sessions/day_requests.hpp"
#include "hub/consultation/sessions/life.hpp"

namespace rabt::consultation {

// Days of visits: a provider is away, and all his visits of a day are given to another, moved or
// cancelled; and the list of a day that is printed before the hub is needed and away. A day is one
// of the hospital's time zone. Internally synchronised; each visit is a commit of its own.
class SessionDays {
 public:
  SessionDays(Acts& acts, SessionLife& life) : acts_(acts), life_(life) {}

  // The outcome that apply would have for each visit, in the order of its work. Changes nothing.
  // Errors: invalid api.invalid; not_found provider.unknown.
  Result<DayPreviewView> preview(const Caller& caller, const ChangeDay& request);
  // Does it, each visit by the act of SessionLife. A visit at another version than the request
  // names is left, as is one that the act refuses; the others are done. The same request again does
  // nothing twice. Errors: those of preview.
  Result<DayChangedView> apply(const Caller& caller, const ChangeDay& request);
  // The visits of a day, with telephones, also those that were held or called off. page: unset for
  // all of them. Each visit is in the audit log as a reading of its patient. Errors: invalid
  // phi.reason, api.invalid.
  Result<DayListView> list(const Caller& caller, const Asked<ListDay>& asked,
                           const std::optional<Window>& page);
  // The list as a page to print, and as a table (day_paper.hpp). language: ar, en.
  [[nodiscard]] std::string page_of(const DayListView& list, std::string_view language) const;
  [[nodiscard]] std::string table_of(const DayListView& list, std::string_view language) const;

 private:
  struct Plan;
  [[nodiscard]] Result<Plan> plan_of(const ChangeDay& request) const;
  [[nodiscard]] Result<std::vector<Session>> visits_of(const std::string& provider,
                                                       std::int64_t from_ms, std::int64_t to_ms,
                                                       std::size_t most) const;
  [[nodiscard]] ConsideredVisit considered(const Caller& caller, const Plan& plan,
                                           const Session& session,
                                           std::vector<PlannedTime>& planned) const;
  [[nodiscard]] Result<SessionView> act(const Caller& caller, const Plan& plan,
                                        const Session& session);
  [[nodiscard]] Result<std::vector<Session>> all_of_day(const std::string& provider,
                                                        std::int64_t from_ms) const;
  // Names that a list has looked up already.
  struct Known;
  [[nodiscard]] Result<ListedVisit> listed(const Session& session, Known& day) const;
  [[nodiscard]] Result<std::optional<ListedVisit::Told>> told(const Session& session,
                                                              const Participant& patient) const;
  [[nodiscard]] Status note(const Caller& caller, const Plan& plan, std::size_t visits) const;

  Acts& acts_;
  SessionLife& life_;
};

}  // namespace rabt::consultation

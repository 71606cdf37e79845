#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/sessions/life.hpp"

namespace rabt::consultation {

// Visits of a provider that are changed at once, and visits on a list.
inline constexpr std::size_t kMostOfADay = 100;
inline constexpr std::size_t kMostOnPaper = 300;

// Days of visits: a provider is away, and all his visits of a day are given to another, moved or
// cancelled; and the list of a day that is printed before the hub is needed and away. A day is one
// of the hospital's time zone. Internally synchronised; each visit is a commit of its own.
class SessionDays {
 public:
  SessionDays(Acts& acts, SessionLife& life) : acts_(acts), life_(life) {}

  // The outcome that apply would have for each visit, in the order of its work: {provider, date,
  // act, more, visits: [{session, version, ..., outcome, code?, taken?}]}. Changes nothing. Errors:
  // invalid api.invalid; not_found provider.unknown.
  Answer preview(const Ask& ask);
  // Does it, each visit by the act of SessionLife: {provider, date, act, done, left, visits:
  // [{session, outcome, code?}]}. A visit at another version than the ask names is left, as is one
  // that the act refuses; the others are done. The same ask again does nothing twice. Errors: those
  // of preview.
  Answer apply(const Ask& ask);
  // The visits of a day, with telephones: {date, more, visits}. Each visit is in the audit log as a
  // reading of its patient. Errors: invalid phi.reason, api.invalid.
  Answer list(const Ask& ask);

 private:
  struct Plan;
  [[nodiscard]] Result<Plan> read(const Ask& ask, bool acts) const;
  [[nodiscard]] Result<std::vector<Session>> visits_of(const std::string& provider,
                                                       std::int64_t from_ms, std::int64_t to_ms,
                                                       std::size_t most) const;
  [[nodiscard]] Json considered(const Ask& ask, const Plan& plan, const Session& is,
                                std::vector<PlannedTime>& planned) const;
  [[nodiscard]] Answer act(const Ask& ask, const Plan& plan, const Session& is);
  [[nodiscard]] Status note(const Ask& ask, const Plan& plan, std::size_t visits) const;

  Acts& acts_;
  SessionLife& life_;
};

}  // namespace rabt::consultation

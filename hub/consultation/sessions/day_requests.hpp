#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/acts/session_view.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/session/session.hpp"

namespace rabt::consultation {

// Visits of a provider that are changed at once.
inline constexpr std::size_t kMostOfADay = 100;

// Text of the mistake that a date is none, or never comes in the hospital's time zone.
inline constexpr std::string_view kNoDay = "it must be a day, such as 2026-12-01";

// All visits of a provider's day are given to another one, moved or cancelled.
enum class DayAct : std::uint8_t { give, move, cancel };
[[nodiscard]] std::string_view to_string(DayAct act);
// The outcome of a visit for which it is done: given, moved, cancelled.
[[nodiscard]] std::string_view outcome_of(DayAct act);

struct ChangeDay {
  // ULID, UUID or number of the one who is away.
  std::string provider;
  // YYYY-MM-DD, as is to_date.
  std::string date;
  DayAct act = DayAct::cancel;
  // Reference to whoever gets the visits.
  Json to{};
  // The visits move by minutes, or to another day.
  std::optional<std::int64_t> minutes{};
  std::string to_date{};
  // Mistakes of these members. Those of the persons join them, so that one answer names them all.
  Mistakes mistakes{};

  std::string reason{};
  struct Visit {
    std::string session;
    std::int64_t version = 0;
  };
  std::vector<Visit> visits{};
  // Mistakes of reason and visits, which come last.
  Mistakes later{};
};

// Visits on a page of a day's list.
inline constexpr std::size_t kMostOnPaper = 300;

// Visits of a day that are printed.
struct ListDay {
  // YYYY-MM-DD
  std::string date;
  // ULID, UUID or number. Visits of all if it is empty.
  std::string provider;
  // Format of the answer, for the audit log: html, csv. Empty for JSON.
  std::string as{};
};

// The outcome that a change of the day would have for one visit.
struct ConsideredVisit {
  // ULID
  std::string session;
  std::int64_t number = 0;
  std::int64_t version = 0;
  SessionStatus status = SessionStatus::scheduled;
  std::optional<std::int64_t> start_ms{};
  std::int64_t planned_minutes = 0;
  // The hospital's own system keeps the time of the visit.
  bool linked = false;
  // Unset if no patient takes part.
  std::optional<ParticipantView> patient{};
  std::optional<std::int64_t> new_start_ms{};
  // Time of the provider that another visit takes.
  struct Taken {
    std::int64_t from_ms = 0;
    std::int64_t to_ms = 0;
  };
  std::optional<Taken> taken{};
  // Code of the error for which it would be left; empty if it would be done.
  std::string left{};
};
struct DayPreviewView {
  // ULID
  std::string provider;
  std::string date;
  DayAct act = DayAct::cancel;
  bool more = false;
  // In the order of the work.
  std::vector<ConsideredVisit> visits{};
};
// {provider, date, act, more, visits: [{session, version, ..., outcome, code?, taken?}]}
[[nodiscard]] Json to_json(const DayPreviewView& view);

// The outcome of one visit.
struct ChangedVisit {
  std::string session;
  // Code of the error for which it was left; empty if it is done.
  std::string left{};
  // A visit that is done, as it is now.
  std::int64_t number = 0;
  std::int64_t version = 0;
  std::optional<Timestamp> start{};
  bool overlap = false;
};
struct DayChangedView {
  // ULID
  std::string provider;
  std::string date;
  DayAct act = DayAct::cancel;
  std::vector<ChangedVisit> visits{};
};
// {provider, date, act, done, left, visits: [{session, outcome, code?}]}
[[nodiscard]] Json to_json(const DayChangedView& view);

// A visit on paper. Names, numbers, telephones and the guardian as records have them, or null.
struct ListedVisit {
  // ULID
  std::string session;
  std::int64_t number = 0;
  SessionStatus status = SessionStatus::scheduled;
  SessionType type = SessionType::doctor_patient;
  // ULID, or empty.
  std::string provider{};
  struct Named {
    Json name;
    Json name_ar;
  };
  std::optional<Named> doctor{};
  std::optional<Named> clinic{};
  std::optional<std::int64_t> start_ms{};
  // The planned start is another one than that of the booking.
  bool moved = false;
  std::int64_t planned_minutes = 0;
  // ar, en, ...: of the patient's record, else of the visit.
  std::string language{};
  struct Patient {
    Json name;
    Json name_ar;
    Json mrn{};
    Json phone{};
    Json guardian{};
  };
  std::optional<Patient> patient{};
  // Newest message to the patient about the visit: MessageKind, and the outcome as the messenger
  // noted it.
  struct Told {
    std::string kind;
    std::string outcome;
    std::int64_t at_ms = 0;
    // "sms" or "mail"
    std::string channel;
  };
  std::optional<Told> told{};
  // Status of the patient's newest link, as Invitation::status. Empty without a link.
  std::string link{};
};
struct DayListView {
  std::string date;
  // Midnight that the day begins with.
  Timestamp begins{};
  // Earliest first; at one time by the doctor's name.
  std::vector<ListedVisit> visits{};
  // Place of the next page. Empty on the last.
  std::string next{};
};
// {date, more, visits}
[[nodiscard]] Json to_json(const DayListView& view);

}  // namespace rabt::consultation

#include "hub/consultation/messages/due.hpp"

#include <algorithm>
#include <array>

#include "hub/base/clock.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/riyadh.hpp"

namespace rabt::consultation {

namespace {

constexpr std::array<std::string_view, kMessageKinds> kNames{
    "booked",   "moved",    "cancelled", "day_before", "soon",         "doctor_waits", "missed",
    "not_held", "call_997", "follow_up", "call_us",    "second_proof", "other_doctor", "in_person"};
constexpr std::array<std::string_view, kStaffMessages> kStaffNames{
    "staff_new", "staff_moved", "staff_cancelled", "staff_waits", "staff_emergency"};
constexpr std::int64_t kQuietFromMs = 22 * kHourMs;
constexpr std::int64_t kQuietToMs = 7 * kHourMs;
constexpr std::int64_t kSoonMs = 15 * kMinuteMs;
// A reminder of the day before is of no use so shortly before the visit.
constexpr std::int64_t kDayBeforeUntilMs = 3 * kHourMs;
// A patient who is late is still reminded.
constexpr std::int64_t kSoonUntilMs = 10 * kMinuteMs;

// So long after the start the doctor waits for somebody who is late.
constexpr std::int64_t kLateMs = 2 * kMinuteMs;
// Shortest time between two messages to one person.
constexpr std::int64_t kApartMs = 5 * kMinuteMs;
// A day later nobody needs to hear that a visit was not held.
constexpr std::int64_t kNotHeldUntilMs = kDayMs;
// Questions to a gateway, by the age of the message. Networks give up a message after two days.
constexpr std::array kQuestionsMs{2 * kMinuteMs, 15 * kMinuteMs, 2 * kHourMs, 12 * kHourMs,
                                  49 * kHourMs};
// News of a change wait at most so long for further ones.
constexpr std::int64_t kMostUnsettledMs = kMinuteMs;
// They wait for nothing so shortly before the visit.
constexpr std::int64_t kAtOnceMs = 5 * kMinuteMs;
// A gateway reports within this time.
constexpr std::int64_t kReportsMs = 3 * kDayMs;

bool is_news(MessageKind kind) {
  return kind == MessageKind::booked || kind == MessageKind::moved ||
         kind == MessageKind::follow_up;
}

const ToldMessage* find(const std::vector<ToldMessage>& messages, std::int64_t version,
                        bool (*fits)(MessageKind)) {
  const auto at = std::find_if(messages.begin(), messages.end(), [&](const ToldMessage& message) {
    return message.version == version && fits(message.kind);
  });
  return at == messages.end() ? nullptr : &*at;
}

// The message now, or when the quiet hours let it go.
DueMessage unless_quiet(MessageKind kind, std::int64_t start_ms, Timestamp now) {
  const auto until = quiet_until(now);
  if (!until || start_ms - now.ms <= kHourMs) return {.now = kind, .next_ms = {}};
  return {.now = std::nullopt, .next_ms = std::min(*until, start_ms - kHourMs)};
}

// When the next move may be told, after as many as there may be in a day. Unset when one may now.
std::optional<std::int64_t> moves_until(const std::vector<ToldMessage>& messages, Timestamp now) {
  std::int64_t moves = 0;
  std::int64_t first_ms = now.ms;
  for (const ToldMessage& message : messages) {
    if (message.kind != MessageKind::moved || message.at_ms <= now.ms - kDayMs) continue;
    ++moves;
    first_ms = std::min(first_ms, message.at_ms);
  }
  if (moves < limits::kMaxMovesTold) return std::nullopt;
  return first_ms + kDayMs;
}

// When news of the latest changes of a visit may be told, so that those that belong together are
// one message. Unset when they may now.
std::optional<std::int64_t> settled_at(const Session& session, Timestamp now) {
  const SessionSchedule& plan = session.schedule;
  if (session.over() || !plan.at_ms || *plan.at_ms - now.ms <= kAtOnceMs) return std::nullopt;
  const std::int64_t at_ms =
      std::min(plan.set_ms + kPlanSettlesMs, plan.set_since_ms + kMostUnsettledMs);
  return at_ms > now.ms ? std::optional(at_ms) : std::nullopt;
}

bool has(MessageKinds texts, MessageKind kind) {
  return texts.test(static_cast<std::size_t>(kind));
}

// An emergency that the patient opened himself, and knows of: as often as he likes.
bool is_own_emergency(const Session& session) {
  return begins_now(session) && !session.patient.empty() &&
         session.origin.created_by.ends_with("person:" + session.patient);
}

// Message after a visit that was not held, because the patient or another person did not come.
DueMessage due_after(const Session& session, const std::vector<ToldMessage>& messages,
                     Timestamp now, const Hearer& hearer) {
  const MessageKind kind = hearer.came ? MessageKind::not_held : MessageKind::missed;
  const std::int64_t start_ms = session.schedule.at_ms.value_or(0);
  if (messages.empty() || was_told(messages, kind, session.schedule.version) ||
      !has(hearer.texts, kind) || now.ms > start_ms + kNotHeldUntilMs)
    return {.over = true};
  if (const auto until = quiet_until(now)) return {.now = std::nullopt, .next_ms = until};
  return {.now = kind, .next_ms = {}};
}

// The workflow opened the session to call it off, since the insurance does not pay.
bool is_opened_to_refuse(const Session& session) {
  return session.payers.billing.bool_or("refused", false);
}

// News of a visit that is called off: where it takes place instead, or that it does not.
MessageKind news_of_cancelling(const Session& session, MessageKinds texts) {
  const bool in_person = session.end.cancellation.string_or("cause", "") == kInPerson;
  return in_person && has(texts, MessageKind::in_person) ? MessageKind::in_person
                                                         : MessageKind::cancelled;
}

// It was called off.
DueMessage due_after_cancelling(const Session& session, const std::vector<ToldMessage>& messages,
                                Timestamp now, const Hearer& hearer) {
  const auto said = [&](MessageKind kind) {
    return std::any_of(messages.begin(), messages.end(),
                       [&](const ToldMessage& told_message) { return told_message.kind == kind; });
  };
  const bool knows = std::any_of(messages.begin(), messages.end(),
                                 [](const ToldMessage& message) { return is_news(message.kind); });
  const std::int64_t start_ms = session.schedule.at_ms.value_or(0);
  const bool opened_to_refuse = is_opened_to_refuse(session);
  // A patient who was told of nothing misses nothing, unless he knows of the visit by the hospital.
  if ((!knows && !opened_to_refuse) || start_ms <= now.ms) return {.over = true};
  const bool heard = said(MessageKind::cancelled) || said(MessageKind::in_person);
  if (knows && !heard)
    return unless_quiet(news_of_cancelling(session, hearer.texts), start_ms, now);
  const bool refused =
      opened_to_refuse || session.payers.insurance.string_or("status", "") == "not_eligible";
  if (!refused || said(MessageKind::call_us) || !has(hearer.texts, MessageKind::call_us))
    return {.over = true};
  return unless_quiet(MessageKind::call_us, start_ms, now);
}

// True if a doctor was taken out of the session after this time, and another one holds it.
bool changed_doctor(const Session& session, std::int64_t after_ms) {
  const Participant* const doctor = session.of_person(session.provider);
  return doctor != nullptr && doctor->takes_part() &&
         std::any_of(session.people.participants.begin(), session.people.participants.end(),
                     [&](const Participant& participant) {
                       return leads(session, participant) &&
                              participant.admission == Admission::removed &&
                              participant.since_ms > after_ms;
                     });
}

// The doctor waits for a patient who is late. Nothing when he does not.
std::optional<DueMessage> due_for_late(const Session& session,
                                       const std::vector<ToldMessage>& messages, Timestamp now,
                                       const Hearer& hearer) {
  const bool host =
      std::any_of(session.people.participants.begin(), session.people.participants.end(),
                  [&](const Participant& participant) {
                    return leads(session, participant) && participant.admitted() &&
                           (participant.here || session.people.present(participant));
                  });
  const std::int64_t start_ms = session.schedule.at_ms.value_or(0);
  if (!host || hearer.came || !has(hearer.texts, MessageKind::doctor_waits) ||
      was_told(messages, MessageKind::doctor_waits, session.schedule.version) ||
      now.ms >= start_ms + session.schedule.minutes * kMinuteMs)
    return std::nullopt;
  std::int64_t from_ms = start_ms + kLateMs;
  for (const ToldMessage& message : messages) from_ms = std::max(from_ms, message.at_ms + kApartMs);
  if (now.ms < from_ms) return DueMessage{.now = std::nullopt, .next_ms = from_ms};
  return DueMessage{.now = MessageKind::doctor_waits, .next_ms = {}};
}

}  // namespace

bool was_told(const std::vector<ToldMessage>& messages, MessageKind kind, std::int64_t version) {
  return std::any_of(messages.begin(), messages.end(), [&](const ToldMessage& message) {
    return message.kind == kind && message.version == version;
  });
}

std::string_view to_string(MessageKind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<MessageKind> parse_message_kind(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<MessageKind>(i);
  }
  return std::nullopt;
}

std::string_view to_string(StaffMessage message) {
  return kStaffNames[static_cast<std::size_t>(message)];
}

std::optional<StaffMessage> parse_staff_message(std::string_view text) {
  for (std::size_t i = 0; i < kStaffNames.size(); ++i) {
    if (kStaffNames[i] == text) return static_cast<StaffMessage>(i);
  }
  return std::nullopt;
}

std::string_view template_of(MessageKind kind) {
  if (kind == MessageKind::day_before || kind == MessageKind::soon) return "reminder";
  return to_string(kind);
}

std::optional<std::int64_t> quiet_until(Timestamp now) {
  const std::int64_t of_day = (now.ms + kRiyadhMs) % kDayMs;
  const std::int64_t midnight = now.ms - of_day;
  if (of_day >= kQuietFromMs) return midnight + kDayMs + kQuietToMs;
  if (of_day < kQuietToMs) return midnight + kQuietToMs;
  return std::nullopt;
}

std::optional<std::int64_t> quiet_hold(const Session& session, Timestamp now) {
  const auto until = quiet_until(now);
  if (!until || session.status == SessionStatus::no_show) return until;
  const std::int64_t hour_before_ms = session.schedule.at_ms.value_or(0) - kHourMs;
  return hour_before_ms <= now.ms ? std::nullopt : std::optional(std::min(*until, hour_before_ms));
}

namespace {

// End of the use of a message of the present schedule; 0 in another state of the session.
std::int64_t use_of(const Session& session, MessageKind kind) {
  const std::int64_t start_ms = session.schedule.at_ms.value_or(0);
  switch (kind) {
    case MessageKind::booked:
    case MessageKind::moved:
    case MessageKind::follow_up:
    case MessageKind::day_before:
    case MessageKind::other_doctor:
      return session.over() ? 0 : start_ms;
    case MessageKind::soon:
      return session.over() ? 0 : start_ms + kSoonUntilMs;
    case MessageKind::doctor_waits:
      return session.over() ? 0 : start_ms + session.schedule.minutes * kMinuteMs;
    case MessageKind::cancelled:
    case MessageKind::in_person:
    case MessageKind::call_us:
      return session.status == SessionStatus::cancelled ? start_ms : 0;
    case MessageKind::missed:
    case MessageKind::not_held:
      return session.status == SessionStatus::no_show ? start_ms + kNotHeldUntilMs : 0;
    case MessageKind::call_997:
    case MessageKind::second_proof:
      break;
  }
  return 0;
}

}  // namespace

std::int64_t useful_until(const Session& session, const ToldMessage& message) {
  if (message.version != session.schedule.version || !session.schedule.at_ms) return 0;
  return std::min(use_of(session, message.kind), message.at_ms + kReportsMs);
}

std::optional<std::int64_t> next_question(const ToldMessage& message, std::int64_t asked) {
  const auto at = static_cast<std::size_t>(asked);
  if (asked < 0 || at >= kQuestionsMs.size()) return std::nullopt;
  return message.at_ms + kQuestionsMs[at];
}

DueMessage due_message(const Session& session, const std::vector<ToldMessage>& messages,
                       Timestamp now, const Hearer& hearer) {
  const bool knows = std::any_of(messages.begin(), messages.end(),
                                 [](const ToldMessage& message) { return is_news(message.kind); });
  if (session.status == SessionStatus::cancelled)
    return due_after_cancelling(session, messages, now, hearer);
  if (session.status == SessionStatus::no_show) return due_after(session, messages, now, hearer);
  if (session.over()) return {.over = true};
  if (session.status == SessionStatus::active)
    return knows ? due_for_late(session, messages, now, hearer).value_or(DueMessage{.over = true})
                 : DueMessage{.over = true};
  if (session.status == SessionStatus::requested || !session.schedule.at_ms) return {};
  if (!knows && is_opened_to_refuse(session)) return {};
  const std::int64_t start_ms = *session.schedule.at_ms;
  const std::int64_t version = session.schedule.version;
  const ToldMessage* const news = find(messages, version, &is_news);
  if (news == nullptr) {
    if (start_ms <= now.ms || (!knows && is_own_emergency(session))) return {};
    const bool follows =
        !session.ties.follow_up_of.empty() && has(hearer.texts, MessageKind::follow_up);
    const MessageKind first = follows ? MessageKind::follow_up : MessageKind::booked;
    if (const auto until = moves_until(messages, now); until && knows)
      return {.now = std::nullopt, .next_ms = until};
    if (const auto until = settled_at(session, now); until && knows)
      return {.now = std::nullopt, .next_ms = until};
    return unless_quiet(knows ? MessageKind::moved : first, start_ms, now);
  }
  if (start_ms > now.ms && has(hearer.texts, MessageKind::other_doctor) &&
      !was_told(messages, MessageKind::other_doctor, version) &&
      changed_doctor(session, news->at_ms)) {
    if (const auto until = settled_at(session, now)) return {.now = std::nullopt, .next_ms = until};
    return unless_quiet(MessageKind::other_doctor, start_ms, now);
  }
  const std::int64_t day_ms = start_ms - kDayMs;
  const bool fresh = news->at_ms > day_ms - kHourMs;
  const bool day_told = find(messages, version, [](MessageKind kind) {
                          return kind == MessageKind::day_before;
                        }) != nullptr;
  if (!fresh && !day_told && now.ms < start_ms - kDayBeforeUntilMs) {
    if (now.ms < day_ms) return {.now = std::nullopt, .next_ms = day_ms};
    return unless_quiet(MessageKind::day_before, start_ms, now);
  }
  const std::int64_t soon_ms = start_ms - kSoonMs;
  const bool soon_told = find(messages, version, [](MessageKind kind) {
                           return kind == MessageKind::soon;
                         }) != nullptr;
  if (soon_told || news->at_ms > soon_ms || now.ms > start_ms + kSoonUntilMs)
    return due_for_late(session, messages, now, hearer).value_or(DueMessage{});
  if (now.ms < soon_ms) return {.now = std::nullopt, .next_ms = soon_ms};
  return {.now = MessageKind::soon, .next_ms = {}};
}

namespace {

bool heard(const std::vector<ToldStaff>& messages, StaffMessage message,
           std::optional<std::int64_t> version = {}) {
  return std::any_of(messages.begin(), messages.end(), [&](const ToldStaff& staff) {
    return staff.message == message && (!version || staff.version == *version);
  });
}
bool knows_visit(const std::vector<ToldStaff>& messages) {
  return heard(messages, StaffMessage::added) || heard(messages, StaffMessage::moved);
}

// The news of a visit that lies ahead, unless the doctor has them.
std::optional<StaffMessage> news_for(const Session& session, const std::vector<ToldStaff>& messages,
                                     const StaffHearer& hearer) {
  if (session.status == SessionStatus::cancelled)
    return knows_visit(messages) && !heard(messages, StaffMessage::cancelled)
               ? std::optional(StaffMessage::cancelled)
               : std::nullopt;
  if (session.over() || session.status == SessionStatus::active ||
      session.status == SessionStatus::requested)
    return std::nullopt;
  if (!knows_visit(messages) && is_opened_to_refuse(session)) return std::nullopt;
  const std::int64_t version = session.schedule.version;
  if (hearer.gone)
    return (knows_visit(messages) || hearer.opened_it) &&
                   !heard(messages, StaffMessage::cancelled, version)
               ? std::optional(StaffMessage::cancelled)
               : std::nullopt;
  if (heard(messages, StaffMessage::added, version) ||
      heard(messages, StaffMessage::moved, version))
    return std::nullopt;
  const bool first = version == 1 || !(knows_visit(messages) || hearer.opened_it);
  if (first && hearer.opened_it) return std::nullopt;
  return first ? StaffMessage::added : StaffMessage::moved;
}

}  // namespace

DueStaff due_for_staff(const Session& session, const std::vector<ToldStaff>& messages,
                       Timestamp now, const StaffHearer& hearer) {
  const auto has_text = [&](StaffMessage message) {
    return hearer.texts.test(static_cast<std::size_t>(message));
  };
  const std::int64_t start_ms = session.schedule.at_ms.value_or(0);
  DueStaff due{.now = {}, .next_ms = {}, .over = session.over()};
  if (const auto news = news_for(session, messages, hearer);
      news && has_text(*news) && session.schedule.at_ms && start_ms > now.ms) {
    const auto settled = settled_at(session, now);
    const auto until = quiet_until(now);
    if (!settled && (!until || start_ms - now.ms <= kHourMs))
      return {.now = news, .next_ms = {}, .over = false};
    due.next_ms = settled ? *settled : std::min(*until, start_ms - kHourMs);
    due.over = false;
  }
  if (session.over() || hearer.came || hearer.gone || !has_text(StaffMessage::waits) ||
      heard(messages, StaffMessage::waits, session.schedule.version))
    return due;
  for (const Participant& participant : session.people.participants) {
    if (participant.role != PartRole::patient || !participant.here || !participant.takes_part())
      continue;
    const std::int64_t from_ms =
        std::max(start_ms, participant.came_ms.value_or(now.ms)) + hearer.patience_ms;
    if (from_ms <= now.ms) return {.now = StaffMessage::waits, .next_ms = {}, .over = false};
    due.next_ms = std::min(due.next_ms.value_or(from_ms), from_ms);
  }
  return due;
}

}  // namespace rabt::consultation

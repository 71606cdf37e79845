#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/consultation/session/session.hpp"

// Messages to a patient about a visit, and their times. Pure.
namespace rabt::consultation {

// In this order: what was booked or moved, called off, a day before, 15 minutes before, the doctor
// waits, the patient did not come, nobody else came, no doctor answers an emergency; what
// was booked follows an earlier visit; please call us, since the insurance does not pay; the code
// by which a link opens on a second device, which is never due: somebody asks for it; another
// doctor holds the visit at the same time; the visit takes place in the house and not by video.
enum class MessageKind : std::uint8_t {
  booked,
  moved,
  cancelled,
  day_before,
  soon,
  doctor_waits,
  missed,
  not_held,
  call_997,
  follow_up,
  call_us,
  second_proof,
  other_doctor,
  in_person
};
inline constexpr std::size_t kMessageKinds = 14;
using MessageKinds = std::bitset<kMessageKinds>;
[[nodiscard]] std::string_view to_string(MessageKind kind);
[[nodiscard]] std::optional<MessageKind> parse_message_kind(std::string_view text);
// The template that it is written from: both reminders have one.
[[nodiscard]] std::string_view template_of(MessageKind kind);

// A message that was sent, or that nobody could be sent.
struct ToldMessage {
  MessageKind kind = MessageKind::booked;
  // Version of the session's schedule.
  std::int64_t version = 0;
  std::int64_t at_ms = 0;
};

struct DueMessage {
  // Due now.
  std::optional<MessageKind> now;
  // When to look again; unset while nothing is due later.
  std::optional<std::int64_t> next_ms;
  // Nothing will be due any more.
  bool over = false;
};
// To whom.
struct Hearer {
  // He was in the session, or in its waiting room.
  bool came = false;
  // Kinds that the hospital has texts for.
  MessageKinds texts = MessageKinds().set();
};
// A reminder that is not due within the hour: whoever wants no reminders is not sent it.
[[nodiscard]] constexpr bool may_be_declined(MessageKind kind) {
  return kind == MessageKind::day_before;
}
// True if it says when, where or whether: sent once more where the gateway cannot say whether it
// arrived.
[[nodiscard]] constexpr bool is_about_time(MessageKind kind) {
  return kind == MessageKind::booked || kind == MessageKind::moved ||
         kind == MessageKind::cancelled || kind == MessageKind::day_before ||
         kind == MessageKind::soon || kind == MessageKind::follow_up ||
         kind == MessageKind::in_person;
}
// Messages to one participant. Each is due once for a version of the schedule; reminders that would
// come within an hour of the news of the same time are left out; quiet hours in Riyadh, 22:00 to
// 07:00, hold what is about a visit that is more than an hour away, or over. News of another time
// or doctor wait until nothing has changed for ten seconds, at most a minute, and not within five
// minutes of the start: changes that belong together are one message. That the doctor waits
// is told from two minutes after the start on, to a patient who has not come; that a visit was not
// held, for a day. A visit that was opened to be refused is never told as booked: its patient is
// asked to call when it is called off. Where the house has no text for one that became in person,
// it is told as called off.
[[nodiscard]] DueMessage due_message(const Session& session, const std::vector<ToldMessage>& told,
                                     Timestamp now, const Hearer& hearer = {});
// News of a visit for a doctor: it is new, has a new time, was called off, or its patient waits;
// and, for everybody who is rung, that an emergency waits.
enum class StaffMessage : std::uint8_t { added, moved, cancelled, waits, emergency };
inline constexpr std::size_t kStaffMessages = 5;
// Also the name of the text: staff_new, staff_moved, staff_cancelled, staff_waits, staff_emergency.
[[nodiscard]] std::string_view to_string(StaffMessage message);
[[nodiscard]] std::optional<StaffMessage> parse_staff_message(std::string_view text);
struct ToldStaff {
  StaffMessage message = StaffMessage::added;
  // Version of the session's schedule.
  std::int64_t version = 0;
};
struct DueStaff {
  std::optional<StaffMessage> now;
  std::optional<std::int64_t> next_ms;
  bool over = false;
};
struct StaffHearer {
  // He opened the session himself, and knows.
  bool opened_it = false;
  // He is in the call, or was.
  bool came = false;
  // The visit was taken from him, and given to another: it is called off for him.
  bool gone = false;
  std::bitset<kStaffMessages> texts = std::bitset<kStaffMessages>().set();
  // So long a patient waits before the doctor is told.
  std::int64_t patience_ms = 0;
};
// Messages to a doctor of the session, each once for a version of the schedule. Quiet hours hold
// what is about a visit that is more than an hour away; changes that belong together are one
// message, as in due_message; a visit that was opened to be refused is no news.
[[nodiscard]] DueStaff due_for_staff(const Session& session, const std::vector<ToldStaff>& told,
                                     Timestamp now, const StaffHearer& hearer);
// True if the message was sent, or could not be, for this version of the schedule.
[[nodiscard]] bool was_told(const std::vector<ToldMessage>& told, MessageKind kind,
                            std::int64_t version);
// End of the time in which a message that did not arrive is followed up: while it is of use, and at
// most three days, in which a gateway reports. 0 for one of an earlier version of the schedule or
// of another state of the session, for a call of 997 and for a code.
[[nodiscard]] std::int64_t useful_until(const Session& session, const ToldMessage& message);
// Time at which the gateway is asked what became of a message, after so many questions. Unset when
// it was asked often enough.
[[nodiscard]] std::optional<std::int64_t> next_question(const ToldMessage& message,
                                                        std::int64_t asked);
// End of the quiet hours that `now` lies in; unset by day.
[[nodiscard]] std::optional<std::int64_t> quiet_until(Timestamp now);
// Time until which quiet hours hold a message about the session. Unset if it may leave now.
[[nodiscard]] std::optional<std::int64_t> quiet_hold(const Session& session, Timestamp now);

}  // namespace rabt::consultation

#include <algorithm>
#include <utility>
#include <vector>

#include "hub/consultation/session/session.hpp"

// Attendance: who was in a session, and for how long.
namespace rabt::consultation {

namespace {

// Times from and to, in any unit.
using Spans = std::vector<std::pair<std::int64_t, std::int64_t>>;

// Sorted, and none touches another.
Spans united(Spans spans) {
  std::sort(spans.begin(), spans.end());
  Spans out;
  for (const auto& [from, to] : spans) {
    if (to <= from) continue;
    if (out.empty() || from > out.back().second) {
      out.emplace_back(from, to);
    } else {
      out.back().second = std::max(out.back().second, to);
    }
  }
  return out;
}

// Parts that lie in both. Each is united.
Spans common(const Spans& spans, const Spans& other) {
  Spans out;
  for (const auto& [from, to] : spans) {
    for (const auto& [begin, end] : other) {
      if (std::max(from, begin) < std::min(to, end))
        out.emplace_back(std::max(from, begin), std::min(to, end));
    }
  }
  return out;
}

std::int64_t length(const Spans& spans) {
  std::int64_t sum = 0;
  for (const auto& [from, to] : spans) sum += to - from;
  return sum;
}

std::int64_t end_of(const Session& session, Timestamp now) {
  return session.ended_ms.value_or(now.ms);
}

// Times that a participant was in, in milliseconds.
Spans times_of(const Session& session, const Participant& participant, Timestamp now) {
  Spans out;
  for (const Stay& stay : session.people.stays) {
    if (stay.participant == participant.id)
      out.emplace_back(stay.joined_ms, stay.left_ms.value_or(end_of(session, now)));
  }
  if (session.people.stays.empty() && participant.in_ms)
    out.emplace_back(*participant.in_ms, participant.here
                                             ? end_of(session, now)
                                             : participant.went_ms.value_or(end_of(session, now)));
  return out;
}

template <typename Is>
Spans times_of_all(const Session& session, Timestamp now, const Is& criterion) {
  Spans out;
  for (const Participant& participant : session.people.participants) {
    if (!criterion(participant)) continue;
    for (const auto& span : times_of(session, participant, now)) out.push_back(span);
  }
  return united(std::move(out));
}

}  // namespace

bool was_in(const Session& session, const Participant& participant) {
  if (session.people.stays.empty()) return participant.in_ms.has_value();
  return std::any_of(session.people.stays.begin(), session.people.stays.end(),
                     [&](const Stay& stay) { return stay.participant == participant.id; });
}

std::int64_t seconds_together(const Session& session, Timestamp now) {
  if (!session.started_ms) return 0;
  const Spans held{{*session.started_ms, end_of(session, now)}};
  const Spans patient =
      common(times_of_all(session, now,
                          [](const Participant& one) { return one.role == PartRole::patient; }),
             held);
  const Spans clinicians = times_of_all(
      session, now, [](const Participant& participant) { return is_staff(participant.role); });
  // A clinician may run the visit without the call to join; a provider that tells of stays tells of
  // his, too.
  const bool measured = !clinicians.empty() ||
                        std::any_of(session.people.stays.begin(), session.people.stays.end(),
                                    [](const Stay& stay) { return stay.source != "synthetic"; });
  // A second that began counts: some providers tell times in whole seconds.
  return (length(measured ? common(patient, clinicians) : patient) + 999) / 1000;
}

std::int64_t seconds_of(const Session& session, std::string_view participant, Timestamp now) {
  // Whole seconds, each end truncated; united.
  Spans spans;
  for (const Stay& stay : session.people.stays) {
    if (stay.participant != participant) continue;
    spans.emplace_back(stay.joined_ms / 1000, stay.left_ms.value_or(end_of(session, now)) / 1000);
  }
  return length(united(std::move(spans)));
}
std::int64_t attendee_seconds(const Session& session, Timestamp now) {
  std::int64_t seconds = 0;
  for (const Participant& participant : session.people.participants)
    seconds += seconds_of(session, participant.id, now);
  return seconds;
}
std::int64_t length_of(const Session& session, Timestamp now) {
  if (!session.started_ms) return 0;
  return whole_seconds(session.ended_ms.value_or(now.ms) - *session.started_ms);
}

}  // namespace rabt::consultation

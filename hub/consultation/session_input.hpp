#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/consultation/settings.hpp"

// Bodies of requests, checked member by member. Pure.
namespace rabt::consultation {

// Collects what is wrong with a body.
class Mistakes {
 public:
  void add(std::string_view field, std::string_view what);
  [[nodiscard]] bool none() const { return text_.empty(); }
  // invalid api.invalid: one line a mistake, "<field>: <what is wrong>".
  [[nodiscard]] Status status() const;

 private:
  std::string text_;
};

// Reads members of one object; a member of null counts as absent.
class Members {
 public:
  // prefix: "context." or empty.
  Members(const Json& body, Mistakes& mistakes, std::string prefix = {})
      : body_(body), mistakes_(mistakes), prefix_(std::move(prefix)) {}
  [[nodiscard]] bool has(std::string_view name) const { return !body_[name].is_null(); }
  [[nodiscard]] const Json& raw(std::string_view name) const { return body_[name]; }
  // At most `most` characters.
  [[nodiscard]] std::string text(std::string_view name, std::size_t most = 4000) const;
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name, std::int64_t least,
                                                    std::int64_t most) const;
  [[nodiscard]] std::optional<bool> boolean(std::string_view name) const;
  // One of the words, in lower case; an empty text when it is absent.
  [[nodiscard]] std::string word(std::string_view name,
                                 std::initializer_list<std::string_view> words) const;
  // A time of RFC 3339; without a zone it is one of `offset_minutes` east of UTC.
  [[nodiscard]] std::optional<std::int64_t> time(std::string_view name, int offset_minutes) const;
  [[nodiscard]] Json texts(std::string_view name, std::size_t most_items = 100) const;
  void wrong(std::string_view name, std::string_view what) const;

 private:
  const Json& body_;
  Mistakes& mistakes_;
  std::string prefix_;
};

struct ParticipantInput {
  // A reference, or null.
  Json person;
  // The reference is another system's id: whoever it does not lead to is a guest.
  bool foreign = false;
  std::optional<PartRole> role;
  bool bypass = false;
  Json guest = Json::object();
};
[[nodiscard]] ParticipantInput read_participant(const Json& body, Mistakes& mistakes,
                                                const std::string& prefix);

struct SessionInput {
  SessionType type = SessionType::doctor_patient;
  std::string booking;
  // References, or null.
  Json provider;
  Json patient;
  // The patient stands in the context, under another system's id, and may be unknown here.
  bool patient_foreign = false;
  Json clinic;
  Json clinic_session;
  Json visit;
  Json appointment;
  std::string follow_up_of;
  std::string consultation;
  std::optional<std::int64_t> scheduled_ms;
  std::optional<std::int64_t> planned_minutes;
  std::optional<std::int64_t> max_participants;
  std::string quality;
  std::optional<bool> waiting_room;
  std::string recording;
  std::string language;
  std::string chief_complaint;
  std::string notes;
  Json context = Json::object();
  std::optional<ParticipantInput> organizer;
  std::vector<ParticipantInput> participants;
  bool e2ee = false;
  bool request = false;
};
// Errors: invalid api.invalid.
[[nodiscard]] Result<SessionInput> read_session(const Json& body, int naive_offset_minutes,
                                                const VideoSettings& settings);
// The members of PATCH /sessions/{id}, checked; times in milliseconds. The API fixes the type at
// creation, a door may change it. Errors: invalid api.invalid.
[[nodiscard]] Result<Json> read_amendment(const Json& body, int naive_offset_minutes,
                                          bool with_type = false);

}  // namespace rabt::consultation

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/access/decide.hpp"
#include "hub/consultation/ask.hpp"
#include "hub/identity/people.hpp"
#include "hub/store/store.hpp"

// Video sessions: who meets whom, when, and what became of it. One state machine whichever door a
// request comes through.
//
//   requested -> scheduled -> waiting -> active -> completed
//   requested, scheduled, waiting -> cancelled; scheduled, waiting -> no_show;
//   waiting, active -> failed
namespace rabt::consultation {

enum class SessionStatus : std::uint8_t {
  requested,
  scheduled,
  waiting,
  active,
  completed,
  cancelled,
  no_show,
  failed
};
[[nodiscard]] std::string_view to_string(SessionStatus status);
[[nodiscard]] std::optional<SessionStatus> parse_session_status(std::string_view text);
[[nodiscard]] bool is_end(SessionStatus status);

// The target of sessions whose browsers reach each other without a provider: p2p_video.hpp.
inline constexpr std::string_view kP2p = "hub://p2p";
// Everybody sends to everybody else: more do not get through on the lines of a home.
inline constexpr std::int64_t kMostP2pParticipants = 4;

// What one caller is to one session: what the records that hang on a session need to know.
struct Membership {
  std::string tenant;
  // ULID
  std::string session;
  std::int64_t number = 0;
  std::string type;
  SessionStatus status = SessionStatus::scheduled;
  std::int64_t version = 0;
  // data_key.id: what the session and all that hangs on it is sealed with.
  std::string data_key;
  // ULIDs of persons. May be empty.
  std::string provider;
  std::string patient;
  // The patient's pseudonym for the audit log.
  std::string patient_pseudonym;
  // The trace of the caller's request. May be empty.
  std::string trace{};
  // direct, clinic, or empty.
  std::string booking;
  // ULIDs. May be empty.
  std::string visit;
  std::string clinic;
  std::string consultation;
  // As it was given: a text, {system, value} or null.
  Json appointment{};
  // What serves the role video: "plugin://twilio", "hub://p2p". May be empty.
  std::string video;
  std::optional<std::int64_t> started_ms;
  std::optional<std::int64_t> ended_ms;
  // The caller's own participant and its role. Empty when the caller is no participant.
  std::string participant;
  std::string role;
  bool host = false;
  // Admitted: not waiting, denied or removed.
  bool admitted = false;
  // In the waiting room, or on the way there.
  bool waiting = false;
  // How far the licence of the caller's participant was known when he came in.
  identity::Licence licence = identity::Licence::missing;
  // The video provider writes down what is said.
  bool transcribed = false;
  // [{from, to, code}]: when it was asked to and did not. to is null while that lasts, and when it
  // lasted to the end.
  Json transcript_gaps = Json::array();
  // The session's ceiling: low, standard, high, hd.
  std::string quality = "high";
  // Administrator or auditor, who sees no patient data without a reason.
  bool administrator = false;
  // Takes part, or watches as an office.
  [[nodiscard]] bool listens() const { return administrator || admitted || waiting; }
  // Participants who are not denied or removed: roles, for the rules on patient data in text.
  std::vector<std::string> readers;
};

// What records add to the metrics of sessions.
enum class Counted : std::uint8_t { recording_reads, bytes_up, bytes_down };

struct RecordingTotals {
  std::int64_t count = 0;
  std::int64_t bytes = 0;
};

// Internally synchronised; every act blocks for one commit.
class Sessions {
 public:
  virtual ~Sessions() = default;

  // POST /sessions and what stands below /sessions/{id}: docs/openapi.yaml.
  virtual Answer create(const Ask& ask) = 0;
  virtual Answer get(const Ask& ask) = 0;
  // Filters of the query: status, type, provider, patient, visit, clinic, appointment, from, to,
  // role. Only what the caller may see, filtered in SQL.
  virtual Result<Page> list(const Ask& ask, const Window& window) = 0;
  virtual Answer change(const Ask& ask) = 0;
  virtual Answer accept(const Ask& ask) = 0;
  virtual Answer decline(const Ask& ask) = 0;
  virtual Answer assign(const Ask& ask) = 0;
  virtual Answer start(const Ask& ask) = 0;
  // The summary.
  virtual Answer end(const Ask& ask) = 0;
  virtual Answer cancel(const Ask& ask) = 0;
  virtual Answer join(const Ask& ask) = 0;
  virtual Answer token(const Ask& ask) = 0;
  virtual Answer leave(const Ask& ask) = 0;
  // record: the participant, here and in the next four.
  virtual Answer participants(const Ask& ask) = 0;
  virtual Answer add_participant(const Ask& ask) = 0;
  virtual Answer remove_participant(const Ask& ask) = 0;
  virtual Answer admit(const Ask& ask) = 0;
  virtual Answer deny(const Ask& ask) = 0;
  virtual Answer waiting_room(const Ask& ask) = 0;
  virtual Answer invitations(const Ask& ask) = 0;
  virtual Answer invite(const Ask& ask) = 0;
  virtual Answer revoke_invitation(const Ask& ask) = 0;
  virtual Answer accept_invitation(const Ask& ask) = 0;
  // The video provider's transcription: {session, transcribing}. Errors: unavailable
  // asr.not_configured, conflict consent.transcription_missing.
  virtual Answer start_transcription(const Ask& ask) = 0;
  virtual Answer stop_transcription(const Ask& ask) = 0;
  virtual Answer consents(const Ask& ask) = 0;
  virtual Answer record_consent(const Ask& ask) = 0;
  virtual Answer start_recording(const Ask& ask) = 0;
  virtual Answer stop_recording(const Ask& ask) = 0;
  // The recordings of a session, or all that the caller may see when ask.session is empty.
  virtual Result<Page> recordings(const Ask& ask, const Window& window) = 0;
  // What all recordings that the caller may see come to.
  virtual Result<RecordingTotals> recording_totals(const Ask& ask) = 0;
  virtual Answer recording(const Ask& ask) = 0;
  // By which rule the caller reads what was recorded in the session. Errors: those of membership()
  // and of the decision.
  virtual Result<access::Allowed> may_read_recordings(const Ask& ask) = 0;
  virtual Answer withdraw_recording(const Ask& ask) = 0;
  virtual Answer summary(const Ask& ask) = 0;
  virtual Answer events(const Ask& ask) = 0;

  // What the caller is to the session. Errors: not_found session.unknown, denied
  // authorisation.denied when the caller is neither participant nor administrator.
  virtual Result<Membership> membership(const Ask& ask) = 0;
  // Whether the caller may do this in the session, whatever state it is in. Errors: those of
  // membership() and of the decision.
  virtual Status allows(const Ask& ask, access::Right right) = 0;
  // Inside a job: error conflict session.<status> when the session has ended since `seen` was read,
  // or store.raced when it changed in another way that matters. Afterwards nothing can end the
  // session before the job is committed.
  virtual Status still_open(store::Transaction& transaction, const Membership& seen) = 0;
  // Inside a job: adds an event to the session's timeline, for those who listen and for workflows.
  // `data` holds no patient data. type: "note-written", without the prefix.
  virtual Status add_event(store::Transaction& transaction, const Membership& of,
                           std::string_view type, std::string_view actor, Json data) = 0;
  virtual void count(Counted what, std::uint64_t by) = 0;
};

}  // namespace rabt::consultation

#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/consultation/session_answers.hpp"
#include "hub/consultation/session_figures.hpp"
#include "hub/consultation/session_input.hpp"
#include "hub/consultation/session_rows.hpp"
#include "hub/consultation/session_service.hpp"
#include "hub/consultation/session_video.hpp"

// Internal: the service, whose acts stand in sessions_*.cpp.
namespace rabt::consultation {

class SessionWork;

// Hands out what a session was after an act.
struct Acted {
  Session session;
  Change change;
};

// An act: reads, decides and seals outside the writer; then one job writes the change, its events,
// its intents and its audit entries, unless the session has changed meanwhile.
class SessionsImpl final : public SessionService {
 public:
  explicit SessionsImpl(SessionParts parts);
  ~SessionsImpl() override;

  Answer create(const Ask& ask) override;
  Answer get(const Ask& ask) override;
  Result<Page> list(const Ask& ask, const Window& window) override;
  Answer change(const Ask& ask) override;
  Answer accept(const Ask& ask) override;
  Answer decline(const Ask& ask) override;
  Answer assign(const Ask& ask) override;
  Answer start(const Ask& ask) override;
  Answer end(const Ask& ask) override;
  Answer cancel(const Ask& ask) override;
  Answer join(const Ask& ask) override;
  Answer token(const Ask& ask) override;
  Answer leave(const Ask& ask) override;
  Answer participants(const Ask& ask) override;
  Answer add_participant(const Ask& ask) override;
  Answer remove_participant(const Ask& ask) override;
  Answer admit(const Ask& ask) override;
  Answer deny(const Ask& ask) override;
  Answer waiting_room(const Ask& ask) override;
  Answer invitations(const Ask& ask) override;
  Answer invite(const Ask& ask) override;
  Answer revoke_invitation(const Ask& ask) override;
  Answer accept_invitation(const Ask& ask) override;
  Answer start_transcription(const Ask& ask) override;
  Answer stop_transcription(const Ask& ask) override;
  Answer consents(const Ask& ask) override;
  Answer record_consent(const Ask& ask) override;
  Answer start_recording(const Ask& ask) override;
  Answer stop_recording(const Ask& ask) override;
  Result<Page> recordings(const Ask& ask, const Window& window) override;
  Result<RecordingTotals> recording_totals(const Ask& ask) override;
  Answer recording(const Ask& ask) override;
  Result<access::Allowed> may_read_recordings(const Ask& ask) override;
  Answer withdraw_recording(const Ask& ask) override;
  Answer summary(const Ask& ask) override;
  Answer events(const Ask& ask) override;
  Answer set_insurance(const Ask& ask) override;
  Answer set_appointment(const Ask& ask) override;
  Answer link_consultation(const Ask& ask) override;
  Answer transcribable(const Ask& ask) override;

  Result<Membership> membership(const Ask& ask) override;
  Status allows(const Ask& ask, access::Right right) override;
  Status still_open(store::Transaction& transaction, const Membership& seen) override;
  Status add_event(store::Transaction& transaction, const Membership& of, std::string_view type,
                   std::string_view actor, Json data) override;

  void count(Counted what, std::uint64_t by) override;

  void surround(Surroundings& around) override { around_ = &around; }
  void keep_said(KeepSaid keep) override { keep_said_ = std::move(keep); }
  void begin(Deliver deliver) override;
  void stop() override;
  Status provider_event(const Json& event) override;
  void catch_up() override;
  void write_metrics(MetricsWriter& out) const override;
  [[nodiscard]] const VideoSettings& settings() const override { return parts_.settings; }
  [[nodiscard]] Status video_credentials() const override { return video_.credentials(); }

  // For the threads: an act of the hub itself. also: more to write in the same job.
  using Also = std::function<Status(store::Transaction&, const Change&)>;
  [[nodiscard]] Result<Acted> act_as_hub(std::string_view session, const Command& command,
                                         const Also& also = {});
  // The provider lost the room of a session: its tokens are handed out no more, and people are
  // told.
  [[nodiscard]] Status lost_room(std::string_view session);
  // Writes into the transcript what the provider wrote down while it recorded, where somebody asked
  // it to and everybody who took part consents. An error is one that a repeat may mend.
  [[nodiscard]] Status said_in(const Session& session, std::string_view recording,
                               const Json& said);
  [[nodiscard]] const SessionParts& parts() const { return parts_; }
  [[nodiscard]] SessionFigures& figures() { return figures_; }
  [[nodiscard]] const SessionRows& rows() const { return rows_; }
  [[nodiscard]] SessionVideo& video() { return video_; }

 private:
  [[nodiscard]] std::uint64_t kept_bytes() const;
  // What the provider told: session_work.cpp.
  [[nodiscard]] Status recording_broke(std::string_view id, std::string_view sid, Timestamp at);
  [[nodiscard]] Status recording_came(std::string_view id, std::string_view sid);
  [[nodiscard]] Status provider_quality(std::string_view id, const Json& data, Timestamp at);
  using Make = std::function<Result<Command>(Session&)>;
  // Whether strangers get as far as the rules: who joins or accepts an invitation is told by them.
  enum class Sees : std::uint8_t { must, may };
  [[nodiscard]] static Actor actor_of(const Ask& ask);
  // Makes the answer of an act from the session afterwards. The commit keeps it for a repeat.
  using Shape = std::function<Answer(const Session&, const Change&)>;
  [[nodiscard]] Result<Acted> act(const Ask& ask, std::string_view reference, const Make& make,
                                  const Also& also = {}, Sees sees = Sees::must,
                                  const Shape& shape = {});
  // An act whose answer needs nothing but the session afterwards.
  [[nodiscard]] Answer act_and_answer(const Ask& ask, std::string_view reference, const Make& make,
                                      const Shape& shape, const Also& also = {},
                                      Sees sees = Sees::must);
  // An act whose answer is the session.
  [[nodiscard]] Answer act_and_show(const Ask& ask, const Make& make, Sees sees = Sees::must);
  // An act whose answer is the participant.
  [[nodiscard]] Answer act_and_show_participant(const Ask& ask, const Make& make,
                                                Sees sees = Sees::must);
  [[nodiscard]] Result<Acted> commit(const Ask& ask, const Actor& who, const Session& before,
                                     Change change, const Also& also, const Shape& shape = {});
  [[nodiscard]] Moment moment_of(const Actor& who, const Session& session) const;
  [[nodiscard]] Result<Session> visible(const Ask& ask, const Actor& who) const;
  [[nodiscard]] static bool withdraws_recordings(const Actor& who);
  // What the caller is to the recordings of a session.
  [[nodiscard]] access::Facts recording_facts(const Session& session, const Ask& ask) const;
  // Sessions whose recordings a list shows: 1 those of a patient, 2 those of a doctor.
  [[nodiscard]] std::int64_t recordings_shown_to(const Actor& who) const;
  // A reading that stands alone, and one that answers an act, which is done whatever follows.
  enum class Reads : std::uint8_t { alone, after_act };
  // Notes a reading; of patient data before any of it is answered.
  [[nodiscard]] Status audit_reading(const Ask& ask, std::string_view object,
                                     const Session* session, Json detail,
                                     Reads reads = Reads::alone) const;
  [[nodiscard]] Answer summary(const Ask& ask, Reads reads);
  [[nodiscard]] Answer show(const Ask& ask, const Session& session) const;
  [[nodiscard]] std::optional<bool> visit_open(const Session& session) const;
  // Roles of the account, and the licence where the role needs one, as the directory knows them
  // now.
  void look_up(Participant& one) const;
  void refresh_accounts(Session& session) const;
  [[nodiscard]] identity::Licence licence_of(const identity::Person& person) const;
  [[nodiscard]] std::string hex(std::size_t digits) const;
  // Ready to take part but for its number and admission.
  [[nodiscard]] Participant new_participant(PartRole role, const std::string& person,
                                            Json guest) const;
  void name_patient(Session& session, const Participant& coming) const;
  [[nodiscard]] AcceptInvitation accepting(Session& session, const Invitation& invitation,
                                           const std::string& person, Json guest) const;
  // field: a prefix, "organizer.".
  [[nodiscard]] Result<Participant> resolve(const Actor& who, const ParticipantInput& input,
                                            Mistakes& mistakes, const std::string& field) const;
  // The ULID that a reference names. Empty, with a mistake, when it names nobody.
  [[nodiscard]] Result<std::string> person(const Json& reference, const std::string& field,
                                           Mistakes& mistakes) const;
  [[nodiscard]] Result<std::string> filter_person(std::string_view text) const;

  // sessions_create.cpp
  struct Booking;
  [[nodiscard]] Status fill(const Ask& ask, const Actor& who, const SessionInput& input,
                            Booking& booking) const;
  [[nodiscard]] Status seat(const Actor& who, const SessionInput& input, Booking& booking,
                            Mistakes& mistakes) const;
  [[nodiscard]] Status place(const SessionInput& input, Booking& booking, Mistakes& mistakes) const;
  void warn_preferences(Session& session) const;
  static void keep_words(const Ask& ask, Session& session);

  // What a participant opens doors with: the provider's token once admitted, before that one that
  // opens the live channel alone.
  struct Access {
    std::string token;
    std::string use;
    Json media;
  };
  // Every way in goes through here: a media token that is handed out has an entry token.issued.
  // required: an error where the participant is admitted and there is no media token.
  [[nodiscard]] Result<Access> access_of(const Ask& ask, const Session& session,
                                         std::string_view participant, bool required);
  // The provider's token, or the one for the waiting room.
  [[nodiscard]] Result<Access> open_access(const Session& session, std::string_view participant,
                                           bool required);
  [[nodiscard]] Result<Acted> come_in(const Ask& ask);
  [[nodiscard]] Result<Access> waiting_access(const Session& session, const Participant& one) const;
  [[nodiscard]] Answer admission_answer(const Ask& ask, const Acted& acted);
  [[nodiscard]] Answer admission_json(const Ask& ask, const Session& session,
                                      const Participant& one, const Access& access) const;
  // The answer that the commit of an admission keeps. The provider's token comes later.
  [[nodiscard]] Shape admission_shape(const Ask& ask) const;
  // The session with its room, as soon as the provider has opened it.
  [[nodiscard]] Result<Session> with_room(const Session& session, std::int64_t patience_ms) const;

  // Constant after construction.
  const SessionParts parts_;
  const SessionRows rows_;
  SessionVideo video_;
  const std::unique_ptr<SessionWork> work_;
  Surroundings nothing_;

  // Set before the first request.
  Surroundings* around_ = &nothing_;
  KeepSaid keep_said_;

  std::array<std::atomic<std::uint64_t>, 8> entered_{};
  std::atomic<std::uint64_t> tokens_{0};
  std::array<std::atomic<std::uint64_t>, 7> joined_{};
  SessionFigures figures_;
  struct KeptBytes {
    Mutex mutex;
    std::uint64_t bytes RABT_GUARDED_BY(mutex) = 0;
    std::int64_t counted_ms RABT_GUARDED_BY(mutex) = 0;
  };
  mutable KeptBytes kept_;
};

}  // namespace rabt::consultation

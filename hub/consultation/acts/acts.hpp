#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "hub/base/metrics.hpp"
#include "hub/consultation/acts/memberships.hpp"
#include "hub/consultation/acts/metrics.hpp"
#include "hub/consultation/acts/persons.hpp"
#include "hub/consultation/acts/session_view.hpp"
#include "hub/consultation/acts/surroundings.hpp"
#include "hub/consultation/acts/wanted_events.hpp"
#include "hub/consultation/rows/parts.hpp"
#include "hub/consultation/rows/provider_time.hpp"
#include "hub/consultation/rows/session_rows.hpp"
#include "hub/consultation/session/decide.hpp"
#include "hub/consultation/video/provider.hpp"

namespace rabt::consultation {

// Result of an act: the session afterwards, and the change.
struct Acted {
  Session session;
  Change change;
};

// Purpose of a reading: a reading that stands alone is refused while the audit log cannot take it;
// one that answers an act follows what is done already.
enum class Reads : std::uint8_t { alone, after_act };

struct ActOptions {
  // Skips the question whether the caller sees the session: join and accept answer with the rule
  // that refuses.
  bool strangers = false;
  // The command depends on roles and licences as the directory has them now.
  bool accounts = false;
  // Makes the answer from the session afterwards: Caller::once keeps it in the job, for a repeat.
  using Shape = std::function<Answer(const Session&, const Change&)>;
  Shape shape{};
  // More to write in the same job.
  using Also = std::function<Status(store::Transaction&, const Change&)>;
  Also also{};
};

// The outcome of an act that is not done.
struct Considered {
  Session after;
  Fitting time;
  // The provider has no time for it: the act would be refused with provider.busy.
  bool busy = false;
};

// The one way in which a session changes: load, decide, seal, and one job that writes the change
// with its events, intents and audit entries, unless the session has changed meanwhile; then it is
// decided again. Internally synchronised.
class Acts final : public Memberships {
 public:
  using Make = std::function<Result<Command>(const Session&)>;
  using Also = ActOptions::Also;
  using Shape = ActOptions::Shape;

  Acts(const SessionParts& parts, VideoProvider& video);

  // Before the first act. The surroundings outlive this object.
  void surround(Surroundings& around) { around_ = &around; }
  // Called after each commit that left something to do.
  void on_work(std::function<void()> wake) { wake_ = std::move(wake); }
  // Once, whoever acts meanwhile: the events that somebody wants to be told of. Before, all are
  // kept to be told.
  void tell_only(Wanted wanted) { wanted_.only(std::move(wanted)); }

  // Errors: those of `make` and of decide(); unavailable store.busy.
  [[nodiscard]] Result<Acted> act(const Caller& caller, std::string_view reference,
                                  const Make& make, const ActOptions& options = {});
  // An act whose answer needs nothing but the session afterwards: view_of(session afterwards,
  // change) -> Result<View>.
  template <typename ViewOf>
  [[nodiscard]] auto act_and_view(const Caller& caller, std::string_view session, const Make& make,
                                  const ViewOf& view_of, ActOptions options = {})
      -> std::invoke_result_t<const ViewOf&, const Session&, const Change&> {
    options.shape = [&](const Session& after, const Change& change) -> Answer {
      RABT_TRY(view, view_of(after, change));
      return to_json(view);
    };
    RABT_TRY(acted, act(caller, session, make, options));
    return view_of(acted.session, acted.change);
  }
  // An act whose answer is the session.
  [[nodiscard]] Result<SessionView> act_and_show(const Caller& caller, std::string_view reference,
                                                 const Make& make, ActOptions options = {});
  // An act whose answer is the participant whom it was about.
  [[nodiscard]] Result<ParticipantView> act_and_show_participant(const Caller& caller,
                                                                 std::string_view reference,
                                                                 const Make& make,
                                                                 ActOptions options = {});
  // An act of the hub itself. also: written even when the session stays as it is.
  [[nodiscard]] Result<Acted> act_as_hub(std::string_view session, const Command& command,
                                         const Also& also = {});
  // The outcome of an act after the planned changes; nothing is written. The time that it would
  // take joins them, unless it would be refused. Errors: those of decide().
  [[nodiscard]] Result<Considered> consider(const Caller& caller, const Session& session,
                                            const Command& command,
                                            std::vector<PlannedTime>& planned) const;
  // The second half of an act. Error conflict session.raced: the session is not as `before` any
  // more, and nothing was written.
  [[nodiscard]] Result<Acted> commit(const Caller& caller, const Session& before, Change change,
                                     const ActOptions& options);

  [[nodiscard]] static Actor actor_of(const Caller& caller);
  // The entry of the audit log about a session and its patient, without an act.
  [[nodiscard]] static audit::Entry entry_of(const Caller& caller, const Session& session);
  [[nodiscard]] Moment moment_of(const Actor& who, const Session& session) const;
  // reference: ULID, UUID or number. Errors: not_found session.unknown.
  [[nodiscard]] Result<Session> load(std::string_view reference) const;
  // Errors: those of load, and of the decision whether the caller sees the session.
  [[nodiscard]] Result<Session> visible(const Caller& caller, std::string_view reference);
  // A caller whom the booking of the session named before the hub knew him has his place in it from
  // now on. Errors: those of load.
  [[nodiscard]] Result<Session> recognising(const Caller& caller, std::string_view reference);
  // Unset for a session without a visit.
  [[nodiscard]] std::optional<bool> visit_open(const Session& session) const;
  // Notes a reading; of patient data before any of it is answered.
  [[nodiscard]] Status audit_reading(const Caller& caller, std::string_view object,
                                     const Session* session, Json detail,
                                     Reads reads = Reads::alone) const;
  // The session as the caller may see it.
  [[nodiscard]] SessionView view(const Caller& caller, const Session& session) const;
  // The same for one participant of the session.
  [[nodiscard]] ParticipantView view(const Caller& caller, const Session& session,
                                     const Participant& participant) const;

  // Ok if the caller may do this in the session, whatever state it is in. Errors: those of
  // membership() and of the decision.
  [[nodiscard]] Status allows(const Caller& caller, std::string_view session,
                              access::Right right) const;
  Result<Membership> membership(const Caller& caller, std::string_view session) override;
  Status still_open(store::Transaction& transaction, const Membership& seen) override;
  Status add_event(store::Transaction& transaction, const Membership& of, std::string_view type,
                   std::string_view actor, Json data) override;
  void count(Counted what, std::uint64_t by) override { figures().count(what, by); }
  // The same for an act of the hub about the whole session.
  [[nodiscard]] Status add_event(store::Transaction& transaction, const Session& session,
                                 std::string_view type, Json data);

  [[nodiscard]] const SessionParts& parts() const { return parts_; }
  [[nodiscard]] const SessionRows& rows() const { return rows_; }
  [[nodiscard]] const Persons& persons() const { return persons_; }
  [[nodiscard]] Surroundings& around() { return *around_; }
  [[nodiscard]] SessionFigures& figures() { return metrics_.figures(); }
  void write_metrics(MetricsWriter& out) const { metrics_.write(out); }

 private:
  // Constant after construction.
  const SessionParts& parts_;
  const SessionRows rows_;
  const Persons persons_;
  VideoProvider& video_;
  Surroundings nothing_;

  // Set before the first act.
  Surroundings* around_ = &nothing_;
  std::function<void()> wake_ = [] {};

  WantedEvents wanted_;
  ActMetrics metrics_;
};

// Ids that a path may name: the id of a participant or invitation given by id or UUID, or of a
// participant given by number. Empty when it names none.
[[nodiscard]] std::string record_of(const Session& session, std::string_view record);

}  // namespace rabt::consultation

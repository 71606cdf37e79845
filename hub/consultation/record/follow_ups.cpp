#include "hub/consultation/record/follow_ups.hpp"

#include "hub/base/clock.hpp"
#include "hub/consultation/record/rights.hpp"

namespace rabt::consultation {

namespace {

// As long as whoever was in a session treats its patient by it.
constexpr std::int64_t kPlansDays = 30;

}  // namespace

Result<RecordList<FollowUpView>> FollowUps::list(const Caller& caller,
                                                 const Asked<ListRecords>& asked) {
  RABT_TRY(found, office_.page(caller, asked, RecordKind::follow_up));
  return list_of(std::move(found), &follow_up_view);
}

Result<FollowUpView> FollowUps::plan(const Caller& caller, const Asked<PlanFollowUp>& asked) {
  RABT_TRY(request, asked);
  const Timestamp now = office_.parts().clock.now();
  if (request.at && request.at->ms <= now.ms)
    request.mistakes.insert(request.before_time, "at", "it must lie in the future");
  RABT_TRY_STATUS(request.mistakes.status());
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::follow_up));
  // The hub books what is planned, on the word that the visit stood on.
  if (!request.book && now.ms - of.ended_ms.value_or(now.ms) > kPlansDays * kDayMs)
    return conflict("follow_up.closed",
                    "the visit ended more than 30 days ago, and the hub plans nothing by it any "
                    "more; book the follow-up now, or let the front desk book it");
  const Timestamp due =
      request.at.value_or(Timestamp{now.ms + request.after_days.value_or(0) * kDayMs});

  RecordAct act{
      .record = office_.fresh(caller, of, RecordKind::follow_up), .while_open = false, .also = {}};
  act.record.state = request.book ? "booked" : "proposed";
  Json& document = act.record.document;
  document.set("dueAt", to_iso8601(due));
  document.set("plannedMinutes", request.planned_minutes);
  if (!request.reason.empty()) document.set("reason", request.reason);
  Json content = Json::object({{"followUp", act.record.id},
                               {"dueAt", to_iso8601(due)},
                               {"plannedMinutes", request.planned_minutes}});
  if (request.book) {
    // The session comes first: a follow-up is booked only when there is one, and the session names
    // the one that it follows.
    Caller books = caller;
    // A repeat after a crash books no second session.
    books.once = {};
    if (!caller.repeat.empty()) books.key = "follow-up " + of.session + " " + caller.repeat;
    SessionInput visit{.provider = of.provider,
                       .follow_up_of = of.session,
                       .scheduled_ms = due.ms,
                       .planned_minutes = request.planned_minutes};
    if (!of.patient.empty()) visit.patient = of.patient;
    RABT_TRY(session, office_.parts().book(books, visit));
    document.set("bookedSession", session["id"]);
    content.set("bookedSession", session["id"]);
  }
  act.acts.emplace_back("followup.created", content);
  act.events.emplace_back("follow-up-created", content);
  act.shape = &shown_as<&follow_up_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return follow_up_view(act.record);
}

}  // namespace rabt::consultation

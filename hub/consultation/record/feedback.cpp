#include "hub/consultation/record/feedback.hpp"

#include "hub/base/clock.hpp"
#include "hub/consultation/record/rights.hpp"

namespace rabt::consultation {

namespace {

constexpr std::int64_t kFeedbackDays = 30;

}  // namespace

Result<RecordList<FeedbackView>> Feedback::list(const Caller& caller,
                                                const Asked<ListFeedback>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY_STATUS(may_read(caller, of, RecordKind::feedback));
  // One of each who took part.
  RABT_TRY(given, office_.book().page(of, RecordKind::feedback, ""));
  RecordList<FeedbackView> shown;
  for (const Record& record : given.records) {
    if (!is_shown(caller, of, record)) continue;
    shown.items.push_back(feedback_view(record));
    if (!may_read_comments(caller, of)) shown.items.back().comments.reset();
  }
  RABT_TRY_STATUS(
      office_.audit_reading(caller, of, "session.read",
                            Json::object({{"of", "feedback"}, {"count", shown.items.size()}})));
  return shown;
}

//
Result<FeedbackView> Feedback::give(const Caller& caller, const Asked<GiveFeedback>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::feedback));
  if (of.status != SessionStatus::completed) {
    return conflict("session.not_completed", "the session is " + std::string(to_string(of.status)) +
                                                 "; feedback needs completed");
  }
  const Timestamp now = office_.parts().clock.now();
  if (now.ms - of.ended_ms.value_or(0) > kFeedbackDays * kDayMs)
    return conflict("feedback.closed", "feedback is taken for 30 days after the session's end");

  RABT_TRY(given, office_.book().page(of, RecordKind::feedback, ""));
  RecordAct act{
      .record = office_.fresh(caller, of, RecordKind::feedback), .while_open = false, .also = {}};
  // One for each participant: the new one takes the old one's place.
  act.record.client = "one";
  for (Record& before : given.records) {
    if (before.author != of.participant) continue;
    act.record = std::move(before);
    act.record.updated_ms = now.ms;
    ++act.record.version;
    act.replaces = true;
  }
  Json& document = act.record.document;
  document = Json::object({{"author", to_json(author_of(caller, of))}, {"rating", request.rating}});
  if (request.connection_rating) document.set("connectionRating", *request.connection_rating);
  if (!request.comments.empty()) document.set("comments", request.comments);
  const Json data = Json::object({{"feedback", act.record.id}, {"rating", request.rating}});
  act.acts.emplace_back("feedback.given", data);
  act.events.emplace_back("feedback-given", data);
  act.shape = &shown_as<&feedback_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return feedback_view(act.record);
}

}  // namespace rabt::consultation

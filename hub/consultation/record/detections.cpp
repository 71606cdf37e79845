#include "hub/consultation/record/detections.hpp"

#include "hub/consultation/record/rights.hpp"
#include "hub/consultation/record/statements.hpp"
#include "hub/consultation/rows/session_lane.hpp"

namespace rabt::consultation {

using store::Row;

Result<DetectionReviewView> Detections::review(const Caller& caller,
                                               const Asked<ReviewDetection>& asked) {
  RABT_TRY(request, asked);
  const RecordParts& parts = office_.parts();
  RABT_TRY(of, office_.member(caller, request.session));
  // Writers of notes judge what is patient data.
  RABT_TRY(allowed, may_write(caller, of, RecordKind::note));
  (void)allowed;
  RABT_TRY_STATUS(not_over(of));

  DetectionReviewView view{.event = request.event, .verdict = request.verdict, .kinds = {}};
  const store::Lane lane = lane_of(of.session);
  RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(parts.sessions.still_open(transaction, of));
    Json finding;
    RABT_TRY_STATUS(transaction.query(
        sql::record::kFinding, {of.tenant, of.session, request.event}, [&](const Row& row) {
          const auto data = Json::parse(row.text(sql::record::kFinding["data"]));
          if (data.ok()) finding = *data;
          return false;
        }));
    if (finding.is_null())
      return not_found("phi.finding_unknown", "the session has no such finding of patient data");
    bool listed = false;
    RABT_TRY_STATUS(
        transaction.query(sql::record::kReviews, {of.tenant, of.session}, [&](const Row& row) {
          const auto review = Json::parse(row.text(sql::record::kReviews["data"]));
          listed = review.ok() && review->int_or("of", 0) == request.event;
          return !listed;
        }));
    if (listed) return conflict("phi.reviewed", "the finding was judged before");
    view.kinds = texts_in(finding["kinds"]);
    const Json data = Json::object(
        {{"of", request.event}, {"kinds", finding["kinds"]}, {"verdict", request.verdict}});
    RABT_TRY_STATUS(
        parts.audit.append(transaction, office_.book().entry(caller, of, "phi.reviewed", data)));
    if (caller.once) RABT_TRY_STATUS(caller.once(transaction, to_json(view)));
    return parts.sessions.add_event(transaction, of, "phi-reviewed", caller.who.actor(), data);
  }));
  return view;
}

}  // namespace rabt::consultation

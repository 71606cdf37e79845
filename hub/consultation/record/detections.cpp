#include "hub/consultation/record/record_service.hpp"

// Verdicts of people on the detector's findings: its rate of mistakes is a figure of the house.
namespace rabt::consultation {

using store::Row;
using store::Statement;

namespace {

constexpr Statement kFinding{
    "SELECT data FROM session_event WHERE tenant = $1 AND session = $2 AND seq = $3 AND type = "
    "'phi-detected'"};
constexpr Statement kReviews{
    "SELECT data FROM session_event WHERE tenant = $1 AND session = $2 AND type = 'phi-reviewed'"};

}  // namespace

Answer RecordService::review_detection(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"event", "verdict"});
  const auto event = fields.integer("event", 1, INT64_MAX);
  if (!fields.has("event")) fields.wrong("event", "it is needed");
  const std::string verdict = fields.word("verdict", {"correct", "false_positive"});
  if (!fields.has("verdict")) fields.wrong("verdict", "it is needed");
  RABT_TRY_STATUS(fields.done());
  RABT_TRY(of, parts_.sessions.membership(ask));
  // Writers of notes judge what is patient data.
  RABT_TRY(allowed, may_write(ask, of, RecordKind::note));
  (void)allowed;
  RABT_TRY_STATUS(not_over(of));

  Json answer;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(parts_.sessions.still_open(transaction, of));
    Json finding;
    RABT_TRY_STATUS(
        transaction.query(kFinding, {of.tenant, of.session, *event}, [&](const Row& row) {
          const auto data = Json::parse(row.text(0));
          if (data.ok()) finding = *data;
          return false;
        }));
    if (finding.is_null())
      return not_found("phi.finding_unknown", "the session has no such finding of patient data");
    bool known = false;
    RABT_TRY_STATUS(transaction.query(kReviews, {of.tenant, of.session}, [&](const Row& row) {
      const auto review = Json::parse(row.text(0));
      known = review.ok() && review->int_or("of", 0) == *event;
      return !known;
    }));
    if (known) return conflict("phi.reviewed", "the finding was judged before");
    const Json told =
        Json::object({{"of", *event}, {"kinds", finding["kinds"]}, {"verdict", verdict}});
    RABT_TRY_STATUS(parts_.audit.append(transaction, book_.entry(ask, of, "phi.reviewed", told)));
    answer = Json::object({{"event", *event}, {"kinds", finding["kinds"]}, {"verdict", verdict}});
    if (ask.caller.once) RABT_TRY_STATUS(ask.caller.once(transaction, answer));
    return parts_.sessions.add_event(transaction, of, "phi-reviewed", ask.caller.who.actor(), told);
  }));
  return answer;
}

}  // namespace rabt::consultation

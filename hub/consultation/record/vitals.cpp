#include "hub/consultation/record/vitals.hpp"

#include "hub/consultation/record/rights.hpp"

namespace rabt::consultation {

namespace {

// Clocks of devices run a little ahead.
constexpr std::int64_t kAheadMs = 5LL * 60 * 1000;

}  // namespace

Result<RecordList<VitalsView>> Vitals::list(const Caller& caller, const Asked<ListRecords>& asked) {
  RABT_TRY(found, office_.page(caller, asked, RecordKind::vitals));
  return list_of(std::move(found), &vitals_view);
}

Result<VitalsView> Vitals::record(const Caller& caller, const Asked<RecordVitals>& asked) {
  RABT_TRY(request, asked);
  const Timestamp now = office_.parts().clock.now();
  const Timestamp taken = request.taken.value_or(now);
  if (taken.ms > now.ms + kAheadMs)
    request.mistakes.insert(request.before_time, "takenAt", "it lies in the future");
  RABT_TRY_STATUS(request.mistakes.status());
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::vitals));
  RABT_TRY_STATUS(about_a_patient(of));
  RABT_TRY_STATUS(not_over(of));

  RecordAct act{.record = office_.fresh(caller, of, RecordKind::vitals), .also = {}};
  Json& document = act.record.document;
  document.set("takenAt", to_iso8601(taken));
  // Values that a patient enters are told apart from those that staff measured.
  const std::string kept = of.role == "patient"     ? "patient"
                           : request.source.empty() ? (request.device ? "device" : "manual")
                                                    : request.source;
  document.set("source", kept);
  if (request.device) document.set("device", to_json(*request.device));
  for (const MeasuredSign& sign : request.signs) document.set(sign.name, sign.value);
  const Json data =
      Json::object({{"vitals", act.record.id}, {"source", kept}, {"values", request.signs.size()}});
  act.acts.emplace_back("vitals.recorded", data);
  act.events.emplace_back("vitals-recorded", data);
  act.shape = &shown_as<&vitals_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return vitals_view(act.record);
}

}  // namespace rabt::consultation

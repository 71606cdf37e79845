#include "hub/consultation/record/record_summary.hpp"

#include <utility>

namespace rabt::consultation {

namespace {

template <typename View>
Json all_of(const std::vector<View>& views) {
  Json out = Json::array();
  for (const View& view : views) out.push_back(to_json(view));
  return out;
}

}  // namespace

Json to_json(const RecordSummary& summary) {
  Json out = Json::object({{"notes", all_of(summary.notes)},
                           {"prescriptions", all_of(summary.prescriptions)},
                           {"vitals", all_of(summary.vitals)},
                           {"followUps", all_of(summary.follow_ups)},
                           {"feedback", all_of(summary.feedback)}});
  if (summary.cut.empty()) return out;
  Json cut = Json::array();
  for (const std::string& name : summary.cut) cut.push_back(name);
  out.set("cut", std::move(cut));
  return out;
}

}  // namespace rabt::consultation

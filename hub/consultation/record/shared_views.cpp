#include "hub/consultation/record/shared_views.hpp"

namespace rabt::consultation {

namespace {

Json level_json(const Ladder& ladder) {
  const Frame frame = frame_of(ladder.level);
  return Json::object({{"level", to_string(ladder.level)},
                       {"width", frame.width},
                       {"height", frame.height},
                       {"maxKbps", frame.kbps},
                       {"audioOnly", ladder.audio_only}});
}

Json line_json(const LineSummary& line) {
  Json one = level_json(line.ladder);
  one.set("participant", line.participant);
  one.set("samples", line.samples);
  if (line.samples == 0) return one;
  one.set("score", line.score);
  one.set("grade", grade_of(line.score));
  one.set("lossPercent", line.loss_percent);
  one.set("jitterMs", line.jitter_ms);
  one.set("rttMs", line.rtt_ms);
  return one;
}

Json recent_json(const RecentSample& sample) {
  Json one = sample.figures;
  one.set("participant", sample.participant);
  one.set("at", to_iso8601({sample.at_ms}));
  one.set("direction", sample.direction);
  return one;
}

}  // namespace

Json to_json(const QualityView& view) {
  Json participants = Json::array();
  for (const LineSummary& line : view.participants) participants.push_back(line_json(line));
  Json recent = Json::array();
  for (const RecentSample& sample : view.recent) recent.push_back(recent_json(sample));
  return Json::object({{"session", view.session},
                       {"score", view.score ? Json(*view.score) : Json()},
                       {"grade", view.score ? Json(grade_of(*view.score)) : Json()},
                       {"level", view.level ? Json(to_string(*view.level)) : Json()},
                       {"participants", std::move(participants)},
                       {"recent", std::move(recent)}});
}

Json to_json(const QualityReportedView& view) {
  Json out = level_json(view.ladder);
  out.set("accepted", view.accepted);
  return out;
}

Json to_json(const QualityLevelView& view) {
  return Json::object({{"level", to_string(view.level)},
                       {"width", view.frame.width},
                       {"height", view.frame.height},
                       {"maxKbps", view.frame.kbps},
                       {"applied", view.applied}});
}

}  // namespace rabt::consultation

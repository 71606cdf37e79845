#include "hub/consultation/record/line_quality.hpp"

#include <algorithm>

#include "hub/consultation/line/samples.hpp"
#include "hub/consultation/record/rights.hpp"
#include "hub/consultation/rows/session_lane.hpp"

namespace rabt::consultation {

namespace {

Sample sample_of(const MeasuredLine& given, Timestamp now) {
  Sample sample{.at_ms = given.at.value_or(now).ms,
                .direction = given.direction,
                .loss = given.loss_percent,
                .jitter = given.jitter_ms,
                .rtt = given.rtt_ms,
                .kbps = given.kbps,
                .available_kbps = given.available_kbps,
                .mos = mean_opinion_score(given.loss_percent, given.jitter_ms, given.rtt_ms),
                .figures = given.written};
  sample.figures.set("mos", sample.mos);
  return sample;
}

}  // namespace

Result<QualityReportedView> LineQuality::report(const Caller& caller,
                                                const Asked<ReportQuality>& asked) {
  RABT_TRY(request, asked);
  const RecordParts& parts = office_.parts();
  std::vector<Sample> samples;
  for (const MeasuredLine& given : request.samples)
    samples.push_back(sample_of(given, parts.clock.now()));
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Sample& a, const Sample& b) { return a.at_ms < b.at_ms; });
  RABT_TRY(of, office_.member(caller, request.session));
  // Participants who may speak may also say how they hear.
  RABT_TRY_STATUS(may_write(caller, of, RecordKind::segment));
  RABT_TRY_STATUS(not_over(of));
  SampleJob job(of, parts.video, parts.clock.now());
  QualityReportedView view;
  const store::Lane lane = lane_of(of.session);
  RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(parts.sessions.still_open(transaction, of));
    RABT_TRY_STATUS(job.run(transaction, samples));
    for (const LevelStep& step : job.steps) {
      const Json data = Json::object({{"participant", of.participant},
                                      {"from", to_string(step.from)},
                                      {"to", to_string(step.to)}});
      RABT_TRY_STATUS(parts.audit.append(
          transaction, office_.book().entry(caller, of, "quality.adapted", data)));
      RABT_TRY_STATUS(
          parts.sessions.add_event(transaction, of, "quality-changed", caller.who.actor(), data));
    }
    view = {.ladder = job.ladder, .accepted = samples.size()};
    if (caller.once) RABT_TRY_STATUS(caller.once(transaction, to_json(view)));
    return ok_status();
  }));
  parts.sessions.count(Counted::bytes_up, job.bytes.up);
  parts.sessions.count(Counted::bytes_down, job.bytes.down);
  return view;
}

Result<QualityView> LineQuality::read(const Caller& caller, const Asked<ReadQuality>& asked) {
  RABT_TRY(request, asked);
  const RecordParts& parts = office_.parts();
  RABT_TRY(of, office_.member(caller, request.session));
  if (!of.administrator || !of.participant.empty())
    RABT_TRY_STATUS(may_read(caller, of, RecordKind::feedback));
  QualityView view;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(lines, line_summaries(connection, of.tenant, of.session));
    RABT_TRY(lowest, quality_score_of(connection, of.tenant, of.session));
    RABT_TRY(samples, recent_samples(connection, of.tenant, of.session));
    view = {.session = of.session,
            .score = lowest,
            .participants = std::move(lines),
            .recent = std::move(samples)};
    return ok_status();
  }));
  for (const LineSummary& line : view.participants) {
    if (line.participant == of.participant) view.level = line.ladder.level;
  }
  return view;
}

Result<QualityLevelView> LineQuality::choose_level(const Caller& caller,
                                                   const Asked<SetQualityLevel>& asked) {
  RABT_TRY(request, asked);
  const RecordParts& parts = office_.parts();
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY_STATUS(may(access::Right::session_run, caller, of));
  RABT_TRY_STATUS(not_over(of));
  const Json data = Json::object({{"participant", request.participant.value_or("")},
                                  {"to", to_string(request.level)},
                                  {"by", "host"}});
  const store::Lane lane = lane_of(of.session);
  RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(parts.sessions.still_open(transaction, of));
    RABT_TRY_STATUS(
        set_level(transaction, of, request.participant, request.level, parts.clock.now()));
    RABT_TRY_STATUS(
        parts.audit.append(transaction, office_.book().entry(caller, of, "quality.adapted", data)));
    return parts.sessions.add_event(transaction, of, "quality-changed", caller.who.actor(), data);
  }));
  // No provider is asked: clients are told, and change their own picture.
  return QualityLevelView{
      .level = request.level, .frame = frame_of(request.level), .applied = false};
}

}  // namespace rabt::consultation

#include <algorithm>

#include "hub/consultation/line/samples.hpp"
#include "hub/consultation/record/record_service.hpp"

// Quality of the lines of a session, and the picture that each carries.
namespace rabt::consultation {

namespace {

constexpr std::size_t kMaxSamples = 100;

Sample read_sample(Fields& all, const Json& json, std::size_t at, Timestamp now) {
  Fields fields(json, all.mistakes(), "samples[" + std::to_string(at) + "].");
  fields.only({"at", "windowSeconds", "direction", "lossPercent", "jitterMs", "rttMs", "kbps",
               "width", "height", "fps", "availableKbps"});
  Sample sample;
  sample.at_ms = fields.time("at").value_or(now).ms;
  (void)fields.integer("windowSeconds", kWindowSeconds, kWindowSeconds);
  sample.direction = fields.word("direction", {"up", "down"}, "down");
  for (const char* name : {"lossPercent", "jitterMs", "rttMs"}) {
    if (!fields.has(name)) fields.wrong(name, "it is needed");
  }
  sample.loss = fields.number("lossPercent", 0, 100).value_or(0);
  sample.jitter = fields.number("jitterMs", 0, 60'000).value_or(0);
  sample.rtt = fields.number("rttMs", 0, 60'000).value_or(0);
  sample.kbps = fields.number("kbps", 0, 1'000'000);
  sample.available_kbps = fields.number("availableKbps", 0, 10'000'000);
  (void)fields.integer("width", 0, 16'384);
  (void)fields.integer("height", 0, 16'384);
  (void)fields.number("fps", 0, 1'000);
  sample.mos = mean_opinion_score(sample.loss, sample.jitter, sample.rtt);
  for (const char* name : {"lossPercent", "jitterMs", "rttMs", "kbps", "width", "height", "fps"}) {
    if (!json[name].is_null()) sample.figures.set(name, json[name]);
  }
  sample.figures.set("mos", sample.mos);
  return sample;
}

}  // namespace

Answer RecordService::report_quality(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"samples"});
  const Json& given = ask.body["samples"];
  std::vector<Sample> samples;
  if (!given.is_array() || given.size() == 0 || given.size() > kMaxSamples) {
    fields.wrong("samples", "it must list 1 to 100 samples");
  } else {
    for (std::size_t i = 0; i < given.size(); ++i)
      samples.push_back(read_sample(fields, given.item(i), i, parts_.clock.now()));
  }
  RABT_TRY_STATUS(fields.done());
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Sample& a, const Sample& b) { return a.at_ms < b.at_ms; });
  RABT_TRY(of, parts_.sessions.membership(ask));
  // Participants who may speak may also say how they hear.
  RABT_TRY_STATUS(may_write(ask, of, RecordKind::segment));
  RABT_TRY_STATUS(not_over(of));
  SampleJob job(of, parts_.video, parts_.clock.now());
  Json answer;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(parts_.sessions.still_open(transaction, of));
    RABT_TRY_STATUS(job.run(transaction, samples));
    for (const LevelStep& step : job.steps) {
      const Json told = Json::object({{"participant", of.participant},
                                      {"from", to_string(step.from)},
                                      {"to", to_string(step.to)}});
      RABT_TRY_STATUS(
          parts_.audit.append(transaction, book_.entry(ask, of, "quality.adapted", told)));
      RABT_TRY_STATUS(parts_.sessions.add_event(transaction, of, "quality-changed",
                                                ask.caller.who.actor(), told));
    }
    answer = level_json(job.ladder);
    answer.set("accepted", samples.size());
    if (ask.caller.once) RABT_TRY_STATUS(ask.caller.once(transaction, answer));
    return ok_status();
  }));
  parts_.sessions.count(Counted::bytes_up, job.bytes.up);
  parts_.sessions.count(Counted::bytes_down, job.bytes.down);
  return answer;
}

Answer RecordService::quality(const Ask& ask) {
  RABT_TRY(of, parts_.sessions.membership(ask));
  if (!of.administrator || !of.participant.empty())
    RABT_TRY_STATUS(may_read(ask, of, RecordKind::feedback));
  Json participants = Json::array();
  Json recent;
  std::optional<double> score;
  Json level;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(lines, line_summaries(connection, of.tenant, of.session));
    for (const LineSummary& line : lines) {
      Json one = level_json(line.ladder);
      one.set("participant", line.participant);
      one.set("samples", line.samples);
      if (line.samples > 0) {
        one.set("score", line.score);
        one.set("grade", grade_of(line.score));
        one.set("lossPercent", line.loss_percent);
        one.set("jitterMs", line.jitter_ms);
        one.set("rttMs", line.rtt_ms);
      }
      if (line.participant == of.participant) level = one["level"];
      participants.push_back(std::move(one));
    }
    RABT_TRY(lowest, quality_score_of(connection, of.tenant, of.session));
    score = lowest;
    RABT_TRY(samples, recent_samples(connection, of.tenant, of.session));
    recent = std::move(samples);
    return ok_status();
  }));
  return Json::object({{"session", of.session},
                       {"score", score ? Json(*score) : Json()},
                       {"grade", score ? Json(grade_of(*score)) : Json()},
                       {"level", level},
                       {"participants", participants},
                       {"recent", recent}});
}

Answer RecordService::set_quality_level(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"participant", "level"});
  const std::string level = fields.word("level", {"low", "standard", "high", "hd"});
  if (level.empty() && fields.good()) fields.wrong("level", "it is needed");
  const std::string named = fields.text("participant", 36);
  const auto participant = identity::ulid_of(named);
  if (!named.empty() && !participant)
    fields.wrong("participant", "it must be the id of a participant");
  RABT_TRY_STATUS(fields.done());
  RABT_TRY(of, parts_.sessions.membership(ask));
  RABT_TRY_STATUS(may(access::Right::session_run, ask, of));
  RABT_TRY_STATUS(not_over(of));
  const Level wanted = *parse_level(level);
  const Json told =
      Json::object({{"participant", participant.value_or("")}, {"to", level}, {"by", "host"}});
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(parts_.sessions.still_open(transaction, of));
    RABT_TRY_STATUS(set_level(transaction, of, participant, wanted, parts_.clock.now()));
    RABT_TRY_STATUS(
        parts_.audit.append(transaction, book_.entry(ask, of, "quality.adapted", told)));
    return parts_.sessions.add_event(transaction, of, "quality-changed", ask.caller.who.actor(),
                                     told);
  }));
  const Frame frame = frame_of(wanted);
  return Json::object({{"level", level},
                       {"width", frame.width},
                       {"height", frame.height},
                       {"maxKbps", frame.kbps},
                       // No provider is asked: clients are told, and change their own picture.
                       {"applied", false}});
}

}  // namespace rabt::consultation

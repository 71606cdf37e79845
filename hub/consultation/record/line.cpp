#include <algorithm>
#include <cmath>

#include "hub/consultation/line_quality.hpp"
#include "hub/consultation/record/record_service.hpp"

// How the lines of a session are, and the picture that each carries.
namespace rabt::consultation {

namespace {

using store::Row;
using store::Statement;

constexpr Statement kInsertSample{
    "INSERT INTO quality_sample (tenant, session, participant, at_ms, direction, figures) VALUES "
    "($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"};
constexpr Statement kSummary{
    "SELECT samples, mos_sum, loss_sum, jitter_sum, rtt_sum, bytes_up, bytes_down, seconds, ladder "
    "FROM quality_summary WHERE tenant = $1 AND session = $2 AND participant = $3"};
constexpr Statement kSummaries{
    "SELECT participant, samples, mos_sum, loss_sum, jitter_sum, rtt_sum, ladder FROM "
    "quality_summary WHERE tenant = $1 AND session = $2 ORDER BY participant"};
constexpr Statement kInsertSummary{
    "INSERT INTO quality_summary (tenant, session, participant, samples, mos_sum, loss_sum, "
    "jitter_sum, rtt_sum, bytes_up, bytes_down, seconds, ladder, updated_ms) VALUES ($1, $2, $3, "
    "0, 0, 0, 0, 0, 0, 0, 0, $4, $5) ON CONFLICT DO NOTHING"};
constexpr Statement kAddToSummary{
    "UPDATE quality_summary SET samples = samples + $1, mos_sum = mos_sum + $2, loss_sum = "
    "loss_sum + $3, jitter_sum = jitter_sum + $4, rtt_sum = rtt_sum + $5, bytes_up = bytes_up + "
    "$6, bytes_down = bytes_down + $7, seconds = seconds + $8, ladder = $9, updated_ms = $10 WHERE "
    "tenant = $11 AND session = $12 AND participant = $13"};
constexpr Statement kRecent{
    "SELECT participant, at_ms, direction, figures FROM quality_sample WHERE tenant = $1 AND "
    "session = $2 ORDER BY at_ms DESC LIMIT $3"};
constexpr Statement kSamplesOf{
    "SELECT samples, mos_sum FROM quality_summary WHERE tenant = $1 AND session = $2 AND samples > "
    "0"};
constexpr Statement kSweep{"DELETE FROM quality_sample WHERE at_ms < $1"};

// The participant of the row that holds what a host has set for all lines.
constexpr std::string_view kEverybody;

constexpr std::int64_t kWindowSeconds = 10;
constexpr std::size_t kMaxSamples = 100;
constexpr std::int64_t kRecentSamples = 60;
constexpr std::int64_t kKeepSamplesMs = 30LL * 24 * 3'600'000;

std::int64_t thousandths(double value) {
  return std::llround(value * 1000);
}
double of_thousandths(std::int64_t sum, std::int64_t count) {
  return std::round(static_cast<double>(sum) / static_cast<double>(count) / 10) / 100;
}

Json ladder_json(const Ladder& ladder) {
  return Json::object({{"level", to_string(ladder.level)},
                       {"ceiling", to_string(ladder.ceiling)},
                       {"bad", ladder.bad},
                       {"good", ladder.good},
                       {"down", ladder.stepped_down_ms ? Json(*ladder.stepped_down_ms) : Json()},
                       {"audioOnly", ladder.audio_only}});
}

Ladder read_ladder(std::string_view text) {
  Ladder ladder;
  const auto json = Json::parse(text);
  if (!json.ok()) return ladder;
  ladder.level = parse_level(json->string_or("level", "")).value_or(ladder.level);
  ladder.ceiling = parse_level(json->string_or("ceiling", "")).value_or(ladder.ceiling);
  ladder.bad = static_cast<int>(json->int_or("bad", 0));
  ladder.good = static_cast<int>(json->int_or("good", 0));
  ladder.stepped_down_ms = (*json)["down"].as_int64();
  ladder.audio_only = json->bool_or("audioOnly", false);
  return ladder;
}

struct Sample {
  std::int64_t at_ms = 0;
  std::string direction;
  double loss = 0;
  double jitter = 0;
  double rtt = 0;
  std::optional<double> kbps;
  std::optional<double> available_kbps;
  double mos = 0;
  Json figures = Json::object();
};

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

Json level_json(const Ladder& ladder) {
  const Frame frame = frame_of(ladder.level);
  return Json::object({{"level", to_string(ladder.level)},
                       {"width", frame.width},
                       {"height", frame.height},
                       {"maxKbps", frame.kbps},
                       {"audioOnly", ladder.audio_only}});
}

// What one participant's samples add to the sums.
struct Added {
  std::int64_t samples = 0;
  std::int64_t mos = 0;
  std::int64_t loss = 0;
  std::int64_t jitter = 0;
  std::int64_t rtt = 0;
  std::int64_t up = 0;
  std::int64_t down = 0;

  void add(const Sample& sample) {
    ++samples;
    mos += thousandths(sample.mos);
    loss += thousandths(sample.loss);
    jitter += thousandths(sample.jitter);
    rtt += thousandths(sample.rtt);
    const auto bytes = std::llround(sample.kbps.value_or(0) * 1000 / 8 * kWindowSeconds);
    (sample.direction == "up" ? up : down) += bytes;
  }
};

struct Step {
  Level from;
  Level to;
};

// One participant's samples on their way into the store.
class SampleJob {
 public:
  SampleJob(const Membership& of, Ladder first, Timestamp now)
      : of_(of), first_(first), now_(now) {}

  Status run(store::Transaction& transaction, const std::vector<Sample>& samples) {
    steps.clear();
    bytes = {};
    const Json fresh = ladder_json(first_);
    const std::string text = fresh.dump();
    RABT_TRY_STATUS(store::run(transaction, kInsertSummary,
                               {of_.tenant, of_.session, of_.participant, text, now_.ms}));
    ladder = first_;
    RABT_TRY_STATUS(transaction.query(kSummary, {of_.tenant, of_.session, of_.participant},
                                      [&](const Row& row) {
                                        ladder = read_ladder(row.text(8));
                                        return false;
                                      }));
    Level ceiling = std::min(ladder.ceiling, first_.ceiling);
    RABT_TRY_STATUS(
        transaction.query(kSummary, {of_.tenant, of_.session, kEverybody}, [&](const Row& row) {
          ceiling = std::min(ceiling, read_ladder(row.text(8)).ceiling);
          return false;
        }));
    note(ladder.level, ladder.limit(ceiling));
    Added added;
    for (const Sample& sample : samples) {
      const std::string figures = sample.figures.dump();
      RABT_TRY(inserted,
               transaction.execute(kInsertSample, {of_.tenant, of_.session, of_.participant,
                                                   sample.at_ms, sample.direction, figures}));
      // Sent again.
      if (inserted == 0) continue;
      added.add(sample);
      const Level from = ladder.level;
      note(from, ladder.take({.at_ms = sample.at_ms,
                              .loss_percent = sample.loss,
                              .mos = sample.mos,
                              .kbps = sample.kbps,
                              .available_kbps = sample.available_kbps}));
    }
    bytes = {.up = static_cast<std::uint64_t>(added.up),
             .down = static_cast<std::uint64_t>(added.down)};
    const std::string after = ladder_json(ladder).dump();
    return store::run(
        transaction, kAddToSummary,
        {added.samples, added.mos, added.loss, added.jitter, added.rtt, added.up, added.down,
         added.samples * kWindowSeconds, after, now_.ms, of_.tenant, of_.session, of_.participant});
  }

  Ladder ladder;
  std::vector<Step> steps;
  LineBytes bytes;

 private:
  void note(Level from, bool changed) {
    if (changed) steps.push_back({.from = from, .to = ladder.level});
  }
  const Membership& of_;
  const Ladder first_;
  const Timestamp now_;
};

Level ceiling_of(const Membership& of, const VideoSettings& video) {
  const Level by_session = parse_level(of.quality).value_or(Level::hd);
  return std::min(by_session,
                  level_under(static_cast<int>(video.max_kbps_per_session), of.readers.size()));
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
  // Who may speak may also say how he hears.
  RABT_TRY_STATUS(may_write(ask, of, RecordKind::segment));
  RABT_TRY_STATUS(not_over(of));
  const Level ceiling = ceiling_of(of, parts_.video);
  SampleJob job(of, {.level = std::min(Level::standard, ceiling), .ceiling = ceiling},
                parts_.clock.now());
  Json answer;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(parts_.sessions.still_open(transaction, of));
    RABT_TRY_STATUS(job.run(transaction, samples));
    for (const Step& step : job.steps) {
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
    if (ask.once) RABT_TRY_STATUS(ask.once(transaction, answer));
    return ok_status();
  }));
  parts_.sessions.count(Counted::bytes_up, job.bytes.up);
  parts_.sessions.count(Counted::bytes_down, job.bytes.down);
  return answer;
}

Result<LineAdded> add_line_sample(store::Transaction& transaction, const Membership& of,
                                  const VideoSettings& video, const LineSample& given,
                                  Timestamp now) {
  Sample sample{.at_ms = given.at_ms,
                .direction = given.direction == "up" ? "up" : "down",
                .loss = std::clamp(given.loss_percent.value_or(0), 0.0, 100.0),
                .jitter = std::clamp(given.jitter_ms.value_or(0), 0.0, 60'000.0),
                .rtt = std::clamp(given.rtt_ms.value_or(0), 0.0, 60'000.0)};
  if (given.kbps) sample.kbps = std::clamp(*given.kbps, 0.0, 1'000'000.0);
  sample.mos = mean_opinion_score(sample.loss, sample.jitter, sample.rtt);
  sample.figures = Json::object({{"lossPercent", sample.loss},
                                 {"jitterMs", sample.jitter},
                                 {"rttMs", sample.rtt},
                                 {"mos", sample.mos},
                                 {"by", "provider"}});
  const Level ceiling = ceiling_of(of, video);
  SampleJob job(of, {.level = std::min(Level::standard, ceiling), .ceiling = ceiling}, now);
  RABT_TRY_STATUS(job.run(transaction, {sample}));
  LineAdded added{.changes = {}, .bytes = job.bytes};
  for (const Step& step : job.steps)
    added.changes.push_back(Json::object({{"participant", of.participant},
                                          {"from", to_string(step.from)},
                                          {"to", to_string(step.to)}}));
  return added;
}

Answer RecordService::quality(const Ask& ask) {
  RABT_TRY(of, parts_.sessions.membership(ask));
  if (!of.administrator || !of.participant.empty())
    RABT_TRY_STATUS(may_read(ask, of, RecordKind::feedback));
  Json participants = Json::array();
  Json recent = Json::array();
  std::optional<double> score;
  Json level;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(kSummaries, {of.tenant, of.session}, [&](const Row& row) {
      if (row.text(0) == kEverybody) return true;
      const std::int64_t samples = row.integer(1);
      Json one = level_json(read_ladder(row.text(6)));
      one.set("participant", row.text(0));
      one.set("samples", samples);
      if (samples > 0) {
        const double mean = of_thousandths(row.integer(2), samples);
        one.set("score", mean);
        one.set("grade", grade_of(mean));
        one.set("lossPercent", of_thousandths(row.integer(3), samples));
        one.set("jitterMs", of_thousandths(row.integer(4), samples));
        one.set("rttMs", of_thousandths(row.integer(5), samples));
      }
      if (row.text(0) == of.participant) level = one["level"];
      participants.push_back(std::move(one));
      return true;
    }));
    RABT_TRY(lowest, quality_score_of(connection, of.tenant, of.session));
    score = lowest;
    return connection.query(kRecent, {of.tenant, of.session, kRecentSamples}, [&](const Row& row) {
      const auto figures = Json::parse(row.text(3));
      Json one = figures.ok() ? *figures : Json::object();
      one.set("participant", row.text(0));
      one.set("at", to_iso8601({row.integer(1)}));
      one.set("direction", row.text(2));
      recent.push_back(std::move(one));
      return true;
    });
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
    std::vector<std::pair<std::string, Ladder>> ladders;
    RABT_TRY_STATUS(transaction.query(kSummaries, {of.tenant, of.session}, [&](const Row& row) {
      if (!participant || row.text(0) == *participant)
        ladders.emplace_back(std::string(row.text(0)), read_ladder(row.text(6)));
      return true;
    }));
    const std::string wished(participant ? std::string_view(*participant) : kEverybody);
    if (std::none_of(ladders.begin(), ladders.end(),
                     [&](const auto& one) { return one.first == wished; })) {
      const std::string text = ladder_json({}).dump();
      RABT_TRY_STATUS(store::run(transaction, kInsertSummary,
                                 {of.tenant, of.session, wished, text, parts_.clock.now().ms}));
      ladders.emplace_back(wished, Ladder{});
    }
    for (auto& [who, ladder] : ladders) {
      (void)ladder.limit(wanted);
      // A host may also ask for more at once.
      ladder.level = wanted;
      const std::string text = ladder_json(ladder).dump();
      RABT_TRY_STATUS(
          store::run(transaction, kAddToSummary,
                     {std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, std::int64_t{0},
                      std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, text,
                      parts_.clock.now().ms, of.tenant, of.session, who}));
    }
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

Result<std::optional<double>> quality_score_of(store::Connection& connection,
                                               std::string_view tenant, std::string_view session) {
  std::optional<double> lowest;
  RABT_TRY_STATUS(connection.query(kSamplesOf, {tenant, session}, [&](const Row& row) {
    const double mean = of_thousandths(row.integer(1), row.integer(0));
    lowest = lowest ? std::min(*lowest, mean) : mean;
    return true;
  }));
  return lowest;
}

Status sweep_quality_samples(store::Store& store, Timestamp now) {
  return store.write([&](store::Transaction& transaction) {
    return store::run(transaction, kSweep, {now.ms - kKeepSamplesMs});
  });
}

}  // namespace rabt::consultation

#include "hub/consultation/line/samples.hpp"

#include <algorithm>
#include <cmath>

#include "hub/consultation/line/statements.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

// The participant of the row that holds what a host has set for all lines.
constexpr std::string_view kEverybody;

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

// Sums of one participant's samples.
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

Level ceiling_of(const Membership& of, const VideoSettings& video) {
  const Level by_session = parse_level(of.quality).value_or(Level::hd);
  return std::min(by_session,
                  level_under(static_cast<int>(video.max_kbps_per_session), of.readers.size()));
}

}  // namespace

SampleJob::SampleJob(const Membership& of, const VideoSettings& video, Timestamp now)
    : of_(of),
      first_{.level = std::min(Level::standard, ceiling_of(of, video)),
             .ceiling = ceiling_of(of, video)},
      now_(now) {}

void SampleJob::note(Level from, bool changed) {
  if (changed) steps.push_back({.from = from, .to = ladder.level});
}

Status SampleJob::run(store::Transaction& transaction, const std::vector<Sample>& samples) {
  steps.clear();
  bytes = {};
  const Json fresh = ladder_json(first_);
  const std::string text = fresh.dump();
  RABT_TRY_STATUS(store::run(transaction, sql::line::kInsertSummary,
                             {of_.tenant, of_.session, of_.participant, text, now_.ms}));
  ladder = first_;
  RABT_TRY_STATUS(transaction.query(sql::line::kSummary, {of_.tenant, of_.session, of_.participant},
                                    [&](const Row& row) {
                                      ladder = read_ladder(row.text(sql::line::kSummary["ladder"]));
                                      return false;
                                    }));
  Level ceiling = std::min(ladder.ceiling, first_.ceiling);
  RABT_TRY_STATUS(transaction.query(
      sql::line::kSummary, {of_.tenant, of_.session, kEverybody}, [&](const Row& row) {
        ceiling = std::min(ceiling, read_ladder(row.text(sql::line::kSummary["ladder"])).ceiling);
        return false;
      }));
  note(ladder.level, ladder.limit(ceiling));
  Added added;
  for (const Sample& sample : samples) {
    const std::string figures = sample.figures.dump();
    RABT_TRY(inserted, transaction.execute(sql::line::kInsertSample,
                                           {of_.tenant, of_.session, of_.participant, sample.at_ms,
                                            sample.direction, figures}));
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
      transaction, sql::line::kAddToSummary,
      {added.samples, added.mos, added.loss, added.jitter, added.rtt, added.up, added.down,
       added.samples * kWindowSeconds, after, now_.ms, of_.tenant, of_.session, of_.participant});
}

Result<std::vector<LineSummary>> line_summaries(store::Connection& connection,
                                                std::string_view tenant, std::string_view session) {
  std::vector<LineSummary> all;
  RABT_TRY_STATUS(connection.query(sql::line::kSummaries, {tenant, session}, [&](const Row& row) {
    if (row.text(sql::line::kSummaries["participant"]) == kEverybody) return true;
    LineSummary summary{.participant = std::string(row.text(sql::line::kSummaries["participant"])),
                        .samples = row.integer(sql::line::kSummaries["samples"]),
                        .ladder = read_ladder(row.text(sql::line::kSummaries["ladder"]))};
    if (summary.samples > 0) {
      summary.score =
          of_thousandths(row.integer(sql::line::kSummaries["mos_sum"]), summary.samples);
      summary.loss_percent =
          of_thousandths(row.integer(sql::line::kSummaries["loss_sum"]), summary.samples);
      summary.jitter_ms =
          of_thousandths(row.integer(sql::line::kSummaries["jitter_sum"]), summary.samples);
      summary.rtt_ms =
          of_thousandths(row.integer(sql::line::kSummaries["rtt_sum"]), summary.samples);
    }
    all.push_back(std::move(summary));
    return true;
  }));
  return all;
}

Result<std::vector<RecentSample>> recent_samples(store::Connection& connection,
                                                 std::string_view tenant,
                                                 std::string_view session) {
  std::vector<RecentSample> recent;
  RABT_TRY_STATUS(connection.query(
      sql::line::kNewestSamples, {tenant, session, kRecentSamples}, [&](const Row& row) {
        RecentSample sample{
            .participant = std::string(row.text(sql::line::kNewestSamples["participant"])),
            .at_ms = row.integer(sql::line::kNewestSamples["at_ms"]),
            .direction = std::string(row.text(sql::line::kNewestSamples["direction"]))};
        if (auto figures = Json::parse(row.text(sql::line::kNewestSamples["figures"]));
            figures.ok())
          sample.figures = std::move(*figures);
        recent.push_back(std::move(sample));
        return true;
      }));
  return recent;
}

Status set_level(store::Transaction& transaction, const Membership& of,
                 const std::optional<std::string>& participant, Level level, Timestamp now) {
  std::vector<std::pair<std::string, Ladder>> ladders;
  RABT_TRY_STATUS(
      transaction.query(sql::line::kSummaries, {of.tenant, of.session}, [&](const Row& row) {
        if (!participant || row.text(sql::line::kSummaries["participant"]) == *participant)
          ladders.emplace_back(std::string(row.text(sql::line::kSummaries["participant"])),
                               read_ladder(row.text(sql::line::kSummaries["ladder"])));
        return true;
      }));
  const std::string wished(participant ? std::string_view(*participant) : kEverybody);
  if (std::none_of(ladders.begin(), ladders.end(),
                   [&](const auto& one) { return one.first == wished; })) {
    const std::string text = ladder_json({}).dump();
    RABT_TRY_STATUS(store::run(transaction, sql::line::kInsertSummary,
                               {of.tenant, of.session, wished, text, now.ms}));
    ladders.emplace_back(wished, Ladder{});
  }
  for (auto& [who, ladder] : ladders) {
    (void)ladder.limit(level);
    // A host may also ask for more at once.
    ladder.level = level;
    const std::string text = ladder_json(ladder).dump();
    RABT_TRY_STATUS(store::run(transaction, sql::line::kAddToSummary,
                               {std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, std::int64_t{0},
                                std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, std::int64_t{0},
                                text, now.ms, of.tenant, of.session, who}));
  }
  return ok_status();
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
  SampleJob job(of, video, now);
  RABT_TRY_STATUS(job.run(transaction, {sample}));
  LineAdded added{.changes = {}, .bytes = job.bytes};
  for (const LevelStep& step : job.steps)
    added.changes.push_back(Json::object({{"participant", of.participant},
                                          {"from", to_string(step.from)},
                                          {"to", to_string(step.to)}}));
  return added;
}

Result<std::optional<double>> quality_score_of(store::Connection& connection,
                                               std::string_view tenant, std::string_view session) {
  std::optional<double> lowest;
  RABT_TRY_STATUS(connection.query(sql::line::kSamplesOf, {tenant, session}, [&](const Row& row) {
    const double mean = of_thousandths(row.integer(sql::line::kSamplesOf["mos_sum"]),
                                       row.integer(sql::line::kSamplesOf["samples"]));
    lowest = lowest ? std::min(*lowest, mean) : mean;
    return true;
  }));
  return lowest;
}

Status sweep_quality_samples(store::Store& store, Timestamp now) {
  return store.write([&](store::Transaction& transaction) {
    return store::run(transaction, sql::line::kSweepSamples, {now.ms - kKeepSamplesMs});
  });
}

}  // namespace rabt::consultation

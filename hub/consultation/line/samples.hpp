#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/line/quality.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/consultation/session/membership.hpp"
#include "hub/store/store.hpp"

// Measurements of participants' lines, and the picture that each line carries, in the store.
namespace rabt::consultation {

inline constexpr std::int64_t kWindowSeconds = 10;

// One measurement of a client or a provider.
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

// A change of level.
struct LevelStep {
  Level from;
  Level to;
};
struct LineBytes {
  std::uint64_t up = 0;
  std::uint64_t down = 0;
};

// One participant's samples on their way into the store. Caller synchronises.
class SampleJob {
 public:
  // A participant without samples begins under the session's ceiling.
  SampleJob(const Membership& of, const VideoSettings& video, Timestamp now);
  // Inside a job. May run again after a race.
  [[nodiscard]] Status run(store::Transaction& transaction, const std::vector<Sample>& samples);

  // Set by run.
  Ladder ladder;
  std::vector<LevelStep> steps;
  LineBytes bytes;

 private:
  void note(Level from, bool changed);

  const Membership& of_;
  const Ladder first_;
  const Timestamp now_;
};

// Sums of one participant's line.
struct LineSummary {
  std::string participant;
  std::int64_t samples = 0;
  // Means; 0 without samples.
  double score = 0;
  double loss_percent = 0;
  double jitter_ms = 0;
  double rtt_ms = 0;
  Ladder ladder;
};
// By participant.
[[nodiscard]] Result<std::vector<LineSummary>> line_summaries(store::Connection& connection,
                                                              std::string_view tenant,
                                                              std::string_view session);
// One measurement as it was kept.
struct RecentSample {
  std::string participant;
  std::int64_t at_ms = 0;
  // up, down
  std::string direction;
  // Sample::figures
  Json figures = Json::object();
};
// The newest measurements of a session, newest first.
[[nodiscard]] Result<std::vector<RecentSample>> recent_samples(store::Connection& connection,
                                                               std::string_view tenant,
                                                               std::string_view session);
// Inside a job: a host sets the level of one participant's lines, or of everybody's.
[[nodiscard]] Status set_level(store::Transaction& transaction, const Membership& of,
                               const std::optional<std::string>& participant, Level level,
                               Timestamp now);

// Measurement of a video provider: one participant's line in ten seconds.
struct LineSample {
  std::int64_t at_ms = 0;
  // up, down
  std::string direction;
  std::optional<double> loss_percent;
  std::optional<double> jitter_ms;
  std::optional<double> rtt_ms;
  std::optional<double> kbps;
};
struct LineAdded {
  // The data of each event quality-changed that follows.
  std::vector<Json> changes;
  LineBytes bytes;
};
// Inside a job: adds it to the line of of.participant.
[[nodiscard]] Result<LineAdded> add_line_sample(store::Transaction& transaction,
                                                const Membership& of, const VideoSettings& video,
                                                const LineSample& sample, Timestamp now);
// The lowest mean score among the participants of a session: its qualityScore. Nothing without
// samples.
[[nodiscard]] Result<std::optional<double>> quality_score_of(store::Connection& connection,
                                                             std::string_view tenant,
                                                             std::string_view session);
// Removes samples that are older than 30 days; what they add up to stays.
[[nodiscard]] Status sweep_quality_samples(store::Store& store, Timestamp now);

}  // namespace rabt::consultation

#include "hub/consultation/line/quality.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace rabt::consultation {

namespace {

constexpr std::array<Frame, 4> kFrames{
    {{320, 240, 150}, {640, 480, 500}, {1280, 720, 1200}, {1920, 1080, 2500}}};
constexpr std::array<std::string_view, 4> kLevels{"low", "standard", "high", "hd"};

constexpr int kBadToGoDown = 2;
constexpr int kGoodToGoUp = 6;
constexpr int kBadAtLowest = 3;
constexpr std::int64_t kRestAfterDownMs = 30'000;

Level next_to(Level level, int step) {
  return static_cast<Level>(static_cast<int>(level) + step);
}

}  // namespace

double mean_opinion_score(double loss_percent, double jitter_ms, double rtt_ms) {
  const double delay = rtt_ms / 2 + 2 * jitter_ms + 20;
  const double by_delay = 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0);
  const double by_loss = 95 * loss_percent / (loss_percent + 25.1);
  const double r = 93.2 - by_delay - by_loss;
  double mos = 4.5;
  if (r <= 0) {
    mos = 1;
  } else if (r < 100) {
    mos = std::max(1.0, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r));
  }
  return std::round(mos * 100) / 100;
}

std::string_view grade_of(double score) {
  if (score >= 4.0) return "excellent";
  if (score >= 3.6) return "good";
  if (score >= 3.1) return "fair";
  return score >= 2.6 ? "poor" : "bad";
}

Frame frame_of(Level level) {
  return kFrames.at(static_cast<std::size_t>(level));
}

std::string_view to_string(Level level) {
  return kLevels.at(static_cast<std::size_t>(level));
}

std::optional<Level> parse_level(std::string_view text) {
  const auto* const found = std::find(kLevels.begin(), kLevels.end(), text);
  if (found == kLevels.end()) return std::nullopt;
  return static_cast<Level>(found - kLevels.begin());
}

Level level_under(int max_kbps_per_session, std::size_t people) {
  if (max_kbps_per_session <= 0) return Level::hd;
  const double share = static_cast<double>(max_kbps_per_session) /
                       static_cast<double>(std::max<std::size_t>(people, 1));
  Level level = Level::hd;
  while (level != Level::low && frame_of(level).kbps > share) level = next_to(level, -1);
  return level;
}

bool Ladder::take(const LineWindow& window) {
  const double wanted = frame_of(level).kbps;
  const bool is_bad =
      window.mos < 3.1 || window.loss_percent > 5 || (window.kbps && *window.kbps < 0.8 * wanted);
  const bool is_good = !is_bad && window.mos >= 4.0 && window.loss_percent < 1;
  bad = is_bad ? bad + 1 : 0;
  good = is_good ? good + 1 : 0;
  if (!is_bad) audio_only = false;
  if (level == Level::low && bad >= kBadAtLowest) audio_only = true;
  if (level != Level::low && bad >= kBadToGoDown) {
    level = next_to(level, -1);
    stepped_down_ms = window.at_ms;
    bad = 0;
    return true;
  }
  if (level >= ceiling || good < kGoodToGoUp) return false;
  if (stepped_down_ms && window.at_ms - *stepped_down_ms < kRestAfterDownMs) return false;
  const Level above = next_to(level, 1);
  if (window.available_kbps && *window.available_kbps < 1.2 * frame_of(above).kbps) return false;
  level = above;
  good = 0;
  return true;
}

bool Ladder::limit(Level to) {
  ceiling = to;
  if (level <= ceiling) return false;
  level = ceiling;
  bad = 0;
  good = 0;
  return true;
}

}  // namespace rabt::consultation

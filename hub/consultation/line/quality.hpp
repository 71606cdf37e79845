#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

// Quality of lines, and the picture that they carry. Pure.
namespace rabt::consultation {

// Mean opinion score by the E-model of ITU-T G.107, with the parameters of G.113 appendix I for
// G.711 with loss concealment: from 1 to 4.4, two decimals. It ranks lines, it promises nothing.
[[nodiscard]] double mean_opinion_score(double loss_percent, double jitter_ms, double rtt_ms);
// excellent, good, fair, poor or bad
[[nodiscard]] std::string_view grade_of(double score);

enum class Level : std::uint8_t { low, standard, high, hd };
struct Frame {
  int width;
  int height;
  int kbps;
};
[[nodiscard]] Frame frame_of(Level level);
[[nodiscard]] std::string_view to_string(Level level);
[[nodiscard]] std::optional<Level> parse_level(std::string_view text);
// The highest level whose picture one of `people` may have under a session's cap; no cap when it is
// 0.
[[nodiscard]] Level level_under(int max_kbps_per_session, std::size_t people);

// Figures of one participant's line in ten seconds.
struct LineWindow {
  std::int64_t at_ms = 0;
  double loss_percent = 0;
  double mos = 0;
  // Unset when the client did not measure it.
  std::optional<double> kbps{};
  // Capacity of the line, as the client believes.
  std::optional<double> available_kbps{};
};

// One participant's way up and down. A value: whoever holds it keeps it.
struct Ladder {
  Level level = Level::standard;
  // The session's quality, its share of the cap, or what a host set by hand.
  Level ceiling = Level::hd;
  int bad = 0;
  int good = 0;
  std::optional<std::int64_t> stepped_down_ms{};
  // Three bad windows at the lowest level: the picture should be switched off.
  bool audio_only = false;

  // Takes one window. Returns true when the level changed.
  bool take(const LineWindow& window);
  // The level is never above it from now on. Returns true when the level changed.
  bool limit(Level to);
};

}  // namespace rabt::consultation

#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/phi/detector.hpp"

// Precision and recall of the detector on texts whose spans are known.
namespace rabt::phi::measure {

struct Span {
  std::size_t begin = 0, end = 0;  // bytes
  Class kind = Class::name;
};
struct Sample {
  std::string text;
  std::vector<Span> spans;
  std::vector<Span> neutral;  // found or not, neither right nor wrong
  std::string language;       // of our own set: "ar", "en", "mixed"
};
struct Set {
  std::vector<Sample> samples;
  std::map<std::string, std::size_t> not_counted;  // entity types that no class of ours stands for
};

// A file as presidio_synth_dev.json: [{full_text, spans: [{entity_type, start_position,
// end_position}]}], positions in characters. Our own set is of the same form, with the names of our
// classes as types. Empty: not readable.
Set load(const std::filesystem::path& file);

struct Count {
  std::size_t expected = 0, found = 0;
  std::size_t exact = 0;  // same class, begin and end
  std::size_t hit = 0,
              right =
                  0;  // spans that a finding of the class overlaps; findings that overlap a span
  std::size_t words = 0, found_words = 0, common_words = 0;  // between white space
  static double ratio(std::size_t part, std::size_t whole) {
    return whole == 0 ? 1.0 : static_cast<double>(part) / static_cast<double>(whole);
  }
  // Of spans, with overlap: what the targets are stated in.
  [[nodiscard]] double recall() const { return ratio(hit, expected); }
  [[nodiscard]] double precision() const { return ratio(right, found); }
};
inline constexpr std::size_t kClasses = 14;
using Counts = std::array<Count, kClasses>;

// Called for every span missed, for every finding that is wrong, and for every finding whose ends
// differ from the span that it overlaps.
enum class Case : std::uint8_t { missed, wrong, inexact };
using Report = std::function<void(Case what, const Sample&, const Span&)>;
void count(const Detector& detector, const Sample& sample, Counts& counts,
           const Report& report = {});

}  // namespace rabt::phi::measure

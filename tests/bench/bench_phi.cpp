// ./dev bench phi [--misses CLASS] [--half 0|1] [FILE...]: precision and recall of the detector,
// and its speed. Measures every file of $RABT_CONFORMANCE_DATA/phi and our own set
// (tests/phi/generate.py). Prints; asserts nothing: the floors are in tests/phi/recall_test.cpp.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "hub/base/check.hpp"
#include "hub/phi/detector.hpp"
#include "tests/phi/measure.hpp"

namespace {

using namespace rabt;
using namespace rabt::phi;
namespace fs = std::filesystem;

void print(const measure::Counts& counts) {
  std::printf("  %-12s %8s %8s | %9s %9s | %9s %9s | %9s %9s\n", "class", "spans", "found",
              "recall", "precision", "exact r", "exact p", "word r", "word p");
  for (std::size_t i = 0; i < measure::kClasses; ++i) {
    const measure::Count& c = counts[i];
    if (c.expected == 0 && c.found == 0) continue;
    const auto ratio = measure::Count::ratio;
    std::printf("  %-12s %8zu %8zu | %9.3f %9.3f | %9.3f %9.3f | %9.3f %9.3f\n",
                std::string(to_string(static_cast<Class>(i))).c_str(), c.expected, c.found,
                c.recall(), c.precision(), ratio(c.exact, c.expected), ratio(c.exact, c.found),
                ratio(c.common_words, c.words), ratio(c.common_words, c.found_words));
  }
}

void measure_file(const Detector& detector, const fs::path& file, const std::string& misses,
                  int half) {
  const measure::Set set = measure::load(file);
  std::map<std::string, measure::Counts> by_language;
  std::map<std::string, std::size_t> texts;
  const auto report = [&](measure::Case what, const measure::Sample& sample,
                          const measure::Span& span) {
    if (misses != to_string(span.kind)) return;
    const std::size_t from = span.begin > 40 ? span.begin - 40 : 0;
    std::string shown = sample.text.substr(from, span.begin - from) + "{" +
                        sample.text.substr(span.begin, span.end - span.begin) + "}" +
                        sample.text.substr(span.end, 40);
    for (char& c : shown) c = c == '\n' ? '~' : c;
    std::printf("    %s %s\n",
                what == measure::Case::missed  ? "missed"
                : what == measure::Case::wrong ? "wrong"
                                               : "inexact",
                shown.c_str());
  };
  std::size_t number = 0;
  for (const measure::Sample& sample : set.samples) {
    if (half >= 0 && static_cast<int>(number++ % 2) != half) continue;
    ++texts[sample.language];
    measure::count(detector, sample, by_language[sample.language], report);
  }
  const auto start = std::chrono::steady_clock::now();
  std::size_t findings = 0;
  for (const measure::Sample& sample : set.samples) findings += detector.find(sample.text).size();
  const double ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  std::size_t all_bytes = 0;
  for (const measure::Sample& sample : set.samples) all_bytes += sample.text.size();
  for (const auto& [language, counts] : by_language) {
    std::printf("\n%s%s%s: %zu texts\n", file.filename().c_str(), language.empty() ? "" : ", ",
                language.c_str(), texts[language]);
    print(counts);
  }
  if (!set.not_counted.empty()) {
    std::printf("  not counted, no class of ours:");
    for (const auto& [type, many] : set.not_counted) std::printf(" %s %zu", type.c_str(), many);
    std::printf("\n");
  }
  std::printf("  %zu findings, %.3f ms per KiB, %.1f us per text\n", findings,
              ms / (static_cast<double>(all_bytes) / 1024),
              ms * 1000 / static_cast<double>(std::max<std::size_t>(set.samples.size(), 1)));
}

void hostile(const Detector& detector, const char* name, const std::string& unit,
             std::size_t bytes) {
  for (const std::size_t size : {bytes / 4, bytes}) {
    std::string text;
    text.reserve(size + unit.size());
    while (text.size() < size) text += unit;
    const auto start = std::chrono::steady_clock::now();
    const std::size_t findings = detector.find(text).size();
    const double ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    std::printf("  %-34s %9zu bytes %9zu findings %8.1f ms %8.3f ms per KiB\n", name, text.size(),
                findings, ms, ms / (static_cast<double>(text.size()) / 1024));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::string misses;
  int half = -1;
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--misses") == 0 && i + 1 < argc) {
      misses = argv[++i];
    } else if (std::strcmp(argv[i], "--half") == 0 && i + 1 < argc) {
      half = std::atoi(argv[++i]);
    } else {
      files.emplace_back(argv[i]);
    }
  }
  const auto start = std::chrono::steady_clock::now();
  const auto detector = Detector::make({.mrn_patterns = {}, .min_score = 0.5});
  RABT_CHECK(detector.ok());
  const Detector& finder = **detector;
  (void)finder.find("warm +966501234567 Ahmed");
  std::printf(
      "word lists ready after %.0f ms\n",
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  std::printf(
      "recall and precision: of spans, a span is found when a finding of its class overlaps it; "
      "exact: the same first and last byte; word: of words\n");
  const bool chosen = !files.empty();
  if (!chosen) {
    files.emplace_back(RABT_OWN_SET);
    const char* data = std::getenv("RABT_CONFORMANCE_DATA");  // NOLINT(concurrency-mt-unsafe)
    if (data == nullptr) std::printf("RABT_CONFORMANCE_DATA is not set: our own set only\n");
    if (data != nullptr && fs::exists(fs::path(data) / "phi"))
      for (const auto& entry : fs::directory_iterator(fs::path(data) / "phi"))
        if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  for (const fs::path& file : files) measure_file(finder, file, misses, half);
  if (!misses.empty() || chosen) return 0;

  std::printf("\nhostile texts\n");
  constexpr std::size_t kMany = 10U << 20U;
  hostile(finder, "digits", "1", kMany);
  hostile(finder, "digits and spaces", "5 ", kMany);
  hostile(finder, "telephone numbers", "0501234567 ", kMany);
  hostile(finder, "letters", "a", kMany);
  hostile(finder, "capital names", "Ahmed ", kMany);
  hostile(finder, "Arabic names", "محمد ", kMany);
  hostile(finder, "at signs", "@", kMany);
  hostile(finder, "a@", "a@a.", kMany);
  hostile(finder, "bad UTF-8", "\xff\xc3\xe0\xa0", kMany);
  hostile(finder, "combining marks", "\xcc\x81", kMany);
  hostile(finder, "base64", "QWhtZWQgQWxpIA", kMany);
  hostile(finder, "JSON escapes", "\\u0661", kMany);
  hostile(finder, "colons", ":", kMany);
  hostile(finder, "addresses", "http://", kMany);
  hostile(finder, "lines", "\n", kMany);
  hostile(finder, "brackets", "(1", kMany);
  hostile(finder, "dates", "1/1/1", kMany);
  return 0;
}

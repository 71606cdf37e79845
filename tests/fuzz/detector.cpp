#include "hub/phi/detector.hpp"

#include "hub/base/utf8.hpp"
#include "tests/fuzz/input.hpp"

// Findings of any bytes are inside the text, in order, apart, whole characters, and UTF-8; the mask
// is UTF-8 where the text is, and has nothing left of the values.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  static const auto kDetector = std::move(
      *phi::Detector::make({.mrn_patterns = {"\\bKF[0-9]{7}\\b", "x[0-9]+"}, .min_score = 0.3}));
  const std::string_view text = fuzz::text(data, size);
  const auto findings = kDetector->find(text);
  std::size_t last = 0;
  std::string rest;
  for (const phi::Finding& one : findings) {
    fuzz::require(one.begin >= last && one.begin < one.end && one.end <= text.size(),
                  "findings are inside the text, in order, apart");
    fuzz::require(is_utf8(text.substr(one.begin, one.end - one.begin)),
                  "a finding is whole characters of UTF-8");
    fuzz::require(one.score >= 0.3 && one.score <= 1, "a score is between the least one and 1");
    rest.append(text.substr(last, one.begin - last));
    last = one.end;
  }
  rest.append(text.substr(last));
  std::string masked = phi::mask(text, findings);
  fuzz::require(!is_utf8(text) || is_utf8(masked), "the mask of UTF-8 is UTF-8");
  std::size_t labels = 0;
  for (const phi::Finding& finding : findings) labels += phi::to_string(finding.kind).size() + 2;
  fuzz::require(masked.size() == rest.size() + labels, "the mask is the rest and the classes");
  fuzz::require(kDetector->find(text) == findings, "the same text has the same findings");
  return 0;
}

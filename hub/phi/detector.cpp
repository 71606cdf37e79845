#include "hub/phi/detector.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "hub/base/utf8.hpp"
#include "hub/phi/recognise.hpp"

namespace rabt::phi {

namespace {

// A long text is read in blocks, so that memory is bounded; each sees what stands around it.
constexpr std::size_t kBlock = 64U << 10U;
constexpr std::size_t kContextBefore = 512;  // context of the first finding of a block
constexpr std::size_t kBehind = 2048;        // longer than any finding
constexpr std::size_t kMaxPatterns = 64;
constexpr std::int64_t kPatternMemory = 8 << 20;  // bytes, for each pattern

// base64 shorter than this says nothing; longer than that is a picture, not a text
constexpr std::size_t kShortestEncoded = 24;
constexpr std::size_t kLongestEncoded = 32U << 10U;

void recognise(const Text& text, Candidates& out) {
  find_contacts(text, out);
  find_identifiers(text, out);
  find_phones(text, out);
  find_dates(text, out);
  find_ages(text, out);
  find_addresses(text, out);
  find_names(text, out);
  find_hl7(text, out);
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

// The text behind a base64 token; empty when it is none.
std::string decoded_text(std::string_view token) {
  std::string out;
  out.reserve(token.size() * 3 / 4);
  unsigned bits = 0;
  int have = 0;
  for (const char c : token) {
    const int value = base64_value(c);
    if (value < 0) break;
    bits = (bits << 6U) | static_cast<unsigned>(value);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out.push_back(static_cast<char>((bits >> static_cast<unsigned>(have)) & 0xFFU));
    }
  }
  for (const char c : out)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') return {};
  return is_utf8(out) ? out : std::string();
}

class Found final : public Detector {
 public:
  explicit Found(double min_score) : min_score_(min_score) {}
  std::vector<std::unique_ptr<re2::RE2>> patterns;

  std::vector<Finding> find(std::string_view text) const override {
    std::vector<Finding> all;
    std::size_t begin = 0;
    while (begin < text.size()) {
      const std::size_t end = cut(text, begin);
      std::size_t from = begin > kContextBefore ? begin - kContextBefore : 0;
      while (from > 0 && from < begin && continues_utf8(text[from])) ++from;
      std::size_t to = std::min(text.size(), end + kBehind);
      while (to < text.size() && to > end && continues_utf8(text[to])) --to;
      block(text, from, to, begin, end, all);
      begin = end;
    }
    return all;
  }

 private:
  // The end of a block: after a line, at least after a word.
  static std::size_t cut(std::string_view text, std::size_t begin) {
    if (text.size() - begin <= kBlock + kBehind) return text.size();
    const std::size_t most = begin + kBlock;
    const std::string_view half = text.substr(begin + kBlock / 2, kBlock / 2);
    for (const char sign : {'\n', ' '}) {
      const std::size_t at = half.rfind(sign);
      if (at != std::string_view::npos) return begin + kBlock / 2 + at + 1;
    }
    std::size_t end = most;
    while (end > begin + 1 && continues_utf8(text[end])) --end;
    return end;
  }

  // Reads [from, to) of the text and takes the findings that begin in [begin, end).
  void block(std::string_view text, std::size_t from, std::size_t to, std::size_t begin,
             std::size_t end, std::vector<Finding>& all) const {
    const std::string_view source = text.substr(from, to - from);
    std::vector<Finding> found;
    {
      const Text read(source);
      Candidates candidates;
      recognise(read, candidates);
      tenant(read, candidates);
      const Normalised& map = read.normalised();
      for (const Candidate& candidate : candidates) {
        if (candidate.score < min_score_ || candidate.end <= candidate.begin) continue;
        if (read.text().substr(candidate.begin, candidate.end - candidate.begin).find(kBarrier) !=
            std::string_view::npos)
          continue;
        found.push_back({candidate.kind, map.begin[candidate.begin], map.end[candidate.end - 1],
                         candidate.score});
      }
    }
    encoded(source, found);
    choose(found);
    for (Finding finding : found) {
      finding.begin += from;
      finding.end += from;
      if (finding.begin < begin || finding.begin >= end) continue;
      if (!all.empty() && finding.begin < all.back().end) continue;
      // A finding at the edge of the read part may be the half of something longer.
      if ((from > 0 && finding.begin == from) || (to < text.size() && finding.end == to)) continue;
      all.push_back(finding);
    }
  }

  void tenant(const Text& text, Candidates& out) const {
    const re2::StringPiece all(text.text().data(), text.text().size());
    for (const auto& pattern : patterns) {
      std::size_t at = 0;
      re2::StringPiece match;
      while (at < static_cast<std::size_t>(all.size()) &&
             pattern->Match(all, at, static_cast<std::size_t>(all.size()), re2::RE2::UNANCHORED,
                            &match, 1)) {
        const auto begin = static_cast<std::size_t>(match.data() - all.data());
        const std::size_t end = begin + static_cast<std::size_t>(match.size());
        if (end > begin && match.find(kBarrier) == re2::StringPiece::npos)
          out.push_back({Class::mrn, static_cast<std::uint32_t>(begin),
                         static_cast<std::uint32_t>(end), 0.98});
        at = std::max(end, at + 1);
      }
    }
  }

  // base64, one level: what is found inside stands for the whole token.
  void encoded(std::string_view source, std::vector<Finding>& found) const {
    std::size_t at = 0;
    while (at < source.size()) {
      if (base64_value(source[at]) < 0) {
        ++at;
        continue;
      }
      std::size_t end = at;
      bool lower = false;
      bool upper = false;
      bool digit = false;
      while (end < source.size() && base64_value(source[end]) >= 0) {
        lower = lower || (source[end] >= 'a' && source[end] <= 'z');
        upper = upper || (source[end] >= 'A' && source[end] <= 'Z');
        digit = digit || (source[end] >= '0' && source[end] <= '9');
        ++end;
      }
      std::size_t stop = end;
      while (stop < source.size() && source[stop] == '=' && stop - end < 2) ++stop;
      if (end - at >= kShortestEncoded && end - at <= kLongestEncoded && lower && upper) {
        if (const std::string inner = decoded_text(source.substr(at, end - at)); !inner.empty()) {
          const Text read(inner);
          Candidates candidates;
          recognise(read, candidates);
          tenant(read, candidates);
          const auto best = std::max_element(
              candidates.begin(), candidates.end(),
              [](const Candidate& a, const Candidate& b) { return a.score < b.score; });
          if (best != candidates.end() && best->score >= min_score_)
            found.push_back({best->kind, at, stop, 0.99});
        }
      }
      at = std::max(stop, at + 1);
    }
  }

  // The surest first, the longer of equal ones; no two overlap; in order.
  static void choose(std::vector<Finding>& found) {
    std::sort(found.begin(), found.end(), [](const Finding& a, const Finding& b) {
      if (a.score != b.score) return a.score > b.score;
      if (a.end - a.begin != b.end - b.begin) return a.end - a.begin > b.end - b.begin;
      if (a.begin != b.begin) return a.begin < b.begin;
      return a.kind < b.kind;
    });
    std::vector<Finding> kept;
    for (const Finding& finding : found) {
      const auto at =
          std::lower_bound(kept.begin(), kept.end(), finding.begin,
                           [](const Finding& a, std::size_t begin) { return a.begin < begin; });
      if (at != kept.end() && at->begin < finding.end) continue;
      if (at != kept.begin() && std::prev(at)->end > finding.begin) continue;
      kept.insert(at, finding);
    }
    found = std::move(kept);
  }

  double min_score_;
};

}  // namespace

Result<std::unique_ptr<const Detector>> Detector::make(const DetectorOptions& options) {
  if (options.mrn_patterns.size() > kMaxPatterns)
    return invalid("phi.pattern", "there are more than " + std::to_string(kMaxPatterns) +
                                      " patterns; join some with |");
  auto detector = std::make_unique<Found>(options.min_score);
  for (const std::string& pattern : options.mrn_patterns) {
    re2::RE2::Options re2_options;
    re2_options.set_log_errors(false);
    re2_options.set_max_mem(kPatternMemory);
    auto compiled = std::make_unique<re2::RE2>(pattern, re2_options);
    if (!compiled->ok())
      return invalid("phi.pattern",
                     "the pattern `" + pattern + "` is no RE2 expression: " + compiled->error());
    if (re2::RE2::FullMatch("", *compiled))
      return invalid("phi.pattern", "the pattern `" + pattern +
                                        "` matches the empty text; make it match a number");
    detector->patterns.push_back(std::move(compiled));
  }
  return std::unique_ptr<const Detector>(std::move(detector));
}

}  // namespace rabt::phi

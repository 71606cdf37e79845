#include "tests/e2e/canaries.hpp"

#include <Poco/InflatingStream.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "hub/base/bytes.hpp"
#include "hub/base/check.hpp"
#include "tests/e2e/support.hpp"

namespace rabt::e2e {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStart = 8;  // bytes of a pattern that select it

std::uint64_t start_of(const char* bytes) {
  std::uint64_t out = 0;
  std::memcpy(&out, bytes, kStart);
  return out;
}

std::string mapped(std::string text, int (*change)(int)) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x80)
      c = static_cast<char>(change(static_cast<unsigned char>(c)));
  }
  return text;
}

// Content of a gzip member, as far as it can be unpacked.
std::string gunzip(std::string_view bytes) {
  constexpr std::size_t kMost = 16U << 20U;
  std::string out;
  try {
    std::istringstream packed{std::string(bytes)};
    Poco::InflatingInputStream unpacked(packed, Poco::InflatingStreamBuf::STREAM_GZIP);
    char piece[4096];
    while (out.size() < kMost && (unpacked.read(piece, sizeof piece) || unpacked.gcount() > 0))
      out.append(piece, static_cast<std::size_t>(unpacked.gcount()));
  } catch (const std::exception&) {  // the end of the member, or none
  }
  return out;
}

}  // namespace

std::uint64_t Canaries::draw(std::uint64_t below) {
  const std::scoped_lock lock(mutex_);
  // splitmix64
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return (z ^ (z >> 31U)) % below;
}
std::string Canaries::keep(std::string value) {
  RABT_CHECK(value.size() >= kStart);
  const std::scoped_lock lock(mutex_);
  return all_.emplace_back(std::move(value));
}
std::string Canaries::word() {
  std::string out = "Q";
  for (int i = 0; i < 10; ++i) out.push_back(static_cast<char>('a' + draw(26)));
  return keep(out);
}
std::string Canaries::arabic() {
  std::string out;
  for (int i = 0; i < 11; ++i) {
    // Beh to yeh; six and five letters.
    static constexpr const char* kLetters[] = {"ب", "ت", "ث", "ج", "ح", "خ", "د", "ذ",
                                               "ر", "ز", "س", "ش", "ص", "ض", "ط", "ظ"};
    if (i == 6) out.push_back(' ');
    out += kLetters[draw(std::size(kLetters))];
  }
  return keep(out);
}
std::string Canaries::number() {
  std::string out = "1";
  for (int i = 0; i < 9; ++i) out.push_back(static_cast<char>('0' + draw(10)));
  return keep(out);
}
std::string Canaries::phone() {
  std::string digits = "5";
  for (int i = 0; i < 8; ++i) digits.push_back(static_cast<char>('0' + draw(10)));
  keep(digits);  // however the country is written
  return "+966" + digits;
}
std::string Canaries::email() {
  std::string local = "q";
  for (int i = 0; i < 11; ++i) local.push_back(static_cast<char>('a' + draw(26)));
  keep(local);
  return local + "@example.sa";
}
std::string Canaries::record() {
  std::string digits;
  for (int i = 0; i < 10; ++i) digits.push_back(static_cast<char>('0' + draw(10)));
  keep(digits);
  return "MRN-" + digits;
}
std::string Canaries::note() {
  const std::string text = word();
  const std::string two = arabic();
  return "seen " + text + " again, " + two + " since two days, call " + phone();
}
std::string Canaries::any() {
  switch (draw(7)) {
    case 0:
      return word();
    case 1:
      return arabic();
    case 2:
      return number();
    case 3:
      return phone();
    case 4:
      return email();
    case 5:
      return record();
    default:
      return note();
  }
}

std::vector<std::pair<std::string, std::string>> CanarySearch::forms(const std::string& value) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& text :
       std::set<std::string>{value, mapped(value, std::tolower), mapped(value, std::toupper)}) {
    const bool own = text == value;
    // UTF-8, UTF-16 and JSON escapes.
    for (auto& [form, bytes] : forms_of(text)) {
      if (form != "base64") out.emplace_back(own ? form : form + " in another case", bytes);
    }
    if (!own) continue;
    std::string percent;
    const std::string hex = to_hex(as_bytes(text));
    for (std::size_t i = 0; i < hex.size(); i += 2) percent += "%" + hex.substr(i, 2);
    for (const auto& [form, bytes] :
         std::vector<std::pair<std::string, std::string>>{{"hex", hex}, {"percent", percent}}) {
      out.emplace_back(form, bytes);
      if (mapped(bytes, std::toupper) != bytes) out.emplace_back(form, mapped(bytes, std::toupper));
    }
    for (std::size_t before = 0; before < 3; ++before) {
      // The characters that depend on the neighbours are cut off.
      const std::string padded = std::string(before, '\0') + text;
      std::string whole =
          to_base64(as_bytes(std::string_view(padded).substr(0, padded.size() / 3 * 3)));
      whole = whole.substr(before == 0 ? 0 : 4);
      out.emplace_back("base64", whole);
      std::string url = whole;
      std::replace(url.begin(), url.end(), '+', '-');
      std::replace(url.begin(), url.end(), '/', '_');
      if (url != whole) out.emplace_back("base64url", url);
    }
  }
  return out;
}

CanarySearch::CanarySearch(const std::vector<std::string>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (auto& [form, bytes] : forms(values[i])) {
      RABT_CHECK(bytes.size() >= kStart);
      by_start_[start_of(bytes.data())].push_back(patterns_.size());
      patterns_.push_back({std::move(bytes), std::move(form), i});
    }
  }
}

std::vector<std::string> CanarySearch::in(std::string_view bytes, const std::string& where) const {
  std::vector<std::string> out;
  look(bytes, where, out);
  // Sealed bytes hold the start of a gzip member now and then; those do not unpack to anything.
  constexpr std::string_view kGzip("\x1f\x8b\x08", 3);
  for (auto at = bytes.find(kGzip); at != std::string_view::npos; at = bytes.find(kGzip, at + 1))
    look(gunzip(bytes.substr(at)), where + " (gzip)", out);
  return out;
}

void CanarySearch::look(std::string_view bytes, const std::string& where,
                        std::vector<std::string>& out) const {
  std::set<std::string> found;
  for (std::size_t at = 0; at + kStart <= bytes.size(); ++at) {
    const auto selected = by_start_.find(start_of(bytes.data() + at));
    if (selected == by_start_.end()) continue;
    for (const std::size_t index : selected->second) {
      const Pattern& pattern = patterns_[index];
      if (bytes.substr(at).starts_with(pattern.bytes))
        found.insert(where + ": canary " + std::to_string(pattern.value) + " as " + pattern.form);
    }
  }
  out.insert(out.end(), found.begin(), found.end());
}

std::vector<std::string> CanarySearch::in_files(const std::vector<fs::path>& paths) const {
  std::vector<std::string> found;
  const auto look = [&](const fs::path& file) {
    const auto part = in(read_file(file) + "\n" + file.string(), file.filename().string());
    found.insert(found.end(), part.begin(), part.end());
  };
  for (const fs::path& path : paths) {
    if (!fs::is_directory(path)) {
      look(path);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) look(entry.path());
    }
  }
  return found;
}

}  // namespace rabt::e2e

#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rabt::e2e {

// Values that stand for patient data and that occur nowhere else: names in two scripts, national
// identity numbers, telephone numbers, e-mail addresses, record numbers, words of notes. Drawn from
// the seed: two runs with one seed have the same. Internally synchronised: stand-ins draw on
// threads of their own.
class Canaries {
 public:
  explicit Canaries(std::uint64_t seed) : state_(seed) {}

  std::string word();    // Latin letters; as a name, and a part of every note
  std::string arabic();  // two Arabic words
  std::string number();  // ten digits, as a national identity number
  std::string phone();   // +9665...
  std::string email();
  std::string record();  // MRN-...
  std::string note();    // a sentence with three canaries in it
  // Every string of a JSON text's values is the caller's to choose; this one is for "any of them".
  std::string any();

  [[nodiscard]] std::vector<std::string> all() const {
    const std::scoped_lock lock(mutex_);
    return all_;
  }

 private:
  std::uint64_t draw(std::uint64_t below);
  std::string keep(std::string value);

  mutable std::mutex mutex_;
  std::uint64_t state_;
  std::vector<std::string> all_;
};

// Finds canaries in bytes, in every form in which software writes a text: as it is, lower and upper
// case, UTF-16 of both orders, JSON escapes, base64 (both alphabets, at each of the three places in
// a longer text), hexadecimal, percent encoding; and all of these inside a gzip member.
class CanarySearch {
 public:
  explicit CanarySearch(const std::vector<std::string>& values);

  // "where: canary 3 as base64", never the value.
  [[nodiscard]] std::vector<std::string> in(std::string_view bytes, const std::string& where) const;
  // Every file below the paths, and their names.
  [[nodiscard]] std::vector<std::string> in_files(
      const std::vector<std::filesystem::path>& paths) const;
  // The forms of one value: name and bytes.
  [[nodiscard]] static std::vector<std::pair<std::string, std::string>> forms(
      const std::string& value);

 private:
  struct Pattern {
    std::string bytes;
    std::string form;
    std::size_t value = 0;
  };
  void look(std::string_view bytes, const std::string& where, std::vector<std::string>& out) const;

  std::vector<Pattern> patterns_;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_start_;  // first eight bytes
};

}  // namespace rabt::e2e

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "hub/phi/detector.hpp"
#include "hub/phi/lexicon.hpp"
#include "hub/phi/text.hpp"

// The recognisers. Each appends what it believes, overlapping or not; detector.cpp chooses.
namespace rabt::phi {

// begin and end are bytes of the normalised text.
struct Candidate {
  Class kind = Class::name;
  std::uint32_t begin = 0, end = 0;
  double score = 0;
};
using Candidates = std::vector<Candidate>;

void find_contacts(const Text& text, Candidates& out);     // e-mail, URL, IP, MAC
void find_identifiers(const Text& text, Candidates& out);  // national id, IBAN, card, MRN, passport
void find_phones(const Text& text, Candidates& out);
void find_dates(const Text& text, Candidates& out);
void find_ages(const Text& text, Candidates& out);
void find_addresses(const Text& text, Candidates& out);
void find_names(const Text& text, Candidates& out);
void find_hl7(const Text& text, Candidates& out);  // what the fields of a segment hold

// Context of a number, from the words before it.
struct NumberContext {
  std::uint64_t near = 0;    // cues of the nearest words that are cues, a few words back
  std::uint64_t direct = 0;  // only those with nothing but "number", "is", ":" between
  bool patient = false;      // "patient" is among the direct ones
};
[[nodiscard]] NumberContext context_before(const Text& text, std::size_t token);

[[nodiscard]] bool luhn(std::string_view digits);
// tokens [at, last] stand together without white space and consist of ASCII letters, digits and - /
// _
struct Code {
  std::size_t last = 0;
  std::size_t digits = 0, letters = 0;
};
[[nodiscard]] Code code_at(const Text& text, std::size_t at);
// Nothing but white space or a sign stands before it.
[[nodiscard]] bool starts_alone(const Text& text, std::size_t at);

}  // namespace rabt::phi

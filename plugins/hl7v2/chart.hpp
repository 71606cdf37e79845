#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "settings.hpp"

// Chart of a visit by its clinicians, as messages of HL7 v2.5.1: the diagnoses as ADT^A08 with DG1,
// the vital signs as ORU^R01, the note and each addendum as documents (MDM) of text. Pure.
namespace rabt::hl7v2 {

// An entry of a part. of: its place in the input, "diagnoses/0". says: an object with the member
// `key`, by which the entry is known again.
struct Entry {
  std::string of;
  Json says;
};
// A text of a document, with its code in LOINC.
struct Paragraph {
  std::string_view loinc;
  std::string_view name;
  std::string text;
};
// Content of one message. Without entries: the part is empty, or was taken back.
struct Part {
  std::string name;  // "diagnoses", "vitals", "note", "addenda/2026-03-11T08:00:00Z"
  std::vector<Entry> entries;
  std::vector<Paragraph> text;  // only documents have some
};

// An entry that is not sent, and why.
struct LeftOut {
  std::string of;
  std::string code;
};
// The parts in the order in which they are sent.
struct Chart {
  std::vector<Part> parts;
  // Texts that the character set does not hold.
  std::vector<LeftOut> left_out;
};
// input: as write-record takes it. names: names of the parts of former writes; those that the input
// does not hold any more come without entries.
[[nodiscard]] Chart chart(const Json& input, const Json& visit,
                          const std::vector<std::string>& names, const Settings& settings);

[[nodiscard]] bool is_addendum(const Part& part);

// Identity of a message, and of the message that it follows.
struct Following {
  std::string control_id;
  std::int64_t now = 0;  // Unix seconds
  Json has;              // `says` of the entries that the record system has of this part
  std::string document;  // number of the document that is sent
  std::string replaced;  // number of the document of this part that it has; "" without
  std::string parent;    // number of the note, for an addendum; "" without
  // Sends T02 in place of T06 and T10, to a record system that does not know them.
  bool plain = false;
};
// The message in UTF-8, and for each segment of an entry, DG1 or OBX, the place of the entry in the
// part; kGone for an entry that is taken back.
inline constexpr std::size_t kGone = static_cast<std::size_t>(-1);
struct Composed {
  std::string text;
  std::string segment;
  std::vector<std::size_t> entries;
};
// visit: as write-encounter filed it, {consultation, id, patient, ...}. Throws sdk::Refusal.
[[nodiscard]] Composed compose(const Part& part, const Json& visit, const Following& following,
                               const Settings& settings);

// `says` of the entries.
[[nodiscard]] Json says_of(const std::vector<Entry>& entries);

}  // namespace rabt::hl7v2

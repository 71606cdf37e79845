#include <array>

#include "hub/formats/formats.hpp"
#include "hub/workflow/expression/expression_builtins.hpp"

// Functions that read and write messages of other systems.
namespace rabt::workflow {

namespace {

using E = Evaluation;

// Bytes that one step reads or writes.
constexpr std::size_t kBytesOfStep = 16;

bool refused(E& e, std::string_view name, const rabt::Error& error) {
  return !e.stopped() && e.fail(std::string(name) + ": " + error.message);
}

// A text that a message is read from.
const std::string* source_of(E& e, const Json& in) {
  if (!in.is_string()) {
    type_error(e, in, "only strings can be read as a message");
    return nullptr;
  }
  const std::string& source = in.as_string();
  return e.spend(source.size() / kBytesOfStep) ? &source : nullptr;
}

bool read_csv(E& e, const Json& in, const formats::Csv& csv, Json& out) {
  const std::string* const source = source_of(e, in);
  if (source == nullptr) return false;
  auto rows = formats::read_csv(csv, *source, [&e](std::size_t bytes) { return e.charge(bytes); });
  if (!rows.ok()) return refused(e, "from_csv", rows.error());
  out = *std::move(rows);
  return true;
}
bool write_csv(E& e, const Json& in, const formats::Csv& csv, Json& out) {
  if (!e.affordable(in) || !e.spend(cost(in) / kBytesOfStep)) return false;
  auto text = formats::write_csv(csv, in);
  if (!text.ok()) return refused(e, "to_csv", text.error());
  return give_text(e, *std::move(text), out);
}
bool separator_of(E& e, const Json& given, formats::Csv& csv) {
  constexpr std::string_view kSeparators = ",;|\t:";
  if (!given.is_string() || given.as_string().size() != 1 ||
      kSeparators.find(given.as_string()[0]) == std::string_view::npos)
    return e.fail("a separator of CSV is a comma, semicolon, bar, tab or colon");
  csv.separator = given.as_string()[0];
  return true;
}

bool from_csv(E& e, const Json& in, const Json*, Json& out) {
  return read_csv(e, in, {}, out);
}
bool from_csv_by(E& e, const Json& in, const Json* args, Json& out) {
  formats::Csv csv;
  return separator_of(e, args[0], csv) && read_csv(e, in, csv, out);
}
bool to_csv(E& e, const Json& in, const Json*, Json& out) {
  return write_csv(e, in, {}, out);
}
bool to_csv_by(E& e, const Json& in, const Json* args, Json& out) {
  formats::Csv csv;
  return separator_of(e, args[0], csv) && write_csv(e, in, csv, out);
}

bool from_hl7(E& e, const Json& in, const Json*, Json& out) {
  const std::string* const source = source_of(e, in);
  // The reader keeps a copy, and the places of fields.
  if (source == nullptr || !e.charge(source->size() * 2)) return false;
  auto message =
      formats::read_hl7_text(*source, [&e](std::size_t bytes) { return e.charge(bytes); });
  if (!message.ok()) return refused(e, "from_hl7", message.error());
  out = *std::move(message);
  return true;
}
bool to_hl7(E& e, const Json& in, const Json*, Json& out) {
  if (!e.affordable(in) || !e.spend(cost(in) / kBytesOfStep)) return false;
  auto text = formats::write_hl7(in);
  if (!text.ok()) return refused(e, "to_hl7", text.error());
  return give_text(e, *std::move(text), out);
}

constexpr std::array kMessagesBuiltins = {
    Builtin{"from_csv", 0, from_csv}, Builtin{"from_csv", 1, from_csv_by},
    Builtin{"to_csv", 0, to_csv},     Builtin{"to_csv", 1, to_csv_by},
    Builtin{"from_hl7", 0, from_hl7}, Builtin{"to_hl7", 0, to_hl7},
};

}  // namespace

std::span<const Builtin> message_builtins() {
  return kMessagesBuiltins;
}

}  // namespace rabt::workflow

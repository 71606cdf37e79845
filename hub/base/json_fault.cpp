#include "hub/base/json_fault.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

namespace rabt {

namespace {

// Listens to nlohmann's lexer, which knows where it is, until something is wrong.
class FaultFinder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit FaultFinder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*count*/) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*count*/) override { return open(); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    if (keys_.back().insert(std::move(value)).second) return true;
    fault = invalid("json.duplicate_key", "an object names the same key twice; remove one of them");
    return false;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& failure) override {
    constexpr int kOutOfRange = 406;
    if (failure.id == kOutOfRange) {
      fault = invalid("json.number", "JSON holds a number that is too large; it ends at byte " +
                                         std::to_string(position));
      return false;
    }
    fault = invalid("json.syntax", "not valid JSON at byte " + std::to_string(position));
    return false;
  }

  std::optional<Error> fault;

 private:
  bool open() {
    if (keys_.size() >= limits_.max_depth) {
      fault =
          invalid("json.depth", "JSON is nested deeper than " + std::to_string(limits_.max_depth));
      return false;
    }
    keys_.emplace_back();
    return true;
  }
  bool close() {
    keys_.pop_back();
    return true;
  }

  const JsonLimits& limits_;
  std::vector<std::set<std::string>> keys_;  // of each open container
};

}  // namespace

Error find_json_fault(std::string_view text, const JsonLimits& limits) {
  // nlohmann takes a trailing NUL for the end of input; RFC 8259 does not.
  if (text.find('\0') != std::string_view::npos) {
    return invalid("json.syntax", "not valid JSON: it holds a NUL byte");
  }
  if (text.starts_with("\xef\xbb\xbf")) {
    return invalid("json.syntax", "not valid JSON at byte 1: a byte order mark is not allowed");
  }
  FaultFinder finder(limits);
  try {
    nlohmann::json::sax_parse(text.begin(), text.end(), &finder);
  } catch (const nlohmann::json::exception&) {
    return invalid("json.syntax", "not valid JSON");
  }
  return finder.fault.value_or(invalid("json.syntax", "not valid JSON"));
}

}  // namespace rabt

#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// Reports in both formats, and what the receiver's answers say. No input and output here.
//   ADX     IHE QRPH Aggregate Data Exchange, namespace urn:ihe:qrph:adx:2015
//   DHIS2   Web API, dataValueSets; answers in JSON and XML, as a WebMessage (2.38 and later) and
//   bare (earlier), with one import summary or a list of summaries
namespace rabt::moh {

using Json = nlohmann::json;

enum class Format { adx, dhis2 };

struct Settings {
  std::string base_url;  // without a '/' at the end
  std::string data_set;
  std::string org_unit;
  Format format = Format::adx;
  bool basic = false;
  std::string basic_user;
  bool dry_run = false;
  bool async = false;
};
// Throws sdk::Refusal.
[[nodiscard]] Settings read_settings(std::string_view json);
[[nodiscard]] std::string name_of(Format format);

struct Value {
  std::string data_element;
  std::string value;                                  // xs:decimal
  std::map<std::string, std::string> disaggregation;  // category -> option
};
struct Report {
  std::string period;  // YYYY-MM
  std::vector<Value> values;
  bool complete = false;
};
// Reads the arguments of submit-aggregate. Throws sdk::Refusal moh.input.
[[nodiscard]] Report read_report(const Json& input, Format format);

// "2026-03" -> "2026-03-01/P1M" (ADX), "202603" (DHIS2).
[[nodiscard]] std::string period_text(const std::string& period, Format format);
// The request's body. Times are told as of now; the day of completion is the day in Riyadh.
[[nodiscard]] std::string body_of(const Report& report, const Settings& settings,
                                  std::int64_t now_seconds);
[[nodiscard]] std::string content_type(Format format);
[[nodiscard]] std::string submit_url(const Settings& settings);

// An import summary, or the announcement of a task that will have one.
struct Reply {
  std::string status;  // SUCCESS, WARNING, ERROR; "" when task is set
  std::int64_t imported = 0;
  std::int64_t updated = 0;
  std::int64_t ignored = 0;
  std::int64_t deleted = 0;
  std::size_t conflicts = 0;
  std::size_t rejected = 0;           // values that were refused, when the answer says which
  std::set<std::string> error_codes;  // E7610 and the like; versions before 2.38 give none
  std::set<std::string> properties;   // dataElement, orgUnit, ...: what the conflicts are about
  // Names the import's task if it runs in the background.
  std::string task;
  std::string job_type;
};
// Nothing when the text is no answer of either kind. Free texts of the answer are not kept.
[[nodiscard]] std::optional<Reply> read_reply(std::string_view body);
// DHIS2's error code of an answer without a summary, or "".
[[nodiscard]] std::string error_code(std::string_view body);
// True if the list of a task's notifications says that it is over.
[[nodiscard]] bool task_over(std::string_view body);

}  // namespace rabt::moh

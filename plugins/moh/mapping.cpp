#include "mapping.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <pugixml.hpp>
#include <stdexcept>
#include <utility>

namespace moh {

namespace {

constexpr int kMaxDepth = 64;  // answers nest a handful of levels; copying a value recurses
constexpr std::size_t kMaxValues = 5000;  // of a report; a facility's monthly set has some hundred
constexpr std::size_t kMaxName = 100;
constexpr std::size_t kMaxDigits = 40;  // of a value
constexpr std::size_t kMaxCategories = 20;
constexpr std::size_t kMaxCodes = 20;               // error codes that are passed on
constexpr std::int64_t kRiyadhOffset = 3LL * 3600;  // all year

constexpr const char* kAdxNamespace = "urn:ihe:qrph:adx:2015";
// DHIS2's JSON has no categories, only their combination.
constexpr std::string_view kCombo = "categoryOptionCombo";

const Json& member(const Json& object, const char* key) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}
std::string text(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}
std::int64_t count(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

std::optional<Json> parse(std::string_view body) {
  bool too_deep = false;
  Json value = Json::parse(
      body,
      [&too_deep](int depth, Json::parse_event_t /*event*/, Json& /*parsed*/) {
        if (depth > kMaxDepth) too_deep = true;
        return !too_deep;
      },
      false);
  if (too_deep || value.is_discarded() || !value.is_structured()) return std::nullopt;
  return value;
}

bool digits(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// xs:decimal
bool is_decimal(std::string_view value) {
  if (value.size() > kMaxDigits) return false;
  if (!value.empty() && (value.front() == '+' || value.front() == '-')) value.remove_prefix(1);
  const auto point = value.find('.');
  const std::string_view whole = value.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : value.substr(point + 1);
  return digits(whole) && digits(fraction) && !(whole.empty() && fraction.empty());
}

// Codes: what an XML attribute takes as it is (xs:token).
bool is_code(std::string_view value) {
  if (value.empty() || value.size() > kMaxName || value.front() == ' ' || value.back() == ' ')
    return false;
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u < 0x20 || u == 0x7f;
  });
}
bool is_attribute_name(std::string_view value) {
  if (value.empty() || value.size() > kMaxName) return false;
  const auto first = static_cast<unsigned char>(value.front());
  if (std::isalpha(first) == 0 && first != '_') return false;
  if (value == "dataElement" || value == "value" || value.starts_with("xml")) return false;
  return std::all_of(value.begin(), value.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  });
}

bool is_period(std::string_view value) {
  return value.size() == 7 && value[4] == '-' && digits(value.substr(0, 4)) &&
         digits(value.substr(5)) && value.substr(5) >= "01" && value.substr(5) <= "12";
}

std::string read_value(const Json& item, Format format, Value& value) {
  if (!item.is_object()) return "must be an object";
  value.data_element = text(item, "dataElement");
  if (!is_code(value.data_element)) return "needs a code as dataElement";
  const Json& number = member(item, "value");
  value.value = number.is_number_integer() ? number.dump() : text(item, "value");
  if (!is_decimal(value.value))
    return "needs a value: a whole number, or a decimal number as a text";
  const Json& categories = member(item, "disaggregation");
  if (categories.is_null()) return {};
  if (!categories.is_object() || categories.size() > kMaxCategories)
    return "has a disaggregation that is no object";
  for (const auto& [category, option] : categories.items()) {
    if (!option.is_string() || !is_code(option.get_ref<const std::string&>())) {
      return "has a disaggregation whose options are no codes";
    }
    if (format == Format::dhis2 && category != kCombo) {
      return "has a disaggregation that the format dhis2 cannot carry: it takes "
             "categoryOptionCombo only, or use adx";
    }
    if (!is_attribute_name(category))
      return "has a disaggregation whose category is no XML attribute name";
    value.disaggregation[category] = option.get<std::string>();
  }
  return {};
}

std::string padded(std::int64_t number, std::size_t width) {
  std::string value = std::to_string(number);
  return value.size() < width ? std::string(width - value.size(), '0') + value : value;
}
std::string date_of(std::int64_t seconds) {
  const std::chrono::sys_seconds at{std::chrono::seconds(seconds)};
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(at));
  return padded(static_cast<int>(date.year()), 4) + "-" +
         padded(static_cast<unsigned>(date.month()), 2) + "-" +
         padded(static_cast<unsigned>(date.day()), 2);
}
std::string instant_of(std::int64_t seconds) {
  const std::int64_t rest = ((seconds % 86'400) + 86'400) % 86'400;
  return date_of(seconds) + "T" + padded(rest / 3600, 2) + ":" + padded(rest / 60 % 60, 2) + ":" +
         padded(rest % 60, 2) + "Z";
}

class TextWriter final : public pugi::xml_writer {
 public:
  void write(const void* data, std::size_t size) override {
    out.append(static_cast<const char*>(data), size);
  }
  std::string out;
};

std::string adx_of(const Report& report, const Settings& settings, std::int64_t now_seconds) {
  pugi::xml_document xml;
  pugi::xml_node declaration = xml.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  pugi::xml_node root = xml.append_child("adx");
  root.append_attribute("xmlns") = kAdxNamespace;
  root.append_attribute("exported") = instant_of(now_seconds).c_str();
  pugi::xml_node group = root.append_child("group");
  group.append_attribute("orgUnit") = settings.org_unit.c_str();
  group.append_attribute("period") = period_text(report.period, Format::adx).c_str();
  group.append_attribute("dataSet") = settings.data_set.c_str();
  if (report.complete) {
    group.append_attribute("completeDate") =
        (date_of(now_seconds + kRiyadhOffset) + "T00:00:00").c_str();
  }
  for (const Value& value : report.values) {
    pugi::xml_node node = group.append_child("dataValue");
    node.append_attribute("dataElement") = value.data_element.c_str();
    node.append_attribute("value") = value.value.c_str();
    for (const auto& [category, option] : value.disaggregation)
      node.append_attribute(category.c_str()) = option.c_str();
  }
  TextWriter writer;
  xml.save(writer, " ", pugi::format_default, pugi::encoding_utf8);
  return writer.out;
}

std::string dhis2_of(const Report& report, const Settings& settings, std::int64_t now_seconds) {
  Json set = Json::object();
  set["dataSet"] = settings.data_set;
  set["period"] = period_text(report.period, Format::dhis2);
  set["orgUnit"] = settings.org_unit;
  if (report.complete) set["completeDate"] = date_of(now_seconds + kRiyadhOffset);
  set["dataValues"] = Json::array();
  for (const Value& value : report.values) {
    Json one = Json::object();
    one["dataElement"] = value.data_element;
    one["value"] = value.value;
    for (const auto& [category, option] : value.disaggregation) one[category] = option;
    set["dataValues"].push_back(std::move(one));
  }
  return set.dump();
}

bool is_error_code(std::string_view code) {
  return code.size() == 5 && code.front() == 'E' && digits(code.substr(1));
}
bool is_word(std::string_view value) {
  return !value.empty() && value.size() <= 40 &&
         std::all_of(value.begin(), value.end(),
                     [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; });
}
bool is_id(std::string_view value) {
  return !value.empty() && value.size() <= 64 &&
         std::all_of(value.begin(), value.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
         });
}

bool known_status(const std::string& status) {
  return status == "SUCCESS" || status == "WARNING" || status == "ERROR";
}

std::optional<Reply> summary_of(const Json& summary) {
  Reply reply;
  reply.status = text(summary, "status");
  if (reply.status == "OK") reply.status = "SUCCESS";
  if (!known_status(reply.status)) return std::nullopt;
  // dataValueCount: the name in versions before 2.30.
  const Json& counts = member(summary, "importCount").is_object()
                           ? member(summary, "importCount")
                           : member(summary, "dataValueCount");
  reply.imported = count(counts, "imported");
  reply.updated = count(counts, "updated");
  reply.ignored = count(counts, "ignored");
  reply.deleted = count(counts, "deleted");
  const Json& conflicts = member(summary, "conflicts");
  if (conflicts.is_array()) {
    reply.conflicts = conflicts.size();
    for (const Json& conflict : conflicts) {
      const std::string code = text(conflict, "errorCode");
      const std::string property = text(conflict, "property");
      if (is_error_code(code) && reply.error_codes.size() < kMaxCodes)
        reply.error_codes.insert(code);
      if (is_word(property) && reply.properties.size() < kMaxCodes)
        reply.properties.insert(property);
    }
  }
  const Json& rejected = member(summary, "rejectedIndexes");
  if (rejected.is_array()) reply.rejected = rejected.size();
  return reply;
}

std::optional<Reply> xml_summary(std::string_view body) {
  pugi::xml_document xml;
  if (!xml.load_buffer(body.data(), body.size())) return std::nullopt;
  const pugi::xml_node root = xml.document_element();
  if (std::string_view(root.name()) != "importSummary") return std::nullopt;
  Reply reply;
  reply.status = root.child("status").text().get();
  if (!known_status(reply.status)) return std::nullopt;
  pugi::xml_node counts = root.child("importCount");
  if (!counts) counts = root.child("dataValueCount");
  reply.imported = counts.attribute("imported").as_llong();
  reply.updated = counts.attribute("updated").as_llong();
  reply.ignored = counts.attribute("ignored").as_llong();
  reply.deleted = counts.attribute("deleted").as_llong();
  for (const pugi::xml_node conflict : root.child("conflicts").children("conflict")) {
    ++reply.conflicts;
    const std::string code = conflict.attribute("errorCode").value();
    if (is_error_code(code) && reply.error_codes.size() < kMaxCodes) reply.error_codes.insert(code);
  }
  return reply;
}

}  // namespace

Settings read_settings(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object()) throw std::runtime_error("the configuration of moh must be an object");
  Settings settings;
  settings.base_url = text(config, "base_url");
  while (settings.base_url.ends_with('/')) settings.base_url.pop_back();
  if (settings.base_url.ends_with("/api")) {
    throw std::runtime_error("base_url is the address before /api: leave /api out");
  }
  if (!settings.base_url.starts_with("http://") && !settings.base_url.starts_with("https://")) {
    throw std::runtime_error(
        "base_url must be the address of the reporting system, for example "
        "https://report.example.sa");
  }
  settings.data_set = text(config, "data_set");
  settings.org_unit = text(config, "org_unit");
  if (!is_code(settings.data_set) || !is_code(settings.org_unit)) {
    throw std::runtime_error("data_set and org_unit must be codes of the reporting system");
  }
  const std::string format = text(config, "format");
  if (!format.empty() && format != "adx" && format != "dhis2")
    throw std::runtime_error("format must be adx or dhis2");
  if (format == "dhis2") settings.format = Format::dhis2;
  const std::string auth = text(config, "auth");
  if (!auth.empty() && auth != "apitoken" && auth != "basic")
    throw std::runtime_error("auth must be apitoken or basic");
  settings.basic = auth == "basic";
  settings.basic_user = text(config, "basic_user");
  if (settings.basic && settings.basic_user.empty())
    throw std::runtime_error("auth basic needs basic_user");
  const auto flag = [&config](const char* key) {
    const Json& value = member(config, key);
    return value.is_boolean() && value.get<bool>();
  };
  settings.dry_run = flag("dry_run");
  settings.async = flag("async");
  return settings;
}

std::string name_of(Format format) {
  return format == Format::adx ? "adx" : "dhis2";
}

Report read_report(const Json& input, Format format, std::string& problem) {
  Report report;
  problem.clear();
  report.period = text(input, "period");
  if (!is_period(report.period)) {
    problem = "period must be a month, YYYY-MM";
    return report;
  }
  const Json& values = member(input, "values");
  if (!values.is_array() || values.empty() || values.size() > kMaxValues) {
    problem = "values must be a list of 1 to " + std::to_string(kMaxValues) + " figures";
    return report;
  }
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen;
  std::size_t at = 0;
  for (const Json& item : values) {
    Value value;
    const std::string where = "values[" + std::to_string(at++) + "] ";
    if (const std::string wrong = read_value(item, format, value); !wrong.empty()) {
      problem = where + wrong;
      return report;
    }
    if (!seen.emplace(value.data_element, value.disaggregation).second) {
      problem = where + "repeats a data element with the same disaggregation";
      return report;
    }
    report.values.push_back(std::move(value));
  }
  const Json& complete = member(input, "complete");
  report.complete = complete.is_boolean() && complete.get<bool>();
  return report;
}

std::string period_text(const std::string& period, Format format) {
  return format == Format::adx ? period + "-01/P1M" : period.substr(0, 4) + period.substr(5);
}

std::string body_of(const Report& report, const Settings& settings, std::int64_t now_seconds) {
  return settings.format == Format::adx ? adx_of(report, settings, now_seconds)
                                        : dhis2_of(report, settings, now_seconds);
}

std::string content_type(Format format) {
  return format == Format::adx ? "application/adx+xml" : "application/json";
}

std::string submit_url(const Settings& settings) {
  // Everything is named by code. ADX defaults to that, JSON to uids; categories exist in ADX only.
  std::string url = settings.base_url +
                    "/api/"
                    "dataValueSets?idScheme=code&dataElementIdScheme=code&orgUnitIdScheme=code&"
                    "dataSetIdScheme=code"
                    "&categoryOptionComboIdScheme=code";
  if (settings.format == Format::adx) url += "&categoryIdScheme=code&categoryOptionIdScheme=code";
  url += "&importStrategy=CREATE_AND_UPDATE";
  if (settings.dry_run) url += "&dryRun=true";
  if (settings.async) url += "&async=true";
  return url;
}

std::optional<Reply> read_reply(std::string_view body) {
  const auto begin = body.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return std::nullopt;
  if (body[begin] == '<') return xml_summary(body.substr(begin));
  const auto root = parse(body);
  if (!root || !root->is_object()) return std::nullopt;
  const Json& response = member(*root, "response");
  if (!response.is_object()) {
    // Before 2.38 the summary comes bare; a task's summary still does.
    if (!member(*root, "importCount").is_object() && !member(*root, "dataValueCount").is_object())
      return std::nullopt;
    return summary_of(*root);
  }
  const std::string id = text(response, "id");
  if (!id.empty() && !member(response, "importCount").is_object()) {
    Reply reply;
    reply.task = id;
    reply.job_type =
        text(response, "jobType").empty() ? "DATAVALUE_IMPORT" : text(response, "jobType");
    // Both become part of an address.
    if (!is_id(reply.task) || !is_id(reply.job_type)) return std::nullopt;
    return reply;
  }
  return summary_of(response);
}

std::string error_code(std::string_view body) {
  const auto root = parse(body);
  if (!root) return {};
  std::string code = text(*root, "errorCode");
  return is_error_code(code) ? code : std::string();
}

bool task_over(std::string_view body) {
  const auto root = parse(body);
  if (!root || !root->is_array()) return false;
  return std::any_of(root->begin(), root->end(), [](const Json& note) {
    const Json& completed = member(note, "completed");
    return completed.is_boolean() && completed.get<bool>();
  });
}

}  // namespace moh

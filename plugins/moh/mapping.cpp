#include "mapping.hpp"

#include <algorithm>
#include <cctype>
#include <pugixml.hpp>
#include <utility>

#include "rabt/json_nlohmann.hpp"
#include "rabt/time.hpp"

namespace rabt::moh {

namespace {

using sdk::all_digits;
using sdk::member_of;
using sdk::Refusal;
using sdk::text_of;
using sdk::write_date;
using sdk::write_instant;

// Values of a report; a facility's monthly set has some hundred.
constexpr std::size_t kMaxValues = 5000;
constexpr std::size_t kMaxName = 100;
// Digits of a value.
constexpr std::size_t kMaxDigits = 40;
constexpr std::size_t kMaxCategories = 20;
// Error codes that are passed on.
constexpr std::size_t kMaxCodes = 20;
// Riyadh has no summer time.
constexpr int kRiyadhMinutes = 3 * 60;

constexpr const char* kAdxNamespace = "urn:ihe:qrph:adx:2015";
// DHIS2's JSON has no categories, only their combination.
constexpr std::string_view kCombo = "categoryOptionCombo";

std::int64_t count(const Json& object, const char* key) {
  const Json& value = member_of(object, key);
  if (value.is_number_integer()) return value.get<std::int64_t>();
  // Numbers of an XML answer are texts.
  const std::string digits = text_of(object, key);
  return digits.size() < 16 && sdk::all_digits(digits) && !digits.empty() ? std::stoll(digits) : 0;
}

// An object or a list.
std::optional<Json> parse(std::string_view body) {
  auto value = sdk::parse_json(body);
  if (!value || !value->is_structured()) return std::nullopt;
  return value;
}

// xs:decimal
bool is_decimal(std::string_view value) {
  if (value.size() > kMaxDigits) return false;
  if (!value.empty() && (value.front() == '+' || value.front() == '-')) value.remove_prefix(1);
  const auto point = value.find('.');
  const std::string_view whole = value.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : value.substr(point + 1);
  return all_digits(whole) && all_digits(fraction) && !(whole.empty() && fraction.empty());
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
  return value.size() == 7 && value[4] == '-' && all_digits(value.substr(0, 4)) &&
         all_digits(value.substr(5)) && value.substr(5) >= "01" && value.substr(5) <= "12";
}

// where: the item's place, for what is thrown.
Value read_value(const Json& item, Format format, const std::string& where) {
  const auto refuse = [&where](const char* what) {
    throw Refusal("moh.input", where + " " + what);
  };
  if (!item.is_object()) refuse("must be an object");
  Value value;
  value.data_element = text_of(item, "dataElement");
  if (!is_code(value.data_element)) refuse("needs a code as dataElement");
  const Json& number = member_of(item, "value");
  value.value = number.is_number_integer() ? number.dump() : text_of(item, "value");
  if (!is_decimal(value.value))
    refuse("needs a value: a whole number, or a decimal number as a text");
  const Json& categories = member_of(item, "disaggregation");
  if (categories.is_null()) return value;
  if (!categories.is_object() || categories.size() > kMaxCategories)
    refuse("has a disaggregation that is no object");
  for (const auto& [category, option] : categories.items()) {
    if (!option.is_string() || !is_code(option.get_ref<const std::string&>()))
      refuse("has a disaggregation whose options are no codes");
    if (format == Format::dhis2 && category != kCombo) {
      refuse(
          "has a disaggregation that the format dhis2 cannot carry: it takes "
          "categoryOptionCombo only, or use adx");
    }
    if (!is_attribute_name(category))
      refuse("has a disaggregation whose category is no XML attribute name");
    value.disaggregation[category] = option.get<std::string>();
  }
  return value;
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
  root.append_attribute("exported") = write_instant(now_seconds).c_str();
  pugi::xml_node group = root.append_child("group");
  group.append_attribute("orgUnit") = settings.org_unit.c_str();
  group.append_attribute("period") = period_text(report.period, Format::adx).c_str();
  group.append_attribute("dataSet") = settings.data_set.c_str();
  if (report.complete) {
    group.append_attribute("completeDate") =
        (write_date(now_seconds, kRiyadhMinutes) + "T00:00:00").c_str();
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
  if (report.complete) set["completeDate"] = write_date(now_seconds, kRiyadhMinutes);
  set["dataValues"] = Json::array();
  for (const Value& value : report.values) {
    Json item = Json::object();
    item["dataElement"] = value.data_element;
    item["value"] = value.value;
    for (const auto& [category, option] : value.disaggregation) item[category] = option;
    set["dataValues"].push_back(std::move(item));
  }
  return set.dump();
}

bool is_error_code(std::string_view code) {
  return code.size() == 5 && code.front() == 'E' && all_digits(code.substr(1));
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

// One import summary.
std::optional<Reply> summary_of(const Json& summary) {
  Reply reply;
  reply.status = text_of(summary, "status");
  if (reply.status == "OK") reply.status = "SUCCESS";
  if (!known_status(reply.status)) return std::nullopt;
  // dataValueCount: the name in versions before 2.30. The counts of a list without entries stand
  // beside it.
  const Json* counts = &summary;
  for (const char* name : {"importCount", "dataValueCount"}) {
    if (member_of(summary, name).is_object()) counts = &member_of(summary, name);
  }
  reply.imported = count(*counts, "imported");
  reply.updated = count(*counts, "updated");
  reply.ignored = count(*counts, "ignored");
  reply.deleted = count(*counts, "deleted");
  const Json& conflicts = member_of(summary, "conflicts");
  if (conflicts.is_array()) {
    reply.conflicts = conflicts.size();
    for (const Json& conflict : conflicts) {
      const std::string code = text_of(conflict, "errorCode");
      const std::string property = text_of(conflict, "property");
      if (is_error_code(code) && reply.error_codes.size() < kMaxCodes)
        reply.error_codes.insert(code);
      if (is_word(property) && reply.properties.size() < kMaxCodes)
        reply.properties.insert(property);
    }
  }
  const Json& rejected = member_of(summary, "rejectedIndexes");
  if (rejected.is_array()) reply.rejected = rejected.size();
  return reply;
}

// One import summary, or a list with one for each group of an ADX message.
std::optional<Reply> summaries_of(const Json& response) {
  const Json& list = member_of(response, "importSummaries");
  if (!list.is_array() || list.empty()) return summary_of(response);
  std::optional<Reply> sum;
  for (const Json& entry : list) {
    auto one = summary_of(entry);
    if (!one) return std::nullopt;
    if (!sum) {
      sum = std::move(one);
      continue;
    }
    if (sum->status != one->status) sum->status = "WARNING";
    sum->imported += one->imported;
    sum->updated += one->updated;
    sum->ignored += one->ignored;
    sum->deleted += one->deleted;
    sum->conflicts += one->conflicts;
    sum->rejected += one->rejected;
    sum->error_codes.merge(one->error_codes);
    sum->properties.merge(one->properties);
  }
  return sum;
}

// Levels of an XML answer.
constexpr int kMaxLevels = 8;

// The name of an element or attribute without the prefix of its namespace.
std::string_view local_name(std::string_view name) {
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// An XML answer as the JSON that says the same: attributes and elements become members, and the
// lists of an answer are lists.
Json json_of(const pugi::xml_node& node, int level) {
  Json out = Json::object();
  for (const pugi::xml_attribute attribute : node.attributes())
    out[std::string(local_name(attribute.name()))] = attribute.value();
  bool leaf = true;
  for (const pugi::xml_node child : node.children()) {
    if (child.type() != pugi::node_element || level == kMaxLevels) continue;
    leaf = false;
    const std::string name(local_name(child.name()));
    if (name == "conflict" || name == "importSummary") {
      out[name == "conflict" ? "conflicts" : "importSummaries"].push_back(
          json_of(child, level + 1));
    } else if (name == "conflicts" || name == "importSummaries" || name == "rejectedIndexes") {
      Json& list = out[name] = Json::array();
      for (const pugi::xml_node item : child.children()) {
        if (item.type() == pugi::node_element) list.push_back(json_of(item, level + 1));
      }
    } else {
      out[name] = json_of(child, level + 1);
    }
  }
  return leaf && out.empty() ? Json(node.text().get()) : out;
}

std::optional<Json> parse_xml(std::string_view body) {
  pugi::xml_document xml;
  if (!xml.load_buffer(body.data(), body.size())) return std::nullopt;
  const pugi::xml_node root = xml.document_element();
  const std::string_view name = local_name(root.name());
  if (name != "importSummary" && name != "importSummaries" && name != "webMessage")
    return std::nullopt;
  return json_of(root, 0);
}

}  // namespace

Settings read_settings(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object()) throw Refusal("moh.config", "the configuration must be an object");
  Settings settings;
  settings.base_url = text_of(config, "base_url");
  while (settings.base_url.ends_with('/')) settings.base_url.pop_back();
  if (settings.base_url.ends_with("/api")) {
    throw Refusal("moh.config", "base_url is the address before /api: leave /api out");
  }
  if (!settings.base_url.starts_with("http://") && !settings.base_url.starts_with("https://")) {
    throw Refusal("moh.config",
                  "base_url must be the address of the reporting system, for example "
                  "https://report.example.sa");
  }
  settings.data_set = text_of(config, "data_set");
  settings.org_unit = text_of(config, "org_unit");
  if (!is_code(settings.data_set) || !is_code(settings.org_unit)) {
    throw Refusal("moh.config", "data_set and org_unit must be codes of the reporting system");
  }
  const std::string format = text_of(config, "format");
  if (!format.empty() && format != "adx" && format != "dhis2")
    throw Refusal("moh.config", "format must be adx or dhis2");
  if (format == "dhis2") settings.format = Format::dhis2;
  const std::string auth = text_of(config, "auth");
  if (!auth.empty() && auth != "apitoken" && auth != "basic")
    throw Refusal("moh.config", "auth must be apitoken or basic");
  settings.basic = auth == "basic";
  settings.basic_user = text_of(config, "basic_user");
  if (settings.basic && settings.basic_user.empty())
    throw Refusal("moh.config", "auth basic needs basic_user");
  const auto flag = [&config](const char* key) {
    const Json& value = member_of(config, key);
    return value.is_boolean() && value.get<bool>();
  };
  settings.dry_run = flag("dry_run");
  settings.async = flag("async");
  return settings;
}

std::string name_of(Format format) {
  return format == Format::adx ? "adx" : "dhis2";
}

Report read_report(const Json& input, Format format) {
  Report report;
  report.period = text_of(input, "period");
  if (!is_period(report.period)) throw Refusal("moh.input", "period must be a month, YYYY-MM");
  const Json& values = member_of(input, "values");
  if (!values.is_array() || values.empty() || values.size() > kMaxValues) {
    throw Refusal("moh.input",
                  "values must be a list of 1 to " + std::to_string(kMaxValues) + " figures");
  }
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen;
  std::size_t at = 0;
  for (const Json& item : values) {
    const std::string where = "values[" + std::to_string(at++) + "]";
    Value value = read_value(item, format, where);
    if (!seen.emplace(value.data_element, value.disaggregation).second) {
      throw Refusal("moh.input", where + " repeats a data element with the same disaggregation");
    }
    report.values.push_back(std::move(value));
  }
  const Json& complete = member_of(input, "complete");
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
  if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);
  const auto begin = body.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return std::nullopt;
  body.remove_prefix(begin);
  const auto root = body.front() == '<' ? parse_xml(body) : parse(body);
  if (!root || !root->is_object()) return std::nullopt;
  const auto has_counts = [](const Json& object) {
    return member_of(object, "importCount").is_object() ||
           member_of(object, "dataValueCount").is_object() ||
           member_of(object, "importSummaries").is_array();
  };
  const Json& response = member_of(*root, "response");
  if (!response.is_object()) {
    // Before 2.38 the summary comes bare; a task's summary still does. An import that failed as a
    // whole has none.
    if (has_counts(*root) || text_of(*root, "status") == "ERROR") return summaries_of(*root);
    return std::nullopt;
  }
  const std::string id = text_of(response, "id");
  if (!id.empty() && !has_counts(response)) {
    Reply reply;
    reply.task = id;
    reply.job_type =
        text_of(response, "jobType").empty() ? "DATAVALUE_IMPORT" : text_of(response, "jobType");
    // Both become part of an address.
    if (!is_id(reply.task) || !is_id(reply.job_type)) return std::nullopt;
    return reply;
  }
  return summaries_of(response);
}

std::string error_code(std::string_view body) {
  const auto root = parse(body);
  if (!root) return {};
  std::string code = text_of(*root, "errorCode");
  return is_error_code(code) ? code : std::string();
}

bool task_over(std::string_view body) {
  const auto root = parse(body);
  if (!root || !root->is_array()) return false;
  return std::any_of(root->begin(), root->end(), [](const Json& note) {
    const Json& completed = member_of(note, "completed");
    return completed.is_boolean() && completed.get<bool>();
  });
}

}  // namespace rabt::moh

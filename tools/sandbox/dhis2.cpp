#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
#include <optional>
#include <pugixml.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <tuple>

#include "hub/base/mutex.hpp"
#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/service.hpp"

// The part of a DHIS2 server that takes aggregate reports.
//
//   POST /api/dataValueSets        application/adx+xml (ADX 2015) or application/json
//   GET  /api/dataValueSets        ?dataSet=&period=&orgUnit=
//   GET  /api/system/tasks/DATAVALUE_IMPORT/{id}, /api/system/taskSummaries/DATAVALUE_IMPORT/{id}
//   GET  /api/system/info
// A context path before /api and a version after it (/api/40/...) are accepted.
//
// Options and the control call "settings" take the same members:
//   username, password     Basic (admin, district)
//   token                  Authorization: ApiToken ... (d2pat_sandbox)
//   data_elements          the known codes or uids; an empty list takes every code that matches
//                          data_element_pattern
//   data_element_pattern   (^TH_[A-Z_]+$)
//   org_units, data_sets   the known ones; an empty list takes all
//   strict_id_schemes      identifiers must have the form of their scheme: without idScheme=CODE,
//                          JSON needs uids (true)
//   legacy_summary         answer as DHIS2 before 2.38 does: the bare import summary, always with
//                          HTTP 200 (false)
//   async_ms               how long an asynchronous import shows as running (300)
// Control calls: settings; reset {} forgets values and tasks.
namespace rabt::sandbox {

namespace {

constexpr std::size_t kMaxBody = 10U
                                 << 20U;     // a monthly report of one facility has a few kilobytes
constexpr std::size_t kMaxValues = 200'000;  // stored; a test run stays far below
constexpr std::size_t kMaxValuesPerImport = 50'000;
constexpr std::size_t kMaxTasks = 1'000;
constexpr std::size_t kMaxPattern = 200;
constexpr std::int64_t kMaxAsync = 600'000;
constexpr std::string_view kAdxNamespace = "urn:ihe:qrph:adx:2015";
constexpr std::string_view kDxfNamespace = "http://dhis2.org/schema/dxf/2.0";

bool digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int number(std::string_view text) {
  int result = 0;
  for (const char c : text.substr(0, 8)) {
    if (c < '0' || c > '9') return -1;
    result = result * 10 + (c - '0');
  }
  return text.empty() ? -1 : result;
}

bool is_uid(const std::string& text) {
  if (text.size() != 11 || std::isalpha(static_cast<unsigned char>(text[0])) == 0) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; });
}

// xs:decimal
bool is_decimal(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  const auto fraction =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  return (digits(whole) || whole.empty()) && (digits(fraction) || fraction.empty()) &&
         !(whole.empty() && fraction.empty());
}

std::optional<std::chrono::year_month_day> parse_date(std::string_view text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const int year = number(text.substr(0, 4));
  const int month = number(text.substr(5, 2));
  const int day = number(text.substr(8, 2));
  if (year < 0 || month < 0 || day < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return date;
}

// xs:dateTime without leap seconds and negative years.
bool is_date_time(const std::string& text) {
  if (!parse_date(text) || text.size() < 19 || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':')
    return false;
  const int hour = number(text.substr(11, 2));
  const int minute = number(text.substr(14, 2));
  const int second = number(text.substr(17, 2));
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  auto rest = std::string_view(text).substr(19);
  if (rest.starts_with('.')) {
    const auto end = rest.find_first_not_of("0123456789", 1);
    if (end == 1 || rest.size() == 1) return false;
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  }
  if (rest.empty() || rest == "Z") return true;
  return rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && digits(rest.substr(1, 2)) &&
         rest[3] == ':' && digits(rest.substr(4, 2));
}

std::string two(int value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

// "2026-03-01/P1M" -> "202603", the period id of DHIS2. Empty when DHIS2 has no such period.
std::string period_of_range(const std::string& range) {
  using std::chrono::sys_days;
  const auto slash = range.find('/');
  if (slash == std::string::npos) return {};
  const auto start_text = range.substr(0, slash);
  const auto duration = range.substr(slash + 1);
  const auto date = parse_date(start_text);
  if (!date || (start_text.size() != 10 && !is_date_time(start_text))) return {};
  const int year = static_cast<int>(date->year());
  const int month = static_cast<int>(static_cast<unsigned>(date->month()));
  const int day = static_cast<int>(static_cast<unsigned>(date->day()));
  const auto y = std::to_string(year);
  if (duration == "P1D") return y + two(month) + two(day);
  if (duration == "P7D" || duration == "P1W" || duration == "P14D") {
    // The week belongs to the year that has its fourth day (ISO 8601; DHIS2 does the same for other
    // first days).
    const sys_days start = *date;
    const auto middle = std::chrono::year_month_day(start + std::chrono::days(3));
    const auto first = sys_days(middle.year() / std::chrono::January / 1);
    const auto week = (sys_days(middle) - first).count() / 7 + 1;
    const auto week_year = std::to_string(static_cast<int>(middle.year()));
    const auto weekday = std::chrono::weekday(start).c_encoding();
    if (duration == "P14D") {
      if (weekday != 1 || week % 2 == 0) return {};
      return week_year + "BiW" + std::to_string((week + 1) / 2);
    }
    static constexpr std::array<std::string_view, 7> kNames{"SunW", "W", "",    "WedW",
                                                            "ThuW", "",  "SatW"};
    if (kNames[weekday].empty()) return {};
    return week_year + std::string(kNames[weekday]) + std::to_string(week);
  }
  if (day != 1) return {};
  if (duration == "P1M") return y + two(month);
  if (duration == "P2M" && month % 2 == 1) return y + two((month + 1) / 2) + "B";
  if (duration == "P3M" && month % 3 == 1) return y + "Q" + std::to_string((month + 2) / 3);
  if (duration == "P6M" && (month == 1 || month == 7)) return y + (month == 1 ? "S1" : "S2");
  if (duration == "P6M" && (month == 4 || month == 10))
    return y + (month == 4 ? "AprilS1" : "AprilS2");
  if (duration != "P1Y") return {};
  if (month == 1) return y;
  if (month == 4) return y + "April";
  if (month == 7) return y + "July";
  if (month == 10) return y + "Oct";
  return {};
}

bool is_period(const std::string& id) {
  static const std::regex shape(
      "[0-9]{4}(|April|July|Oct|(0[1-9]|1[0-2])|0[1-6]B|Q[1-4]|(April)?S[12]|(Wed|Thu|Sat|Sun)?W(["
      "1-9]|[1-4][0-9]|5[0-3])"
      "|BiW([1-9]|1[0-9]|2[0-7])|[0-9]{4})");
  if (id.size() > 16 || !std::regex_match(id, shape)) return false;
  if (id.size() != 8 || !digits(id)) return true;
  return parse_date(id.substr(0, 4) + "-" + id.substr(4, 2) + "-" + id.substr(6, 2)).has_value();
}

struct Value {
  std::string data_set;
  std::string period;
  std::string org_unit;
  std::string data_element;
  std::string category_option_combo = "default";
  std::string attribute_option_combo = "default";
  std::string value;
  std::string comment;
  bool has_value = true;
};

struct Completion {
  std::string data_set;
  std::string period;
  std::string org_unit;
  std::string date;
};

// A document as it was sent, before anything is looked up.
struct Document {
  std::vector<Value> values;
  std::vector<Completion> completions;
  // Id schemes and the like; they override the query.
  std::map<std::string, std::string> parameters;
  // Set if the structure is wrong: nothing may be imported.
  std::string failed_description;
  std::string failed_object;
  std::string failed_text;
};

struct Summary {
  std::string status = "SUCCESS";
  std::string description = "Import process completed successfully";
  int imported = 0;
  int updated = 0;
  int ignored = 0;
  int deleted = 0;
  Json conflicts = Json::array();
  std::set<std::size_t> rejected;
  std::string complete = "false";
  bool dry_run = false;
  bool async = false;
  std::string strategy = "CREATE_AND_UPDATE";

  Json json(bool legacy) const {
    Json result{{"responseType", "ImportSummary"},
                {"status", status},
                {"description", description},
                {"importCount",
                 {{"imported", imported},
                  {"updated", updated},
                  {"ignored", ignored},
                  {"deleted", deleted}}},
                {"dataSetComplete", complete}};
    if (!legacy || !conflicts.empty()) result["conflicts"] = conflicts;
    if (legacy) return result;
    result["importOptions"] = {{"dryRun", dry_run}, {"importStrategy", strategy}, {"async", async}};
    result["rejectedIndexes"] = rejected;
    return result;
  }
};

struct Dhis2Settings {
  std::string username = "admin";
  std::string password = "district";
  std::string token = "d2pat_sandbox";
  std::set<std::string> data_elements;
  std::string data_element_pattern = "^TH_[A-Z_]+$";
  std::set<std::string> org_units;
  std::set<std::string> data_sets;
  bool strict_id_schemes = true;
  bool legacy_summary = false;
  std::int64_t async_ms = 300;
  std::regex pattern{data_element_pattern};

  // Without the credentials.
  Json json() const {
    return {{"username", username},
            {"data_elements", data_elements},
            {"data_element_pattern", data_element_pattern},
            {"org_units", org_units},
            {"data_sets", data_sets},
            {"strict_id_schemes", strict_id_schemes},
            {"legacy_summary", legacy_summary},
            {"async_ms", async_ms}};
  }

  // "" or what is wrong; unchanged when something is.
  std::string apply(const Json& body, bool refuse_unknown) {
    if (!body.is_object()) return "settings must be a JSON object";
    Dhis2Settings next = *this;
    for (const auto& [key, value] : body.items()) {
      const auto take_text = [&, &value = value](std::string& field) {
        if (!value.is_string()) return false;
        field = value.get<std::string>();
        return true;
      };
      const auto take_flag = [&, &value = value](bool& field) {
        if (!value.is_boolean()) return false;
        field = value.get<bool>();
        return true;
      };
      const auto take_list = [&, &value = value](std::set<std::string>& field) {
        if (!value.is_array()) return false;
        field.clear();
        for (const auto& one : value) {
          if (!one.is_string()) return false;
          field.insert(one.get<std::string>());
        }
        return true;
      };
      bool ok = false;
      if (key == "username") {
        ok = take_text(next.username);
      } else if (key == "password") {
        ok = take_text(next.password);
      } else if (key == "token") {
        ok = take_text(next.token);
      } else if (key == "data_elements") {
        ok = take_list(next.data_elements);
      } else if (key == "org_units") {
        ok = take_list(next.org_units);
      } else if (key == "data_sets") {
        ok = take_list(next.data_sets);
      } else if (key == "strict_id_schemes") {
        ok = take_flag(next.strict_id_schemes);
      } else if (key == "legacy_summary") {
        ok = take_flag(next.legacy_summary);
      } else if (key == "async_ms") {
        ok = value.is_number_integer();
        if (ok) next.async_ms = value.get<std::int64_t>();
        ok = ok && next.async_ms >= 0 && next.async_ms <= kMaxAsync;
      } else if (key == "data_element_pattern") {
        ok =
            take_text(next.data_element_pattern) && next.data_element_pattern.size() <= kMaxPattern;
        if (ok) {
          try {
            next.pattern = std::regex(next.data_element_pattern);
          } catch (const std::regex_error&) {
            ok = false;
          }
        }
      } else {
        ok = !refuse_unknown;
      }
      if (!ok) return "unknown setting or bad value: " + key;
    }
    *this = std::move(next);
    return {};
  }
};

// ---- reading documents ----

void fail(Document& document, std::size_t group, std::string object, std::string text) {
  document.failed_description = "Data set import failed for group number: " + std::to_string(group);
  document.failed_object = std::move(object);
  document.failed_text = std::move(text);
}

// Nothing when the text is not XML or its root is not adx.
std::optional<Document> read_adx(const std::string& body) {
  pugi::xml_document xml;
  const auto parsed =
      xml.load_buffer(body.data(), body.size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
  if (!parsed) return std::nullopt;
  const auto root = xml.document_element();
  const std::string root_name = root.name();
  const auto colon = root_name.find(':');
  const auto prefix = colon == std::string::npos ? std::string() : root_name.substr(0, colon + 1);
  const auto declaration =
      prefix.empty() ? std::string("xmlns") : "xmlns:" + prefix.substr(0, prefix.size() - 1);
  if (root_name != prefix + "adx" || root.attribute(declaration.c_str()).value() != kAdxNamespace)
    return std::nullopt;

  Document document;
  if (!is_date_time(root.attribute("exported").value())) {
    fail(document, 0, "exported", "adx must have an attribute exported with an xs:dateTime");
    return document;
  }
  std::size_t group_number = 0;
  for (const auto& group : root.children()) {
    if (group.type() != pugi::node_element) continue;
    ++group_number;
    if (group.name() != prefix + "group") {
      fail(document, group_number, group.name(), "adx takes only elements group");
      return document;
    }
    for (const auto* required : {"orgUnit", "period", "dataSet"}) {
      if (*group.attribute(required).value() == '\0') {
        fail(document, group_number, required,
             std::string("Cannot import group without attribute: ") + required);
        return document;
      }
    }
    Value common;
    common.data_set = group.attribute("dataSet").value();
    common.org_unit = group.attribute("orgUnit").value();
    common.period = period_of_range(group.attribute("period").value());
    if (common.period.empty()) {
      fail(document, group_number, group.attribute("period").value(),
           "Period is not an ADX time range (YYYY-MM-DD/P1M and the like) of a DHIS2 period type");
      return document;
    }
    const std::string complete = group.attribute("completeDate").value();
    if (!complete.empty()) {
      if (!parse_date(complete)) {
        fail(document, group_number, "completeDate", "completeDate is not a date");
        return document;
      }
      document.completions.push_back(
          {common.data_set, common.period, common.org_unit, complete.substr(0, 10)});
    }
    std::size_t values = 0;
    for (const auto& node : group.children()) {
      if (node.type() != pugi::node_element) continue;
      if (node.name() != prefix + "dataValue" || *node.attribute("dataElement").value() == '\0' ||
          node.attribute("value").empty()) {
        fail(document, group_number, node.name(),
             "group takes elements dataValue with dataElement and value");
        return document;
      }
      Value value = common;
      // Every other attribute is a category with its option.
      std::map<std::string, std::string> categories;
      for (const auto& attribute : node.attributes()) {
        const std::string name = attribute.name();
        if (name == "dataElement") {
          value.data_element = attribute.value();
        } else if (name == "value") {
          value.value = attribute.value();
        } else if (!name.starts_with("xmlns")) {
          categories[name] = attribute.value();
        }
      }
      if (!categories.empty()) {
        value.category_option_combo.clear();
        for (const auto& [name, option] : categories) {
          if (!value.category_option_combo.empty()) value.category_option_combo += ",";
          value.category_option_combo += name + "=" + option;
        }
      }
      value.comment = node.child((prefix + "annotation").c_str()).text().get();
      value.has_value = !value.value.empty();
      document.values.push_back(std::move(value));
      if (document.values.size() > kMaxValuesPerImport) {
        fail(document, group_number, "dataValue", "Too many data values in one document");
        return document;
      }
      ++values;
    }
    if (values == 0) {
      fail(document, group_number, "dataValue", "group without dataValue");
      return document;
    }
  }
  if (group_number == 0) fail(document, 0, "group", "adx without group");
  return document;
}

std::string scalar(const Json& object, std::string_view key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  if (found == object.end() || found->is_null() || found->is_structured()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::optional<Document> read_json(const std::string& body) {
  const auto json = parse_json(body);
  if (!json || !json->is_object()) return std::nullopt;
  Document document;
  for (const auto& [key, value] : json->items()) {
    if ((key.ends_with("Scheme") || key == "dryRun" || key == "importStrategy") &&
        !value.is_structured()) {
      document.parameters[key] = scalar(*json, key);
    }
  }
  Value common;
  common.data_set = scalar(*json, "dataSet");
  common.period = scalar(*json, "period");
  common.org_unit = scalar(*json, "orgUnit");
  if (const auto combo = scalar(*json, "attributeOptionCombo"); !combo.empty())
    common.attribute_option_combo = combo;
  const auto complete = scalar(*json, "completeDate");
  if (!complete.empty()) {
    if (!parse_date(complete)) return std::nullopt;
    document.completions.push_back(
        {common.data_set, common.period, common.org_unit, complete.substr(0, 10)});
  }
  const auto list = json->find("dataValues");
  if (list == json->end()) return document;
  if (!list->is_array()) return std::nullopt;
  for (const auto& one : *list) {
    if (!one.is_object() || document.values.size() >= kMaxValuesPerImport) return std::nullopt;
    Value value = common;
    value.data_element = scalar(one, "dataElement");
    value.value = scalar(one, "value");
    value.comment = scalar(one, "comment");
    value.has_value = !value.value.empty();
    const auto override_with = [&](std::string& field, std::string_view key) {
      if (auto own = scalar(one, key); !own.empty()) field = std::move(own);
    };
    override_with(value.period, "period");
    override_with(value.org_unit, "orgUnit");
    override_with(value.category_option_combo, "categoryOptionCombo");
    override_with(value.attribute_option_combo, "attributeOptionCombo");
    document.values.push_back(std::move(value));
  }
  return document;
}

// ---- the server ----

Json web_message(int status, std::string_view http_status, std::string_view severity,
                 const std::string& message) {
  return {{"httpStatus", http_status},
          {"httpStatusCode", status},
          {"status", severity},
          {"message", message}};
}

Response error(int status, std::string_view http_status, const std::string& message,
               std::string_view code = {}) {
  auto body = web_message(status, http_status, "ERROR", message);
  if (!code.empty()) body["errorCode"] = code;
  return Response::json(status, body);
}

// Long, because each call of the API works on the same tables.
class Dhis2 final : public Service {
 public:
  Dhis2(Context context, const Json& options) : context_(std::move(context)) {
    if (options.is_null()) return;
    // Options also carry members of the frame, which are not ours to judge.
    if (const auto problem = settings_.apply(options, false); !problem.empty()) {
      throw std::invalid_argument("dhis2: " + problem);
    }
  }

  std::string name() const override { return "dhis2"; }

  Response handle(const Request& request) override {
    const Lock lock(mutex_);
    const auto resource = resource_of(request.path);
    if (!resource)
      return error(404, "Not Found", "There is nothing at this address; the API is below /api");
    if (!authorized(request.header("authorization"))) {
      auto response = error(401, "Unauthorized", "Unauthorized");
      response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"DHIS2\"");
      return response;
    }
    const bool get = request.method == "GET";
    if (*resource == "dataValueSets" || *resource == "dataValueSets.json") {
      if (get) return read(request);
      if (request.method == "POST") return import(request);
      return not_allowed("GET, POST");
    }
    if (!get) return not_allowed("GET");
    if (*resource == "system/info") return info();
    if (*resource == "me") return Response::json(200, {{"username", settings_.username}});
    constexpr std::string_view kTasks = "system/tasks/DATAVALUE_IMPORT/";
    constexpr std::string_view kSummaries = "system/taskSummaries/DATAVALUE_IMPORT/";
    if (resource->starts_with(kTasks)) return notifications(resource->substr(kTasks.size()));
    if (resource->starts_with(kSummaries)) return task_summary(resource->substr(kSummaries.size()));
    return error(404, "Not Found", "This resource is not part of the stand-in");
  }

  Response control(std::string_view what, const Json& body) override {
    const Lock lock(mutex_);
    if (what == "settings") {
      if (const auto problem = settings_.apply(body.is_null() ? Json::object() : body, true);
          !problem.empty()) {
        return Response::json(400, {{"error", problem}});
      }
      return Response::json(200, settings_.json());
    }
    if (what == "reset") {
      values_.clear();
      completions_.clear();
      tasks_.clear();
      task_order_.clear();
      return Response::json(200, Json::object());
    }
    return Service::control(what, body);
  }

 private:
  // (data element, period, org unit, category option combo, attribute option combo)
  using Key = std::tuple<std::string, std::string, std::string, std::string, std::string>;
  struct Stored {
    std::string data_set;
    std::string value;
    std::string comment;
    std::int64_t created = 0;
    std::int64_t updated = 0;
  };
  struct Task {
    std::int64_t started = 0;
    std::int64_t done = 0;
    Json summary;
  };
  struct Schemes {
    std::string data_element;
    std::string org_unit;
    std::string data_set;
  };

  // "/dhis/api/40/dataValueSets" -> "dataValueSets"
  static std::optional<std::string> resource_of(const std::string& path) {
    const auto api = path.find("/api/");
    if (api == std::string::npos) return std::nullopt;
    auto rest = path.substr(api + 5);
    const auto slash = rest.find('/');
    if (slash != std::string::npos && digits(rest.substr(0, slash))) rest = rest.substr(slash + 1);
    return rest;
  }

  static Response not_allowed(const std::string& methods) {
    auto response = error(405, "Method Not Allowed", "Request method is not supported");
    response.headers.emplace_back("Allow", methods);
    return response;
  }

  bool authorized(const std::string& header) const {
    const auto space = header.find(' ');
    if (space == std::string::npos) return false;
    const auto scheme = lower(header.substr(0, space));
    const auto credentials = std::string(trim(std::string_view(header).substr(space + 1)));
    if (scheme == "apitoken")
      return !settings_.token.empty() && equal_constant_time(credentials, settings_.token);
    if (scheme != "basic") return false;
    const auto decoded = base64_decode(credentials);
    return decoded && equal_constant_time(*decoded, settings_.username + ":" + settings_.password);
  }

  std::string time_text(std::int64_t ms) const {
    auto text = iso_millis(ms);
    if (!text.empty() && text.back() == 'Z')
      text.pop_back();  // DHIS2 writes server time without a zone
    return text;
  }

  Response info() const {
    return Response::json(200, {{"version", settings_.legacy_summary ? "2.37.9" : "2.40.4"},
                                {"revision", "sandbox"},
                                {"systemName", "DHIS2 stand-in"},
                                {"contextPath", context_.base_url},
                                {"calendar", "iso8601"},
                                {"serverDate", time_text(context_.now_ms())}});
  }

  // ---- import ----

  Response import(const Request& request) {
    auto type = request.header("content-type");
    type = lower(trim(std::string_view(type).substr(0, type.find(';'))));
    const bool adx = type == "application/adx+xml";
    if (!adx && type != "application/json") {
      return error(415, "Unsupported Media Type", "Content type '" + type + "' not supported");
    }
    if (request.body.size() > kMaxBody)
      return error(413, "Payload Too Large", "The document is larger than 10 MB");
    const auto document = adx ? read_adx(request.body) : read_json(request.body);
    if (!document) {
      return error(400, "Bad Request",
                   adx ? "The body is not an ADX document (root adx in urn:ihe:qrph:adx:2015)"
                       : "The body is not a JSON data value set");
    }
    const auto parameter = [&](std::string_view key) {
      const auto own = document->parameters.find(std::string(key));
      return own == document->parameters.end() ? request.query_value(key) : own->second;
    };
    Summary summary;
    summary.dry_run = lower(parameter("dryRun")) == "true";
    summary.async = lower(request.query_value("async")) == "true";
    if (const auto strategy = parameter("importStrategy"); !strategy.empty())
      summary.strategy = strategy;
    // The names of older versions.
    if (summary.strategy == "NEW_AND_UPDATES") summary.strategy = "CREATE_AND_UPDATE";
    if (summary.strategy == "NEW") summary.strategy = "CREATE";
    if (summary.strategy == "UPDATES") summary.strategy = "UPDATE";
    if (summary.strategy != "CREATE" && summary.strategy != "UPDATE" &&
        summary.strategy != "CREATE_AND_UPDATE" && summary.strategy != "DELETE") {
      return error(400, "Bad Request",
                   "importStrategy must be CREATE, UPDATE, CREATE_AND_UPDATE or DELETE");
    }
    Schemes schemes;
    for (const auto& [key, field] : {std::pair{"dataElementIdScheme", &schemes.data_element},
                                     std::pair{"orgUnitIdScheme", &schemes.org_unit},
                                     std::pair{"dataSetIdScheme", &schemes.data_set}}) {
      *field = lower(parameter(key));
      if (field->empty()) *field = lower(parameter("idScheme"));
      if (field->empty()) *field = adx ? "code" : "uid";
      if (*field != "uid" && *field != "code" && *field != "name" &&
          !field->starts_with("attribute:")) {
        return error(400, "Bad Request",
                     std::string(key) + " must be uid, code, name or attribute:ID");
      }
    }
    perform(*document, schemes, summary);
    if (!summary.async) return answer(request, summary);

    const auto id = "J" + random_hex(5);
    if (task_order_.size() >= kMaxTasks) {
      tasks_.erase(task_order_.front());
      task_order_.pop_front();
    }
    const auto now = context_.now_ms();
    tasks_[id] = {now, now + settings_.async_ms, summary.json(settings_.legacy_summary)};
    task_order_.push_back(id);
    auto body = web_message(200, "OK", "OK", "Initiated dataValueImport");
    body["response"] = {{"name", "dataValueImport"},
                        {"id", id},
                        {"created", time_text(now)},
                        {"jobType", "DATAVALUE_IMPORT"},
                        {"relativeNotifierEndpoint", "/api/system/tasks/DATAVALUE_IMPORT/" + id}};
    return Response::json(200, body);
  }

  Response answer(const Request& request, const Summary& summary) const {
    if (settings_.legacy_summary) {
      if (request.header("accept").find("application/xml") != std::string::npos)
        return legacy_xml(summary);
      return Response::json(200, summary.json(true));
    }
    if (summary.status == "SUCCESS") {
      auto body = web_message(200, "OK", "OK", "Import was successful.");
      body["response"] = summary.json(false);
      return Response::json(200, body);
    }
    auto body = web_message(409, "Conflict", summary.status,
                            summary.status == "WARNING"
                                ? "One more conflicts encountered, please check import summary."
                                : "An error occurred, please check import summary.");
    body["response"] = summary.json(false);
    return Response::json(409, body);
  }

  static Response legacy_xml(const Summary& summary) {
    pugi::xml_document xml;
    auto declaration = xml.append_child(pugi::node_declaration);
    declaration.append_attribute("version") = "1.0";
    declaration.append_attribute("encoding") = "UTF-8";
    auto root = xml.append_child("importSummary");
    root.append_attribute("xmlns") = std::string(kDxfNamespace).c_str();
    root.append_attribute("responseType") = "ImportSummary";
    root.append_child("status").text() = summary.status.c_str();
    root.append_child("description").text() = summary.description.c_str();
    auto count = root.append_child("importCount");
    count.append_attribute("imported") = summary.imported;
    count.append_attribute("updated") = summary.updated;
    count.append_attribute("ignored") = summary.ignored;
    count.append_attribute("deleted") = summary.deleted;
    auto conflicts = root.append_child("conflicts");
    for (const auto& conflict : summary.conflicts) {
      auto one = conflicts.append_child("conflict");
      one.append_attribute("object") = conflict.at("object").get<std::string>().c_str();
      one.append_attribute("value") = conflict.at("value").get<std::string>().c_str();
    }
    root.append_child("dataSetComplete").text() = summary.complete.c_str();
    std::ostringstream text;
    xml.save(text, "", pugi::format_raw);
    return {200, {{"Content-Type", "application/xml"}}, text.str(), 0, nullptr};
  }

  bool known(const std::set<std::string>& list, const std::string& id,
             const std::string& scheme) const {
    if (!list.empty()) return list.contains(id);
    if (id.empty()) return false;
    return scheme != "uid" || !settings_.strict_id_schemes || is_uid(id);
  }

  bool known_element(const std::string& id, const std::string& scheme) const {
    if (!settings_.data_elements.empty()) return settings_.data_elements.contains(id);
    if (scheme == "uid" && settings_.strict_id_schemes) return is_uid(id);
    return std::regex_search(id, settings_.pattern);
  }

  // Conflicts of the same object are one entry with all indexes.
  static void add_conflict(Summary& summary, std::size_t index, std::string_view code,
                           std::string_view property, const std::string& object,
                           const std::string& text) {
    summary.rejected.insert(index);
    for (auto& conflict : summary.conflicts) {
      if (conflict.at("errorCode") == code && conflict.at("object") == object) {
        conflict["indexes"].push_back(index);
        return;
      }
    }
    summary.conflicts.push_back({{"object", object},
                                 {"objects", {{std::string(property), object}}},
                                 {"value", text},
                                 {"errorCode", code},
                                 {"property", property},
                                 {"indexes", Json::array({index})}});
  }

  // Adds the conflicts of this value; false when it must not be imported.
  bool check(const Value& value, std::size_t index, const Schemes& schemes,
             Summary& summary) const {
    const auto conflict = [&](std::string_view code, std::string_view property,
                              const std::string& object, const std::string& text) {
      add_conflict(summary, index, code, property, object, text + ": `" + object + "`");
      return false;
    };
    if (!known_element(value.data_element, schemes.data_element)) {
      return conflict("E7610", "dataElement", value.data_element,
                      "Data element not found or not accessible");
    }
    if (!is_period(value.period))
      return conflict("E7611", "period", value.period, "Period not valid");
    if (!known(settings_.org_units, value.org_unit, schemes.org_unit)) {
      return conflict("E7612", "orgUnit", value.org_unit,
                      "Organisation unit not found or not accessible");
    }
    if (summary.strategy == "DELETE") return true;
    if (!value.has_value && value.comment.empty()) {
      return conflict("E7618", "dataElement", value.data_element,
                      "Data value or comment not specified for data element");
    }
    if (value.has_value && !is_decimal(value.value)) {
      add_conflict(summary, index, "E7619", "value", value.value,
                   "Value must match data element's `" + value.data_element +
                       "` type constraints: value_not_numeric");
      return false;
    }
    return true;
  }

  void perform(const Document& document, const Schemes& schemes, Summary& summary) {
    if (!document.failed_description.empty()) {
      summary.status = "ERROR";
      summary.description = document.failed_description;
      summary.conflicts.push_back(
          {{"object", document.failed_object}, {"value", document.failed_text}});
      return;
    }
    // A data set or an organisation unit that is not there stops the whole import.
    std::set<std::string> data_sets;
    for (const auto& value : document.values) data_sets.insert(value.data_set);
    for (const auto& one : document.completions) data_sets.insert(one.data_set);
    for (const auto& data_set : data_sets) {
      if (data_set.empty() || known(settings_.data_sets, data_set, schemes.data_set)) continue;
      summary.status = "ERROR";
      summary.description = "Import process was aborted";
      summary.ignored = static_cast<int>(document.values.size());
      summary.conflicts.push_back(
          {{"object", data_set},
           {"objects", {{"dataSet", data_set}}},
           {"value", "Data set not found or not accessible: `" + data_set + "`"},
           {"errorCode", "E7600"},
           {"property", "dataSet"}});
    }
    if (summary.status == "ERROR") return;

    struct Group {
      int changed = 0;
      int deleted = 0;
      int refused = 0;
      int values = 0;
    };
    std::map<std::tuple<std::string, std::string, std::string>, Group> groups;
    for (std::size_t i = 0; i < document.values.size(); ++i) {
      const auto& value = document.values[i];
      auto& group = groups[{value.data_set, value.org_unit, value.period}];
      ++group.values;
      if (!check(value, i, schemes, summary)) {
        ++summary.ignored;
        ++group.refused;
        continue;
      }
      switch (store(value, summary)) {
        case Change::kNone:
          ++summary.ignored;
          break;
        case Change::kImported:
          ++summary.imported;
          ++group.changed;
          break;
        case Change::kUpdated:
          ++summary.updated;
          ++group.changed;
          break;
        case Change::kDeleted:
          ++summary.deleted;
          ++group.deleted;
          break;
      }
    }
    if (!summary.conflicts.empty()) summary.status = "WARNING";
    for (const auto& completion : document.completions) {
      summary.complete = completion.date;
      if (!summary.dry_run)
        completions_[{completion.data_set, completion.org_unit, completion.period}] =
            completion.date;
    }
    if (summary.dry_run) return;
    for (const auto& [key, group] : groups) {
      const auto& [data_set, org_unit, period] = key;
      const char* kind = group.changed > 0               ? "report.imported"
                         : group.deleted > 0             ? "report.deleted"
                         : group.refused == group.values ? "report.refused"
                                                         : "report.repeated";
      context_.ledger.record(
          "dhis2", kind, data_set + "|" + org_unit + "|" + period,
          {{"changed", group.changed}, {"deleted", group.deleted}, {"refused", group.refused}});
    }
  }

  enum class Change { kNone, kImported, kUpdated, kDeleted };

  Change store(const Value& value, const Summary& summary) {
    const Key key{value.data_element, value.period, value.org_unit, value.category_option_combo,
                  value.attribute_option_combo};
    const auto found = values_.find(key);
    const auto now = context_.now_ms();
    if (summary.strategy == "DELETE") {
      if (found == values_.end()) return Change::kNone;
      if (!summary.dry_run) values_.erase(found);
      return Change::kDeleted;
    }
    if (found == values_.end()) {
      if (summary.strategy == "UPDATE" || values_.size() >= kMaxValues) return Change::kNone;
      if (!summary.dry_run) values_[key] = {value.data_set, value.value, value.comment, now, now};
      return Change::kImported;
    }
    auto& stored = found->second;
    if (summary.strategy == "CREATE") return Change::kNone;
    if (stored.value == value.value && stored.comment == value.comment) return Change::kNone;
    if (!summary.dry_run) {
      stored.value = value.value;
      stored.comment = value.comment;
      stored.updated = now;
      if (!value.data_set.empty()) stored.data_set = value.data_set;
    }
    return Change::kUpdated;
  }

  // ---- reading ----

  Response read(const Request& request) const {
    std::set<std::string> data_sets;
    std::set<std::string> periods;
    std::set<std::string> org_units;
    for (const auto& [key, value] : request.query) {
      if (key == "dataSet") data_sets.insert(value);
      if (key == "period") periods.insert(value);
      if (key == "orgUnit") org_units.insert(value);
    }
    if (data_sets.empty())
      return error(409, "Conflict", "At least one data set must be specified", "E2001");
    if (periods.empty())
      return error(409, "Conflict", "At least one period must be specified", "E2002");
    if (org_units.empty())
      return error(409, "Conflict", "At least one organisation unit must be specified", "E2006");
    Json body = Json::object();
    if (data_sets.size() == 1 && periods.size() == 1 && org_units.size() == 1) {
      body = {{"dataSet", *data_sets.begin()},
              {"period", *periods.begin()},
              {"orgUnit", *org_units.begin()}};
      const auto complete =
          completions_.find({*data_sets.begin(), *org_units.begin(), *periods.begin()});
      if (complete != completions_.end()) body["completeDate"] = complete->second;
    }
    body["dataValues"] = Json::array();
    for (const auto& [key, stored] : values_) {
      const auto& [data_element, period, org_unit, category, attribute] = key;
      if (!data_sets.contains(stored.data_set) || !periods.contains(period) ||
          !org_units.contains(org_unit))
        continue;
      Json item{{"dataElement", data_element},
                {"period", period},
                {"orgUnit", org_unit},
                {"categoryOptionCombo", category},
                {"attributeOptionCombo", attribute},
                {"value", stored.value},
                {"storedBy", settings_.username},
                {"created", time_text(stored.created)},
                {"lastUpdated", time_text(stored.updated)},
                {"followup", false}};
      if (!stored.comment.empty()) item["comment"] = stored.comment;
      body["dataValues"].push_back(std::move(item));
    }
    return Response::json(200, body);
  }

  // Newest first, as DHIS2 lists them.
  Response notifications(const std::string& id) const {
    auto list = Json::array();
    const auto found = tasks_.find(id);
    if (found != tasks_.end()) {
      const auto& task = found->second;
      const auto note = [&](std::int64_t time, std::string_view message, bool completed) {
        list.push_back({{"uid", "N" + random_hex(5)},
                        {"id", id},
                        {"level", "INFO"},
                        {"category", "DATAVALUE_IMPORT"},
                        {"time", time_text(time)},
                        {"message", message},
                        {"completed", completed}});
      };
      if (context_.now_ms() >= task.done) note(task.done, "Import done", true);
      note(task.started, "Process started", false);
    }
    return Response::json(200, list);
  }

  // No content until the import is done.
  Response task_summary(const std::string& id) const {
    const auto found = tasks_.find(id);
    if (found == tasks_.end() || context_.now_ms() < found->second.done)
      return Response::empty(200);
    return Response::json(200, found->second.summary);
  }

  const Context context_;
  Mutex mutex_;  // protects everything below
  Dhis2Settings settings_;
  std::map<Key, Stored> values_;
  std::map<std::tuple<std::string, std::string, std::string>, std::string> completions_;
  std::map<std::string, Task> tasks_;
  std::deque<std::string> task_order_;
};

}  // namespace

std::unique_ptr<Service> make_dhis2(Context context, const Json& options) {
  return std::make_unique<Dhis2>(std::move(context), options);
}

}  // namespace rabt::sandbox

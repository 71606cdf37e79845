#include <algorithm>
#include <array>
#include <charconv>

#include "hub/alerts/rules.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/span.hpp"
#include "hub/config/config_reader.hpp"
#include "hub/net/url.hpp"
#include "hub/phi/index_value.hpp"

// The section `alerts`: when the hub tells people that something is wrong, and how.
namespace rabt::config {

namespace {

using alerts::Numbers;
using alerts::Rule;
using alerts::Unit;
using alerts::Way;

constexpr int kMostCount = 1'000'000;
constexpr int kMostPercent = 100;
constexpr std::size_t kWaysOfPage = 2;

// A number of a rule in its unit: a span of time, or a whole number.
void read_figure(Reader& reader, const YamlNode& node, std::string_view key, Unit unit,
                 std::int64_t& out) {
  const YamlEntry* const entry = node.find(key);
  if (entry == nullptr) return;
  if (unit != Unit::seconds) {
    int number = 0;
    reader.integer(node, key, 0, unit == Unit::percent ? kMostPercent : kMostCount, number);
    out = number;
    return;
  }
  std::string text;
  reader.text(node, key, text);
  const auto span = parse_span_ms(text);
  if (span) {
    out = *span / kSecondMs;
    return;
  }
  reader.mistake(entry->line, entry->column,
                 "`" + std::string(key) + "` must be a number and s, m, h or d, such as `15m`");
}

void read_span_or_none(Reader& reader, const YamlNode& node, std::string_view key,
                       std::int64_t& out) {
  std::int64_t seconds = out / kSecondMs;
  read_figure(reader, node, key, Unit::seconds, seconds);
  out = std::min(seconds * kSecondMs, 30 * kDayMs);
}

void read_rule(Reader& reader, const YamlEntry& entry, const Rule& rule, Config& config) {
  Numbers numbers = rule.numbers;
  const YamlNode& node = *entry.value;
  if (node.kind == YamlNode::Kind::boolean) {
    numbers.on = node.scalar.as_bool();
    config.alerts.settings.rules.insert_or_assign(entry.key, numbers);
    return;
  }
  if (!reader.mapping(node, "the rule `" + entry.key + "`")) return;
  reader.only(node, {"open", "close", "for", "clear", "severity", "page"});
  read_figure(reader, node, "open", rule.unit, numbers.open);
  read_figure(reader, node, "close", rule.unit, numbers.close);
  read_span_or_none(reader, node, "for", numbers.for_ms);
  read_span_or_none(reader, node, "clear", numbers.clear_ms);
  std::string severity(alerts::to_string(numbers.severity));
  reader.choice(node, "severity", {"warn", "page"}, severity);
  numbers.severity = alerts::parse_severity(severity).value_or(numbers.severity);
  // A rule that pages at once raises nothing later.
  if (numbers.severity == alerts::Severity::page) numbers.page.reset();
  if (node.find("page") != nullptr) {
    std::int64_t page = 0;
    read_figure(reader, node, "page", rule.unit, page);
    numbers.page = page;
  }
  if (const Status good = alerts::check(rule, numbers); !good.ok())
    reader.mistake(entry.line, entry.column, good.error().message);
  config.alerts.settings.rules.insert_or_assign(entry.key, numbers);
}

void read_rules(Reader& reader, const YamlNode& node, Config& config) {
  const YamlNode* const rules = reader.section(node, "rules");
  if (rules == nullptr) return;
  for (const YamlEntry& entry : rules->entries) {
    if (const Rule* const rule = alerts::find_rule(entry.key); rule != nullptr) {
      read_rule(reader, entry, *rule, config);
    } else {
      reader.mistake(
          entry.line, entry.column,
          "`alerts.rules." + entry.key + "`: " + alerts::check_rule(entry.key).error().message);
    }
  }
}

void read_ways(Reader& reader, const YamlNode& tell, std::string_view key, std::vector<Way>& out) {
  const YamlEntry* const entry = tell.find(key);
  if (entry == nullptr) return;
  std::vector<std::string> names;
  reader.texts(tell, key, names);
  out.clear();
  for (const std::string& name : names) {
    const auto way = alerts::parse_way(name);
    if (!way) {
      reader.mistake(entry->line, entry->column,
                     "`" + std::string(key) + "` names channels: mail, sms and webhook; `" + name +
                         "` is none");
    } else if (std::find(out.begin(), out.end(), *way) == out.end()) {
      out.push_back(*way);
    }
  }
}

// Channels that are named are there, and a page has two.
void check_ways(Reader& reader, const YamlEntry& entry, const Config& config) {
  const AlertsEntry& alerts = config.alerts;
  const auto named = [&](Way way) {
    const auto in = [way](const std::vector<Way>& ways) {
      return std::find(ways.begin(), ways.end(), way) != ways.end();
    };
    return in(alerts.settings.warn) || in(alerts.settings.page);
  };
  const auto wrong = [&](const std::string& what) {
    reader.mistake(entry.line, entry.column, "`alerts.tell`: " + what);
  };
  const auto& warn = alerts.settings.warn;
  if (std::find(warn.begin(), warn.end(), Way::sms) != warn.end())
    wrong("sms is for `page` alone; name mail or webhook for `warn`");
  if (alerts.settings.page.size() < kWaysOfPage)
    wrong("`page` must name two channels, because the one may be what is broken");
  if (named(Way::mail) && !alerts.mail) wrong("names mail, and `alerts.mail` is missing");
  if (named(Way::sms) && alerts.sms.empty()) wrong("names sms, and `alerts.sms` is missing");
}

void read_mail(Reader& reader, const YamlNode& node, Config& config) {
  const YamlEntry* const entry = node.find("mail");
  const YamlNode* const mail = reader.section(node, "mail");
  if (mail == nullptr) return;
  reader.only(*mail, {"url", "from", "to", "user", "password", "ca"});
  AlertMailEntry out;
  reader.text(*mail, "url", out.url, true);
  reader.text(*mail, "from", out.from, true);
  reader.texts(*mail, "to", out.to);
  reader.text(*mail, "user", out.user);
  reader.path(*mail, "ca", out.ca);
  const auto wrong = [&](const std::string& what) {
    reader.mistake(entry->line, entry->column, "`alerts.mail`: " + what);
  };
  const auto url = net::parse_url_or_relay(out.url);
  if (!out.url.empty() && (!url.ok() || !url->scheme.starts_with("smtp")))
    wrong("`url` must be smtp://host or smtps://host, with a port if it is not the usual one");
  if (out.to.empty()) wrong("`to` must be a list with at least one address");
  std::vector<std::string> addresses = out.to;
  if (!out.from.empty()) addresses.push_back(out.from);
  for (const std::string& address : addresses) {
    const auto at = address.find('@');
    if (at == 0 || at == std::string::npos || at + 1 == address.size() ||
        address.find_first_of(" <>\r\n") != std::string::npos)
      wrong("`" + address + "` is no mail address such as it@hospital.example");
  }
  const YamlEntry* const password = mail->find("password");
  if ((password == nullptr) != out.user.empty()) wrong("`user` and `password` go together");
  if (password != nullptr) out.password = reader.secret(*password->value);
  config.alerts.mail = std::move(out);
}

void read_sms(Reader& reader, const YamlNode& node, Config& config) {
  const YamlEntry* const entry = node.find("sms");
  const YamlNode* const sms = reader.section(node, "sms");
  if (sms == nullptr) return;
  reader.only(*sms, {"to"});
  std::vector<std::string> numbers;
  reader.texts(*sms, "to", numbers);
  const auto wrong = [&](const std::string& what) {
    reader.mistake(entry->line, entry->column, "`alerts.sms`: " + what);
  };
  if (numbers.empty()) wrong("`to` must be a list with at least one telephone number");
  if (!config.roles.contains("notify"))
    wrong("SMS go through the role `notify`, and `roles` binds none");
  for (const std::string& number : numbers) {
    const auto phone = phi::normalise(phi::IndexKind::phone, number);
    if (phone.ok()) {
      config.alerts.sms.push_back(*phone);
    } else {
      wrong("a number of `to` is no telephone number such as +966501234567");
    }
  }
}

// "22:00" as a minute of the day.
void read_minute(Reader& reader, const YamlNode& node, std::string_view key, int& out) {
  const YamlEntry* const entry = node.find(key);
  std::string text;
  reader.text(node, key, text, true);
  if (entry == nullptr) return;
  int hour = -1;
  int minute = -1;
  constexpr std::size_t kLength = std::string_view("22:00").size();
  if (text.size() == kLength && text[2] == ':') {
    std::from_chars(text.data(), text.data() + 2, hour);
    std::from_chars(text.data() + 3, text.data() + kLength, minute);
  }
  constexpr int kHours = 24;
  constexpr int kMinutes = 60;
  if (hour < 0 || hour >= kHours || minute < 0 || minute >= kMinutes) {
    reader.mistake(entry->line, entry->column,
                   "`" + std::string(key) + "` must be a time of the day such as \"22:00\"");
    return;
  }
  out = hour * kMinutes + minute;
}

}  // namespace

void read_alerts(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* const node = reader.section(root, "alerts");
  if (node == nullptr) return;
  reader.only(*node, {"tell", "quiet", "language", "mail", "sms", "rules"});
  AlertsEntry& out = config.alerts;
  read_rules(reader, *node, config);
  read_mail(reader, *node, config);
  read_sms(reader, *node, config);
  if (const YamlNode* const quiet = reader.section(*node, "quiet"); quiet != nullptr) {
    reader.only(*quiet, {"from", "to"});
    read_minute(reader, *quiet, "from", out.settings.quiet.from_minute);
    read_minute(reader, *quiet, "to", out.settings.quiet.to_minute);
  }
  std::string language = "both";
  reader.choice(*node, "language", {"both", "ar", "en"}, language);
  if (language == "ar") out.languages = {alerts::Language::ar};
  if (language == "en") out.languages = {alerts::Language::en};
  if (const YamlNode* const tell = reader.section(*node, "tell"); tell != nullptr) {
    reader.only(*tell, {"warn", "page"});
    read_ways(reader, *tell, "warn", out.settings.warn);
    read_ways(reader, *tell, "page", out.settings.page);
    check_ways(reader, *node->find("tell"), config);
  }
}

}  // namespace rabt::config

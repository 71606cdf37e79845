#include <algorithm>
#include <utility>
#include <vector>

#include "hub/base/ascii.hpp"
#include "hub/plugin/services/services.hpp"

namespace rabt::plugin {

namespace {

constexpr std::size_t kMaxLogBytes = 16U << 10U;  // fields of one entry
constexpr std::size_t kMaxLogFields = 15;
constexpr std::size_t kMaxLogText = 256;

bool is_key(std::string_view text, std::string_view extra) {
  if (text.empty() || text.size() > 64) return false;
  return std::all_of(text.begin(), text.end(), [extra](char c) {
    return is_lower(c) || is_digit(c) || c == '_' || extra.find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string_view cut(std::string_view text) {
  if (text.size() <= kMaxLogText) return text;
  text = text.substr(0, kMaxLogText);
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0U) == 0x80U)
    text.remove_suffix(1);
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0x80U) text.remove_suffix(1);
  return text;
}

std::string Services::event_name(const Instance& self, const char* given) {
  const std::string_view name = given == nullptr ? std::string_view{} : std::string_view(given);
  const phi::Vocabulary& words = self.setup_.package.words;
  const bool own = is_key(name, ".-") && words.only_known(name) == name;
  return "plugin." + std::string(own ? name : "unnamed");
}

void Services::log_fields(Instance& self, rabt_bytes fields_json, std::vector<LogField>& out,
                          std::vector<std::string>& texts) {
  const phi::Vocabulary& words = self.setup_.package.words;
  const phi::Policy& policy = parts(self).privacy;
  Json fields;
  if (fields_json.len <= kMaxLogBytes) {
    auto parsed = Json::parse(view(fields_json));
    if (parsed.ok()) fields = std::move(parsed).value();
  }
  texts.reserve(2 * kMaxLogFields);  // names and values: the fields point into it
  if (!fields.is_object()) return;
  // A mark wins over everything; then the rules of the channel decide.
  std::size_t taken = 0;
  for (const auto& [key, value] : fields.as_object()) {
    if (taken == kMaxLogFields) break;
    const bool used = std::any_of(out.begin(), out.end(), [&name = key](const LogField& field) {
      return field.first == name;
    });
    if (!is_key(key, "") || used || key == "ts" || key == "level" || key == "event") continue;
    if (words.only_known(key) != key || self.setup_.package.phi_names.contains(key)) continue;
    if (value.is_bool()) {
      out.emplace_back(texts.emplace_back(key), value.as_bool());
      ++taken;
    } else if (value.is_string() || value.is_number()) {  // anything nested could be a document
      auto passed = policy.field(phi::Channel::log, key,
                                 value.is_string() ? value.as_string() : value.dump(), words);
      if (!passed) continue;
      ++taken;
      const std::string_view name = texts.emplace_back(key);
      texts.push_back(std::string(cut(*passed)));
      if (const auto whole = value.as_int64(); whole && texts.back() == value.dump()) {
        out.emplace_back(name, *whole);
      } else if (value.is_number() && texts.back() == value.dump()) {
        out.emplace_back(name, value.as_double());
      } else {
        out.emplace_back(name, std::string_view(texts.back()));
      }
    }
  }
}

struct Services::Log {
  static void log(void* raw, std::uint32_t level, const char* event,
                  rabt_bytes fields_json) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass || !self.may_log()) return;
    const std::string name = event_name(self, event);
    std::vector<LogField> out{{"plugin", id(self)}};
    std::vector<std::string> texts;
    log_fields(self, fields_json, out, texts);
    const LogLevel at = level == RABT_LOG_DEBUG  ? LogLevel::debug
                        : level == RABT_LOG_INFO ? LogLevel::info
                        : level == RABT_LOG_WARN ? LogLevel::warn
                                                 : LogLevel::error;
    parts(self).log.log(
        at, level == RABT_LOG_HOST_MISBEHAVING ? "plugin.host_misbehaving" : std::string_view(name),
        out);
  } catch (...) {  // a log entry that cannot be written is lost
  }
};

void Services::fill_log(Instance& self) {
  self.offered_.log = {sizeof self.offered_.log, 0, &self, &Log::log};
}

}  // namespace rabt::plugin

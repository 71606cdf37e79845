#include "hub/phi/policy.hpp"

#include <algorithm>
#include <iterator>

#include "hub/base/ascii.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/base/utf8.hpp"

namespace rabt::phi {

namespace {

constexpr std::array<std::string_view, kChannels> kChannelNames = {"log", "error", "event",
                                                                   "notify"};
constexpr std::array<std::string_view, 4> kOtherNames = {"unknown-word", "field", "marked",
                                                         "unreadable"};

constexpr std::size_t kMaxCountDigits = 7;  // hours in milliseconds, megabytes in bytes

// Texts that the hub puts together from parts, so that they stand in no source as a whole
// (tests/phi/own_texts_test.cpp). Longer than a finding in them: the same day elsewhere is found.
constexpr std::array<std::string_view, 1> kOwnTexts = {
    "sunday, monday, tuesday, wednesday, thursday, friday, saturday",
};
// Fields of the hub's own entries that hold such a time. A plugin's field of the same name is not
// the hub's: it was read before.
constexpr std::array<std::string_view, 3> kOwnTimeFields = {"expires", "clock", "newest_entry"};
// The field of the hub's own entries that holds a signed checkpoint of the audit log: its origin, a
// number of entries, a hash and a signature. Others verify it byte for byte.
constexpr std::string_view kCheckpointField = "note";
// Times of certificates, issuers, keys and working hours, which follow these texts of the hub: no
// time of a patient does.
constexpr std::array<std::string_view, 7> kBeforeOwnTimes = {" expired on ",
                                                             " (seen at ",
                                                             "two of them overlap at ",
                                                             "the slot at ",
                                                             " overlaps one that begins at ",
                                                             " ends at ",
                                                             " was destroyed at "};

bool is_own_time(std::string_view text, const Finding& found) {
  return found.kind == Class::date &&
         std::any_of(kBeforeOwnTimes.begin(), kBeforeOwnTimes.end(), [&](std::string_view own) {
           return text.substr(0, found.begin).ends_with(own);
         });
}

// Begin of "https://host:port" that ends at `end`; `end` where none does.
std::size_t origin_before(std::string_view text, std::size_t end) {
  std::size_t at = end;
  while (at > 0 && (is_alnum(text[at - 1]) ||
                    std::string_view(".-:").find(text[at - 1]) != std::string_view::npos))
    --at;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (text.substr(0, at).ends_with(scheme)) return at - scheme.size();
  }
  return end;
}

// Links of invitations end with a code that the hub derives: no letter of it says anything.
void add_links(std::string_view text, std::vector<Span>& out) {
  constexpr std::string_view kBefore = "/i#";
  // 128 bits in base 32.
  constexpr std::size_t kCode = 26;
  const auto of_code = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); };
  for (std::size_t at = text.find(kBefore); at != std::string_view::npos;
       at = text.find(kBefore, at + 1)) {
    const std::string_view code = text.substr(at + kBefore.size()).substr(0, kCode);
    const std::size_t end = at + kBefore.size() + kCode;
    const bool whole = code.size() == kCode && (end == text.size() || !is_alnum(text[end]));
    if (whole && std::all_of(code.begin(), code.end(), of_code))
      out.push_back({origin_before(text, at), end});
  }
}

// Ids that the hub made: ULIDs of the years 2004 to 2039. A letter of theirs says nothing, but what
// looks for dates or codes in it finds some.
void add_ids(std::string_view text, std::vector<Span>& out) {
  constexpr std::string_view kBefore = "01";
  constexpr std::size_t kId = 26;
  for (std::size_t at = text.find(kBefore); at != std::string_view::npos;
       at = text.find(kBefore, at + 1)) {
    if (at > 0 && is_alnum(text[at - 1])) continue;
    const std::string_view id = text.substr(at, kId);
    const std::size_t end = at + id.size();
    const bool whole = end == text.size() || !is_alnum(text[end]);
    const auto parsed = Ulid::parse(id);
    // Digits alone may be anything.
    if (whole && parsed && parsed->text() == id && std::any_of(id.begin(), id.end(), is_alpha))
      out.push_back({at, end});
  }
}

// Names of buckets of keys, such as consultation/2036-11: a class of data and the month in which
// the keys expire.
void add_buckets(std::string_view text, std::vector<Span>& out) {
  constexpr std::size_t kLeastClass = 3;
  constexpr std::size_t kMonth = 7;  // "2036-11"
  constexpr std::string_view kFirstYear = "2020";
  const auto in_class = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  for (std::size_t at = text.find('/'); at != std::string_view::npos; at = text.find('/', at + 1)) {
    std::size_t begin = at;
    while (begin > 0 && in_class(text[begin - 1])) --begin;
    if (at - begin < kLeastClass || (begin > 0 && is_alnum(text[begin - 1]))) continue;
    const std::string_view month = text.substr(at + 1, kMonth);
    const std::size_t end = at + 1 + month.size();
    bool whole = month.size() == kMonth && month.substr(0, kFirstYear.size()) >= kFirstYear &&
                 (end == text.size() || (!is_alnum(text[end]) && text[end] != '-'));
    for (std::size_t i = 0; whole && i < kMonth; ++i)
      whole = i == kFirstYear.size() ? month[i] == '-' : is_digit(month[i]);
    if (whole) out.push_back({begin, end});
  }
}

// `of_hub`: the text is one of the hub, and not of a plugin.
std::vector<Span> own_parts(std::string_view text, std::vector<Span> out, bool of_hub) {
  // An id that a machine made names nobody, whatever stands in it: 0feb is no day.
  if (is_machine_id(text)) out.push_back({0, text.size()});
  add_links(text, out);
  if (of_hub) {
    add_ids(text, out);
    add_buckets(text, out);
  }
  for (const std::string_view own : kOwnTexts) {
    for (std::size_t at = text.find(own); at != std::string_view::npos;
         at = text.find(own, at + own.size()))
      out.push_back({at, at + own.size()});
  }
  std::sort(out.begin(), out.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  return out;
}

// The findings less what lies within constants. What is left of a finding and holds no letter or
// digit is none.
std::vector<Finding> outside_of(const std::vector<Span>& constants, std::string_view text,
                                const std::vector<Finding>& found) {
  const auto says = [text](std::size_t begin, std::size_t end) {
    return std::any_of(text.begin() + static_cast<std::ptrdiff_t>(begin),
                       text.begin() + static_cast<std::ptrdiff_t>(end),
                       [](char c) { return is_alnum(c) || static_cast<unsigned char>(c) >= 0x80; });
  };
  std::vector<Finding> out;
  for (Finding rest : found) {
    const auto end = rest.end;
    const auto take = [&](std::size_t to) {
      if (rest.begin >= to || !says(rest.begin, to)) return;
      out.push_back(rest);
      out.back().end = to;
    };
    for (const Span& constant : constants) {
      if (constant.end <= rest.begin) continue;
      if (constant.begin >= end) break;
      take(constant.begin);
      rest.begin = std::min(constant.end, end);
    }
    take(end);
  }
  return out;
}

// Texts for others count as foreign words, even where they repeat a text of the hub.
const Vocabulary& small_words() {
  static const Vocabulary words;
  return words;
}

// Classes of the allowed field that a name is or lies below. Null if there is none.
const std::set<Class>* allowed(const ChannelRules& rules, std::string_view path) {
  while (true) {
    if (const auto found = rules.allow.find(path); found != rules.allow.end())
      return &found->second;
    const auto point = path.rfind('.');
    if (point == std::string_view::npos) return nullptr;
    path = path.substr(0, point);
  }
}

// The runs of letters and of what is beyond ASCII, in lower case.
std::vector<std::string> words_of(std::string_view text) {
  const auto in_word = [](char c) { return is_alpha(c) || static_cast<unsigned char>(c) >= 0x80; };
  std::vector<std::string> out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && in_word(text[end])) ++end;
    if (end > i) out.push_back(lower(text.substr(i, end - i)));
    i = std::max(end, i + 1);
  }
  return out;
}

}  // namespace

std::string_view to_string(Channel channel) {
  return kChannelNames.at(static_cast<std::size_t>(channel));
}
std::optional<Channel> parse_channel(std::string_view text) {
  const auto found = std::find(kChannelNames.begin(), kChannelNames.end(), text);
  if (found == kChannelNames.end()) return std::nullopt;
  return static_cast<Channel>(found - kChannelNames.begin());
}
std::optional<Class> parse_class(std::string_view text) {
  for (std::size_t i = 0; i < kClasses; ++i) {
    if (const auto kind = static_cast<Class>(i); to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

PolicyRules default_rules() {
  PolicyRules rules;
  for (const char* number : {"ms", "bytes", "count", "total", "attempt", "attempts", "status",
                             "http_status", "answer_bytes", "request_bytes"})
    rules.of(Channel::log).allow.emplace(number, std::set<Class>{});
  rules.of(Channel::log).allow.emplace("remote", std::set<Class>{Class::ip});
  rules.of(Channel::event).action = Action::block;
  ChannelRules& notify = rules.of(Channel::notify);
  notify.action = Action::block;
  notify.allow.emplace("to", std::set<Class>{Class::phone, Class::email});
  // Inputs of the capabilities of the role `notify`.
  for (const char* text : {"text", "template", "title", "subject", "html", "reference", "language"})
    notify.allow.emplace(text, std::set<Class>{});
  return rules;
}

Policy::Policy(PolicyRules rules, std::shared_ptr<const Detector> detector)
    : rules_(std::move(rules)), detector_(std::move(detector)) {}

void Policy::count(Channel channel, Class kind) const {
  ++counts_.at(static_cast<std::size_t>(channel)).at(static_cast<std::size_t>(kind));
}
void Policy::count(Channel channel, Other what) const {
  ++counts_.at(static_cast<std::size_t>(channel)).at(kClasses + static_cast<std::size_t>(what));
}

void Policy::learn(std::string_view names) const {
  std::vector<std::string> words = words_of(names);
  const WriteLock lock(mutex_);
  names_.insert(std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
}

void Policy::learn(const Vocabulary& words) const {
  const WriteLock lock(mutex_);
  packages_.add_constants(words);
}

std::vector<Span> Policy::constants_in(std::string_view text) const {
  const ReadLock lock(mutex_);
  return packages_.constants_in(text);
}

bool Policy::learnt(std::string_view name) const {
  const std::vector<std::string> words = words_of(name);
  const ReadLock lock(mutex_);
  return std::all_of(words.begin(), words.end(),
                     [this](const std::string& word)
                         RABT_REQUIRES_SHARED(mutex_) { return names_.contains(word); });
}

std::optional<std::string> Policy::detect(Channel channel, std::string_view text,
                                          const std::set<Class>& passing,
                                          const Vocabulary* words) const {
  if (detector_ == nullptr) return std::string(text);
  std::vector<Finding> found = detector_->find(text);
  std::erase_if(found, [&](const Finding& one) {
    return passing.contains(one.kind) || (words == nullptr && is_own_time(text, one));
  });
  if (!found.empty())
    found = outside_of(
        own_parts(text, words == nullptr ? constants_in(text) : words->constants_in(text),
                  words == nullptr),
        text, found);
  std::erase_if(found, [&](const Finding& one) {
    return one.kind == Class::name && learnt(text.substr(one.begin, one.end - one.begin));
  });
  for (const Finding& finding : found) count(channel, finding.kind);
  if (found.empty()) return std::string(text);
  if (rules_.of(channel).action == Action::block) return std::nullopt;
  return mask(text, found);
}

std::string Policy::outside_text(Channel channel, std::string_view text,
                                 const Vocabulary& words) const {
  if (text.size() > kMaxScreenedText) {
    count(channel, Other::unreadable);
    return std::string(kWithheld);
  }
  const std::string allowed_text = words.only_known(text);
  if (allowed_text.find(kWithheld) != std::string::npos) {
    count(channel, Other::unknown_word);
    if (rules_.of(channel).action == Action::block) return std::string(kWithheld);
  }
  return detect(channel, allowed_text, {}, &words).value_or(std::string(kWithheld));
}

std::string Policy::hub_text(Channel channel, std::string_view name, std::string_view text) const {
  if (text.size() > kMaxScreenedText) {
    count(channel, Other::unreadable);
    return std::string(kWithheld);
  }
  if (channel == Channel::log && name == kCheckpointField) return std::string(text);
  const auto& allow = rules_.of(channel).allow;
  const auto found = allow.find(name);
  std::set<Class> passing = found == allow.end() ? std::set<Class>{} : found->second;
  if (std::find(kOwnTimeFields.begin(), kOwnTimeFields.end(), name) != kOwnTimeFields.end())
    passing.insert(Class::date);
  return detect(channel, text, passing, nullptr).value_or(std::string(kWithheld));
}

std::optional<std::string> Policy::field(Channel channel, std::string_view name,
                                         std::string_view value, const Vocabulary& words) const {
  const auto& allow = rules_.of(channel).allow;
  const auto found = allow.find(name);
  if (found == allow.end()) return outside_text(channel, value, words);
  if (value.size() > kMaxScreenedText || !is_utf8(value)) {
    count(channel, Other::unreadable);
    return std::nullopt;
  }
  // A field for counts and durations holds none that is as long as an identifier.
  if (found->second.empty() && value.size() > kMaxCountDigits &&
      value.find_first_not_of("0123456789") == std::string_view::npos)
    return outside_text(channel, value, words);
  return detect(channel, value, found->second, &words);
}

// One document on its way out.
struct Policy::Walk {
  const Policy& policy;
  Channel channel;
  const std::set<std::string>& marked;
  std::size_t values = 0;
  std::optional<Error> refused;

  Error blocked(const std::string& path, std::string_view why) const {
    return denied("phi.blocked", std::string(to_string(channel)) + ": `" +
                                     (path.empty() ? "the whole" : path) + "` " + std::string(why) +
                                     "; nothing was sent (privacy.channels." +
                                     std::string(to_string(channel)) + " of the configuration)");
  }

  // Returns the value as it may leave. If it returns nullopt, `refused` says why. `is_marked` says
  // whether the value or one that contains it is marked.
  std::optional<Json> run(const Json& value, const std::string& path, bool is_marked) {
    if (++values > kMaxScreenedValues) {
      policy.count(channel, Other::unreadable);
      refused = blocked("", "has too many values to be checked");
      return std::nullopt;
    }
    if (value.is_object()) {
      JsonObject out;
      for (const auto& [key, part] : value.as_object()) {
        const std::string below = path.empty() ? key : path + '.' + key;
        if (!name_passes(key, below)) return std::nullopt;
        auto passed = run(part, below, is_marked || marked.contains(key));
        if (!passed) return std::nullopt;
        out.append_new(key, std::move(*passed));
      }
      return Json(std::move(out));
    }
    if (value.is_array()) {
      Json::Array out;
      for (const Json& part : value.as_array()) {
        auto passed = run(part, path, is_marked);
        if (!passed) return std::nullopt;
        out.push_back(std::move(*passed));
      }
      return Json(std::move(out));
    }
    if (value.is_null()) return value;
    return leaf(value, path, is_marked);
  }

  // A member's name may be data too. What the configuration spells is not; what is below an allowed
  // field is read like a value, and cannot be masked.
  bool name_passes(const std::string& key, const std::string& path) {
    const auto& allow = policy.rules_.of(channel).allow;
    const auto spelt = allow.lower_bound(path);
    if (spelt != allow.end() && spelt->first == path) return true;
    const auto inside = allow.lower_bound(path + '.');
    if (inside != allow.end() && inside->first.starts_with(path + '.')) return true;
    const std::set<Class>* classes = allowed(policy.rules_.of(channel), path);
    if (classes == nullptr) {
      policy.count(channel, Other::field);
      refused = blocked(shown(path), "is not among the allowed fields");
      return false;
    }
    if (policy.detector_ == nullptr || key.size() > kMaxScreenedText || !is_utf8(key)) {
      policy.count(channel, Other::unreadable);
      refused = blocked(shown(path), "has a member whose name cannot be checked");
      return false;
    }
    for (const Finding& finding : policy.detector_->find(key)) {
      if (classes->contains(finding.kind)) continue;
      policy.count(channel, finding.kind);
      refused = blocked(shown(path), "has a member whose name holds patient data");
      return false;
    }
    return true;
  }

  std::optional<Json> leaf(const Json& value, const std::string& path, bool is_marked) {
    const std::set<Class>* classes = allowed(policy.rules_.of(channel), path);
    if (classes == nullptr) {
      policy.count(channel, Other::field);
      refused = blocked(shown(path), "is not among the allowed fields");
      return std::nullopt;
    }
    if (is_marked && classes->empty()) {
      policy.count(channel, Other::marked);
      refused = blocked(shown(path), "is marked as patient data, and its field lists no class");
      return std::nullopt;
    }
    if (value.is_bool()) return value;
    const std::string text = value.is_string() ? value.as_string() : value.dump();
    if (policy.detector_ == nullptr || text.size() > kMaxScreenedText || !is_utf8(text)) {
      policy.count(channel, Other::unreadable);
      refused = blocked(shown(path), policy.detector_ == nullptr
                                         ? "cannot be checked: the hub runs without a detector"
                                         : "cannot be checked: it is too long or no UTF-8");
      return std::nullopt;
    }
    auto passed = policy.detect(channel, text, *classes, &small_words());
    if (!passed) {
      refused = blocked(shown(path), "holds patient data of a class that it may not hold");
      return std::nullopt;
    }
    return *passed == text ? value : Json(std::move(*passed));
  }

  // A member's name may be data where a schema allows any: only the part that the configuration
  // names is told.
  std::string shown(const std::string& path) const {
    const auto& allow = policy.rules_.of(channel).allow;
    for (std::string_view rest = path;;) {
      if (allow.find(rest) != allow.end()) return std::string(rest);
      if (marked.contains(std::string(rest.substr(rest.rfind('.') + 1)))) return std::string(rest);
      const auto point = rest.rfind('.');
      if (point == std::string_view::npos) return "a member";
      rest = rest.substr(0, point);
    }
  }
};

Result<Json> Policy::document(Channel channel, const Json& document,
                              const std::set<std::string>& marked) const {
  Walk walk{*this, channel, marked, 0, std::nullopt};
  auto passed = walk.run(document, "", false);
  if (!passed) return *std::move(walk.refused);
  return *std::move(passed);
}

std::vector<PolicyCount> Policy::counts() const {
  std::vector<PolicyCount> out;
  for (std::size_t channel = 0; channel < kChannels; ++channel) {
    for (std::size_t what = 0; what < kClasses + kOthers; ++what) {
      const std::uint64_t number = counts_.at(channel).at(what).load();
      if (number == 0) continue;
      out.push_back(
          {static_cast<Channel>(channel),
           what < kClasses ? to_string(static_cast<Class>(what)) : kOtherNames.at(what - kClasses),
           number});
    }
  }
  return out;
}

const Policy& strict_policy() {
  static const Policy policy(default_rules(), nullptr);
  return policy;
}

namespace {

class ScreenedLogger final : public Logger {
 public:
  ScreenedLogger(Logger& base, const Policy& policy) : base_(base), policy_(policy) {}

  void log(LogLevel level, std::string_view event, LogFields fields) override {
    std::vector<LogField> out(fields.begin(), fields.end());
    std::vector<std::string> texts;
    texts.reserve(out.size());  // the entries point into it
    for (auto& [key, value] : out) {
      const auto* text = std::get_if<std::string_view>(&value);
      if (text == nullptr) continue;
      value = std::string_view(texts.emplace_back(policy_.hub_text(Channel::log, key, *text)));
    }
    base_.log(level, event, out);
  }

 private:
  Logger& base_;
  const Policy& policy_;
};

}  // namespace

std::unique_ptr<Logger> screened(Logger& base, const Policy& policy) {
  return std::make_unique<ScreenedLogger>(base, policy);
}

}  // namespace rabt::phi

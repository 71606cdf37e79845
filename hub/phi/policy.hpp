#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"
#include "hub/phi/detector.hpp"
#include "hub/phi/vocabulary.hpp"

// Policy of the data that may leave the hub on each channel. First the list of allowed fields, then
// the detector as the second net; a mark (x-phi) wins over both. docs/privacy.md.
namespace rabt::phi {

enum class Channel : std::uint8_t {
  log,     // the hub's log, plugins' entries in it
  error,   // problem documents, errors of plugins
  event,   // what a plugin publishes to other systems
  notify,  // SMS, e-mail, push
};
inline constexpr std::size_t kChannels = 4;
[[nodiscard]] std::string_view to_string(Channel channel);
[[nodiscard]] std::optional<Channel> parse_channel(std::string_view text);
[[nodiscard]] std::optional<Class> parse_class(std::string_view text);
inline constexpr std::size_t kClasses = 14;  // of detector.hpp

enum class Action : std::uint8_t {
  mask,   // what was found is replaced by its class
  block,  // the whole text, or the whole call, does not leave
};

struct ChannelRules {
  Action action = Action::mask;
  // Field: classes that may stand in it. log: a field of an entry. event, notify: a member of the
  // arguments, with points for nesting ("parameters.clinic"); what is below it is allowed too.
  std::map<std::string, std::set<Class>, std::less<>> allow;
};
struct PolicyRules {
  std::array<ChannelRules, kChannels> channels;

  [[nodiscard]] ChannelRules& of(Channel channel) {
    return channels.at(static_cast<std::size_t>(channel));
  }
  [[nodiscard]] const ChannelRules& of(Channel channel) const {
    return channels.at(static_cast<std::size_t>(channel));
  }
};
// log: a few numbers by name, and the address of a caller. error: nothing. event: nothing, block.
// notify: `to` with a phone or an e-mail address, `text` and `template` without patient data;
// block.
[[nodiscard]] PolicyRules default_rules();

// Texts that are longer are withheld whole: nothing that a person reads is.
inline constexpr std::size_t kMaxScreenedText = 64U << 10U;
inline constexpr std::size_t kMaxScreenedValues = 10'000;  // leaves of one document

// Count of findings: the class, never the value.
struct PolicyCount {
  Channel channel = Channel::log;
  std::string_view what;  // a class, or "unknown-word", "field", "marked", "unreadable"
  std::uint64_t count = 0;
};

// Immutable but for its counters and the names it learns; any thread.
class Policy {
 public:
  // Without a detector only allowed fields and known words decide, and event and notify refuse
  // every text.
  Policy(PolicyRules rules, std::shared_ptr<const Detector> detector);

  // Names of the hub's surroundings, such as the id, title and vendor of a plugin: the detector's
  // class `name` does not count where it finds nothing but their words.
  void learn(std::string_view names) const;
  // Constant texts of a plugin's package: the hub passes on what the plugin says, so that they are
  // no findings in a hub_text either.
  void learn(const Vocabulary& words) const;

  // A text that a plugin or an outside system made: its known words, then the detector. Action
  // block: all or nothing. Bounded: kMaxScreenedText.
  [[nodiscard]] std::string outside_text(Channel channel, std::string_view text,
                                         const Vocabulary& words) const;
  // A text that the hub made, in a field of this name: the detector, less the classes that the
  // field may hold.
  [[nodiscard]] std::string hub_text(Channel channel, std::string_view name,
                                     std::string_view text) const;
  // One field of a plugin's log entry; nullopt if it is left out. An allowed field passes the
  // detector, every other one is an outside_text, and so is a number of more than seven digits in a
  // field without classes; numbers are texts of their digits.
  [[nodiscard]] std::optional<std::string> field(Channel channel, std::string_view name,
                                                 std::string_view value,
                                                 const Vocabulary& words) const;

  // The document as it may leave on event or notify. marked: names that a schema marks with x-phi;
  // such a member needs an allowed field that lists a class. Every text and number must lie in an
  // allowed field and hold nothing but the field's classes. Action mask: findings are replaced by
  // their class; fields that are not allowed still refuse. Fails closed: without a
  // detector, on bad UTF-8 and past the limits. Errors: denied phi.blocked (names the field and
  // the class, never the value).
  [[nodiscard]] Result<Json> document(Channel channel, const Json& document,
                                      const std::set<std::string>& marked) const;

  [[nodiscard]] std::vector<PolicyCount> counts() const;  // those above zero

 private:
  enum class Other : std::uint8_t { unknown_word, field, marked, unreadable };
  static constexpr std::size_t kOthers = 4;
  struct Walk;

  void count(Channel channel, Class kind) const;
  void count(Channel channel, Other what) const;
  // The text without findings of other classes; nothing when it is blocked.
  // words: of the package that said it; null for the hub's own texts. Its constants are not
  // findings.
  [[nodiscard]] std::optional<std::string> detect(Channel channel, std::string_view text,
                                                  const std::set<Class>& passing,
                                                  const Vocabulary* words) const;

  [[nodiscard]] bool learnt(std::string_view name) const;
  // Constants of the hub and of the packages that were learnt.
  [[nodiscard]] std::vector<Span> constants_in(std::string_view text) const;

  // Constant after construction.
  PolicyRules rules_;
  std::shared_ptr<const Detector> detector_;

  mutable SharedMutex mutex_;
  // In lower case.
  mutable std::set<std::string, std::less<>> names_ RABT_GUARDED_BY(mutex_);
  mutable Vocabulary packages_ RABT_GUARDED_BY(mutex_);

  mutable std::array<std::array<std::atomic<std::uint64_t>, kClasses + kOthers>, kChannels>
      counts_{};
};

// The default rules without a detector, for hubs that were given none (tests).
[[nodiscard]] const Policy& strict_policy();

// A logger in front of another: every text in an entry passes the detector. The hub's own entries
// hold ids, codes and messages of the hub; this is the second net under them. base and policy must
// outlive it.
[[nodiscard]] std::unique_ptr<Logger> screened(Logger& base, const Policy& policy);

}  // namespace rabt::phi

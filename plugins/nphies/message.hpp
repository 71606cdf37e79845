#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json_text.hpp"
#include "settings.hpp"

// The parts that every request message shares: Bundle, MessageHeader, parties, patient and
// coverage.
namespace rabt::nphies {

// Source of new ids and of the time.
struct Stamp {
  std::function<std::string()> uuid;  // lower case, rule BV-00341
  std::int64_t now = 0;               // unix seconds
};

struct Identifier {
  std::string system;
  std::string value;
  bool operator==(const Identifier&) const = default;
};
[[nodiscard]] Json to_json(const Identifier& identifier);
// Both parts empty when there is none at the path.
[[nodiscard]] Identifier identifier_at(const Json& root, std::string_view path);

// A request that is ready to be stored and sent.
struct Draft {
  std::string bytes;
  std::string bundle_id;
  std::string header_id;
  // The patient of the focal resource.
  Identifier subject;
  // Facts that the answer needs later; hold no patient data.
  Json facts = Json::object();
};

[[nodiscard]] Json code_in(std::string_view system, std::string_view code);
[[nodiscard]] Json nphies_code(std::string_view code_system, std::string_view code);
[[nodiscard]] Json hl7_code(std::string_view code_system, std::string_view code);
[[nodiscard]] Json reference(const std::string& url);

// Text cut to the limit for its script: Arabic text has half the room (implementation guide 2.8,
// table 3.3). Counts code points.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t latin_limit,
                                 bool* cut = nullptr);
// Required text of an identifier: never cut. Throws Refusal naming path when empty or longer than
// limit.
[[nodiscard]] std::string required_id(const Json& input, const std::string& path,
                                      std::size_t limit = 100);

// Collects the entries of one message in order. Use once.
class MessageBuilder final {
 public:
  MessageBuilder(const Settings& settings, const Stamp& stamp)
      : settings_(settings), stamp_(stamp) {}

  struct Slot {
    std::string id;
    std::string url;
  };
  // An id and its fullUrl, for references to entries that are added later.
  [[nodiscard]] Slot slot(std::string_view type) const;
  // Starts a resource with resourceType, id and meta.profile.
  [[nodiscard]] static Json resource(std::string_view type, const Slot& slot,
                                     std::string_view profile);
  void add(const Slot& slot, Json resource);
  // Bundle with MessageHeader first and the focal resource next, whenever they were added.
  // receiver_system: "payer-license" or "nphies".
  [[nodiscard]] Draft finish(std::string_view event, const Party& receiver,
                             std::string_view receiver_system, const Slot& focus,
                             Identifier subject, Json facts);

  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const Stamp& stamp() const { return stamp_; }

 private:
  const Settings& settings_;
  const Stamp& stamp_;
  std::vector<std::pair<Slot, Json>> entries_;
};

using Slot = MessageBuilder::Slot;

// Adds the resource and returns its place. with_type: the provider-type extension, which polls must
// not carry.
Slot add_provider(MessageBuilder& builder, bool with_type);
Slot add_payer(MessageBuilder& builder, const Party& payer);
// Takes over `family` and `given` of a person at the path of the input.
void add_name_parts(const Json& input, const std::string& path, Json& name);
// input: {"patient": {...}}
Slot add_patient(MessageBuilder& builder, const Json& input);
// input: {"coverage": {...}}. assumed receives what the message says only because nothing better
// was known.
Slot add_coverage(MessageBuilder& builder, const Json& input, const Slot& patient,
                  const Slot& payer, Json& assumed);
Slot add_facility(MessageBuilder& builder, const Slot& provider);

// The payer that the input names, by licence or by the name of the configured payer. A coverage
// that names none has the configured payer if it is the default. Throws Refusal in all other cases:
// another payer than the one that is meant must not get the message.
[[nodiscard]] Party payer_of(const Settings& settings, const Json& input);
// True if the input names a practitioner, even without a licence.
[[nodiscard]] bool names_practitioner(const Json& input);
// Parts of a message that the configuration gives because the input names none: "payer",
// "practitioner", "practitioner.specialty".
[[nodiscard]] Json assumed_of(const Json& input, bool with_practitioner);

}  // namespace rabt::nphies

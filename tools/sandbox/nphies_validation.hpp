#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// Checks of the NPHIES gateway before it lets a message through: routing, bundle and header rules,
// references, and the rules for professional claims, eligibility, tasks, communications and payment
// notices. Rule ids are those of the NPHIES validation error codes, release OBA 2.8, and of the
// invariants of nphies-fs 1.0.0.
//
// Not checked, on purpose: licensed terminologies (ICD-10-AM, SBS, SNOMED CT), elements unknown to
// FHIR (FR-00027), data type rules (DT-*) other than the poll count, and the special rules of
// institutional, oral, pharmacy and vision claims.
namespace rabt::sandbox::nphies {

using Json = nlohmann::json;

inline constexpr std::string_view kProfiles =
    "http://nphies.sa/fhir/ksa/nphies-fs/StructureDefinition/";
inline constexpr std::string_view kCodes = "http://nphies.sa/terminology/CodeSystem/";
inline constexpr std::string_view kProviderLicence = "http://nphies.sa/license/provider-license";
inline constexpr std::string_view kPayerLicence = "http://nphies.sa/license/payer-license";
inline constexpr std::string_view kNphiesLicence = "http://nphies.sa/license/nphies";

// Milliseconds; IG-NPHIES 2.8 chapter 3.
inline constexpr std::int64_t kClockTolerance = 15 * 60'000;
// A broken message must not make an endless reply.
inline constexpr std::size_t kMaxFindings = 100;

// Readers that never throw: an absent key, a wrong type and an index past the end give null, "" or
// {}.
const Json& member(const Json& object, std::string_view key);
const Json& element(const Json& array, std::size_t index);
std::string text(const Json& object, std::string_view key);
// The code of the first coding of a CodeableConcept, and its system.
std::string code_of(const Json& concept_value);
std::string system_of(const Json& concept_value);
// The first extension whose url ends with "/name"; null when there is none.
const Json& extension(const Json& owner, std::string_view name);
// A date or dateTime at or before now; true when it cannot be read.
bool not_after(const std::string& fhir_date_time, std::int64_t limit_ms);

// A decimal number as a whole number of 10^-digits. Empty when it is not a number or does not fit.
struct Fixed {
  std::int64_t units = 0;
  // False after digits were cut off.
  bool exact = true;
};
std::optional<Fixed> fixed(const Json& number, int digits);
// Money.value in halalas. Empty when there is none.
std::optional<std::int64_t> halalas(const Json& money);

struct Party {
  std::string system;
  std::string value;
  bool operator==(const Party&) const = default;
  auto operator<=>(const Party&) const = default;
};
// Reads an Identifier, or the first of an array.
Party party_of(const Json& identifier);

struct Finding {
  std::string code;
  std::string display;
  std::string path;  // "Bundle.entry[1].resource.item[0].net"
};

struct Event {
  std::string_view request;
  std::string_view response;
  std::string_view focal_type;
};

// A message bundle that can be routed. Immutable; keeps a reference to the bundle.
class Message final {
 public:
  // A Finding when the message cannot be routed, so that the answer is an OperationOutcome.
  static std::variant<Message, Finding> open(const Json& bundle);

  const Json& bundle() const { return *bundle_; }
  const Event& event() const { return *event_; }
  const Json& header() const { return resource(0); }
  const Json& focal() const { return resource(focal_index_); }
  std::size_t focal_index() const { return focal_index_; }
  std::size_t size() const { return size_; }
  const Json& resource(std::size_t index) const;
  std::string full_url(std::size_t index) const;
  std::string bundle_id() const { return text(*bundle_, "id"); }
  std::string header_id() const { return text(header(), "id"); }
  Party sender() const;
  Party receiver() const;
  Party focal_identifier() const { return party_of(member(focal(), "identifier")); }

  // The entry a reference of entry `from` points to. Relative references resolve against the
  // fullUrl of `from` (FHIR R4 bundle.html#references), and by Type/id as gateways do in practice.
  std::optional<std::size_t> resolve(const Json& reference, std::size_t from) const;
  // The same, as a resource; null when it does not resolve.
  const Json& target(const Json& reference, std::size_t from) const;

 private:
  explicit Message(const Json& bundle) : bundle_(&bundle) {}

  const Json* bundle_;
  const Event* event_ = nullptr;
  std::size_t size_ = 0;
  std::size_t focal_index_ = 0;
  std::map<std::string, std::size_t> by_url_;
  std::map<std::string, std::size_t> by_type_and_id_;
};

struct Rules {
  std::string licence;      // GE-00020: the sender has to be this provider; "" accepts every one
  std::int64_t now_ms = 0;  // dates in the future are measured against it
};

// Every rule the message breaks, in the order of the message; empty when it is accepted.
std::vector<Finding> validate(const Message& message, const Rules& rules);

}  // namespace rabt::sandbox::nphies

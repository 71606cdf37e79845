#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Principals: everybody who asks the hub for something is a principal, and so is the actor of an
// audit entry.
namespace rabt::identity {

enum class Kind : std::uint8_t { anonymous, person, client, source, plugin, node, local, guest };

// Role of a person in the tenant. The part in one consultation (its patient, its doctor, a
// member of the family) is a fact of that consultation, not a role.
enum class Role : std::uint8_t {
  admin,
  security_officer,
  engineer,
  operator_,
  auditor,
  integration,
  doctor,
  specialist,
  nurse,
  // Books, moves, greets and answers the tasks of the front desk. Sees nothing clinical.
  desk,
  patient,
  guest
};

// "admin", "security_officer", "engineer", "operator", "auditor", "integration", "doctor",
// "specialist", "nurse", "desk", "patient", "guest"
[[nodiscard]] std::string_view to_string(Role role);
[[nodiscard]] std::optional<Role> parse_role(std::string_view text);

class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<Role> roles) {
    for (const Role role : roles) add(role);
  }
  constexpr void add(Role role) { bits_ |= bit(role); }
  [[nodiscard]] constexpr bool has(Role role) const { return (bits_ & bit(role)) != 0; }
  [[nodiscard]] constexpr bool has_any(Roles of) const { return (bits_ & of.bits_) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  // The roles that both sets have.
  [[nodiscard]] constexpr Roles among(Roles of) const {
    Roles out;
    out.bits_ = bits_ & of.bits_;
    return out;
  }
  // Their names, in the order of Role.
  [[nodiscard]] std::vector<std::string> names() const;
  friend constexpr bool operator==(Roles, Roles) = default;

 private:
  static constexpr std::uint32_t bit(Role role) { return 1U << static_cast<unsigned>(role); }
  std::uint32_t bits_ = 0;
};

// Roles of the staff that treats patients.
inline constexpr Roles kTreats{Role::doctor, Role::specialist, Role::nurse};

// The part in one session that the link of an invitation opened. ULIDs.
struct Part {
  std::string session;
  std::string participant;
  friend bool operator==(const Part&, const Part&) = default;
};

struct Principal {
  Kind kind = Kind::anonymous;
  std::string tenant;
  // A person's ULID, a client's or a source's name, the login of a local user, a guest's
  // participant.
  std::string id;
  Roles roles;
  // The ULID of the person for whom the act counts: a person's own id, or of whom a client acts
  // for. Empty when no person acts.
  std::string person;
  // The first digits of the SHA-256 of what the principal showed, for the audit log.
  std::string credential;
  // The session that a person signed in to. Empty when the credential was issued elsewhere.
  std::string session;
  // When the person last proved himself, and when he last did so by two factors or a passkey, in
  // milliseconds since 1970. 0 if he did not, or nobody knows.
  std::int64_t proven_ms = 0;
  std::int64_t strong_ms = 0;
  // True if somebody whose role asks for two factors has shown one: he may only enrol another.
  bool must_enrol = false;
  // Compatibility API at which the person signed in without the second factor that is asked for
  // elsewhere: must_enrol does not count there. Empty for everybody else.
  std::string confined_to{};
  // Session and participant that a guest may enter, and nothing else. Empty for everybody else.
  Part part{};

  // "person:01J...", "client:api-token", "anonymous", "guest:01J..."; "client:brainsait/
  // person:01J..." when a client acts for a person: audited as both.
  [[nodiscard]] std::string actor() const;
  [[nodiscard]] bool is(Role role) const { return roles.has(role); }
};

// Caller of an act, with address and reason.
struct Caller {
  Principal who;
  // Address of the caller.
  std::string client;
  // The hub's id of the request; behind it what a proven caller calls it (api::proven_request).
  std::string request;
  // The trace of a proven caller's request, or of the run that acts: 32 hexadecimal digits. Empty
  // when there is none.
  std::string trace{};
  // X-Rabt-Reason, and the code of HL7 v3 PurposeOfUse. May be empty.
  std::string reason;
  std::string purpose;
  // Token that a known device shows (identity::Throttle). May be empty.
  std::string device;
  // A page of the hub asks: the caller is proven by a cookie of his browser.
  bool page = false;
};

}  // namespace rabt::identity

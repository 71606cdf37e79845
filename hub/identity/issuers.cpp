#include "hub/identity/issuers.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "hub/base/ascii.hpp"
#include "hub/base/json.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/split.hpp"
#include "hub/crypto/jws.hpp"
#include "hub/identity/numeric_date.hpp"
#include "hub/identity/remote_keys.hpp"

namespace rabt::identity {

namespace {

constexpr std::int64_t kIssuerSkewMs = 60'000;
constexpr std::size_t kMaxIssuedSubject = 200;
constexpr std::size_t kMaxIssuedRoles = 64;
// Time for which a refused token is reported.
constexpr std::int64_t kTroubleMs = 10LL * 60 * 1000;
constexpr const char* kExpired = "the token has expired";

// Texts that stand in examples and templates. A secret that holds one of them, or repeats it until
// it is long enough, is known to everybody.
constexpr std::array<std::string_view, 12> kKnownWords{
    "secret",  "changeme", "change-me",  "change_me", "change-this", "your-256-bit-secret",
    "example", "password", "jwt_secret", "your_jwt",  "your-secret", "supersecret"};

// Words of roles that other systems use.
struct Word {
  std::string_view text;
  Role role;
};
constexpr std::array kWords{Word{"provider", Role::doctor}, Word{"practitioner", Role::doctor},
                            Word{"physician", Role::doctor}, Word{"administrator", Role::admin}};

Error refused(std::string why) {
  return denied("http.unauthenticated", std::move(why));
}

// Number of different bytes of a text. It is low for a secret that repeats few letters.
std::size_t variety(std::string_view text) {
  std::string sorted(text);
  std::sort(sorted.begin(), sorted.end());
  return static_cast<std::size_t>(
      std::distance(sorted.begin(), std::unique(sorted.begin(), sorted.end())));
}

Status check_secret(const IssuerOptions& issuer) {
  const std::string_view secret = issuer.secret->expose_text();
  const auto weak = [&](const std::string& why) {
    return invalid("identity.secret",
                   "the shared secret of the issuer " + issuer.name + " " + why +
                       "; make one with `openssl rand -base64 48` and give it to both sides");
  };
  if (secret.size() < kMinSharedSecret)
    return weak("has " + std::to_string(secret.size()) + " bytes and needs at least " +
                std::to_string(kMinSharedSecret));
  const std::string folded = lower(secret);
  for (const std::string_view word : kKnownWords) {
    if (folded.find(word) != std::string::npos)
      return weak("holds a word that stands in many examples");
  }
  constexpr std::size_t kMinVariety = 8;
  if (variety(secret) < kMinVariety) return weak("repeats a few characters");
  return ok_status();
}

Status check_times(const Json& claims, const IssuerOptions& issuer, std::int64_t now_ms) {
  const auto ends = numeric_date_ms(claims, "exp");
  if (!ends) return refused("`exp` is missing or no date");
  if (*ends + kIssuerSkewMs <= now_ms) return refused(kExpired);
  for (const std::string_view name : {"nbf", "iat"}) {
    if (claims.find(name) == nullptr) continue;
    const auto begins = numeric_date_ms(claims, name);
    if (!begins) return refused("`" + std::string(name) + "` is no date");
    if (*begins > now_ms + kIssuerSkewMs) return refused("the token is not good yet");
  }
  const std::int64_t begins =
      std::min(numeric_date_ms(claims, "iat").value_or(now_ms), now_ms + kIssuerSkewMs);
  if (*ends - begins > issuer.max_lifetime_ms + kIssuerSkewMs)
    return refused("the token lives longer than `max_lifetime` of its issuer allows");
  return ok_status();
}

Status check_age(const Json& claims, const IssuerOptions& issuer, std::int64_t now_ms) {
  if (issuer.max_age_ms == 0) return ok_status();
  const auto issued = numeric_date_ms(claims, "iat");
  if (!issued) return refused("`iat` is missing, which `max_age` needs");
  if (now_ms - *issued > issuer.max_age_ms + kIssuerSkewMs)
    return refused("the token is older than `max_age` allows");
  return ok_status();
}

Status check_required(const Json& claims, const IssuerOptions& issuer) {
  for (const auto& [name, value] : issuer.required) {
    const Json& claim = claims[name];
    const Json wanted(value);
    const bool listed = claim.is_array() && claim.size() <= kMaxIssuedRoles &&
                        std::find(claim.as_array().begin(), claim.as_array().end(), wanted) !=
                            claim.as_array().end();
    const auto words = split(name == "scope" && claim.is_string() ? claim.as_string() : "", ' ');
    const bool word = std::find(words.begin(), words.end(), value) != words.end();
    if (!(claim == wanted) && !listed && !word)
      return refused("the claim `" + name + "` has not the value that is required");
  }
  return ok_status();
}

Status check_audience(const Json& claims, const IssuerOptions& issuer) {
  const Json* audience = claims.find("aud");
  if (issuer.audience.empty()) {
    if (audience == nullptr) return ok_status();
    return refused("the token has an `aud`, and its issuer is configured to have none");
  }
  if (audience == nullptr) return refused("`aud` is missing");
  const Json wanted(issuer.audience);
  if (audience->is_string() && *audience == wanted) return ok_status();
  if (audience->is_array() && audience->size() <= kMaxIssuedRoles &&
      std::any_of(audience->as_array().begin(), audience->as_array().end(),
                  [&](const Json& item) { return item.is_string() && item == wanted; }))
    return ok_status();
  return refused("the token is for another audience");
}

// Tokens that prove a sign-in or end one, not a right to call.
Status check_use(const crypto::Jws& jws, const Json& claims, const IssuerOptions& issuer) {
  std::string type = lower(jws.type);
  constexpr std::string_view kPrefix = "application/";
  if (type.starts_with(kPrefix)) type.erase(0, kPrefix.size());
  if (!issuer.type.empty() && type != lower(issuer.type))
    return refused("the token is of another type");
  if (!type.empty() && type != "jwt" && type != "at+jwt") return refused("no access token");
  for (const std::string_view member : {"nonce", "at_hash", "events"}) {
    if (claims.find(member) != nullptr) return refused("no access token");
  }
  return ok_status();
}

std::optional<std::string> subject_of(const Json& value) {
  if (value.is_string()) {
    const std::string& text = value.as_string();
    const bool good = !text.empty() && text.size() <= kMaxIssuedSubject &&
                      std::none_of(text.begin(), text.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (good) return text;
    return std::nullopt;
  }
  const auto number = value.as_int64();
  // Whoever reads numbers as doubles would take larger ones for their neighbours.
  constexpr std::int64_t kMaxExact = 9'007'199'254'740'991;
  if (!number || *number < 0 || *number > kMaxExact) return std::nullopt;
  return std::to_string(*number);
}

void add_role(const IssuerOptions& issuer, const std::string& word, Roles& roles) {
  if (const auto mapped = issuer.role_map.find(word); mapped != issuer.role_map.end()) {
    roles.add(mapped->second);
    return;
  }
  const std::string folded = lower(word);
  if (const auto role = parse_role(folded)) roles.add(*role);
  for (const Word& one : kWords) {
    if (one.text == folded) roles.add(one.role);
  }
}

bool read_roles(const IssuerOptions& issuer, const Json& claim, Roles& roles) {
  if (claim.is_string()) {
    add_role(issuer, claim.as_string(), roles);
    return true;
  }
  if (!claim.is_array() || claim.size() > kMaxIssuedRoles) return false;
  for (const Json& item : claim.as_array()) {
    if (!item.is_string()) return false;
    add_role(issuer, item.as_string(), roles);
  }
  return true;
}

}  // namespace

namespace {

// The last reason of each issuer for refusing a token. Internally synchronised.
class Troubles {
 public:
  // issuer: empty when a token names none that is trusted.
  void note(const std::string& issuer, const std::string& why, std::int64_t now_ms) {
    const Lock lock(mutex_);
    last_[issuer] = {why, now_ms};
  }
  Status all(std::int64_t now_ms) const {
    const Lock lock(mutex_);
    std::string out;
    for (const auto& [issuer, one] : last_) {
      if (now_ms - one.at_ms > kTroubleMs) continue;
      out.append(out.empty() ? "" : "; ").append(issuer).append(issuer.empty() ? "" : ": ");
      out.append(one.why).append(" (seen at ").append(to_iso8601({one.at_ms})).append(")");
    }
    return out.empty() ? ok_status() : Status(refused(std::move(out)));
  }

 private:
  struct One {
    std::string why;
    std::int64_t at_ms = 0;
  };
  mutable Mutex mutex_;
  std::map<std::string, One> last_ RABT_GUARDED_BY(mutex_);
};

}  // namespace

struct Issuers::State {
  explicit State(const Clock& c) : clock(c) {}
  struct One {
    IssuerOptions options;
    std::vector<crypto::JwsKey> keys;
    // Null when the keys are known from the beginning.
    std::unique_ptr<RemoteKeys> remote;
  };
  const Clock& clock;
  std::vector<One> issuers;
  const std::unique_ptr<Troubles> troubles = std::make_unique<Troubles>();

  [[nodiscard]] Result<Claims> verify(std::string_view token, std::string& issuer,
                                      bool may_wait) const;
  [[nodiscard]] Result<Claims> judge(const crypto::Jws& jws, const Json& claims,
                                     const One& issuer) const;
};

Issuers::Issuers(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Issuers::Issuers(Issuers&&) noexcept = default;
Issuers::~Issuers() = default;

Result<Issuers> Issuers::make(std::vector<IssuerOptions> issuers, const Clock& clock,
                              const Exchange& exchange) {
  auto state = std::make_unique<State>(clock);
  for (IssuerOptions& options : issuers) {
    State::One one;
    if (options.secret != nullptr) {
      RABT_TRY_STATUS(check_secret(options));
      one.keys.push_back(crypto::JwsKey::shared(*options.secret));
    } else if (!options.jwks_url.empty()) {
      one.remote = std::make_unique<RemoteKeys>(
          RemoteKeys::Options{.url = options.jwks_url,
                              .algorithms = options.algorithms,
                              .stale_grace_ms = options.stale_grace_ms},
          exchange, clock);
    } else {
      auto read = read_jwks(options.jwks, options.algorithms);
      if (!read.ok()) {
        return invalid(read.error().code,
                       "the issuer " + options.name + ": " + read.error().message);
      }
      one.keys = *std::move(read);
    }
    for (const State::One& other : state->issuers) {
      if (options.secret != nullptr && other.options.secret != nullptr &&
          options.secret->equals(other.options.secret->expose())) {
        return invalid("identity.secret", "the issuers " + other.options.name + " and " +
                                              options.name +
                                              " have one secret: each could speak for the other");
      }
      if (!options.issuer.empty() && options.issuer == other.options.issuer) {
        return invalid("identity.issuer", "the issuers " + other.options.name + " and " +
                                              options.name + " have the same `issuer`");
      }
    }
    one.options = std::move(options);
    state->issuers.push_back(std::move(one));
  }
  return Issuers(std::move(state));
}

Result<Claims> Issuers::State::judge(const crypto::Jws& jws, const Json& claims,
                                     const One& issuer) const {
  const IssuerOptions& options = issuer.options;
  RABT_TRY_STATUS(check_times(claims, options, clock.now().ms));
  RABT_TRY_STATUS(check_audience(claims, options));
  RABT_TRY_STATUS(check_use(jws, claims, options));
  RABT_TRY_STATUS(check_age(claims, options, clock.now().ms));
  RABT_TRY_STATUS(check_required(claims, options));
  Claims out;
  out.issuer = &options;
  auto subject = subject_of(claims[options.subject_claim]);
  // Systems that share a secret with their services often have a claim of their own in its place.
  for (const std::string_view other : {"user_id", "userId"}) {
    if (subject || options.secret == nullptr || claims.find(options.subject_claim) != nullptr)
      break;
    subject = subject_of(claims[other]);
  }
  if (!subject && options.needs_subject) return refused("the token names nobody");
  out.subject = std::move(subject).value_or("");
  if (const Json* holder = claims.find("cnf"); holder != nullptr) {
    // A token for the holder of a key is nothing without that proof.
    out.certificate = holder->is_object() ? holder->string_or("x5t#S256", "") : "";
    if (out.certificate.empty() || holder->size() != 1)
      return refused("`cnf` asks for a proof that the hub does not take");
  }
  const Json* roles = claims.find(options.roles_claim);
  if (roles == nullptr && options.secret != nullptr) roles = claims.find("roles");
  if (roles != nullptr) {
    Roles roles_of_claim;
    if (!read_roles(options, *roles, roles_of_claim))
      return refused("the claim of roles is no list of texts");
    out.roles = roles_of_claim.among(options.may_grant);
    out.tells_roles = true;
  }
  if (!options.name_claim.empty()) out.name = claims.string_or(options.name_claim, "");
  out.issued_ms = numeric_date_ms(claims, "iat").value_or(0);
  const Json* signed_in = claims.find("auth_time");
  const std::int64_t at =
      (signed_in != nullptr ? signed_in->as_int64() : claims["iat"].as_int64()).value_or(0);
  const std::int64_t now = clock.now().ms;
  if (at > 0 && at <= now / 1000) out.proven_ms = at * 1000;
  const std::string acr = claims.string_or("acr", "");
  const bool strong = options.second_factor ||
                      std::find(options.strong_acr.begin(), options.strong_acr.end(), acr) !=
                          options.strong_acr.end();
  if (strong) out.strong_ms = out.proven_ms;
  return out;
}

// issuer: gets the name of the one that the token says it is from.
Result<Claims> Issuers::State::verify(std::string_view token, std::string& issuer,
                                      bool may_wait) const {
  const auto jws = crypto::read_jws(token, kMaxTokenBytes);
  if (!jws.ok()) return refused(jws.error().message);
  const auto claims = Json::parse(jws->payload, {.max_bytes = kMaxTokenBytes, .max_depth = 8});
  if (!claims.ok() || !claims->is_object())
    return refused("the claims are no JSON object, or name a member twice");
  // Before verification the issuer's name is only an index: which keys to try.
  const Json* named = claims->find("iss");
  if (named != nullptr && !named->is_string()) return refused("`iss` is no text");
  const std::string_view name = named == nullptr ? "" : std::string_view(named->as_string());
  if (named != nullptr && name.empty()) return refused("`iss` is empty");
  for (const One& one : issuers) {
    if (one.options.issuer != name) continue;
    issuer = one.options.name;
    RemoteKeys::Set published;
    if (one.remote != nullptr) {
      RABT_TRY(set, one.remote->keys(jws->key_id, may_wait));
      published = std::move(set);
    }
    for (const crypto::JwsKey& key : published != nullptr ? *published : one.keys) {
      if (!jws->key_id.empty() && !key.id().empty() && jws->key_id != key.id()) continue;
      if (key.verifies(*jws)) return judge(*jws, *claims, one);
    }
  }
  return refused(issuer.empty() ? "no issuer of the configuration has the `iss` of the token"
                                : "no key of the issuer made the signature");
}

Result<Claims> Issuers::verify(std::string_view token, RefusedToken* refused, bool may_wait) const {
  std::string issuer;
  auto claims = state_->verify(token, issuer, may_wait);
  if (claims.ok() || claims.error().message == kExpired || claims.error().code == kWaits)
    return claims;
  const Error& error = claims.error();
  state_->troubles->note(issuer, error.message, state_->clock.now().ms);
  if (refused != nullptr && error.kind == ErrorKind::denied)
    *refused = {std::move(issuer), error.message};
  return claims;
}

Status Issuers::trouble() const {
  return state_->troubles->all(state_->clock.now().ms);
}

}  // namespace rabt::identity

#include "hub/identity/oidc.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/uri.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/jws.hpp"
#include "hub/identity/numeric_date.hpp"
#include "hub/identity/remote_keys.hpp"
#include "hub/identity/statements.hpp"

namespace rabt::identity {

namespace {

constexpr std::int64_t kProviderSkewMs = kMinuteMs;
// From the begin to the end of a sign-in.
constexpr std::int64_t kFlowMs = 10 * kMinuteMs;
constexpr std::int64_t kMetadataMs = 60 * kMinuteMs;
// After a failure the issuer is left alone for so long.
constexpr std::int64_t kRetryMs = 5'000;
constexpr std::int64_t kOwnAssertionMs = kMinuteMs;
// Greatest age of an ID token or a logout token.
constexpr std::int64_t kMaxAgeMs = 10 * kMinuteMs;
constexpr std::size_t kMaxToken = 16U << 10U;
constexpr std::size_t kMaxRequestUri = 1024;
constexpr std::size_t kMaxSubject = 255;
constexpr std::size_t kMaxClaimedName = 200;
constexpr std::size_t kMaxRoles = 512;
// The header `typ`.
constexpr std::string_view kIdToken = "jwt";
constexpr std::string_view kLogoutEvent = "http://schemas.openid.net/event/backchannel-logout";
constexpr Roles kStrongRoles{Role::admin, Role::security_officer};

Error failed() {
  return denied("auth.oidc",
                "the sign-in was not completed; begin again, and ask an administrator if that "
                "does not help");
}
Error wrong(std::string why) {
  return denied("auth.oidc", std::move(why));
}
Error unreachable(std::string why) {
  return unavailable("auth.issuer_unreachable", std::move(why));
}

std::string random_text(Random& random) {
  Bytes bytes(32, 0);
  random.fill(bytes);
  return crypto::base64url(bytes);
}

std::string form_of(const Oidc::Query& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs)
    out.append(out.empty() ? "" : "&").append(name).append("=").append(percent_encode(value));
  return out;
}

// A parameter that stands there once. Empty when it is absent; nothing when it stands there twice.
std::optional<std::string> only(const Oidc::Query& query, std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [key, value] : query) {
    if (key != name) continue;
    if (found != nullptr) return std::nullopt;
    found = &value;
  }
  return found == nullptr ? std::string() : *found;
}

// Checks the claims that ID tokens and logout tokens have in common.
Status check_claims(const Json& claims, const OidcOptions& issuer, std::int64_t now) {
  if (!(claims["iss"] == Json(issuer.issuer))) return wrong("`iss` is another issuer");
  const Json own(issuer.client_id);
  const Json& audience = claims["aud"];
  const bool listed = audience.is_array() &&
                      std::find(audience.as_array().begin(), audience.as_array().end(), own) !=
                          audience.as_array().end();
  if (!(audience == own) && !listed) return wrong("`aud` is another client");
  const bool shared = listed && audience.size() > 1;
  const Json* party = claims.find("azp");
  if (party == nullptr ? shared : !(*party == own)) return wrong("`azp` is another client");
  const auto ends = numeric_date_ms(claims, "exp");
  if (!ends || *ends + kProviderSkewMs <= now) return wrong("the token has expired");
  if (claims.find("nbf") != nullptr) {
    const auto begins = numeric_date_ms(claims, "nbf");
    if (!begins || *begins > now + kProviderSkewMs) return wrong("the token is not good yet");
  }
  const auto issued = numeric_date_ms(claims, "iat");
  if (!issued || *issued > now + kProviderSkewMs || *issued + kMaxAgeMs + kProviderSkewMs <= now)
    return wrong("`iat` is missing, early or long ago");
  return ok_status();
}

bool is_text_within(const Json& value, std::size_t most) {
  return value.is_string() && !value.as_string().empty() && value.as_string().size() <= most;
}

}  // namespace

struct Oidc::State {
  struct Metadata {
    std::string authorization;
    std::string token;
    std::string jwks;
    // Endpoint for pushed authorization requests (RFC 9126). Empty if the issuer has none.
    std::string pushed;
    bool says_issuer = false;
  };
  struct One {
    explicit One(OidcOptions chosen) : options(std::move(chosen)) {}
    const OidcOptions options;
    Mutex mutex;
    // One request asks the issuer; the others take what is known, or wait for it.
    Condition fetched;
    bool fetching RABT_GUARDED_BY(mutex) = false;
    std::shared_ptr<const Metadata> metadata RABT_GUARDED_BY(mutex);
    std::shared_ptr<RemoteKeys> keys RABT_GUARDED_BY(mutex);
    std::int64_t read_ms RABT_GUARDED_BY(mutex) = 0;
    std::int64_t tried_ms RABT_GUARDED_BY(mutex) = 0;
  };
  // Somebody whom an issuer has named.
  struct Named {
    std::string subject;
    std::string session;
    std::string name;
    Roles roles;
    // The issuer says that there were two factors.
    bool strong = false;
  };

  State(Parts p, std::string t, std::string url, Exchange e)
      : parts(p), tenant(std::move(t)), public_url(std::move(url)), exchange(std::move(e)) {}

  Result<One*> find(std::string_view name) {
    for (const auto& issuer : issuers) {
      if (issuer->options.name == name) return issuer.get();
    }
    return not_found("auth.issuer_unknown", "there is no issuer of this name");
  }
  [[nodiscard]] std::string redirect_of(const One& issuer) const {
    return public_url + "/auth/oidc/" + issuer.options.name + "/callback";
  }
  // Text that belongs to one sign-in, and is known to nobody who does not have the key.
  Result<std::string> derived(std::string_view what, std::string_view flow) {
    RABT_TRY(key, parts.keyring.purpose_key(tenant, "oidc-flow/1"));
    return crypto::base64url(
        crypto::hmac_sha256(key.expose(), std::string(what) + "/" + std::string(flow)));
  }
  struct Known {
    std::shared_ptr<const Metadata> metadata;
    std::shared_ptr<RemoteKeys> keys;
  };
  Result<Known> discover(One& issuer);
  Result<Metadata> fetch_metadata(const One& issuer) const;
  Result<Json> verified(One& issuer, std::string_view token, std::string_view type);
  // Posts a form as the client that the hub is there; `audience` is what an assertion is made for.
  Result<net::Response> post(const One& issuer, const std::string& url, const std::string& audience,
                             Query form);
  Result<std::string> push(const One& issuer, const Metadata& metadata, Query asked);
  Result<std::string> redeem(One& issuer, const Metadata& metadata, const std::string& code,
                             const std::string& verifier);
  Result<Named> named(const One& issuer, const Json& claims) const;
  Result<std::string> person_of(const One& issuer, const Named& who, const Caller& by);
  // return_to: set once this browser is known to have begun the sign-in.
  Result<Ended> complete(One& issuer, const Query& query, std::string_view browser,
                         const Caller& by, std::string& return_to);
  // Takes the sign-in that the state names, once.
  struct Flow {
    std::string issuer;
    std::string browser;
    std::string return_to;
    std::int64_t ends_ms = 0;
  };
  Result<Flow> take(std::string_view state);

  const Parts parts;
  const std::string tenant;
  const std::string public_url;
  const Exchange exchange;
  std::vector<std::unique_ptr<One>> issuers;
};

Result<Oidc::State::Metadata> Oidc::State::fetch_metadata(const One& issuer) const {
  std::string url = issuer.options.issuer;
  while (url.ends_with('/')) url.pop_back();
  RABT_TRY(response, exchange({.url = url + "/.well-known/openid-configuration",
                               .headers = {{"Accept", "application/json"}}}));
  const auto document = Json::parse(response.body, {.max_depth = 16});
  if (response.status != 200 || !document.ok() || !document->is_object())
    return unreachable("the discovery document of the issuer cannot be read");
  // A document of another issuer would lead its codes to us, or ours to it.
  if (!((*document)["issuer"] == Json(issuer.options.issuer)))
    return unreachable("the discovery document names another issuer");
  const Json* methods = document->find("code_challenge_methods_supported");
  if (methods != nullptr && methods->is_array() &&
      std::find(methods->as_array().begin(), methods->as_array().end(), Json("S256")) ==
          methods->as_array().end())
    return unreachable("the issuer does not take PKCE with S256");
  Metadata out{
      .authorization = document->string_or("authorization_endpoint", ""),
      .token = document->string_or("token_endpoint", ""),
      .jwks = document->string_or("jwks_uri", ""),
      .pushed = document->string_or("pushed_authorization_request_endpoint", ""),
      .says_issuer = document->bool_or("authorization_response_iss_parameter_supported", false)};
  std::vector<std::string> endpoints{out.authorization, out.token, out.jwks};
  if (!out.pushed.empty()) endpoints.push_back(out.pushed);
  for (const std::string& endpoint : endpoints) {
    const bool literal = endpoint.starts_with("http://127.0.0.1:");
    if (!endpoint.starts_with("https://") && !literal)
      return unreachable("an endpoint of the issuer is missing, or is not https");
  }
  if (out.authorization.find('#') != std::string::npos)
    return unreachable("the authorization endpoint has a fragment");
  return out;
}

Result<Oidc::State::Known> Oidc::State::discover(One& issuer) {
  Lock lock(issuer.mutex);
  const std::int64_t now = parts.clock.monotonic_ms();
  const bool fresh = issuer.metadata != nullptr && now - issuer.read_ms < kMetadataMs;
  if (!fresh && !issuer.fetching && (issuer.tried_ms == 0 || now - issuer.tried_ms >= kRetryMs)) {
    issuer.tried_ms = now;
    issuer.fetching = true;
    lock.unlock();
    auto fetched = fetch_metadata(issuer);
    lock.lock();
    issuer.fetching = false;
    issuer.fetched.notify_all();
    if (fetched.ok()) {
      if (issuer.keys == nullptr || issuer.metadata->jwks != fetched->jwks) {
        issuer.keys = std::make_shared<RemoteKeys>(
            RemoteKeys::Options{.url = fetched->jwks,
                                .algorithms = issuer.options.algorithms,
                                .stale_grace_ms = issuer.options.stale_grace_ms},
            exchange, parts.clock);
      }
      issuer.metadata = std::make_shared<const Metadata>(*std::move(fetched));
      issuer.read_ms = now;
    } else if (issuer.metadata == nullptr) {
      return fetched.error();
    }
  } else if (issuer.metadata == nullptr) {
    issuer.fetched.wait(lock, [&]() RABT_REQUIRES(issuer.mutex) { return !issuer.fetching; });
  }
  if (issuer.metadata == nullptr) return unreachable("the issuer could not be reached just now");
  return Known{issuer.metadata, issuer.keys};
}

// The claims of a token that the issuer has signed. type: the `typ` that it must have. An ID token
// need not say what it is (`jwt`), and may be no token that says something else (RFC 8725 3.11).
Result<Json> Oidc::State::verified(One& issuer, std::string_view token, std::string_view type) {
  const auto jws = crypto::read_jws(token, kMaxToken);
  if (!jws.ok()) return wrong(jws.error().message);
  const bool untold = jws->type.empty() && type == kIdToken;
  if (!untold && lower(jws->type) != type) return wrong("the token is of another type");
  RABT_TRY(endpoints, discover(issuer));
  RABT_TRY(keys, endpoints.keys->keys(jws->key_id));
  const bool good = std::any_of(keys->begin(), keys->end(), [&](const crypto::JwsKey& key) {
    const bool fits = jws->key_id.empty() || key.id().empty() || jws->key_id == key.id();
    return fits && key.verifies(*jws);
  });
  if (!good) return wrong("no key of the issuer made the signature");
  auto claims = Json::parse(jws->payload, {.max_bytes = kMaxToken, .max_depth = 16});
  if (!claims.ok() || !claims->is_object()) return wrong("the claims are no JSON object");
  RABT_TRY_STATUS(check_claims(*claims, issuer.options, parts.clock.now().ms));
  return *std::move(claims);
}

Result<net::Response> Oidc::State::post(const One& issuer, const std::string& url,
                                        const std::string& audience, Query form) {
  const OidcOptions& options = issuer.options;
  net::Request request{.method = "POST",
                       .url = url,
                       .headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                                   {"Accept", "application/json"}}};
  if (options.key != nullptr) {
    const std::int64_t now = parts.clock.now().ms / 1000;
    Json header = Json::object();
    if (!options.key_id.empty()) header.set("kid", options.key_id);
    RABT_TRY(assertion,
             crypto::sign_jwt(options.key->expose(), options.key_algorithm, header.dump(),
                              Json::object({{"iss", options.client_id},
                                            {"sub", options.client_id},
                                            {"aud", audience},
                                            {"jti", random_text(parts.random)},
                                            {"iat", now},
                                            {"exp", now + kOwnAssertionMs / 1000}})
                                  .dump()));
    if (only(form, "client_id")->empty()) form.emplace_back("client_id", options.client_id);
    form.emplace_back("client_assertion_type",
                      "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    form.emplace_back("client_assertion", assertion);
  } else {
    const std::string pair =
        percent_encode(options.client_id) + ":" + percent_encode(options.secret->expose_text());
    request.headers.emplace_back("Authorization", "Basic " + to_base64(as_bytes(pair)));
  }
  request.body = form_of(form);
  return exchange(std::move(request));
}

// Hands the request to the issuer itself, so that the browser carries its name alone and changes
// nothing in it. The name.
Result<std::string> Oidc::State::push(const One& issuer, const Metadata& metadata, Query asked) {
  RABT_TRY(response, post(issuer, metadata.pushed, issuer.options.issuer, std::move(asked)));
  const auto answer = Json::parse(response.body, {.max_depth = 8});
  if (response.status != 201 || !answer.ok() ||
      !is_text_within((*answer)["request_uri"], kMaxRequestUri))
    return unreachable("the issuer did not take the request beforehand");
  return (*answer)["request_uri"].as_string();
}

Result<std::string> Oidc::State::redeem(One& issuer, const Metadata& metadata,
                                        const std::string& code, const std::string& verifier) {
  RABT_TRY(response, post(issuer, metadata.token, metadata.token,
                          {{"grant_type", "authorization_code"},
                           {"code", code},
                           {"redirect_uri", redirect_of(issuer)},
                           {"code_verifier", verifier}}));
  const auto answer = Json::parse(response.body, {.max_depth = 8});
  if (response.status >= 500) return unreachable("the token endpoint failed");
  if (response.status != 200 || !answer.ok() || !(*answer)["id_token"].is_string())
    return wrong("the token endpoint refused the code, or gave no ID token");
  // The access token is not kept: the hub asks the issuer nothing more.
  return (*answer)["id_token"].as_string();
}

Result<Oidc::State::Named> Oidc::State::named(const One& issuer, const Json& claims) const {
  const OidcOptions& options = issuer.options;
  if (!is_text_within(claims["sub"], kMaxSubject)) return wrong("`sub` is no text, or too long");
  if (!options.tenant_claim.empty() &&
      !(claims[options.tenant_claim] == Json(options.tenant_value)))
    return wrong("the person belongs to another tenant");
  Named out;
  out.subject = claims["sub"].as_string();
  if (is_text_within(claims["sid"], kMaxSubject)) out.session = claims["sid"].as_string();
  if (is_text_within(claims[options.name_claim], kMaxClaimedName))
    out.name = claims[options.name_claim].as_string();
  Roles roles_of_claim;
  const auto add = [&](const Json& word) {
    if (!word.is_string()) return;
    const auto mapped = options.role_map.find(word.as_string());
    if (mapped != options.role_map.end()) roles_of_claim.add(mapped->second);
  };
  const Json& roles = claims[options.roles_claim];
  if (roles.is_array() && roles.size() <= kMaxRoles) {
    for (const Json& item : roles.as_array()) add(item);
  } else {
    add(roles);
  }
  const Json& acr = claims["acr"];
  const bool strong =
      acr.is_string() && std::find(options.strong_acr.begin(), options.strong_acr.end(),
                                   acr.as_string()) != options.strong_acr.end();
  out.strong = strong;
  for (const std::string& role : roles_of_claim.among(options.may_grant).names()) {
    const auto one = parse_role(role);
    if (one && (strong || !kStrongRoles.has(*one))) out.roles.add(*one);
  }
  return out;
}

// (issuer, subject) is the person; an e-mail address never is.
Result<std::string> Oidc::State::person_of(const One& issuer, const Named& who, const Caller& by) {
  const OidcOptions& options = issuer.options;
  const Caller hub{.who = {.kind = Kind::client, .tenant = tenant, .id = "issuer:" + options.name},
                   .client = by.client,
                   .request = by.request};
  for (int tries = 0; tries < 2; ++tries) {
    RABT_TRY(found, parts.people.by_external(tenant, options.name, who.subject));
    if (found) {
      RABT_TRY(standing, parts.people.standing(tenant, *found));
      if (!standing || !standing->active) return wrong("the person is disabled");
      if (options.provision && standing->issuer == options.name &&
          !(standing->roles == who.roles)) {
        PersonChange change;
        change.roles = who.roles;
        RABT_TRY_STATUS(parts.people.change(hub, *found, change));
      }
      return *found;
    }
    NewPerson person;
    person.profile.set(
        "externalIds",
        Json::array({Json::object({{"system", options.name}, {"value", who.subject}})}));
    if (!who.name.empty()) person.profile.set("name", who.name);
    if (options.provision) {
      person.roles = who.roles;
      person.issuer = options.name;
    }
    const auto result = parts.people.create(hub, person);
    if (result.ok()) return result->id;
    // Another request of the same person was quicker.
    if (result.error().code != "person.taken") return result.error();
  }
  return wrong("the person cannot be made");
}

Result<Oidc::State::Flow> Oidc::State::take(std::string_view state) {
  Flow out;
  const std::string hashed = crypto::sha256_bytes(state);
  RABT_TRY_STATUS(parts.store.write([&](store::Transaction& transaction) -> Status {
    out = {};
    RABT_TRY_STATUS(transaction.query(
        sql::kFindFlow, {store::Blob{hashed}, tenant}, [&](const store::Row& row) {
          out.issuer = std::string(row.text(sql::kFindFlow["issuer"]));
          out.browser = std::string(row.blob(sql::kFindFlow["browser"]));
          out.return_to = std::string(row.text(sql::kFindFlow["return_to"]));
          out.ends_ms = row.integer(sql::kFindFlow["ends_ms"]);
          return false;
        }));
    return store::run(transaction, sql::kDropFlow, {store::Blob{hashed}, tenant});
  }));
  return out;
}

Result<Oidc::Ended> Oidc::State::complete(One& issuer, const Query& query, std::string_view browser,
                                          const Caller& by, std::string& return_to) {
  const auto state = only(query, "state");
  const auto code = only(query, "code");
  const auto says = only(query, "iss");
  if (!state || state->empty() || !code || !says)
    return wrong("`state` is missing, or a parameter stands there twice");
  RABT_TRY(flow, take(*state));
  if (flow.issuer.empty()) return wrong("the state is unknown, or was used before");
  if (flow.issuer != issuer.options.name) return wrong("the callback is another issuer's");
  if (!constant_time_equal(as_bytes(flow.browser), as_bytes(crypto::sha256_bytes(browser))))
    return wrong("another browser began the sign-in");
  return_to = flow.return_to;
  if (parts.clock.now().ms >= flow.ends_ms) return wrong("the sign-in took too long");
  RABT_TRY(endpoints, discover(issuer));
  if (says->empty() ? endpoints.metadata->says_issuer : *says != issuer.options.issuer)
    return wrong("the answer is another issuer's (RFC 9207)");
  if (code->empty()) return wrong("the issuer refused the sign-in");
  RABT_TRY(verifier, derived("verifier", *state));
  RABT_TRY(token, redeem(issuer, *endpoints.metadata, *code, verifier));
  RABT_TRY(claims, verified(issuer, token, kIdToken));
  RABT_TRY(nonce, derived("nonce", *state));
  if (!(claims["nonce"] == Json(nonce))) return wrong("`nonce` is missing or another one");
  if (claims.find("events") != nullptr) return wrong("this is a logout token");
  RABT_TRY(who, named(issuer, claims));
  RABT_TRY(person, person_of(issuer, who, by));
  RABT_TRY(in, parts.accounts.open(by, person, issuer.options.name, who.session, who.strong));
  return Ended{.in = std::move(in), .return_to = flow.return_to};
}

Oidc::Oidc(Parts parts, std::string tenant, std::string public_url,
           std::vector<OidcOptions> issuers, Exchange exchange)
    : state_(std::make_unique<State>(parts, std::move(tenant), std::move(public_url),
                                     std::move(exchange))) {
  for (OidcOptions& issuer : issuers)
    state_->issuers.push_back(std::make_unique<State::One>(std::move(issuer)));
}
Oidc::~Oidc() = default;

std::vector<std::string> Oidc::names() const {
  std::vector<std::string> out;
  for (const auto& issuer : state_->issuers) out.push_back(issuer->options.name);
  return out;
}

Result<Oidc::Begun> Oidc::begin(std::string_view name, std::string_view return_to) {
  State& all = *state_;
  RABT_TRY(issuer, all.find(name));
  RABT_TRY(endpoints, all.discover(*issuer));
  const std::string state = random_text(all.parts.random);
  Begun out{.location = endpoints.metadata->authorization,
            .browser = random_text(all.parts.random)};
  RABT_TRY(nonce, all.derived("nonce", state));
  RABT_TRY(verifier, all.derived("verifier", state));
  const OidcOptions& options = issuer->options;
  out.location += out.location.find('?') == std::string::npos ? "?" : "&";
  Query asked{{"response_type", "code"},
              {"client_id", options.client_id},
              {"redirect_uri", all.redirect_of(*issuer)},
              {"scope", options.scope},
              {"state", state},
              {"nonce", nonce},
              {"code_challenge", crypto::base64url(crypto::sha256(verifier))},
              {"code_challenge_method", "S256"}};
  if (!endpoints.metadata->pushed.empty()) {
    RABT_TRY(name_of_it, all.push(*issuer, *endpoints.metadata, std::move(asked)));
    asked = {{"client_id", options.client_id}, {"request_uri", name_of_it}};
  }
  out.location += form_of(asked);
  const std::string hashed = crypto::sha256_bytes(state);
  const std::string browser = crypto::sha256_bytes(out.browser);
  const std::int64_t now = all.parts.clock.now().ms;
  RABT_TRY_STATUS(all.parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(store::run(transaction, sql::kForgetFlows, {now}));
    return store::run(transaction, sql::kPutFlow,
                      {store::Blob{hashed}, all.tenant, std::string_view(options.name),
                       store::Blob{browser}, return_to, now + kFlowMs});
  }));
  return out;
}

Result<Oidc::Ended> Oidc::finish(std::string_view name, const Query& query,
                                 std::string_view browser, const Caller& by,
                                 std::string* return_to) {
  State& all = *state_;
  RABT_TRY(issuer, all.find(name));
  std::string wanted;
  auto ended = all.complete(*issuer, query, browser, by, wanted);
  if (ended.ok()) return ended;
  if (return_to != nullptr) *return_to = std::move(wanted);
  const std::string code = ended.error().code;
  if (code != "auth.oidc" && code != "auth.issuer_unreachable") return ended;
  const auto entry =
      all.parts.audit.prepare({.tenant = all.tenant,
                               .actor = by.who.actor(),
                               .act = "user.login_failed",
                               .object = "issuer:" + issuer->options.name,
                               .result = code,
                               .detail = Json::object({{"why", ended.error().message}}),
                               .patient = {},
                               .purpose = {},
                               .client = by.client,
                               .request = by.request,
                               .sealed = {}});
  RABT_TRY_STATUS(all.parts.store.write(
      [&](store::Transaction& transaction) { return all.parts.audit.append(transaction, entry); }));
  return code == "auth.oidc" ? failed() : ended.error();
}

Status Oidc::logout(std::string_view name, std::string_view token, const Caller& by) {
  State& all = *state_;
  RABT_TRY(issuer, all.find(name));
  RABT_TRY(claims, all.verified(*issuer, token, "logout+jwt"));
  if (claims.find("nonce") != nullptr) return wrong("a logout token has no `nonce`");
  if (!claims["events"].is_object() || !claims["events"][kLogoutEvent].is_object())
    return wrong("the token ends nothing");
  const bool by_session = is_text_within(claims["sid"], kMaxSubject);
  if (!by_session && !is_text_within(claims["sub"], kMaxSubject))
    return wrong("the token names nobody");
  if (!is_text_within(claims["jti"], kMaxSubject)) return wrong("`jti` is missing");
  const OidcOptions& options = issuer->options;
  std::string person;
  if (!by_session) {
    RABT_TRY(found,
             all.parts.people.by_external(all.tenant, options.name, claims["sub"].as_string()));
    if (!found) return ok_status();
    person = *found;
  }
  const std::int64_t now = all.parts.clock.now().ms;
  const std::string once =
      crypto::sha256_bytes("logout/" + options.name + "/" + claims["jti"].as_string());
  RABT_TRY_STATUS(all.parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(store::run(transaction, sql::kForgetOnce, {now}));
    RABT_TRY(rows, transaction.execute(sql::kUseOnce, {all.tenant, store::Blob{once},
                                                       now + kMaxAgeMs + 2 * kProviderSkewMs}));
    return rows == 1 ? ok_status() : Status(wrong("the token was used before"));
  }));
  return all.parts.accounts.close(by, options.name, person,
                                  by_session ? claims["sid"].as_string() : std::string());
}

}  // namespace rabt::identity

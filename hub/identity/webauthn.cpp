#include "hub/identity/webauthn.hpp"

#include <algorithm>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/jws.hpp"
#include "hub/identity/cbor.hpp"

namespace rabt::identity {

namespace {

// Limit of each part in bytes; browsers send less, an RSA key and its attestation included.
constexpr std::size_t kMaxPart = 64U << 10U;
constexpr std::size_t kEs256Half = 32;

// Bits of authenticatorData's flags (section 6.1 of the standard).
constexpr unsigned kUserPresent = 0x01;
constexpr unsigned kUserVerified = 0x04;
constexpr unsigned kBackupEligible = 0x08;
constexpr unsigned kBackedUp = 0x10;
constexpr unsigned kAttested = 0x40;
constexpr unsigned kExtensions = 0x80;

// Labels of COSE_Key (RFC 9052 section 7, RFC 9053 section 7, RFC 8230 section 4).
constexpr std::int64_t kKeyType = 1;
constexpr std::int64_t kAlgorithm = 3;
constexpr std::int64_t kCurveOrModulus = -1;
constexpr std::int64_t kXOrExponent = -2;
constexpr std::int64_t kY = -3;

Error bad(std::string message) {
  return invalid("auth.passkey", std::move(message));
}

// A member of the answer that is bytes.
Result<std::string> bytes_of(const Json& object, std::string_view member) {
  const Json& found = object[member];
  if (!found.is_string() || found.as_string().size() > kMaxPart * 4 / 3)
    return bad(std::string(member) + ": must be base64url of at most 64 KiB");
  const auto bytes = crypto::from_base64url(found.as_string());
  if (!bytes) return bad(std::string(member) + ": must be base64url without padding");
  return std::string(as_text(*bytes));
}

// Section 7.1 steps 5 to 12, 7.2 steps 9 to 14. Returns the hash of what the browser said.
Result<std::string> check_client(const RelyingParty& party, std::string_view challenge,
                                 std::string_view type, const Json& response) {
  RABT_TRY(text, bytes_of(response, "clientDataJSON"));
  const auto said = Json::parse(text);
  if (!said.ok() || !said->is_object()) return bad("clientDataJSON is no JSON object");
  if (said->string_or("type", "") != type)
    return bad("clientDataJSON is of another kind of ceremony");
  const auto shown = crypto::from_base64url(said->string_or("challenge", ""));
  if (!shown || !constant_time_equal(*shown, as_bytes(challenge)))
    return bad("the challenge is another one");
  const std::string origin = said->string_or("origin", "");
  if (std::find(party.origins.begin(), party.origins.end(), origin) == party.origins.end())
    return bad("the page is of another origin");
  const Json* crossed = said->find("crossOrigin");
  if ((crossed != nullptr && !(*crossed == Json(false))) || said->find("topOrigin") != nullptr)
    return bad("the page stands in a page of another origin");
  return crypto::sha256_bytes(text);
}

struct AuthenticatorData {
  AuthenticatorState state;
  bool attested = false;
  // Bytes after the head: the credential, extensions.
  ByteView rest;
  bool extended = false;
};

Result<AuthenticatorData> read_authenticator(const RelyingParty& party, std::string_view data) {
  constexpr std::size_t kHash = 32;
  constexpr std::size_t kHead = kHash + 1 + 4;
  if (data.size() < kHead) return bad("authenticatorData is too short");
  const ByteView bytes = as_bytes(data);
  const auto wanted = crypto::sha256(party.id);
  if (!std::equal(wanted.begin(), wanted.end(), bytes.begin()))
    return bad("the passkey is for another host");
  const unsigned flags = bytes[kHash];
  if ((flags & kUserPresent) == 0) return bad("nobody was present");
  if ((flags & kUserVerified) == 0) return bad("the user was not verified");
  AuthenticatorData out;
  out.state.backup_eligible = (flags & kBackupEligible) != 0;
  out.state.backed_up = (flags & kBackedUp) != 0;
  if (out.state.backed_up && !out.state.backup_eligible)
    return bad("the passkey is backed up and cannot be");
  for (std::size_t i = kHash + 1; i < kHead; ++i)
    out.state.sign_count = out.state.sign_count << 8U | bytes[i];
  out.attested = (flags & kAttested) != 0;
  out.extended = (flags & kExtensions) != 0;
  out.rest = bytes.subspan(kHead);
  return out;
}

// Checks the end, behind the credential: extensions where the flags say so, then nothing.
Status check_end(const AuthenticatorData& data, ByteView rest) {
  if (data.extended) {
    RABT_TRY(extensions, read_cbor(rest));
    if (extensions.kind != Cbor::Kind::map) return bad("the extensions are no map");
  }
  return rest.empty() ? ok_status() : Status(bad("something follows authenticatorData"));
}

std::string text_of(const Cbor& key, std::int64_t label) {
  const Cbor* found = key.find(label);
  const bool bytes = found != nullptr && found->kind == Cbor::Kind::bytes;
  return bytes ? crypto::base64url(as_bytes(found->content)) : std::string();
}

bool is(const Cbor& key, std::int64_t label, std::int64_t value) {
  const Cbor* found = key.find(label);
  return found != nullptr && found->kind == Cbor::Kind::integer && found->integer == value;
}

// A COSE_Key of one of the kinds that are taken.
Status read_key(const Cbor& cose, NewCredential& out) {
  const Cbor* algorithm = cose.find(kAlgorithm);
  if (algorithm == nullptr || algorithm->kind != Cbor::Kind::integer)
    return bad("the key names no algorithm");
  const auto* const row =
      std::find_if(std::begin(kPasskeyAlgorithms), std::end(kPasskeyAlgorithms),
                   [&](const auto& one) { return one.cose == algorithm->integer; });
  if (row == std::end(kPasskeyAlgorithms)) return bad("the key's algorithm is not taken");
  out.algorithm = std::string(row->jose);
  const std::string x = text_of(cose, kXOrExponent);
  if (row->jose == "RS256") {
    if (!is(cose, kKeyType, 3)) return bad("the key is not of its algorithm's kind");
    out.key = Json::object({{"kty", "RSA"}, {"n", text_of(cose, kCurveOrModulus)}, {"e", x}});
  } else if (row->jose == "ES256") {
    if (!is(cose, kKeyType, 2) || !is(cose, kCurveOrModulus, 1))
      return bad("the key is not of its algorithm's kind");
    out.key = Json::object({{"kty", "EC"}, {"crv", "P-256"}, {"x", x}, {"y", text_of(cose, kY)}});
  } else {
    if (!is(cose, kKeyType, 1) || !is(cose, kCurveOrModulus, 6))
      return bad("the key is not of its algorithm's kind");
    out.key = Json::object({{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", x}});
  }
  return ok_status();
}

Status check_signature(const Json& jwk, std::string_view algorithm, std::string signed_text,
                       std::string_view signature) {
  const auto key = crypto::JwsKey::from_jwk(jwk, {std::string(algorithm)});
  if (!key.ok()) return bad("the key: " + key.error().message);
  crypto::Jws jws{.algorithm = std::string(algorithm), .signing_input = std::move(signed_text)};
  const ByteView bytes = as_bytes(signature);
  if (algorithm == "ES256") {
    auto raw = crypto::signature_of_der(bytes, kEs256Half);
    if (!raw) return bad("the signature is no ECDSA signature");
    jws.signature = *std::move(raw);
  } else {
    jws.signature = Bytes(bytes.begin(), bytes.end());
  }
  return key->verifies(jws) ? ok_status() : Status(bad("the signature is of another key"));
}

// Sections 8.7 and 8.2: no attestation, or one by the new key itself. The maker of the
// authenticator is not asked for, and not believed.
Status check_attestation(const Cbor& object, const NewCredential& credential,
                         std::string signed_text) {
  const Cbor* format = object.find("fmt");
  const Cbor* statement = object.find("attStmt");
  if (format == nullptr || format->kind != Cbor::Kind::text || statement == nullptr ||
      statement->kind != Cbor::Kind::map)
    return bad("the attestation has no form");
  if (format->content == "none")
    return statement->items.empty() ? ok_status() : Status(bad("`none` says something"));
  const Cbor* algorithm = statement->find("alg");
  const Cbor* signature = statement->find("sig");
  if (format->content != "packed" || statement->find("x5c") != nullptr || algorithm == nullptr ||
      signature == nullptr || signature->kind != Cbor::Kind::bytes)
    return bad("attestation is `none`, or by the passkey itself");
  for (const PasskeyAlgorithm& passkey_algorithm : kPasskeyAlgorithms) {
    if (passkey_algorithm.jose == credential.algorithm &&
        !(algorithm->kind == Cbor::Kind::integer && algorithm->integer == passkey_algorithm.cose))
      return bad("the attestation is of another algorithm than the key");
  }
  return check_signature(credential.key, credential.algorithm, std::move(signed_text),
                         signature->content);
}

Result<const Json*> response_of(const Json& answer) {
  if (answer.string_or("type", "") != "public-key" || !answer["response"].is_object() ||
      answer["rawId"] != answer["id"])
    return bad("the answer is of no public key");
  return &answer["response"];
}

}  // namespace

Result<NewCredential> check_registration(const RelyingParty& party, std::string_view challenge,
                                         const Json& answer) {
  RABT_TRY(response, response_of(answer));
  RABT_TRY(hash, check_client(party, challenge, "webauthn.create", *response));
  RABT_TRY(text, bytes_of(*response, "attestationObject"));
  ByteView in = as_bytes(text);
  RABT_TRY(object, read_cbor(in));
  const Cbor* data = object.find("authData");
  if (!in.empty() || data == nullptr || data->kind != Cbor::Kind::bytes)
    return bad("attestationObject is no map with authData");
  RABT_TRY(read, read_authenticator(party, data->content));
  constexpr std::size_t kModel = 16;
  if (!read.attested || read.rest.size() < kModel + 2) return bad("there is no new passkey");
  const std::size_t size =
      static_cast<std::size_t>(read.rest[kModel]) << 8U | read.rest[kModel + 1];
  ByteView rest = read.rest.subspan(kModel + 2);
  if (size == 0 || size > kMaxCredentialId || size > rest.size())
    return bad("the passkey's id is too long");
  NewCredential out;
  out.state = read.state;
  out.id = std::string(as_text(rest.subspan(0, size)));
  RABT_TRY(named, bytes_of(answer, "id"));
  if (named != out.id) return bad("the passkey has two ids");
  rest = rest.subspan(size);
  RABT_TRY(cose, read_cbor(rest));
  RABT_TRY_STATUS(read_key(cose, out));
  RABT_TRY_STATUS(check_end(read, rest));
  RABT_TRY_STATUS(check_attestation(object, out, data->content + hash));
  // A key that nothing can be verified with is refused now, not at the first sign-in.
  const auto key = crypto::JwsKey::from_jwk(out.key, {out.algorithm});
  if (!key.ok()) return bad("the key: " + key.error().message);
  return out;
}

Result<AssertionOf> read_assertion(const Json& answer) {
  RABT_TRY(response, response_of(answer));
  AssertionOf out;
  RABT_TRY(id, bytes_of(answer, "id"));
  out.credential = std::move(id);
  if (out.credential.empty() || out.credential.size() > kMaxCredentialId)
    return bad("the passkey's id is too long");
  if (const Json* user = response->find("userHandle"); user != nullptr && !user->is_null()) {
    RABT_TRY(handle, bytes_of(*response, "userHandle"));
    out.user = std::move(handle);
  }
  return out;
}

Result<AuthenticatorState> check_assertion(const RelyingParty& party, std::string_view challenge,
                                           const Json& key, std::string_view algorithm,
                                           const Json& answer) {
  RABT_TRY(response, response_of(answer));
  RABT_TRY(hash, check_client(party, challenge, "webauthn.get", *response));
  RABT_TRY(data, bytes_of(*response, "authenticatorData"));
  RABT_TRY(read, read_authenticator(party, data));
  if (read.attested) return bad("authenticatorData makes a new passkey");
  RABT_TRY_STATUS(check_end(read, read.rest));
  RABT_TRY(signature, bytes_of(*response, "signature"));
  RABT_TRY_STATUS(check_signature(key, algorithm, data + hash, signature));
  return read.state;
}

}  // namespace rabt::identity

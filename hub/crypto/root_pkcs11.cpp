#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <optional>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/base/mutex.hpp"
#include "hub/crypto/key_wrap.hpp"
#include "hub/crypto/root.hpp"

// A root on a PKCS#11 token (PKCS #11 v2.40 and 3.0).
namespace rabt::crypto {

namespace {

// CKM_AES_KEY_WRAP_KWP of PKCS #11 3.0.
constexpr CK_MECHANISM_TYPE kMechanismKwp = 0x210bUL;
// A token's label is filled up with spaces.
constexpr std::size_t kLabelBytes = 32;
// Versions of one key.
constexpr CK_ULONG kMaxObjects = 1000;

std::string version_id(std::uint32_t version) {
  std::string id;
  for (int shift = 24; shift >= 0; shift -= 8)
    id.push_back(static_cast<char>(version >> shift & 0xffU));
  return id;
}

std::string code_of(CK_RV code) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "CKR 0x%08lx", code);
  return text.data();
}

template <typename T>
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, T& value) {
  return {type, &value, sizeof value};
}
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const std::string& text) {
  return {type, const_cast<char*>(text.data()), static_cast<CK_ULONG>(text.size())};
}

// Calls to the token. Internally, a lost session is opened again once.
class Token {
 public:
  Token(Pkcs11Options options, CK_FUNCTION_LIST_PTR functions)
      : options_(std::move(options)), call_(*functions) {}
  ~Token() { close(); }
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;

  [[nodiscard]] static bool is_pin(CK_RV code) {
    return code == CKR_PIN_INCORRECT || code == CKR_PIN_LOCKED || code == CKR_PIN_INVALID ||
           code == CKR_PIN_LEN_RANGE;
  }
  [[nodiscard]] Error failure(const std::string& doing, CK_RV code) const;

  // Runs the steps with a session that is logged in.
  [[nodiscard]] CK_RV with_session(const std::function<CK_RV(CK_SESSION_HANDLE)>& steps);

  // The key's versions, rising.
  struct Version {
    std::uint32_t number = 0;
    CK_OBJECT_HANDLE object = 0;
  };
  [[nodiscard]] CK_RV versions(CK_SESSION_HANDLE session, std::vector<Version>& out);
  [[nodiscard]] CK_RV generate(CK_SESSION_HANDLE session, std::uint32_t version);

  // content becomes an object of the session for the length of the call.
  [[nodiscard]] CK_RV wrap(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE with,
                           ByteView content, std::string& out);
  [[nodiscard]] CK_RV unwrap(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type,
                             CK_OBJECT_HANDLE with, const std::string& wrapped, SecretBytes& out);

  [[nodiscard]] CK_RV destroy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
    return call_.C_DestroyObject(session, object);
  }

  [[nodiscard]] const Pkcs11Options& options() const { return options_; }

 private:
  [[nodiscard]] CK_RV open();
  void close() {
    if (session_ != 0) (void)call_.C_CloseSession(session_);
    session_ = 0;
  }

  const Pkcs11Options options_;
  CK_FUNCTION_LIST& call_;
  CK_SESSION_HANDLE session_ = 0;
  CK_RV pin_refused_ = CKR_OK;  // what the token said to it
};

Error Token::failure(const std::string& doing, CK_RV code) const {
  if (is_pin(code)) {
    return unavailable("crypto.root_pin",
                       "the token " + options_.token + " does not take the PIN (" + code_of(code) +
                           "); it is not tried again, too many tries lock the token: correct the "
                           "PIN and start again");
  }
  return unavailable("keys.root", "the token " + options_.token + " cannot " + doing + " (" +
                                      code_of(code) + "); look whether the device and " +
                                      options_.module + " work");
}

CK_RV Token::with_session(const std::function<CK_RV(CK_SESSION_HANDLE)>& steps) {
  for (int attempt = 0;; ++attempt) {
    CK_RV result = session_ == 0 ? open() : static_cast<CK_RV>(CKR_OK);
    if (result == CKR_OK) result = steps(session_);
    const bool lost = result == CKR_SESSION_HANDLE_INVALID || result == CKR_SESSION_CLOSED ||
                      result == CKR_USER_NOT_LOGGED_IN || result == CKR_DEVICE_REMOVED ||
                      result == CKR_DEVICE_ERROR || result == CKR_TOKEN_NOT_PRESENT ||
                      result == CKR_CRYPTOKI_NOT_INITIALIZED;
    if (lost) close();
    if (!lost || attempt > 0) return result;
  }
}

CK_RV Token::versions(CK_SESSION_HANDLE session, std::vector<Version>& out) {
  out.clear();
  CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
  std::array pattern{attribute(CKA_CLASS, secret), attribute(CKA_LABEL, options_.key)};
  CK_RV result = call_.C_FindObjectsInit(session, pattern.data(), pattern.size());
  if (result != CKR_OK) return result;
  std::vector<CK_OBJECT_HANDLE> found(kMaxObjects);
  CK_ULONG count = 0;
  result = call_.C_FindObjects(session, found.data(), kMaxObjects, &count);
  (void)call_.C_FindObjectsFinal(session);
  if (result != CKR_OK) return result;
  found.resize(count);
  for (const CK_OBJECT_HANDLE object : found) {
    std::array<unsigned char, 4> id{};
    CK_ATTRIBUTE wanted{CKA_ID, id.data(), id.size()};
    // An object with another kind of id is not ours.
    if (call_.C_GetAttributeValue(session, object, &wanted, 1) != CKR_OK ||
        wanted.ulValueLen != id.size()) {
      continue;
    }
    std::uint32_t number = 0;
    for (const unsigned char byte : id) number = number << 8U | byte;
    out.push_back({number, object});
  }
  std::sort(out.begin(), out.end(),
            [](const Version& a, const Version& b) { return a.number < b.number; });
  return CKR_OK;
}

CK_RV Token::generate(CK_SESSION_HANDLE session, std::uint32_t version) {
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_ULONG size = kWrapKeyBytes;
  const std::string id = version_id(version);
  std::array wanted{attribute(CKA_TOKEN, yes),      attribute(CKA_PRIVATE, yes),
                    attribute(CKA_SENSITIVE, yes),  attribute(CKA_EXTRACTABLE, no),
                    attribute(CKA_WRAP, yes),       attribute(CKA_UNWRAP, yes),
                    attribute(CKA_ENCRYPT, no),     attribute(CKA_DECRYPT, no),
                    attribute(CKA_VALUE_LEN, size), attribute(CKA_LABEL, options_.key),
                    attribute(CKA_ID, id)};
  CK_OBJECT_HANDLE handle = 0;
  return call_.C_GenerateKey(session, &mechanism, wanted.data(), wanted.size(), &handle);
}

CK_RV Token::wrap(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE with,
                  ByteView content, std::string& out) {
  CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
  CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  std::array wanted{
      attribute(CKA_CLASS, secret),
      attribute(CKA_KEY_TYPE, generic),
      attribute(CKA_TOKEN, no),
      attribute(CKA_PRIVATE, yes),
      attribute(CKA_SENSITIVE, no),
      attribute(CKA_EXTRACTABLE, yes),
      CK_ATTRIBUTE{CKA_VALUE, const_cast<std::uint8_t*>(content.data()), content.size()}};
  CK_OBJECT_HANDLE object = 0;
  CK_RV result = call_.C_CreateObject(session, wanted.data(), wanted.size(), &object);
  if (result != CKR_OK) return result;
  CK_MECHANISM mechanism{type, nullptr, 0};
  std::array<unsigned char, 256> bytes{};
  CK_ULONG size = bytes.size();
  result = call_.C_WrapKey(session, &mechanism, with, object, bytes.data(), &size);
  (void)call_.C_DestroyObject(session, object);
  if (result == CKR_OK) out.assign(reinterpret_cast<const char*>(bytes.data()), size);
  return result;
}

CK_RV Token::unwrap(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE with,
                    const std::string& wrapped, SecretBytes& out) {
  CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
  CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  std::array wanted{attribute(CKA_CLASS, secret), attribute(CKA_KEY_TYPE, generic),
                    attribute(CKA_TOKEN, no),     attribute(CKA_PRIVATE, yes),
                    attribute(CKA_SENSITIVE, no), attribute(CKA_EXTRACTABLE, yes)};
  CK_MECHANISM mechanism{type, nullptr, 0};
  CK_OBJECT_HANDLE object = 0;
  CK_RV result =
      call_.C_UnwrapKey(session, &mechanism, with,
                        reinterpret_cast<unsigned char*>(const_cast<char*>(wrapped.data())),
                        wrapped.size(), wanted.data(), wanted.size(), &object);
  if (result != CKR_OK) return result;
  SecretBytes value = SecretBytes::of_size(kBoundBytes);
  CK_ATTRIBUTE content{CKA_VALUE, value.fill().data(), value.size()};
  result = call_.C_GetAttributeValue(session, object, &content, 1);
  (void)call_.C_DestroyObject(session, object);
  if (result == CKR_OK && content.ulValueLen != kBoundBytes) return CKR_WRAPPED_KEY_INVALID;
  if (result == CKR_OK) out = std::move(value);
  return result;
}

CK_RV Token::open() {
  if (pin_refused_ != CKR_OK) return pin_refused_;
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  CK_RV result = call_.C_Initialize(&arguments);
  if (result != CKR_OK && result != CKR_CRYPTOKI_ALREADY_INITIALIZED) return result;
  CK_ULONG count = 0;
  result = call_.C_GetSlotList(CK_TRUE, nullptr, &count);
  if (result != CKR_OK) return result;
  std::vector<CK_SLOT_ID> slots(count);
  result = call_.C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (result != CKR_OK) return result;
  slots.resize(count);
  std::string label = options_.token;
  label.resize(kLabelBytes, ' ');
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info{};
    if (call_.C_GetTokenInfo(slot, &info) != CKR_OK) continue;
    if (std::string_view(reinterpret_cast<const char*>(info.label), kLabelBytes) != label) continue;
    result =
        call_.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session_);
    if (result != CKR_OK) {
      session_ = 0;
      return result;
    }
    const ByteView pin = options_.pin->expose();
    result = call_.C_Login(session_, CKU_USER, const_cast<std::uint8_t*>(pin.data()), pin.size());
    if (result == CKR_USER_ALREADY_LOGGED_IN) result = CKR_OK;
    if (is_pin(result)) pin_refused_ = result;
    if (result != CKR_OK) close();
    return result;
  }
  return CKR_TOKEN_NOT_PRESENT;
}

class Pkcs11Root final : public RootProvider {
 public:
  explicit Pkcs11Root(std::unique_ptr<Token> token) : token_(std::move(token)) {}

  // Finds the key, or makes it, and the mechanism.
  Status start() {
    RABT_TRY(all, versions());
    if (all.empty()) {
      if (!token_->options().create) {
        return unavailable("crypto.root_missing", "the token " + token_->options().token +
                                                      " has no key `" + token_->options().key +
                                                      "`; without it the keyring cannot be opened");
      }
      RABT_TRY_STATUS(run("make a key",
                          [&](CK_SESSION_HANDLE session) { return token_->generate(session, 1); }));
      RABT_TRY(made, versions());
      all = std::move(made);
    }
    if (all.empty()) return unavailable("keys.root", "the token made a key that it does not show");
    // RFC 5649 turns 48 bytes into 56. Tokens gave one of the two numbers other paddings too.
    const SecretBytes trial = SecretBytes::of_size(kBoundBytes);
    for (const CK_MECHANISM_TYPE type : {kMechanismKwp, CK_MECHANISM_TYPE{CKM_AES_KEY_WRAP_PAD}}) {
      std::string wrapped;
      const CK_RV result = token_->with_session([&](CK_SESSION_HANDLE session) {
        return token_->wrap(session, type, all.back().object, trial.expose(), wrapped);
      });
      if (result != CKR_OK || wrapped.size() != kWrappedBytes) continue;
      mechanism_ = type;
      return ok_status();
    }
    return invalid("crypto.root_mechanism",
                   "the token " + token_->options().token +
                       " does not wrap keys as RFC 5649 says (CKM_AES_KEY_WRAP_KWP or "
                       "CKM_AES_KEY_WRAP_PAD)");
  }

  [[nodiscard]] std::string kind() const override { return "pkcs11"; }
  [[nodiscard]] std::string id() const override {
    return token_->options().token + "/" + token_->options().key;
  }
  Result<std::uint32_t> version() override {
    const Lock hold(mutex_);
    RABT_TRY(all, present());
    return all.back().number;
  }
  Result<std::uint32_t> oldest_version() override {
    const Lock hold(mutex_);
    RABT_TRY(all, present());
    return all.front().number;
  }

  Result<Wrapped> wrap(ByteView key, std::string_view context) override {
    const Lock hold(mutex_);
    RABT_TRY(all, present());
    const SecretBytes bound = bind_key(key, context);
    Wrapped out{all.back().number, {}};
    RABT_TRY_STATUS(run("wrap a key", [&](CK_SESSION_HANDLE session) {
      return token_->wrap(session, mechanism_, all.back().object, bound.expose(), out.bytes);
    }));
    return out;
  }

  Result<SecretBytes> unwrap(const Wrapped& wrapped, std::string_view context) override {
    const Lock hold(mutex_);
    RABT_TRY(all, present());
    const auto with = std::find_if(all.begin(), all.end(), [&](const Token::Version& version) {
      return version.number == wrapped.version;
    });
    if (with == all.end()) {
      return corrupt("crypto.unwrap", "version " + std::to_string(wrapped.version) +
                                          " of the root on the token does not exist: it was "
                                          "destroyed, or this keyring belongs to another token");
    }
    SecretBytes bound;
    const CK_RV result = token_->with_session([&](CK_SESSION_HANDLE session) {
      return token_->unwrap(session, mechanism_, with->object, wrapped.bytes, bound);
    });
    const auto bad = [] {
      return corrupt("crypto.unwrap",
                     "a key of the keyring does not unwrap on the token: changed bytes, or another "
                     "token than the one it was wrapped with");
    };
    // Answers of tokens to bytes that fail the integrity check of RFC 5649.
    if (result == CKR_WRAPPED_KEY_INVALID || result == CKR_WRAPPED_KEY_LEN_RANGE ||
        result == CKR_ENCRYPTED_DATA_INVALID || result == CKR_ENCRYPTED_DATA_LEN_RANGE) {
      return bad();
    }
    // Some say this to such bytes, and to any other trouble: a token that still wraps is in none.
    if (result == CKR_GENERAL_ERROR) {
      const SecretBytes trial = SecretBytes::of_size(kBoundBytes);
      std::string unused;
      RABT_TRY_STATUS(run("wrap a key", [&](CK_SESSION_HANDLE session) {
        return token_->wrap(session, mechanism_, with->object, trial.expose(), unused);
      }));
      return bad();
    }
    if (result != CKR_OK) return token_->failure("unwrap a key", result);
    auto key = unbind_key(bound.expose(), context);
    if (!key) return bad();
    return std::move(*key);
  }

  Result<std::uint32_t> rotate() override {
    const Lock hold(mutex_);
    RABT_TRY(all, present());
    const std::uint32_t next = all.back().number + 1;
    RABT_TRY_STATUS(run(
        "make a key", [&](CK_SESSION_HANDLE session) { return token_->generate(session, next); }));
    return next;
  }

  Status destroy_below(std::uint32_t version) override {
    const Lock hold(mutex_);
    RABT_TRY(all, present());
    if (version > all.back().number)
      return invalid("crypto.root_version", "the newest version of the root is not destroyed");
    for (const Token::Version& one : all) {
      if (one.number >= version) break;
      RABT_TRY_STATUS(run("destroy a key", [&](CK_SESSION_HANDLE session) {
        return token_->destroy(session, one.object);
      }));
    }
    return ok_status();
  }

 private:
  [[nodiscard]] Status run(const std::string& doing,
                           const std::function<CK_RV(CK_SESSION_HANDLE)>& steps) {
    const CK_RV result = token_->with_session(steps);
    if (result == CKR_OK) return ok_status();
    return token_->failure(doing, result);
  }
  [[nodiscard]] Result<std::vector<Token::Version>> versions() {
    std::vector<Token::Version> all;
    RABT_TRY_STATUS(run("find its keys",
                        [&](CK_SESSION_HANDLE session) { return token_->versions(session, all); }));
    return all;
  }
  [[nodiscard]] Result<std::vector<Token::Version>> present() {
    RABT_TRY(all, versions());
    if (all.empty()) {
      return unavailable("keys.root", "the token " + token_->options().token +
                                          " no longer has the key `" + token_->options().key + "`");
    }
    return all;
  }

  // Held during every call: a session is used by one thread at a time.
  Mutex mutex_;
  const std::unique_ptr<Token> token_;
  CK_MECHANISM_TYPE mechanism_ = 0;
};

}  // namespace

Result<std::unique_ptr<RootProvider>> open_pkcs11_root(Pkcs11Options options) {
  RABT_CHECK(options.pin != nullptr);
  if (options.token.empty() || options.token.size() > kLabelBytes || options.key.empty())
    return invalid("crypto.root_pkcs11", "a token's label has 1 to 32 bytes, a key's at least one");
  // Never closed: libraries of tokens leave threads and handlers behind.
  void* const library = ::dlopen(options.module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const why = ::dlerror();
    return invalid("crypto.root_pkcs11", "the PKCS#11 library cannot be loaded: " +
                                             std::string(why == nullptr ? "" : why));
  }
  const auto list = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST_PTR functions = nullptr;
  if (list == nullptr || list(&functions) != CKR_OK || functions == nullptr) {
    return invalid("crypto.root_pkcs11", options.module + " is no PKCS#11 library");
  }
  auto root = std::make_unique<Pkcs11Root>(std::make_unique<Token>(std::move(options), functions));
  RABT_TRY_STATUS(root->start());
  return std::unique_ptr<RootProvider>(std::move(root));
}

}  // namespace rabt::crypto

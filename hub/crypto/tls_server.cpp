#include "hub/crypto/tls_server.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/openssl_owned.hpp"

namespace rabt::crypto {

namespace {

// https://wiki.mozilla.org/Security/Server_Side_TLS, intermediate.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr std::string_view kHttp = "http/1.1";

// Chooses http/1.1, and nothing when it is not offered.
int choose_protocol(SSL* /*session*/, const unsigned char** out, unsigned char* size,
                    const unsigned char* offered, unsigned int length, void* /*unused*/) {
  std::string_view rest(reinterpret_cast<const char*>(offered), length);
  while (!rest.empty()) {
    const auto item = static_cast<unsigned char>(rest.front());
    if (rest.substr(1, item) == kHttp) {
      *out = reinterpret_cast<const unsigned char*>(rest.data()) + 1;
      *size = item;
      return SSL_TLSEXT_ERR_OK;
    }
    rest.remove_prefix(std::min<std::size_t>(item + 1U, rest.size()));
  }
  return SSL_TLSEXT_ERR_NOACK;
}

// Why OpenSSL could not read a file: its first error, since those behind it only say what the
// layers above made of it. Of a folder it says no more than that nothing begins there.
std::string why(const std::string& file) {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  struct stat info {};
  int number = ERR_SYSTEM_ERROR(code) ? ERR_GET_REASON(code) : 0;
  if (::stat(file.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) number = EISDIR;
  if (number != 0) return "it cannot be read: " + std::generic_category().message(number);
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "it cannot be read" : reason;
}

// Reads a file by OpenSSL. what: "the key".
template <typename Read>
Status read_file(std::string_view code, std::string_view what, const std::string& file,
                 const Read& read) {
  ERR_clear_error();
  if (read(file.c_str()) > 0) return ok_status();
  return invalid(std::string(code), std::string(what) + " " + file + ": " + why(file));
}

// Marks of a file's state: a difference means that the file has changed.
struct Stamp {
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  std::int64_t size = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const Stamp&, const Stamp&) = default;
};
Stamp stamp_of(const std::string& path) {
  if (path.empty()) return {};
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size, info.st_ino};
}

std::optional<Timestamp> not_after(const X509* certificate) {
  std::tm at{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &at) != 1) return std::nullopt;
  return Timestamp{static_cast<std::int64_t>(::timegm(&at)) * 1000};
}

using Stamps = std::vector<Stamp>;
Stamps stamps_of(const TlsFiles& files) {
  Stamps out{stamp_of(files.certificates), stamp_of(files.key), stamp_of(files.client_authorities),
             stamp_of(files.client_revoked)};
  for (const TlsNamed& named : files.named) {
    out.push_back(stamp_of(named.certificates));
    out.push_back(stamp_of(named.key));
  }
  return out;
}

// By host.
using NamedContexts = std::map<std::string, std::shared_ptr<SSL_CTX>, std::less<>>;

std::string name_in(const SSL* session) {
  const char* name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  std::string out = name == nullptr ? "" : name;
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// Gives a caller the certificate of the host that he named, where that has one of its own.
int choose_certificate(SSL* session, int* /*alert*/, void* /*unused*/) {
  const auto* named = static_cast<const NamedContexts*>(SSL_get_app_data(session));
  if (named == nullptr) return SSL_TLSEXT_ERR_OK;
  const auto found = named->find(name_in(session));
  if (found != named->end()) (void)SSL_set_SSL_CTX(session, found->second.get());
  return SSL_TLSEXT_ERR_OK;
}

// Asks callers for certificates. Nothing is resumed: a resumed session would not look whether its
// certificate has been revoked meanwhile.
Status ask_for_certificates(SSL_CTX* context, const TlsFiles& files) {
  if (files.client_authorities.empty()) return ok_status();
  RABT_TRY_STATUS(
      read_file("tls.client_authorities", "the authorities", files.client_authorities,
                [&](const char* file) { return SSL_CTX_load_verify_file(context, file); }));
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(files.client_authorities.c_str()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  RABT_CHECK(SSL_CTX_set_num_tickets(context, 0) == 1);
  if (files.client_revoked.empty()) return ok_status();
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
  RABT_CHECK(lookup != nullptr);
  RABT_TRY_STATUS(read_file(
      "tls.client_revoked", "the list of revoked certificates", files.client_revoked,
      [&](const char* file) { return X509_load_crl_file(lookup, file, X509_FILETYPE_PEM); }));
  RABT_CHECK(X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1);
  return ok_status();
}

struct Loaded {
  Owned<SSL_CTX> context;
  Timestamp expires;
  std::shared_ptr<const NamedContexts> named;
};

Result<Loaded> load(const TlsFiles& files, const Clock& clock) {
  Loaded out{
      .context = Owned<SSL_CTX>(SSL_CTX_new(TLS_server_method())), .expires = {}, .named = nullptr};
  SSL_CTX* context = out.context.get();
  RABT_CHECK(context != nullptr);
  RABT_CHECK(SSL_CTX_set_min_proto_version(context,
                                           files.only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1);
  RABT_CHECK(SSL_CTX_set_cipher_list(context, kCiphers12) == 1);
  RABT_CHECK(SSL_CTX_set1_groups_list(context, kGroups) == 1);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  RABT_TRY_STATUS(read_file(
      "tls.certificate", "the certificate", files.certificates,
      [&](const char* file) { return SSL_CTX_use_certificate_chain_file(context, file); }));
  RABT_TRY_STATUS(read_file("tls.key", "the key", files.key, [&](const char* file) {
    return SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM);
  }));
  if (SSL_CTX_check_private_key(context) != 1) {
    return invalid("tls.key", "the key " + files.key + " is not that of the certificate " +
                                  files.certificates);
  }
  const auto expires = not_after(SSL_CTX_get0_certificate(context));
  if (!expires) return invalid("tls.certificate", files.certificates + " has no date of expiry");
  if (*expires <= clock.now()) {
    return invalid("tls.certificate",
                   "the certificate " + files.certificates + " expired on " + to_iso8601(*expires));
  }
  RABT_TRY_STATUS(ask_for_certificates(context, files));
  out.expires = *expires;
  if (files.named.empty()) return out;
  auto named = std::make_shared<NamedContexts>();
  for (const TlsNamed& tls_named : files.named) {
    RABT_TRY(loaded, load({.certificates = tls_named.certificates,
                           .key = tls_named.key,
                           .only_1_3 = files.only_1_3,
                           .client_authorities = files.client_authorities,
                           .client_revoked = files.client_revoked},
                          clock));
    out.expires = std::min(out.expires, loaded.expires);
    const std::shared_ptr<SSL_CTX> shared(loaded.context.release(), Free());
    for (const std::string& host : tls_named.hosts) named->emplace(host, shared);
  }
  out.named = std::move(named);
  RABT_CHECK(SSL_CTX_set_tlsext_servername_callback(context, choose_certificate) == 1);
  return out;
}

}  // namespace

struct TlsSession::State {
  // Lives longer than the session, which looks into it.
  std::shared_ptr<const NamedContexts> named;
  // Keeps the certificate's context alive.
  Owned<SSL> session;
};

TlsSession::TlsSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsSession::~TlsSession() = default;
TlsSession::TlsSession(TlsSession&&) noexcept = default;

namespace {

TlsStep step_of(SSL* session, int result) {
  if (result > 0) return {.bytes = static_cast<std::size_t>(result)};
  const int error = SSL_get_error(session, result);
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ) return {.state = TlsStep::State::read};
  if (error == SSL_ERROR_WANT_WRITE) return {.state = TlsStep::State::write};
  return {.state = TlsStep::State::closed};
}

int as_length(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

}  // namespace

TlsStep TlsSession::handshake() {
  ERR_clear_error();
  return step_of(state_->session.get(), SSL_accept(state_->session.get()));
}

TlsStep TlsSession::read(std::span<char> into) {
  ERR_clear_error();
  SSL* session = state_->session.get();
  return step_of(session, SSL_read(session, into.data(), as_length(into.size())));
}

TlsStep TlsSession::write(std::string_view from) {
  ERR_clear_error();
  SSL* session = state_->session.get();
  return step_of(session, SSL_write(session, from.data(), as_length(from.size())));
}

void TlsSession::close() {
  ERR_clear_error();
  (void)SSL_shutdown(state_->session.get());
  ERR_clear_error();
}

std::string TlsSession::server_name() const {
  return name_in(state_->session.get());
}

std::shared_ptr<const PeerCertificate> TlsSession::peer_certificate() const {
  const SSL* session = state_->session.get();
  X509* certificate = SSL_get0_peer_certificate(session);
  if (certificate == nullptr || SSL_get_verify_result(session) != X509_V_OK) return nullptr;
  auto out = std::make_shared<PeerCertificate>();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  RABT_CHECK(X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1);
  out->sha256 = base64url({digest.data(), size});
  const auto ends = not_after(certificate);
  out->ends_ms = ends ? ends->ms : 0;
  GENERAL_NAMES* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
    if (type != GEN_DNS && type != GEN_URI) continue;
    const auto* text = static_cast<const ASN1_STRING*>(value);
    std::string name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
    // Whoever compares names as C strings would see the part before it.
    if (name.find('\0') != std::string::npos) continue;
    (type == GEN_DNS ? out->dns : out->uris).push_back(std::move(name));
  }
  GENERAL_NAMES_free(names);
  ERR_clear_error();
  return out;
}

struct TlsServer::State {
  State(TlsFiles chosen, const Clock& c) : files(std::move(chosen)), clock(c) {}

  // Constant after construction.
  const TlsFiles files;
  const Clock& clock;

  mutable Mutex mutex;
  Loaded loaded RABT_GUARDED_BY(mutex);
  Stamps stamps RABT_GUARDED_BY(mutex);
};

TlsServer::TlsServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsServer::~TlsServer() = default;

Result<std::unique_ptr<TlsServer>> TlsServer::open(TlsFiles files, const Clock& clock) {
  auto state = std::make_unique<State>(std::move(files), clock);
  const Stamps stamps = stamps_of(state->files);
  RABT_TRY(loaded, load(state->files, clock));
  {
    const Lock lock(state->mutex);
    state->loaded = std::move(loaded);
    state->stamps = stamps;
  }
  return std::unique_ptr<TlsServer>(new TlsServer(std::move(state)));
}

Result<bool> TlsServer::reload() {
  const Stamps stamps = stamps_of(state_->files);
  {
    const Lock lock(state_->mutex);
    if (stamps == state_->stamps) return false;
    // A file that is wrong is not looked at again until it changes.
    state_->stamps = stamps;
  }
  RABT_TRY(loaded, load(state_->files, state_->clock));
  const Lock lock(state_->mutex);
  state_->loaded = std::move(loaded);
  return true;
}

Result<TlsSession> TlsServer::accept(int fd) const {
  auto state = std::make_unique<TlsSession::State>();
  {
    const Lock lock(state_->mutex);
    state->session.reset(SSL_new(state_->loaded.context.get()));
    state->named = state_->loaded.named;
  }
  if (state->session == nullptr || SSL_set_fd(state->session.get(), fd) != 1) {
    ERR_clear_error();
    return unavailable("tls.session", "no memory is left for a TLS session");
  }
  // OpenSSL takes a pointer without const; choose_certificate only reads.
  SSL_set_app_data(state->session.get(), const_cast<NamedContexts*>(state->named.get()));
  SSL_set_accept_state(state->session.get());
  return TlsSession(std::move(state));
}

Timestamp TlsServer::expires() const {
  const Lock lock(state_->mutex);
  return state_->loaded.expires;
}

}  // namespace rabt::crypto

#include "hub/crypto/certificate_signature.hpp"
#include "hub/crypto/openssl_owned.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace rabt::crypto {

namespace {

constexpr int kMinBits = 2048;
// Answers the request for a pass phrase with an empty one.
int no_phrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) {
  return 0;
}

}  // namespace

bool certificate_signed(std::string_view certificate_pem, SignatureDigest digest,
                        std::string_view text, ByteView signature) {
  const Owned<BIO> bio(
      BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  if (bio == nullptr) return false;
  const Owned<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, no_phrase, nullptr));
  if (certificate == nullptr) return false;
  const Owned<EVP_PKEY> key(X509_get_pubkey(certificate.get()));
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA ||
      EVP_PKEY_get_bits(key.get()) < kMinBits)
    return false;
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const EVP_MD* const hash = digest == SignatureDigest::sha1 ? EVP_sha1() : EVP_sha256();
  const ByteView bytes = as_bytes(text);
  return context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), bytes.data(),
                          bytes.size()) == 1;
}

}  // namespace rabt::crypto

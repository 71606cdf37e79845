#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace rabt::crypto {

// The certificate of a caller, after its chain, its dates and the revocation list were judged and
// the caller proved to hold its key. Who it is follows from these fields alone: the text of its
// subject proves nothing, since every authority may write what it likes there.
struct PeerCertificate {
  // SHA-256 of the certificate in DER, base64url without padding: x5t#S256 of RFC 8705.
  std::string sha256;
  // Alternative names as they stand in the certificate.
  std::vector<std::string> dns;
  std::vector<std::string> uris;
  // A connection may outlive the certificate that it was opened with.
  std::int64_t ends_ms = std::numeric_limits<std::int64_t>::max();
  friend bool operator==(const PeerCertificate&, const PeerCertificate&) = default;
};

}  // namespace rabt::crypto

#include "hub/api/patients.hpp"

#include "hub/access/blind_index.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::api {

namespace {

constexpr std::size_t kTokenPrefix = 16;  // hex digits: enough to tell tokens apart

}  // namespace

Result<std::string> Patients::index_of(std::string_view text) const {
  const auto colon = text.find(':');
  const auto kind = phi::parse_index_kind(text.substr(0, colon));
  if (colon == std::string_view::npos || !kind) {
    return invalid("api.patient",
                   "a patient is named by KIND:VALUE; KIND is identifier, mrn, phone or email");
  }
  return access::blind_index(keyring, tenant, *kind, text.substr(colon + 1));
}

access::Reader reader_of(const http::Request& request) {
  access::Reader reader;
  const std::string_view authorization = request.header("authorization");
  const auto space = authorization.find(' ');
  if (space != std::string_view::npos) {
    reader.token = to_hex(crypto::sha256(authorization.substr(space + 1))).substr(0, kTokenPrefix);
  }
  reader.client = request.remote;
  reader.request = request.request_id;
  reader.reason = request.header("x-rabt-reason");
  reader.purpose = request.header("x-rabt-purpose");
  return reader;
}

}  // namespace rabt::api

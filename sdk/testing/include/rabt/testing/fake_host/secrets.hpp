#pragma once

// rabt.secrets/1 and rabt.sign/1. Included by fake_host.hpp. SPDX-License-Identifier: Apache-2.0

#include "rabt/testing/fake_host.hpp"

namespace rabt::sdk::testing {

inline std::int32_t FakeHost::secret_get(void* self, const char* name, void* context,
                                         rabt_sink sink) {
  FakeHost& host = of(self);
  const auto found = host.secrets.find(name);
  if (found == host.secrets.end()) return 1;
  host.lend(sink, context, found->second);
  return 0;
}

inline std::int32_t FakeHost::sign_hmac(void* self, const char* secret, const char* algorithm,
                                        rabt_bytes data, void* context, rabt_sink sink) {
  FakeHost& host = of(self);
  const auto found = host.secrets.find(secret);
  if (found == host.secrets.end()) return 1;
  const std::string_view how(algorithm);
  if (how != "sha1" && how != "sha256") return 2;
  host.lend(sink, context, hmac(how, found->second, host.taken(data, "signed bytes")));
  return 0;
}

inline std::int32_t FakeHost::sign_jwt(void* self, const char* secret, const char* algorithm,
                                       rabt_bytes header, rabt_bytes claims, void* context,
                                       rabt_sink sink) {
  FakeHost& host = of(self);
  const auto found = host.secrets.find(secret);
  if (found == host.secrets.end()) return 1;
  const std::string how(algorithm);
  const auto more =
      header.len == 0 ? Json::parse("{}") : Json::parse(host.taken(header, "a header"));
  const std::string body = host.taken(claims, "claims");
  const auto parsed = Json::parse(body);
  if ((how != "HS256" && how != "RS384" && how != "ES384") || !more || !more->is_object() ||
      !parsed || !parsed->is_object())
    return 2;
  std::string head = "{\"alg\":";
  append_json(head, how);
  for (const auto& [key, value] : more->members()) {
    head.push_back(',');
    append_json(head, key);
    head += ":" + Cassette::write(value);
  }
  const std::string signing = base64url(head + "}") + "." + base64url(body);
  host.lend(
      sink, context,
      signing + "." +
          base64url(how == "HS256" ? hmac("sha256", found->second, signing) : how + "." + secret));
  return 0;
}

}  // namespace rabt::sdk::testing

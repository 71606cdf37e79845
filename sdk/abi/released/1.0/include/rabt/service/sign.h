/* clang-format off */
/*
 * rabt.sign/1: signatures with secrets that the plugin never sees.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 */
#ifndef RABT_SERVICE_SIGN_H
#define RABT_SERVICE_SIGN_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_SIGN "rabt.sign/1"

typedef struct rabt_sign {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] Gives sink the raw MAC (RFC 2104). algorithm: "sha1" or "sha256". Returns 0 after
   * calling sink once; non-zero: no such secret or algorithm. */
  int32_t (*hmac)(void* self, const char* secret, const char* algorithm, rabt_bytes data,
                  void* context, rabt_sink sink);
  /* [any-thread] Gives sink a JWT in compact form (RFC 7519). algorithm: "HS256" (the secret's bytes),
   * "RS384" or "ES384" (the secret is a PEM key). header_json holds further members of the header
   * (typ, cty, kid) or is empty; the host sets alg. Returns 0 after calling sink once; non-zero: no
   * such secret or algorithm, a key of another kind, or claims that are no JSON object. */
  int32_t (*jwt)(void* self, const char* secret, const char* algorithm, rabt_bytes header_json,
                 rabt_bytes claims_json, void* context, rabt_sink sink);
} rabt_sign;

#ifdef __cplusplus
}
#endif

#endif /* RABT_SERVICE_SIGN_H */

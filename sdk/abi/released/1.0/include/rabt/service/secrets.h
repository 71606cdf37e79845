/* clang-format off */
/*
 * rabt.secrets/1: the values of secrets.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * Offered only when the manifest says permissions.secrets_raw. Use by reference (rabt.http/1,
 * rabt.sign/1) needs no permission and is nearly always enough.
 */
#ifndef RABT_SERVICE_SECRETS_H
#define RABT_SERVICE_SECRETS_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_SECRETS "rabt.secrets/1"

typedef struct rabt_secrets {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] Returns 0 after calling sink once with the value; non-zero: not declared in the
   * manifest, or not configured. */
  int32_t (*get)(void* self, const char* name, void* context, rabt_sink sink);
} rabt_secrets;

#ifdef __cplusplus
}
#endif

#endif /* RABT_SERVICE_SECRETS_H */

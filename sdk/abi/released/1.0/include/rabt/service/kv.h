/* clang-format off */
/*
 * rabt.kv/1: a small sealed store of each plugin instance.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * For cursors, stored request bytes and tokens, not for the state of a workflow. A key has 1 to 256
 * bytes, a value up to 12 MiB, all values together what the manifest's permissions.kv_bytes says.
 */
#ifndef RABT_SERVICE_KV_H
#define RABT_SERVICE_KV_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_KV "rabt.kv/1"

/* status */
#define RABT_KV_OK 0
#define RABT_KV_ABSENT 1   /* get, remove: no such key */
#define RABT_KV_CONFLICT 2 /* put with an expected version that is not the stored one */
#define RABT_KV_FAILED 3   /* the store refused; nothing changed */

#define RABT_KV_ANY (-1) /* expected_version: whatever is stored */

/* [call-lane] Takes the value of a get; version counts from 1. */
typedef void (*rabt_kv_got)(void* context, int32_t status, rabt_bytes value, int64_t version);
/* [call-lane] Takes the end of a put. RABT_KV_OK: durable, with this version. */
typedef void (*rabt_kv_stored)(void* context, int32_t status, int64_t version);
/* [call-lane] Takes the end of a remove. RABT_KV_OK: durable. */
typedef void (*rabt_kv_removed)(void* context, int32_t status);

typedef struct rabt_kv {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] Reads a value. done comes exactly once. */
  void (*get)(void* self, rabt_bytes key, void* context, rabt_kv_got done);
  /* [any-thread] Writes a value. ttl_ms 0: kept. expected_version 0: only if absent; RABT_KV_ANY:
   * always; else only over that version. done comes exactly once. */
  void (*put)(void* self, rabt_bytes key, rabt_bytes value, int64_t ttl_ms,
              int64_t expected_version, void* context, rabt_kv_stored done);
  /* [any-thread] Removes a value. done comes exactly once. */
  void (*remove)(void* self, rabt_bytes key, void* context, rabt_kv_removed done);
} rabt_kv;

#ifdef __cplusplus
}
#endif

#endif /* RABT_SERVICE_KV_H */

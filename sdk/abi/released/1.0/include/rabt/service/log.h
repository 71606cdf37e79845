/* clang-format off */
/*
 * rabt.log/1: what operators read.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 */
#ifndef RABT_SERVICE_LOG_H
#define RABT_SERVICE_LOG_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_LOG "rabt.log/1"

/* level */
#define RABT_LOG_DEBUG 0u
#define RABT_LOG_INFO 1u
#define RABT_LOG_WARN 2u
#define RABT_LOG_ERROR 3u
#define RABT_LOG_HOST_MISBEHAVING 4u /* the host broke the contract */

typedef struct rabt_log {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] Writes one entry: an event name ([a-z0-9_.-], at most 64 bytes) and a flat JSON
   * object of fields (names [a-z0-9_]). No sentences and no patient data: a field whose name a schema
   * of the package marks as x-phi is dropped, and so is what the operator's rules do not let through.
   * Never fails. */
  void (*log)(void* self, uint32_t level, const char* event, rabt_bytes fields_json);
} rabt_log;

#ifdef __cplusplus
}
#endif

#endif /* RABT_SERVICE_LOG_H */

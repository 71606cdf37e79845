/* clang-format off */
/*
 * rabt.health/1: can the plugin do its work?
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * From rabt_plugin.get_extension. The answer stands on the hub's health page.
 */
#ifndef RABT_EXTENSION_HEALTH_H
#define RABT_EXTENSION_HEALTH_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_HEALTH "rabt.health/1"

typedef struct rabt_health {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [call-lane] Looks whether the outside system answers and the credentials hold, without effect
   * outside. A call like any other: A1 to A8 hold; action, action_version and idempotency_key are
   * empty, input is {}. RABT_DONE with
   *   {"status": "ok" | "degraded" | "down", "reason"?: a text for operators}
   * Every other outcome counts as down. */
  int32_t (*check)(void* self, const rabt_call* call);
} rabt_health;

#ifdef __cplusplus
}
#endif

#endif /* RABT_EXTENSION_HEALTH_H */

/* clang-format off */
/*
 * rabt.probe/1: did an earlier call take effect?
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * From rabt_plugin.get_extension. Needed for actions with idempotency: probe.
 */
#ifndef RABT_EXTENSION_PROBE_H
#define RABT_EXTENSION_PROBE_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_PROBE "rabt.probe/1"

typedef struct rabt_probe {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [call-lane] Asks the outside system whether the call with this idempotency key took effect. A call
   * like any other: A1 to A8 hold. RABT_DONE with
   *   {"effect": "yes", "output": as the action's} | {"effect": "no"} | {"effect": "unknown"}
   * Every other outcome counts as unknown. */
  int32_t (*probe)(void* self, const rabt_call* call);
} rabt_probe;

#ifdef __cplusplus
}
#endif

#endif /* RABT_EXTENSION_PROBE_H */

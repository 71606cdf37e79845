/* clang-format off */
/*
 * rabt.clock/1: time and chance.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * Virtual in tests: a plugin does not ask the operating system.
 */
#ifndef RABT_SERVICE_CLOCK_H
#define RABT_SERVICE_CLOCK_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_CLOCK "rabt.clock/1"

/* [call-lane] Ends a wait. */
typedef void (*rabt_clock_wake)(void* context);

typedef struct rabt_clock {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] Wall time: milliseconds since 1970-01-01T00:00:00Z; may jump. */
  int64_t (*now_unix_ms)(void* self);
  /* [any-thread] Milliseconds since some moment; never goes back. */
  int64_t (*monotonic_ms)(void* self);
  /* [any-thread] wake comes once, not before after_ms have passed. */
  void (*wake_after)(void* self, int64_t after_ms, void* context, rabt_clock_wake wake);
  /* [any-thread] Fills out with size unpredictable bytes, at most 1 MiB: for ids. */
  void (*random)(void* self, uint8_t* out, uint64_t size);
} rabt_clock;

#ifdef __cplusplus
}
#endif

#endif /* RABT_SERVICE_CLOCK_H */

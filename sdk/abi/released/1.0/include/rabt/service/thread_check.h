/* clang-format off */
/*
 * rabt.thread_check/1: which lane this is.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * For assertions while a plugin is developed; a plugin that needs it to work is wrong.
 */
#ifndef RABT_SERVICE_THREAD_CHECK_H
#define RABT_SERVICE_THREAD_CHECK_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_THREAD_CHECK "rabt.thread_check/1"

#define RABT_LANE_NONE 0u    /* a thread of the plugin's own, or none that this instance was called on */
#define RABT_LANE_CONTROL 1u /* inside create, destroy or migrate of this instance */
#define RABT_LANE_CALL 2u    /* inside a [call-lane] function of this instance */

typedef struct rabt_thread_check {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] The lane that the calling thread is on now. */
  uint32_t (*lane)(void* self);
} rabt_thread_check;

#ifdef __cplusplus
}
#endif

#endif /* RABT_SERVICE_THREAD_CHECK_H */

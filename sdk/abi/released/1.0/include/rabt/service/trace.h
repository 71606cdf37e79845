/* clang-format off */
/*
 * rabt.trace/1: where the time of a call goes.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * All calls of one run belong to one trace.
 */
#ifndef RABT_SERVICE_TRACE_H
#define RABT_SERVICE_TRACE_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_TRACE "rabt.trace/1"

/* status of a span */
#define RABT_SPAN_OK 0u
#define RABT_SPAN_FAILED 1u

typedef struct rabt_trace {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] Gives sink the place of a span (0: of the call itself) as a W3C Trace Context
   * traceparent: "00-<trace id>-<span id>-01". Returns 0 after calling sink once; non-zero: the call or
   * the span is not open. */
  int32_t (*traceparent)(void* self, rabt_call_id call, uint64_t span, void* context, rabt_sink sink);
  /* [any-thread] Begins a span of an open call under the span parent (0: under the call itself). name
   * is an event name as in rabt.log/1. Returns its id, or 0: not recorded (the call or the parent is
   * not open, or too many spans are). */
  uint64_t (*begin)(void* self, rabt_call_id call, uint64_t parent, const char* name);
  /* [any-thread] Ends a span. fields_json as in rabt.log/1, or empty. 0 and a span that has ended are
   * ignored. What is open when its call ends, ends with it as failed. */
  void (*end)(void* self, uint64_t span, uint32_t status, rabt_bytes fields_json);
} rabt_trace;

#ifdef __cplusplus
}
#endif

#endif /* RABT_SERVICE_TRACE_H */

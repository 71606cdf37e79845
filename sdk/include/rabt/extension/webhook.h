/* clang-format off */
/*
 * rabt.webhook/1: turns deliveries of the outside system into events.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * From rabt_plugin.get_extension. The host has checked the delivery's signature before it calls.
 */
#ifndef RABT_EXTENSION_WEBHOOK_H
#define RABT_EXTENSION_WEBHOOK_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_WEBHOOK "rabt.webhook/1"

typedef struct rabt_webhook {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [call-lane] Reads one delivery and answers before it returns. delivery_json:
   *   {"source", "method", "path", "query": [[k,v]], "headers": [[k,v]], "content_type"}
   * Returns 0 after calling events once with a JSON array (empty: nothing of interest) of
   *   {"type": of the manifest, "source": "...", "subject"?: "...", "time"?: RFC 3339,
   *    "id": unique within source, "data": valid against the event's schema}
   * or with an object, when the sender waits for an answer in its own format:
   *   {"events": the array, "id"?: tells the delivery from all others of its source,
   *    "refused"?: why it is refused, as for error; "events" is empty then,
   *    "answers": {"content_type": "...", "accepted": "...", "refused": "...",
   *                "conflict": "another delivery came with this id", "failed": "the hub cannot now"}}
   * The answers are texts without patient data; one that is not there is an empty body. "accepted" goes
   * out when the events are durable, and again when the delivery comes again.
   * Returns non-zero after calling error once with a text for operators, no patient data: the delivery
   * is answered 422. */
  int32_t (*normalise)(void* self, rabt_bytes delivery_json, rabt_bytes body, void* context,
                       rabt_sink events, rabt_sink error);
} rabt_webhook;

#ifdef __cplusplus
}
#endif

#endif /* RABT_EXTENSION_WEBHOOK_H */

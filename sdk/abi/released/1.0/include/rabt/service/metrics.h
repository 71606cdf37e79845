/* clang-format off */
/*
 * rabt.metrics/1: numbers for operators.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * Which metrics there are, and which values each label may have, the manifest declares:
 *
 *   metrics:
 *     - {name: rooms_created, kind: counter, help: Rooms made, labels: {region: [ksa, uae]}}
 *     - {name: upload_seconds, kind: histogram, help: Time of an upload, buckets: [0.1, 1, 10]}
 *     - {name: queue_length, kind: gauge, help: Messages that wait}
 *
 * Closed sets keep patient data out of the metrics page by construction.
 */
#ifndef RABT_SERVICE_METRICS_H
#define RABT_SERVICE_METRICS_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_METRICS "rabt.metrics/1"

typedef struct rabt_metrics {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] Adds value to a counter (not negative), sets a gauge to it, or puts it into a
   * histogram. labels_json: {"region": "ksa"}, exactly the declared labels; empty when there are none.
   * What is not declared, and a value that is not finite, is dropped and counted as a violation
   * "metrics" of the plugin. */
  void (*record)(void* self, const char* name, rabt_bytes labels_json, double value);
} rabt_metrics;

#ifdef __cplusplus
}
#endif

#endif /* RABT_SERVICE_METRICS_H */

/* clang-format off */
/*
 * rabt.migrate/1: reads configurations of older versions.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * From rabt_entry.get_extension: there is no instance yet when it is needed.
 */
#ifndef RABT_EXTENSION_MIGRATE_H
#define RABT_EXTENSION_MIGRATE_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_MIGRATE "rabt.migrate/1"

typedef struct rabt_migrate {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [control-lane] Turns the configuration config_json, written for the version from_version of this
   * plugin, into one for this version, and answers before it returns. Returns 0 after calling config
   * once with JSON that is valid against the manifest's config schema. Returns non-zero after calling
   * error once with a text for operators: the plugin is not created. No service is there. */
  int32_t (*migrate)(void* self, const char* from_version, rabt_bytes config_json, void* context,
                     rabt_sink config, rabt_sink error);
} rabt_migrate;

#ifdef __cplusplus
}
#endif

#endif /* RABT_EXTENSION_MIGRATE_H */

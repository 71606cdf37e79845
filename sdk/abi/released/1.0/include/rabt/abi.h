/* clang-format off */
/*
 * Rabt plugin ABI, version 1.0. Laid out by hand: the comments are the contract.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A plugin is a shared library that exports exactly one symbol, data and not code:
 *
 *     extern const rabt_entry rabt_plugin_entry;
 *
 * THE LINE
 *   Only bytes and numbers cross it: UTF-8 JSON in, UTF-8 JSON out, 64-bit call ids. No C++ type, no
 *   exception, no allocator, no file handle, no errno. "const char*" is a name that ends with NUL.
 *
 * MEMORY
 *   Whoever receives bytes copies what it keeps before returning; nobody frees the other's memory.
 *   **The single exception: the bytes of a rabt_call stay valid until complete() of that call
 *   returns.**
 *
 * STRUCTS
 *   Every struct says its size, in its first field (rabt_entry: after magic and version; rabt_bytes
 *   alone has none and never changes). A field is present iff offset + sizeof <= size (RABT_HAS), and
 *   a function iff it is also not null (RABT_CAN). Fields are never removed, moved or given another
 *   meaning; new ones come only at the end. The five structs of this file are frozen but for that:
 *   rabt_outcome, rabt_call, rabt_host, rabt_plugin, rabt_entry. Everything else is a named service
 *   (host side, rabt/service/) or extension (plugin side, rabt/extension/) "rabt.<name>/<revision>"
 *   that grows by the same rule; a change that does not fit the rule is a new revision with its own
 *   id. Others name theirs after a domain of their own: "com.acme.<name>/<revision>".
 *
 * LANES
 *   Each function carries exactly one of four words. They say where it may be called.
 *   [control-lane]     One at a time, before the first call and after the last one.
 *   [call-lane]        By the host, on this instance's lane: one at a time when the manifest says
 *                      concurrency: 1 (the default), else up to that many at once. Every callback that
 *                      a service gives back comes there too. Return within 50 ms.
 *   [any-thread]       From anywhere, also at the same time.
 *   [inside-callback]  Only before the function that was given it has returned.
 *
 * CLAUSES of the asynchronous contract
 *   A1  invoke returns 0: accepted. Exactly one complete() follows, from any thread, possibly before
 *       invoke returns.
 *   A2  invoke returns non-zero: refused. No work was started and no complete() follows. The hub
 *       treats it as transient.
 *   A3  complete() copies. After it returns the call's bytes are gone.
 *   A4  A second or late complete() is ignored, counted and reported.
 *   A5  cancel() is advice; complete() is still owed. After deadline and grace the hub ends the call
 *       as ambiguous by itself.
 *   A6  The idempotency key is the same for every attempt of one step of one run, and differs between
 *       steps and runs.
 *   A7  destroy() is called only when no call is open. Callbacks of services that are owed then never
 *       come. If calls do not end in the grace time, the instance is abandoned and destroy() never
 *       called.
 *   A8  transient: provably no effect. permanent: provably no effect, and a retry cannot help.
 *       ambiguous: the effect may exist. When in doubt, ambiguous.
 */
#ifndef RABT_ABI_H
#define RABT_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_ABI_MAGIC 0x54424152u /* "RABT" in memory on a little-endian machine */
#define RABT_ABI_MAJOR 1
#define RABT_ABI_MINOR 0

/* Whether the field lies within the size that the other side declared. The type is named so that this
 * is plain C. */
#define RABT_HAS(type, pointer, field) \
  ((pointer) != NULL && offsetof(type, field) + sizeof(((type*)0)->field) <= (pointer)->size)
/* The same for a function, which must also not be null. */
#define RABT_CAN(type, pointer, function) \
  (RABT_HAS(type, pointer, function) && (pointer)->function != NULL)

typedef struct rabt_bytes {
  const uint8_t* ptr; /* not NUL-terminated; may be null when len is 0 */
  uint64_t len;
} rabt_bytes;

/* [inside-callback] Takes bytes that the other side has for the caller. */
typedef void (*rabt_sink)(void* context, rabt_bytes bytes);

typedef uint64_t rabt_call_id; /* a token, never 0: late use is harmless */

/* rabt_outcome.kind, see A8 */
#define RABT_DONE 0u
#define RABT_TRANSIENT 1u
#define RABT_PERMANENT 2u
#define RABT_AMBIGUOUS 3u
#define RABT_CANCELLED 4u /* ended because of cancel(), provably without effect */

typedef struct rabt_outcome {
  uint32_t size;
  uint32_t kind;
  rabt_bytes output;      /* RABT_DONE: JSON, valid against the action's output schema */
  rabt_bytes code;        /* otherwise: stable, for programs, e.g. "twilio.room_exists" */
  rabt_bytes message;     /* for operators; never patient data */
  rabt_bytes detail;      /* JSON object or empty; may hold patient data, the hub seals it.
                             Its member "status" is the HTTP status. */
  int64_t retry_after_ms; /* transient: not before; 0: no wish */
} rabt_outcome;

typedef struct rabt_call {
  uint32_t size;
  uint32_t attempt; /* from 1 */
  rabt_call_id id;
  rabt_bytes action;          /* name as in the manifest */
  rabt_bytes action_version;  /* version as in the manifest; one name may stand there in several */
  rabt_bytes input;           /* JSON, valid against the action's input schema */
  rabt_bytes idempotency_key; /* see A6 */
  int64_t deadline_unix_ms;
} rabt_call;

typedef struct rabt_host {
  uint32_t size;
  uint32_t abi_minor;
  void* self; /* first argument of every function here */
  /* [any-thread] A service struct that lives as long as the plugin, or null when the host does not
   * offer it. */
  const void* (*get_service)(void* self, const char* id);
  /* [any-thread] Ends a call; see A1 to A4. */
  void (*complete)(void* self, rabt_call_id call, const rabt_outcome* outcome);
} rabt_host;

typedef struct rabt_plugin {
  uint32_t size;
  uint32_t reserved;
  void* self; /* first argument of every function here */
  /* [call-lane] Begins a call; see A1, A2. */
  int32_t (*invoke)(void* self, const rabt_call* call);
  /* [call-lane] Asks to end a call early; see A5. */
  void (*cancel)(void* self, rabt_call_id call);
  /* [any-thread] An extension struct that lives as long as the plugin, or null. */
  const void* (*get_extension)(void* self, const char* id);
  /* [control-lane] Frees the plugin; see A7. */
  void (*destroy)(void* self);
} rabt_plugin;

typedef struct rabt_entry {
  uint32_t magic;
  uint16_t abi_major;
  uint16_t abi_minor; /* the oldest host minor that this plugin needs */
  uint32_t size;
  uint32_t reserved;
  const char* id;              /* as in the manifest */
  const char* version;         /* as in the manifest */
  const char* manifest_sha256; /* 64 lower-case hex digits of manifest.yaml's bytes */
  /* [control-lane] Makes an instance. config: JSON, valid against the manifest's config schema.
   * Returns null after calling error once with a text for operators. host outlives the instance.
   * Calls may come as soon as it has returned. */
  const rabt_plugin* (*create)(const rabt_host* host, rabt_bytes config, void* error_context,
                               rabt_sink error);
  /* [any-thread] An extension struct that needs no instance (rabt.migrate/1) and lives as long as the
   * library, or null. The pointer may be null: none. */
  const void* (*get_extension)(const char* id);
} rabt_entry;

#ifdef __cplusplus
}
#endif

#endif /* RABT_ABI_H */

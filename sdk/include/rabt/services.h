/*
 * Services that the host offers, and extensions that a plugin may offer. SPDX-License-Identifier:
 * Apache-2.0 Lanes, memory and struct rules: rabt/abi.h. "self" is always the service's or
 * extension's own field.
 */
#ifndef RABT_SERVICES_H
#define RABT_SERVICES_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- rabt.log/1
 * --------------------------------------------------------------------------------------------------
 * An event name and a flat JSON object of fields. No sentences, no patient data: fields that the
 * manifest marks as x-phi are dropped. */
#define RABT_LOG "rabt.log/1"
#define RABT_LOG_DEBUG 0u
#define RABT_LOG_INFO 1u
#define RABT_LOG_WARN 2u
#define RABT_LOG_ERROR 3u
#define RABT_LOG_HOST_MISBEHAVING 4u /* the host broke the contract */

typedef struct rabt_log {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] */
  void (*log)(void* self, uint32_t level, const char* event, rabt_bytes fields_json);
} rabt_log;

/* ---- rabt.http/1
 * -------------------------------------------------------------------------------------------------
 * The host does TLS, pooling, time limits, the allow-list, secrets and audit; the plugin describes
 * the request. Request JSON:
 *   {"method": "POST", "url": "https://...",
 *    "headers": [["Accept", "application/json"],
 *                ["Authorization", {"secret": "api_token", "prefix": "Bearer "}],
 *                ["Authorization", {"basic_user": "AC...", "secret": "auth_token"}]],
 *    "timeout_ms": 30000,          default: what is left of the call's deadline
 *    "max_bytes": 1048576,         of the answer; default 12 MiB
 *    "blob": {"content_type": ""}  the answer's body becomes a sealed blob and never reaches the
 * plugin} Redirects are never followed: the 3xx is the answer. The host must be in the manifest's
 * or the configuration's allow-list. */
#define RABT_HTTP "rabt.http/1"
#define RABT_SENT_NO 0u /* not a byte left: transient */
#define RABT_SENT_MAYBE \
  1u /* something left, no whole answer came: ambiguous unless the request is safe to repeat */
#define RABT_SENT_YES 2u /* a whole answer came */

typedef struct rabt_http_result {
  uint32_t size;
  uint32_t sent;
  int32_t status; /* HTTP status; 0 when no answer came */
  uint32_t reserved;
  rabt_bytes headers_json;  /* [["content-type","..."],...], names in lower case, in order */
  rabt_bytes body;          /* empty when the body became a blob */
  rabt_bytes error_code;    /* empty, or: connect, dns, tls, timeout, reset, too_large, not_allowed,
                               no_secret, cancelled, blob */
  rabt_bytes error_message; /* for operators */
  rabt_bytes blob;          /* the blob's handle when one was asked for and the status is 2xx */
  uint64_t blob_bytes;
  rabt_bytes blob_sha256; /* hex, of the plain bytes */
} rabt_http_result;

typedef struct rabt_http {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] Starts a request on behalf of an open call (0: none). done comes exactly once, on
   * the call lane, never before start returned. The result is valid inside done only. Returns a
   * request id, never 0. */
  uint64_t (*start)(void* self, rabt_call_id call, rabt_bytes request_json, rabt_bytes body,
                    void* context, void (*done)(void* context, const rabt_http_result* result));
  /* [any-thread] Advice; done still comes. Requests of a cancelled call are cancelled by the host.
   */
  void (*cancel)(void* self, uint64_t request);
} rabt_http;

/* ---- rabt.secrets/1
 * ----------------------------------------------------------------------------------------------
 * Needs permissions.secrets_raw in the manifest; by-reference use (http, sign) does not. */
#define RABT_SECRETS "rabt.secrets/1"
typedef struct rabt_secrets {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] Returns 0 after calling sink once with the value, valid [inside-callback];
   * non-zero: not there or not allowed. */
  int32_t (*get)(void* self, const char* name, void* context, rabt_sink sink);
} rabt_secrets;

/* ---- rabt.sign/1
 * -------------------------------------------------------------------------------------------------
 * Signs with a named secret that the plugin never sees. Returns 0 after calling sink once;
 * non-zero: no such secret or algorithm. */
#define RABT_SIGN "rabt.sign/1"
typedef struct rabt_sign {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] algorithm: "sha1" or "sha256". The sink receives the raw MAC. */
  int32_t (*hmac)(void* self, const char* secret, const char* algorithm, rabt_bytes data,
                  void* context, rabt_sink sink);
  /* [any-thread] algorithm: "HS256" (secret bytes), "RS384", "ES384" (secret is a PEM key). The
   * sink receives the compact JWT. header_json holds further header members (typ, cty, kid); alg is
   * set by the host. */
  int32_t (*jwt)(void* self, const char* secret, const char* algorithm, rabt_bytes header_json,
                 rabt_bytes claims_json, void* context, rabt_sink sink);
} rabt_sign;

/* ---- rabt.kv/1
 * ---------------------------------------------------------------------------------------------------
 * A small sealed store for each plugin instance: cursors, stored request bytes, tokens. Keys up to
 * 256 bytes, values up to 12 MiB. A put is durable when its done says 0. */
#define RABT_KV "rabt.kv/1"
#define RABT_KV_OK 0
#define RABT_KV_ABSENT 1   /* get, delete: no such key */
#define RABT_KV_CONFLICT 2 /* put with an expected version that is not the stored one */
#define RABT_KV_FAILED 3   /* the store refused; nothing changed */
#define RABT_KV_ANY (-1)   /* expected_version: whatever is stored */
typedef struct rabt_kv {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] done comes exactly once, on the call lane. version counts from 1. */
  void (*get)(void* self, rabt_bytes key, void* context,
              void (*done)(void* context, int32_t status, rabt_bytes value, int64_t version));
  /* [any-thread] ttl_ms 0: kept. expected_version 0: only if absent; RABT_KV_ANY: always; else only
   * over that version. */
  void (*put)(void* self, rabt_bytes key, rabt_bytes value, int64_t ttl_ms,
              int64_t expected_version, void* context,
              void (*done)(void* context, int32_t status, int64_t version));
  /* [any-thread] */
  void (*remove)(void* self, rabt_bytes key, void* context,
                 void (*done)(void* context, int32_t status));
} rabt_kv;

/* ---- rabt.clock/1
 * ------------------------------------------------------------------------------------------------
 * Virtual in tests; plugins do not ask the operating system. */
#define RABT_CLOCK "rabt.clock/1"
typedef struct rabt_clock {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] */
  int64_t (*now_unix_ms)(void* self);
  int64_t (*monotonic_ms)(void* self);
  /* [any-thread] wake comes once, on the call lane, not before after_ms have passed. */
  void (*wake_after)(void* self, int64_t after_ms, void* context, void (*wake)(void* context));
  /* [any-thread] Unpredictable bytes, for ids. */
  void (*random)(void* self, uint8_t* out, uint64_t size);
} rabt_clock;

/* ---- extension rabt.webhook/1
 * ------------------------------------------------------------------------------------ Turns a
 * verified delivery into events. The host has checked the signature before it calls. */
#define RABT_WEBHOOK "rabt.webhook/1"
typedef struct rabt_webhook {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [call-lane] Synchronous. delivery_json:
   * {"source","method","path","query":[[k,v]],"headers":[[k,v]],"content_type"}. Returns 0 after
   * calling events once with a JSON array of
   *   {"type": "...", "source": "...", "subject"?: "...", "time"?: RFC 3339, "id": unique within
   * source, "data": {...}} (an empty array: nothing of interest). Non-zero after calling error once
   * with a text for operators, no patient data: the delivery is answered 422. */
  int32_t (*normalise)(void* self, rabt_bytes delivery_json, rabt_bytes body, void* context,
                       rabt_sink events, rabt_sink error);
} rabt_webhook;

/* ---- extension rabt.probe/1
 * -------------------------------------------------------------------------------------- Asks the
 * outside system whether an earlier call with this idempotency key took effect. Same rules as
 * invoke (A1 to A8). Done with {"effect": "yes", "output": {...}} | {"effect": "no"} | {"effect":
 * "unknown"}. */
#define RABT_PROBE "rabt.probe/1"
typedef struct rabt_probe {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [call-lane] */
  int32_t (*probe)(void* self, const rabt_call* call);
} rabt_probe;

#ifdef __cplusplus
}
#endif

#endif /* RABT_SERVICES_H */

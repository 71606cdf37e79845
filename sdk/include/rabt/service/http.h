/* clang-format off */
/*
 * rabt.http/1: requests to the outside system.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * The host does TLS, pooling, time limits, the allow-list, secrets and audit; the plugin describes the
 * request as JSON:
 *
 *   {"method": "POST",
 *    "url": "https://...",
 *    "headers": [["Accept", "application/json"],
 *                ["Authorization", {"secret": "api_token", "prefix": "Bearer "}],
 *                ["Authorization", {"basic_user": "AC...", "secret": "auth_token"}]],
 *    "timeout_ms": 30000,           default and most: what is left of the call's deadline
 *    "max_bytes": 1048576,          of the answer; default and most: 12 MiB
 *    "body_blob": "<handle>",       the blob is the request's body; body must be empty
 *    "blob": {"content_type": ""}}  a 2xx answer's body becomes a sealed blob
 *
 * or one mail to one address by SMTP, whose message (RFC 5322, lines that end with CR LF) is the body:
 *
 *   {"url": "smtp://relay.example.sa:587",     STARTTLS; smtps:// is TLS from the first byte
 *    "mail": {"from": "clinic@example.sa", "to": "someone@example.org",
 *             "user": "clinic", "secret": "email_token"},   both or none
 *    "timeout_ms": 30000}
 *
 * The relay's last reply is the answer: its code is the status (250 if the relay took the mail, 4xx and
 * 5xx if it did not), its line the body. A refused sign-in is an answer, too. Without TLS a mail goes to
 * a loopback address only.
 *
 * or one message of HL7 v2 by MLLP, which is the body, without its frame:
 *
 *   {"url": "mllps://his.example.sa:2575", "timeout_ms": 30000}     mllp:// is without TLS
 *
 * The message that answers it is the body of the answer, whose status is 200. Each goes over a connection
 * of its own. method, headers and max_bytes may stand there, too; the first two say nothing.
 *
 * An unknown member is refused. Neither kind of blob passes through the plugin: large content streams.
 * Redirects are never followed: the 3xx is the answer. The URL's host must be in the manifest's or the
 * operator's allow-list.
 */
#ifndef RABT_SERVICE_HTTP_H
#define RABT_SERVICE_HTTP_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_HTTP "rabt.http/1"

/* rabt_http_result.sent */
#define RABT_SENT_NO 0u    /* not a byte left: transient */
#define RABT_SENT_MAYBE 1u /* something left and no whole answer came: ambiguous, unless the request is
                              safe to repeat */
#define RABT_SENT_YES 2u   /* a whole answer came */

typedef struct rabt_http_result {
  uint32_t size;
  uint32_t sent;
  int32_t status; /* HTTP status; 0 when no answer came */
  uint32_t reserved;
  rabt_bytes headers_json;  /* [["content-type","..."],...], names in lower case, in order */
  rabt_bytes body;          /* empty when the body became a blob */
  rabt_bytes error_code;    /* empty, or: connect, dns, tls, timeout, reset, too_large, not_allowed,
                               no_secret, cancelled, overload, circuit_open, blob */
  rabt_bytes error_message; /* for operators */
  rabt_bytes blob;          /* the blob's handle when one was asked for and the status is 2xx */
  uint64_t blob_bytes;
  rabt_bytes blob_sha256;   /* hex, of the plain bytes */
} rabt_http_result;

/* [call-lane] Takes the end of a request. The result is valid until it returns. */
typedef void (*rabt_http_done)(void* context, const rabt_http_result* result);

typedef struct rabt_http {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] Starts a request on behalf of an open call (0: of none, with 60 s of time). done comes
   * exactly once, also when the request was refused. Returns a request id, never 0. On a lane of one
   * thread, done never comes before a start that was called there has returned. */
  uint64_t (*start)(void* self, rabt_call_id call, rabt_bytes request_json, rabt_bytes body,
                    void* context, rabt_http_done done);
  /* [any-thread] Advice; done still comes. The host cancels the requests of a cancelled call itself. */
  void (*cancel)(void* self, uint64_t request);
} rabt_http;

#ifdef __cplusplus
}
#endif

#endif /* RABT_SERVICE_HTTP_H */

/* clang-format off */
/*
 * rabt.blob/1: large content, sealed while it is written.
 * SPDX-License-Identifier: Apache-2.0
 * Lanes, memory and struct rules: rabt/abi.h. "self" is the struct's own field.
 *
 * Offered only when the manifest says permissions.blob. A handle is a short text that may stand in the
 * input and output of actions; rabt.http/1 sends a blob and receives one without this service. A plugin
 * reaches the blobs that this instance of it made or received, and those whose handle stands as a text
 * in the input of the open call that it names. Others are absent to it.
 */
#ifndef RABT_SERVICE_BLOB_H
#define RABT_SERVICE_BLOB_H

#include "rabt/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RABT_BLOB "rabt.blob/1"

/* status */
#define RABT_BLOB_OK 0
#define RABT_BLOB_ABSENT 1 /* no such blob, or none for this plugin; append, finish: not being written */
#define RABT_BLOB_FULL 2   /* no room, or larger than the host takes; what was written is discarded */
#define RABT_BLOB_FAILED 3 /* the store refused; append, finish: what was written is discarded */
#define RABT_BLOB_RANGE 4  /* read: from lies behind the end, or length is 0 or too large */

#define RABT_BLOB_MAX_PIECE 1048576u /* most bytes of one append or read */

typedef struct rabt_blob_info {
  uint32_t size;
  uint32_t reserved;
  rabt_bytes handle;
  rabt_bytes content_type;
  uint64_t bytes;    /* plain; while it is written: taken so far */
  rabt_bytes sha256; /* hex, of the plain bytes; empty while it is written */
} rabt_blob_info;

/* [call-lane] Takes the end of an operation; info is null unless status is RABT_BLOB_OK. */
typedef void (*rabt_blob_done)(void* context, int32_t status, const rabt_blob_info* info);
/* [call-lane] Takes a piece; empty unless status is RABT_BLOB_OK. */
typedef void (*rabt_blob_piece)(void* context, int32_t status, rabt_bytes piece);

typedef struct rabt_blob {
  uint32_t size;
  uint32_t reserved;
  void* self;
  /* [any-thread] Begins a blob. content_type: an RFC 9110 media type, or empty. done comes exactly
   * once. A blob that is not finished when the instance ends is discarded. */
  void (*create)(void* self, rabt_bytes content_type, void* context, rabt_blob_done done);
  /* [any-thread] Writes the next piece. Pieces are taken in the order of the calls. done comes exactly
   * once; who waits for it before the next append keeps memory small. */
  void (*append)(void* self, rabt_bytes handle, rabt_bytes piece, void* context,
                 rabt_blob_done done);
  /* [any-thread] Ends a blob. done comes exactly once. RABT_BLOB_OK: durable, and readable from now
   * on. The hub removes a finished blob that nobody takes over within a day. */
  void (*finish)(void* self, rabt_bytes handle, void* context, rabt_blob_done done);
  /* [any-thread] Throws away a blob that is being written. */
  void (*discard)(void* self, rabt_bytes handle);
  /* [any-thread] Describes a finished blob. call: the open call whose input names it, or 0 for a blob
   * of this instance. done comes exactly once. */
  void (*info)(void* self, rabt_call_id call, rabt_bytes handle, void* context,
               rabt_blob_done done);
  /* [any-thread] Reads length bytes from the offset from, fewer at the end. call as in info. done comes
   * exactly once. */
  void (*read)(void* self, rabt_call_id call, rabt_bytes handle, uint64_t from, uint64_t length,
               void* context, rabt_blob_piece done);
} rabt_blob;

#ifdef __cplusplus
}
#endif

#endif /* RABT_SERVICE_BLOB_H */

/* A plugin in plain C: echo gives its input back, fetch makes an HTTP request. Macros make its
 * entry wrong in one place each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rabt/abi.h"
#include "rabt/service/http.h"

static const rabt_host* host;

static rabt_bytes text(const char* value) {
  rabt_bytes out;
  out.ptr = (const uint8_t*)value;
  out.len = strlen(value);
  return out;
}
static int is(const rabt_call* call, const char* name) {
  return call->action.len == strlen(name) && memcmp(call->action.ptr, name, call->action.len) == 0;
}
static void complete(rabt_call_id id, uint32_t kind, rabt_bytes output, const char* code,
                     const char* message) {
  rabt_outcome outcome;
  memset(&outcome, 0, sizeof outcome);
  outcome.size = sizeof outcome;
  outcome.kind = kind;
  outcome.output = output;
  outcome.code = text(code);
  outcome.message = text(message);
  host->complete(host->self, id, &outcome);
}

struct fetch {
  rabt_call_id call;
};
/* The request is a GET: it has no effect, so nothing here is ambiguous. */
static void fetched(void* context, const rabt_http_result* result) {
  struct fetch* fetch = (struct fetch*)context;
  const rabt_bytes none = {NULL, 0};
  if (result->sent != RABT_SENT_YES || result->error_code.len != 0) {
    complete(fetch->call, RABT_TRANSIENT, none, "small.no_answer", "no answer came");
  } else if (result->status >= 400 && result->status < 500) {
    complete(fetch->call, RABT_PERMANENT, none, "small.refused", "the other side refused");
  } else if (result->status != 200) {
    complete(fetch->call, RABT_TRANSIENT, none, "small.unavailable", "try again later");
  } else {
    char output[64];
    (void)snprintf(output, sizeof output, "{\"bytes\":%llu}", (unsigned long long)result->body.len);
    complete(fetch->call, RABT_DONE, text(output), "", "");
  }
  free(fetch);
}

static int32_t invoke(void* self, const rabt_call* call) {
  const rabt_http* http = (const rabt_http*)host->get_service(host->self, RABT_HTTP);
  const rabt_bytes none = {NULL, 0};
  (void)self;
  if (is(call, "fetch")) {
    struct fetch* fetch;
    if (!RABT_CAN(rabt_http, http, start)) return 1;
    fetch = (struct fetch*)malloc(sizeof *fetch);
    if (fetch == NULL) return 1;
    fetch->call = call->id;
    /* The input is the description of the request: {"url": "..."}. */
    (void)http->start(http->self, call->id, call->input, none, fetch, fetched);
  } else {
    complete(call->id, RABT_DONE, call->input, "", "");
  }
  return 0;
}
static void cancel(void* self, rabt_call_id call) {
  (void)self;
  (void)call;
}
static const void* get_extension(void* self, const char* id) {
  (void)self;
  (void)id;
  return NULL;
}
static void destroy(void* self) {
  (void)self;
}

static const rabt_plugin plugin = {sizeof plugin, 0, NULL, invoke, cancel, get_extension, destroy};

static const rabt_plugin* create(const rabt_host* from, rabt_bytes config, void* error_context,
                                 rabt_sink error) {
  (void)config;
  (void)error_context;
  (void)error;
  host = from;
  return &plugin;
}

extern const rabt_entry rabt_plugin_entry;
__attribute__((visibility("default"))) const rabt_entry rabt_plugin_entry = {RABT_ABI_MAGIC,
                                                                             RABT_ABI_MAJOR,
                                                                             RABT_ABI_MINOR,
                                                                             sizeof(rabt_entry),
                                                                             0,
                                                                             "kept-c",
                                                                             "1.0.0",
                                                                             RABT_MANIFEST_SHA256,
                                                                             create,
                                                                             NULL};

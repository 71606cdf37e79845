/* One plugin that keeps the contract, and with WRONG_... defined one that breaks it in one way. In
 * plain C: no wrapper protects it. create posts the input to the outside system and answers {"ok":
 * true} after a 2xx. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rabt/services.h"

typedef struct plugin {
  rabt_plugin table;
  rabt_webhook webhook;
  const rabt_host* host;
  const rabt_http* http;
  const rabt_clock* clock;
  const rabt_log* log;
  const rabt_metrics* metrics;
  char base_url[256];
  pthread_t thread;
  struct call* open;
} plugin;

typedef struct call {
  plugin* owner;
  rabt_call_id id;
  int64_t deadline;
  int cancelled;
  int again;
  struct call* next;
  char key[128];
  char note[256];
  const uint8_t* input; /* the host's bytes */
  uint64_t input_size;
} call;

static rabt_bytes text(const char* s) {
  rabt_bytes out = {(const uint8_t*)s, strlen(s)};
  return out;
}

static void end_with(plugin* p, rabt_call_id id, uint32_t kind, const char* output,
                     const char* code, const char* message, int64_t retry) {
  rabt_outcome o;
  memset(&o, 0, sizeof o);
  o.size = sizeof o;
  o.kind = kind;
  o.output = text(output);
  o.code = text(code);
  o.message = text(message);
  o.retry_after_ms = retry;
  p->host->complete(p->host->self, id, &o);
}

static void forget(call* c) {
  call** at = &c->owner->open;
  while (*at != NULL && *at != c) at = &(*at)->next;
  if (*at != NULL) *at = c->next;
  free(c);
}

static void again_later(void* context) {
  call* c = context;
  end_with(c->owner, c->id, RABT_TRANSIENT, "", "wrong.late", "late", 0);
  free(c);
}

static void start(call* c);
static void retry_now(void* context) {
  start(context);
}

static int64_t retry_after(const rabt_http_result* r) {
  char headers[512];
  const char* at;
  size_t size = r->headers_json.len < sizeof headers - 1 ? r->headers_json.len : sizeof headers - 1;
  memcpy(headers, r->headers_json.ptr, size);
  headers[size] = 0;
  at = strstr(headers, "\"retry-after\",\"");
  if (at == NULL) return 1000;
  /* Whole seconds, not negative, at most a day; a date is not read. */
  at += 15;
  {
    int64_t seconds = 0;
    while (*at >= '0' && *at <= '9' && seconds < 86400) seconds = seconds * 10 + (*at++ - '0');
    return (seconds < 86400 ? seconds : 86400) * 1000;
  }
}

static void done(void* context, const rabt_http_result* r) {
  call* c = context;
  plugin* p = c->owner;
  const char* message = "the outside system says no";
  char with_note[512];
#ifdef WRONG_CANCEL_FORGOTTEN
  if (c->cancelled) return;
#endif
#ifdef WRONG_DEADLINE
  if (r->sent == RABT_SENT_MAYBE && !c->cancelled && p->clock != NULL) {
    c->deadline += 600000;
    if (c->deadline < p->clock->now_unix_ms(p->clock->self) + 3000000) {
      p->clock->wake_after(p->clock->self, 600000, c, retry_now);
      return;
    }
  }
#endif
#if defined(WRONG_BLIND) || defined(RETRIES_UNDER_ITS_KEY)
  /* Once more, at once, and without a look at what became of the first one. */
  if (r->sent == RABT_SENT_MAYBE && !c->cancelled && c->again++ == 0) {
    start(c);
    return;
  }
#endif
#ifdef WRONG_PHI_MESSAGE
  snprintf(with_note, sizeof with_note, "refused: %s", c->note);
  message = with_note;
#endif
#ifdef WRONG_PHI_LOG
  snprintf(with_note, sizeof with_note, "{\"note\":\"%s\"}", c->note);
  if (p->log != NULL) p->log->log(p->log->self, RABT_LOG_WARN, "wrong.refused", text(with_note));
#endif
#ifdef WRONG_PHI_METRICS
  snprintf(with_note, sizeof with_note, "{\"who\":\"%s\"}", c->note);
  if (p->metrics != NULL) p->metrics->record(p->metrics->self, "calls", text(with_note), 1);
#endif
  (void)with_note;
  (void)retry_now;
  if (r->sent == RABT_SENT_NO) {
#ifdef WRONG_CONNECT
    end_with(p, c->id, RABT_AMBIGUOUS, "", "wrong.connect", "not sent", 0);
#else
    end_with(p, c->id, RABT_TRANSIENT, "", "wrong.connect", "not sent", 0);
#endif
  } else if (r->sent == RABT_SENT_MAYBE) {
#if defined(WRONG_LOST_TRANSIENT)
    end_with(p, c->id, RABT_TRANSIENT, "", "wrong.lost", "no answer", 0);
#elif defined(WRONG_KIND)
    end_with(p, c->id, 77, "", "wrong.lost", "no answer", 0);
#else
    end_with(p, c->id, RABT_AMBIGUOUS, "", "wrong.lost", "no answer", 0);
#endif
  } else if (r->status / 100 == 2) {
#ifdef WRONG_RESPONSE
    /* Believes that an answer ends with a bracket. */
    if (r->body.len == 0 || r->body.ptr[r->body.len - 1] != '}') *(volatile int*)1 = 2;
#endif
#ifdef WRONG_OUTPUT
    end_with(p, c->id, RABT_DONE, "{\"ok\":\"yes\"}", "", "", 0);
#else
    end_with(p, c->id, RABT_DONE, "{\"ok\":true}", "", "", 0);
#endif
  } else if (r->status == 429 || r->status >= 500) {
#ifdef WRONG_RETRY_AFTER
    end_with(p, c->id, RABT_TRANSIENT, "", "wrong.busy", "busy", 0);
#else
    end_with(p, c->id, RABT_TRANSIENT, "", "wrong.busy", "busy", retry_after(r));
#endif
  } else {
#ifdef WRONG_CLIENT_ERROR
    end_with(p, c->id, RABT_TRANSIENT, "", "wrong.refused", message, 0);
#else
    end_with(p, c->id, RABT_PERMANENT, "", "wrong.refused", message, 0);
#endif
  }
#ifdef WRONG_TWICE
  end_with(p, c->id, RABT_PERMANENT, "", "wrong.twice", "again", 0);
#endif
#ifdef WRONG_LATE_BYTES
  {
    volatile uint8_t first = c->input[0];
    (void)first;
  }
#endif
#ifdef WRONG_LATE_COMPLETE
  {
    call* copy = malloc(sizeof *copy);
    *copy = *c;
    if (p->clock != NULL) p->clock->wake_after(p->clock->self, 30000, copy, again_later);
  }
#endif
  (void)again_later;
  forget(c);
}

static void start(call* c) {
  plugin* p = c->owner;
  char head[1024];
  const char* key = c->key;
#ifdef WRONG_KEY
  char chance[17] = "";
  uint8_t raw[8] = {0};
  int i;
  if (p->clock != NULL) p->clock->random(p->clock->self, raw, sizeof raw);
  for (i = 0; i < 8; ++i) snprintf(chance + 2 * i, 3, "%02x", raw[i]);
  key = chance;
#endif
#if defined(WRONG_NO_KEY) || defined(WRONG_BLIND)
  key = "always-the-same";
#endif
  snprintf(head, sizeof head,
           "{\"method\":\"POST\",\"url\":\"%s/create\",\"headers\":[[\"Idempotency-Key\",\"%s\"],"
           "[\"Authorization\",{\"secret\":\"api_token\",\"prefix\":\"Bearer \"}]]}",
           p->base_url, key);
  p->http->start(p->http->self, c->id, text(head), text("{}"), c, done);
}

#ifdef WORKS_IN_A_THREAD
/* The first call of a process takes its time, the others are quick. */
static int slept;
static void* work(void* context) {
  if (__atomic_exchange_n(&slept, 1, __ATOMIC_SEQ_CST) == 0) usleep(700000);
  start(context);
  return NULL;
}
#ifdef WATCHES_ITS_THREAD
static struct {
  plugin* owner;
  rabt_call_id id;
} watched;
/* Virtual time must not pass while the thread works: an outcome without a code is wrong. */
static void too_late(void* context) {
  (void)context;
  if (watched.owner->open != NULL && watched.owner->open->id == watched.id)
    end_with(watched.owner, watched.id, RABT_TRANSIENT, "", "", "too slow", 0);
}
#endif
static void start_in_thread(call* c) {
  pthread_t thread;
  pthread_attr_t detached;
#ifdef WATCHES_ITS_THREAD
  if (watched.owner == NULL && c->owner->clock != NULL) {
    watched.owner = c->owner;
    watched.id = c->id;
    c->owner->clock->wake_after(c->owner->clock->self, 1000, NULL, too_late);
  }
#endif
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  pthread_create(&thread, &detached, work, c);
  pthread_attr_destroy(&detached);
}
#endif

#ifdef WRONG_TWO_INSTANCES
static plugin* the_only_one;
#endif

static int32_t invoke(void* self, const rabt_call* raw) {
  plugin* p = self;
  call* c;
  const char* note;
  size_t size;
#ifdef WRONG_TWO_INSTANCES
  p = the_only_one;
#endif
#ifdef WRONG_EXIT
  _exit(0);
#endif
#ifdef WRONG_LANE
  usleep(80000);
#endif
#if defined(WRONG_UNKNOWN)
  if (0) {
#elif defined(WRONG_UNWRITTEN)
  if (1) {
#elif defined(WRONG_UNWRITTEN_NAMED)
  if (1) {
    char message[128];
    snprintf(message, sizeof message, "there is no action %.*s %.*s", (int)raw->action.len,
             (const char*)raw->action.ptr, (int)raw->action_version.len,
             (const char*)raw->action_version.ptr);
    end_with(p, raw->id, RABT_PERMANENT, "", "wrong.unknown_action", message, 0);
    return 0;
#else
  if (raw->action.len != 6 || memcmp(raw->action.ptr, "create", 6) != 0) {
#endif
    end_with(p, raw->id, RABT_PERMANENT, "", "wrong.unknown_action", "no such action", 0);
    return 0;
  }
#ifdef WRONG_NEVER
  return 0;
#endif
#ifdef WRONG_SERVICES
  if (p->http == NULL) p->http->start(p->http->self, raw->id, text("{}"), text(""), NULL, done);
#endif
  if (p->http == NULL) {
    end_with(p, raw->id, RABT_TRANSIENT, "", "wrong.no_http", "the host offers no HTTP", 0);
    return 0;
  }
  c = calloc(1, sizeof *c);
  if (c == NULL) return 1;
  c->owner = p;
  c->id = raw->id;
  c->deadline = raw->deadline_unix_ms;
  c->input = raw->input.ptr;
  c->input_size = raw->input.len;
  size =
      raw->idempotency_key.len < sizeof c->key - 1 ? raw->idempotency_key.len : sizeof c->key - 1;
  memcpy(c->key, raw->idempotency_key.ptr, size);
  note = memmem(raw->input.ptr, raw->input.len, "\"note\":\"", 8);
  if (note != NULL) {
    const char* end = (const char*)raw->input.ptr + raw->input.len;
    note += 8;
    for (size = 0; note + size < end && note[size] != '"' && size < sizeof c->note - 1; ++size) {
    }
    memcpy(c->note, note, size);
  }
#ifdef WRONG_INPUT
  /* Believes what only a valid input promises, and a little more. */
  if (raw->input.len > 100 || note == NULL) *(volatile int*)1 = 2;
#endif
  c->next = p->open;
  p->open = c;
#ifdef WORKS_IN_A_THREAD
  start_in_thread(c);
#else
  start(c);
#endif
#ifdef WRONG_REFUSES
  return 1;
#else
  return 0;
#endif
}

static void cancel(void* self, rabt_call_id id) {
  plugin* p = self;
  call* c;
  for (c = p->open; c != NULL; c = c->next) {
    if (c->id == id) c->cancelled = 1;
  }
}

static int32_t normalise(void* self, rabt_bytes info, rabt_bytes body, void* context,
                         rabt_sink events, rabt_sink error) {
  (void)self;
  (void)info;
#ifdef WRONG_WEBHOOK
  events(context, text("[{\"type\":\"test.unknown\",\"source\":\"s\",\"id\":\"1\",\"data\":{}}]"));
  return 0;
#else
  if (body.len == 0 || body.ptr[0] != '{') {
    error(context, text("the delivery is no JSON object"));
    return 1;
  }
  events(context,
         text("[{\"type\":\"test.created\",\"source\":\"s\",\"id\":\"1\",\"data\":{\"n\":1}}]"));
  return 0;
#endif
}

static const void* get_extension(void* self, const char* id) {
  return strcmp(id, RABT_WEBHOOK) == 0 ? &((plugin*)self)->webhook : NULL;
}

#ifdef WRONG_AFTER_DESTROY
static void* talk(void* context) {
  plugin* p = context;
  int i;
  for (i = 0; i < 40; ++i) {
    usleep(10000);
    if (p->log != NULL) p->log->log(p->log->self, RABT_LOG_INFO, "wrong.alive", text("{}"));
  }
  return NULL;
}
#endif

static void destroy(void* self) {
#if defined(WRONG_DESTROY_SLOW)
  sleep(2);
#endif
#if defined(WRONG_LEAK) || defined(WRONG_AFTER_DESTROY) || defined(WRONG_TWO_INSTANCES)
  (void)self; /* the whole instance stays */
#else
  free(self);
#endif
}

#ifdef MANY_SIZES
/* Each instance needs blocks of another size for a moment, and leaves none behind. */
static void pass_through(void) {
  static size_t instance;
  void* volatile blocks[7];
  size_t i;
  const size_t size = 24 + 16 * (instance++ % 60);
  for (i = 0; i < 7; ++i) blocks[i] = malloc(size);
  for (i = 0; i < 7; ++i) free(blocks[i]);
}
#endif

static const rabt_plugin* create(const rabt_host* host, rabt_bytes config, void* context,
                                 rabt_sink error) {
  plugin* p;
  const char* url;
  const char* end;
  const char* close;
#ifdef WRONG_CREATE_CRASHES
  if (config.len < 10) *(volatile int*)1 = 2;
#endif
  url = memmem(config.ptr, config.len, "\"base_url\":\"https://", 19);
  if (url == NULL) {
#ifndef WRONG_SILENT
    error(context, text("base_url is missing, or does not begin with https://"));
#endif
    return NULL;
  }
  url += 12;
  end = (const char*)config.ptr + config.len;
  close = memchr(url, '"', (size_t)(end - url));
  p = calloc(1, sizeof *p);
  if (p == NULL || close == NULL || close - url >= (long)sizeof p->base_url) {
    free(p);
    error(context, text("base_url is no address"));
    return NULL;
  }
  memcpy(p->base_url, url, (size_t)(close - url));
#ifdef MANY_SIZES
  pass_through();
#endif
  p->host = host;
  p->http = host->get_service(host->self, RABT_HTTP);
  p->clock = host->get_service(host->self, RABT_CLOCK);
  p->log = host->get_service(host->self, RABT_LOG);
  p->metrics = host->get_service(host->self, RABT_METRICS);
  p->table.size = sizeof p->table;
  p->table.self = p;
  p->table.invoke = invoke;
  p->table.cancel = cancel;
  p->table.get_extension = get_extension;
  p->table.destroy = destroy;
  p->webhook.size = sizeof p->webhook;
  p->webhook.self = p;
  p->webhook.normalise = normalise;
#ifdef WRONG_TWO_INSTANCES
  the_only_one = p;
#endif
#ifdef WRONG_AFTER_DESTROY
  pthread_create(&p->thread, NULL, talk, p);
#endif
  return &p->table;
}

#if defined(WRONG_MIGRATE) || defined(WRONG_MIGRATE_TWICE) || defined(WRONG_MIGRATE_SCHEMA) || \
    defined(WRONG_MIGRATE_CHANGES) || defined(RIGHT_MIGRATE)
/* Of version 0: {"address":"..."}. */
static int32_t migrate(void* self, const char* from, rabt_bytes config, void* context,
                       rabt_sink give, rabt_sink error) {
  char out[512];
  const char* url = memmem(config.ptr, config.len, "\"https://", 9);
  const char* end = (const char*)config.ptr + config.len;
  const char* close = url == NULL ? NULL : memchr(url + 1, '"', (size_t)(end - url - 1));
  const char* at;
  (void)self;
  (void)from;
#ifdef WRONG_MIGRATE
  if (close == NULL) return 1; /* and does not say why */
#endif
  for (at = url; close != NULL && at < close; ++at) {
    if ((unsigned char)*at < 0x20 || *at == '\\') close = NULL;
    if (close == NULL) break;
  }
  if (close == NULL || close - url > 200) {
    error(context, text("there is no address that begins with https://"));
    return 1;
  }
#if defined(WRONG_MIGRATE_SCHEMA)
  snprintf(out, sizeof out, "{\"address\":%.*s\"}", (int)(close - url), url);
#elif defined(WRONG_MIGRATE_CHANGES)
  {
    static int calls;
    snprintf(out, sizeof out, "{\"base_url\":%.*s%d\"}", (int)(close - url), url, ++calls);
  }
#else
  snprintf(out, sizeof out, "{\"base_url\":%.*s\"}", (int)(close - url), url);
#endif
  give(context, text(out));
#ifdef WRONG_MIGRATE_TWICE
  give(context, text(out));
#endif
  return 0;
}
static const rabt_migrate migrate_table = {sizeof(rabt_migrate), 0, NULL, migrate};
static const void* entry_extension(const char* id) {
  return strcmp(id, RABT_MIGRATE) == 0 ? &migrate_table : NULL;
}
#define WRONG_EXTENSIONS entry_extension
#else
#define WRONG_EXTENSIONS NULL
#endif

#ifdef WRONG_SCAN
__attribute__((constructor)) static void slow(void) {
  usleep(150000);
}
#endif
#ifdef WRONG_IMPORT
__attribute__((used)) static int (*const runs_programs)(const char*) = system;
#endif
#ifdef WRONG_TEXT
/* An address in the code, which the linker must write there. */
extern const rabt_entry rabt_plugin_entry;
__asm__(".text\n.balign 8\n.8byte rabt_plugin_entry\n");
#endif
#ifdef WRONG_UNRESOLVED
int nobody_has_this(void);
__attribute__((used)) static int (*const needs)(void) = nobody_has_this;
#endif
#ifdef WRONG_EXPORT
__attribute__((visibility("default"))) int wrong_export(void);
__attribute__((visibility("default"))) int wrong_export(void) {
  return 1;
}
#endif
#ifndef WRONG_ENTRY_ID
#define WRONG_ENTRY_ID WRONG_ID
#endif
#ifndef WRONG_NO_ENTRY
__attribute__((visibility("default")))
#else
__attribute__((visibility("hidden")))
#endif
const rabt_entry rabt_plugin_entry = {
    RABT_ABI_MAGIC, RABT_ABI_MAJOR,       RABT_ABI_MINOR, sizeof(rabt_entry), 0, WRONG_ENTRY_ID,
    "1.0.0",        RABT_MANIFEST_SHA256, create,         WRONG_EXTENSIONS};

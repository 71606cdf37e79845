#include <sys/random.h>

#include <algorithm>
#include <cstring>

#include "hub/base/limits.hpp"
#include "hub/worker/child_process.hpp"

// The services of the hub as the plugin sees them: each becomes a frame.
namespace rabt::worker {

void Child::complete(void* self, rabt_call_id call, const rabt_outcome* outcome) {
  Child& child = of(self);
  Frame frame(Type::complete, call);
  if (outcome != nullptr && RABT_HAS(rabt_outcome, outcome, retry_after_ms)) {
    frame.n = {outcome->kind, static_cast<std::uint64_t>(outcome->retry_after_ms), 1, 0};
    const std::string_view detail = view(outcome->detail);
    // One byte over the limit is enough for the hub to see that it is over.
    frame.add(view(outcome->output).substr(0, limits::kMaxActionBytes + 1))
        .add(view(outcome->code).substr(0, kMaxCode))
        .add(view(outcome->message).substr(0, kMaxMessage))
        .add(detail.size() > limits::kMaxActionBytes ? std::string_view{} : detail);
  }
  child.tell(frame);
  std::shared_ptr<char[]> over;  // freed without the lock
  const Lock lock(child.mutex_);
  if (const auto found = child.calls_.find(call); found != child.calls_.end()) {
    over = std::move(found->second);
    child.calls_.erase(found);
  }
}

std::uint64_t Child::http_start(void* self, rabt_call_id call, rabt_bytes request, rabt_bytes body,
                                void* context, void (*done)(void*, const rabt_http_result*)) {
  Child& child = of(self);
  Operation operation{context};
  operation.http = done;
  const std::uint64_t id = child.add(operation);
  Frame frame(Type::http_start, id, {call});
  // The hub refuses a request that is too large, so that done comes as for every other refusal.
  if (request.len + body.len > kMaxFrameBytes - kMaxText) {
    frame.n[1] = 1;
    frame.add({}).add({});
  } else {
    frame.add(view(request)).add(view(body));
  }
  child.tell(frame);
  return id;
}

// A table: the functions of each service.
void Child::fill_services() {
  host_ = {sizeof host_, RABT_ABI_MINOR, this, &Child::get_service, &Child::complete};
  offered_.log = {sizeof offered_.log, 0, this,
                  [](void* self, std::uint32_t level, const char* event, rabt_bytes fields) {
                    if (fields.len > kMaxText) fields.len = 0;
                    of(self).tell(Frame(Type::log, 0, {level})
                                      .add(view_of(event, kMaxText))
                                      .add(fields.len == 0 ? std::string_view{} : view(fields)));
                  }};
  offered_.http = {
      sizeof offered_.http, 0, this, &Child::http_start,
      [](void* self, std::uint64_t request) { of(self).tell(Frame(Type::http_cancel, request)); }};
  offered_.secrets = {
      sizeof offered_.secrets, 0, this,
      [](void* self, const char* name, void* context, rabt_sink sink) -> std::int32_t {
        if (name == nullptr) return 1;
        return of(self).ask_bytes(Frame(Type::secret, 0).add(view_of(name, kMaxText)), context,
                                  sink);
      }};
  offered_.sign = {sizeof offered_.sign, 0, this,
                   [](void* self, const char* secret, const char* algorithm, rabt_bytes data,
                      void* context, rabt_sink sink) -> std::int32_t {
                     if (secret == nullptr || algorithm == nullptr || data.len > kMaxFrameBytes / 2)
                       return 1;
                     return of(self).ask_bytes(Frame(Type::hmac, 0)
                                                   .add(view_of(secret, kMaxText))
                                                   .add(view_of(algorithm, kMaxText))
                                                   .add(view(data)),
                                               context, sink);
                   },
                   [](void* self, const char* secret, const char* algorithm, rabt_bytes header,
                      rabt_bytes claims, void* context, rabt_sink sink) -> std::int32_t {
                     if (secret == nullptr || algorithm == nullptr ||
                         header.len + claims.len > kMaxFrameBytes / 2)
                       return 1;
                     return of(self).ask_bytes(Frame(Type::jwt, 0)
                                                   .add(view_of(secret, kMaxText))
                                                   .add(view_of(algorithm, kMaxText))
                                                   .add(view(header))
                                                   .add(view(claims)),
                                               context, sink);
                   }};
  offered_.kv = {
      sizeof offered_.kv,
      0,
      this,
      [](void* self, rabt_bytes key, void* context,
         void (*done)(void*, std::int32_t, rabt_bytes, std::int64_t)) {
        Operation operation{context};
        operation.got = done;
        of(self).tell(Frame(Type::kv_get, of(self).add(operation))
                          .add(view(key).substr(0, limits::kMaxKvKey + 1)));
      },
      [](void* self, rabt_bytes key, rabt_bytes value, std::int64_t ttl_ms, std::int64_t expected,
         void* context, void (*done)(void*, std::int32_t, std::int64_t)) {
        Operation operation{context};
        operation.stored = done;
        of(self).tell(
            Frame(Type::kv_put, of(self).add(operation),
                  {static_cast<std::uint64_t>(ttl_ms), static_cast<std::uint64_t>(expected)})
                .add(view(key).substr(0, limits::kMaxKvKey + 1))
                .add(view(value).substr(0, limits::kMaxKvValue + 1)));
      },
      [](void* self, rabt_bytes key, void* context, void (*done)(void*, std::int32_t)) {
        Operation operation{context};
        operation.removed = done;
        of(self).tell(Frame(Type::kv_remove, of(self).add(operation))
                          .add(view(key).substr(0, limits::kMaxKvKey + 1)));
      }};
  offered_.clock = {
      sizeof offered_.clock,
      0,
      this,
      [](void* self) {
        std::int64_t at = 0;
        of(self).ask(Frame(Type::now, 0),
                     [&at](const Frame& answer) { at = static_cast<std::int64_t>(answer.n[1]); });
        return at;
      },
      [](void* self) {
        std::int64_t at = 0;
        of(self).ask(Frame(Type::monotonic, 0),
                     [&at](const Frame& answer) { at = static_cast<std::int64_t>(answer.n[1]); });
        return at;
      },
      [](void* self, std::int64_t after_ms, void* context, void (*wake)(void*)) {
        Operation operation{context};
        operation.woken = wake;
        of(self).tell(Frame(Type::wake_after, of(self).add(operation),
                            {static_cast<std::uint64_t>(after_ms)}));
      },
      [](void*, std::uint8_t* out, std::uint64_t size) {
        while (out != nullptr && size > 0) {
          const ssize_t got = ::getrandom(out, std::min<std::uint64_t>(size, 1U << 20U), 0);
          if (got <= 0) continue;
          out += got;
          size -= static_cast<std::uint64_t>(got);
        }
      }};
}

// A table, too.
void Child::fill_further_services() {
  offered_.metrics = {sizeof offered_.metrics, 0, this,
                      [](void* self, const char* name, rabt_bytes labels, double value) {
                        Frame frame(Type::metric, 0);
                        static_assert(sizeof value == sizeof frame.n[0]);
                        std::memcpy(frame.n.data(), &value, sizeof value);
                        if (labels.len > kMaxText) labels.len = 0;
                        of(self).tell(frame.add(view_of(name, kMaxCode)).add(view(labels)));
                      }};
  offered_.trace = {
      sizeof offered_.trace,
      0,
      this,
      [](void* self, rabt_call_id call, std::uint64_t span, void* context,
         rabt_sink sink) -> std::int32_t {
        return of(self).ask_bytes(Frame(Type::traceparent, call, {span}), context, sink);
      },
      [](void* self, rabt_call_id call, std::uint64_t parent, const char* name) {
        std::uint64_t id = 0;
        of(self).ask(Frame(Type::span_begin, call, {parent}).add(view_of(name, kMaxCode)),
                     [&id](const Frame& answer) { id = answer.n[1]; });
        return id;
      },
      [](void* self, std::uint64_t span, std::uint32_t status, rabt_bytes fields) {
        if (fields.len > kMaxText) fields.len = 0;
        of(self).tell(Frame(Type::span_end, span, {status}).add(view(fields)));
      }};
  // One byte over the limit of a piece is enough for the hub to see that it is over.
  constexpr std::size_t kPiece = std::size_t{RABT_BLOB_MAX_PIECE} + 1;
  static const auto start = +[](void* self, Frame frame, void* context, rabt_blob_done done) {
    Operation operation{context};
    operation.blob = done;
    frame.id = of(self).add(operation);
    of(self).tell(frame);
  };
  offered_.blob = {
      sizeof offered_.blob,
      0,
      this,
      [](void* self, rabt_bytes content_type, void* context, rabt_blob_done done) {
        start(self, Frame(Type::blob_create, 0).add(view(content_type).substr(0, kMaxCode)),
              context, done);
      },
      [](void* self, rabt_bytes name, rabt_bytes piece, void* context, rabt_blob_done done) {
        start(self,
              Frame(Type::blob_append, 0)
                  .add(view(name).substr(0, kMaxCode))
                  .add(view(piece).substr(0, kPiece)),
              context, done);
      },
      [](void* self, rabt_bytes name, void* context, rabt_blob_done done) {
        start(self, Frame(Type::blob_finish, 0).add(view(name).substr(0, kMaxCode)), context, done);
      },
      [](void* self, rabt_bytes name) {
        of(self).tell(Frame(Type::blob_discard, 0).add(view(name).substr(0, kMaxCode)));
      },
      [](void* self, rabt_call_id call, rabt_bytes name, void* context, rabt_blob_done done) {
        start(self, Frame(Type::blob_info, 0, {call}).add(view(name).substr(0, kMaxCode)), context,
              done);
      },
      [](void* self, rabt_call_id call, rabt_bytes name, std::uint64_t from, std::uint64_t length,
         void* context, rabt_blob_piece done) {
        Operation operation{context};
        operation.piece = done;
        of(self).tell(Frame(Type::blob_read, of(self).add(operation), {call, from, length})
                          .add(view(name).substr(0, kMaxCode)));
      }};
  offered_.thread_check = {sizeof offered_.thread_check, 0, this, [](void*) { return lane; }};
}

const void* Child::get_service(void* self, const char* id) {
  const Child& child = of(self);
  if (id == nullptr || child.services_.find('\n' + std::string(id) + '\n') == std::string::npos)
    return nullptr;
  return child.offered_.find(id);
}

}  // namespace rabt::worker

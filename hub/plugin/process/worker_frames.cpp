#include <algorithm>
#include <cstring>
#include <utility>

#include "hub/plugin/process/worker_life.hpp"
#include "hub/worker/abi_bytes.hpp"

// Handles the frames of the process, and the answers to its questions.
namespace rabt::plugin {

namespace {

using worker::bytes;
using worker::Frame;
using worker::Type;
using worker::view;

constexpr std::uint64_t kMaxOperations = 65'536;  // open ones; Instance has limits of its own

std::string_view function_of(Type type) {
  switch (type) {
    case Type::invoke:
      return "invoke";
    case Type::probe:
      return "probe";
    case Type::health:
      return "check";
    case Type::cancel:
      return "cancel";
    default:
      return "callback";
  }
}

}  // namespace

bool WorkerPlugin::handle(Life& life, const Frame& frame) {
  switch (frame.type) {
    case Type::ready:
      return handle_ready(life, frame);
    case Type::entry:
      return handle_entry(life, frame);
    case Type::migrated:
      return handle_migrated(frame);
    case Type::created:
      return handle_created(life, frame);
    default:
      break;
  }
  if (life.log == nullptr) return false;  // before create
  switch (frame.type) {
    case Type::complete:
      return handle_complete(frame);
    case Type::returned:
      return handle_returned(frame);
    case Type::log:
    case Type::metric:
    case Type::span_end:
      return handle_note(life, frame);
    case Type::http_start:
    case Type::http_cancel:
      return handle_http(life, frame);
    case Type::kv_get:
    case Type::kv_put:
    case Type::kv_remove:
      return handle_kv(life, frame);
    case Type::wake_after:
      return handle_wake(life, frame);
    case Type::blob_create:
    case Type::blob_append:
    case Type::blob_finish:
    case Type::blob_discard:
    case Type::blob_info:
    case Type::blob_read:
      return handle_blob(life, frame);
    default:
      return false;
  }
}

// ---- until the plugin serves

bool WorkerPlugin::handle_ready(Life& life, const Frame& frame) {
  if (life.step != Life::Step::ready || frame.n[0] != worker::kProtocolVersion) return false;
  const auto parts = static_cast<std::uint32_t>(frame.n[1]);
  life.listener = life.first.take_descriptor();
  if (life.listener.open() && !life.watch(life.listener.get())) return true;
  const std::string missing = worker::missing_parts(parts);
  Bell bell;
  const Lock lock(mutex_);
  missing_ = missing;
  if (setup_.sandbox_required && (parts & worker::kRequiredParts) != worker::kRequiredParts) {
    life.refuse("plugin.sandbox",
                setup_.name + ": this system does not give a plugin's process: " + missing +
                    "; use a kernel that does, or configure plugin_sandbox: best-effort");
    return true;
  }
  life.step = Life::Step::entry;
  return put(Frame(Type::map, 0), bell);
}

bool WorkerPlugin::handle_entry(Life& life, const Frame& frame) {
  if (life.step != Life::Step::entry) return false;
  if (frame.n[0] == 0) {
    life.refuse("plugin.library",
                setup_.library_path +
                    ": cannot be mapped: " + std::string(frame.text[0].substr(0, 512)) +
                    "; are the libraries it needs installed? (ldd " + setup_.library_path + ")");
    return true;
  }
  rabt_entry entry{};
  const std::string id(frame.text[0]);
  const std::string version(frame.text[1]);
  const std::string digest(frame.text[2]);
  const bool complete = frame.n[3] == 1;
  entry.magic = static_cast<std::uint32_t>(frame.n[1]);
  entry.abi_major = static_cast<std::uint16_t>(frame.n[2] >> 32U);
  entry.abi_minor = static_cast<std::uint16_t>(frame.n[2]);
  entry.size = complete ? sizeof entry : 0;
  entry.id = id.c_str();
  entry.version = version.c_str();
  entry.manifest_sha256 = digest.c_str();
  entry.create = [](const rabt_host*, rabt_bytes, void*, rabt_sink) -> const rabt_plugin* {
    return nullptr;
  };
  const Status good = setup_.check(frame.n[0] == 1 ? nullptr : &entry);
  if (!good.ok()) {
    life.refuse(good.error().code, good.error().message);
    return true;
  }
  life.step = Life::Step::created;
  {
    const Lock lock(mutex_);
    phase_ = Phase::mapped;
    first_known_ = true;
  }
  changed_.notify_all();
  send_create(life);
  return true;
}

bool WorkerPlugin::handle_migrated(const Frame& frame) {
  if (frame.texts != 2 || frame.n[0] > static_cast<std::uint64_t>(worker::Migration::End::absent))
    return false;
  {
    const Lock lock(mutex_);
    if (migrate_asked_ != Asked::sent) return false;
    migration_ = {static_cast<worker::Migration::End>(frame.n[0]), frame.n[1], frame.n[2],
                  std::string(frame.text[0]), std::string(frame.text[1])};
    migrate_asked_ = Asked::answered;
  }
  take_back_first();
  changed_.notify_all();
  return true;
}

bool WorkerPlugin::handle_created(Life& life, const Frame& frame) {
  if (life.step != Life::Step::created || life.log == nullptr) return false;
  take_back_first();
  const std::uint64_t extensions = (frame.n[1] & 7U) | kCreated;
  {
    const Lock lock(mutex_);
    if (frame.n[0] != 0) {
      create_error_ = frame.n[0] == 1   ? std::string(frame.text[0].substr(0, 1024))
                      : frame.n[0] == 2 ? "its constructor threw across the C line"
                                        : "the instance lacks invoke or destroy; build it "
                                          "against rabt/abi.h";
      if (create_error_.empty()) create_error_ = "it gave no reason";
      life.wrong = "create";
      return true;
    }
    if (extensions_ != 0 && extensions_ != extensions) {
      life.wrong = "it offers other extensions than before";
      return true;
    }
    extensions_ = extensions;
    life.step = Life::Step::serving;
    phase_ = Phase::up;
  }
  changed_.notify_all();
  return true;
}

// ---- calls

bool WorkerPlugin::handle_complete(const Frame& frame) {
  const rabt_host* const host = host_;
  if (frame.n[2] == 0) {
    host->complete(host->self, frame.id, nullptr);
    return true;
  }
  if (frame.texts != 4) return false;
  rabt_outcome outcome{};
  outcome.size = sizeof outcome;
  outcome.kind = static_cast<std::uint32_t>(std::min<std::uint64_t>(frame.n[0], UINT32_MAX));
  outcome.retry_after_ms = whole(frame.n[1]);
  outcome.output = bytes(frame.text[0]);
  outcome.code = bytes(frame.text[1]);
  outcome.message = bytes(frame.text[2]);
  outcome.detail = bytes(frame.text[3]);
  host->complete(host->self, frame.id, &outcome);
  return true;
}

bool WorkerPlugin::handle_returned(const Frame& frame) {
  Type type = Type::returned;
  std::uint64_t call = 0;
  Return how;
  std::shared_ptr<Answer> answer;
  std::function<void()> after;
  bool revoked = false;
  bool awaited = false;
  {
    const Lock lock(mutex_);
    Upcall& upcall = upcalls_[frame.id % worker::kPlaces];
    if (frame.id == 0 || upcall.serial != frame.id) return false;
    type = upcall.type;
    call = upcall.call;
    revoked = upcall.revoked;
    if (upcall.since)
      how.held = std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::steady_clock::now() - *upcall.since);
    answer = std::move(upcall.answer);
    after = std::move(upcall.after);
    free_place(upcall);
    awaited = waiting_ > 0;
  }
  if (awaited) changed_.notify_all();
  how.result = static_cast<std::int32_t>(frame.n[0]);
  if (how.result <= kLost) how.result = 1;
  how.threw = frame.n[3] == 1;
  if (answer != nullptr) {
    answer->result = how.result;
    answer->threw = how.threw;
    answer->held = how.held;
    answer->events_calls = frame.n[1];
    answer->error_calls = frame.n[2];
    if (frame.texts == 2) {
      answer->events = frame.text[0];
      answer->error = frame.text[1];
    }
    answer->done.store(1);
    answer->done.notify_one();
  } else if (revoked) {
    // No caller waits: the one that took it back has ended the call.
  } else {
    how.function = function_of(type);
    const bool calls = type == Type::invoke || type == Type::probe || type == Type::health;
    owner_->returned(calls ? call : 0, how);
  }
  if (after) after();
  return true;
}

// ---- services

// Metrics, entries of the log and ends of spans: the process waits for nothing.
bool WorkerPlugin::handle_note(Life& life, const Frame& frame) {
  if (frame.type == Type::log) {
    if (frame.texts != 2) return false;
    life.log->log(life.log->self, static_cast<std::uint32_t>(frame.n[0]),
                  std::string(frame.text[0].substr(0, 256)).c_str(), bytes(frame.text[1]));
    return true;
  }
  if (frame.type == Type::metric) {
    if (frame.texts != 2 || life.metrics == nullptr) return false;
    double value = 0;
    std::memcpy(&value, frame.n.data(), sizeof value);
    life.metrics->record(life.metrics->self, std::string(frame.text[0]).c_str(),
                         bytes(frame.text[1]), value);
    return true;
  }
  if (frame.texts != 1 || life.trace == nullptr) return false;
  life.trace->end(life.trace->self, frame.id, static_cast<std::uint32_t>(frame.n[0]),
                  bytes(frame.text[0]));
  return true;
}

WorkerPlugin::Operation* WorkerPlugin::begin(Life& life, std::uint64_t id) {
  const Lock lock(mutex_);
  if (++operations_ > kMaxOperations) {
    life.wrong = "frame: too many operations are open";
    return nullptr;
  }
  return new Operation{this, life.number, id};  // NOLINT: freed by finish
}

bool WorkerPlugin::handle_http(Life& life, const Frame& frame) {
  if (frame.type == Type::http_cancel) {
    std::uint64_t request = 0;
    {
      const Lock lock(mutex_);
      const auto found = requests_.find(frame.id);
      if (found != requests_.end()) request = found->second;
    }
    if (request != 0) life.http->cancel(life.http->self, request);
    return true;
  }
  if (frame.texts != 2) return false;
  Operation* const operation = begin(life, frame.id);
  if (operation == nullptr) return true;
  {
    const Lock lock(mutex_);
    requests_[frame.id] = 0;
    if (frame.n[0] == 0) in_step_ = true;
  }
  // A description that is too large to travel is refused as one that cannot be read.
  const std::uint64_t request = life.http->start(
      life.http->self, frame.n[0],
      frame.n[1] == 1 ? bytes("the request is too large") : bytes(frame.text[0]),
      bytes(frame.text[1]), operation, [](void* context, const rabt_http_result* result) {
        auto* const at = static_cast<Operation*>(context);
        at->plugin->finish(at, Frame(Type::http_done, at->id,
                                     {0, result->sent, word(result->status), result->blob_bytes})
                                   .add(view(result->headers_json))
                                   .add(view(result->body))
                                   .add(view(result->error_code))
                                   .add(view(result->error_message))
                                   .add(view(result->blob))
                                   .add(view(result->blob_sha256)));
      });
  const Lock lock(mutex_);
  if (const auto found = requests_.find(frame.id); found != requests_.end())
    found->second = request;
  return true;
}

bool WorkerPlugin::handle_wake(Life& life, const Frame& frame) {
  const std::unique_ptr<Operation> operation(begin(life, frame.id));
  if (operation == nullptr) return true;
  // By value: a wait that is dropped leaves nothing behind.
  const bool waits = owner_->wake_after(whole(frame.n[0]), [operation = *operation] {
    operation.plugin->finish(new Operation(operation), Frame(Type::wake, operation.id));
  });
  if (waits) return true;
  const Lock lock(mutex_);
  --operations_;
  return true;
}

bool WorkerPlugin::handle_kv(Life& life, const Frame& frame) {
  switch (frame.type) {
    case Type::kv_get: {
      if (frame.texts != 1) return false;
      Operation* const operation = begin(life, frame.id);
      if (operation == nullptr) return true;
      life.kv->get(
          life.kv->self, bytes(frame.text[0]), operation,
          [](void* context, std::int32_t status, rabt_bytes value, std::int64_t version) {
            auto* const at = static_cast<Operation*>(context);
            at->plugin->finish(
                at,
                Frame(Type::kv_done, at->id, {0, word(status), word(version)}).add(view(value)));
          });
      return true;
    }
    case Type::kv_put: {
      if (frame.texts != 2) return false;
      Operation* const operation = begin(life, frame.id);
      if (operation == nullptr) return true;
      life.kv->put(
          life.kv->self, bytes(frame.text[0]), bytes(frame.text[1]), whole(frame.n[0]),
          whole(frame.n[1]), operation,
          [](void* context, std::int32_t status, std::int64_t version) {
            auto* const at = static_cast<Operation*>(context);
            at->plugin->finish(at, Frame(Type::kv_done, at->id, {0, word(status), word(version)}));
          });
      return true;
    }
    case Type::kv_remove: {
      if (frame.texts != 1) return false;
      Operation* const operation = begin(life, frame.id);
      if (operation == nullptr) return true;
      life.kv->remove(life.kv->self, bytes(frame.text[0]), operation,
                      [](void* context, std::int32_t status) {
                        auto* const at = static_cast<Operation*>(context);
                        at->plugin->finish(at, Frame(Type::kv_done, at->id, {0, word(status)}));
                      });
      return true;
    }
    default:
      return false;
  }
}

bool WorkerPlugin::handle_blob(Life& life, const Frame& frame) {
  if (life.blob == nullptr || frame.texts != (frame.type == Type::blob_append ? 2 : 1))
    return false;
  const rabt_blob& blob = *life.blob;
  const rabt_bytes name = bytes(frame.text[0]);  // of create: the content type
  if (frame.type == Type::blob_discard) {
    blob.discard(blob.self, name);
    return true;
  }
  Operation* const operation = begin(life, frame.id);
  if (operation == nullptr) return true;
  const rabt_blob_done done = [](void* context, std::int32_t status, const rabt_blob_info* info) {
    auto* const at = static_cast<Operation*>(context);
    Frame answer(Type::blob_done, at->id, {0, word(status), 0, info == nullptr ? 0U : 1U});
    if (info == nullptr) {
      answer.add({}).add({}).add({});
    } else {
      answer.n[2] = info->bytes;
      answer.add(view(info->handle)).add(view(info->content_type)).add(view(info->sha256));
    }
    at->plugin->finish(at, answer.add({}));
  };
  switch (frame.type) {
    case Type::blob_create:
      blob.create(blob.self, name, operation, done);
      break;
    case Type::blob_append:
      blob.append(blob.self, name, bytes(frame.text[1]), operation, done);
      break;
    case Type::blob_finish:
      blob.finish(blob.self, name, operation, done);
      break;
    case Type::blob_info:
      blob.info(blob.self, frame.n[0], name, operation, done);
      break;
    default:
      blob.read(blob.self, frame.n[0], name, frame.n[1], frame.n[2], operation,
                [](void* context, std::int32_t status, rabt_bytes piece) {
                  auto* const at = static_cast<Operation*>(context);
                  at->plugin->finish(at, Frame(Type::blob_done, at->id, {0, word(status)})
                                             .add({})
                                             .add({})
                                             .add({})
                                             .add(view(piece)));
                });
  }
  return true;
}

// ---- questions

// Answers are given one at a time, so that there is always room for them. A large one is lent until
// the next question.
void WorkerPlugin::answer(Life& life, const Frame& question) {
  Frame frame(Type::answer, question.id);
  std::string text_out;
  const rabt_sink sink = [](void* context, rabt_bytes text) {
    *static_cast<std::string*>(context) = view(text);
  };
  const auto text = [&question](std::size_t at) { return std::string(question.text[at]); };
  std::int32_t status = 1;
  switch (life.log == nullptr ? Type::begin : question.type) {
    case Type::secret:
      if (life.secrets != nullptr)
        status = life.secrets->get(life.secrets->self, text(0).c_str(), &text_out, sink);
      break;
    case Type::hmac:
      status = life.sign->hmac(life.sign->self, text(0).c_str(), text(1).c_str(),
                               bytes(question.text[2]), &text_out, sink);
      break;
    case Type::jwt:
      status = life.sign->jwt(life.sign->self, text(0).c_str(), text(1).c_str(),
                              bytes(question.text[2]), bytes(question.text[3]), &text_out, sink);
      break;
    case Type::now:
      status = 0;
      frame.n[1] = word(life.clock->now_unix_ms(life.clock->self));
      break;
    case Type::monotonic:
      status = 0;
      frame.n[1] = word(life.clock->monotonic_ms(life.clock->self));
      break;
    case Type::traceparent:
      if (life.trace != nullptr)
        status =
            life.trace->traceparent(life.trace->self, question.id, question.n[0], &text_out, sink);
      break;
    case Type::span_begin:
      if (life.trace != nullptr) {
        status = 0;
        frame.n[1] =
            life.trace->begin(life.trace->self, question.id, question.n[0], text(0).c_str());
      }
      break;
    default:
      owner_->broke_format("a question that is none");
      life.wrong = "question: out of place";
      return;
  }
  frame.n[0] = word(status);
  frame.add(text_out);
  const int questions = life.process->questions.get();
  const auto place = static_cast<std::size_t>(setup_.lanes);
  const Status sent = [&] {
    const Lock lock(mutex_);
    loans_->take_back(place);
    if (text_out.size() <= worker::kMaxInlineBytes)
      return worker::send(questions, frame, -1, /*wait=*/false);
    if (text_out.size() > worker::kMaxFrameBytes || !loans_->lend(place, frame))
      return Status(unavailable("worker.io", "no memory to lend"));
    return worker::send_lent(questions, frame, place);
  }();
  if (!sent.ok() && sent.error().code != "worker.closed")
    life.wrong = "question: answers are not read";
}

}  // namespace rabt::plugin

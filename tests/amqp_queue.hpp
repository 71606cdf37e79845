#pragma once

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <sys/time.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "tests/eventually.hpp"
#include "tools/demo/rabbitmq.hpp"

// A durable queue of a broker, bound to the exchange as another system would do it.
namespace rabt::test {

struct AmqpMessage {
  std::string key;
  std::string id;
  std::string content_type;
  std::int64_t timestamp = 0;
  bool persistent = false;
  // Header; empty when there is none.
  std::string traceparent;
  std::string text;
  // Null when the text is no JSON.
  Json body;
};

// Not thread-safe.
class AmqpQueue {
 public:
  // most: how many messages it keeps before it refuses more; 0 for no limit.
  AmqpQueue(const demo::RabbitServer& broker, std::string name, const std::string& binding,
            int most = 0)
      : name_(std::move(name)), handle_(amqp_new_connection()) {
    amqp_socket_t* const socket = amqp_tcp_socket_new(handle_);
    good_ = amqp_socket_open(socket, "127.0.0.1", broker.port()) == AMQP_STATUS_OK;
    good_ = good_ && amqp_login(handle_, "/", 0, 131'072, 0, AMQP_SASL_METHOD_PLAIN,
                                broker.user().c_str(), broker.password().c_str())
                             .reply_type == AMQP_RESPONSE_NORMAL;
    amqp_channel_open(handle_, 1);
    good_ = good_ && answered();
    const amqp_bytes_t exchange = amqp_cstring_bytes("pulseone.events");
    amqp_exchange_declare(handle_, 1, exchange, amqp_cstring_bytes("topic"), 0, 1, 0, 0,
                          amqp_empty_table);
    good_ = good_ && answered();
    std::vector<amqp_table_entry_t> arguments(2);
    arguments[0].key = amqp_cstring_bytes("x-max-length");
    arguments[0].value.kind = AMQP_FIELD_KIND_I32;
    arguments[0].value.value.i32 = most;
    arguments[1].key = amqp_cstring_bytes("x-overflow");
    arguments[1].value.kind = AMQP_FIELD_KIND_UTF8;
    arguments[1].value.value.bytes = amqp_cstring_bytes("reject-publish");
    const amqp_table_t limits{most > 0 ? 2 : 0, arguments.data()};
    const amqp_bytes_t queue = amqp_cstring_bytes(name_.c_str());
    amqp_queue_declare(handle_, 1, queue, 0, 1, 0, 0, limits);
    good_ = good_ && answered();
    amqp_queue_bind(handle_, 1, queue, exchange, amqp_cstring_bytes(binding.c_str()),
                    amqp_empty_table);
    good_ = good_ && answered();
  }
  ~AmqpQueue() { amqp_destroy_connection(handle_); }
  AmqpQueue(const AmqpQueue&) = delete;
  AmqpQueue& operator=(const AmqpQueue&) = delete;

  [[nodiscard]] bool good() const { return good_; }
  // Takes the oldest message.
  [[nodiscard]] std::optional<AmqpMessage> take() {
    const amqp_rpc_reply_t reply = amqp_basic_get(handle_, 1, amqp_cstring_bytes(name_.c_str()), 1);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL || reply.reply.id != AMQP_BASIC_GET_OK_METHOD) {
      good_ = good_ && reply.reply_type == AMQP_RESPONSE_NORMAL;
      return std::nullopt;
    }
    AmqpMessage out;
    out.key = text(static_cast<const amqp_basic_get_ok_t*>(reply.reply.decoded)->routing_key);
    amqp_message_t message;
    good_ = good_ && amqp_read_message(handle_, 1, &message, 0).reply_type == AMQP_RESPONSE_NORMAL;
    if (!good_) return std::nullopt;
    out.id = text(message.properties.message_id);
    out.content_type = text(message.properties.content_type);
    out.timestamp = static_cast<std::int64_t>(message.properties.timestamp);
    out.persistent = message.properties.delivery_mode == 2;
    const amqp_table_t& headers = message.properties.headers;
    const bool has = (message.properties._flags & AMQP_BASIC_HEADERS_FLAG) != 0;
    for (int i = 0; has && i < headers.num_entries; ++i) {
      if (text(headers.entries[i].key) == "traceparent")
        out.traceparent = text(headers.entries[i].value.value.bytes);
    }
    out.text = text(message.body);
    if (auto body = Json::parse(out.text); body.ok()) out.body = *std::move(body);
    amqp_destroy_message(&message);
    amqp_maybe_release_buffers(handle_);
    return out;
  }
  // Takes messages until there are so many. Fewer only after a minute.
  [[nodiscard]] std::vector<AmqpMessage> take(std::size_t count) {
    std::vector<AmqpMessage> out;
    (void)eventually(
        [&] {
          while (good_ && out.size() < count) {
            auto one = take();
            if (!one) return false;
            out.push_back(*std::move(one));
          }
          return true;
        },
        std::chrono::minutes(1));
    return out;
  }

 private:
  [[nodiscard]] bool answered() const {
    return amqp_get_rpc_reply(handle_).reply_type == AMQP_RESPONSE_NORMAL;
  }
  static std::string text(amqp_bytes_t bytes) {
    return {static_cast<const char*>(bytes.bytes), bytes.len};
  }

  std::string name_;
  amqp_connection_state_t handle_;
  bool good_ = false;
};

}  // namespace rabt::test

#include "hub/bus/connection.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>

namespace rabt::bus {

namespace {

constexpr timeval kConnectLimit{5, 0};
constexpr timeval kAnswerLimit{10, 0};
constexpr timeval kGoodbyeLimit{1, 0};
// Frame size that RabbitMQ itself proposes, in bytes.
constexpr int kLongestFrame = 131'072;
constexpr int kMostChannels = 8;
constexpr std::uint8_t kPersistent = 2;
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

amqp_bytes_t bytes_of(const std::string& text) {
  return {text.size(), const_cast<char*>(text.data())};  // NOLINT: the library only reads it
}
std::string text_of(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

std::string reason(int status) {
  return amqp_error_string2(status);
}

bool is_tls(int status) {
  return status == AMQP_STATUS_SSL_ERROR || status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED ||
         status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED ||
         status == AMQP_STATUS_SSL_CONNECTION_FAILED;
}

// Text of a reply that is no success.
std::string reason(const amqp_rpc_reply_t& reply) {
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) return reason(reply.library_error);
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION) return "no answer";
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
    return text_of(static_cast<const amqp_connection_close_t*>(reply.reply.decoded)->reply_text);
  if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD)
    return text_of(static_cast<const amqp_channel_close_t*>(reply.reply.decoded)->reply_text);
  return "an answer that nobody asked for";
}

bool is_good(const amqp_rpc_reply_t& reply) {
  return reply.reply_type == AMQP_RESPONSE_NORMAL;
}

// True if the broker closed the channel for this reason.
bool closed_for(const amqp_rpc_reply_t& reply, int code) {
  return reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
         reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD &&
         static_cast<const amqp_channel_close_t*>(reply.reply.decoded)->reply_code == code;
}

}  // namespace

struct Connection::State {
  amqp_connection_state_t handle = amqp_new_connection();
  std::string exchange;
  bool mandatory = false;
  amqp_channel_t channel = 1;
  std::uint64_t published = 0;
  // Signed in, and not lost.
  bool alive = false;

  ~State() {
    if (handle == nullptr) return;
    if (alive) {
      amqp_set_rpc_timeout(handle, &kGoodbyeLimit);
      amqp_connection_close(handle, AMQP_REPLY_SUCCESS);
    }
    amqp_destroy_connection(handle);
  }

  Error lost(std::string why) {
    alive = false;
    return unavailable("bus.lost", std::move(why));
  }
  // Adds what a frame says, if it says anything.
  Status take(const amqp_frame_t& frame, std::vector<Said>& out);
};

Connection::Connection() : state_(std::make_unique<State>()) {}
Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::open(const Options& options, const Host& host) {
  std::unique_ptr<Connection> connection(new Connection());
  if (connection->state_->handle == nullptr) return unavailable("bus.unreachable", "out of memory");
  connection->state_->exchange = options.exchange;
  connection->state_->mandatory = options.mandatory;
  RABT_TRY_STATUS(connection->connect(options, host));
  RABT_TRY_STATUS(connection->sign_in(options));
  connection->state_->alive = true;
  RABT_TRY_STATUS(connection->find_exchange());
  return connection;
}

Status Connection::connect(const Options& options, const Host& host) {
  const amqp_connection_state_t handle = state_->handle;
  amqp_set_handshake_timeout(handle, &kAnswerLimit);
  amqp_set_rpc_timeout(handle, &kAnswerLimit);
  amqp_socket_t* const socket =
      options.tls ? amqp_ssl_socket_new(handle) : amqp_tcp_socket_new(handle);
  if (socket == nullptr) return unavailable("bus.unreachable", "no socket");
  if (options.tls) {
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    const std::string ca = options.ca.empty() ? kSystemAuthorities : options.ca;
    if (amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) != AMQP_STATUS_OK ||
        amqp_ssl_socket_set_cacert(socket, ca.c_str()) != AMQP_STATUS_OK)
      return unavailable("bus.tls", "the authorities in " + ca + " cannot be read");
    if (!options.tls_cert.empty() &&
        amqp_ssl_socket_set_key(socket, options.tls_cert.c_str(), options.tls_key.c_str()) !=
            AMQP_STATUS_OK)
      return unavailable("bus.tls", "the certificate in " + options.tls_cert + " and the key in " +
                                        options.tls_key + " do not fit");
  }
  const int status = amqp_socket_open_noblock(socket, host.name.c_str(), host.port, &kConnectLimit);
  if (status == AMQP_STATUS_OK) return ok_status();
  return unavailable(is_tls(status) ? "bus.tls" : "bus.unreachable", reason(status));
}

Status Connection::sign_in(const Options& options) {
  // The broker then says when an alarm keeps it from taking messages.
  amqp_table_entry_t blocked{};
  blocked.key = amqp_cstring_bytes("connection.blocked");
  blocked.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  blocked.value.value.boolean = 1;
  std::array<amqp_table_entry_t, 2> entries{};
  entries[0].key = amqp_cstring_bytes("capabilities");
  entries[0].value.kind = AMQP_FIELD_KIND_TABLE;
  entries[0].value.value.table = {1, &blocked};
  entries[1].key = amqp_cstring_bytes("connection_name");
  entries[1].value.kind = AMQP_FIELD_KIND_UTF8;
  entries[1].value.value.bytes = bytes_of(options.name);
  const amqp_table_t properties{static_cast<int>(entries.size()), entries.data()};
  // The library reads up to a zero.
  SecretBytes password = SecretBytes::of_size(options.password->size() + 1);
  std::copy_n(options.password->expose().begin(), options.password->size(),
              password.fill().begin());
  const amqp_rpc_reply_t reply = amqp_login_with_properties(
      state_->handle, options.vhost.c_str(), kMostChannels, kLongestFrame, options.heartbeat,
      &properties, AMQP_SASL_METHOD_PLAIN, options.user.c_str(), password.expose_text().data());
  if (is_good(reply)) return ok_status();
  const bool denied = reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION;
  return unavailable(denied ? "bus.denied" : "bus.unreachable", reason(reply));
}

// A passive declaration needs no permission, and takes an exchange as the broker's administrator
// has made it.
Status Connection::find_exchange() {
  const amqp_connection_state_t handle = state_->handle;
  const amqp_bytes_t exchange = bytes_of(state_->exchange);
  const auto declare = [&](bool passive) {
    amqp_exchange_declare(handle, state_->channel, exchange, amqp_cstring_bytes("topic"),
                          passive ? 1 : 0, 1, 0, 0, amqp_empty_table);
    return amqp_get_rpc_reply(handle);
  };
  amqp_channel_open(handle, state_->channel);
  amqp_rpc_reply_t reply = amqp_get_rpc_reply(handle);
  if (is_good(reply)) reply = declare(true);
  if (closed_for(reply, AMQP_NOT_FOUND)) {
    amqp_channel_close_ok_t heard{};
    amqp_send_method(handle, state_->channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &heard);
    ++state_->channel;
    amqp_channel_open(handle, state_->channel);
    reply = amqp_get_rpc_reply(handle);
    if (is_good(reply)) reply = declare(false);
  }
  if (is_good(reply)) {
    amqp_confirm_select(handle, state_->channel);
    reply = amqp_get_rpc_reply(handle);
  }
  if (is_good(reply)) return ok_status();
  state_->alive = reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
                  reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD;
  return unavailable("bus.exchange", reason(reply));
}

Result<std::uint64_t> Connection::publish(const Message& message) {
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                      AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG |
                      AMQP_BASIC_APP_ID_FLAG;
  properties.content_type = amqp_cstring_bytes("application/json");
  properties.delivery_mode = kPersistent;
  properties.message_id = bytes_of(message.id);
  properties.timestamp = static_cast<std::uint64_t>(message.timestamp_s);
  properties.app_id = amqp_cstring_bytes("rabt");
  amqp_table_entry_t header{};
  if (!message.traceparent.empty()) {
    header.key = amqp_cstring_bytes("traceparent");
    header.value.kind = AMQP_FIELD_KIND_UTF8;
    header.value.value.bytes = bytes_of(message.traceparent);
    properties._flags |= AMQP_BASIC_HEADERS_FLAG;
    properties.headers = {1, &header};
  }
  const int status = amqp_basic_publish(state_->handle, state_->channel, bytes_of(state_->exchange),
                                        bytes_of(message.key), state_->mandatory ? 1 : 0, 0,
                                        &properties, bytes_of(message.body));
  if (status != AMQP_STATUS_OK) return state_->lost(reason(status));
  return ++state_->published;
}

Status Connection::State::take(const amqp_frame_t& frame, std::vector<Said>& out) {
  if (frame.frame_type == AMQP_FRAME_HEADER) {
    // Only a message that comes back has one here.
    const auto* const of =
        static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
    out.push_back({.kind = Said::Kind::returned, .id = text_of(of->message_id)});
    return ok_status();
  }
  if (frame.frame_type != AMQP_FRAME_METHOD) return ok_status();
  const void* const what = frame.payload.method.decoded;
  switch (frame.payload.method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto* const ack = static_cast<const amqp_basic_ack_t*>(what);
      out.push_back(
          {.kind = Said::Kind::acked, .number = ack->delivery_tag, .all = ack->multiple != 0});
      break;
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto* const nack = static_cast<const amqp_basic_nack_t*>(what);
      out.push_back(
          {.kind = Said::Kind::refused, .number = nack->delivery_tag, .all = nack->multiple != 0});
      break;
    }
    case AMQP_CONNECTION_BLOCKED_METHOD:
      out.push_back({.kind = Said::Kind::blocked});
      break;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      out.push_back({.kind = Said::Kind::unblocked});
      break;
    case AMQP_CHANNEL_CLOSE_METHOD:
      return lost(text_of(static_cast<const amqp_channel_close_t*>(what)->reply_text));
    case AMQP_CONNECTION_CLOSE_METHOD:
      return lost(text_of(static_cast<const amqp_connection_close_t*>(what)->reply_text));
    default:
      break;
  }
  return ok_status();
}

Result<std::vector<Said>> Connection::read() {
  std::vector<Said> out;
  constexpr timeval kNoWait{0, 0};
  while (true) {
    amqp_frame_t frame;
    const int status = amqp_simple_wait_frame_noblock(state_->handle, &frame, &kNoWait);
    if (status == AMQP_STATUS_TIMEOUT) break;
    if (status != AMQP_STATUS_OK) return state_->lost(reason(status));
    RABT_TRY_STATUS(state_->take(frame, out));
  }
  amqp_maybe_release_buffers(state_->handle);
  return out;
}

int Connection::socket() const {
  return amqp_get_sockfd(state_->handle);
}

}  // namespace rabt::bus

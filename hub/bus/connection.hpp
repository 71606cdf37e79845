#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"

// One connection to RabbitMQ: AMQP 0-9-1 with publisher confirms, over librabbitmq.
namespace rabt::bus {

struct Host {
  std::string name;
  int port = 0;
};

struct Options {
  // One after the other is tried.
  std::vector<Host> hosts;
  std::string vhost = "/";
  std::string user;
  std::shared_ptr<const SecretBytes> password;
  // A topic exchange. One that does not exist is made, durable.
  std::string exchange;
  bool tls = true;
  // PEM files. The system's authorities are trusted if `ca` is empty; the other two are for brokers
  // that ask for a certificate.
  std::string ca;
  std::string tls_cert;
  std::string tls_key;
  // Seconds.
  int heartbeat = 30;
  // True if a message that no queue takes comes back.
  bool mandatory = false;
  // Name under which the broker lists the connection.
  std::string name;
};

struct Message {
  std::string id;
  std::string key;
  std::string body;
  std::int64_t timestamp_s = 0;
  // A header of the message. Empty when there is none.
  std::string traceparent{};
};

// Answer of the broker.
struct Said {
  enum class Kind : std::uint8_t {
    acked,
    refused,
    // The message `id` found no queue. An acked follows.
    returned,
    // It takes no messages for now, and takes them again.
    blocked,
    unblocked
  };
  Kind kind = Kind::acked;
  // acked, refused: this message, and all before it if `all`.
  std::uint64_t number = 0;
  bool all = false;
  std::string id{};
};

// Confined to one thread. After an error it is of no more use.
class Connection {
 public:
  // Connects, signs in and finds the exchange; waits some seconds at most for each of them. Errors,
  // all unavailable: bus.unreachable, bus.tls, bus.denied (user, password or vhost), bus.exchange.
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const Options& options,
                                                                const Host& host);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Numbers begin at 1. Error bus.lost.
  [[nodiscard]] Result<std::uint64_t> publish(const Message& message);
  // Reads the answers that have arrived, without waiting, and sends the heartbeat: call it every
  // second. Error bus.lost.
  [[nodiscard]] Result<std::vector<Said>> read();
  // Becomes readable when read() has something.
  [[nodiscard]] int socket() const;

 private:
  struct State;
  Connection();
  [[nodiscard]] Status connect(const Options& options, const Host& host);
  [[nodiscard]] Status sign_in(const Options& options);
  [[nodiscard]] Status find_exchange();

  const std::unique_ptr<State> state_;
};

}  // namespace rabt::bus

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "tools/demo/child_process.hpp"

namespace rabt::demo {

// A RabbitMQ on this machine, a node of its own: its data, its cookie and its epmd are in a folder,
// its ports are free ones of the loopback interface. Caller synchronises. The processes end with
// this object.
class RabbitServer {
 public:
  // certificates: a folder with ca.pem, server.pem and server.key, for a port with TLS. Returns
  // before the broker listens. Error demo.rabbitmq.
  [[nodiscard]] Status start(const std::string& folder, Random& random,
                             const std::string& certificates = {});
  // Until the broker takes connections. Error demo.rabbitmq, with the place of its log.
  [[nodiscard]] Status wait();
  // Once more, with the data that it has, after stop() or kill().
  [[nodiscard]] Status restart();
  void stop() { broker_.stop(); }
  void kill() { broker_.kill(); }
  // rabbitmqctl, to its end. Error demo.rabbitmq, with the place of its log.
  [[nodiscard]] Status control(const std::vector<std::string>& arguments) const;
  // It answers nothing until it is killed.
  void freeze() const;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int tls_port() const { return tls_port_; }
  [[nodiscard]] const std::string& user() const { return user_; }
  [[nodiscard]] const std::string& password() const { return password_; }
  [[nodiscard]] std::string password_file() const { return folder_ + "/password"; }
  // amqp://user:password@127.0.0.1:port
  [[nodiscard]] std::string url() const;
  // The section `bus` of a hub beside it.
  [[nodiscard]] std::string hub_configuration() const;

 private:
  [[nodiscard]] Status write_configuration(const std::string& certificates) const;
  // The environment of a program of RabbitMQ, as arguments of env.
  [[nodiscard]] std::vector<std::string> environment() const;

  std::string folder_;
  std::string user_ = "rabt";
  std::string password_;
  int port_ = 0;
  int tls_port_ = 0;
  int node_port_ = 0;
  int names_port_ = 0;
  // Size of the log in bytes when the broker was started last.
  std::uint64_t log_from_ = 0;
  ChildProcess names_;
  ChildProcess broker_;
};

}  // namespace rabt::demo

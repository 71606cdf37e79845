#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/tls_server.hpp"
#include "hub/http/server.hpp"

namespace rabt::assembly {

// Reads the certificates of a listener again when they have changed, and says so in the log.
void reload_certificates(crypto::TlsServer& tls, Logger& log);

// Authorities of the certificates that callers must show, as in crypto::TlsFiles. None if empty.
struct Believed {
  std::string authorities{};
  std::string revoked{};
};
// The certificates of a listener. Null where the configuration has none and nobody must show one.
// named: certificates of hosts that have one of their own. Errors: tls.*.
[[nodiscard]] Result<std::shared_ptr<crypto::TlsServer>> open_tls(
    const config::ServerEntry& server, const Believed& callers,
    const std::vector<crypto::TlsNamed>& named, const Clock& clock);

// Listeners of a process: the main listener, the one that asks for certificates, those of
// compatibility APIs, and Unix sockets. Internally synchronised.
class Edge {
 public:
  // Judges a request by its head. listener: the name of the compatibility API whose own listener
  // the request came to; empty on every other one.
  using Admit =
      std::function<http::Admission(const http::Request& head, std::string_view listener)>;
  // Puts a problem document into the words of the API that was asked, as http::Word.
  using Word = std::function<void(const http::Request& head, std::string_view listener,
                                  http::Response& problem)>;
  // A judge of requests. Both are set.
  struct Judge {
    Admit admit;
    Word word;
  };
  struct Options {
    config::ServerEntry server;
    // Certificates of hosts that have one of their own.
    std::vector<crypto::TlsNamed> named;
    // Handlers and streamed answers that run at once.
    int handlers = http::ServerOptions().threads;
    int streams = http::ServerOptions().streams;
  };
  // Listening when it returns. Errors: tls.*, http.port_in_use, http.bind, http.address.
  [[nodiscard]] static Result<std::unique_ptr<Edge>> open(Options options, const Clock& clock,
                                                          Logger& log, const Judge& judge);
  // Opens the further listeners of a tenant: the Unix socket in his data folder, and those of his
  // compatibility APIs. Listeners that are open for the tenant already stay. Errors as open.
  [[nodiscard]] Status open_for(const config::Config& config, const Judge& judge);

  // When the certificates of the process expire, by the section of the configuration. Empty when it
  // speaks plain HTTP.
  [[nodiscard]] std::map<std::string, Timestamp> certificates() const;
  // Reads certificates again that have changed. Called from time to time.
  void reload();
  [[nodiscard]] int port() const { return server_->port(); }
  [[nodiscard]] std::string url() const;
  // Accepts nothing more, and returns when the last answer has gone out. Twice is allowed.
  void stop() { server_->stop(); }

 private:
  Edge(config::ServerEntry server, Logger& log) : options_(std::move(server)), log_(log) {}
  [[nodiscard]] Status listen_mtls(const Judge& judge);

  // Constant after open().
  const config::ServerEntry options_;
  Logger& log_;
  // Null when the process speaks plain HTTP.
  std::shared_ptr<crypto::TlsServer> tls_;
  // Null unless there is a listener that asks for certificates.
  std::shared_ptr<crypto::TlsServer> mtls_;
  std::unique_ptr<http::Server> server_;

  Mutex mutex_;
  // Ports that open_for() has opened, by path or by tenant and name; 0 for a path.
  std::map<std::string, int> opened_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::assembly

#include "hub/assembly/edge.hpp"

#include <utility>

namespace rabt::assembly {

namespace {

http::Admit admit_at(const Edge::Judge& judge, const std::string& listener) {
  return
      [admit = judge.admit, listener](const http::Request& head) { return admit(head, listener); };
}
http::Word word_at(const Edge::Judge& judge, const std::string& listener) {
  return [word = judge.word, listener](const http::Request& head, http::Response& problem) {
    word(head, listener, problem);
  };
}

}  // namespace

void reload_certificates(crypto::TlsServer& tls, Logger& log) {
  const auto reloaded = tls.reload();
  if (!reloaded.ok()) {
    log.error("tls.reload_failed",
              {{"code", reloaded.error().code}, {"why", reloaded.error().message}});
  } else if (*reloaded) {
    log.info("tls.reloaded", {{"expires", to_iso8601(tls.expires())}});
  }
}

Result<std::shared_ptr<crypto::TlsServer>> open_tls(const config::ServerEntry& server,
                                                    const Believed& callers,
                                                    const std::vector<crypto::TlsNamed>& named,
                                                    const Clock& clock) {
  if (server.tls_certificates.empty() && callers.authorities.empty())
    return std::shared_ptr<crypto::TlsServer>();
  RABT_TRY(opened, crypto::TlsServer::open({.certificates = server.tls_certificates,
                                            .key = server.tls_key,
                                            .only_1_3 = server.tls_only_1_3,
                                            .client_authorities = callers.authorities,
                                            .client_revoked = callers.revoked,
                                            .named = named},
                                           clock));
  return std::shared_ptr<crypto::TlsServer>(std::move(opened));
}

Result<std::unique_ptr<Edge>> Edge::open(Options options, const Clock& clock, Logger& log,
                                         const Judge& judge) {
  std::unique_ptr<Edge> edge(new Edge(std::move(options.server), log));
  const config::ServerEntry& entry = edge->options_;
  RABT_TRY(tls, open_tls(entry, {}, options.named, clock));
  edge->tls_ = std::move(tls);
  if (entry.mtls) {
    RABT_TRY(mtls,
             open_tls(entry, {entry.mtls->authorities, entry.mtls->revoked}, options.named, clock));
    edge->mtls_ = std::move(mtls);
  }
  RABT_TRY(server,
           http::Server::start(
               http::ServerOptions{
                   .address = entry.address,
                   .port = entry.port,
                   .threads = options.handlers,
                   .streams = options.streams,
                   .proxy = [proxies = entry.proxies](
                                std::string_view text) { return proxies.has(text); },
                   .client = [proxies = entry.proxies](
                                 const http::Request& head) { return proxies.client_of(head); },
                   .tls = edge->tls_,
                   .word = word_at(judge, "")},
               admit_at(judge, ""), log));
  edge->server_ = std::move(server);
  RABT_TRY_STATUS(edge->listen_mtls(judge));
  return edge;
}

Status Edge::listen_mtls(const Judge& judge) {
  if (!options_.mtls) return ok_status();
  RABT_TRY(port, server_->listen({.address = options_.mtls->address,
                                  .port = options_.mtls->port,
                                  .tls = mtls_,
                                  .admit = admit_at(judge, ""),
                                  .word = word_at(judge, "")}));
  log_.info("hub.mtls", {{"port", static_cast<std::int64_t>(port)}});
  return ok_status();
}

Status Edge::open_for(const config::Config& config, const Judge& judge) {
  const Lock lock(mutex_);
  for (const auto& [name, door] : config.doors) {
    if (!door.enabled || !door.listen) continue;
    const std::string key = config.tenant + " " + name;
    if (opened_.contains(key)) continue;
    RABT_TRY(port, server_->listen({.address = options_.address,
                                    .port = *door.listen,
                                    .tls = tls_,
                                    .admit = admit_at(judge, name),
                                    .word = word_at(judge, name)}));
    opened_[key] = port;
    log_.info("hub.door", {{"door", name}, {"port", static_cast<std::int64_t>(port)}});
  }
  const std::string path = config.data + "/hub.sock";
  if (opened_.contains(path)) return ok_status();
  RABT_TRY_STATUS(server_->listen_locally(path, admit_at(judge, ""), word_at(judge, "")));
  opened_[path] = 0;
  return ok_status();
}

void Edge::reload() {
  for (const auto& tls : {tls_, mtls_}) {
    if (tls != nullptr) reload_certificates(*tls, log_);
  }
}

std::map<std::string, Timestamp> Edge::certificates() const {
  std::map<std::string, Timestamp> out;
  if (tls_ != nullptr) out.emplace("server.tls", tls_->expires());
  if (mtls_ != nullptr) out.emplace("server.mtls", mtls_->expires());
  return out;
}

std::string Edge::url() const {
  return (tls_ != nullptr ? "https://" : "http://") + options_.address + ":" +
         std::to_string(port());
}

}  // namespace rabt::assembly

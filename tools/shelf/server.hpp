#pragma once

#include <memory>
#include <string>

#include "hub/base/bytes.hpp"
#include "tools/shelf/shelf.hpp"

// The shelf over HTTP, for the plugin janus:
//   GET /rooms/<room>        what Shelf::list gives; 507 when the disk is full
//   GET /space               200, or 507 with the code of Shelf::may_record
//   GET /recordings/<id>     the WebM, with X-Rabt-Bytes, X-Rabt-Sha256 and, where something is
//                            missing, X-Rabt-Incomplete; 404; 500 when its length is not the one
//                            that was written down
//   DELETE /recordings/<id>  204, 404, or 409 while it is being made
// Every request carries the secret as a bearer token.
namespace rabt::shelf {

class Server {
 public:
  // port 0: any. Throws Poco::Exception when it cannot listen.
  Server(const std::string& address, std::uint16_t port, SecretBytes secret, Shelf& shelf);
  ~Server();
  [[nodiscard]] std::uint16_t port() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::shelf

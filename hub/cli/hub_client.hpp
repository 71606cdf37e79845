#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/net/local_http.hpp"

namespace rabt::cli {

// The API of a running hub, over its Unix socket: the kernel says who asks.
class HubClient {
 public:
  // The hub that runs with this configuration. Error net.no_answer: none runs.
  [[nodiscard]] static Result<HubClient> of(const config::Config& config);
  // The same of a configuration's file. Errors of load_config, too.
  [[nodiscard]] static Result<HubClient> of_file(const std::string& path);
  [[nodiscard]] Result<Json> get(std::string_view path, std::string_view reason = {});
  // The items of a list, {items}, from all of its pages.
  [[nodiscard]] Result<Json> list(std::string_view path, std::string_view reason = {});
  // Gives the body of an answer that is not JSON.
  [[nodiscard]] Result<std::string> text(std::string_view path, std::string_view reason = {},
                                         std::int64_t timeout_ms = 10'000);
  [[nodiscard]] Result<Json> post(std::string_view path, const Json& body,
                                  std::string_view reason = {});
  // Posts as a sender of deliveries does. Returns the answer, whatever its status.
  [[nodiscard]] Result<net::Response> deliver(
      std::string_view path, std::vector<std::pair<std::string, std::string>> headers,
      std::string body);
  // Changes a record as it was at this version.
  [[nodiscard]] Result<Json> patch(std::string_view path, const Json& body, std::int64_t version);
  // The answer of DELETE has no body.
  [[nodiscard]] Status remove(std::string_view path);
  // An answer that consists of lines.
  struct PageOfLines {
    std::string lines;
    // Cursor of the next page (X-Rabt-Next). Empty after the last page.
    std::string next;
  };
  [[nodiscard]] Result<PageOfLines> post_for_lines(std::string_view path, const Json& body,
                                                   std::string_view reason);

 private:
  explicit HubClient(const std::string& socket) : http_(socket) {}
  net::LocalHttp http_;
};

// Replaces the value "-" of the option --patient by the first line of standard input, KIND:VALUE.
// An identifier that is read this way stands in no list of processes and in no shell's history.
[[nodiscard]] Status read_patient(std::string& patient);

}  // namespace rabt::cli

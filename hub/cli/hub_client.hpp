#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/net/local_http.hpp"

namespace rabt::cli {

// The API of a running hub.
class HubClient {
 public:
  HubClient(std::string url, std::string token) : url_(std::move(url)), token_(std::move(token)) {}
  // The hub that runs with this configuration. Error: there is no token yet.
  [[nodiscard]] static Result<HubClient> of(const config::Config& config);
  [[nodiscard]] Result<Json> get(std::string_view path, std::string_view reason = {});
  // An answer that is no JSON.
  [[nodiscard]] Result<std::string> text(std::string_view path);
  [[nodiscard]] Result<Json> post(std::string_view path, const Json& body,
                                  std::string_view reason = {});
  // An answer of lines, and where the next page begins (X-Rabt-Next; empty: this was the last).
  struct PageOfLines {
    std::string lines;
    std::string next;
  };
  [[nodiscard]] Result<PageOfLines> post_for_lines(std::string_view path, const Json& body,
                                                   std::string_view reason);

 private:
  net::LocalHttp http_;
  std::string url_;
  std::string token_;
};

// Of the option --patient KIND:VALUE: for "-" the first line of standard input, so that the
// identifier is in no list of processes and in no shell's history.
[[nodiscard]] Status read_patient(std::string& patient);

}  // namespace rabt::cli

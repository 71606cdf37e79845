#include "hub/cli/hub_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

#include "hub/base/descriptor.hpp"
#include "hub/base/printable.hpp"

namespace rabt::cli {

namespace {

// The socket decides where it goes.
constexpr std::string_view kUrl = "http://localhost";

bool nobody_listens(const std::string& path) {
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!socket.open() || path.size() >= sizeof(address.sun_path)) return false;
  path.copy(&address.sun_path[0], path.size());
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),  // NOLINT
                   sizeof(address)) != 0 &&
         errno == ECONNREFUSED;
}

}  // namespace

Result<HubClient> HubClient::of_file(const std::string& path) {
  RABT_TRY(config, config::load_config(path));
  return of(config);
}

Result<HubClient> HubClient::of(const config::Config& config) {
  const std::string socket = config.data + "/hub.sock";
  if (::access(socket.c_str(), F_OK) != 0) {
    return unavailable("net.no_answer", "no hub runs with the data folder " + config.data +
                                            ": it has no hub.sock, or another user owns it");
  }
  if (nobody_listens(socket)) {
    return unavailable("net.no_answer", "no hub runs with the data folder " + config.data +
                                            ": nobody listens at its hub.sock, which a hub that "
                                            "was killed leaves behind");
  }
  return HubClient(socket);
}

namespace {

// Text of other people may move the reader's cursor, or turn round the text beside it.
Json for_terminal(const Json& value) {
  if (value.is_string()) return printable_lines(value.as_string());
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.as_array()) out.push_back(for_terminal(item));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [name, one] : value.as_object()) out.set(printable(name), for_terminal(one));
  return out;
}

Result<Json> for_terminal(Result<Json> answer) {
  if (!answer.ok()) return answer;
  return for_terminal(*answer);
}

}  // namespace

Result<Json> HubClient::get(std::string_view path, std::string_view reason) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!reason.empty()) headers.emplace_back("X-Rabt-Reason", reason);
  return for_terminal(http_.json("GET", std::string(kUrl).append(path), std::move(headers)));
}

Result<Json> HubClient::list(std::string_view path, std::string_view reason) {
  Json items = Json::array();
  std::string next(path);
  while (!next.empty()) {
    RABT_TRY(page, get(next, reason));
    for (const Json& item : page["items"].as_array()) items.push_back(item);
    next = page.string_or("next", "");
  }
  return Json::object({{"items", std::move(items)}});
}

Result<std::string> HubClient::text(std::string_view path, std::string_view reason,
                                    std::int64_t timeout_ms) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!reason.empty()) headers.emplace_back("X-Rabt-Reason", reason);
  RABT_TRY(response,
           http_.send("GET", std::string(kUrl).append(path), std::move(headers), {}, timeout_ms));
  return net::good_body(std::move(response));
}

Result<Json> HubClient::post(std::string_view path, const Json& body, std::string_view reason) {
  std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/json"}};
  if (!reason.empty()) headers.emplace_back("X-Rabt-Reason", reason);
  return for_terminal(
      http_.json("POST", std::string(kUrl).append(path), std::move(headers), body.dump()));
}

Result<net::Response> HubClient::deliver(std::string_view path,
                                         std::vector<std::pair<std::string, std::string>> headers,
                                         std::string body) {
  return http_.send("POST", std::string(kUrl).append(path), std::move(headers), std::move(body));
}

Result<Json> HubClient::patch(std::string_view path, const Json& body, std::int64_t version) {
  return for_terminal(http_.json(
      "PATCH", std::string(kUrl).append(path),
      {{"Content-Type", "application/json"}, {"If-Match", "\"" + std::to_string(version) + "\""}},
      body.dump()));
}

Status HubClient::remove(std::string_view path) {
  RABT_TRY(response, http_.send("DELETE", std::string(kUrl).append(path)));
  RABT_TRY_STATUS(net::good_body(std::move(response)));
  return ok_status();
}

Result<HubClient::PageOfLines> HubClient::post_for_lines(std::string_view path, const Json& body,
                                                         std::string_view reason) {
  RABT_TRY(response, http_.send("POST", std::string(kUrl).append(path),
                                {{"Content-Type", "application/json"},
                                 {"X-Rabt-Reason", std::string(reason)}},
                                body.dump()));
  std::string next(response.header("x-rabt-next"));
  RABT_TRY(lines, net::good_body(std::move(response)));
  return PageOfLines{std::move(lines), std::move(next)};
}

Status read_patient(std::string& patient) {
  if (patient != "-") return ok_status();
  patient.clear();
  if (!std::getline(std::cin, patient) || patient.empty())
    return invalid("cli.patient", "standard input has no line KIND:VALUE");
  if (patient.back() == '\r') patient.pop_back();
  return ok_status();
}

}  // namespace rabt::cli

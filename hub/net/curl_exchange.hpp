#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "hub/net/http_client.hpp"

struct curl_slist;

// Inside hub/net: one exchange as libcurl sees it.
namespace rabt::net {

// Reason why a callback of the hub ended the exchange. libcurl's code alone cannot tell.
enum class Stop : std::uint8_t {
  none,
  address,
  resend,
  too_large,
  overload,
  sink,
  sink_threw,
  source
};

// Confined to the client's I/O thread once it is queued. libcurl holds its address.
struct Exchange {
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  // Creates the handle of libcurl. Returns false if libcurl refuses the request or its TLS files.
  [[nodiscard]] bool prepare();
  // Fills `response` after the end of the exchange. code: a CURLcode.
  void conclude(int code);
  // With mllp, once the connection stands: writes and reads what can be without waiting. False when
  // it is over; `response` is filled then.
  [[nodiscard]] bool talk();

  RequestId id = 0;
  Request request;
  std::shared_ptr<const AllowList> allow;
  std::function<void(Response)> done;
  std::string host_port;
  // The URL's host is a loopback literal.
  bool loopback = false;
  // One message of HL7 v2 goes over a connection that libcurl makes.
  bool mllp = false;
  std::string frame;
  std::chrono::steady_clock::time_point deadline;
  // This is the one exchange that may test a half-open circuit.
  bool probe = false;

  // A CURL.
  void* easy = nullptr;
  curl_slist* headers = nullptr;
  // CURL_ERROR_SIZE bytes.
  char error[256] = {};
  Stop stop = Stop::none;
  std::string sink_error;
  // Number of times that libcurl was about to write the request.
  int requests_begun = 0;
  // Number of answers 401 to a request that signs in by Digest.
  int challenges = 0;
  bool head_done = false;
  std::size_t header_bytes = 0;
  std::size_t body_bytes = 0;
  // Bytes taken from the request's body_source.
  std::uint64_t sent_bytes = 0;
  // Bytes of an MLLP answer before its frame.
  std::size_t skipped = 0;
  bool opened_socket = false;
  // Called when a connection stands and the request is about to be written.
  std::function<void()> connected;
  Response response;
};

// The error of an exchange before any byte left: host, port and cause.
void refuse(Response& response, std::string code, const Exchange& exchange, std::string_view cause);
// Fills host_port, and refuses what can be refused before a connection exists: the answer has an
// error code then.
[[nodiscard]] Response check_request(Exchange& exchange);

}  // namespace rabt::net

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The frame every stand-in is built on. One process, one listener per stand-in on loopback. A
// stand-in is a Service: a function from request to response plus its own control calls. Faults,
// the ledger and callbacks are the frame's business, so that they work the same way for all of
// them.
namespace rabt::sandbox {

using Json = nlohmann::json;

// A whole request. Header names are lower case; query values are percent-decoded, in order of
// appearance.
struct Request {
  std::string method;
  std::string path;  // percent-decoded, without query
  std::vector<std::pair<std::string, std::string>> query;
  std::multimap<std::string, std::string> headers;
  std::string body;

  // The first value, "" when absent. The name may be in any case.
  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] std::string query_value(std::string_view name) const;
  // Fields of an application/x-www-form-urlencoded body.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> form() const;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // When set, the body is produced in pieces (Content-Length = stream_length): fill(offset, size)
  // returns bytes.
  std::uint64_t stream_length = 0;
  std::function<std::string(std::uint64_t offset, std::size_t size)> fill;

  static Response json(int status, const Json& body, std::string content_type = "application/json");
  static Response empty(int status);
};

// Which ledger entries are meant; an empty field means any.
struct LedgerFilter {
  std::string service;
  std::string kind;
  std::string key;
};

// Every effect that a stand-in really performed, in order. Thread-safe. A test asks it how often a
// claim arrived.
// kind: "room.created", "claim.accepted", "report.imported", ...; key: the business key (unique
// name, claim id, ...). Memory holds the newest kMaxEntries; a file, when there is one, holds all.
class Ledger {
 public:
  static constexpr std::size_t kMaxEntries = 1'000'000;  // about 300 MB; far above any load test

  // Reads what an earlier run wrote to the file and appends to it from now on, one JSON object a
  // line. A torn last line is cut off. Throws std::runtime_error when the file cannot be used.
  void open(const std::string& path);
  void record(std::string service, std::string kind, std::string key, Json detail = Json::object());
  [[nodiscard]] Json entries() const;  // [{"seq","at","service","kind","key","detail"}]
  [[nodiscard]] Json entries(const LedgerFilter& filter) const;
  [[nodiscard]] std::size_t count(std::string_view kind, std::string_view key = {}) const;
  [[nodiscard]] std::size_t count(const LedgerFilter& filter) const;
  // Forgets all entries, in the file too. seq goes on counting.
  void clear();

 private:
  struct State;
  std::shared_ptr<State> state_ = make_state();
  static std::shared_ptr<State> make_state();
};

// Sends callbacks to the hub in the background; retries nothing unless told to. Thread-safe.
class Callbacks {
 public:
  virtual ~Callbacks() = default;
  // POSTs body to url after delay_ms. A "duplicate-callback" fault sends it twice, "drop-callback"
  // not at all. A url that begins with '/' is taken relative to the hub (--hub). Never blocks.
  virtual void post(std::string url, std::vector<std::pair<std::string, std::string>> headers,
                    std::string body, std::uint32_t delay_ms = 0) = 0;
  // The same for a provider that speaks of one thing after the other: what is due earlier is
  // answered before the next is sent. A sender that has one thread needs no other way.
  virtual void post_in_order(std::string url,
                             std::vector<std::pair<std::string, std::string>> headers,
                             std::string body, std::uint32_t delay_ms = 0) {
    post(std::move(url), std::move(headers), std::move(body), delay_ms);
  }
};

struct Context {
  Ledger& ledger;
  Callbacks& callbacks;
  std::string base_url;  // http://127.0.0.1:PORT of this stand-in
  std::function<std::int64_t()> now_ms;
};

// Internally synchronised: handle and control are called from several threads.
class Service {
 public:
  virtual ~Service() = default;
  [[nodiscard]] virtual std::string name() const = 0;  // "twilio", "fhir", ...
  [[nodiscard]] virtual Response handle(const Request& request) = 0;
  // The frame's control door calls this for POST /control/<name>/<what> with a JSON body (an empty
  // object when the request has none); 404 by default.
  [[nodiscard]] virtual Response control(std::string_view what, const Json& body);
  // Body of an HTTP error of this provider that does not depend on the request: the answer to the
  // "status" fault (429, 500, 503, ...). The default is a small JSON object.
  [[nodiscard]] virtual Response error_body(int status);
};

std::unique_ptr<Service> make_chime(Context context, const Json& options);
std::unique_ptr<Service> make_janus(Context context, const Json& options);
std::unique_ptr<Service> make_twilio(Context context, const Json& options);
std::unique_ptr<Service> make_fhir(Context context, const Json& options);
std::unique_ptr<Service> make_nphies(Context context, const Json& options);
std::unique_ptr<Service> make_dhis2(Context context, const Json& options);
std::unique_ptr<Service> make_sms(Context context, const Json& options);

}  // namespace rabt::sandbox

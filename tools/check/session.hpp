#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "rabt/abi.h"
#include "tools/check/subject.hpp"

namespace rabt::check {

// Answer of the outside system to one request.
struct Answer {
  std::uint32_t sent = 2;  // RABT_SENT_...
  int status = 200;
  std::string body = "{}";
  std::vector<std::pair<std::string, std::string>> headers{{"content-type", "application/json"}};
  std::string error;           // a code of rabt.http/1
  bool until_timeout = false;  // comes when the request's time is over, as a timeout
};
[[nodiscard]] Answer refused_connection();
[[nodiscard]] Answer lost_answer();  // sent, and then nothing until the time is over
[[nodiscard]] Answer status_answer(int status, std::string body = "{}");

struct Request {
  rabt_call_id call = 0;
  Json head;  // as the plugin described it
  std::string method;
  std::string url;
  std::string body;
  // By its method (RFC 9110 section 9.2.1). A search of FHIR that is posted reads
  // (http://hl7.org/fhir/R4/http.html#search).
  [[nodiscard]] bool has_effect() const;
};
using World = std::function<Answer(const Request&)>;

struct OutcomeCopy {
  std::uint32_t kind = 0;
  std::string output;
  std::string code;
  std::string message;
  std::string detail;
  std::int64_t retry_after_ms = 0;
};
[[nodiscard]] std::string_view kind_name(std::uint32_t kind);

// A call, its requests and its outcomes.
struct CallRecord {
  std::string action;
  std::int32_t invoke_result = 0;
  // One for each complete(), also for those that are one too many.
  std::vector<OutcomeCopy> outcomes;
  std::vector<Request> requests;
  std::int64_t began_ms = 0;
  std::int64_t deadline_ms = 0;
  // When complete() was first called, on the virtual clock.
  std::int64_t ended_ms = 0;
  [[nodiscard]] bool accepted() const { return invoke_result == 0; }
};

struct CallWish {
  std::string action;
  std::string version;
  std::string input;
  std::string key = "key-1";
  std::uint32_t attempt = 1;
  std::int64_t time_ms = 60'000;
};

// Values that survive an instance: rabt.kv/1.
using Stored = std::map<std::string, std::pair<std::string, std::int64_t>>;

class Interposer;

// One instance of the plugin on a fake host with a virtual clock. Confined to one thread; the
// plugin's own threads may call the host.
class Session {
 public:
  struct Options {
    // Every request is answered with status 200 and {} if this is empty.
    World world;
    // The seed of rabt.clock/1 random.
    std::uint64_t chance = 1;
    // If false, get_service returns null for each name.
    bool services = true;
    // Values that an earlier session stored. The session starts without values if this is null.
    std::shared_ptr<Stored> kv;
    // The configuration of the subject if empty.
    std::string config;
  };
  // Error codes: check.library, check.create (the plugin refused; the message is its own).
  static Result<std::unique_ptr<Session>> start(const Subject& subject, Options options);
  ~Session();  // as destroy()
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  rabt_call_id begin(const CallWish& wish);
  // Runs callbacks, and moves the clock to the next wake when nothing else is to be done, until all
  // calls have ended or nothing is left that could end them.
  void run();
  // Runs callbacks until none is left; the clock stands still.
  void settle();
  // As if this much time went by.
  void advance(std::int64_t ms);
  void cancel(rabt_call_id id);
  // Waits in real time, so that threads of the plugin can do what they would. Returns at once where
  // the plugin has none.
  void let_threads_run(int millis);
  // Safe to repeat.
  void destroy();

  // begin(), run(), record().
  const CallRecord& call(const CallWish& wish);
  [[nodiscard]] const CallRecord& record(rabt_call_id id) const;
  [[nodiscard]] const void* extension(const char* id) const;
  // Calls a function of an extension as the lane does.
  void on_lane(const char* what, const std::function<void()>& function);

  [[nodiscard]] std::int64_t now_ms() const;
  [[nodiscard]] std::vector<std::string> logged() const;    // "event fields"
  [[nodiscard]] std::vector<std::string> measured() const;  // metrics and spans
  // Sentences that say which rules for the use of a host the plugin broke. Empty if it broke none.
  [[nodiscard]] std::vector<std::string> violations() const;
  // The function that held the lane longest, and how long in real time.
  [[nodiscard]] std::pair<std::string, std::int64_t> slowest_micros() const;
  // Uses of this instance's host after destroy returned.
  [[nodiscard]] int uses_after_destroy() const;

 private:
  explicit Session(std::unique_ptr<Interposer> interposer);
  std::unique_ptr<Interposer> interposer_;
};

// Maps the library as the hub does. Error codes: those of plugin::seal_library and map_library.
[[nodiscard]] Result<const rabt_entry*> map_entry(const Subject& subject);
// The library's entry, which is that of the manifest; mapped once in a process.
[[nodiscard]] Result<const rabt_entry*> entry_of(const Subject& subject);
// A configuration that the plugin's create takes: check/config.json, or a generated one. Error
// code: check.config.
[[nodiscard]] Result<std::string> config_of(const Subject& subject);

}  // namespace rabt::check

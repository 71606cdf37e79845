#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/json.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"
#include "hub/phi/policy.hpp"

// Recorder of the exchange between a plugin and the outside system, as cassettes for the plugin's
// own tests: the format of sdk/testing/include/rabt/testing/cassette.hpp. For development.
// docs/plugins/services.md.
namespace rabt::plugin {

// Internally synchronised. One file for each call, <action>-<number>.json; requests of no call
// share background-<number>.json. Nothing is promised about a file until the call has ended.
class Recorder {
 public:
  struct Parts {
    std::string folder;
    const phi::Policy& privacy;
    std::set<std::string> phi_names;  // members that hold patient data, in requests and answers
    std::map<std::string, std::shared_ptr<SecretBytes>> secrets;
  };
  // Makes the folder (mode 0700) when it is not there. Error plugin.record.
  static Result<std::unique_ptr<Recorder>> open(Parts parts);

  struct Request {
    std::uint64_t call = 0;
    std::string action;  // empty outside a call
    Json arguments;      // null outside a call
    Json head;           // as the plugin described it: it names secrets and holds none
    std::string body;
  };
  struct Answer {
    std::string_view sent;  // no, maybe, yes
    int status = 0;
    Json headers;  // [["name","value"],...]
    std::string body;
    std::string error;
  };
  // Notes that a request leaves. Returns the request's place, in the order of these calls.
  std::uint64_t begin(Request request);
  // Notes the answer to the request at `place` and writes the file of its call. Blocks. Error
  // plugin.record if the file cannot be written; the exchange stays for the next attempt.
  Status end(std::uint64_t place, Answer answer);

 private:
  struct Exchange {
    std::uint64_t place = 0;
    Json head;
    std::string body;
    bool answered = false;
    Answer answer;
  };
  struct Tape {
    std::string path;
    std::set<std::string> patient;  // values that the call was given
    std::vector<Exchange> exchanges;
  };
  explicit Recorder(Parts parts) : parts_(std::move(parts)) {}
  // The lock is held.
  Status write(Tape& tape) const RABT_REQUIRES(mutex_);
  Result<std::string> new_file(const std::string& name);
  void learn(const Json& value) RABT_REQUIRES(mutex_);
  void learn_credential(std::string_view value) RABT_REQUIRES(mutex_);
  [[nodiscard]] std::string clean_text(const Tape& tape, std::string_view name,
                                       std::string_view text) const RABT_REQUIRES(mutex_);
  [[nodiscard]] Json clean_value(const Tape& tape, const Json& value, std::string_view name) const
      RABT_REQUIRES(mutex_);
  [[nodiscard]] std::string clean_body(const Tape& tape, const std::string& body) const
      RABT_REQUIRES(mutex_);

  const Parts parts_;
  mutable Mutex mutex_;
  std::uint64_t next_ RABT_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, Tape> tapes_ RABT_GUARDED_BY(mutex_);        // by call
  std::map<std::uint64_t, std::uint64_t> at_ RABT_GUARDED_BY(mutex_);  // from place to call
  // Credentials that were seen in passing.
  std::set<std::string> credentials_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::plugin

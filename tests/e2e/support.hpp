#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/json.hpp"
#include "hub/base/random.hpp"
#include "hub/net/local_http.hpp"
#include "tools/demo/booking.hpp"
#include "tools/demo/child_process.hpp"
#include "tools/demo/configuration.hpp"
#include "tools/demo/people.hpp"

// The whole product as an operator has it: the programs `rabt` and `rabt-sandbox` as processes, a
// configuration file, HTTP between them.
namespace rabt::e2e {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#ifdef NDEBUG
inline constexpr bool kRelease = true;
#else
inline constexpr bool kRelease = false;
#endif

[[nodiscard]] std::string source_dir();
[[nodiscard]] std::string build_dir();
[[nodiscard]] std::string program(std::string_view name);
[[nodiscard]] std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, std::string_view content, int mode = 0600);

// A temporary folder; goes away with this object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const {
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

struct Finished {
  int code = -1;     // exit code; 128 and the signal; -1: it did not end in time and was killed
  std::string said;  // standard output and error
  std::int64_t ms = 0;
};
// Runs a program to its end.
[[nodiscard]] Finished run(const std::vector<std::string>& arguments,
                           std::int64_t limit_ms = 20'000);

// Statements that change rows of a database that no hub has open; a failed expectation otherwise.
void change_database(const std::string& path, const std::string& statements);

// Values of a booking that must not be found anywhere in the clear: names, identifiers, birth date,
// diagnosis, complaint.
[[nodiscard]] std::vector<std::string> private_values(const std::string& booking_body);
// Every place below the paths where one of the values stands, as UTF-8, UTF-16, JSON escapes or
// base64: "file: value 3 as UTF-16LE". Never the value itself. Names of files count as content.
[[nodiscard]] std::vector<std::string> search(const std::vector<std::filesystem::path>& paths,
                                              const std::vector<std::string>& values);
// The forms that search looks for: name and bytes.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> forms_of(const std::string& value);

// A store below `folder` with the shipped plugins and these other folders, each signed and added.
[[nodiscard]] std::string signed_store(const std::string& folder,
                                       const std::vector<std::string>& others = {});

enum class Kind {
  edge,   // the FHIR plugin and a workflow of one step; no stand-ins needed
  whole,  // every plugin, the shipped workflow, the stand-ins
};

// One hospital with its hub. Not thread-safe.
class Site {
 public:
  explicit Site(Kind kind);

  // Configuration of the hub; change it before start_hub. All tests share one store of plugins,
  // unless a test makes its own.
  demo::Configuration config;
  // rabt serve --dev
  bool dev = false;
  // The limits that a hub has by itself. Without it there are none: tests ask more often than
  // people do.
  bool default_limits = false;
  // Further members of the section `video`, each with a comma behind it.
  std::string video_settings;
  // One URL in the place of every stand-in.
  std::string everywhere;
  // The file of the secret that the hospital signs with.
  std::string whsec_file;

  [[nodiscard]] const Folder& folder() const { return folder_; }
  [[nodiscard]] std::string write_configuration();
  // rabt serve with this configuration, for starts that must fail.
  [[nodiscard]] Finished serve();

  void start_sandbox(const Json& options = Json::object());
  // Waits until the hub listens; a failed expectation otherwise.
  void start_hub();
  void stop_hub() { hub_.stop(); }
  void kill_hub() { hub_.kill(); }  // SIGKILL
  // `rabt` with this site's configuration, as it was written last.
  [[nodiscard]] Finished rabt(std::vector<std::string> arguments) const;
  [[nodiscard]] bool hub_runs() { return hub_.running(); }
  [[nodiscard]] std::int64_t hub_pid() const;  // of a hub that was started
  [[nodiscard]] std::string url() const { return demo::local_url(config.port); }
  [[nodiscard]] const std::string& token() const { return token_; }

  [[nodiscard]] net::Response send(const std::string& method, const std::string& path,
                                   std::vector<std::pair<std::string, std::string>> headers = {},
                                   std::string body = {});
  // Posts as the hospital does: signed, with this delivery id. spoil: with a signature of another
  // body.
  [[nodiscard]] net::Response post(const std::string& id, const std::string& body,
                                   bool spoil = false);
  // Posts to another source that has the same secret.
  [[nodiscard]] net::Response deliver(const std::string& source, const std::string& id,
                                      const std::string& content_type, const std::string& body,
                                      bool spoil = false);
  // GET /health with the token.
  [[nodiscard]] Json health();
  // The text of GET /metrics with the token.
  [[nodiscard]] std::string metrics();
  // GET below /api/v1 with the token; null when the answer is not 200.
  [[nodiscard]] Json api(const std::string& path, bool with_data = false);

  // The stand-ins' control door.
  void faults(const std::string& stand_in, const std::string& rules);
  // Number of times that each rule applied.
  [[nodiscard]] std::vector<std::int64_t> fired(const std::string& stand_in);
  [[nodiscard]] std::int64_t effects(const std::string& kind);
  [[nodiscard]] demo::Booking booking(int number = 0) {
    return demo::make_booking(clock_, ids_, number);
  }

  // Enters the doctor and the patient of a booking, as a hospital does before it books.
  void enter(const demo::Booking& booking);
  // Takes over the data folder, the secrets and the people that another site left in this folder.
  // Before the start.
  void take_over(const std::string& folder);
  // Leaves a folder that take_over takes. After the stop.
  void leave(const std::string& folder);
  // Sets the people who were entered at the hub that was taken over.
  void know(const Json& people);
  // People who were entered.
  [[nodiscard]] demo::People& people() { return *people_; }
  // One consultation with its people: enters them, posts the booking, lets them meet, write and
  // hang up over the API, waits for the end. silent: nobody writes anything. Returns the instance's
  // last status.
  [[nodiscard]] std::string play(const demo::Booking& booking, std::int64_t limit_ms = 90'000,
                                 bool silent = false);
  [[nodiscard]] const std::string& instance() const { return instance_; }

  [[nodiscard]] Json control(const std::string& method, const std::string& path,
                             const std::string& body = {});

 private:
  Folder folder_;
  SystemClock clock_;
  SystemRandom random_;
  UlidSource ids_{clock_, random_};
  net::LocalHttp http_;
  Bytes key_;
  Json urls_;
  std::string token_;
  std::string issuer_secret_;
  // People of this hub. Null before they are entered.
  std::unique_ptr<demo::People> people_;
  std::string instance_;
  demo::ChildProcess sandbox_;
  demo::ChildProcess hub_;
};

}  // namespace rabt::e2e

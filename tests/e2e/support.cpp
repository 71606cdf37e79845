#include "tests/e2e/support.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "hub/base/bytes.hpp"
#include "hub/base/utf8.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/identity/api_token.hpp"
#include "tests/eventually.hpp"
#include "tools/demo/booked.hpp"
#include "tools/demo/people.hpp"
#include "tools/demo/signed_store.hpp"

extern char** environ;  // NOLINT

namespace rabt::e2e {

namespace {

namespace fs = std::filesystem;

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::string variable(const char* name) {
  const char* value =
      std::getenv(name);  // NOLINT(concurrency-mt-unsafe): the environment is not changed
  if (value != nullptr) return value;
  ADD_FAILURE() << name << " is not set; run this program through ctest";
  return ".";
}

// A workflow that ends at once: what the edge does shows without the outside systems.
constexpr std::string_view kEdgeWorkflow =
    "document: {dsl: '1.0.3', namespace: test, name: edge, version: '1.0.0'}\n"
    "schedule: {on: {one: {with: {type: org.rabt.appointment.booked.v1}}}}\n"
    "input: {from: '${ .[0].data }'}\n"
    "do:\n"
    "  - book:\n"
    "      call: advance:1.0.0@register\n"
    "      with: {consultation: '${ $workflow.id }', to: booked}\n";

// Code points of good UTF-8.
std::u32string code_points(const std::string& text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t point = size == 1 ? lead : static_cast<char32_t>(lead & (0x7fU >> size));
    for (std::size_t k = 1; k < size; ++k)
      point = (point << 6U) | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
    out.push_back(point);
    i += size;
  }
  return out;
}

void collect(const Json& value, std::vector<std::string>& out) {
  if (value.is_string()) {
    if (!value.as_string().empty()) out.push_back(value.as_string());
  } else if (value.is_array()) {
    for (const Json& item : value.as_array()) collect(item, out);
  }
}

}  // namespace

std::string source_dir() {
  return variable("RABT_SOURCE_DIR");
}
std::string build_dir() {
  return variable("RABT_BUILD_DIR");
}
std::string program(std::string_view name) {
  return build_dir() + "/bin/" + std::string(name);
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_file(const fs::path& path, std::string_view content, int mode) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << content;
  out.close();
  ASSERT_TRUE(out.good()) << path;
  ASSERT_EQ(::chmod(path.c_str(), static_cast<mode_t>(mode)), 0) << path;
}

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "rabt-e2e-XXXXXX").string();
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  path_ = name;
}
Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void change_database(const std::string& path, const std::string& statements) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  char* message = nullptr;
  const int code = sqlite3_exec(db, statements.c_str(), nullptr, nullptr, &message);
  EXPECT_EQ(code, SQLITE_OK) << (message != nullptr ? message : "");
  EXPECT_GT(sqlite3_total_changes(db), 0) << statements;
  sqlite3_free(message);
  sqlite3_close(db);
}

Finished run(const std::vector<std::string>& arguments, std::int64_t limit_ms) {
  const Folder folder;
  const std::string output = folder / "output";
  std::vector<char*> argv;
  for (const std::string& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));  // NOLINT
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  Finished finished;
  const std::int64_t start = now_ms();
  pid_t pid = -1;
  const int failure = ::posix_spawn(&pid, argv.front(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    finished.said = arguments.front() + " cannot be started";
    return finished;
  }
  int status = 0;
  if (!test::eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; },
                        std::chrono::milliseconds(limit_ms))) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    finished.said = read_file(output) + "\n(killed after " + std::to_string(limit_ms) + " ms)";
    finished.ms = now_ms() - start;
    return finished;
  }
  finished.ms = now_ms() - start;
  finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  finished.said = read_file(output);
  return finished;
}

std::vector<std::string> private_values(const std::string& booking_body) {
  std::vector<std::string> values;
  const auto bundle = Json::parse(booking_body);
  if (!bundle.ok()) {
    ADD_FAILURE() << "the booking is no JSON";
    return values;
  }
  for (const Json& entry : (*bundle)["entry"].as_array()) {
    const Json& resource = entry["resource"];
    const std::string type = resource.string_or("resourceType", "");
    if (type == "Patient" || type == "Practitioner") {
      for (const Json& name : resource["name"].as_array()) {
        for (const char* part : {"text", "family", "given"}) collect(name[part], values);
      }
    }
    if (type == "Patient") {
      collect(resource["birthDate"], values);
      if (resource["telecom"].is_array()) {
        for (const Json& telecom : resource["telecom"].as_array())
          collect(telecom["value"], values);
      }
      for (const Json& identifier : resource["identifier"].as_array())
        collect(identifier["value"], values);
    } else if (type == "Coverage") {
      for (const Json& identifier : resource["identifier"].as_array())
        collect(identifier["value"], values);
    } else if (type == "Appointment") {
      collect(resource["description"], values);
      for (const Json& reason : resource["reasonCode"].as_array()) {
        for (const Json& coding : reason["coding"].as_array()) {
          collect(coding["code"], values);
          collect(coding["display"], values);
        }
      }
    }
  }
  return values;
}

std::vector<std::pair<std::string, std::string>> forms_of(const std::string& value) {
  std::vector<std::pair<std::string, std::string>> forms{{"UTF-8", value}};
  std::string little;
  std::string big;
  std::string escaped;
  bool ascii = true;
  // Bytes that are no text stand nowhere as one.
  const bool text = is_utf8(value);
  for (const char32_t point : text ? code_points(value) : std::u32string()) {  // basic plane
    const char high = static_cast<char>((point >> 8U) & 0xffU);
    const char low = static_cast<char>(point & 0xffU);
    little.append({low, high});
    big.append({high, low});
    if (point < 0x80) {
      escaped.push_back(low);
    } else {
      ascii = false;
      const std::array<std::uint8_t, 2> raw{static_cast<std::uint8_t>(high),
                                            static_cast<std::uint8_t>(low)};
      escaped.append("\\u").append(to_hex(raw));
    }
  }
  if (text) {
    forms.emplace_back("UTF-16LE", little);
    forms.emplace_back("UTF-16BE", big);
  }
  if (!ascii) forms.emplace_back("JSON escapes", escaped);
  // Base64 of the value at each of the three places it can have in a longer text; the characters
  // that depend on the neighbours are cut off. Short values would be found by chance in sealed
  // bytes.
  for (std::size_t before = 0; value.size() >= 9 && before < 3; ++before) {
    const std::string padded = std::string(before, '\0') + value;
    const std::string whole = to_base64(ByteView(
        reinterpret_cast<const std::uint8_t*>(padded.data()), padded.size() / 3 * 3));  // NOLINT
    forms.emplace_back("base64", whole.substr(before == 0 ? 0 : 4));
  }
  return forms;
}

std::vector<std::string> search(const std::vector<fs::path>& paths,
                                const std::vector<std::string>& values) {
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::vector<std::string> found;
  for (const fs::path& file : files) {
    const std::string content = read_file(file) + file.string();
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (const auto& [form, bytes] : forms_of(values[i])) {
        if (::memmem(content.data(), content.size(), bytes.data(), bytes.size()) == nullptr)
          continue;
        found.push_back(file.filename().string() + ": value " + std::to_string(i) + " as " + form);
      }
    }
  }
  return found;
}

std::string signed_store(const std::string& folder, const std::vector<std::string>& others) {
  std::vector<std::string> built = others;
  for (const char* id : {"twilio", "fhir", "nphies", "moh", "notify", "mapped"})
    built.push_back(build_dir() + "/plugins/" + id);
  const Status status = demo::make_signed_store(built, folder + "/packages", folder + "/plugins");
  EXPECT_TRUE(status.ok()) << status.error().message;
  return folder + "/plugins";
}

Site::Site(Kind kind) {
  const auto free = demo::free_port();
  EXPECT_TRUE(free.ok());
  config.port = free.ok() ? *free : 0;
  config.data = folder_ / "data";
  static const Folder shared;
  static const std::string store = signed_store(shared.path());
  config.plugins = store;
  const std::string secrets = folder_ / "secrets";
  fs::create_directories(secrets);
  std::array<std::uint8_t, 32> key{};
  random_.fill(key);
  key_.assign(key.begin(), key.end());
  whsec_file = secrets + "/his";
  write_file(whsec_file, "whsec_" + to_base64(key_));
  write_file(secrets + "/fhir-token", "sandbox-fhir-token");
  write_file(secrets + "/twilio-auth-token", "sandbox-auth-token");
  write_file(secrets + "/twilio-api-key-secret", demo::kDemoApiKeySecret);
  write_file(secrets + "/moh-token", demo::kDemoMohToken);
  write_file(secrets + "/sms-token", "sandbox-sms-token");
  random_.fill(key);
  issuer_secret_ = crypto::base64url(key);
  write_file(secrets + "/issuer", issuer_secret_);
  config.root = source_dir();
  config.log = folder_ / "hub.log";
  config.secrets = secrets;
  config.stand_in = [this](const char* name) {
    return everywhere.empty() ? urls_.string_or(name, "http://127.0.0.1:9") : everywhere;
  };
  config.every_plugin = kind == Kind::whole;
  if (kind == Kind::whole) {
    config.workflows = {source_dir() + "/workflows/consultation.yaml"};
    config.issuer_secret = secrets + "/issuer";
  } else {
    config.workflows = {folder_ / "edge.yaml"};
    write_file(config.workflows.front(), kEdgeWorkflow);
  }
}

std::string Site::write_configuration() {
  std::string file = folder_ / "rabt.yaml";
  std::string text = demo::yaml_of(config);
  constexpr std::string_view kServer = "server:\n";
  constexpr std::string_view kVideo = "\nvideo: {";
  text.insert(text.find(kVideo) + kVideo.size(), video_settings);
  if (!default_limits) {
    text.insert(text.find(kVideo) + kVideo.size(),
                "bookings_per_patient: 1000000, bookings_per_provider: 1000000, open_rooms: "
                "1000000, ");
    text.insert(
        text.find(kServer) + kServer.size(),
        "  rates: {sign_in: 'off', invitation: 'off', registration: 'off', anonymous: 'off', "
        "read: 'off', "
        "write: 'off', rare: 'off', "
        "connect: 'off', enter: 'off', hook: 'off', refused: 'off', concurrent: 0, "
        "connections: 0}\n");
  }
  write_file(file, text);
  return file;
}

Finished Site::rabt(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), program("rabt"));
  arguments.emplace_back("--config");
  arguments.push_back(folder_ / "rabt.yaml");
  return run(arguments);
}

Finished Site::serve() {
  std::vector<std::string> arguments{program("rabt"), "serve", "--config", write_configuration(),
                                     "--die-with-parent"};
  if (dev) arguments.emplace_back("--dev");
  return run(arguments);
}

void Site::start_sandbox(const Json& options) {
  Json whole = options;
  if (whole.find("twilio") == nullptr) {
    whole.set("twilio", Json::object({{"media_bytes", 256 * 1024},
                                      {"api_key_secret", demo::kDemoApiKeySecret}}));
  }
  if (whole.find("nphies") == nullptr)
    whole.set("nphies", Json::object({{"adjudicate_after_ms", 500}, {"licence", "PR-FHIR"}}));
  if (whole.find("fhir") == nullptr)
    whole.set("fhir", Json::object({{"token", "sandbox-fhir-token"}}));
  write_file(folder_ / "sandbox.json", whole.dump());
  const std::string ready = folder_ / "sandbox.ready";
  const auto started =
      sandbox_.start({program("rabt-sandbox"), "--options", folder_ / "sandbox.json",
                      "--ready-file", ready, "--die-with-parent"},
                     folder_ / "sandbox.log");
  ASSERT_TRUE(started.ok()) << started.error().message;
  (void)test::eventually([&] { return fs::exists(ready) || !sandbox_.running(); });
  ASSERT_TRUE(fs::exists(ready)) << "the stand-ins did not start: "
                                 << read_file(folder_ / "sandbox.log");
  const auto urls = Json::parse(read_file(ready));
  ASSERT_TRUE(urls.ok());
  urls_ = *urls;
}

void Site::start_hub() {
  const std::string ready = folder_ / "hub.ready";
  fs::remove(ready);
  std::vector<std::string> arguments{program("rabt"),       "serve",        "--config",
                                     write_configuration(), "--ready-file", ready,
                                     "--die-with-parent"};
  if (dev) arguments.emplace_back("--dev");
  const auto started = hub_.start(arguments, folder_ / "hub.out");
  ASSERT_TRUE(started.ok()) << started.error().message;
  (void)test::eventually([&] { return fs::exists(ready) || !hub_.running(); });
  ASSERT_TRUE(fs::exists(ready)) << "the hub did not start: " << read_file(folder_ / "hub.out");
  const auto token = identity::read_api_token(config.data);
  ASSERT_TRUE(token.ok()) << token.error().message;
  token_ = *token;
}

std::int64_t Site::hub_pid() const {
  const auto ready = Json::parse(read_file(folder_ / "hub.ready"));
  return ready.ok() ? ready->int_or("pid", -1) : -1;
}

net::Response Site::send(const std::string& method, const std::string& path,
                         std::vector<std::pair<std::string, std::string>> headers,
                         std::string body) {
  auto answer = http_.send(method, url() + path, std::move(headers), std::move(body));
  if (answer.ok()) return std::move(*answer);
  ADD_FAILURE() << method << " " << path << ": " << answer.error().message;
  return {};
}

Json Site::health() {
  const auto answer = send("GET", "/health", {{"Authorization", "Bearer " + token_}});
  EXPECT_EQ(answer.status, 200);
  auto body = Json::parse(answer.body);
  EXPECT_TRUE(body.ok()) << answer.body;
  return body.ok() ? *std::move(body) : Json();
}

net::Response Site::post(const std::string& id, const std::string& body, bool spoil) {
  return deliver("his", id, "application/fhir+json", body, spoil);
}

net::Response Site::deliver(const std::string& source, const std::string& id,
                            const std::string& content_type, const std::string& body, bool spoil) {
  const std::string stamp = std::to_string(clock_.now().ms / 1000);
  const std::string covered = id + "." + stamp + "." + body + (spoil ? " " : "");
  return send("POST", "/hooks/" + source,
              {{"Content-Type", content_type},
               {"webhook-id", id},
               {"webhook-timestamp", stamp},
               {"webhook-signature", "v1," + to_base64(crypto::hmac_sha256(key_, covered))}},
              body);
}

std::string Site::metrics() {
  return send("GET", "/metrics", {{"Authorization", "Bearer " + token_}}).body;
}

Json Site::api(const std::string& path, bool with_data) {
  std::vector<std::pair<std::string, std::string>> headers{{"Authorization", "Bearer " + token_}};
  if (with_data) headers.emplace_back("X-Rabt-Reason", "test");
  const auto answer = http_.send(
      "GET",
      url() + "/api/v1/" + path + (with_data && path.starts_with("instances") ? "?data=true" : ""),
      std::move(headers));
  if (!answer.ok() || answer->status != 200) return {};
  return Json::parse(answer->body).ok() ? *Json::parse(answer->body) : Json();
}

Json Site::control(const std::string& method, const std::string& path, const std::string& body) {
  const auto answer = http_.send(method, urls_.string_or("control", "") + path,
                                 {{"Content-Type", "application/json"}}, body);
  if (!answer.ok() || answer->status < 200 || answer->status > 299) {
    ADD_FAILURE() << method << " " << path << ": "
                  << (answer.ok() ? std::to_string(answer->status) : answer.error().message);
    return {};
  }
  const auto parsed = Json::parse(answer->body);
  return parsed.ok() ? *parsed : Json();
}

void Site::faults(const std::string& stand_in, const std::string& rules) {
  (void)control("PUT", "/faults/" + stand_in, rules);
}

std::vector<std::int64_t> Site::fired(const std::string& stand_in) {
  std::vector<std::int64_t> counts;
  const Json rules = control("GET", "/faults/" + stand_in);
  const Json& list = rules.is_array() ? rules : rules["rules"];
  if (list.is_array()) {
    for (const Json& rule : list.as_array()) counts.push_back(rule.int_or("fired", 0));
  }
  return counts;
}

std::int64_t Site::effects(const std::string& kind) {
  return control("GET", "/ledger/count?kind=" + kind).int_or("count", -1);
}

void Site::take_over(const std::string& folder) {
  fs::copy(folder + "/data", config.data, fs::copy_options::recursive);
  fs::copy(folder + "/secrets", config.secrets,
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  const auto key = from_base64(read_file(whsec_file).substr(std::string_view("whsec_").size()));
  ASSERT_TRUE(key.has_value());
  key_ = *key;
  issuer_secret_ = read_file(config.issuer_secret);
}

void Site::leave(const std::string& folder) {
  fs::copy(config.data, folder + "/data", fs::copy_options::recursive);
  fs::copy(config.secrets, folder + "/secrets", fs::copy_options::recursive);
}

void Site::know(const Json& people) {
  people_ = std::make_unique<demo::People>(url(), token_, issuer_secret_, clock_, random_);
  const Status status = people_->know(people);
  EXPECT_TRUE(status.ok()) << status.error().message;
}

void Site::enter(const demo::Booking& booking) {
  people_ = std::make_unique<demo::People>(url(), token_, issuer_secret_, clock_, random_);
  const Status entered = people_->enter_booked(booking.body, "doctor", "patient");
  EXPECT_TRUE(entered.ok()) << entered.error().message;
}

std::string Site::play(const demo::Booking& booking, std::int64_t limit_ms, bool silent) {
  if (people_ == nullptr) enter(booking);
  const net::Response accepted = post(booking.id, booking.body);
  EXPECT_EQ(accepted.status, 202) << accepted.body;
  const auto answer = Json::parse(accepted.body);
  if (!answer.ok() || !(*answer)["instances"][0].is_string()) return "no instance";
  instance_ = (*answer)["instances"][0].as_string();

  demo::StandIn video(
      "twilio", {.control = [this](const std::string& what, const Json& body) -> Result<Json> {
                   return control("POST", "/control/" + what, body.dump());
                 },
                 .effects = [this](const std::string& kind) { return effects(kind); },
                 .url = [this](const std::string& name) { return urls_.string_or(name, ""); }});
  std::unique_ptr<demo::BookedVisit> visit;
  std::int64_t recorded_at = 0;
  std::string status;
  std::string last;
  const auto over = [&] {
    status = api("instances/" + instance_).string_or("status", status);
    if (status == "completed" || status == "faulted" || status == "cancelled" || status == "parked")
      return true;
    if (visit == nullptr) {
      const Json context = api("instances/" + instance_, true)["context"];
      if (context["session"].is_string()) {
        visit = std::make_unique<demo::BookedVisit>(
            demo::BookedVisit::Setting{.people = *people_, .video = video, .silent = silent},
            context["session"].as_string(), "doctor", "patient");
      }
      return false;
    }
    const std::string next = visit->next();
    if (next == "end" && now_ms() - recorded_at < 1200) return false;
    const Status went = visit->go_on();
    if (!went.ok()) last = next + ": " + went.error().message;
    if (went.ok() && next == "record") recorded_at = now_ms();
    return false;
  };
  (void)test::eventually(over, std::chrono::milliseconds(limit_ms));
  if (status != "completed" && !silent) {
    ADD_FAILURE() << "the consultation is " << status << "; " << last << ":\n"
                  << api("instances/" + instance_).dump_pretty();
  }
  return status;
}

}  // namespace rabt::e2e

#include "tools/sandbox/service.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <stdexcept>

#include "hub/base/mutex.hpp"
#include "tools/sandbox/encoding.hpp"

namespace rabt::sandbox {

std::string Request::header(std::string_view name) const {
  const auto found = headers.find(lower(name));
  return found == headers.end() ? std::string() : found->second;
}

std::string Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> Request::form() const {
  return parse_pairs(body);
}

Response Response::json(int status, const Json& body, std::string content_type) {
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", std::move(content_type));
  // A request may have carried bytes that are not UTF-8; an answer that quotes them must not throw.
  response.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return response;
}

Response Response::empty(int status) {
  Response response;
  response.status = status;
  return response;
}

struct Ledger::State {
  Mutex mutex;
  std::deque<Json> entries;
  std::uint64_t next_seq = 1;
  int file = -1;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (file >= 0) ::close(file);
  }
};

std::shared_ptr<Ledger::State> Ledger::make_state() {
  return std::make_shared<State>();
}

namespace {

bool matches(const Json& entry, const LedgerFilter& filter) {
  const auto same = [&entry](const char* field, const std::string& wanted) {
    return wanted.empty() || entry.at(field).get_ref<const std::string&>() == wanted;
  };
  return same("service", filter.service) && same("kind", filter.kind) && same("key", filter.key);
}

bool is_entry(const Json& entry) {
  if (!entry.is_object() || !entry.contains("seq") || !entry["seq"].is_number_unsigned()) {
    return false;
  }
  for (const char* field : {"at", "service", "kind", "key"}) {
    if (!entry.contains(field) || !entry[field].is_string()) return false;
  }
  return true;
}

void write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw std::runtime_error(std::string("the ledger file cannot be written: ") +
                               std::strerror(errno));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void Ledger::open(const std::string& path) {
  const Lock lock(state_->mutex);
  std::uint64_t good_bytes = 0;
  if (std::ifstream in(path, std::ios::binary); in) {
    std::string line;
    while (std::getline(in, line)) {
      if (in.eof()) break;  // no line feed: the writer died in the middle
      std::optional<Json> entry = parse_json(line);
      if (!entry || !is_entry(*entry)) {
        throw std::runtime_error("not a ledger file (line at byte " + std::to_string(good_bytes) +
                                 "): " + path);
      }
      good_bytes += line.size() + 1;
      state_->next_seq = std::max(state_->next_seq, (*entry)["seq"].get<std::uint64_t>() + 1);
      state_->entries.push_back(std::move(*entry));
      if (state_->entries.size() > kMaxEntries) state_->entries.pop_front();
    }
  }
  state_->file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (state_->file < 0 || ::ftruncate(state_->file, static_cast<off_t>(good_bytes)) != 0) {
    throw std::runtime_error("the ledger file cannot be opened: " + path + ": " +
                             std::strerror(errno));
  }
}

void Ledger::record(std::string service, std::string kind, std::string key, Json detail) {
  const Lock lock(state_->mutex);
  Json entry = {{"seq", state_->next_seq++},     {"at", iso_millis(system_now_ms())},
                {"service", std::move(service)}, {"kind", std::move(kind)},
                {"key", std::move(key)},         {"detail", std::move(detail)}};
  if (state_->file >= 0) {
    write_all(state_->file, entry.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n');
  }
  state_->entries.push_back(std::move(entry));
  if (state_->entries.size() > kMaxEntries) state_->entries.pop_front();
}

Json Ledger::entries() const {
  return entries(LedgerFilter{});
}

Json Ledger::entries(const LedgerFilter& filter) const {
  const Lock lock(state_->mutex);
  Json out = Json::array();
  for (const Json& entry : state_->entries) {
    if (matches(entry, filter)) out.push_back(entry);
  }
  return out;
}

std::size_t Ledger::count(std::string_view kind, std::string_view key) const {
  return count(LedgerFilter{.service = {}, .kind = std::string(kind), .key = std::string(key)});
}

std::size_t Ledger::count(const LedgerFilter& filter) const {
  const Lock lock(state_->mutex);
  std::size_t found = 0;
  for (const Json& entry : state_->entries) found += matches(entry, filter) ? 1 : 0;
  return found;
}

void Ledger::clear() {
  const Lock lock(state_->mutex);
  state_->entries.clear();
  if (state_->file >= 0 && ::ftruncate(state_->file, 0) != 0) {
    throw std::runtime_error("the ledger file cannot be emptied");
  }
}

Response Service::control(std::string_view what, const Json& body) {
  static_cast<void>(body);
  return Response::json(404,
                        {{"error", name() + " has no control called '" + std::string(what) + "'"}});
}

Response Service::error_body(int status) {
  return Response::json(status, {{"status", status}, {"error", "refused by the stand-in"}});
}

}  // namespace rabt::sandbox

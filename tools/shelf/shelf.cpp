#include "tools/shelf/shelf.hpp"

#include <Poco/Exception.h>
#include <Poco/Process.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::shelf {

namespace {

namespace fs = std::filesystem;

// A file that Janus has not closed and not written to for so long belongs to a Janus that died.
constexpr std::int64_t kStaleUs = 120'000'000;
// Left free on the disk: Janus records there, too.
constexpr std::uint64_t kReserve = 64ULL * 1024 * 1024;
constexpr std::size_t kPiece = 256UL * 1024;
// Why a segment was not put together, or what is missing in a recording.
constexpr std::string_view kFull = "disk-full";
constexpr std::string_view kBroken = "broken";
constexpr std::string_view kCut = "cut";
constexpr std::string_view kLeft = "left";

// True when the program ran and ended well.
bool ran(const std::vector<std::string>& arguments) {
  try {
    const Poco::Process::Args rest(arguments.begin() + 1, arguments.end());
    const Poco::ProcessHandle process = Poco::Process::launch(arguments.front(), rest);
    return process.wait() == 0;
  } catch (const Poco::Exception&) {
    return false;
  }
}

std::uint64_t size_of(const fs::path& file) {
  std::error_code failure;
  const auto size = fs::file_size(file, failure);
  return failure ? 0 : size;
}

std::uint64_t free_at(const fs::path& folder) {
  std::error_code failure;
  const auto space = fs::space(folder, failure);
  return failure ? 0 : space.available;
}

Result<Json> read_json(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return Json::parse(text);
}

std::string digest_of(const fs::path& file) {
  crypto::Sha256 sha;
  std::ifstream in(file, std::ios::binary);
  std::string piece(kPiece, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0)
    sha.update(std::string_view(piece).substr(0, static_cast<std::size_t>(in.gcount())));
  return to_hex(sha.finish());
}

void discard(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

// Calls what(id, description) for each recording that is ready.
template <typename What>
void each_made(const fs::path& folder, What what) {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder, failure)) {
    if (entry.path().extension() != ".json") continue;
    const std::string id = entry.path().stem();
    const auto said = is_recording(id) ? read_json(entry.path()) : Result<Json>(Json());
    if (said.ok() && (*said)["files"].is_array()) what(id, *said);
  }
}

// The files that recordings were made of.
std::set<std::string> made_of(const fs::path& folder) {
  std::set<std::string> made;
  each_made(folder, [&](const std::string& /*id*/, const Json& said) {
    for (const Json& file : said["files"].as_array()) made.insert(file.as_string());
  });
  return made;
}

bool is_closed(const Segment& segment) {
  return std::all_of(segment.tracks.begin(), segment.tracks.end(),
                     [](const Track& track) { return track.closed; });
}

// Makes a part of a track. The converter stops at a frame that is not whole, so it is given a copy
// without such frames. False when there were some.
bool converted(const Track& track, const fs::path& mended, const fs::path& part) {
  bool whole = false;
  fs::path from = track.file;
  try {
    whole = is_whole(track.file);
    if (!whole && copy_whole_frames(track.file, mended)) from = mended;
  } catch (const Poco::Exception&) {
    // The converter is asked all the same.
  }
  // Its exit code says nothing: it is 0 also when there was nothing to convert.
  (void)ran({"janus-pp-rec", "-d", "0", from, part});
  discard(mended);
  return whole;
}

// The file of a track that the packaged converter makes without coding anew.
const char* extension_of(const Track& track) {
  if (track.kind == "audio") return ".opus";
  return track.codec == "h264" ? ".mp4" : ".webm";
}

}  // namespace

Shelf::Shelf(fs::path folder, const Clock& clock, FreeBytes free_bytes)
    : folder_(std::move(folder)),
      clock_(clock),
      free_bytes_(free_bytes ? std::move(free_bytes) : free_at) {
  thread_ = std::thread([this] { run(); });
}

Shelf::~Shelf() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::vector<Segment> Shelf::loose(const std::string& room,
                                  const std::set<std::string>& made) const {
  std::vector<Track> tracks = tracks_of(folder_of(room), room, clock_.now().ms * 1000, kStaleUs);
  std::erase_if(tracks, [&](const Track& track) { return made.contains(track.file.filename()); });
  return segments_of(room, std::move(tracks));
}

Result<Json> Shelf::list(const std::string& room) {
  Json recordings = Json::array();
  each_made(folder_of(room), [&](const std::string& id, const Json& said) {
    Json item = Json::object(
        {{"id", id}, {"bytes", said["bytes"]}, {"ms", said["ms"]}, {"sha256", said["sha256"]}});
    if (const std::string why = said.string_or("incomplete", ""); !why.empty())
      item.set("incomplete", why);
    recordings.push_back(std::move(item));
  });
  Json broken = Json::array();
  bool ready = true;
  bool full = false;
  {
    const Lock lock(mutex_);
    for (Segment& segment : loose(room, made_of(folder_of(room)))) {
      const bool closed = is_closed(segment);
      const auto failed = failed_.find(segment.id);
      if (failed != failed_.end() && failed->second != kFull) {
        broken.push_back(Json::object({{"id", segment.id}, {"why", failed->second}}));
        continue;
      }
      ready = false;
      full = full || failed != failed_.end();
      if (closed && converting_ != segment.id) waiting_.emplace(segment.id, std::move(segment));
    }
  }
  changed_.notify_all();
  if (full)
    return unavailable("shelf.disk_full", "the disk is too full to put the recording together");
  return Json::object(
      {{"ready", ready}, {"recordings", std::move(recordings)}, {"failed", std::move(broken)}});
}

Status Shelf::may_record() const {
  if (free_bytes_(folder_) < kReserve)
    return unavailable("shelf.disk_full", "the disk that Janus records to is full");
  constexpr std::size_t kProbe = 4096;
  const fs::path probe = folder_ / ".may-record";
  std::ofstream out(probe, std::ios::binary | std::ios::trunc);
  out << std::string(kProbe, '\0') << std::flush;
  const bool written = out.good();
  discard(probe);
  return written ? ok_status()
                 : Status(unavailable("shelf.not_writable",
                                      "nothing can be written where Janus records to"));
}

std::optional<Recording> Shelf::find(const std::string& id) const {
  const fs::path base = folder_of(room_of(id)) / id;
  const auto said = read_json(base.string() + ".json");
  if (!said.ok()) return std::nullopt;
  Recording out{.file = base.string() + ".webm",
                .bytes = static_cast<std::uint64_t>(said->int_or("bytes", 0)),
                .sha256 = said->string_or("sha256", ""),
                .incomplete = said->string_or("incomplete", "")};
  return out.bytes > 0 ? std::optional(std::move(out)) : std::nullopt;
}

Status Shelf::remove(const std::string& id) {
  const fs::path folder = folder_of(room_of(id));
  const fs::path base = folder / id;
  const auto said = read_json(base.string() + ".json");
  if (!said.ok()) return remove_loose(id);
  // The description goes last: until then a repeat finds what is still to be removed.
  if ((*said)["files"].is_array()) {
    for (const Json& file : (*said)["files"].as_array()) {
      if (is_track(file.as_string(), room_of(id))) discard(folder / file.as_string());
    }
  }
  discard(base.string() + ".webm");
  discard(base.string() + ".json");
  sweep(room_of(id));
  return ok_status();
}

void Shelf::sweep(const std::string& room) {
  if (!loose(room, made_of(folder_of(room))).empty()) return;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_of(room), ignored)) {
    if (is_track(entry.path().filename().string(), room) && holds_nothing(size_of(entry.path())))
      discard(entry.path());
  }
  // Only when nothing else lies in it.
  fs::remove(folder_of(room), ignored);
}

Status Shelf::remove_loose(const std::string& id) {
  const std::string room = room_of(id);
  const std::vector<Segment> all = loose(room, made_of(folder_of(room)));
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Segment& segment) { return segment.id == id; });
  if (found == all.end()) return not_found("shelf.unknown", "there is no such recording");
  {
    const Lock lock(mutex_);
    const auto failed = failed_.find(id);
    if (!is_closed(*found) || failed == failed_.end() || failed->second == kFull)
      return conflict("shelf.busy", "the recording is being made");
    failed_.erase(failed);
  }
  for (const Track& track : found->tracks) discard(track.file);
  sweep(room);
  return ok_status();
}

void Shelf::run() {
  Lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&]() RABT_REQUIRES(mutex_) { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const auto next = waiting_.begin();
    const Segment segment = std::move(next->second);
    waiting_.erase(next);
    converting_ = segment.id;
    lock.unlock();
    const std::string why = convert(room_of(segment.id), segment);
    lock.lock();
    converting_.clear();
    if (why.empty()) {
      failed_.erase(segment.id);
    } else {
      failed_[segment.id] = why;
    }
  }
}

std::string Shelf::convert(const std::string& room, const Segment& segment) const {
  const fs::path folder = folder_of(room);
  const fs::path work = (folder / segment.id).string() + ".work";
  std::uint64_t bytes = 0;
  for (const Track& one : segment.tracks) bytes += one.bytes;
  // The converters' output for the tracks is about as large again, and so is the result.
  if (free_bytes_(folder) < 2 * bytes + kReserve) return std::string(kFull);
  discard(work);
  std::error_code failure;
  if (!fs::create_directory(work, failure)) return std::string(kFull);

  Segment good{.id = segment.id, .tracks = {}};
  std::vector<fs::path> parts;
  Json files = Json::array();
  std::string_view incomplete;
  for (const Track& track : segment.tracks) {
    if (track.left && incomplete.empty()) incomplete = kLeft;
    if (track.lost) {
      incomplete = kCut;
      files.push_back(track.file.filename().string());
    }
    if (track.codec.empty()) continue;
    const fs::path part = work / (std::to_string(parts.size()) + extension_of(track));
    if (!converted(track, work / "mended.mjr", part) && !track.left) incomplete = kCut;
    if (size_of(part) == 0) continue;
    if (parts.empty()) good.id = room + "." + std::to_string(track.begun_us);
    parts.push_back(part);
    files.push_back(track.file.filename().string());
    good.tracks.push_back(track);
  }
  const fs::path base = folder / good.id;
  const auto given_up = [&] {
    discard(work);
    if (free_bytes_(folder) < kReserve) return std::string(kFull);
    return std::string(incomplete == kCut ? kCut : kBroken);
  };
  if (parts.empty()) return given_up();
  const fs::path made = work / "made.webm";
  if (!ran(arguments_of_ffmpeg(good, parts, made)) || size_of(made) == 0) return given_up();
  Json said = Json::object({{"bytes", static_cast<std::int64_t>(size_of(made))},
                            {"ms", (good.last_us() - good.first_us()) / 1000},
                            {"sha256", digest_of(made)},
                            {"files", std::move(files)}});
  if (!incomplete.empty()) said.set("incomplete", incomplete);
  const fs::path description = work / "made.json";
  {
    std::ofstream out(description, std::ios::binary);
    out << said.dump();
    out.flush();
    if (!out) return given_up();
  }
  // The description makes it a recording: it comes last.
  fs::rename(made, base.string() + ".webm", failure);
  if (!failure) fs::rename(description, base.string() + ".json", failure);
  if (failure) return given_up();
  discard(work);
  return {};
}

}  // namespace rabt::shelf

#include "tools/shelf/segments.hpp"

#include <Poco/File.h>
#include <Poco/SharedMemory.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <optional>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/json.hpp"

namespace rabt::shelf {

namespace {

namespace fs = std::filesystem;

// The packaged converter holds so much of a header, and up to version 1.1.2 reads more than that. A
// participant chooses the words that describe a stream, and they stand in it.
constexpr std::size_t kMaxHeader = 1'499;
constexpr std::string_view kFile = "MJR00002";
// Before each frame: these letters, a time of four bytes and a length of two.
constexpr std::string_view kFrame = "MEET";
constexpr std::size_t kBeforeFrame = 10;
constexpr std::size_t kBeforeHeader = 10;
constexpr int kWidth = 640;
constexpr int kHeight = 480;
constexpr int kRate = 15;

bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

// The name of Janus' file, "videoroom-<room>-user-<person>-<microseconds>-<kind>-<index>.mjr".
bool read_name(const std::string& name, std::string_view room, Track& track) {
  std::string_view rest = name;
  track.closed = rest.ends_with(".mjr");
  const std::string_view open = ".mjr.tmp";
  if (!track.closed && !rest.ends_with(open)) return false;
  rest.remove_suffix(track.closed ? 4 : open.size());
  const std::string before = "videoroom-" + std::string(room) + "-user-";
  if (!rest.starts_with(before)) return false;
  rest.remove_prefix(before.size());
  std::array<std::string_view, 3> parts;
  for (std::size_t i = parts.size(); i-- > 0;) {
    const auto dash = rest.rfind('-');
    if (dash == std::string_view::npos) return false;
    parts[i] = rest.substr(dash + 1);
    rest = rest.substr(0, dash);
  }
  if (rest.empty() || rest.find('/') != std::string_view::npos || parts[0].empty() ||
      parts[0].size() > 17 || !std::all_of(parts[0].begin(), parts[0].end(), is_digit))
    return false;
  if (parts[1] != "audio" && parts[1] != "video") return false;
  track.person = std::string(rest);
  track.kind = std::string(parts[1]);
  track.begun_us = std::stoll(std::string(parts[0]));
  return true;
}

// Two bytes, the greater one first.
std::size_t length_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) << 8U |
         static_cast<unsigned char>(bytes[at + 1]);
}

// The header of an .mjr file: "MJR00002", a length of two bytes, and JSON. A file of which nothing
// but the first eight bytes are there has had no packets.
bool read_header(Track& track) {
  std::ifstream in(track.file, std::ios::binary);
  std::array<char, kBeforeHeader> head{};
  if (!in.read(head.data(), head.size()) || std::string_view(head.data(), kFile.size()) != kFile)
    return false;
  const std::size_t size = length_at({head.data(), head.size()}, kFile.size());
  if (size > kMaxHeader) return false;
  std::string text(size, '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(text.size()))) return false;
  const auto json = Json::parse(text);
  if (!json.ok()) return false;
  track.codec = json->string_or("c", "");
  track.first_us = json->int_or("u", 0);
  return track.first_us > 0 && in.peek() != std::ifstream::traits_type::eof();
}

// Returns the end of the frame that begins at `at`, when the frame is whole and another one or the
// end of the file follows.
std::optional<std::size_t> end_of_frame(std::string_view file, std::size_t at) {
  const std::string_view head = file.substr(at, kBeforeFrame);
  if (head.size() < kBeforeFrame || !head.starts_with(kFrame)) return std::nullopt;
  const std::size_t end = at + kBeforeFrame + length_at(head, kBeforeFrame - 2);
  if (end > file.size() || !kFrame.starts_with(file.substr(end, kFrame.size())))
    return std::nullopt;
  return end;
}

// Calls take(bytes) with the header and with each whole frame. False when anything else is in the
// file.
template <typename Take>
bool each_part(const fs::path& path, Take take) {
  const Poco::SharedMemory mapped(Poco::File(path.string()), Poco::SharedMemory::AM_READ);
  const std::string_view file(mapped.begin(),
                              static_cast<std::size_t>(mapped.end() - mapped.begin()));
  std::size_t at = kBeforeHeader;
  if (file.size() < at || !file.starts_with(kFile)) return false;
  at += length_at(file, kFile.size());
  if (at > file.size()) return false;
  take(file.substr(0, at));
  bool whole = true;
  while (at < file.size()) {
    if (const auto end = end_of_frame(file, at)) {
      take(file.substr(at, *end - at));
      at = *end;
      continue;
    }
    whole = false;
    at = file.find(kFrame, at + 1);
  }
  return whole;
}

std::string seconds(std::int64_t us) {
  std::string digits = std::to_string(us % 1'000'000);
  digits.insert(0, 6 - digits.size(), '0');
  return std::to_string(us / 1'000'000) + "." + digits;
}

}  // namespace

std::int64_t Segment::first_us() const {
  std::int64_t first = tracks.front().first_us;
  for (const Track& track : tracks) first = std::min(first, track.first_us);
  return first;
}
std::int64_t Segment::last_us() const {
  std::int64_t last = 0;
  for (const Track& track : tracks) last = std::max(last, track.last_us);
  return last;
}

bool is_room(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot > 32) return false;
  for (const char c : text.substr(0, dot)) {
    if (!is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-') return false;
  }
  const std::string_view uuid = text.substr(dot + 1);
  if (uuid.size() != 36) return false;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? uuid[i] != '-' : !is_hex(uuid[i])) return false;
  }
  return true;
}

bool is_recording(std::string_view text) {
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos || !is_room(text.substr(0, dot))) return false;
  const std::string_view number = text.substr(dot + 1);
  return !number.empty() && number.size() <= 17 &&
         std::all_of(number.begin(), number.end(), is_digit);
}

bool is_track(std::string_view name, std::string_view room) {
  Track track;
  return read_name(std::string(name), room, track);
}

std::string room_of(std::string_view recording) {
  return std::string(recording.substr(0, recording.rfind('.')));
}

bool holds_nothing(std::uint64_t bytes) {
  // A header alone is shorter, and Janus writes packets of sound in blocks that are longer.
  constexpr std::uint64_t kHeader = 1024;
  return bytes < kHeader;
}

std::vector<Track> tracks_of(const fs::path& folder, std::string_view room, std::int64_t now_us,
                             std::int64_t stale_us) {
  std::vector<Track> out;
  std::int64_t newest = 0;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder, failure)) {
    Track track;
    if (!read_name(entry.path().filename(), room, track)) continue;
    struct stat state {};
    if (::lstat(entry.path().c_str(), &state) != 0 || !S_ISREG(state.st_mode)) continue;
    track.file = entry.path();
    track.bytes = static_cast<std::uint64_t>(state.st_size);
    track.last_us =
        static_cast<std::int64_t>(state.st_mtim.tv_sec) * 1'000'000 + state.st_mtim.tv_nsec / 1000;
    newest = std::max(newest, track.last_us);
    // An open file without packets may get some. One whose header nobody can read is no recording,
    // and holds something all the same.
    if (!read_header(track)) {
      track.codec.clear();
      // Janus begins each file with these letters, also where nothing ever came.
      track.lost = track.closed && track.bytes < kFile.size();
      if (track.closed && holds_nothing(track.bytes) && !track.lost) continue;
      if (!holds_nothing(track.bytes) || track.lost) track.first_us = track.begun_us;
    }
    out.push_back(std::move(track));
  }
  if (now_us - newest > stale_us) {
    std::erase_if(out, [](const Track& one) { return !one.closed && one.first_us == 0; });
    for (Track& one : out) one.left = !std::exchange(one.closed, true);
  }
  return out;
}

std::vector<Segment> segments_of(std::string_view room, std::vector<Track> tracks) {
  std::sort(tracks.begin(), tracks.end(), [](const Track& a, const Track& b) {
    return std::pair(a.begun_us, a.file) < std::pair(b.begun_us, b.file);
  });
  std::vector<Segment> out;
  std::int64_t end = 0;
  for (Track& track : tracks) {
    if (out.empty() || track.begun_us > end) {
      out.push_back({.id = std::string(room) + "." + std::to_string(track.begun_us), .tracks = {}});
      end = 0;
    }
    end = std::max(end, track.last_us);
    out.back().tracks.push_back(std::move(track));
  }
  return out;
}

bool is_whole(const fs::path& file) {
  return each_part(file, [](std::string_view /*part*/) {});
}

bool copy_whole_frames(const fs::path& from, const fs::path& to) {
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  (void)each_part(from, [&](std::string_view part) {
    out.write(part.data(), static_cast<std::streamsize>(part.size()));
  });
  out.flush();
  return out.good();
}

std::vector<std::string> arguments_of_ffmpeg(const Segment& segment,
                                             const std::vector<fs::path>& parts,
                                             const fs::path& output) {
  // A person who comes back after leaving has the same place.
  std::map<std::string, int> places;
  for (const Track& one : segment.tracks) {
    if (one.kind == "video") places.emplace(one.person, 0);
  }
  int place = 0;
  for (auto& [person, number] : places) number = place++;
  const int columns = static_cast<int>(std::ceil(std::sqrt(std::max(place, 1))));
  const int rows = (std::max(place, 1) + columns - 1) / columns;
  const std::string length =
      seconds(std::max<std::int64_t>(segment.last_us() - segment.first_us(), 1000));
  const std::string size = std::to_string(kWidth) + ":" + std::to_string(kHeight);

  std::vector<std::string> out{"ffmpeg", "-nostdin", "-loglevel", "error", "-y"};
  std::string filter = "color=c=black:s=" + std::to_string(columns * kWidth) + "x" +
                       std::to_string(rows * kHeight) + ":r=" + std::to_string(kRate) +
                       ":d=" + length + "[p0]";
  std::string sound;
  int pictures = 0;
  int sounds = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Track& track = segment.tracks[i];
    out.insert(out.end(), {"-i", parts[i]});
    const std::int64_t offset = track.first_us - segment.first_us();
    const std::string input = "[" + std::to_string(i);
    if (track.kind == "video") {
      const int at = places.at(track.person);
      const std::string next = std::to_string(pictures + 1);
      filter += ";" + input + ":v]setpts=PTS-STARTPTS+" + seconds(offset) + "/TB,scale=" + size +
                ":force_original_aspect_ratio=decrease,pad=" + size + ":(ow-iw)/2:(oh-ih)/2[v" +
                next + "];[p" + std::to_string(pictures) + "][v" + next +
                "]overlay=x=" + std::to_string(at % columns * kWidth) +
                ":y=" + std::to_string(at / columns * kHeight) + ":eof_action=pass[p" + next + "]";
      ++pictures;
    } else {
      filter += ";" + input +
                ":a]aresample=48000:async=1:first_pts=0,adelay=" + std::to_string(offset / 1000) +
                ":all=1[a" + std::to_string(sounds) + "]";
      sound += "[a" + std::to_string(sounds) + "]";
      ++sounds;
    }
  }
  // The black behind the pictures has transparency, which the codec does not take.
  filter += ";[p" + std::to_string(pictures) + "]format=yuv420p[out]";
  if (sounds > 0)
    filter +=
        ";" + sound + "amix=inputs=" + std::to_string(sounds) + ":duration=longest:normalize=0[s]";
  out.insert(out.end(), {"-filter_complex", filter, "-map", "[out]"});
  if (sounds > 0) out.insert(out.end(), {"-map", "[s]", "-c:a", "libopus", "-b:a", "64k"});
  out.insert(out.end(), {"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M",
                         "-threads", "1", "-t", length, "-f", "webm", output});
  return out;
}

}  // namespace rabt::shelf

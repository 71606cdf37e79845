#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

// Files that Janus wrote while it recorded a room: one .mjr file for each stream of each person.
namespace rabt::shelf {

struct Track {
  std::filesystem::path file;
  // The participant's id in the room.
  std::string person;
  // audio or video.
  std::string kind;
  std::string codec;
  // Microseconds: when the file was begun, when its first packet came, when it was last written.
  std::int64_t begun_us = 0;
  std::int64_t first_us = 0;
  std::int64_t last_us = 0;
  // Janus has closed it.
  bool closed = false;
  // It counts as closed because its Janus died.
  bool left = false;
  // Janus closed it and could not even write its header.
  bool lost = false;
  std::uint64_t bytes = 0;
};

// Stretch that was recorded without a gap: tracks whose times overlap.
struct Segment {
  // "<room>.<microseconds>", of the track that was begun first.
  std::string id;
  std::vector<Track> tracks;
  [[nodiscard]] std::int64_t first_us() const;
  [[nodiscard]] std::int64_t last_us() const;
};

// "<instance>.<uuid>", as the plugin janus calls its rooms, and nothing that could leave the
// folder.
[[nodiscard]] bool is_room(std::string_view text);
// "<room>.<digits>".
[[nodiscard]] bool is_recording(std::string_view text);
// The name of a file that Janus wrote for the room.
[[nodiscard]] bool is_track(std::string_view name, std::string_view room);
[[nodiscard]] std::string room_of(std::string_view recording);

// True if so short a file of Janus' holds no packets when its header cannot be read.
[[nodiscard]] bool holds_nothing(std::uint64_t bytes);

// The tracks in the folder of a room that hold packets, and those that were lost. A track that
// holds none, because nothing ever came, is left out; so is what is no file of Janus'. A file that
// still has the extension of an open one counts as closed when nothing in the folder was written
// for stale_us: its Janus died. Of one whose header cannot be read the codec is empty: the packaged
// converter must not see it.
[[nodiscard]] std::vector<Track> tracks_of(const std::filesystem::path& folder,
                                           std::string_view room, std::int64_t now_us,
                                           std::int64_t stale_us);
[[nodiscard]] std::vector<Segment> segments_of(std::string_view room, std::vector<Track> tracks);

// True if a file of Janus' holds, behind a header that can be read, whole frames and nothing else.
// A disk that is full leaves frames of which only a part was written, at the end of a file or in
// its middle. Throws Poco::Exception when the file cannot be read.
[[nodiscard]] bool is_whole(const std::filesystem::path& file);
// Writes the header and the frames that are whole. False when that cannot be written. Throws as
// is_whole.
[[nodiscard]] bool copy_whole_frames(const std::filesystem::path& from,
                                     const std::filesystem::path& to);

// The arguments of ffmpeg that make one WebM of a segment: pictures side by side, sound mixed, each
// track where it began. parts: what the packaged converter made of each track, in their order.
[[nodiscard]] std::vector<std::string> arguments_of_ffmpeg(
    const Segment& segment, const std::vector<std::filesystem::path>& parts,
    const std::filesystem::path& output);

}  // namespace rabt::shelf

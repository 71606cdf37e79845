#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "hub/base/descriptor.hpp"
#include "hub/base/result.hpp"
#include "hub/worker/frame.hpp"

// Memory that the hub shares with one plugin's process: a ring of frames each way, and a word for
// each function of the plugin that the hub has asked for. docs/formats/worker_frames.md.
//
// The process can write any value anywhere in this memory at any time. The hub therefore keeps its
// own positions outside of it, compares every value that it reads with its limit, and copies a
// frame out before it looks into it.
namespace rabt::worker {

inline constexpr std::size_t kRingBytes = 512U << 10U;
// Functions of the plugin that the hub may have asked for and that have not returned.
inline constexpr std::size_t kPlaces = 256;

// State of a place, in the low bits of its word; the serial of the function stands above them.
enum class Place : std::uint64_t {
  given = 0,    // by the hub: the function has not begun
  begun = 1,    // by the process: a lane runs it, or has run it
  revoked = 2,  // by the hub: the process leaves it out
};
[[nodiscard]] constexpr std::uint64_t place_word(std::uint64_t serial, Place state) {
  return (serial << 2U) | static_cast<std::uint64_t>(state);
}

// Positions of one ring: bytes since the beginning, so that the difference is what lies in it.
struct RingPositions {
  alignas(64) std::atomic<std::uint64_t> written{0};
  alignas(64) std::atomic<std::uint64_t> read{0};
  // Not 0 while the reader sleeps: the writer rings the bell, a packet on the socket.
  alignas(64) std::atomic<std::uint32_t> asleep{0};
};

// Layout of the shared memory.
struct SharedLayout {
  RingPositions to_plugin;
  RingPositions to_hub;
  alignas(64) std::atomic<std::uint64_t> places[kPlaces];
  alignas(64) char to_plugin_bytes[kRingBytes];
  char to_hub_bytes[kRingBytes];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
              std::atomic<std::uint32_t>::is_always_lock_free);

// The memory, mapped. Move-only.
class SharedMemory {
 public:
  SharedMemory() = default;
  SharedMemory(SharedMemory&& other) noexcept : at_(std::exchange(other.at_, nullptr)) {}
  SharedMemory& operator=(SharedMemory&& other) noexcept {
    std::swap(at_, other.at_);
    return *this;
  }
  ~SharedMemory();

  struct Made;
  // A new memory file that nobody can make smaller, and its mapping. Error unavailable worker.io.
  [[nodiscard]] static Result<Made> make();
  // Maps what the hub made. Error unavailable worker.io.
  [[nodiscard]] static Result<SharedMemory> map(const Descriptor& file);

  [[nodiscard]] bool mapped() const { return at_ != nullptr; }
  [[nodiscard]] SharedLayout& operator*() const { return *at_; }
  [[nodiscard]] SharedLayout* operator->() const { return at_; }

 private:
  explicit SharedMemory(SharedLayout* at) : at_(at) {}
  SharedLayout* at_ = nullptr;
};
struct SharedMemory::Made {
  SharedMemory memory;
  Descriptor file;
};

// Writes frames into a ring. The caller synchronises.
class RingWriter {
 public:
  RingWriter() = default;
  RingWriter(RingPositions& positions, char* bytes) : positions_(&positions), bytes_(bytes) {}

  // True if a frame with `text_bytes` bytes of texts fits now.
  [[nodiscard]] bool room(std::size_t text_bytes) const;
  // Writes a frame that has room, with texts of at most kMaxInlineBytes. Returns whether the reader
  // sleeps and is to be woken with ring_bell.
  [[nodiscard]] bool put(const Frame& frame);
  // The same of a frame whose texts are lent in this place: room(0).
  [[nodiscard]] bool put_lent(const Frame& frame, std::size_t place);
  // The same of a frame whose texts follow: room(0). Then each of them is poured, and after the
  // last one padding(texts_of(frame)), before anything else is written.
  [[nodiscard]] bool put_head(const Frame& frame);
  // Writes as many of these bytes as have room, at most kPoured, and takes them off. Returns
  // whether the reader is to be woken.
  [[nodiscard]] bool pour(std::string_view& bytes);
  static constexpr std::size_t kPoured = 128U << 10U;
  [[nodiscard]] static std::string_view padding(std::size_t poured);

 private:
  void copy(const void* from, std::size_t size);
  [[nodiscard]] bool put_outside(const Frame& frame, Content where, std::size_t place);
  // Says what has been written. Either the reader sees it before it sleeps, or true is returned.
  [[nodiscard]] bool publish();

  RingPositions* positions_ = nullptr;
  char* bytes_ = nullptr;
  std::uint64_t written_ = 0;
};

// Wakes the reader of a ring that sleeps at the other end of this socket. Never waits: when the
// socket is full of bells, one more changes nothing.
void ring_bell(int socket);

// Reads frames in the order in which they were written. One thread at a time.
class RingReader {
 public:
  RingReader() = default;
  // borrowed: as Receiver takes it.
  RingReader(RingPositions& positions, const char* bytes, int socket, const Borrowed* borrowed);

  using Got = Receiver::Got;
  // Reads the next frame, which is valid until the next call. Never waits: returns `nothing` if
  // there is none now. `socket` says whether to look at the socket as well if the ring is empty:
  // for bells, and whether the other side is gone.
  Got next(Frame& frame, bool socket);
  // True if the texts of the last frame are lent: valid until the hub takes them back.
  [[nodiscard]] bool lent() const { return lent_; }
  // Waits until next() can have something to give: looks a while, then sleeps until the bell.
  // Returns false if the other side is gone.
  bool wait();
  // Says that the reader sleeps; the bell rings from now on. Returns false if there is something to
  // read; the reader does not sleep then. For a reader that waits for the socket in its own way.
  [[nodiscard]] bool fall_asleep();
  void wake_up() { positions_->asleep.store(0, std::memory_order_relaxed); }
  [[nodiscard]] const char* why() const { return why_; }
  [[nodiscard]] bool starved() const { return bells_->starved(); }
  // Times that bells may wake the reader for nothing, beyond one for each thing that it found. A
  // writer rings for what it wrote, and while it waits for room: then the ring has something.
  static constexpr std::uint64_t kSpareBells = 1024;
  // Bells read at once: more than a socket holds, so only a flooding writer reaches it.
  static constexpr std::uint64_t kBellsAtOnce = 1024;
  // True if next() gave `wrong` since more bells rang.
  [[nodiscard]] bool flooded() const { return flooded_; }

 private:
  // Gets the number of bytes in the ring; returns false if the writer's position is impossible.
  [[nodiscard]] bool held(std::size_t& size);
  Got take_packet(Frame& frame);
  Got take_poured(Frame& frame);
  void copy(std::uint64_t from, void* to, std::size_t size) const;
  void release(std::size_t size);
  Got from_socket();
  void note_found();
  // Returns false if bells have rung too often for nothing.
  [[nodiscard]] bool note_nothing();
  Got refuse(const char* why) {
    why_ = why;
    return Got::wrong;
  }

  RingPositions* positions_ = nullptr;
  const char* bytes_ = nullptr;
  int socket_ = -1;
  const Borrowed* borrowed_ = nullptr;
  std::uint64_t read_ = 0;
  std::unique_ptr<char[]> packet_;
  std::unique_ptr<Receiver> bells_;
  // Texts that are poured into the ring: of the frame with this head, so many bytes so far.
  std::unique_ptr<char[]> poured_;
  std::size_t came_ = 0;
  bool pouring_ = false;
  PacketHead head_;
  Frame held_frame_;
  bool lent_ = false;
  const char* why_ = "";
  // Times that bells rang for nothing, less one for each thing that was found.
  std::uint64_t for_nothing_ = 0;
  bool found_ = false;  // since the last bells
  bool flooded_ = false;
};

}  // namespace rabt::worker

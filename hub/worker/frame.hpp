#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "hub/base/descriptor.hpp"
#include "hub/base/result.hpp"

// Messages between the hub and a plugin's process: docs/formats/worker_frames.md. Both sides are
// compiled from the same source; the number of the protocol in the first frame keeps a process of
// another release away.
namespace rabt::worker {

inline constexpr std::uint64_t kProtocolVersion = 3;

// Texts of one frame that travel inside the packet: 64 KiB of content and room for what stands
// beside it; more lies beside or behind it (Content). Two packets of this size fit the default send
// buffer of a socket (212,992 bytes).
inline constexpr std::size_t kMaxInlineBytes = 68U << 10U;
// Texts of one frame, inside its packet or not: a value of the key-value service or the body of an
// HTTP answer (12 MiB each, hub/base/limits.hpp), with headers and room.
inline constexpr std::size_t kMaxFrameBytes = 32U << 20U;
inline constexpr std::size_t kMaxTexts = 6;
inline constexpr std::size_t kNumbers = 4;
inline constexpr std::size_t kHeaderBytes = 16 + kNumbers * 8;
inline constexpr std::size_t kMaxPacketBytes = kHeaderBytes + kMaxTexts * 4 + kMaxInlineBytes;

// Whole numbers of the protocol: never renumbered. Which texts and numbers each carries stands in
// the document. The first digit groups them: 0x life of the process, 1x work for the plugin (each
// is answered by returned), 2x what the plugin asks for without waiting, 3x what it waits for.
enum class Type : std::uint8_t {
  begin = 0x01,     // hub: version, limits, services
  ready = 0x02,     // child: the sandbox stands; the listener of the filter comes with it
  map = 0x03,       // hub
  entry = 0x04,     // child: what rabt_plugin_entry says
  create = 0x05,    // hub
  created = 0x06,   // child
  migrate = 0x07,   // hub: at most once, before create
  migrated = 0x08,  // child

  bell = 0x0a,  // on the socket: look into the ring

  invoke = 0x10,
  probe = 0x11,
  cancel = 0x12,
  normalise = 0x13,
  http_done = 0x14,
  kv_done = 0x15,
  wake = 0x16,
  destroy = 0x17,
  blob_done = 0x18,
  health = 0x19,
  returned = 0x1f,  // child: the function has returned

  complete = 0x20,
  log = 0x21,
  http_start = 0x22,
  http_cancel = 0x23,
  kv_get = 0x24,
  kv_put = 0x25,
  kv_remove = 0x26,
  wake_after = 0x27,
  metric = 0x28,
  span_end = 0x29,
  blob_create = 0x2a,
  blob_append = 0x2b,
  blob_finish = 0x2c,
  blob_discard = 0x2d,
  blob_info = 0x2e,
  blob_read = 0x2f,

  secret = 0x30,
  hmac = 0x31,
  jwt = 0x32,
  now = 0x33,
  monotonic = 0x34,
  traceparent = 0x35,
  span_begin = 0x36,
  answer = 0x3f,  // hub
};

// One frame. Texts point into memory of whoever made it.
struct Frame {
  Type type = Type::returned;
  std::uint8_t texts = 0;
  std::uint64_t id = 0;
  std::array<std::uint64_t, kNumbers> n{};
  std::array<std::string_view, kMaxTexts> text{};

  Frame() = default;
  Frame(Type t, std::uint64_t i, std::array<std::uint64_t, kNumbers> numbers = {})
      : type(t), id(i), n(numbers) {}
  Frame& add(std::string_view value) {
    text[texts++] = value;
    return *this;
  }
};

// Place of the texts of a frame, from its flags.
enum class Content : std::uint8_t {
  inside = 0,  // in the packet
  lent = 1,    // from the hub: in a place of the memory that it lends (hub/worker/loan.hpp)
  behind = 2,  // from the process: behind the packet, in pieces
};

// The head of a packet: what stands before the content.
struct PacketHead {
  std::size_t size = 0;  // how long the head is
  std::size_t content = 0;
  Content where = Content::inside;
  std::size_t place = 0;  // where it is lent
  std::array<std::size_t, kMaxTexts> lengths{};
};
inline constexpr std::size_t kMaxHeadBytes = kHeaderBytes + kMaxTexts * 4;
[[nodiscard]] std::size_t texts_of(const Frame& frame);
// Writes the head of a frame to out, which has room for kMaxHeadBytes, and gives its size. place:
// of what is lent, below 256.
std::size_t write_head(const Frame& frame, Content where, std::size_t place, char* out);
// Reads type, id, numbers and lengths of a packet of `size` bytes. Compares every length with its
// limit, and whether content inside the packet fills it. Gives nullptr, or what is wrong.
[[nodiscard]] const char* read_head(const char* at, std::size_t size, Frame& frame,
                                    PacketHead& head);
// Points the frame's texts into its content.
void cut_texts(Frame& frame, const PacketHead& head, std::string_view content);

class Borrowed;

// Sends one frame as one packet, from any thread: packets of several threads never mix. descriptor:
// goes along, or -1. wait: whether a full buffer is waited for. Errors: unavailable worker.closed
// (the other side is gone), worker.full (wait is false), worker.io, invalid worker.too_large (texts
// over kMaxInlineBytes, nothing was sent).
Status send(int socket, const Frame& frame, int descriptor = -1, bool wait = true);
// Sends a frame with larger texts, up to kMaxFrameBytes: a packet, and behind it pieces of
// kMaxInlineBytes and a last one. Waits while the buffer is full. One thread at a time for each
// socket. Errors as of send.
Status send_in_pieces(int socket, const Frame& frame);
// Sends a frame whose texts are lent in this place. Never waits. Errors as of send.
Status send_lent(int socket, const Frame& frame, std::size_t place);

// Receives frames of one socket into one buffer. One thread at a time.
class Receiver {
 public:
  // borrowed: what the other side lends, which is the hub. Null: the other side is the process,
  // which lends nothing, and may send texts in pieces. It outlives this.
  explicit Receiver(const Borrowed* borrowed = nullptr);
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  enum class Got : std::uint8_t { frame, nothing, closed, wrong };
  // Number of looks of receive() before it sleeps, some 20 microseconds: waking up costs more than
  // an answer that comes at once.
  static constexpr int kPatience = 50;
  // Returns `frame` with a frame that is valid until the next call; `nothing` if there is none and
  // `wait` is false; `closed` if the other side is gone and all that it had sent has been read;
  // `wrong` if it broke the format, and why() says how. Nothing is allocated before every length
  // has been compared with its limit.
  Got receive(int socket, bool wait, Frame& frame, int patience = kPatience);
  [[nodiscard]] const char* why() const { return why_; }
  // After `wrong`, whether this process had no descriptor free, which is not the sender's doing.
  [[nodiscard]] bool starved() const { return starved_; }
  // The descriptor that came with the last frame, which was begin or ready: others bring none.
  [[nodiscard]] Descriptor take_descriptor() { return std::move(descriptor_); }

 private:
  // The next packet, up to `most` bytes of it at `to`, with its descriptor.
  Got take_packet(int socket, bool wait, int patience, char* to, std::size_t most,
                  std::size_t& size);
  Got read(std::size_t size, Frame& frame);
  Got refuse(const char* why) {
    why_ = why;
    descriptor_.reset();
    return Got::wrong;
  }

  const Borrowed* borrowed_;
  std::unique_ptr<char[]> buffer_;
  // Texts that come in pieces: of the frame with this head, so many bytes of them so far.
  std::unique_ptr<char[]> pieces_;
  std::size_t came_ = 0;
  bool coming_ = false;
  PacketHead head_;
  Frame held_frame_;
  Descriptor descriptor_;
  const char* why_ = "";
  bool starved_ = false;
};

// The error unavailable worker.io of a call to the system that has just failed: what, and errno as
// text.
[[nodiscard]] Error io_error(const char* what);

// A connected pair of sockets for packets, closed on exec. Error unavailable worker.io.
[[nodiscard]] Result<std::pair<Descriptor, Descriptor>> make_channel();

}  // namespace rabt::worker

#include "hub/worker/ring.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>

namespace rabt::worker {

namespace {

static_assert((kRingBytes & (kRingBytes - 1)) == 0, "a position becomes a place by its low bits");
// How often a reader looks again before it sleeps: waking up costs more than a frame that comes at
// once.
constexpr int kPatience = 400;

// Frames begin at multiples of 8, so that the bytes of a head's size never wrap.
constexpr std::size_t padded(std::size_t size) {
  return (size + 7) & ~std::size_t{7};
}

Error io(const char* what) {
  return unavailable("worker.io", std::string(what) + ": " + std::strerror(errno));
}

void rest() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

SharedMemory::~SharedMemory() {
  if (at_ != nullptr) ::munmap(at_, sizeof(SharedLayout));
}

Result<SharedMemory::Made> SharedMemory::make() {
  Descriptor file(::memfd_create("rabt-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.open()) return io("no shared memory");
  if (::ftruncate(file.get(), sizeof(SharedLayout)) != 0) return io("no shared memory");
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return io("no shared memory");
  RABT_TRY(memory, map(file));
  new (memory.at_) SharedLayout;
  return Made{std::move(memory), std::move(file)};
}

Result<SharedMemory> SharedMemory::map(const Descriptor& file) {
  struct stat about {};
  if (::fstat(file.get(), &about) != 0 || about.st_size != sizeof(SharedLayout))
    return unavailable("worker.io", "a shared memory of another size");
  void* const at =
      ::mmap(nullptr, sizeof(SharedLayout), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return io("no shared memory");
  return SharedMemory(static_cast<SharedLayout*>(at));
}

// ---- writing

bool RingWriter::room(std::size_t text_bytes) const {
  const std::size_t need = padded(kMaxHeadBytes + text_bytes);
  const std::uint64_t held = written_ - positions_->read.load(std::memory_order_acquire);
  // A position that no reader can have leaves no room.
  return held <= kRingBytes && need <= kRingBytes - held;
}

void RingWriter::copy(const void* from, std::size_t size) {
  const std::size_t at = written_ & (kRingBytes - 1);
  const std::size_t first = std::min(size, kRingBytes - at);
  std::memcpy(bytes_ + at, from, first);
  if (first < size) std::memcpy(bytes_, static_cast<const char*>(from) + first, size - first);
  written_ += size;
}

bool RingWriter::put(const Frame& frame) {
  std::size_t content = 0;
  for (std::size_t i = 0; i < frame.texts; ++i) content += frame.text[i].size();
  std::array<char, kMaxHeadBytes> head;  // NOLINT: filled below
  const std::uint64_t begin = written_;
  copy(head.data(), write_head(frame, content, false, head.data()));
  for (std::size_t i = 0; i < frame.texts; ++i) copy(frame.text[i].data(), frame.text[i].size());
  written_ = begin + padded(static_cast<std::size_t>(written_ - begin));
  positions_->written.store(written_, std::memory_order_release);
  // Either the reader sees the frame before it sleeps, or the writer sees that it sleeps.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return positions_->asleep.load(std::memory_order_relaxed) != 0 &&
         positions_->asleep.exchange(0, std::memory_order_relaxed) != 0;
}

void ring_bell(int socket) {
  static_cast<void>(send(socket, Frame(Type::bell, 0), -1, /*wait=*/false));
}

// ---- reading

RingReader::RingReader(RingPositions& positions, const char* bytes, int socket, bool trusting)
    : positions_(&positions),
      bytes_(bytes),
      socket_(socket),
      trusting_(trusting),
      packet_(new char[kMaxPacketBytes]),
      socket_frames_(std::make_unique<Receiver>()) {}

void RingReader::copy(std::uint64_t from, void* to, std::size_t size) const {
  const std::size_t at = from & (kRingBytes - 1);
  const std::size_t first = std::min(size, kRingBytes - at);
  std::memcpy(to, bytes_ + at, first);
  if (first < size) std::memcpy(static_cast<char*>(to) + first, bytes_, size - first);
}

void RingReader::release(std::size_t size) {
  read_ += padded(size);
  positions_->read.store(read_, std::memory_order_release);
}

// Copies the next packet out of the ring: what the process changes afterwards changes nothing.
RingReader::Look RingReader::look(std::size_t& size) {
  const std::uint64_t held = positions_->written.load(std::memory_order_acquire) - read_;
  if (held == 0) return Look::nothing;
  std::uint32_t said = 0;
  if (held > kRingBytes || held < kHeaderBytes) {
    why_ = "a position outside of the ring";
    return Look::wrong;
  }
  copy(read_, &said, sizeof said);
  if (said < kHeaderBytes || said > kMaxPacketBytes || padded(said) > held) {
    why_ = "a length that is not the packet's";
    return Look::wrong;
  }
  size = said;
  copy(read_, packet_.get(), size);
  return Look::packet;
}

RingReader::Got RingReader::from_socket() {
  while (true) {
    const Got got = socket_frames_->receive(socket_, false, held_frame_);
    if (got == Got::wrong) return refuse(socket_frames_->why());
    if (got != Got::frame) return got;
    if (held_frame_.type == Type::bell) continue;
    held_ = true;
    return Got::frame;
  }
}

RingReader::Got RingReader::next(Frame& frame, bool socket) {
  from_file_ = false;
  for (bool looked = false;; looked = true) {
    std::size_t size = 0;
    const Look found = look(size);
    if (found == Look::wrong) return Got::wrong;
    if (found == Look::packet) {
      PacketHead head;
      if (const char* const wrong = read_head(packet_.get(), size, frame, head); wrong != nullptr)
        return refuse(wrong);
      if (head.in_file) return refuse("a memory file without need");
      if (frame.type != Type::on_socket) {
        cut_texts(frame, head, {packet_.get() + head.size, head.content});
        release(size);
        return Got::frame;
      }
      if (!held_) {
        // It is announced before it is sent: until it comes there is nothing to read.
        if (const Got got = from_socket(); got != Got::frame) return got;
      }
      held_ = false;
      from_file_ = true;
      release(size);
      frame = held_frame_;
      return Got::frame;
    }
    // A frame of the hub's stands on the socket before the ring announces it.
    if (held_) return trusting_ || !looked ? Got::nothing : refuse("out of place");
    if (!socket) return Got::nothing;
    // The ring is empty. What stands on the socket may have been announced since.
    if (const Got got = from_socket(); got != Got::frame) return got;
  }
}

Mapping RingReader::take_mapping() {
  return from_file_ ? socket_frames_->take_mapping() : Mapping();
}

bool RingReader::fall_asleep() {
  positions_->asleep.store(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (positions_->written.load(std::memory_order_relaxed) == read_) return true;
  wake_up();
  return false;
}

bool RingReader::wait() {
  for (int i = 0; i < kPatience; ++i) {
    if (positions_->written.load(std::memory_order_relaxed) != read_) return true;
    rest();
  }
  if (!fall_asleep()) return true;
  while (!held_ && positions_->written.load(std::memory_order_relaxed) == read_) {
    const Got got = socket_frames_->receive(socket_, true, held_frame_, 0);
    if (got != Got::frame) return false;
    held_ = held_frame_.type != Type::bell;
  }
  wake_up();
  return true;
}

}  // namespace rabt::worker

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

#include "hub/worker/loan.hpp"

namespace rabt::worker {

namespace {

static_assert((kRingBytes & (kRingBytes - 1)) == 0, "a position becomes a place by its low bits");
// Number of looks of a reader before it sleeps: waking up costs more than a frame that comes at
// once.
constexpr int kPatience = 400;

// Frames begin at multiples of 8, so that the bytes of a head's size never wrap.
constexpr std::size_t padded(std::size_t size) {
  return (size + 7) & ~std::size_t{7};
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
  if (!file.open()) return io_error("no shared memory");
  if (::ftruncate(file.get(), sizeof(SharedLayout)) != 0) return io_error("no shared memory");
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return io_error("no shared memory");
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
  if (at == MAP_FAILED) return io_error("no shared memory");
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
  if (size == 0) return;  // memcpy takes no null pointer, not even of nothing
  const std::size_t at = written_ & (kRingBytes - 1);
  const std::size_t first = std::min(size, kRingBytes - at);
  std::memcpy(bytes_ + at, from, first);
  if (first < size) std::memcpy(bytes_, static_cast<const char*>(from) + first, size - first);
  written_ += size;
}

bool RingWriter::put(const Frame& frame) {
  std::array<char, kMaxHeadBytes> head;  // NOLINT: filled below
  const std::uint64_t begin = written_;
  copy(head.data(), write_head(frame, Content::inside, 0, head.data()));
  for (std::size_t i = 0; i < frame.texts; ++i) copy(frame.text[i].data(), frame.text[i].size());
  written_ = begin + padded(static_cast<std::size_t>(written_ - begin));
  return publish();
}

bool RingWriter::put_outside(const Frame& frame, Content where, std::size_t place) {
  std::array<char, kMaxHeadBytes> head;  // NOLINT: filled below
  const std::size_t size = write_head(frame, where, place, head.data());
  copy(head.data(), size);
  written_ += padded(size) - size;
  return publish();
}
bool RingWriter::put_lent(const Frame& frame, std::size_t place) {
  return put_outside(frame, Content::lent, place);
}
bool RingWriter::put_head(const Frame& frame) {
  return put_outside(frame, Content::behind, 0);
}

bool RingWriter::pour(std::string_view& bytes) {
  const std::uint64_t held = written_ - positions_->read.load(std::memory_order_acquire);
  if (held >= kRingBytes) return false;  // full, or a position that no reader can have
  const std::size_t room = kRingBytes - static_cast<std::size_t>(held);
  const std::size_t size = std::min({bytes.size(), room, kPoured});
  copy(bytes.data(), size);
  bytes.remove_prefix(size);
  return publish();
}

std::string_view RingWriter::padding(std::size_t poured) {
  static constexpr std::array<char, 8> kZeros{};
  return {kZeros.data(), padded(poured) - poured};
}

bool RingWriter::publish() {
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

RingReader::RingReader(RingPositions& positions, const char* bytes, int socket,
                       const Borrowed* borrowed)
    : positions_(&positions),
      bytes_(bytes),
      socket_(socket),
      borrowed_(borrowed),
      packet_(new char[kMaxPacketBytes]),
      bells_(std::make_unique<Receiver>(borrowed)) {}

void RingReader::copy(std::uint64_t from, void* to, std::size_t size) const {
  const std::size_t at = from & (kRingBytes - 1);
  const std::size_t first = std::min(size, kRingBytes - at);
  std::memcpy(to, bytes_ + at, first);
  if (first < size) std::memcpy(static_cast<char*>(to) + first, bytes_, size - first);
}

void RingReader::release(std::size_t size) {
  read_ += size;
  positions_->read.store(read_, std::memory_order_release);
}

bool RingReader::held(std::size_t& size) {
  const std::uint64_t all = positions_->written.load(std::memory_order_acquire) - read_;
  size = static_cast<std::size_t>(all);
  if (all <= kRingBytes) return true;
  why_ = "a position outside of the ring";
  return false;
}

// Copies the next packet out of the ring: what the process changes afterwards changes nothing.
RingReader::Got RingReader::take_packet(Frame& frame) {
  std::size_t all = 0;
  std::uint32_t size = 0;
  if (!held(all)) return Got::wrong;
  if (all == 0) return Got::nothing;
  if (all < kHeaderBytes) return refuse("a position outside of the ring");
  note_found();
  copy(read_, &size, sizeof size);
  if (size < kHeaderBytes || size > kMaxPacketBytes || padded(size) > all)
    return refuse("a length that is not the packet's");
  copy(read_, packet_.get(), size);
  PacketHead head;
  if (const char* const wrong = read_head(packet_.get(), size, frame, head); wrong != nullptr)
    return refuse(wrong);
  std::string_view content{packet_.get() + head.size, size - head.size};
  if (head.where == Content::lent) {
    if (borrowed_ != nullptr) content = borrowed_->text(head.place, head.content);
    if (borrowed_ == nullptr || content.empty()) return refuse("texts that nobody lent");
    lent_ = true;
  }
  release(padded(size));
  if (head.where == Content::behind) {
    if (borrowed_ != nullptr) return refuse("texts in pieces out of place");
    poured_ = std::make_unique_for_overwrite<char[]>(head.content);
    came_ = 0;
    pouring_ = true;
    head_ = head;
    held_frame_ = frame;
    return take_poured(frame);
  }
  cut_texts(frame, head, content);
  return Got::frame;
}

// Copies what there is of the texts that follow their packet.
RingReader::Got RingReader::take_poured(Frame& frame) {
  std::size_t all = 0;
  if (!held(all)) return Got::wrong;
  const std::size_t size = std::min(all, head_.content - came_);
  if (all > 0) note_found();
  copy(read_, poured_.get() + came_, size);
  came_ += size;
  const std::size_t padding = padded(head_.content) - head_.content;
  const bool whole = came_ == head_.content && all - size >= padding;
  release(size + (whole ? padding : 0));
  if (!whole) return Got::nothing;
  pouring_ = false;
  cut_texts(held_frame_, head_, {poured_.get(), head_.content});
  frame = held_frame_;
  return Got::frame;
}

void RingReader::note_found() {
  found_ = true;
  if (for_nothing_ > 0) --for_nothing_;
}
bool RingReader::note_nothing() {
  flooded_ = ++for_nothing_ > kSpareBells;
  return !flooded_;
}

// Bells are read and forgotten, but for those that ring for nothing.
RingReader::Got RingReader::from_socket() {
  constexpr const char* kWhy = "bells for nothing";
  Frame bell;
  std::uint64_t rung = 0;
  Got got = bells_->receive(socket_, false, bell);
  while (got == Got::frame && bell.type == Type::bell) {
    if (++rung % kBellsAtOnce == 0 && !note_nothing()) return refuse(kWhy);
    got = bells_->receive(socket_, false, bell);
  }
  if (rung > 0 && !std::exchange(found_, false) && !note_nothing()) return refuse(kWhy);
  return got == Got::wrong   ? refuse(bells_->why())
         : got == Got::frame ? refuse("out of place")
                             : got;
}

RingReader::Got RingReader::next(Frame& frame, bool socket) {
  lent_ = false;
  if (!pouring_) poured_.reset();
  const Got got = pouring_ ? take_poured(frame) : take_packet(frame);
  return got == Got::nothing && socket ? from_socket() : got;
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
  Frame bell;
  // A bell can ring for a frame that has been read already. Its writer has taken the reader for
  // awake by then: who sleeps on says so again.
  while (fall_asleep()) {
    const Got got = bells_->receive(socket_, true, bell, 0);
    if (got != Got::frame || bell.type != Type::bell) return false;
  }
  return true;
}

}  // namespace rabt::worker

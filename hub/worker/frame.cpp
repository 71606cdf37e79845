#include "hub/worker/frame.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rabt::worker {

namespace {

constexpr std::uint8_t kInDescriptor = 1;  // flag: the texts stand in the memory file

void put32(char* at, std::uint32_t value) {
  std::memcpy(at, &value, 4);
}
void put64(char* at, std::uint64_t value) {
  std::memcpy(at, &value, 8);
}
std::uint32_t get32(const char* at) {
  std::uint32_t value = 0;
  std::memcpy(&value, at, 4);
  return value;
}
std::uint64_t get64(const char* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, 8);
  return value;
}
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "frames are little-endian");

bool known(std::uint8_t type) {
  return (type >= 0x01 && type <= 0x0a) || (type >= 0x10 && type <= 0x19) || type == 0x1f ||
         (type >= 0x20 && type <= 0x2f) || (type >= 0x30 && type <= 0x36) || type == 0x3f;
}

// The texts one after the other, sealed against every change.
Descriptor memory_of(const Frame& frame) {
  Descriptor memory(::memfd_create("rabt-frame", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.open()) return {};
  for (std::size_t i = 0; i < frame.texts; ++i) {
    if (!write_all(memory.get(), frame.text[i])) return {};
  }
  if (!seal_memory(memory.get())) return {};
  return memory;
}

Error io(const char* what) {
  return unavailable("worker.io", std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

std::size_t write_head(const Frame& frame, std::size_t content, bool in_file, char* out) {
  const std::size_t size = kHeaderBytes + std::size_t{frame.texts} * 4;
  put32(out, static_cast<std::uint32_t>(size + (in_file ? 0 : content)));
  out[4] = static_cast<char>(frame.type);
  out[5] = static_cast<char>(in_file ? kInDescriptor : 0);
  out[6] = static_cast<char>(frame.texts);
  out[7] = 0;
  put64(out + 8, frame.id);
  for (std::size_t i = 0; i < kNumbers; ++i) put64(out + 16 + i * 8, frame.n[i]);
  for (std::size_t i = 0; i < frame.texts; ++i)
    put32(out + kHeaderBytes + i * 4, static_cast<std::uint32_t>(frame.text[i].size()));
  return size;
}

const char* read_head(const char* at, std::size_t size, Frame& frame, PacketHead& head) {
  if (size < kHeaderBytes) return "a packet shorter than a header";
  if (get32(at) != size) return "a length that is not the packet's";
  const auto type = static_cast<std::uint8_t>(at[4]);
  const auto flags = static_cast<std::uint8_t>(at[5]);
  const auto texts = static_cast<std::uint8_t>(at[6]);
  if (!known(type)) return "an unknown type";
  if (flags > kInDescriptor || at[7] != 0) return "unknown flags";
  if (texts > kMaxTexts || size < kHeaderBytes + std::size_t{texts} * 4)
    return "more texts than a frame has";
  frame.type = static_cast<Type>(type);
  frame.texts = texts;
  frame.id = get64(at + 8);
  for (std::size_t i = 0; i < kNumbers; ++i) frame.n[i] = get64(at + 16 + i * 8);
  head.size = kHeaderBytes + std::size_t{texts} * 4;
  head.in_file = flags != 0;
  head.content = 0;
  for (std::size_t i = 0; i < texts; ++i) {
    head.lengths[i] = get32(at + kHeaderBytes + i * 4);
    head.content += head.lengths[i];
  }
  if (head.content > kMaxFrameBytes) return "texts over the limit";
  if (!head.in_file && size - head.size != head.content) return "texts that do not fill the packet";
  if (head.in_file && (size != head.size || head.content <= kMaxInlineBytes))
    return "a memory file without need";
  return nullptr;
}

void cut_texts(Frame& frame, const PacketHead& head, std::string_view content) {
  for (std::size_t i = 0; i < kMaxTexts; ++i) {
    frame.text[i] = i < frame.texts ? content.substr(0, head.lengths[i]) : std::string_view{};
    if (i < frame.texts) content.remove_prefix(head.lengths[i]);
  }
}

Mapping::~Mapping() {
  if (at_ != nullptr) ::munmap(const_cast<void*>(at_), size_);  // NOLINT
}

Status send(int socket, const Frame& frame, int descriptor, bool wait) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < frame.texts; ++i) total += frame.text[i].size();
  if (total > kMaxFrameBytes)
    return invalid("worker.too_large", "a frame of " + std::to_string(total) + " bytes");
  const bool large = total > kMaxInlineBytes;
  Descriptor memory;
  if (large) {
    if (descriptor >= 0) return invalid("worker.too_large", "a frame with a descriptor");
    memory = memory_of(frame);
    if (!memory.open()) return io("no memory file");
    descriptor = memory.get();
  }

  std::array<char, kMaxHeadBytes> head;  // NOLINT: filled below
  const std::size_t head_size = write_head(frame, total, large, head.data());

  std::array<iovec, 1 + kMaxTexts> pieces{};
  std::size_t count = 0;
  pieces[count++] = {head.data(), head_size};
  for (std::size_t i = 0; i < frame.texts && !large; ++i) {
    if (frame.text[i].empty()) continue;
    pieces[count++] = {const_cast<char*>(frame.text[i].data()),  // NOLINT: only read
                       frame.text[i].size()};
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
  }
  while (true) {
    const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    if (sent >= 0) return ok_status();
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      return unavailable("worker.full", "the other side does not read");
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
      return unavailable("worker.closed", "the other side is gone");
    if (errno == ETOOMANYREFS) {
      // More descriptors of this user are under way, in all its processes, than one process may
      // have open (unix(7)). They become fewer as they are read.
      if (!wait) return unavailable("worker.full", "the other side does not read");
      pollfd hung_up{socket, 0, 0};
      if (::poll(&hung_up, 1, 1) > 0) return unavailable("worker.closed", "the other side is gone");
      continue;
    }
    return io("a frame cannot be sent");
  }
}

Receiver::Receiver() : buffer_(new char[kMaxPacketBytes]) {}

Receiver::Got Receiver::receive(int socket, bool wait, Frame& frame, int patience) {
  mapping_ = Mapping();
  descriptor_.reset();
  iovec piece{buffer_.get(), kMaxPacketBytes};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))>
      control;  // NOLINT: the kernel fills it
  starved_ = false;
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = -1;
  errno = EAGAIN;
  for (int tries = wait ? patience : 1; tries > 0; --tries) {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got >= 0 || errno != EAGAIN) break;
  }
  while (got < 0 && (errno == EINTR || (wait && errno == EAGAIN)))
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Got::nothing;
  if (got <= 0) return Got::closed;
  // The padding of the buffer has room for a second descriptor, and the kernel uses it (unix(7)):
  // every one that came is owned here, whatever becomes of the packet.
  std::size_t came = 0;
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= one->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, reinterpret_cast<const char*>(one) + at, sizeof fd);
      descriptor_ = Descriptor(fd);
      ++came;
    }
  }
  if ((message.msg_flags & MSG_TRUNC) != 0) return refuse("a packet over the limit");
  if ((message.msg_flags & MSG_CTRUNC) != 0 && came == 0) {
    starved_ = true;
    return refuse("no free descriptor for the one that came");
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0 || came > 1) return refuse("more descriptors than one");
  return read(static_cast<std::size_t>(got), frame);
}

Receiver::Got Receiver::read(std::size_t size, Frame& frame) {
  const char* const at = buffer_.get();
  PacketHead head;
  if (const char* const wrong = read_head(at, size, frame, head); wrong != nullptr)
    return refuse(wrong);
  if (descriptor_.open() && !head.in_file && frame.type != Type::ready && frame.type != Type::begin)
    return refuse("a descriptor out of place");
  std::string_view content{at + head.size, size - head.size};
  if (head.in_file) {
    const Descriptor memory = std::move(descriptor_);
    if (!memory.open()) return refuse("a memory file that did not come");
    const int seals = ::fcntl(memory.get(), F_GET_SEALS);
    if (seals < 0 || (seals & kMemorySeals) != kMemorySeals)
      return refuse("a memory file that is not sealed");
    struct stat about {};
    if (::fstat(memory.get(), &about) != 0 || about.st_size < 0 ||
        static_cast<std::size_t>(about.st_size) != head.content)
      return refuse("a memory file of another size");
    const void* const mapped =
        ::mmap(nullptr, head.content, PROT_READ, MAP_PRIVATE | MAP_POPULATE, memory.get(), 0);
    if (mapped == MAP_FAILED) return refuse("a memory file that cannot be mapped");
    mapping_ = Mapping(mapped, head.content);
    content = mapping_.view();
  }
  cut_texts(frame, head, content);
  return Got::frame;
}

Result<std::pair<Descriptor, Descriptor>> make_channel() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return io("no pair of sockets");
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

}  // namespace rabt::worker

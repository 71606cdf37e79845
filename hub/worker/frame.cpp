#include "hub/worker/frame.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "hub/worker/loan.hpp"

namespace rabt::worker {

namespace {

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
  return (type >= 0x01 && type <= 0x08) || type == 0x0a || (type >= 0x10 && type <= 0x19) ||
         type == 0x1f || (type >= 0x20 && type <= 0x2f) || (type >= 0x30 && type <= 0x36) ||
         type == 0x3f;
}

}  // namespace

std::size_t texts_of(const Frame& frame) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < frame.texts; ++i) size += frame.text[i].size();
  return size;
}

std::size_t write_head(const Frame& frame, Content where, std::size_t place, char* out) {
  const std::size_t size = kHeaderBytes + std::size_t{frame.texts} * 4;
  const std::size_t inside = where == Content::inside ? texts_of(frame) : 0;
  put32(out, static_cast<std::uint32_t>(size + inside));
  out[4] = static_cast<char>(frame.type);
  out[5] = static_cast<char>(where);
  out[6] = static_cast<char>(frame.texts);
  out[7] = static_cast<char>(place);
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
  if (flags > static_cast<std::uint8_t>(Content::behind)) return "unknown flags";
  head.where = static_cast<Content>(flags);
  head.place = static_cast<std::uint8_t>(at[7]);
  if (head.place != 0 && head.where != Content::lent) return "unknown flags";
  if (texts > kMaxTexts || size < kHeaderBytes + std::size_t{texts} * 4)
    return "more texts than a frame has";
  frame.type = static_cast<Type>(type);
  frame.texts = texts;
  frame.id = get64(at + 8);
  for (std::size_t i = 0; i < kNumbers; ++i) frame.n[i] = get64(at + 16 + i * 8);
  head.size = kHeaderBytes + std::size_t{texts} * 4;
  head.content = 0;
  for (std::size_t i = 0; i < texts; ++i) {
    head.lengths[i] = get32(at + kHeaderBytes + i * 4);
    head.content += head.lengths[i];
  }
  if (head.content > kMaxFrameBytes) return "texts over the limit";
  const bool inside = head.where == Content::inside;
  if (inside && size - head.size != head.content) return "texts that do not fill the packet";
  if (!inside && (size != head.size || head.content <= kMaxInlineBytes))
    return "texts outside of the packet without need";
  return nullptr;
}

void cut_texts(Frame& frame, const PacketHead& head, std::string_view content) {
  for (std::size_t i = 0; i < kMaxTexts; ++i) {
    frame.text[i] = i < frame.texts ? content.substr(0, head.lengths[i]) : std::string_view{};
    if (i < frame.texts) content.remove_prefix(head.lengths[i]);
  }
}

namespace {

// Sends one packet: the pieces, one after the other.
Status send_packet(int socket, iovec* pieces, std::size_t count, int descriptor, bool wait) {
  msghdr message{};
  message.msg_iov = pieces;
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
    return io_error("a frame cannot be sent");
  }
}

iovec piece_of(std::string_view text) {
  return {const_cast<char*>(text.data()), text.size()};  // NOLINT: only read
}

Status too_large(std::size_t size) {
  return invalid("worker.too_large", "a frame of " + std::to_string(size) + " bytes");
}

}  // namespace

Status send(int socket, const Frame& frame, int descriptor, bool wait) {
  if (const std::size_t size = texts_of(frame); size > kMaxInlineBytes) return too_large(size);
  std::array<char, kMaxHeadBytes> head;  // NOLINT: filled below
  std::array<iovec, 1 + kMaxTexts> pieces{};
  std::size_t count = 0;
  pieces[count++] = {head.data(), write_head(frame, Content::inside, 0, head.data())};
  for (std::size_t i = 0; i < frame.texts; ++i) {
    if (!frame.text[i].empty()) pieces[count++] = piece_of(frame.text[i]);
  }
  return send_packet(socket, pieces.data(), count, descriptor, wait);
}

Status send_in_pieces(int socket, const Frame& frame) {
  if (const std::size_t size = texts_of(frame); size > kMaxFrameBytes) return too_large(size);
  std::array<char, kMaxHeadBytes> head;  // NOLINT: filled below
  std::array<iovec, kMaxTexts> parts{};
  parts[0] = {head.data(), write_head(frame, Content::behind, 0, head.data())};
  RABT_TRY_STATUS(send_packet(socket, parts.data(), 1, -1, /*wait=*/true));
  std::size_t room = kMaxInlineBytes;  // what the next piece still takes
  std::size_t count = 0;
  for (std::size_t i = 0; i < frame.texts; ++i) {
    for (std::string_view text = frame.text[i]; !text.empty();) {
      parts[count] = piece_of(text.substr(0, room));
      text.remove_prefix(parts[count].iov_len);
      room -= parts[count++].iov_len;
      if (room > 0) continue;
      RABT_TRY_STATUS(send_packet(socket, parts.data(), count, -1, /*wait=*/true));
      room = kMaxInlineBytes;
      count = 0;
    }
  }
  return count == 0 ? ok_status() : send_packet(socket, parts.data(), count, -1, /*wait=*/true);
}

Status send_lent(int socket, const Frame& frame, std::size_t place) {
  std::array<char, kMaxHeadBytes> head;  // NOLINT: filled below
  iovec piece{head.data(), write_head(frame, Content::lent, place, head.data())};
  return send_packet(socket, &piece, 1, -1, /*wait=*/false);
}

Receiver::Receiver(const Borrowed* borrowed)
    : borrowed_(borrowed), buffer_(new char[kMaxPacketBytes]) {}

Receiver::Got Receiver::receive(int socket, bool wait, Frame& frame, int patience) {
  std::size_t size = 0;
  if (!coming_) {
    pieces_.reset();
    const Got got = take_packet(socket, wait, patience, buffer_.get(), kMaxPacketBytes, size);
    if (got != Got::frame) return got;
    if (const Got read_so_far = read(size, frame); !coming_) return read_so_far;
  }
  while (came_ < head_.content) {
    const std::size_t next = std::min(head_.content - came_, kMaxInlineBytes);
    const Got got = take_packet(socket, wait, patience, pieces_.get() + came_, next, size);
    if (got != Got::frame) return got;
    if (descriptor_.open()) return refuse("a descriptor out of place");
    if (size != next) return refuse("a piece of another size");
    came_ += size;
  }
  coming_ = false;
  cut_texts(held_frame_, head_, {pieces_.get(), head_.content});
  frame = held_frame_;
  return Got::frame;
}

Receiver::Got Receiver::take_packet(int socket, bool wait, int patience, char* to, std::size_t most,
                                    std::size_t& size) {
  descriptor_.reset();
  iovec piece{to, most};
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
  size = static_cast<std::size_t>(got);
  return Got::frame;
}

// Reads a packet. Texts behind it are still to come.
Receiver::Got Receiver::read(std::size_t size, Frame& frame) {
  const char* const at = buffer_.get();
  PacketHead head;
  if (const char* const wrong = read_head(at, size, frame, head); wrong != nullptr)
    return refuse(wrong);
  if (descriptor_.open() && frame.type != Type::ready && frame.type != Type::begin)
    return refuse("a descriptor out of place");
  std::string_view content{at + head.size, size - head.size};
  if (head.where == Content::lent) {
    if (borrowed_ == nullptr) return refuse("texts that nobody lent");
    content = borrowed_->text(head.place, head.content);
    if (content.empty()) return refuse("texts that nobody lent");
  } else if (head.where == Content::behind) {
    if (borrowed_ != nullptr) return refuse("texts in pieces out of place");
    pieces_ = std::make_unique_for_overwrite<char[]>(head.content);
    came_ = 0;
    coming_ = true;
    head_ = head;
    held_frame_ = frame;
    return Got::nothing;
  }
  cut_texts(frame, head, content);
  return Got::frame;
}

Error io_error(const char* what) {
  return unavailable("worker.io", std::string(what) + ": " + std::strerror(errno));
}

Result<std::pair<Descriptor, Descriptor>> make_channel() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return io_error("no pair of sockets");
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

}  // namespace rabt::worker

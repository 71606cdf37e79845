#include "hub/audit/chain.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "hub/base/bytes.hpp"

namespace rabt::audit {

namespace {

constexpr std::string_view kHeadMagic = "rabt-audit-head 1\n";

void put_u64(std::uint8_t* out, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
}

Error io_error(const std::string& path, const char* what) {
  return unavailable("audit.head_io", "cannot " + std::string(what) +
                                          " the head file of the audit log " + path + ": " +
                                          std::strerror(errno));
}

}  // namespace

Head genesis() {
  return {0, crypto::sha256("rabt-audit-v1")};
}

crypto::Digest chain(const crypto::Digest& previous, std::int64_t seq, std::int64_t at_ms,
                     std::string_view leaf) {
  std::array<std::uint8_t, 32 + 8 + 8 + 32> bytes{};
  if (leaf.size() != 32) leaf = {};  // a damaged row: no hash of it can match
  std::copy(previous.begin(), previous.end(), bytes.begin());
  put_u64(bytes.data() + 32, static_cast<std::uint64_t>(seq));
  put_u64(bytes.data() + 40, static_cast<std::uint64_t>(at_ms));
  std::copy(leaf.begin(), leaf.end(), bytes.begin() + 48);
  return crypto::sha256(as_text(ByteView(bytes).first(48 + leaf.size())));
}

Result<std::optional<Head>> read_head_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::optional<Head>{};
  if (fd < 0) return io_error(path, "open");
  std::array<char, 256> buffer{};
  const ssize_t size = ::read(fd, buffer.data(), buffer.size());
  ::close(fd);
  if (size < 0) return io_error(path, "read");
  std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  const Error damaged =
      corrupt("audit.head_corrupt", "the head file of the audit log " + path + " is damaged");
  if (text.substr(0, kHeadMagic.size()) != kHeadMagic) return damaged;
  text.remove_prefix(kHeadMagic.size());
  Head head;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), head.seq);
  if (error != std::errc{} || head.seq < 0) return damaged;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.size() != 66 || text.front() != ' ' || text.back() != '\n') return damaged;
  const auto hash = from_hex(text.substr(1, 64));
  if (!hash) return damaged;
  std::copy(hash->begin(), hash->end(), head.hash.begin());
  return std::optional<Head>(head);
}

Status write_head_file(const std::string& path, const Head& head) {
  const std::string temporary = path + ".tmp";
  const std::string text =
      std::string(kHeadMagic) + std::to_string(head.seq) + ' ' + to_hex(head.hash) + '\n';
  const int fd =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return io_error(path, "write");
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  const Error error = io_error(path, "write");
  ::close(fd);
  if (!written) {
    ::unlink(temporary.c_str());
    return error;
  }
  // The folder is not synced: after a power loss the older head is as good, the log may be ahead of
  // it.
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io_error(path, "replace");
  return ok_status();
}

}  // namespace rabt::audit

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"

// Inside hub/crypto: files that hold keys. Only their owner may read them; they are replaced whole.
namespace rabt::crypto {

// A file, and the begin of its error codes: "crypto.keyring" gives crypto.keyring_io, ...
struct PrivateFile {
  std::string path;
  std::string code;  // "crypto.keyring"
  std::string what;  // "the keyring"
  std::size_t max_bytes = 0;

  // Held while the file is read (shared) or changed (alone), by flock(2) on <path>.lock; given back
  // by the destructor, or by the kernel when the process dies.
  class Lock {
   public:
    explicit Lock(int fd) : fd_(fd) {}
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock();

   private:
    int fd_;
  };
  enum class Use { shared, alone };
  [[nodiscard]] Result<std::unique_ptr<Lock>> lock(Use use) const;

  // Empty when there is no file. Errors: <code>_mode (others can read it: says the chmod command),
  // <code>_corrupt (no regular file, too large), <code>_io, <code>_full.
  [[nodiscard]] Result<std::optional<SecretBytes>> read() const;

  // Temporary file, fsync, rename, fsync of the folder: durable when ok; the file is the old or the
  // new one, whole, whatever happens. wipe_old: the blocks of the old one are overwritten after
  // that, as far as the file system writes in place; who copies it just then gets zeros.
  [[nodiscard]] Status replace(ByteView bytes, unsigned mode, bool wipe_old) const;

  // Says errno; <code>_full where the disk has no room.
  [[nodiscard]] Error io_error(const std::string& doing) const;
  [[nodiscard]] Error damaged(const std::string& how) const;
};

// Reads forward; every step says whether enough was left. Numbers are big-endian.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}
  [[nodiscard]] std::optional<std::string_view> take(std::size_t size);
  [[nodiscard]] std::optional<std::uint64_t> number(int bytes);
  // A text: its length in four bytes, then its bytes.
  [[nodiscard]] std::optional<std::string> text(std::size_t max);
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

 private:
  ByteView rest_;
};
void put_number(std::string& out, std::uint64_t value, int bytes);
void put_text(std::string& out, std::string_view text);

}  // namespace rabt::crypto

#include <sys/mman.h>
#include <unistd.h>

#include "hub/crypto/minisign.hpp"
#include "hub/plugin/package/package_trust.hpp"
#include "tests/fuzz/input.hpp"

// Parts of an untrusted package: sums, signatures, keys, a .zip. The first byte selects one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  namespace minisign = crypto::minisign;
  if (size == 0) return 0;
  const std::string_view input = fuzz::text(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0: {
      const auto sums = plugin::parse_sums(input);
      if (!sums.ok()) return 0;
      std::string again;
      for (const auto& [path, digest] : *sums) {
        fuzz::require(plugin::path_fault(path).empty(), "a path can be in a package");
        again += digest + "  " + path + "\n";
      }
      fuzz::require(again.size() == input.size(), "every byte was read");
      return 0;
    }
    case 1: {
      const auto signature = minisign::parse_signature(input);
      if (signature.ok())
        (void)minisign::verify({.id = signature->key_id, .key = {1, 2, 3}}, *signature, "content");
      return 0;
    }
    case 2: {
      const auto key = minisign::parse_public_key(input);
      if (!key.ok()) return 0;
      const auto again = minisign::parse_public_key(minisign::public_key_file(*key));
      fuzz::require(again.ok() && *again == *key, "a key survives its own file");
      return 0;
    }
    default: {
      const int fd = ::memfd_create("fuzz", MFD_CLOEXEC);
      fuzz::require(
          fd >= 0 && ::write(fd, input.data(), input.size()) == static_cast<ssize_t>(input.size()),
          "a memory file can be written");
      const auto files = plugin::PackageFiles::read("/proc/self/fd/" + std::to_string(fd));
      ::close(fd);
      if (!files.ok()) return 0;
      for (const auto& [path, file] : files->all())
        fuzz::require(plugin::path_fault(path).empty(), "a path can be in a package");
      return 0;
    }
  }
}

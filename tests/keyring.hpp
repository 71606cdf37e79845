#pragma once

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/crypto/keyring.hpp"

namespace rabt::test {

// A keyring in a folder, under a root in a file beside it, as a hub makes it on its first start;
// with keys of the tenants. Stops the process when it cannot.
inline std::unique_ptr<crypto::Keyring> open_keyring(
    const std::string& folder, const Clock& clock, Random& random,
    std::initializer_list<std::string_view> tenants = {"t1"}) {
  const auto must = [](const auto& result) {
    if (result.ok()) return;
    std::fprintf(stderr, "%s: %s\n", result.error().code.c_str(), result.error().message.c_str());
    std::abort();
  };
  auto root = crypto::open_file_root(folder + "/root.key", random, true);
  must(root);
  auto keyring = crypto::Keyring::open_or_create(
      {.path = folder + "/keyring", .root = std::move(*root)}, clock, random);
  must(keyring);
  for (const std::string_view tenant : tenants) must((*keyring)->ensure_tenant(tenant));
  return std::move(*keyring);
}

}  // namespace rabt::test

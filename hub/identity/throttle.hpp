#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Stands in front of everything by which a person may prove himself: password, codes, passkeys. All
// of them add to one count, so that nobody gains by guessing at another door.
namespace rabt::identity {

// Internally synchronised; not from inside a read or a job of the store.
class Throttle {
 public:
  struct Parts {
    store::Store& store;
    keys::DataKeys& keys;
    const crypto::Keyring& keyring;
    const Clock& clock;
    Random& random;
  };
  Throttle(Parts parts, std::string tenant) : parts_(parts), tenant_(std::move(tenant)) {}

  // The count that a try adds to.
  struct Try {
    std::string subject;
  };
  // Counts a failure before anything is tried, so that many at once count, too; success() takes it
  // back. A device that the person has signed in from has a count of its own: strangers who guess
  // do not make its owner wait. device: what device_of() gave, or anything else. Errors:
  // unavailable rate.sign_in.
  [[nodiscard]] Result<Try> begin(std::string_view person, std::string_view device);
  // The same for a name that nobody has.
  [[nodiscard]] Result<Try> begin_unknown(std::string_view name);
  [[nodiscard]] Status success(store::Transaction& transaction, const Try& of);
  // By an administrator: everybody may try anew.
  [[nodiscard]] Status forget(store::Transaction& transaction, std::string_view person);

  // Token for a device from which the person has signed in.
  [[nodiscard]] Result<std::string> device_of(std::string_view person);

 private:
  enum class Count { counted, wait, closed };
  [[nodiscard]] Result<std::string> subject_of(std::string_view kind, std::string_view value);
  [[nodiscard]] Result<std::string> mac_of(std::string_view person, std::string_view id,
                                           std::string_view ends);
  // The id of a device that is known to the person. Empty when it is not.
  [[nodiscard]] Result<std::string> known_device(std::string_view person, std::string_view shown);
  [[nodiscard]] Status count(store::Transaction& transaction, const std::string& subject,
                             std::int64_t most, Count& out);
  [[nodiscard]] Result<Try> begin_at(const std::string& subject, const std::string& device);

  const Parts parts_;
  const std::string tenant_;
};

}  // namespace rabt::identity

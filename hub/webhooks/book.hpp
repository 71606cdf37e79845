#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/webhooks/rows.hpp"

namespace rabt::webhooks {

// A webhook that the configuration names, with its secrets, or the broker, which has routes
// instead.
struct Configured {
  std::string name;
  std::string url;
  Wants wants;
  std::shared_ptr<const std::vector<SigningSecret>> secrets;
  std::shared_ptr<const std::vector<Route>> routes{};
};

// A secret of a webhook that was made over the API, as it is sealed.
struct KeptSecret {
  // whsec_... or whsk_...
  std::string text;
  // It signs no more after that. Unset for the newest.
  std::optional<std::int64_t> until_ms;
};

// The webhooks of a tenant, in memory. Internally synchronised.
class Book {
 public:
  using List = std::vector<std::shared_ptr<const Endpoint>>;
  struct Parts {
    store::Store& store;
    keys::DataKeys& keys;
    const Clock& clock;
    Random& random;
    UlidSource& ids;
    std::string tenant;
  };
  Book(Parts parts, std::vector<Configured> configured);

  // Writes what the configuration says, and reads what is there. Error conflict webhook.name_taken:
  // the configuration and the API use one name.
  [[nodiscard]] Status open();
  // After a change.
  [[nodiscard]] Status reload();
  [[nodiscard]] std::shared_ptr<const List> all() const;
  // Null when there is none of this id.
  [[nodiscard]] std::shared_ptr<const Endpoint> find(std::string_view id) const;

  // With what a delivery is signed now. Errors of DataKeys::open and of the seal.
  [[nodiscard]] Result<std::vector<SigningSecret>> secrets(const Endpoint& endpoint) const;
  [[nodiscard]] Result<std::vector<KeptSecret>> kept(const Endpoint& endpoint) const;
  // Sets the endpoint's data_key and sealed.
  [[nodiscard]] Status seal(Endpoint& endpoint, const std::vector<KeptSecret>& secrets) const;

 private:
  [[nodiscard]] Status put(store::Transaction& transaction, const Configured& configured,
                           const Endpoint* before) const;

  // Constant after construction.
  const Parts parts_;
  const std::vector<Configured> configured_;

  mutable Mutex mutex_;
  std::shared_ptr<const List> all_ RABT_GUARDED_BY(mutex_) = std::make_shared<const List>();
};

}  // namespace rabt::webhooks

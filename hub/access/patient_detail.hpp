#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Sealed part of an audit entry about a patient: the reason that a reader gave. It is sealed with a
// key of that patient. The entry can be verified for as long as the log lives; the reason cannot be
// read any more when the key has been destroyed.
namespace rabt::access {

// Internally synchronised.
class PatientDetail {
 public:
  PatientDetail(keys::DataKeys& data_keys, store::Store& store, Random& random)
      : keys_(data_keys), store_(store), random_(random) {}

  struct Sealed {
    // For audit::Entry::sealed: id of the key in hex, a point, base64.
    std::string text;
    std::string tenant;
    std::string patient;
    std::string bucket;
    // Unset when the key is stored already.
    std::optional<keys::NewDataKey> key;
  };
  // patient: blind index, or empty when the patient is unknown. Not inside a store job.
  [[nodiscard]] Result<Sealed> seal(std::string_view tenant, std::string_view patient,
                                    const Json& detail) const;
  // Stores the key, in the job that appends the entry.
  [[nodiscard]] static Status store(store::Transaction& transaction, const Sealed& sealed);
  // patient: pseudonym as in the entry (hex). Errors: not_found phi.erased (the key was destroyed);
  // corrupt phi.sealed (the text is no sealed detail of this patient).
  [[nodiscard]] Result<Json> open(std::string_view tenant, std::string_view patient,
                                  std::string_view text) const;

 private:
  keys::DataKeys& keys_;
  store::Store& store_;
  Random& random_;
};

}  // namespace rabt::access

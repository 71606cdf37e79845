#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// What an audit entry tells about a person beyond ids and codes: the reason that a reader gave. It
// is sealed with a key of that patient inside the entry, so that the entry can be verified for as
// long as the log lives, and cannot be read any more when the key has been destroyed.
namespace rabt::access {

// Internally synchronised.
class PatientDetail {
 public:
  PatientDetail(keys::DataKeys& data_keys, store::Store& store, Random& random)
      : keys_(data_keys), store_(store), random_(random) {}

  struct Sealed {
    std::string text;  // for audit::Entry::sealed: id of the key in hex, a point, base64
    std::string tenant;
    std::string patient;
    std::string bucket;
    std::optional<keys::NewDataKey> made;  // empty: the key is stored already
  };
  // patient: blind index, or empty where none is known. Not inside a job.
  [[nodiscard]] Result<Sealed> seal(std::string_view tenant, std::string_view patient,
                                    const Json& detail) const;
  // Stores the key, in the job that appends the entry.
  [[nodiscard]] static Status store(store::Transaction& transaction, const Sealed& sealed);
  // patient: pseudonym as in the entry (hex). Errors: not_found phi.erased when the key is
  // destroyed; corrupt phi.sealed when this is no sealed detail of this patient.
  [[nodiscard]] Result<Json> open(std::string_view tenant, std::string_view patient,
                                  std::string_view text) const;

 private:
  keys::DataKeys& keys_;
  store::Store& store_;
  Random& random_;
};

}  // namespace rabt::access

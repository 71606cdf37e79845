#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/keys/admin.hpp"

// Acts on keys as JSON: what the API takes and gives, and what `rabt keys` does itself when no hub
// runs. docs/openapi.yaml describes both.
namespace rabt::keys {

[[nodiscard]] Json to_json(const KeysStatus& status);

// The data keys of an object, "instance:01K..." or "recording:01K...": of an instance also those of
// the instances it has started and of its recordings.
using ObjectKeys = std::function<Result<std::vector<std::string>>(std::string_view object)>;

// verb: rotate {what, bucket?, destroyOld?}, rewrap {forgetOld?}, shred {bucket, force?}, hold
// {case, object or bucket}, release {case}; each with `reason`. order.reason is taken from the
// body. wait: a rewrap is done when this returns. Errors: invalid api.*, and those of KeyAdmin.
[[nodiscard]] Result<Json> perform(KeyAdmin& admin, std::string_view verb, const Json& body,
                                   Order order, const ObjectKeys& find, bool wait);

// Checks that there is a bucket to shred, or a case to release, before a second person is asked to
// confirm the order. Errors keys.bucket, keys.case.
[[nodiscard]] Status check_there_is(KeyAdmin& admin, std::string_view verb,
                                    const std::string& name);

}  // namespace rabt::keys

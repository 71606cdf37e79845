#include "hub/identity/act_entry.hpp"

#include <string>
#include <utility>

namespace rabt::identity {

audit::Prepared act_entry(const audit::AuditLog& log, const Caller& caller, std::string_view tenant,
                          std::string_view act, std::string_view object, std::string_view result,
                          Json detail) {
  return log.prepare({.tenant = std::string(tenant),
                      .actor = caller.who.actor(),
                      .act = std::string(act),
                      .object = std::string(object),
                      .result = std::string(result),
                      .detail = std::move(detail),
                      .patient = {},
                      .purpose = {},
                      .client = caller.client,
                      .request = caller.request,
                      .sealed = {}});
}

}  // namespace rabt::identity

#pragma once

#include <string>
#include <string_view>

#include "hub/store/store.hpp"

namespace rabt::consultation {

// The next number that people read on a tenant's rows of a table: from 1, with gaps, never one
// twice.
[[nodiscard]] inline Result<std::int64_t> next_number(store::Transaction& transaction,
                                                      std::string_view table,
                                                      std::string_view tenant) {
  std::string name(table);
  name.append(".").append(tenant);
  return transaction.next({name});
}

}  // namespace rabt::consultation

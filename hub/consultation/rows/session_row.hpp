#pragma once

#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/store/store.hpp"

// Internal: sessions as the columns RABT_SESSION_COLUMNS of statements.hpp give them.
namespace rabt::consultation {

// Reads the clear columns. Gives the sealed document.
[[nodiscard]] std::string read_row(const store::Row& row, std::string_view tenant,
                                   Session& session);
[[nodiscard]] Status read_stays(store::Connection& connection, Session& session);

}  // namespace rabt::consultation

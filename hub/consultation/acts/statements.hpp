#pragma once

#include "hub/store/store.hpp"

// SQL of the table session.
namespace rabt::consultation::sql::acts {

using store::Statement;

inline constexpr Statement kActiveSessions{
    "SELECT COUNT(*) AS count FROM session WHERE tenant = $1 AND status = 'active'"};

}  // namespace rabt::consultation::sql::acts

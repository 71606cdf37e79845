#pragma once

#include "hub/store/store.hpp"

// SQL of no table: a read that shows that the store answers.
namespace rabt::assembly::sql {

using store::Statement;

inline constexpr Statement kAnything{"SELECT 1"};

}  // namespace rabt::assembly::sql

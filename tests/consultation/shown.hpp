#pragma once

#include "hub/consultation/request/ask.hpp"

namespace rabt::consultation {

template <typename V>
Answer shown(Result<V> view) {
  if (!view.ok()) return view.error();
  return to_json(*view);
}

}  // namespace rabt::consultation

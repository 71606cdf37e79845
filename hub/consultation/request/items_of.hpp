#pragma once

#include <utility>
#include <vector>

#include "hub/base/json.hpp"

namespace rabt::consultation {

// A whole list, without pages.
template <typename View>
struct ItemsOf {
  std::vector<View> items;
};
// {items}
template <typename View>
[[nodiscard]] Json to_json(const ItemsOf<View>& all) {
  Json items = Json::array();
  for (const View& item : all.items) items.push_back(to_json(item));
  return Json::object({{"items", std::move(items)}});
}

}  // namespace rabt::consultation

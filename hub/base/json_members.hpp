#pragma once

#include <cstddef>
#include <string_view>

namespace rabt {

// Values in a text of JSON, each empty container counted as one value more, without making any of
// them: what is made of a text can be bounded before it is. Of a text that is no JSON, any number.
// Pure.
[[nodiscard]] std::size_t count_json_values(std::string_view text);

}  // namespace rabt

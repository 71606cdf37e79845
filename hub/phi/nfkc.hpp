#pragma once

#include <string>
#include <string_view>

namespace rabt::phi {

// NFKC and nothing else: two ways of typing one text become one. `text` is UTF-8. Any thread.
[[nodiscard]] std::string nfkc(std::string_view text);

}  // namespace rabt::phi

#pragma once

#include <string>
#include <string_view>

namespace rabt::identity {

// A QR code (ISO/IEC 18004, level M) as an SVG document: dark squares on white, with the margin of
// four that readers need. Empty when the text is too long for one. Any thread may call.
[[nodiscard]] std::string qr_svg(std::string_view text);

}  // namespace rabt::identity

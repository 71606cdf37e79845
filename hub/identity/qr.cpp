#include "hub/identity/qr.hpp"

#include <qrencode.h>

#include <memory>

namespace rabt::identity {

namespace {

constexpr int kMargin = 4;

struct Free {
  void operator()(QRcode* code) const { QRcode_free(code); }
};

}  // namespace

std::string qr_svg(std::string_view text) {
  const std::unique_ptr<QRcode, Free> code(
      QRcode_encodeData(static_cast<int>(text.size()),
                        reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_M));
  if (code == nullptr) return {};
  const int width = code->width;
  const std::string side = std::to_string(width + 2 * kMargin);
  std::string path;
  for (int y = 0; y < width; ++y) {
    // Dark squares that stand side by side become one bar.
    for (int x = 0; x < width; ++x) {
      const auto dark = [&](int at) { return (code->data[y * width + at] & 1U) != 0; };
      if (!dark(x)) continue;
      const int begin = x;
      while (x < width && dark(x)) ++x;
      path += "M" + std::to_string(begin + kMargin) + " " + std::to_string(y + kMargin) + "h" +
              std::to_string(x - begin) + "v1h-" + std::to_string(x - begin) + "z";
    }
  }
  return R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 )" + side + " " + side +
         R"(" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h)" + side + "v" + side +
         "H0z" + R"("/><path d=")" + path + R"("/></svg>)";
}

}  // namespace rabt::identity

#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "hub/print/document.hpp"

// Internal: a document as lines of text on pages. Types of Pango and Cairo are named and not
// included.
using PangoContext = struct _PangoContext;
using PangoLayout = struct _PangoLayout;
using PangoLayoutLine = struct _PangoLayoutLine;
using cairo_t = struct _cairo;

namespace rabt::print {

struct ReleaseObject {
  void operator()(void* object) const;
};
template <typename Object>
using Owned = std::unique_ptr<Object, ReleaseObject>;

// Size of a page and its margins in points of 1/72 inch: A4.
inline constexpr double kPageWidth = 210.0 / 25.4 * 72;
inline constexpr double kPageHeight = 297.0 / 25.4 * 72;
inline constexpr double kMargin = 54;
inline constexpr double kBodyTop = 92;
inline constexpr double kBodyBottom = kPageHeight - 76;

struct Font {
  double points = 10;
  bool bold = false;
};

// A line of text. x is from the left edge of the page, baseline from the top of its row.
struct Placed {
  PangoLayoutLine* line = nullptr;
  double x = 0;
  double baseline = 0;
};
// Lines side by side: those of a label and of its value.
struct Row {
  std::vector<Placed> lines;
  double height = 0;
  double space_before = 0;
  // No page ends behind it.
  bool keeps_with_next = false;
};

// Lays text out and owns what it made. Confined to its thread.
class Pages {
 public:
  explicit Pages(PangoContext* context) : context_(context) {}

  // Lays the whole document out. Errors: those of pdf_of.
  [[nodiscard]] Status lay_out(const Document& document);
  [[nodiscard]] std::size_t count() const { return pages_.size(); }
  // Draws a page, from 0.
  void draw(cairo_t* cairo, std::size_t page, const Document& document);

 private:
  // A layout whose characters all have a font. It lives as long as this object.
  PangoLayout* layout(const std::string& text, const Font& font, double width);
  void add(const std::string& text, const Font& font, double space_before,
           bool keeps_with_next = false);
  void add(const Field& field, double space_before);
  // A line that begins at the left (0), in the middle (0.5) or ends at the right (1).
  void show(cairo_t* cairo, const std::string& text, const Font& font, double baseline,
            double align);

  PangoContext* const context_;
  std::deque<Owned<PangoLayout>> layouts_;
  std::vector<Row> rows_;
  // The first row of each page.
  std::vector<std::size_t> pages_;
  // Document::mark_detail; null without one.
  PangoLayout* mark_detail_ = nullptr;
  // Top of the body, which begins below it.
  double top_ = kBodyTop;
};

}  // namespace rabt::print

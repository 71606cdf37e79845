#include "hub/print/pages.hpp"

#include <pango/pangocairo.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "hub/print/text.hpp"

namespace rabt::print {

namespace {

// Families in the order in which a character is looked for; fontconfig knows which others have it.
constexpr const char* kFamilies = "Noto Sans, Noto Sans Arabic, DejaVu Sans, sans-serif";
constexpr Font kBody{};
constexpr Font kLabel{.points = 9};
constexpr Font kSmall{.points = 8.5};
constexpr Font kTitle{.points = 15, .bold = true};
constexpr Font kHeading{.points = 11, .bold = true};
constexpr Font kMark{.points = 12, .bold = true};
constexpr double kWidth = kPageWidth - 2 * kMargin;
constexpr double kLabelWidth = 190;
constexpr double kGutter = 12;
// Baseline of the mark, top of the lines below it, and of the rule from the top of the body.
constexpr double kMarkAt = 66;
constexpr double kDetailTop = 71;
constexpr double kRuleAbove = 16;
constexpr int kDetailLines = 8;

double points(int units) {
  return static_cast<double>(units) / PANGO_SCALE;
}

void style(PangoLayout* layout, const Font& font, double width) {
  PangoFontDescription* description = pango_font_description_new();
  pango_font_description_set_family_static(description, kFamilies);
  pango_font_description_set_size(description, static_cast<gint>(font.points * PANGO_SCALE));
  pango_font_description_set_weight(description,
                                    font.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_layout_set_font_description(layout, description);
  pango_font_description_free(description);
  pango_layout_set_auto_dir(layout, TRUE);
  pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
  if (width > 0) pango_layout_set_width(layout, static_cast<int>(width * PANGO_SCALE));
}

// The text with "[U+1F44B]" in the place of each character that no font has.
std::string with_names(PangoLayout* layout, const std::string& text) {
  std::vector<std::size_t> missing;
  for (GSList* line = pango_layout_get_lines_readonly(layout); line != nullptr; line = line->next) {
    for (GSList* run = static_cast<PangoLayoutLine*>(line->data)->runs; run != nullptr;
         run = run->next) {
      const auto* const item = static_cast<PangoLayoutRun*>(run->data);
      for (int i = 0; i < item->glyphs->num_glyphs; ++i) {
        if ((item->glyphs->glyphs[i].glyph & PANGO_GLYPH_UNKNOWN_FLAG) != 0)
          missing.push_back(
              static_cast<std::size_t>(item->item->offset + item->glyphs->log_clusters[i]));
      }
    }
  }
  std::sort(missing.begin(), missing.end());
  std::string out;
  std::size_t next = 0;
  for (const char* at = text.data(); at < text.data() + text.size(); at = g_utf8_next_char(at)) {
    const auto place = static_cast<std::size_t>(at - text.data());
    while (next < missing.size() && missing[next] < place) ++next;
    if (next < missing.size() && missing[next] == place) {
      out += name_of(g_utf8_get_char(at));
    } else {
      out.append(at, static_cast<const char*>(g_utf8_next_char(at)));
    }
  }
  return out;
}

// Calls `take` with each line of a layout: the line, its x, its baseline from the top of the
// line, and its height.
template <typename Take>
void each_line(PangoLayout* layout, Take&& take) {
  PangoLayoutIter* iter = pango_layout_get_iter(layout);
  do {
    PangoRectangle logical;
    pango_layout_iter_get_line_extents(iter, nullptr, &logical);
    take(pango_layout_iter_get_line_readonly(iter), points(logical.x),
         points(pango_layout_iter_get_baseline(iter) - logical.y), points(logical.height));
  } while (pango_layout_iter_next_line(iter) != FALSE);
  pango_layout_iter_free(iter);
}

}  // namespace

void ReleaseObject::operator()(void* object) const {
  g_object_unref(object);
}

PangoLayout* Pages::layout(const std::string& text, const Font& font, double width) {
  PangoLayout* const made =
      layouts_.emplace_back(Owned<PangoLayout>(pango_layout_new(context_))).get();
  style(made, font, width);
  pango_layout_set_text(made, text.data(), static_cast<int>(text.size()));
  if (pango_layout_get_unknown_glyphs_count(made) > 0) {
    const std::string named = with_names(made, text);
    pango_layout_set_text(made, named.data(), static_cast<int>(named.size()));
  }
  return made;
}

void Pages::add(const std::string& text, const Font& font, double space_before,
                bool keeps_with_next) {
  bool first = true;
  each_line(layout(text, font, kWidth),
            [&](PangoLayoutLine* line, double x, double baseline, double height) {
              rows_.push_back({.lines = {{.line = line, .x = kMargin + x, .baseline = baseline}},
                               .height = height,
                               .space_before = first ? space_before : 0,
                               .keeps_with_next = keeps_with_next});
              first = false;
            });
}

void Pages::add(const Field& field, double space_before) {
  std::vector<Row> rows;
  const auto take = [&](PangoLayout* of, double left) {
    std::size_t at = 0;
    each_line(of, [&](PangoLayoutLine* line, double x, double baseline, double height) {
      if (at == rows.size()) rows.emplace_back();
      Row& row = rows[at++];
      row.lines.push_back({.line = line, .x = left + x, .baseline = baseline});
      row.height = std::max(row.height, height);
    });
  };
  take(layout(line_of(field.label), kLabel, kLabelWidth), kMargin);
  take(layout(line_of(field.value), kBody, kWidth - kLabelWidth - kGutter),
       kMargin + kLabelWidth + kGutter);
  for (Row& row : rows) {
    // Both stand on one line, whatever their sizes.
    double baseline = 0;
    for (const Placed& one : row.lines) baseline = std::max(baseline, one.baseline);
    for (Placed& placed : row.lines) placed.baseline = baseline;
    row.height += 1.5;
  }
  if (!rows.empty()) rows.front().space_before = space_before;
  std::move(rows.begin(), rows.end(), std::back_inserter(rows_));
}

Status Pages::lay_out(const Document& document) {
  // Letters of both languages of the headings: nobody can read a page without.
  for (const char* letters : {"السجل الطبي", "Record"}) {
    const Owned<PangoLayout> probe(pango_layout_new(context_));
    style(probe.get(), kBody, 0);
    pango_layout_set_text(probe.get(), letters, -1);
    if (pango_layout_get_unknown_glyphs_count(probe.get()) > 0)
      return unavailable("print.font",
                         "no font of this machine has Arabic and Latin letters; install the "
                         "Debian package fonts-noto-core and start the hub again");
  }
  if (!document.mark_detail.empty()) {
    mark_detail_ = layout(line_of(document.mark_detail), kSmall, kWidth);
    pango_layout_set_alignment(mark_detail_, PANGO_ALIGN_CENTER);
    pango_layout_set_ellipsize(mark_detail_, PANGO_ELLIPSIZE_END);
    // Pango takes a count of lines as a negative height.
    pango_layout_set_height(mark_detail_, -kDetailLines);
    int height = 0;
    pango_layout_get_size(mark_detail_, nullptr, &height);
    top_ = kBodyTop + points(height);
  }
  add(line_of(document.title), kTitle, 0, true);
  for (const Section& section : document.sections) {
    if (!section.heading.empty()) add(line_of(section.heading), kHeading, 12, true);
    double space = section.heading.empty() ? 8 : 3;
    for (const Field& field : section.fields) add(field, std::exchange(space, 0));
    for (const std::string& text : section.texts) {
      space = 4;
      for (const std::string& paragraph : paragraphs_of(text))
        add(paragraph, kBody, std::exchange(space, 2));
    }
  }
  double y = kBodyBottom + 1;
  for (std::size_t at = 0; at < rows_.size();) {
    // Rows that no page may part.
    std::size_t last = at;
    while (rows_[last].keeps_with_next && last + 1 < rows_.size()) ++last;
    double needed = 0;
    for (std::size_t i = at; i <= last; ++i) needed += rows_[i].space_before + rows_[i].height;
    if (y + needed > kBodyBottom) {
      // Headings without end take the page they need, and no more.
      if (needed > kBodyBottom - top_) last = at, needed = rows_[at].height;
      if (pages_.empty() || y + needed > kBodyBottom) {
        if (pages_.size() == kMaxPages)
          return invalid("print.too_large",
                         "the document has more than " + std::to_string(kMaxPages) + " pages");
        pages_.push_back(at);
        y = top_;
      }
    }
    for (; at <= last; ++at) y += rows_[at].space_before + rows_[at].height;
  }
  return ok_status();
}

void Pages::show(cairo_t* cairo, const std::string& text, const Font& font, double baseline,
                 double align) {
  // One line, which an ellipsis ends.
  PangoLayout* const one = layout(text, font, kWidth);
  pango_layout_set_ellipsize(one, PANGO_ELLIPSIZE_END);
  PangoLayoutLine* const line = pango_layout_get_line_readonly(one, 0);
  PangoRectangle logical;
  pango_layout_line_get_extents(line, nullptr, &logical);
  cairo_move_to(cairo, kMargin + (kWidth - points(logical.width)) * align, baseline);
  pango_cairo_show_layout_line(cairo, line);
}

void Pages::draw(cairo_t* cairo, std::size_t page, const Document& document) {
  const auto rule = [&](double y) {
    cairo_set_line_width(cairo, 0.5);
    cairo_move_to(cairo, kMargin, y);
    cairo_line_to(cairo, kPageWidth - kMargin, y);
    cairo_stroke(cairo);
  };
  cairo_set_source_rgb(cairo, 0, 0, 0);
  show(cairo, line_of(document.house), kSmall, 48, 0.5);
  if (!document.mark.empty()) show(cairo, line_of(document.mark), kMark, kMarkAt, 0.5);
  if (mark_detail_ != nullptr) {
    cairo_move_to(cairo, kMargin, kDetailTop);
    pango_cairo_show_layout(cairo, mark_detail_);
  }
  rule(top_ - kRuleAbove);
  double y = top_;
  const std::size_t end = page + 1 < pages_.size() ? pages_[page + 1] : rows_.size();
  for (std::size_t at = pages_[page]; at < end; ++at) {
    const Row& row = rows_[at];
    if (at != pages_[page]) y += row.space_before;
    for (const Placed& line : row.lines) {
      cairo_move_to(cairo, line.x, y + line.baseline);
      pango_cairo_show_layout_line(cairo, line.line);
    }
    y += row.height;
  }
  rule(kPageHeight - 62);
  show(cairo, line_of(document.foot), kSmall, kPageHeight - 48, 0.5);
  const std::string number = std::to_string(page + 1);
  const std::string count = std::to_string(pages_.size());
  show(cairo, "Page " + number + " of " + count + " · صفحة " + number + " من " + count, kSmall,
       kPageHeight - 34, 0.5);
}

}  // namespace rabt::print

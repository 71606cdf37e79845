#include "hub/print/document.hpp"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include <memory>
#include <string_view>

#include "hub/base/mutex.hpp"
#include "hub/print/pages.hpp"

namespace rabt::print {

namespace {

std::size_t bytes_of(const Document& document) {
  std::size_t bytes = document.house.size() + document.title.size() + document.mark.size() +
                      document.mark_detail.size() + document.foot.size();
  for (const Section& section : document.sections) {
    bytes += section.heading.size();
    for (const Field& field : section.fields) bytes += field.label.size() + field.value.size();
    for (const std::string& text : section.texts) bytes += text.size();
  }
  return bytes;
}

cairo_status_t take(void* out, const unsigned char* data, unsigned int length) {
  auto& pdf = *static_cast<std::string*>(out);
  if (pdf.size() + length > kMaxPdf) return CAIRO_STATUS_WRITE_ERROR;
  // Cairo calls through C, which no exception passes.
  try {
    pdf.append(reinterpret_cast<const char*>(data), length);
  } catch (const std::bad_alloc&) {
    return CAIRO_STATUS_NO_MEMORY;
  }
  return CAIRO_STATUS_SUCCESS;
}

// Fonts of the process, for one document at a time: Pango shares no map of fonts between threads.
struct Fonts {
  Mutex mutex;
  Owned<PangoFontMap> map RABT_GUARDED_BY(mutex);
};
Fonts& fonts() {
  static Fonts those;
  return those;
}

Result<std::string> draw(PangoFontMap* map, const Document& document) {
  std::string out;
  const std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> surface(
      cairo_pdf_surface_create_for_stream(&take, &out, kPageWidth, kPageHeight),
      &cairo_surface_destroy);
  // Cairo takes whole seconds.
  const std::string at = to_iso8601(document.at).substr(0, 19) + "Z";
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_CREATE_DATE, at.c_str());
  cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_TITLE, document.title.c_str());
  const std::unique_ptr<cairo_t, decltype(&cairo_destroy)> cairo(cairo_create(surface.get()),
                                                                 &cairo_destroy);
  const Owned<PangoContext> context(pango_font_map_create_context(map));
  pango_cairo_update_context(cairo.get(), context.get());
  // Letters stand where their font says, and not at whole points.
  pango_context_set_round_glyph_positions(context.get(), FALSE);
  Pages pages(context.get());
  RABT_TRY_STATUS(pages.lay_out(document));
  for (std::size_t page = 0; page < pages.count(); ++page) {
    pages.draw(cairo.get(), page, document);
    cairo_show_page(cairo.get());
  }
  cairo_surface_finish(surface.get());
  const cairo_status_t status = cairo_surface_status(surface.get());
  if (status == CAIRO_STATUS_WRITE_ERROR)
    return invalid("print.too_large", "the PDF has more than 16 MiB");
  if (status != CAIRO_STATUS_SUCCESS)
    return unavailable("print.failed",
                       std::string("Cairo made no PDF: ") + cairo_status_to_string(status));
  return out;
}

}  // namespace

Result<std::string> pdf_of(const Document& document) {
  if (bytes_of(document) > kMaxText)
    return invalid("print.too_large", "the document has more than 4 MiB of text");
  Fonts& shared = fonts();
  const Lock lock(shared.mutex);
  if (shared.map == nullptr) {
    shared.map.reset(pango_cairo_font_map_new());
    // One unit of the page is a point.
    pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(shared.map.get()), 72);
  }
  return draw(shared.map.get(), document);
}

}  // namespace rabt::print

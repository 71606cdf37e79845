#include "hub/workflow/run/openapi.hpp"

#include "hub/base/uri.hpp"
#include "hub/workflow/run/uri_template.hpp"
#include "tests/fuzz/input.hpp"

// A document, an operation's id, parameters and a URI, between NUL bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  const auto parts = fuzz::parts(fuzz::text(data, size), 4);
  const auto parameters = Json::parse(parts[2]);
  const Json given = parameters.ok() ? *parameters : Json();
  (void)resolve_uri(parts[3], parts[1]);
  const auto expanded = workflow::expand_uri_template(parts[3], given);
  if (expanded.ok()) {
    for (const char c : *expanded)
      fuzz::require(c > 0x20 && c < 0x7f && c != '"' && c != '<',
                    "an expanded URI holds URI characters");
  }
  const auto quoted = [](std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return Json::parse(out);
  };
  const auto text = quoted(parts[0]);
  if (!text.ok()) return 0;
  const auto document = workflow::openapi_document(*text);
  if (!document.ok()) {
    fuzz::require(document.error().code == "configuration", "a refusal has its code");
    return 0;
  }
  const auto request =
      workflow::openapi_request(*document, "https://example.org/a/b", parts[1], given);
  if (!request.ok()) {
    fuzz::require(request.error().code == "configuration" || request.error().code == "validation",
                  "a refusal has its code");
    return 0;
  }
  fuzz::require(request->uri.starts_with("http://") || request->uri.starts_with("https://"),
                "a request goes to http or https");
  fuzz::require(request->headers.is_object(), "headers are an object");
  return 0;
}

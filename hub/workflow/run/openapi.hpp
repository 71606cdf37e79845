#pragma once

#include <string>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// From an OpenAPI document (3.0, 3.1, or Swagger 2.0) and the parameters of a call to one HTTP
// request. Pure; the document is hostile input.
namespace rabt::workflow {

struct HttpRequest {
  std::string method;
  std::string uri;                // absolute, with its query
  Json headers = Json::object();  // every value is a text
  Json body;                      // a text is sent as it is, everything else as JSON
  bool has_body = false;
};

// The document as it was fetched, from JSON or YAML. body: as in an HTTP answer (execution.hpp).
// Error code configuration if the text is neither, or not an OpenAPI document of a version that is
// read here.
[[nodiscard]] Result<Json> openapi_document(const Json& body);

// Parameters are placed by the operation's `in`, with its style (OpenAPI 3.0.3, "Style Values";
// Swagger 2.0, collectionFormat). Names that no parameter has are members of the body; `body` is
// the whole body. The server is the first of the operation, the path or the document, against the
// document's URI. Errors: code `configuration`, the document has no such operation or asks for what
// is not supported; code `validation`, the parameters do not fit the operation. Messages hold
// names, no values.
[[nodiscard]] Result<HttpRequest> openapi_request(const Json& document,
                                                  std::string_view document_uri,
                                                  std::string_view operation_id,
                                                  const Json& parameters);

// application/x-www-form-urlencoded: arrays repeat their name, objects become JSON.
[[nodiscard]] std::string form_encode(const Json& members);

// The value of a header of an object, whatever its letters' case; nullptr when absent.
[[nodiscard]] const Json* find_header(const Json& headers, std::string_view lower_case_name);

// application/json or anything with +json.
[[nodiscard]] bool is_json_media_type(std::string_view content_type);

}  // namespace rabt::workflow

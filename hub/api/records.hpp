#pragma once

#include "hub/api/routes.hpp"

// What is written in a session, where an answer is more than the record itself.
namespace rabt::api {

// A refusal for patient data in the text names their kinds in `phiTypes`.
[[nodiscard]] Result<http::Response> send_message(Resources& resources, const Call& call);
[[nodiscard]] Result<http::Response> share_document(Resources& resources, const Call& call);
// The bytes as they were shared. A browser stores them and never shows them as a page of the hub.
[[nodiscard]] Result<http::Response> document_content(Resources& resources, const Call& call);

}  // namespace rabt::api

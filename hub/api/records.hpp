#pragma once

#include "hub/api/routes.hpp"
#include "hub/consultation/record/document_kind.hpp"

// Records of a session whose answers hold more than the record itself.
namespace rabt::api {

// A refusal for patient data in the text names their kinds in `phiTypes`.
[[nodiscard]] Result<http::Response> send_message(Resources& resources, const Call& call);
// A document in JSON, in base64.
[[nodiscard]] Result<http::Response> share_document(Resources& resources, const Call& call);
// A document as the file of a form, or as the body itself. Null for JSON.
[[nodiscard]] Result<std::unique_ptr<Upload>> open_document(Resources& resources, const Call& call);
// The largest document, and what a form has around it.
inline constexpr std::uint64_t kMaxDocumentForm = consultation::kMaxDocumentBytes + (64U << 10U);
// The bytes as they were shared. A browser stores them and never shows them as a page of the hub.
[[nodiscard]] Result<http::Response> document_content(Resources& resources, const Call& call);
// A note as a PDF, which a browser may show. Its name says nothing of the patient.
[[nodiscard]] Result<http::Response> note_pdf(Resources& resources, const Call& call);

}  // namespace rabt::api

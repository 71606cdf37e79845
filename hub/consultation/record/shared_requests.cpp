#include "hub/consultation/record/shared_requests.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/consultation/record/shared_views.hpp"

namespace rabt::consultation {

namespace {

constexpr std::string_view kRoles[] = {"doctor",  "specialist",    "nurse",
                                       "patient", "family_member", "admin"};

std::vector<std::string> read_shown_to(Fields& fields) {
  const Json& roles = fields.raw("shownTo");
  if (roles.is_null()) return {};
  const bool good =
      roles.is_array() && !roles.as_array().empty() &&
      std::all_of(roles.as_array().begin(), roles.as_array().end(), [](const Json& role) {
        return role.is_string() && std::find(std::begin(kRoles), std::end(kRoles),
                                             role.as_string()) != std::end(kRoles);
      });
  if (good) return texts_in(roles);
  fields.wrong("shownTo",
               "it must list roles: doctor, specialist, nurse, patient, family_member, admin");
  return {};
}

// Without the roles, whose mistakes come last.
DescribedDocument read_document(Fields& fields, std::string session) {
  DescribedDocument document{.session = std::move(session), .type = {}, .content_type = {}};
  document.type = upper(fields.needed_text("documentType", 16));
  document.title = fields.text("title", 500);
  document.content_type = fields.needed_text("contentType", 255);
  return document;
}

}  // namespace

Asked<DescribedDocument> described_document_in(Fields& fields, std::string session) {
  DescribedDocument document = read_document(fields, std::move(session));
  document.shown_to = read_shown_to(fields);
  RABT_TRY_STATUS(fields.done());
  return document;
}

Asked<ShareDocument> shared_document_in(Fields& fields, std::string session) {
  ShareDocument request{.document = read_document(fields, std::move(session)), .data = {}};
  const Json& data = fields.raw("data");
  if (data.is_string()) {
    request.data = data.as_string();
  } else {
    fields.wrong("data", "it must be base64 text");
  }
  request.document.shown_to = read_shown_to(fields);
  RABT_TRY_STATUS(fields.done());
  return request;
}

}  // namespace rabt::consultation

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/consultation/document_kind.hpp"
#include "hub/consultation/document_text.hpp"
#include "hub/consultation/record/record_service.hpp"

// Documents that people share in a session. The content is a sealed blob.
namespace rabt::consultation {

namespace {

constexpr std::string_view kRoles[] = {"doctor",  "specialist",    "nurse",
                                       "patient", "family_member", "admin"};

// shownTo: roles; empty stands for everybody who may read documents.
Json read_shown_to(Fields& fields, const Json& body) {
  const Json& roles = body["shownTo"];
  if (roles.is_null()) return Json::array();
  const bool good =
      roles.is_array() && !roles.as_array().empty() &&
      std::all_of(roles.as_array().begin(), roles.as_array().end(), [](const Json& role) {
        return role.is_string() && std::find(std::begin(kRoles), std::end(kRoles),
                                             role.as_string()) != std::end(kRoles);
      });
  if (good) return roles;
  fields.wrong("shownTo",
               "it must list roles: doctor, specialist, nurse, patient, family_member, admin");
  return Json::array();
}

}  // namespace

Answer RecordService::documents(const Ask& ask) {
  return list(ask, RecordKind::document, "session.read", &document_json);
}

Answer RecordService::share_document(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"documentType", "title", "contentType", "data", "shownTo"});
  const std::string type = upper(fields.needed_text("documentType", 16));
  const std::string title = fields.text("title", 500);
  const std::string content_type = fields.needed_text("contentType", 255);
  const Json& data = ask.body["data"];
  if (!data.is_string()) fields.wrong("data", "it must be base64 text");
  const Json shown_to = read_shown_to(fields, ask.body);
  RABT_TRY_STATUS(fields.done());
  RABT_TRY(of, parts_.sessions.membership(ask));
  RABT_TRY(allowed, may_write(ask, of, RecordKind::document));
  RABT_TRY_STATUS(not_over(of));
  RABT_TRY(bytes, document_bytes(data.as_string()));
  RABT_TRY_STATUS(check_document(type, content_type, bytes));

  RecordAct act{.record = fresh(ask, of, RecordKind::document), .also = {}};
  const std::string text = text_of_document(type, bytes);
  RABT_TRY_STATUS(screen(ask, of, parts_.documents, title + "\n" + text, "document", act));

  RABT_TRY(writer, parts_.blobs.create(of.tenant, content_type));
  RABT_TRY_STATUS(writer->write(bytes));
  RABT_TRY(blob, writer->finish());
  const Timestamp retain_until =
      keys::after(parts_.clock.now(), parts_.keys.policy().classes.find(keys::kRecording)->second);
  RABT_TRY(bucket, parts_.keys.ensure_bucket(of.tenant, keys::kRecording, retain_until));
  RABT_TRY(lease, parts_.keys.lease(of.tenant));

  Json& document = act.record.document;
  document.set("documentType", type);
  if (!title.empty()) document.set("title", title);
  document.set("contentType", content_type);
  document.set("bytes", blob.bytes);
  document.set("sha256", blob.sha256);
  document.set("shownTo", shown_to);
  act.record.blob = blob.id;
  act.also = [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(
        parts_.blobs.adopt(transaction, of.tenant, blob.id, "document:" + act.record.id));
    return parts_.keys.move(transaction, lease, blob.data_key, bucket);
  };
  act.acts.emplace_back("document.shared", Json::object({{"document", act.record.id},
                                                         {"type", type},
                                                         {"bytes", blob.bytes},
                                                         {"sha256", blob.sha256}}));
  act.events.emplace_back("document-shared",
                          Json::object({{"document", act.record.id}, {"documentType", type}}));
  act.shape = &document_json;
  RABT_TRY_STATUS(book_.commit(allowed, ask, of, parts_.sessions, act));
  return document_json(act.record);
}

Answer RecordService::document(const Ask& ask) {
  RABT_TRY(found, find(ask, RecordKind::document));
  RABT_TRY_STATUS(
      audit_reading(ask, found.of, "session.read", Json::object({{"document", found.record.id}})));
  return document_json(found.record);
}

Result<Records::Content> RecordService::document_content(const Ask& ask) {
  RABT_TRY(found, find(ask, RecordKind::document));
  RABT_TRY(reader, parts_.blobs.open(found.of.tenant, found.record.blob));
  RABT_TRY_STATUS(
      audit_reading(ask, found.of, "document.read", Json::object({{"document", found.record.id}})));
  Content content{.content_type = found.record.document.string_or("contentType", ""), .bytes = {}};
  content.bytes.reserve(reader->info().bytes);
  RABT_TRY_STATUS(reader->read(0, reader->info().bytes, [&](std::string_view piece) {
    content.bytes.append(piece);
    return ok_status();
  }));
  return content;
}

}  // namespace rabt::consultation

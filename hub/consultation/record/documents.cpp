#include "hub/consultation/record/documents.hpp"

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/consultation/record/document_text.hpp"
#include "hub/consultation/record/rights.hpp"

namespace rabt::consultation {

namespace {

// Error conflict document.quota: with so many more the session, or the caller in it, has too many.
Status check_quota(store::Connection& connection, const Membership& of, std::int64_t more) {
  RABT_TRY(count, RecordBook::count(connection, of, RecordKind::document));
  const bool own = !of.participant.empty() && count.own + more > kMostDocumentsOfOne;
  if (!own && count.all + more <= kMostDocuments) return ok_status();
  return conflict("document.quota", own ? "one participant shares at most 40 documents in a session"
                                        : "a session has at most 100 documents");
}

}  // namespace

DocumentUpload::~DocumentUpload() {
  if (shared_ || id_.empty()) return;
  writer_.reset();
  office_.parts().blobs.discard(tenant_, id_);
}

Status DocumentUpload::take(std::string_view piece) {
  if (bytes_ + piece.size() > kMaxDocumentBytes)
    return invalid("document.too_large", "a document has at most 50 MiB");
  RABT_TRY_STATUS(begin());
  bytes_ += piece.size();
  signs_.take(piece);
  return writer_->write(piece);
}

Status DocumentUpload::judge(std::string_view type, std::string_view content_type) const {
  return signs_.has_beginning() ? signs_.check(upper(type), content_type) : ok_status();
}

Status DocumentUpload::begin() {
  if (writer_ != nullptr) return ok_status();
  RABT_TRY(writer, office_.parts().blobs.create(tenant_, "application/octet-stream"));
  writer_ = std::move(writer);
  id_ = writer_->id();
  return ok_status();
}

Result<DocumentUpload::Read> DocumentUpload::text(std::string_view type) const {
  DocumentText found(type);
  RABT_TRY(reader, office_.parts().blobs.open(tenant_, id_));
  RABT_TRY_STATUS(reader->read(0, bytes_, [&](std::string_view piece) {
    found.take(piece);
    return ok_status();
  }));
  std::string text = found.finish();
  return Read{.text = std::move(text), .unscreened = found.unscreened()};
}

Result<DocumentView> DocumentUpload::finish(const Caller& caller,
                                            const Asked<DescribedDocument>& asked) {
  RABT_TRY(request, asked);
  if (bytes_ == 0) return invalid("api.invalid", "data: it is needed");
  RABT_TRY_STATUS(signs_.check(request.type, request.content_type));
  // The bytes may have come for minutes: what the caller was then, he may be no more.
  const RecordParts& parts = office_.parts();
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::document));
  RABT_TRY_STATUS(open_or_again(caller, of));
  RABT_TRY(blob, writer_->finish());

  RecordAct act{.record = office_.fresh(caller, of, RecordKind::document), .also = {}};
  RABT_TRY(found, text(request.type));
  RABT_TRY_STATUS(office_.screen(caller, of, parts.documents, request.title + "\n" + found.text,
                                 "document", act));

  const Timestamp retain_until =
      keys::after(parts.clock.now(), parts.keys.policy().classes.find(keys::kRecording)->second);
  RABT_TRY(bucket, parts.keys.ensure_bucket(of.tenant, keys::kRecording, retain_until));
  RABT_TRY(lease, parts.keys.lease(of.tenant));

  Json& document = act.record.document;
  document.set("documentType", request.type);
  if (!request.title.empty()) document.set("title", request.title);
  document.set("contentType", request.content_type);
  document.set("bytes", blob.bytes);
  document.set("sha256", blob.sha256);
  document.set("shownTo", list_of_texts(request.shown_to));
  document.set("unscreened", found.unscreened);
  act.record.blob = blob.id;
  act.also = [&](store::Transaction& transaction) -> Status {
    // Uploads that came at once are counted again, each with its own row.
    RABT_TRY_STATUS(check_quota(transaction, of, 0));
    RABT_TRY_STATUS(
        parts.blobs.adopt(transaction, of.tenant, blob.id, "document:" + act.record.id));
    return parts.keys.move(transaction, lease, blob.data_key, bucket);
  };
  act.acts.emplace_back("document.shared", Json::object({{"document", act.record.id},
                                                         {"type", request.type},
                                                         {"bytes", blob.bytes},
                                                         {"sha256", blob.sha256},
                                                         {"unscreened", found.unscreened}}));
  Json data = Json::object({{"document", act.record.id}, {"documentType", request.type}});
  if (!of.participant.empty()) data.set("from", of.participant);
  if (!request.shown_to.empty()) data.set("shownTo", list_of_texts(request.shown_to));
  if (is_withheld(act.record)) data.set("withheld", true);
  act.events.emplace_back("document-shared", std::move(data));
  act.shape = &shown_as<&document_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  // A step that came twice shared the first time's bytes.
  shared_ = act.record.blob == blob.id;
  return document_view(act.record);
}

Result<RecordList<DocumentView>> Documents::list(const Caller& caller,
                                                 const Asked<ListRecords>& asked) {
  RABT_TRY(found, office_.page(caller, asked, RecordKind::document));
  return list_of(std::move(found), &document_view);
}

Result<std::unique_ptr<DocumentUpload>> Documents::begin(const Caller& caller,
                                                         const Asked<BeginDocument>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY_STATUS(may_write(caller, of, RecordKind::document));
  RABT_TRY_STATUS(open_or_again(caller, of));
  RABT_TRY_STATUS(office_.parts().store.read(
      [&](store::Connection& connection) { return check_quota(connection, of, 1); }));
  return std::make_unique<DocumentUpload>(office_, of.tenant);
}

Result<DocumentView> Documents::share(const Caller& caller, const Asked<ShareDocument>& asked) {
  if (!asked.ok()) return asked.error();
  const ShareDocument& request = *asked;
  RABT_TRY(upload, begin(caller, BeginDocument{.session = request.document.session}));
  RABT_TRY(bytes, document_bytes(request.data));
  RABT_TRY_STATUS(upload->take(bytes));
  return upload->finish(caller, request.document);
}

Result<DocumentView> Documents::read(const Caller& caller, const Asked<NamedRecord>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(found, office_.find(caller, RecordKind::document, request.record));
  RABT_TRY_STATUS(office_.audit_reading(caller, found.of, "session.read",
                                        Json::object({{"document", found.record.id}})));
  return document_view(found.record);
}

Result<Documents::Content> Documents::content(const Caller& caller,
                                              const Asked<NamedRecord>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(found, office_.find(caller, RecordKind::document, request.record));
  RABT_TRY(reader, office_.parts().blobs.open(found.of.tenant, found.record.blob));
  RABT_TRY_STATUS(office_.audit_reading(caller, found.of, "document.read",
                                        Json::object({{"document", found.record.id}})));
  return Content{.content_type = document_view(found.record).content_type,
                 .reader = std::move(reader)};
}

}  // namespace rabt::consultation

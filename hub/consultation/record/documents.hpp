#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "hub/blob/blob_store.hpp"
#include "hub/consultation/record/document_kind.hpp"
#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"
#include "hub/consultation/record/shared_requests.hpp"
#include "hub/consultation/record/shared_views.hpp"

namespace rabt::consultation {

// A document on its way in, sealed as it comes, in a blob of nobody's, which the commit takes over.
// Destroyed before finish() is ok, it leaves nothing behind. Not thread-safe.
class DocumentUpload {
 public:
  // Made by Documents::begin.
  DocumentUpload(RecordOffice& office, std::string tenant)
      : office_(office), tenant_(std::move(tenant)) {}
  ~DocumentUpload();
  DocumentUpload(const DocumentUpload&) = delete;
  DocumentUpload& operator=(const DocumentUpload&) = delete;

  // The next bytes, cut anywhere. Errors: invalid document.too_large; unavailable blob.*.
  Status take(std::string_view piece);
  // Compares the types that the caller names with the bytes that have come: a mistake is found by
  // the first KiB, before the rest is sent. Error invalid document.type.
  [[nodiscard]] Status judge(std::string_view type, std::string_view content_type) const;
  // One commit shares the document. Errors: invalid api.invalid, document.type, phi.exposed; those
  // of Documents::begin.
  Result<DocumentView> finish(const Caller& caller, const Asked<DescribedDocument>& asked);

 private:
  // The row of the blob, which the first bytes need.
  Status begin();
  struct Read {
    std::string text;
    // DocumentText::unscreened.
    bool unscreened = false;
  };
  // The text in it, which is read back from the blob: only now is it known what it is.
  [[nodiscard]] Result<Read> text(std::string_view type) const;

  RecordOffice& office_;
  const std::string tenant_;
  // Empty until there is a blob.
  std::string id_;
  std::unique_ptr<blob::BlobWriter> writer_;
  DocumentSigns signs_;
  std::uint64_t bytes_ = 0;
  bool shared_ = false;
};

// Documents that people share in a session. The content is a sealed blob. Internally synchronised.
class Documents {
 public:
  explicit Documents(RecordOffice& office) : office_(office) {}

  Result<RecordList<DocumentView>> list(const Caller& caller, const Asked<ListRecords>& asked);
  Result<DocumentView> share(const Caller& caller, const Asked<ShareDocument>& asked);
  // The caller may share documents in the session now. Errors: denied authorisation.denied,
  // conflict session.<status>.
  Result<std::unique_ptr<DocumentUpload>> begin(const Caller& caller,
                                                const Asked<BeginDocument>& asked);
  Result<DocumentView> read(const Caller& caller, const Asked<NamedRecord>& asked);
  struct Content {
    std::string content_type;
    std::unique_ptr<blob::BlobReader> reader;
  };
  Result<Content> content(const Caller& caller, const Asked<NamedRecord>& asked);

 private:
  RecordOffice& office_;
};

}  // namespace rabt::consultation

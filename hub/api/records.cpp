#include "hub/api/records.hpp"

#include <utility>

#include "hub/api/asks.hpp"
#include "hub/api/requests/record_list.hpp"
#include "hub/api/requests/shared_requests.hpp"
#include "hub/api/resources.hpp"
#include "hub/base/ascii.hpp"
#include "hub/base/utf8.hpp"
#include "hub/consultation/record/records.hpp"
#include "hub/http/form.hpp"
#include "hub/http/problem.hpp"

namespace rabt::api {

using http::Response;

namespace {

// The answer to a text with patient data names its kinds.
Result<Response> refused(const Error& error) {
  const std::vector<std::string> kinds = consultation::exposed_kinds(error);
  if (kinds.empty()) return error;
  Response response = http::problem(error);
  auto document = Json::parse(response.body);
  if (!document.ok()) return response;
  Json types = Json::array();
  for (const std::string& kind : kinds) types.push_back(kind);
  document->set("phiTypes", std::move(types));
  response.body = document->dump();
  return response;
}

template <typename View>
Result<Response> created(const Result<View>& record) {
  return record.ok() ? answer(201, to_json(*record)) : refused(record.error());
}

}  // namespace

Result<Response> send_message(Resources& resources, const Call& call) {
  RABT_TRY(ask, keeping(call, 201));
  return created(resources.records->chat.send(ask.caller, send_message_of(ask)));
}

namespace {

// The most of a field of a form that is no file.
constexpr std::size_t kMaxFormField = 4U << 10U;

// The common part of both kinds of upload: the document, and what its sender says about the bytes.
class DocumentBody : public Upload {
 public:
  explicit DocumentBody(std::unique_ptr<consultation::DocumentUpload> document)
      : document_(std::move(document)) {}

 protected:
  Status take_document(std::string_view piece) {
    RABT_TRY_STATUS(document_->take(piece));
    const std::string type = said_.string_or("documentType", "");
    const std::string content_type = said_.string_or("contentType", "");
    if (type.empty() || content_type.empty()) return ok_status();
    return document_->judge(type, content_type);
  }
  Result<Response> share(const Call& call) {
    RABT_TRY(ask, keeping(call, 201));
    const std::string content_type = said_.string_or("contentType", "");
    if (said_.find("documentType") == nullptr && !content_type.empty())
      said_.set("documentType", consultation::document_type_of(content_type));
    ask.body = std::move(said_);
    return created(document_->finish(ask.caller, described_document_of(ask)));
  }
  void show_to(std::string_view role) {
    Json roles = said_["shownTo"];
    if (!roles.is_array()) roles = Json::array();
    roles.push_back(role);
    said_.set("shownTo", std::move(roles));
  }

  // The body of an ask: documentType, title, contentType, shownTo.
  Json said_ = Json::object();

 private:
  std::unique_ptr<consultation::DocumentUpload> document_;
};

// The body is the document. A title, which is patient data, has no place in an address.
class BareDocument final : public DocumentBody {
 public:
  BareDocument(std::unique_ptr<consultation::DocumentUpload> document, const http::Request& head)
      : DocumentBody(std::move(document)) {
    said_.set("contentType", head.header("content-type"));
    for (const auto& [name, value] : head.query) {
      if (name == "documentType") said_.set("documentType", value);
      if (name == "shownTo") show_to(value);
    }
  }
  Status take(std::string_view piece) override { return take_document(piece); }
  Result<Response> finish(const Call& call) override { return share(call); }
};

// A form: the file under `file`, the rest under its name; shownTo as often as there are roles.
class DocumentForm final : public DocumentBody, private http::FormSink {
 public:
  DocumentForm(std::unique_ptr<consultation::DocumentUpload> document, std::string_view boundary)
      : DocumentBody(std::move(document)), reader_(boundary, *this) {}
  Status take(std::string_view piece) override { return reader_.take(piece); }
  Result<Response> finish(const Call& call) override {
    RABT_TRY_STATUS(reader_.finish());
    if (said_.find("title") == nullptr && !file_name_.empty()) said_.set("title", file_name_);
    return share(call);
  }

 private:
  Status begin_part(const http::FormPart& part) override {
    name_ = part.name;
    text_.clear();
    if (name_ != "file") return ok_status();
    if (std::exchange(has_file_, true))
      return invalid("api.invalid", "file: a form shares one document");
    file_name_ = part.file_name.value_or("");
    if (said_.find("contentType") == nullptr && !part.content_type.empty())
      said_.set("contentType", part.content_type);
    return ok_status();
  }
  Status take_part(std::string_view piece) override {
    if (name_ == "file") return take_document(piece);
    if (text_.size() + piece.size() > kMaxFormField)
      return invalid("api.invalid", "a field of the form is too long");
    text_ += piece;
    return ok_status();
  }
  Status end_part() override {
    if (name_ == "file") return ok_status();
    if (!is_utf8(text_)) return invalid("api.invalid", "a field of the form must be UTF-8");
    if (name_ == "shownTo") {
      show_to(text_);
    } else {
      said_.set(name_, text_);
    }
    return ok_status();
  }

  http::FormReader reader_;
  std::string name_;
  std::string text_;
  std::string file_name_;
  bool has_file_ = false;
};

}  // namespace

Result<Response> share_document(Resources& resources, const Call& call) {
  RABT_TRY(ask, keeping(call, 201));
  return created(resources.records->documents.share(ask.caller, share_document_of(ask)));
}

Result<std::unique_ptr<Upload>> open_document(Resources& resources, const Call& call) {
  const std::string_view type = call.request.header("content-type");
  const std::string essence = lower(trim(type.substr(0, type.find(';'))));
  // JSON, and what programs send JSON as when they are not told to say so.
  if (essence.empty() || essence == "application/json" ||
      essence == "application/x-www-form-urlencoded")
    return std::unique_ptr<Upload>();
  const bool form = essence == "multipart/form-data";
  const auto boundary = http::form_boundary(type);
  if (form && !boundary) return invalid("http.form", "the form's Content-Type names no boundary");
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(document, resources.records->documents.begin(ask.caller, begin_document_of(ask)));
  std::unique_ptr<Upload> upload;
  if (form) {
    upload = std::make_unique<DocumentForm>(std::move(document), *boundary);
  } else {
    upload = std::make_unique<BareDocument>(std::move(document), call.request);
  }
  return upload;
}

Result<Response> document_content(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(content, resources.records->documents.content(ask.caller, named_record_of(ask)));
  const std::shared_ptr<blob::BlobReader> reader = std::move(content.reader);
  const std::uint64_t bytes = reader->info().bytes;
  return Response{
      .status = 200,
      .headers = {{"Content-Type", content.content_type},
                  {"Content-Disposition", "attachment"},
                  {"X-Content-Type-Options", "nosniff"},
                  {"Cache-Control", "no-store"}},
      .stream = [reader, bytes](const auto& write) { return reader->read(0, bytes, write); },
      .stream_length = bytes};
}

Result<Response> note_pdf(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(pdf, resources.records->note_papers.pdf(ask.caller, named_record_of(ask)));
  return Response{.status = 200,
                  .headers = {{"Content-Type", "application/pdf"},
                              {"Content-Disposition", "inline; filename=\"note.pdf\""},
                              {"X-Content-Type-Options", "nosniff"},
                              {"Cache-Control", "no-store"}},
                  .body = std::move(pdf)};
}

}  // namespace rabt::api

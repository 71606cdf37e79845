#include "hub/consultation/record/record_json.hpp"

#include "hub/identity/people.hpp"

namespace rabt::consultation {

namespace {

// The members of the document follow the head, but for the author, who has his own names.
Json with_document(const Record& record) {
  Json out = head_of(record);
  for (const auto& [name, value] : record.document.as_object()) {
    if (name != "author") out.set(name, value);
  }
  return out;
}

Json who(const Record& record) {
  const Json& author = record.document["author"];
  const Json& person = author["person"];
  return person.is_null() ? author["participant"] : person;
}

}  // namespace

Json head_of(const Record& record) {
  return Json::object({{"id", record.id},
                       {"uuid", identity::uuid_of(record.id)},
                       {"number", record.number},
                       {"version", record.version},
                       {"session", record.session},
                       {"createdAt", to_iso8601({record.at_ms})},
                       {"updatedAt", to_iso8601({record.updated_ms})}});
}

Json document_json(const Record& record) {
  Json out = with_document(record);
  out.set("sharedBy", who(record));
  return out;
}

}  // namespace rabt::consultation

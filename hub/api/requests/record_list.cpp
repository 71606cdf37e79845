#include "hub/api/requests/record_list.hpp"

#include "hub/identity/people.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::ListRecords;
using consultation::NamedRecord;

Asked<ListRecords> list_records_of(const Ask& ask) {
  ListRecords out{.session = ask.session};
  if (const std::string_view given = ask.parameter("cursor"); !given.empty()) {
    const auto id = identity::ulid_of(given);
    if (!id) {
      return invalid("cursor.invalid",
                     "the cursor is no id of a record; read the list from its first page");
    }
    out.after = *id;
  }
  return out;
}

Asked<NamedRecord> named_record_of(const Ask& ask) {
  return NamedRecord{.record = ask.record};
}

}  // namespace rabt::api

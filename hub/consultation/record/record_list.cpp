#include "hub/consultation/record/record_list.hpp"

#include "hub/identity/people.hpp"

namespace rabt::consultation {

Asked<ListRecords> list_records_of(const Ask& ask) {
  return ListRecords{.session = ask.session,
                     .after = identity::ulid_of(ask.parameter("after")).value_or("")};
}

Asked<NamedRecord> named_record_of(const Ask& ask) {
  return NamedRecord{.record = ask.record};
}

RecordHead head_view(const Record& record) {
  return {.id = record.id,
          .number = record.number,
          .version = record.version,
          .session = record.session,
          .created = {record.at_ms},
          .updated = {record.updated_ms}};
}

Json to_json(const RecordHead& head) {
  return Json::object({{"id", head.id},
                       {"uuid", identity::uuid_of(head.id)},
                       {"number", head.number},
                       {"version", head.version},
                       {"session", head.session},
                       {"createdAt", to_iso8601(head.created)},
                       {"updatedAt", to_iso8601(head.updated)}});
}

}  // namespace rabt::consultation

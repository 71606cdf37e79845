#include "hub/consultation/record/record_list.hpp"

#include "hub/identity/people.hpp"

namespace rabt::consultation {

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

RecordAuthor author_in(const Json& json) {
  return {.participant = json.string_or("participant", ""),
          .person = json.string_or("person", ""),
          .role = json.string_or("role", "")};
}

Json to_json(const RecordAuthor& author) {
  Json out = Json::object();
  if (!author.participant.empty()) out.set("participant", author.participant);
  if (!author.person.empty()) out.set("person", author.person);
  out.set("role", author.role);
  return out;
}

RecordAuthor author_of(const Caller& caller, const Membership& of) {
  return {.participant = of.participant,
          .person = caller.who.person,
          .role = caller.system ? "workflow" : of.role};
}

}  // namespace rabt::consultation

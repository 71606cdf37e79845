#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/record/record_book.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/caller.hpp"

// Parts of requests and answers that all kinds of records share.
namespace rabt::consultation {

// A list of the records of a session.
struct ListRecords {
  std::string session;
  // ULID of the record after which the page begins. Empty for the first page.
  std::string after{};
};

// One record by its ULID, UUID or number.
struct NamedRecord {
  std::string record;
};

// Members that each record has.
struct RecordHead {
  // ULID
  std::string id;
  // 0 until it is stored.
  std::int64_t number = 0;
  std::int64_t version = 1;
  std::string session;
  Timestamp created;
  Timestamp updated;
};
[[nodiscard]] RecordHead head_view(const Record& record);
// {id, uuid, number, version, session, createdAt, updatedAt}
[[nodiscard]] Json to_json(const RecordHead& head);

// The author of a record or of one of its parts.
struct RecordAuthor {
  // ULID of the participant, and of the person. Empty if there is none.
  std::string participant{};
  std::string person{};
  // Role in the session; workflow.
  std::string role{};

  // Id of the person, else of the participant. May be empty.
  [[nodiscard]] const std::string& id() const { return person.empty() ? participant : person; }
};
[[nodiscard]] RecordAuthor author_in(const Json& json);
// {participant?, person?, role}
[[nodiscard]] Json to_json(const RecordAuthor& author);
[[nodiscard]] RecordAuthor author_of(const Caller& caller, const Membership& of);

// {items: [...], next?}, oldest first.
template <typename View>
struct RecordList {
  std::vector<View> items;
  // ULID of the record after which the next page begins. Empty on the last.
  std::string next;
};
template <typename View>
[[nodiscard]] Json to_json(const RecordList<View>& list) {
  Json items = Json::array();
  for (const View& item : list.items) items.push_back(to_json(item));
  Json out = Json::object({{"items", std::move(items)}});
  if (!list.next.empty()) out.set("next", list.next);
  return out;
}
// A page of records, each seen through `view`.
template <typename View>
[[nodiscard]] RecordList<View> list_of(RecordBook::Page page, View (*view)(const Record&)) {
  RecordList<View> out{.items = {}, .next = std::move(page.cut)};
  out.items.reserve(page.records.size());
  for (const Record& record : page.records) out.items.push_back(view(record));
  return out;
}

// The answer to a repeat of an act (RecordAct::shape): the record through its view.
template <auto view>
[[nodiscard]] Json shown_as(const Record& record) {
  return to_json(view(record));
}

}  // namespace rabt::consultation

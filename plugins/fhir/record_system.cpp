#include "record_system.hpp"

#include <algorithm>
#include <utility>

#include "belonging.hpp"
#include "rabt/json_nlohmann.hpp"

namespace rabt::fhir {

using sdk::Call;
using sdk::Kind;
using sdk::Task;
using sdk::text_of;

namespace {

// Pages of one search.
constexpr int kMaxPages = 20;
// Most redirects of the record system that a request follows.
constexpr int kMaxMoves = 3;

std::string next_link(const Json& bundle) {
  for (const Json& link : sdk::list_of(bundle, "link")) {
    if (text_of(link, "relation") == "next") return text_of(link, "url");
  }
  return {};
}

}  // namespace

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
}

Outcome unreadable() {
  // Every request may be repeated, so asking again is right.
  return Outcome::fail(Kind::transient, "fhir.unreadable",
                       "the record system's answer could not be read");
}

Outcome no_version() {
  return Outcome::fail(Kind::permanent, "fhir.no_version",
                       "the record system gives no version: a change could undo somebody else's");
}

Outcome several(const std::string& type) {
  return Outcome::fail(Kind::permanent, "fhir.several",
                       "the record system holds more than one " + type +
                           " with this identifier; set all but one to entered-in-error");
}

Outcome other_subject(const std::string& type) {
  return Outcome::fail(Kind::permanent, "fhir.other_subject",
                       "the " + type + " with the identifier of the hub is about another patient " +
                           "in the record system; it was not changed");
}

Outcome unsearchable(const std::string& type) {
  return Outcome::fail(Kind::permanent, "fhir.search",
                       "the record system answers a search for " + type +
                           " with others, and with more than the hub reads; it must know the " +
                           "search parameters identifier and encounter");
}

Task<HttpResult> RecordSystem::ask(const Call& call, HttpRequest request) {
  HttpResult answer = co_await http(call, request);
  for (int moves = 0; moves < kMaxMoves; ++moves) {
    auto moved = moved_request(settings_, request, answer);
    if (!moved) break;
    request = std::move(*moved);
    answer = co_await http(call, request);
  }
  co_return answer;
}

Json RecordSystem::Found::of(std::string_view type) const {
  Json out = Json::array();
  for (const Json& entry : entries) {
    if (text_of(entry["resource"], "resourceType") == type) out.push_back(entry["resource"]);
  }
  return out;
}

Task<RecordSystem::Found> RecordSystem::find(const Call& call, HttpRequest request,
                                             std::int64_t limit) {
  Found out;
  for (int page = 0; page < kMaxPages; ++page) {
    const HttpResult answer = co_await ask(call, request);
    if (!succeeded(answer)) {
      out.failed = failure(answer);
      co_return out;
    }
    const auto bundle = resource_of(answer, "Bundle");
    if (!bundle) {
      out.failed = unreadable();
      co_return out;
    }
    bool full = false;
    for (const Json& entry : sdk::list_of(*bundle, "entry")) {
      const Json& resource = sdk::member_of(entry, "resource");
      if (!resource.is_object() || text_of(resource, "resourceType") == "OperationOutcome")
        continue;
      full = static_cast<std::int64_t>(out.entries.size()) >= limit;
      if (full) break;
      Json kept = Json::object();
      kept["resource"] = resource;
      if (std::string url = text_of(entry, "fullUrl"); !url.empty())
        kept["fullUrl"] = std::move(url);
      out.entries.push_back(std::move(kept));
    }
    const std::string link = next_link(*bundle);
    out.complete = !full && link.empty();
    if (full || link.empty() || static_cast<std::int64_t>(out.entries.size()) >= limit) break;
    auto next = page_request(settings_, link);
    if (!next) {
      out.failed =
          Outcome::fail(Kind::permanent, "fhir.foreign_link",
                        "the next page of the search lies outside base_url; it was not asked for");
      co_return out;
    }
    request = std::move(*next);
  }
  co_return out;
}

Task<RecordSystem::Seen> RecordSystem::look(const Call& call, std::string type, std::string id) {
  Seen out;
  if (!is_id(id)) co_return out;
  const HttpResult answer = co_await ask(call, read_request(settings_, type, id));
  if (answer.answered() && (answer.status == 404 || answer.status == 410)) co_return out;
  if (!succeeded(answer)) {
    out.failed = failure(answer);
  } else if (auto resource = resource_of(answer, type)) {
    out.resource = std::move(*resource);
  } else {
    out.failed = unreadable();
  }
  co_return out;
}

Task<RecordSystem::Found> RecordSystem::find_bearing(const Call& call, std::string type,
                                                     std::string system, std::string value) {
  Json by = Json::object();
  by["identifier"] = system.empty() ? value : system + "|" + value;
  Found found = co_await find(call, search_request(settings_, type, by, kMaxPage), kDefaultLimit);
  Json own = Json::array();
  bool others = false;
  for (Json& entry : found.entries) {
    if (text_of(entry["resource"], "resourceType") != type) continue;
    if (bears(entry["resource"], system, value)) {
      own.push_back(std::move(entry));
    } else {
      others = true;
    }
  }
  found.entries = std::move(own);
  if (!found.failed && found.entries.empty() && others && !found.complete)
    found.failed = unsearchable(type);
  co_return found;
}

RecordSystem::Seen RecordSystem::only_one(const std::string& type, Json resources) {
  if (resources.size() > 1) {
    Json meant = Json::array();
    for (Json& resource : resources) {
      if (text_of(resource, "status") != "entered-in-error") meant.push_back(std::move(resource));
    }
    resources = std::move(meant);
  }
  Seen out;
  if (resources.size() > 1) {
    out.failed = several(type);
  } else if (!resources.empty()) {
    out.resource = std::move(resources.front());
  }
  return out;
}

Task<RecordSystem::Seen> RecordSystem::find_one(const Call& call, std::string type,
                                                std::string system, std::string value) {
  const Found found = co_await find_bearing(call, type, system, value);
  if (found.failed) co_return Seen{.resource = {}, .failed = found.failed};
  co_return only_one(type, found.of(type));
}

Task<RecordSystem::Made> RecordSystem::make(const Call& call, Json resource, std::string system,
                                            std::string value) {
  Made out;
  const std::string type = text_of(resource, "resourceType");
  const HttpResult answer = co_await ask(call, create_request(settings_, resource, system, value));
  out.written = written(answer, type);
  if (answer.answered() && answer.status == 412) {
    out.failed = several(type);
  } else if (!succeeded(answer)) {
    out.failed = failure(answer);
  } else if (out.written.id.empty()) {
    out.failed = unreadable();
  } else if (answer.status == 200) {  // it is there already
    Seen present;
    if (auto whole = resource_of(answer, type)) {
      present.resource = std::move(*whole);
    } else {
      present = co_await look(call, type, out.written.id);
    }
    if (present.failed) {
      out.failed = present.failed;
    } else if (!bears(present.resource, system, value)) {
      out.failed = Outcome::fail(Kind::permanent, "fhir.other",
                                 "the record system did not create the " + type +
                                     " and names one without its identifier: it must know the " +
                                     "header If-None-Exist, or not read it");
    } else if (!same_subject(present.resource.value("subject", Json()),
                             resource.value("subject", Json()), settings_)) {
      out.failed = other_subject(type);
    }
    out.known = std::move(present.resource);
  }
  co_return out;
}

Task<std::optional<Outcome>> RecordSystem::replace(const Call& call, const std::string& type,
                                                   const Json& before, const Json& now) {
  const std::string version = text_of(before.value("meta", Json::object()), "versionId");
  if (version.empty()) co_return no_version();
  const HttpResult put = co_await ask(
      call, update_request(settings_, type, text_of(before, "id"), now.dump(), version));
  if (put.answered() && (put.status == 409 || put.status == 412))
    co_return Outcome::fail(Kind::transient, "fhir.conflict",
                            "others change the record at the same time");
  if (!succeeded(put)) co_return failure(put);
  co_return std::nullopt;
}

}  // namespace rabt::fhir

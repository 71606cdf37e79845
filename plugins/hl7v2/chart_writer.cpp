#include "chart_writer.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "message.hpp"
#include "rabt/json_nlohmann.hpp"

namespace rabt::hl7v2 {

using sdk::Call;
using sdk::HttpRequest;
using sdk::HttpResult;
using sdk::Kind;
using sdk::list_of;
using sdk::member_of;
using sdk::Outcome;
using sdk::Refusal;
using sdk::Task;
using sdk::text_of;

namespace {

// An addendum may come long after the visit.
constexpr std::int64_t kChartRemembered = 400LL * 24 * 3600 * 1000;

// Two identifiers that name two patients for sure.
bool differ(const Json& item, const Json& other) {
  const std::string type = text_of(item, "type");
  const std::string system = text_of(item, "system");
  const bool national = type == "NI" || type == "PRC";
  const bool comparable = type == text_of(other, "type") &&
                          (national || (!system.empty() && system == text_of(other, "system")));
  return comparable && text_of(item, "value") != text_of(other, "value");
}

Json& member_as(Json& object, const std::string& name, Json::value_t form) {
  Json& value = object[name];
  if (value.type() != form) value = Json(form);
  return value;
}

bool has_entry(const Json& list, const Json& says) {
  return std::find(list.begin(), list.end(), says) != list.end();
}
const Json* with_key(const Json& list, const std::string& key) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const Json& item) { return text_of(item, "key") == key; });
  return found == list.end() ? nullptr : &*found;
}

// The entry that the record system named when it refused a message; kGone when it named none that
// can be left out.
std::size_t refused_entry(const Composed& composed, const Place& place, const Part& part,
                          const Json& has) {
  const bool counts = !composed.segment.empty() && place.segment == composed.segment &&
                      place.number > 0 && place.number <= composed.entries.size();
  const std::size_t at = counts ? composed.entries[place.number - 1] : kGone;
  return at == kGone || has_entry(has, part.entries[at].says) ? kGone : at;
}

}  // namespace

Outcome no_store(bool sent) {
  return Outcome::fail(sent ? Kind::ambiguous : Kind::transient, "hl7v2.store",
                       "the hub's store cannot be used now");
}

void ChartWriter::Report::refuse(const std::string& of, const Outcome& outcome) {
  refused.push_back({{"of", of}, {"code", outcome.code}});
  last = outcome;
}

void ChartWriter::need_url() const {
  if (settings_.url.empty())
    throw Refusal("hl7v2.no_url", "the configuration does not say where the record system is: url");
}

Task<ChartWriter::Sent> ChartWriter::send(const Call& call, std::string message,
                                          std::string control_id, bool repeated) {
  HttpRequest request{.method = "POST", .url = settings_.url, .body = std::move(message)};
  HttpResult answer = co_await http(call, std::move(request));
  Outcome outcome = acknowledged(answer, control_id, repeated);
  co_return Sent{std::move(outcome), std::move(answer)};
}

Task<std::optional<Outcome>> ChartWriter::remember_visit(const Json& input, const Json& output) {
  Json visit = output;
  visit["consultation"] = text_of(input, "consultation");
  for (const char* who : {"patient", "practitioner"}) {
    Json person = Json::object();
    for (const char* name :
         {"identifier", "licence", "name", "family", "given", "gender", "birthDate"}) {
      if (const Json& value = member_of(member_of(input, who), name); !value.is_null())
        person[name] = value;
    }
    visit[who] = std::move(person);
  }
  const auto kept =
      co_await kv_put("visit/" + text_of(input, "consultation"), visit.dump(), kChartRemembered);
  if (kept != RABT_KV_OK) co_return no_store(true);
  co_return std::nullopt;
}

Task<std::optional<Outcome>> ChartWriter::open_book(Book& book, std::string consultation) {
  book.key = "chart/" + consultation;
  const auto stored = co_await kv_get(book.key);
  if (stored.status != RABT_KV_OK && stored.status != RABT_KV_ABSENT) co_return no_store();
  if (stored.status == RABT_KV_OK) {
    book.version = stored.version;
    book.data = Json::parse(stored.value, nullptr, false);
  }
  if (!book.data.is_object()) book.data = Json::object();
  co_return std::nullopt;
}

Task<std::optional<Outcome>> ChartWriter::save(Book& book, bool sent) {
  const auto kept = co_await kv_put(book.key, book.data.dump(), kChartRemembered, book.version);
  if (kept == RABT_KV_CONFLICT)
    co_return Outcome::fail(sent ? Kind::ambiguous : Kind::transient, "hl7v2.busy",
                            "the chart of this visit is written by another call, too");
  if (kept != RABT_KV_OK) co_return no_store(sent);
  ++book.version;
  co_return std::nullopt;
}

Task<ChartWriter::Delivered> ChartWriter::deliver(const Call& call, Book& book, Json& part,
                                                  bool repeated) {
  const Json open = part["open"];
  const Sent sent = co_await send(call, in_charset(text_of(open, "text"), text_of(open, "charset")),
                                  text_of(open, "id"), repeated);
  Delivered out;
  const Kind kind = sent.outcome.kind;
  const bool unseen = !repeated && sent.answer.sent == sdk::Sent::no;
  if (kind != Kind::done && kind != Kind::permanent && !unseen) {
    out.unsettled = Unsettled{sent.outcome, sent.answer.answered()};
    co_return out;
  }
  if (kind == Kind::done) {
    part["has"] = list_of(open, "says");
    part["document"] = text_of(open, "document");
  }
  part.erase("open");
  if (auto failed = co_await save(book, !unseen)) {
    out.unsettled = Unsettled{std::move(*failed)};
  } else if (kind == Kind::permanent) {
    out.refused = sent.outcome;
    out.place = refused_place(sent.answer.body);
  } else if (kind != Kind::done) {
    out.unsettled = Unsettled{sent.outcome};
  }
  co_return out;
}

Composed ChartWriter::draft(const Call& call, Book& book, const Part& wanted, const Json& visit,
                            bool plain) {
  Json& parts = member_as(book.data, "parts", Json::value_t::object);
  Json& part = parts[wanted.name];
  const Json& before = member_of(book.data, "n");
  const std::int64_t number = 1 + (before.is_number_integer() ? before.get<std::int64_t>() : 0);
  book.data["n"] = number;
  Following following;
  following.control_id =
      control_id(call.idempotency_key + "/" + wanted.name + "/" + std::to_string(number));
  following.now = host().now_unix_ms() / 1000;
  following.has = list_of(part, "has");
  following.document = text_of(visit, "consultation") + "-" + std::to_string(number);
  following.replaced = text_of(part, "document");
  if (is_addendum(wanted)) following.parent = text_of(member_of(parts, "note"), "document");
  following.plain = plain;
  Composed composed = compose(wanted, visit, following, settings_);
  // Refuses what cannot be sent before anything is kept.
  (void)in_charset(composed.text, settings_.charset);
  Json& open = part["open"] = Json::object();
  open["id"] = following.control_id;
  open["text"] = composed.text;
  open["charset"] = settings_.charset;
  open["says"] = says_of(wanted.entries);
  open["document"] = following.document;
  return composed;
}

Task<std::optional<ChartWriter::Unsettled>> ChartWriter::settle(const Call& call, Book& book,
                                                                Part wanted, const Json& visit,
                                                                Report& report) {
  Json& part = member_as(member_as(book.data, "parts", Json::value_t::object), wanted.name,
                         Json::value_t::object);
  // A message that may have arrived is settled first, by the same message.
  if (part.contains("open")) {
    const Delivered before = co_await deliver(call, book, part, true);
    if (before.unsettled) co_return before.unsettled;
  }
  bool plain = false;
  while (list_of(part, "has") != says_of(wanted.entries)) {
    const Composed composed = draft(call, book, wanted, visit, plain);
    if (auto failed = co_await save(book, false)) co_return Unsettled{std::move(*failed)};
    const Delivered now = co_await deliver(call, book, part, false);
    if (now.unsettled) co_return now.unsettled;
    if (!now.refused) continue;
    // Table 0357: the event of an addendum or a replacement is not known there.
    const bool unknown_event = now.refused->code.ends_with(".201");
    if (unknown_event && composed.segment.empty() && !plain) {
      plain = true;
      continue;
    }
    const std::size_t named = refused_entry(composed, now.place, wanted, list_of(part, "has"));
    if (named != kGone) {
      Entry& one = wanted.entries[named];
      report.refuse(one.of, *now.refused);
      // The record system keeps its earlier version of this entry.
      if (const Json* before = with_key(list_of(part, "has"), text_of(one.says, "key"))) {
        one.says = *before;
      } else {
        wanted.entries.erase(wanted.entries.begin() + static_cast<std::ptrdiff_t>(named));
      }
      continue;
    }
    for (const Entry& entry : wanted.entries) {
      if (!has_entry(list_of(part, "has"), entry.says)) report.refuse(entry.of, *now.refused);
    }
    const Json wants = says_of(wanted.entries);
    const Json& has = list_of(part, "has");
    if (std::any_of(has.begin(), has.end(), [&](const Json& item) {
          return with_key(wants, text_of(item, "key")) == nullptr;
        }))
      report.refuse("withdrawn/" + wanted.name, *now.refused);
    break;
  }
  report.written += list_of(part, "has").size();
  co_return std::nullopt;
}

Task<Outcome> ChartWriter::write_record(const Call& call, const Json& input) {
  need_url();
  const std::string consultation = text_of(input, "consultation");
  const auto stored = co_await kv_get("visit/" + consultation);
  if (stored.status == RABT_KV_ABSENT)
    co_return Outcome::done(R"({"found":false,"written":0,"refused":[]})");
  if (stored.status != RABT_KV_OK) co_return no_store();
  const Json visit = Json::parse(stored.value, nullptr, false);
  if (differ(member_of(member_of(visit, "patient"), "identifier"),
             member_of(member_of(input, "patient"), "identifier")))
    throw Refusal("hl7v2.other_patient", "the encounter of this visit is another patient's");
  Book book;
  if (auto failed = co_await open_book(book, consultation)) co_return *failed;
  std::vector<std::string> names;
  if (const Json& parts = member_of(book.data, "parts"); parts.is_object()) {
    for (const auto& [name, part] : parts.items()) names.push_back(name);
  }
  const Chart wanted = chart(input, visit, names, settings_);
  Report report;
  for (const LeftOut& out : wanted.left_out)
    report.refuse(out.of, Outcome::fail(Kind::permanent, out.code,
                                        "the character set does not hold a text of the chart"));
  std::optional<Outcome> waits;
  for (const Part& part : wanted.parts) {
    const auto unsettled = co_await settle(call, book, part, visit, report);
    if (!unsettled) continue;
    // A message that waits holds up no other message, but addenda follow their note.
    if (!unsettled->answered || part.name == "note") co_return unsettled->outcome;
    if (!waits) waits = unsettled->outcome;
  }
  if (waits) co_return *waits;
  if (report.written == 0 && report.last) co_return *report.last;
  Json output = Json::object();
  output["found"] = true;
  output["written"] = report.written;
  output["refused"] = std::move(report.refused);
  const Json& note = member_of(member_of(book.data, "parts"), "note");
  if (!list_of(note, "has").empty()) output["reference"] = text_of(note, "document");
  co_return sdk::done(output);
}

}  // namespace rabt::hl7v2

#include "hub/api/audit.hpp"

#include <algorithm>
#include <set>

#include "hub/access/reading.hpp"
#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/audit/reader.hpp"
#include "hub/base/bytes.hpp"

namespace rabt::api {

using http::Response;

namespace {

// `from` and `to`: ISO 8601 with a time zone, or a date in UTC; from inclusive, to exclusive.
Result<Period> period_of(const Json& body) {
  Period period;
  for (const auto& [key, out] : {std::pair{"from", &period.from}, std::pair{"to", &period.to}}) {
    const Json& value = body[key];
    if (value.is_null()) continue;
    if (!value.is_string())
      return invalid("api.invalid", std::string(key) + ": must be a point in time, as text");
    std::string text = value.as_string();
    if (text.size() == 10) text += "T00:00:00Z";
    const auto at = parse_iso8601(text);
    if (!at.ok()) {
      return invalid("api.invalid", std::string(key) +
                                        ": must be a date, or a time with its zone such as "
                                        "2026-03-10T06:00:00Z");
    }
    *out = at->ms;
  }
  // It would look like a log in which nothing stands.
  if (period.from >= period.to)
    return invalid("api.invalid", "from: must be earlier than `to`, which is exclusive");
  return period;
}

// Entries that one step looks through for matches, and steps that one page takes at most.
constexpr std::int64_t kStretch = static_cast<std::int64_t>(audit::kMaxEntriesPerPage);
constexpr int kStretches = 20;

Json entry_json(const audit::Logged& logged) {
  const audit::Entry& entry = logged.entry;
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return Json::object(
      {{"seq", logged.seq},
       {"at", to_iso8601({logged.at_ms})},
       {"actor", entry.actor},
       {"act", entry.act},
       // A patient's object is a pseudonym.
       {"object", entry.object.starts_with("patient:") ? Json("patient") : Json(entry.object)},
       {"result", entry.result},
       {"detail", entry.detail},
       {"purpose", or_null(entry.purpose)},
       {"client", or_null(entry.client)},
       {"request", or_null(entry.request)}});
}

struct Format {
  std::string_view name;
  std::string_view content_type;
  std::string (*line)(const audit::Logged& entry, const audit::ExportSource& source);
};

constexpr std::array kFormats{
    Format{"fhir", "application/fhir+ndjson",
           [](const audit::Logged& entry, const audit::ExportSource& source) {
             return audit::to_fhir(entry, source).dump();
           }},
    Format{"syslog", "text/plain; charset=utf-8",
           [](const audit::Logged& entry, const audit::ExportSource& source) {
             return audit::to_syslog(entry, source);
           }},
    Format{"jsonl", "application/x-ndjson",
           [](const audit::Logged& entry, const audit::ExportSource& /*source*/) {
             return audit::to_json_line(entry);
           }},
};

constexpr std::string_view kAmbiguous = "phi.patient_ambiguous";

Error ambiguous(std::size_t persons) {
  return conflict(std::string(kAmbiguous),
                  "this identifier belongs to " + std::to_string(persons) +
                      " persons, whose records a report must not mix; ask by another identifier");
}

constexpr std::string_view kPerson = "person:";

// An address alone does not say that two names are of one person.
bool is_address(std::string_view text) {
  return !text.starts_with("identifier:") && !text.starts_with("mrn:") &&
         !text.starts_with(kPerson);
}

// Number of rows of a report, or the code of the error that refused the report.
Json report_detail(const Result<Json>& report) {
  if (!report.ok()) return Json::object({{"refused", report.error().code}});
  return Json::object({{"disclosures", static_cast<std::int64_t>((*report)["disclosures"].size())},
                       {"accesses", static_cast<std::int64_t>((*report)["accesses"].size())}});
}

}  // namespace

Result<Period> period_of(const http::Request& request) {
  Json body = Json::object();
  for (const char* name : {"from", "to"}) {
    if (const auto given = request.parameter(name)) body.set(name, *given);
  }
  return period_of(body);
}

Error log_error(const Error& error) {
  if (error.kind != ErrorKind::corrupt) return error;
  return unavailable("audit.altered",
                     "the audit log is not what was written, so nothing of it "
                     "is shown [" +
                         error.code + "]: " + error.message);
}

Result<access::Subject> Audit::subject_of(const std::string& text) const {
  using KnownBy = identity::People::KnownBy;
  access::Subject subject;
  std::set<std::string> persons;
  // Names of the log for the person whose data these instances work on.
  std::set<std::string> others;
  const auto add_instances = [&](const std::string& index) -> Status {
    RABT_TRY(instances, patients.index.instances_of(index));
    for (access::PatientInstance& instance : instances) {
      others.insert(instance.patient);
      subject.instances.emplace(instance.id, std::move(instance));
    }
    return ok_status();
  };
  if (text.starts_with(kPerson)) {
    RABT_TRY(id, people.resolve(patients.tenant, Json(text.substr(kPerson.size()))));
    persons.insert(std::move(id));
  } else {
    RABT_TRY(asked, patients.index_of(text));
    subject.indexes.insert(asked);
    subject.named = asked;
    RABT_TRY(people_of_index, people.once_known_by(patients.tenant, asked, KnownBy::anything));
    persons.insert(people_of_index.begin(), people_of_index.end());
    RABT_TRY_STATUS(add_instances(asked));
    // An instance names its patient in several ways.
    for (const auto& [id, instance] : subject.instances) {
      RABT_TRY(names, patients.index.patients_of(id));
      for (const std::string& name : names) {
        RABT_TRY(of, people.once_known_by(patients.tenant, name, KnownBy::identifier));
        persons.insert(of.begin(), of.end());
      }
    }
  }
  if (persons.size() > 1) return ambiguous(persons.size());
  std::set<std::string> own;
  std::set<std::string> shared;
  if (!persons.empty()) {
    const std::string& id = *persons.begin();
    RABT_TRY(person, people.find(patients.tenant, id));
    if (const auto pseudonym = from_hex(person.pseudonym)) subject.named = as_text(*pseudonym);
    RABT_TRY(names, people.names_of(patients.tenant, id));
    for (identity::People::Name& name : names) {
      if (name.shared) {
        shared.insert(std::move(name.index));
        continue;
      }
      RABT_TRY_STATUS(add_instances(name.index));
      own.insert(std::move(name.index));
    }
  }
  subject.left_out = static_cast<std::int64_t>(shared.size());
  for (const std::string& index : own) others.erase(index);
  for (const std::string& index : shared) others.erase(index);
  const bool apart = !own.empty() && is_address(text);
  if (others.size() > 1 || (apart && !others.empty()))
    return ambiguous(others.size() + (apart ? 1 : 0));
  if (own.empty() && !others.empty()) subject.named = *others.begin();
  subject.indexes.merge(own);
  subject.indexes.merge(others);
  return subject;
}

Result<Response> Audit::report(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(period, period_of(body));
  const std::string text = body.string_or("patient", "");
  const auto subject = subject_of(text);
  if (!subject.ok() && subject.error().code != kAmbiguous) return subject.error();
  if (const Status looked = log.look(); !looked.ok()) return log_error(looked.error());
  auto report = subject.ok() ? access::patient_report({log, details, patients.tenant}, *subject,
                                                      period.from, period.to)
                             : Result<Json>(subject.error());
  if (!report.ok() && report.error().kind == ErrorKind::corrupt) return log_error(report.error());
  // The report is made before its reading is audited, so that it does not show its own reading, and
  // given after. That there is nothing about a person is an answer too, and that there are two.
  RABT_TRY(named, subject.ok() ? Result<std::string>(subject->named) : patients.index_of(text));
  RABT_TRY_STATUS(patients.access.admit_review(reader_of(call), {.act = "audit.report",
                                                                 .object = "report:patient",
                                                                 .patients = {std::move(named)},
                                                                 .detail = report_detail(report)}));
  if (!report.ok()) return report.error();
  report->set("made", to_iso8601(clock.now()));
  return json_response(200, *report);
}

Result<Response> Audit::entries(const Call& call) const {
  RABT_TRY(window, window_of(call));
  RABT_TRY(period, period_of(call.request));
  audit::Query query{.from_ms = period.from, .to_ms = period.to, .tenant = patients.tenant};
  query.act = call.request.parameter("act").value_or("");
  query.object = call.request.parameter("object").value_or("");
  const std::string_view actor = call.request.parameter("actor").value_or("");
  if (window.cursor.empty()) {
    if (const Status looked = log.look(); !looked.ok()) return log_error(looked.error());
  }
  // The page holds entries before this one.
  std::int64_t before = window.cursor.empty() ? log.state().entries + 1 : number_behind(window);
  consultation::Page page;
  bool full = false;
  for (int stretch = 0; stretch < kStretches && before > 1 && !full; ++stretch) {
    query.last = before - 1;
    query.first = std::max<std::int64_t>(1, before - kStretch);
    const auto read = audit::read_page(log, query, audit::kMaxEntriesPerPage);
    if (!read.ok()) return log_error(read.error());
    before = query.first;
    for (auto one = read->entries.rbegin(); one != read->entries.rend() && !full; ++one) {
      if (!actor.empty() && one->entry.actor != actor) continue;
      full = page.items.size() == window.limit;
      if (full) {
        before = one->seq + 1;
      } else {
        page.items.push_back(entry_json(*one));
      }
    }
  }
  if (before > 1) page.next = std::to_string(before);
  const auto entry = log.prepare(
      {.tenant = patients.tenant,
       .actor = call.caller.who.actor(),
       .act = "audit.read",
       .object = "log:" + patients.tenant,
       .result = "ok",
       .detail = Json::object({{"entries", static_cast<std::int64_t>(page.items.size())}}),
       .purpose = call.caller.purpose,
       .client = call.caller.client,
       .request = call.caller.request});
  const Status written = log.store().write(
      [&](store::Transaction& transaction) { return log.append(transaction, entry); });
  if (!written.ok()) return access::not_audited(written.error());
  return answer(call, page);
}

Result<Response> Audit::export_page(const Call& call) const {
  RABT_TRY(body, body_object(call));
  const std::string name = body.string_or("format", "jsonl");
  const auto format = std::find_if(kFormats.begin(), kFormats.end(),
                                   [&](const Format& one) { return one.name == name; });
  if (format == kFormats.end())
    return invalid("api.invalid", "format: must be fhir, syslog or jsonl");
  RABT_TRY(period, period_of(body));
  audit::Query query;
  query.tenant = patients.tenant;
  query.from_ms = period.from;
  query.to_ms = period.to;
  query.first = std::max<std::int64_t>(1, body.int_or("first", 1));
  query.last = body.int_or("last", INT64_MAX);
  access::Reading reading{.act = "audit.exported", .object = "log:" + patients.tenant};
  if (const std::string text = body.string_or("patient", ""); !text.empty()) {
    RABT_TRY(patient, patients.index_of(text));
    query.patient = to_hex(as_bytes(patient));
    reading.patients.push_back(std::move(patient));
  }
  // Pages after the first follow at once.
  if (query.first == 1) {
    if (const Status looked = log.look(); !looked.ok()) return log_error(looked.error());
  }
  const auto read = audit::read_page(log, query, audit::kMaxEntriesPerPage);
  if (!read.ok()) return log_error(read.error());
  const audit::Page& page = *read;
  const bool any = !page.entries.empty();
  reading.detail = Json::object({{"format", name},
                                 {"entries", static_cast<std::int64_t>(page.entries.size())},
                                 {"first", any ? page.entries.front().seq : std::int64_t{0}},
                                 {"last", any ? page.entries.back().seq : std::int64_t{0}}});
  RABT_TRY_STATUS(patients.access.admit_review(reader_of(call), reading));
  Response response{.status = 200,
                    .headers = {{"Content-Type", std::string(format->content_type)}}};
  for (const audit::Logged& entry : page.entries)
    response.body += format->line(entry, source) + "\n";
  if (page.next) response.headers.emplace_back("X-Rabt-Next", std::to_string(page.next->first));
  return response;
}

}  // namespace rabt::api

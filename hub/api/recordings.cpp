#include "hub/api/recordings.hpp"

#include "hub/access/reading.hpp"
#include "hub/api/answers.hpp"
#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/consultation/workflow/register.hpp"
#include "hub/http/problem.hpp"
#include "hub/http/range.hpp"

namespace rabt::api {

using http::Range;
using http::Response;

namespace {

using identity::Role;
using identity::Roles;

// Roles that may see, and roles that may read, a recording without a session.
constexpr Roles kSee{Role::admin,  Role::security_officer, Role::engineer, Role::auditor,
                     Role::doctor, Role::specialist,       Role::nurse,    Role::integration};
constexpr Roles kRead{Role::admin, Role::doctor, Role::specialist, Role::nurse, Role::integration};

std::string tag_of(const consultation::Recording& recording) {
  return "\"" + recording.sha256 + "\"";
}

// A caller who has the content already gets nothing again: RFC 9110 section 13.1.2.
bool held(const http::Request& request, const consultation::Recording& recording) {
  const std::string tag = tag_of(recording);
  for (const auto& [name, value] : request.headers) {
    if (name != "if-none-match") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      std::string_view text = trim(rest.substr(0, comma), " \t");
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      if (text.starts_with("W/")) text.remove_prefix(2);
      if (text == "*" || text == tag) return true;
    }
  }
  return false;
}

// RFC 9110 section 13.1.5: whoever holds a part of something else gets the whole.
Range range_of(const http::Request& request, const consultation::Recording& recording) {
  const auto wish = request.only_header("range");
  const bool same =
      request.header("if-range").empty() || request.only_header("if-range") == tag_of(recording);
  return wish && same ? http::parse_range(*wish, recording.bytes) : Range{};
}

// Part of the recording that is sent, as the audit log has it.
Json part_of(const http::Request& request, const consultation::Recording& recording) {
  if (held(request, recording)) return Json::object({{"from", 0}, {"bytes", 0}});
  const Range range = range_of(request, recording);
  if (range.kind != Range::Kind::part) return Json::object();
  return Json::object({{"from", range.from}, {"bytes", range.length}});
}

Response unsatisfiable(const consultation::Recording& recording) {
  Response response =
      http::problem(416, "api.range", http::reason_phrase(416),
                    "the recording has " + std::to_string(recording.bytes) + " bytes");
  response.headers.emplace_back("Content-Range", "bytes */" + std::to_string(recording.bytes));
  return response;
}

Response stream(std::shared_ptr<blob::BlobReader> reader, const consultation::Recording& recording,
                const Range& range) {
  const bool part = range.kind == Range::Kind::part;
  const std::uint64_t from = part ? range.from : 0;
  const std::uint64_t length = part ? range.length : recording.bytes;
  Response response{.status = part ? 206 : 200,
                    .headers = {{"Content-Type", recording.content_type},
                                {"Accept-Ranges", "bytes"},
                                {"ETag", tag_of(recording)}},
                    .stream_length = length};
  if (part) {
    response.headers.emplace_back("Content-Range", "bytes " + std::to_string(from) + "-" +
                                                       std::to_string(from + length - 1) + "/" +
                                                       std::to_string(recording.bytes));
  }
  response.stream = [opened = std::move(reader), from, length](const auto& write) {
    return opened->read(from, length, write);
  };
  return response;
}

}  // namespace

Result<Response> Recordings::get(const Call& call) const {
  if (sessions != nullptr) {
    auto of_session = sessions->recordings.get(
        {call.caller}, consultation::ReadRecording{.recording = std::string(call.path[0])});
    if (of_session.ok()) return json_response(200, to_json(*of_session));
    if (of_session.error().kind != ErrorKind::not_found) return of_session.error();
  }
  if (!call.caller.who.roles.has_any(kSee)) return not_allowed();
  RABT_TRY(found, consultation::find_recording(store, patients.tenant, call.path[0]));
  return json_response(200, Json::object({{"id", found.id},
                                          {"consultation", found.consultation},
                                          {"kind", found.kind},
                                          {"contentType", found.content_type},
                                          {"bytes", found.bytes},
                                          {"sha256", found.sha256},
                                          {"stored", to_iso8601(found.stored)}}));
}

Result<Response> Recordings::content(const Call& call) const {
  RABT_TRY(found, readable(call));
  RABT_TRY_STATUS(admit(call, found, part_of(call.request, found.recording)));
  return give(found.recording, call.request);
}

Result<Response> Recordings::of_session(const consultation::Caller& caller,
                                        const consultation::ReadRecording& asked,
                                        const http::Request& request) const {
  RABT_TRY(found, readable(caller, asked));
  RABT_TRY_STATUS(admit_of_session(caller, found, part_of(request, found.recording)));
  return give(found.recording, request);
}

Status Recordings::may_view(const Call& call) const {
  const auto found = readable(call);
  return found.ok() ? ok_status() : Status(found.error());
}

Result<Response> Recordings::begin_view(const Call& call) const {
  RABT_TRY(found, readable(call));
  // The log says of nobody that he saw what cannot be shown.
  RABT_TRY_STATUS(open(found.recording));
  const std::int64_t lasts_ms = Views::lasting(found.seconds);
  const identity::Principal& who = call.caller.who;
  const std::string ticket =
      views.make({.recording = found.recording.id,
                  .shown = shown_by(call.request),
                  .owner = who.actor(),
                  .session = who.session,
                  .by_cookie = call.caller.page,
                  .of_system = who.kind == identity::Kind::client && who.person.empty(),
                  .reason = call.caller.reason,
                  .lasts_ms = lasts_ms});
  const Status admitted = admit(call, found, Json::object({{"view", true}}));
  if (!admitted.ok()) {
    views.forget(ticket);
    return admitted.error();
  }
  count_reading();
  return json_response(
      201, Json::object({{"url", "/api/v1/recordings/" + found.recording.id + "/views/" + ticket},
                         {"expiresIn", Views::kStartMs / 1000},
                         {"playsFor", lasts_ms / 1000},
                         {"contentType", found.recording.content_type}}));
}

Result<Response> Recordings::view(const Call& call) const {
  const auto viewing = views.use(call.path[0], call.path[1], call.caller);
  if (!viewing.ok()) {
    if (viewing.error().kind == ErrorKind::denied)
      RABT_TRY_STATUS(note_refusal(call, viewing.error().code));
    return viewing.error();
  }
  Call asked = call;
  asked.caller.reason = viewing->reason;
  RABT_TRY_STATUS(patients.access.ready());
  RABT_TRY(found, readable(asked));
  RABT_TRY(response, serve(found.recording, call.request));
  // A page has another cookie after a step-up.
  const bool by_cookie = viewing->by_cookie;
  views.guard(by_cookie ? shown_by(call.request) : viewing->shown, call.caller.who, response);
  return response;
}

Status Recordings::note_refusal(const Call& call, std::string_view code) const {
  const auto entry = audit.prepare({.tenant = patients.tenant,
                                    .actor = call.caller.who.actor(),
                                    .act = "access.refused",
                                    .object = "recording:" + std::string(call.path[0]),
                                    .result = std::string(code),
                                    .detail = Json::object({{"token", call.caller.who.credential}}),
                                    .client = call.caller.client,
                                    .request = call.caller.request});
  const Status written = store.write(
      [&](store::Transaction& transaction) { return audit.append(transaction, entry); });
  return written.ok() ? ok_status() : Status(access::not_audited(written.error()));
}

Result<Recordings::Readable> Recordings::readable(const Call& call) const {
  if (sessions != nullptr) {
    auto of_session = readable({call.caller}, {.recording = std::string(call.path[0])});
    if (of_session.ok() || of_session.error().kind != ErrorKind::not_found) return of_session;
  }
  if (!call.caller.who.roles.has_any(kRead)) return not_allowed();
  RABT_TRY(found, consultation::find_recording(store, patients.tenant, call.path[0]));
  return Readable{.recording = std::move(found), .session = {}, .rule = {}};
}

Result<Recordings::Readable> Recordings::readable(const consultation::Caller& caller,
                                                  const consultation::ReadRecording& asked) const {
  RABT_TRY(recording, sessions->recordings.get(caller, asked));
  if (recording.status == "deleted")
    return conflict("recording.withdrawn", "the recording was withdrawn; it can be read no more");
  if (recording.status != "ready")
    return conflict("recording.not_ready",
                    "the recording is " + recording.status + ", and not ready yet");
  RABT_TRY(found, consultation::find_recording(store, patients.tenant, recording.id));
  RABT_TRY(allowed, sessions->recordings.may_read(caller, recording.session));
  return Readable{.recording = std::move(found),
                  .session = recording.session,
                  .rule = std::string(allowed.rule()),
                  .seconds = recording.seconds};
}

Status Recordings::admit(const Call& call, const Readable& found, Json part) const {
  if (!found.session.empty()) return admit_of_session({call.caller}, found, std::move(part));
  RABT_TRY(of, patients.index.patients_of(found.recording.consultation));
  const access::Reading reading{.act = "recording.read",
                                .object = "recording:" + found.recording.id,
                                .instance = found.recording.consultation,
                                .patients = std::move(of),
                                .detail = std::move(part)};
  return patients.access.admit(reader_of(call), reading);
}

// A caller with a reason reads for that reason; others read at once, as patient or to treat.
Status Recordings::admit_of_session(const consultation::Caller& caller, const Readable& found,
                                    Json part) const {
  RABT_TRY(membership, sessions->acts.membership(caller, found.session));
  part.set("session", membership.session);
  part.set("rule", found.rule);
  access::Reading reading{.act = "recording.read",
                          .object = "recording:" + found.recording.id,
                          .detail = std::move(part)};
  if (const auto index = from_hex(membership.patient_pseudonym); index && !index->empty())
    reading.patients.emplace_back(as_text(*index));
  access::Reader reader{.actor = caller.who.actor(),
                        .token = caller.who.credential,
                        .client = caller.client,
                        .request = caller.request,
                        .reason = caller.reason,
                        .purpose = caller.purpose};
  if (found.rule == access::kRecordingForReason) return patients.access.admit(reader, reading);
  const bool own = !caller.who.person.empty() && caller.who.person == membership.patient;
  if (reader.purpose.empty()) reader.purpose = own ? "PATRQT" : "TREAT";
  return note_reading(store, audit, patients, reader, reading);
}

Result<std::shared_ptr<blob::BlobReader>> Recordings::open(
    const consultation::Recording& found) const {
  auto reader = blobs.open(patients.tenant, found.blob);
  if (!reader.ok()) {
    const auto entry = audit.prepare({.tenant = patients.tenant,
                                      .actor = "node:recordings",
                                      .act = "recording.refused",
                                      .object = "recording:" + found.id,
                                      .result = reader.error().code});
    RABT_TRY_STATUS(store.write([&](store::Transaction& tx) { return audit.append(tx, entry); }));
    if (reader.error().code == "keys.shredded")
      return conflict("recording.expired",
                      "the time for which the recording was kept is over, and its key destroyed");
    return reader.error();
  }
  return std::shared_ptr<blob::BlobReader>(*std::move(reader));
}

Result<Response> Recordings::serve(const consultation::Recording& found,
                                   const http::Request& request) const {
  if (held(request, found)) return Response{.status = 304, .headers = {{"ETag", tag_of(found)}}};
  const Range range = range_of(request, found);
  if (range.kind == Range::Kind::unsatisfiable) return unsatisfiable(found);
  // A file that was cut, swapped or damaged at its ends is found before the answer begins.
  RABT_TRY(reader, open(found));
  return stream(std::move(reader), found, range);
}

Result<Response> Recordings::give(const consultation::Recording& found,
                                  const http::Request& request) const {
  RABT_TRY(response, serve(found, request));
  if (response.stream) count_reading();
  return response;
}

void Recordings::count_reading() const {
  if (sessions != nullptr) sessions->acts.count(consultation::Counted::recording_reads, 1);
}

}  // namespace rabt::api

#include "hub/api/api.hpp"

#include <algorithm>

#include "hub/access/reading.hpp"
#include "hub/api/answers.hpp"
#include "hub/api/browser.hpp"
#include "hub/api/guarded_socket.hpp"
#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/number.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/suggest.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/http/content_coding.hpp"
#include "hub/http/problem.hpp"
#include "hub/http/request_head.hpp"
#include "hub/identity/remote_keys.hpp"

namespace rabt::api {

using http::Request;
using http::Response;

namespace {

// Title and detail of a problem document as the policy lets them leave. Other responses stay.
void screen(Response& response, const phi::Policy& policy) {
  if (!http::is_problem(response)) return;
  auto document = Json::parse(response.body);
  if (!document.ok()) return;
  for (const char* member : {"title", "detail"}) {
    const std::string text = document->string_or(member, "");
    document->set(member, policy.hub_text(phi::Channel::error, member, text));
  }
  response.body = document->dump();
}

// Age from which the judgement of a head no longer counts for a body: what ends a credential ends
// requests within a second.
constexpr std::int64_t kJudgedMs = 500;
// The listener of `doors.metrics`.
constexpr std::string_view kMetricsListener = "metrics";
constexpr std::string_view kApi = "/api/v1/";
// A /48 of IPv6 may send as much as so many of its /64.
constexpr int kHouseholdsOfSite = 4;

// Strangers who ask for /health are counted apart from others of their address: a monitor must not
// report a hub that works because a neighbour asked too much.
constexpr std::string_view kHealth = "/health";
bool watches(const RouteOptions& options, const identity::Caller& caller) {
  return options.lane == http::Lane::head && caller.who.kind == identity::Kind::anonymous;
}

// A client asks for the ways in of many people, as it does for everything else.
RateClass class_of(RateClass kind, const identity::Caller& caller) {
  const bool comes_in = kind == RateClass::enter || kind == RateClass::invitation;
  const bool is_many =
      caller.who.kind == identity::Kind::client || caller.who.kind == identity::Kind::local;
  return comes_in && is_many ? RateClass::by_method : kind;
}

Error too_many_at_once() {
  return unavailable("rate.concurrent",
                     "too many requests of this caller run at once; wait for their answers");
}

// The error with the roles that may call the route; every description of the API says the same.
Error naming_roles(Error error, const Permission& permission) {
  if (error.kind != ErrorKind::denied || permission.to != Permission::To::roles) return error;
  error.message += "; these may: " + listed(permission.roles.names());
  if (!permission.besides.empty())
    error.message += ", who have one of these roles besides: " + listed(permission.besides.names());
  return error;
}

Response too_many_connections() {
  Response response = http::problem(unavailable(
      "rate.connections", "too many connections of this caller are open; use those, or end one"));
  response.close = true;
  return response;
}

Error too_much_at_once() {
  return unavailable("rate.bodies",
                     "the bodies that this caller sends at once, and the answers that he has not "
                     "read, are too large; wait until some have arrived");
}

// Memory that a body holds while it is taken piece by piece, in bytes.
constexpr std::uint64_t kHeldOfStream = 512ULL << 10U;

// Memory of a body and of its parsed form. A body that is too large is refused before it comes.
std::uint64_t held_by(const Request& head, const RouteOptions& options, std::uint64_t copies) {
  return std::min(head.length, options.max_body) * (1 + copies);
}

// Requests of one issuer, or deliveries of one source, in the lane `outside`; sign-ins of one
// address; and how many principals' parts a source takes.
constexpr int kPartOfOutside = 4;
constexpr int kPartOfSignIn = 4;
constexpr int kPartOfLink = 2;
constexpr int kPartsOfSource = 4;
// Answers of one principal that are streamed at once; a system streams to many people.
constexpr int kPartOfStreams = 4;
constexpr int kPartOfStreamsOfSystem = 16;

// RFC 8187 section 3.2: UTF-8''%D8%A7..., since a browser's header cannot carry Arabic as it is.
// Any other text is taken as it stands.
Result<std::string> reason_of(std::string_view header) {
  constexpr std::string_view kCharset = "utf-8'";
  if (lower(header.substr(0, kCharset.size())) != kCharset) return tidy_text(header);
  const auto broken = [] {
    return invalid("api.reason",
                   "X-Rabt-Reason: after UTF-8'' the bytes of the text stand as %XX (RFC 8187)");
  };
  const std::size_t language = header.find('\'', kCharset.size());
  if (language == std::string_view::npos) return broken();
  // A plus sign stands for itself here, but parse_query() reads it as a space.
  std::string value(header.substr(language + 1));
  for (std::size_t at = 0; (at = value.find('+', at)) != std::string::npos; at += 3)
    value.replace(at, 1, "%2B");
  if (value.find_first_of("&=;") != std::string::npos) return broken();
  const auto decoded = http::parse_query("r=" + value);
  if (!decoded || decoded->size() != 1) return broken();
  return tidy_text(decoded->front().second);
}

// Name of the sender's device: a browser shows it in a cookie, a program in a header.
std::string device_of(const Request& head) {
  const auto device = cookie(head, kDeviceCookie);
  return device.ok() && *device ? **device : std::string(head.header("x-rabt-device"));
}

// True if a session cookie authenticates the request: a page of the hub (check_browser).
bool is_page(const Request& head) {
  const auto session = cookie(head, kSessionCookie);
  return session.ok() && *session;
}

Response unauthorised(std::string_view detail) {
  Response response = http::problem(401, "http.unauthenticated", "Unauthorized", detail);
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

// True if the path names a session: its first parameter.
bool names_session(const Route& route) {
  return route.pattern.find("/sessions/{session}") != std::string_view::npos;
}

// True if a guest names another session than the one that his link opened.
bool leaves_visit(const Route& route, const PathParameters& path, const identity::Principal& who) {
  if (who.kind != identity::Kind::guest || !names_session(route)) return false;
  return identity::ulid_of(path[0]) != who.part.session;
}

// Ok if the caller may see the session of the path, if it names one.
Status sees_session(Resources& resources, const Route& route, const Call& call) {
  if (!names_session(route) || resources.sessions == nullptr) return ok_status();
  const auto found = resources.sessions->acts.membership({call.caller}, call.path[0]);
  return found.ok() ? ok_status() : Status(found.error());
}

// Ok if the caller may do what the route does, whatever the body says.
Status may_act(Resources& resources, const Route& route, const Call& call) {
  const std::optional<access::Right> right = route.options.right;
  if (!right || resources.sessions == nullptr || resources.records == nullptr)
    return sees_session(resources, route, call);
  const auto names = [&route](std::string_view part) {
    return route.pattern.find(part) != std::string_view::npos;
  };
  if (names_session(route))
    return resources.sessions->acts.allows({call.caller}, call.path[0], *right);
  Ask ask{.caller = {call.caller}};
  if (names("{note}") || names("{prescription}")) {
    return resources.records->office.allows(
        ask.caller, consultation::NamedRecord{.record = std::string(call.path[0])}, *right);
  }
  if (resources.practice != nullptr) {
    consultation::Practice& practice = *resources.practice;
    if (*right == access::Right::visit_close)
      return practice.visits.may_close(ask.caller, call.path[0]);
    if (*right == access::Right::patient_onboard)
      return practice.onboarding.may_note(ask.caller, call.path[0]);
  }
  if (*right == access::Right::recording_read) return resources.recordings.may_view(call);
  if (*right == access::Right::patient_change) return resources.people.may_change_patient(call);
  const identity::Principal& who = call.caller.who;
  bool may = access::is_conceivable(*right, who.roles);
  if (names("{provider}") || names("/providers/{id}") || names("/patients/{id}")) {
    const Accounts& accounts = resources.accounts;
    const auto person = accounts.people.resolve(accounts.tenant, Json(call.path[0]));
    access::Facts facts{.roles = who.roles};
    facts.is.add(access::Is::self, person.ok() && !who.person.empty() && *person == who.person);
    may = access::decide(*right, facts).allowed;
  }
  return may ? ok_status() : Status(not_allowed());
}

}  // namespace

Api::Api(std::unique_ptr<Resources> resources, Parts parts)
    : resources_(std::move(resources)), parts_(std::move(parts)) {
  resources_->metrics.add(resources_->hooks);
  resources_->metrics.add(*this);
}

bool Api::is_shared(const Request& head, std::string_view listener) const {
  // Paths of compatibility APIs below /api/v1 have lists of their own.
  return parts_.cors.covers(head) && (doors_ == nullptr || !doors_->owns(listener, head.path));
}

http::Admission Api::admit(const Request& head, std::string_view listener) {
  const bool shared = is_shared(head, listener);
  if (auto asked = shared ? parts_.cors.preflight(head) : std::nullopt) {
    if (const auto wait = over_address(parts_.rates.anonymous, parts_.proxies.client_of(head)))
      return too_many(*wait);
    return *std::move(asked);
  }
  auto credential = credential_of(head);
  const bool broken = !credential.ok() && credential.error().code == "http.unauthenticated";
  if (!credential.ok() && !broken) return http::problem(credential.error());
  // A cookie that proves nothing shuts no browser out of what is open.
  const identity::Credential shown = broken ? identity::Credential{} : *std::move(credential);
  http::Admission admission = judge(head, listener, shown);
  if (auto* refusal = std::get_if<Response>(&admission)) {
    screen(*refusal, parts_.privacy);
    if (shared) parts_.cors.allow(head, *refusal);
    return admission;
  }
  if (head.header("upgrade").empty() && !wants_events(head)) return admission;
  auto* intake = std::get_if<http::Intake>(&admission);
  if (intake == nullptr || intake->sink != nullptr) return admission;
  intake->handler = [this, shown = shown,
                     answer = std::move(intake->handler)](const Request& request) {
    Response response = answer(request);
    if (response.socket == nullptr && response.events == nullptr) return response;
    // Prove the caller again, so that no change between the decision and the watch is lost.
    auto who = parts_.who.again(shown, false);
    if (!who.ok()) return http::problem(who.error());
    auto& handler = response.socket != nullptr ? response.socket : response.events;
    // A message counts as what its principal writes.
    const auto may_send = [this, caller = identity::Caller{.who = *who}] {
      return !over(parts_.rates.write, caller);
    };
    handler = guarded(std::move(handler), parts_.watch, *std::move(who), shown, may_send);
    return response;
  };
  return admission;
}

std::optional<http::Admission> Api::later(const Error& error) {
  if (error.code != identity::kWaits) return std::nullopt;
  return http::Elsewhere{.share = {"keys of issuers", kPartOfOutside}};
}

http::Admission Api::judge(const Request& head, std::string_view listener,
                           const identity::Credential& shown) {
  const std::string client = parts_.proxies.client_of(head);
  const std::int64_t judged_ms = parts_.clock.monotonic_ms();
  if (listener == kMetricsListener) return judge_collector(head, client);
  if (parts_.pages != nullptr && listener.empty()) {
    if (auto moved = parts_.pages->moved(head)) return *std::move(moved);
  }
  if (doors_ != nullptr) {
    const auto of_door = doors_->find(listener, head);
    if (of_door.door != nullptr) return judge(of_door, head, shown, client);
  }
  // Pages hold no data and need no authentication.
  if (parts_.pages != nullptr && listener.empty()) {
    if (auto shown_page = parts_.pages->answer(head)) return *std::move(shown_page);
  }
  const Found found = find_route(head.method, head.path);
  auto page = doors_ != nullptr ? doors_->description(listener, head) : std::nullopt;
  const bool open = page || (found.route != nullptr && found.route->permission.allows({}));
  identity::RefusedToken refused;
  identity::Credential proof = shown;
  // A delivery brings the proof of its source in this header; nobody signs in with it.
  if (found.route != nullptr && found.route->options.rate == RateClass::hook)
    proof.authorization.clear();
  auto caller = caller_of(head, proof, client, &refused);
  if (!caller.ok()) {
    if (auto elsewhere = later(caller.error())) return *std::move(elsewhere);
    if (caller.error().code != "http.unauthenticated") return problem_of(caller.error());
    // Open routes need no sign-in.
    if (!open) {
      Response response = unknown(client, caller.error().message);
      if (response.status == 401) note_refused(refused, head, client);
      return response;
    }
    caller =
        identity::Caller{.client = client, .request = head.request_id, .device = device_of(head)};
  }
  const bool stranger = caller->who.kind == identity::Kind::anonymous;
  // Strangers do not learn which paths exist.
  if (stranger && !open && (found.route != nullptr || head.path.starts_with("/api/v1/"))) {
    return unknown(client,
                   "sign in, or send a token as `Authorization: Bearer ...`; `rabt` finds the API "
                   "token in the file api-token of the data folder");
  }
  if (const auto wait = over(found, head, *caller)) return too_many(*wait);
  if (!connects(head, *caller)) return too_many_connections();
  if (page) return *std::move(page);
  if (found.route == nullptr) {
    if (!found.allowed.empty()) return wrong_method(found.allowed);
    if (head.path.starts_with("/api/v1/")) return no_such_path();
    return http::problem(404, "http.not_found", "Not Found",
                         "there is nothing here; /api/docs lists the APIs of this hub");
  }
  const bool enrols = found.route->options.enrolling || open;
  if (caller->who.must_enrol && !enrols) return problem_of(identity::enrolment_needed());
  if (!found.route->permission.allows(caller->who) ||
      leaves_visit(*found.route, found.path, caller->who)) {
    if (found.route->permission.to == Permission::To::local) return no_such_path();
    return http::problem(
        naming_roles(refusal(*caller, found.route->operation), found.route->permission));
  }
  if (found.route->options.strong) {
    const Status strong = resources_->accounts.accounts.check_strong(caller->who);
    if (!strong.ok()) return problem_of(strong.error());
  }
  const Call call{.request = head,
                  .path = found.path,
                  .caller = *std::move(caller),
                  .pattern = found.route->pattern,
                  .cursors = &parts_.cursors};
  Proven proven{.shown = std::move(proof), .at_ms = judged_ms};
  if (found.route->options.check != nullptr) {
    const auto wanted = found.route->options.check(*resources_, call);
    if (!wanted.ok()) return refused_head(call, wanted.error());
  }
  return taking(*found.route, call, std::move(proven));
}

// Seals, checks and keeps a body as it comes. It counts with what it holds.
class Api::Receiving final : public http::BodySink {
 public:
  Receiving(Api& api, const Route& route, const Call& call, Proven proven,
            std::unique_ptr<Upload> upload, std::shared_ptr<void> held)
      : api_(api),
        route_(route),
        call_(call),
        proven_(std::move(proven)),
        held_(std::move(held)),
        named_(!call.request.header("idempotency-key").empty()),
        upload_(std::move(upload)) {}

  std::optional<Response> take(std::string_view piece) override {
    if (named_) hash_.update(piece);
    const Status taken = upload_->take(piece);
    if (taken.ok()) return std::nullopt;
    return screened(http::problem(taken.error()));
  }
  Response finish(const Request& request) override {
    const Status session_check = api_.still(call_.caller, proven_, request);
    if (!session_check.ok()) return screened(api_.problem_of(session_check.error()));
    const std::string digest = named_ ? to_hex(hash_.finish()) : std::string();
    const auto answering = [this](const Call& with) { return upload_->finish(with); };
    return screened(api_.once(route_, call_, answering, digest));
  }

 private:
  Response screened(Response response) const {
    screen(response, api_.parts_.privacy);
    if (api_.parts_.cors.covers(call_.request)) api_.parts_.cors.allow(call_.request, response);
    return response;
  }

  Api& api_;
  const Route& route_;
  const Call call_;
  const Proven proven_;
  const std::shared_ptr<void> held_;
  const bool named_;
  crypto::Sha256 hash_;
  const std::unique_ptr<Upload> upload_;
};

namespace {

// RFC 9110 section 15.5.16. Compressed bodies are refused, except deliveries: their senders may
// compress without negotiation.
Status check_coding(const Request& head, bool delivery = false) {
  const std::string_view coding = head.header("content-encoding");
  if (coding.empty() || head.length == 0 || equal_ignoring_case(coding, "identity") ||
      (delivery && http::is_unpacked(coding)))
    return ok_status();
  constexpr std::size_t kMostShown = 32;
  const bool shown = coding.size() <= kMostShown && http::is_token(coding);
  return invalid("http.content_coding", "the body is coded" +
                                            (shown ? " as `" + lower(coding) + "`" : "") +
                                            ": send it as it is, without Content-Encoding");
}

}  // namespace

http::Share Api::share_of(const RouteOptions& options, const identity::Caller& caller,
                          const PathParameters& path) const {
  const int most = parts_.rates.concurrent;
  if (most == 0 || caller.who.kind == identity::Kind::local || options.lane == http::Lane::head)
    return {};
  const std::string tenant = resources_->accounts.tenant + " ";
  // Many callers sign in at one issuer, and many deliveries come from one source.
  if (options.lane == http::Lane::outside) {
    const std::string_view of = options.rate == RateClass::hook ? source_in(path) : path[0];
    return {tenant + std::string(of), kPartOfOutside};
  }
  if (options.rate == RateClass::hook)
    return {tenant + std::string(source_in(path)),
            options.lane == http::Lane::heavy ? 1 : most * kPartsOfSource};
  const bool stranger = caller.who.kind == identity::Kind::anonymous;
  std::string whose = tenant + (stranger ? household_of(caller.client) : caller.who.actor());
  if (options.lane == http::Lane::heavy) return {std::move(whose), 1};
  if (options.lane == http::Lane::sign_in) return {std::move(whose), kPartOfSignIn};
  if (options.lane == http::Lane::link) return {std::move(whose), kPartOfLink};
  return {std::move(whose), most};
}

http::Share Api::streams_of(const identity::Caller& caller) const {
  if (parts_.rates.concurrent == 0 || caller.who.kind == identity::Kind::local) return {};
  const bool stranger = caller.who.kind == identity::Kind::anonymous;
  return {resources_->accounts.tenant + " " +
              (stranger ? household_of(caller.client) : caller.who.actor()),
          caller.who.is(identity::Role::integration) ? kPartOfStreamsOfSystem : kPartOfStreams};
}

Status Api::still(const identity::Caller& caller, const Proven& proven, const Request& head) const {
  const identity::Principal& was = caller.who;
  if (was.kind == identity::Kind::anonymous) return ok_status();
  // A link is over at once, and an admission may follow.
  const bool by_link = was.kind == identity::Kind::guest && head.length > 0;
  if (!by_link && parts_.clock.monotonic_ms() - proven.at_ms < kJudgedMs) return ok_status();
  RABT_TRY(now, parts_.who.again(proven.shown, false));
  const bool same = now.kind == was.kind && now.id == was.id && now.person == was.person &&
                    now.session == was.session && now.roles == was.roles && now.part == was.part;
  return same ? ok_status() : Status(identity::unauthenticated());
}

http::Admission Api::taking(const Route& route, const Call& call, Proven proven) {
  RouteOptions options = route.options;
  const bool hook = options.rate == RateClass::hook;
  const Status coding = check_coding(call.request, hook);
  if (!coding.ok()) return http::problem(coding.error());
  if (hook && http::is_unpacked(call.request.header("content-encoding")))
    options.lane = http::Lane::heavy;
  if (hook && resources_->hooks.asks_sender(call)) options.lane = http::Lane::outside;
  http::Intake intake{
      .lane = options.lane,
      .share = share_of(options, call.caller, call.path),
      .streams = streams_of(call.caller),
      .crowded = [] { return http::problem(too_many_at_once()); },
  };
  if (options.upload != nullptr) {
    auto upload = options.upload(*resources_, call);
    if (!upload.ok()) return http::problem(upload.error());
    if (*upload != nullptr) {
      // Its form is judged while it comes.
      const Status may = may_act(*resources_, route, call);
      if (!may.ok()) return problem_of(may.error());
      auto held = hold_of(call.caller, std::min(call.request.length, kHeldOfStream));
      if (held == nullptr) return http::problem(too_much_at_once());
      intake.max_body = options.max_upload;
      intake.sink = std::make_unique<Receiving>(*this, route, call, std::move(proven),
                                                *std::move(upload), std::move(held));
      return intake;
    }
  }
  // A plugin parses in its own process.
  intake.made_of_body = hook ? 0 : kMadeOfJson;
  intake.max_body = options.max_body;
  auto held = hold_of(call.caller, held_by(call.request, options, intake.made_of_body));
  if (held == nullptr) return http::problem(too_much_at_once());
  intake.handler = [this, &route, call, proven = std::move(proven),
                    held = std::move(held)](const Request& request) {
    const Status session_check = still(call.caller, proven, request);
    Response response =
        session_check.ok()
            ? once(route, call, [&](const Call& with) { return route.handler(*resources_, with); })
            : problem_of(session_check.error());
    // A delivery that proves nothing counts for the address that sent it.
    if (route.options.rate == RateClass::hook && response.status == 401)
      (void)over_address(parts_.rates.refused, call.caller.client, source_in(call.path));
    screen(response, parts_.privacy);
    if (!holds(call.caller, response)) response = http::problem(too_much_at_once());
    if (parts_.cors.covers(call.request)) parts_.cors.allow(call.request, response);
    return response;
  };
  return intake;
}

Response Api::problem_of(const Error& error) const {
  Response response = http::problem(error);
  if (error.code != "auth.step_up") return response;
  // RFC 9470 section 3.
  std::erase_if(response.headers, [](const auto& one) { return one.first == "WWW-Authenticate"; });
  const auto seconds = resources_->accounts.accounts.step_up_seconds();
  response.headers.emplace_back("WWW-Authenticate",
                                "Bearer error=\"insufficient_user_authentication\", "
                                "error_description=\"two factors that were "
                                "shown a short time ago are needed\", max_age=\"" +
                                    std::to_string(seconds) + "\"");
  return response;
}

Response Api::once(const Route& route, const Call& call, const Answering& answering,
                   std::string_view digest) {
  const auto answer = [&](const Call& of) {
    const Status request_check =
        route.pattern.starts_with(kApi) ? described_.check(route.operation, of) : ok_status();
    auto answered = request_check.ok() ? answering(of) : Result<Response>(request_check.error());
    if (answered.ok()) return *std::move(answered);
    const Error& error = answered.error();
    // A caller without the right does not learn what the act takes, either.
    if (error.kind == ErrorKind::invalid || error.code.starts_with("precondition.")) {
      const Status may = may_act(*resources_, route, call);
      if (!may.ok()) return problem_of(may.error());
    }
    return problem_of(error);
  };
  if (route.method == "GET") return answer(call);
  const Body body(call.request);
  Call with = call;
  with.body = &body;
  if (call.caller.who.kind == identity::Kind::anonymous || route.options.fleeting)
    return answer(with);
  using When = Replays::When;
  auto begun = parts_.replays.begin(call.caller.who, route.operation, call.request,
                                    route.options.repeatable ? When::within : When::before, digest);
  if (!begun.ok()) {
    // A caller without the right learns nothing about his key, either.
    const Status may = may_act(*resources_, route, call);
    return may.ok() ? http::problem(begun.error()) : problem_of(may.error());
  }
  if (begun->answer) {
    // A caller who may not see the session any more does not see his earlier answers, either.
    const Status still = sees_session(*resources_, route, call);
    return still.ok() ? *std::move(begun->answer) : http::problem(still.error());
  }
  Replays::Ticket& ticket = begun->ticket;
  if (route.options.repeatable && !ticket.key.empty()) {
    with.repeat = to_hex(as_bytes(ticket.key));
    with.once = [this, &ticket](store::Transaction& transaction, const Response& response) {
      return parts_.replays.keep(transaction, ticket, response);
    };
  }
  Response response = answer(with);
  parts_.replays.finish(ticket, response);
  return response;
}

http::Admission Api::judge(const compat::Doors::Found& found, const Request& head,
                           const identity::Credential& shown, const std::string& client) {
  const bool open = found.route != nullptr && found.route->open;
  const std::int64_t judged_ms = parts_.clock.monotonic_ms();
  if (found.route == nullptr && head.method == "OPTIONS") return doors_->other_method(found, head);
  identity::RefusedToken refused;
  const auto refuse = [&](const Error& error) -> Response {
    if (const auto wait = over_address(parts_.rates.anonymous, client))
      return doors_->too_many(found, head, wait->limit, wait->ms);
    ++refused_;
    note_refused(refused, head, client);
    return doors_->refuse(found, head, error);
  };
  auto caller = caller_of(head, shown, client, &refused);
  if (!caller.ok()) {
    if (auto elsewhere = later(caller.error())) return *std::move(elsewhere);
    if (caller.error().code != "http.unauthenticated" || !open) return refuse(caller.error());
    caller =
        identity::Caller{.client = client, .request = head.request_id, .device = device_of(head)};
  }
  // The APIs of other systems know no guests: their documents ask for a user's token at each call.
  if (!open &&
      (caller->who.kind == identity::Kind::anonymous || caller->who.kind == identity::Kind::guest))
    return refuse(identity::unauthenticated());
  // A GET of an older API that acts is no reading, which a HEAD asks for.
  const Route* const acts =
      found.route != nullptr ? compat::find_operation(found.route->as) : nullptr;
  const bool only_looks = head.only_head && acts != nullptr && acts->method != "GET";
  if (found.route == nullptr || only_looks) return doors_->other_method(found, head);
  if (doors_->exempts(found, caller->who)) caller->who.must_enrol = false;
  if (!open && caller->who.must_enrol) return refuse(identity::enrolment_needed());
  // The limits of a path of /api/v1 are those of every path which translates it, and the door's own
  // rate besides.
  const RouteOptions options = compat::options_of(*found.route);
  const Limit limit = per_second(found.door->name, doors_->rate_of(found));
  std::optional<Wait> wait;
  if (watches(options, *caller)) {
    wait = over_address(parts_.rates.anonymous, client, kHealth);
  } else {
    const RateClass kind = class_of(options.rate, *caller);
    if (kind != RateClass::by_method) wait = over(kind, head, *caller);
    if (!wait) wait = over(limit, *caller);
  }
  if (wait) return doors_->too_many(found, head, wait->limit, wait->ms);
  // The decision of a path of /api/v1 is that of every path which translates it.
  if (const Route* const as = compat::find_operation(found.route->as);
      as != nullptr && !open && !as->permission.allows(caller->who)) {
    return doors_->refuse(found, head,
                          naming_roles(refusal(*caller, as->operation), as->permission));
  }
  if (options.strong) {
    const Status strong = resources_->accounts.accounts.check_strong(caller->who);
    if (!strong.ok()) return doors_->refuse(found, head, strong.error());
  }
  if (!connects(head, *caller)) return too_many_connections();
  const Status coding = check_coding(head);
  if (!coding.ok()) return doors_->refuse(found, head, coding.error());
  auto held = hold_of(*caller, held_by(head, options, kMadeOfJson));
  if (held == nullptr) return doors_->refuse(found, head, too_much_at_once());
  return http::Intake{
      .max_body = options.max_body,
      .handler =
          [this, found, caller = *caller, proven = Proven{.shown = shown, .at_ms = judged_ms},
           held = std::move(held)](const Request& request) {
            const Status session_check = still(caller, proven, request);
            if (!session_check.ok()) return doors_->refuse(found, request, session_check.error());
            Response response = doors_->answer(found, request, caller);
            if (holds(caller, response)) return response;
            return doors_->refuse(found, request, too_much_at_once());
          },
      .lane = options.lane,
      .share = share_of(options, *caller, found.path),
      .streams = streams_of(*caller),
      // The head of the request outlives the handler.
      .crowded = [this, found, &head] { return doors_->refuse(found, head, too_many_at_once()); },
      .made_of_body = kMadeOfJson};
}

http::Admission Api::judge_collector(const Request& head, const std::string& client) {
  if (const auto wait = over_address(parts_.rates.anonymous, client, kMetricsListener))
    return too_many(*wait);
  if (head.path != "/metrics")
    return http::problem(404, "http.not_found", "Not Found",
                         "this port answers to /metrics and to nothing else");
  if (head.method != "GET") return wrong_method("GET");
  return http::Intake{
      .max_body = 0,
      .handler =
          [this](const Request& request) { return resources_->metrics.get({.request = request}); },
      .lane = http::Lane::head};
}

void Api::word(const Request& head, std::string_view listener, Response& problem) const {
  if (is_shared(head, listener)) parts_.cors.allow(head, problem);
  const Found own = find_route(head.method, head.path);
  if (doors_ == nullptr || own.route != nullptr || !own.allowed.empty()) return;
  doors_->word(listener, head, problem);
}

std::string Api::metrics_text() const {
  const Request none;
  return resources_->metrics.get({.request = none}).body;
}

Response Api::unknown(const std::string& client, std::string_view detail) {
  if (const auto wait = over_address(parts_.rates.anonymous, client)) return too_many(*wait);
  ++refused_;
  return unauthorised(detail);
}

void Api::note_refused(const identity::RefusedToken& refused, const Request& head,
                       const std::string& client) {
  if (refused.why.empty() || rates_->wait_ms("token " + household_of(client), parts_.rates.refused,
                                             parts_.clock.monotonic_ms()) > 0)
    return;
  const auto entry =
      parts_.audit.prepare({.tenant = resources_->accounts.tenant,
                            .actor = identity::Principal{}.actor(),
                            .act = "user.login_failed",
                            .object = refused.issuer.empty() ? "" : "issuer:" + refused.issuer,
                            .result = "http.unauthenticated",
                            .detail = Json::object({{"why", refused.why}}),
                            .patient = {},
                            .purpose = {},
                            .client = client,
                            .request = head.request_id,
                            .sealed = {}});
  // Nothing waits for it: a stranger who sends many would hold up those who are known.
  parts_.store.submit(
      store::Store::Need::droppable,
      [&log = parts_.audit, entry](store::Transaction& transaction) {
        return log.append(transaction, entry);
      },
      [](const Status& /*status*/) {});
}

Response Api::refused_head(const Call& call, const Error& error) {
  Response response = http::problem(error);
  if (error.code != kOtherAddress) return response;
  // Counts as a delivery that proves nothing, and has the line of one.
  (void)over_address(parts_.rates.refused, call.caller.client, source_in(call.path));
  if (response.cause) response.cause->logged = true;
  return response;
}

Response Api::too_many(const Wait& wait) {
  Response response = http::problem(
      unavailable("rate.exceeded", "too many requests; wait as long as Retry-After says"));
  set_rate_headers(response, wait.limit, wait.ms);
  return response;
}

std::optional<Api::Wait> Api::over_address(const Limit& limit, std::string_view client,
                                           std::string_view place) {
  // Callers on this machine have no limit by address: the kernel tells them apart.
  if (client == kThisMachine) return std::nullopt;
  const std::int64_t now = parts_.clock.monotonic_ms();
  const std::string at = std::string(place) + " ";
  std::int64_t wait = 0;
  if (const auto site = site_of(client)) {
    Limit wide = limit;
    wide.count *= kHouseholdsOfSite;
    wide.burst *= kHouseholdsOfSite;
    wait = rates_->wait_ms(at + *site, wide, now);
  }
  if (wait == 0) wait = rates_->wait_ms(at + household_of(client), limit, now);
  if (wait == 0) return std::nullopt;
  ++limited_;
  return Wait{limit, wait};
}

std::optional<Api::Wait> Api::over(const Limit& limit, const identity::Caller& caller) {
  if (caller.who.kind == identity::Kind::anonymous) return over_address(limit, caller.client);
  if (caller.who.kind == identity::Kind::local) return std::nullopt;
  const std::int64_t wait = rates_->wait_ms(caller.who.tenant + " " + caller.who.actor(), limit,
                                            parts_.clock.monotonic_ms());
  if (wait == 0) return std::nullopt;
  ++limited_;
  return Wait{limit, wait};
}

std::optional<Api::Wait> Api::over(const Found& found, const Request& head,
                                   const identity::Caller& caller) {
  const RateOptions& rates = parts_.rates;
  const auto kind = found.route != nullptr ? found.route->options.rate : RateClass::by_method;
  if (found.route != nullptr && watches(found.route->options, caller))
    return over_address(rates.anonymous, caller.client, kHealth);
  if (kind != RateClass::hook) return over(class_of(kind, caller), head, caller);
  const std::string_view source = source_in(found.path);
  const std::string refused = std::string(source) + " " + household_of(caller.client);
  const auto wait = rates_->peek_ms(refused, rates.refused, parts_.clock.monotonic_ms());
  if (wait == 0) return over_address(rates.hook, caller.client, source);
  ++limited_;
  return Wait{rates.refused, wait};
}

std::optional<Api::Wait> Api::over(RateClass kind, const Request& head,
                                   const identity::Caller& caller) {
  const RateOptions& rates = parts_.rates;
  if (kind == RateClass::sign_in) return over_address(rates.sign_in, caller.client);
  const bool stranger = caller.who.kind == identity::Kind::anonymous;
  const bool visitor = stranger || caller.who.kind == identity::Kind::guest;
  if (kind == RateClass::invitation && visitor)
    return over_address(rates.invitation, caller.client);
  if (kind == RateClass::registration && stranger)
    return over_address(rates.registration, caller.client);
  if (stranger) return over(rates.anonymous, caller);
  if (kind == RateClass::rare) return over(rates.rare, caller);
  if (kind == RateClass::connect) return over(rates.connect, caller);
  if (kind == RateClass::enter || kind == RateClass::invitation) return over(rates.enter, caller);
  return over(head.method == "GET" ? rates.read : rates.write, caller);
}

bool Api::connects(const Request& head, const identity::Caller& caller) {
  const bool counts = head.kept != nullptr && parts_.rates.connections > 0 &&
                      caller.who.kind != identity::Kind::anonymous &&
                      caller.who.kind != identity::Kind::local;
  if (!counts) return true;
  std::string who = "connections " + caller.who.tenant + " " + caller.who.actor();
  if (head.kept->name == who) return true;
  if (!rates_->enter(who, parts_.rates.connections)) {
    ++limited_;
    return false;
  }
  head.kept->name = who;
  head.kept->held = {rates_.get(),
                     [rates = rates_, who = std::move(who)](void*) { rates->leave(who); }};
  return true;
}

std::shared_ptr<void> Api::hold_of(const identity::Caller& caller, std::uint64_t bytes) {
  const bool counts =
      bytes > 0 && caller.who.kind != identity::Kind::local && caller.client != kThisMachine;
  if (!counts) return {this, [](void*) {}};
  std::string who = "bodies " + caller.who.tenant + " ";
  who += caller.who.kind == identity::Kind::anonymous ? household_of(caller.client)
                                                      : caller.who.actor();
  const auto some = static_cast<std::int64_t>(bytes);
  if (!rates_->enter(who, parts_.rates.bodies, some)) {
    ++limited_;
    return nullptr;
  }
  return {rates_.get(),
          [rates = rates_, some, who = std::move(who)](void*) { rates->leave(who, some); }};
}

bool Api::holds(const identity::Caller& caller, Response& response) {
  // Strangers have what is small, and what is the same for all; their connections are few.
  if (response.body.size() <= http::kSmallAnswer || caller.who.kind == identity::Kind::anonymous)
    return true;
  response.held = hold_of(caller, response.body.size());
  return response.held != nullptr;
}

Result<identity::Credential> Api::credential_of(const Request& head) const {
  identity::Credential shown = shown_by(head);
  RABT_TRY(session, cookie(head, kSessionCookie));
  if (session) {
    // Two proofs of two people would be read differently by two programs.
    if (!head.header("authorization").empty() || !identity::Accounts::is_session(*session))
      return identity::unauthenticated();
    RABT_TRY_STATUS(check_browser(head, resources_->accounts.origin));
    // A sign-in that is over shuts nobody out of the visit that the browser holds.
    identity::GuestProof visit = visit_of(head);
    if (!visit.empty() && !parts_.who.again(shown, false).ok()) {
      shown.authorization.clear();
      shown.guest = std::move(visit);
    }
    return shown;
  }
  if (!shown.guest.empty()) {
    RABT_TRY_STATUS(check_browser(head, resources_->accounts.origin));
    return shown;
  }
  const bool nothing = shown.authorization.empty() && shown.actor.empty() && !shown.local_user &&
                       shown.certificate == nullptr;
  // A page that opens a WebSocket can set no header.
  if (nothing && resources_->stream != nullptr) {
    if (auto ticketed = resources_->stream->tickets().take(head)) return *std::move(ticketed);
  }
  // Nor can a player.
  if (nothing) {
    if (auto viewing = resources_->recordings.views.shown(head, parts_.proxies.client_of(head)))
      return *std::move(viewing);
  }
  return shown;
}

Result<identity::Caller> Api::caller_of(const Request& head, const identity::Credential& shown,
                                        std::string client, identity::RefusedToken* refused) const {
  // Two headers of one name could be read differently by two programs.
  for (const std::string_view name : {"authorization", "x-rabt-actor"}) {
    if (!head.header(name).empty() && !head.only_header(name)) return identity::unauthenticated();
  }
  RABT_TRY(who, parts_.who.principal({.authorization = shown.authorization,
                                      .local_user = shown.local_user,
                                      .certificate = shown.certificate.get(),
                                      .actor = shown.actor,
                                      .client = client,
                                      .request = head.request_id,
                                      .may_wait = head.may_wait,
                                      .guest = &shown.guest},
                                     refused));
  RABT_TRY(reason, reason_of(head.header("x-rabt-reason")));
  // A reason opens nothing to a guest.
  if (who.kind == identity::Kind::guest) reason.clear();
  const bool proven = who.kind != identity::Kind::anonymous;
  return identity::Caller{.who = std::move(who),
                          .client = std::move(client),
                          .request = proven ? proven_request(head) : head.request_id,
                          .trace = proven ? trace_in(head) : std::string(),
                          .reason = std::move(reason),
                          .purpose = std::string(head.header("x-rabt-purpose")),
                          .device = device_of(head),
                          .page = is_page(head)};
}

Error Api::refusal(const identity::Caller& caller, std::string_view operation) {
  const auto entry =
      parts_.audit.prepare({.tenant = caller.who.tenant,
                            .actor = caller.who.actor(),
                            .act = "access.refused",
                            .object = "operation:" + std::string(operation),
                            .result = "authorisation.denied",
                            .detail = Json::object({{"token", caller.who.credential}}),
                            .patient = {},
                            .purpose = {},
                            .client = caller.client,
                            .request = caller.request,
                            .sealed = {}});
  const Status written = parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, entry); });
  return written.ok() ? not_allowed() : access::not_audited(written.error());
}

void write_metrics(const Api& api, MetricsWriter& out) {
  api.write_doors(out);
  out.counter("rabt_api_refused_total", "API requests without a valid credential.", api.refused());
  out.counter("rabt_api_limited_total",
              "Requests that were refused because the caller sent too many.", api.limited());
}

}  // namespace rabt::api

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <tuple>

#include "hub/base/mutex.hpp"
#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/nphies_validation.hpp"
#include "tools/sandbox/service.hpp"

// The NPHIES gateway (financial services, FHIR R4 messaging) with one pseudo payer behind it.
//
//   POST {anything}/$process-message
//
// Options and the control call "settings" take the same members:
//   licence              provider licence the client certificate would carry; "" accepts every one
//   (PR-FHIR) queue_all_claims     claims are answered "queued" and decided later, whatever their
//   priority (true) adjudicate_after_ms  from queued to decided (1500) outcome approved | partial |
//   rejected (approved) cancel_queued        what a cancellation of a queued claim meets:
//   in-process | completed (in-process) deferred_response    final answers carry
//   MessageHeader.response although BV-00248 forbids it, as some payers do (false) refusal_code
//   MessageHeader.response.code of messages with rule violations: ok | fatal-error (ok, as
//   observed) not_active           identifiers of patients whose policy is not active ([])
// Control calls: settings; payer-offline {duration_ms, poll}; enqueue {message, licence, about};
// queue {}.
namespace rabt::sandbox {

namespace {

using nphies::code_of;
using nphies::element;
using nphies::extension;
using nphies::Finding;
using nphies::halalas;
using nphies::member;
using nphies::Message;
using nphies::Party;
using nphies::party_of;
using nphies::text;

constexpr std::size_t kMaxMessageBytes = 32U
                                         << 20U;  // attachments of 10 MB grow by a third in base64
constexpr std::size_t kMaxStoredMessages = 20'000;  // for duplicate detection; the oldest go first
constexpr std::size_t kMaxTransactions = 20'000;
constexpr std::size_t kMaxQueued = 10'000;  // messages waiting for one licence
constexpr std::int64_t kMaxDelay = 86'400'000;

constexpr std::string_view kFhirJson = "application/fhir+json";
constexpr std::string_view kHl7 = "http://terminology.hl7.org/CodeSystem/";
constexpr std::string_view kPayerBase = "http://pseudo-payer.example.sa";
constexpr std::string_view kNphiesBase = "http://nphies.sa";

std::string join(std::string_view a, std::string_view b) {
  return std::string(a) + std::string(b);
}

Json profile(std::string_view name) {
  return {{"profile", Json::array({join(nphies::kProfiles, name) + "|1.0.0"})}};
}
Json coding(const std::string& system, std::string_view code) {
  return {{"coding", Json::array({{{"system", system}, {"code", code}}})}};
}
Json nphies_code(std::string_view system, std::string_view code) {
  return coding(join(nphies::kCodes, system), code);
}
Json hl7_code(std::string_view system, std::string_view code) {
  return coding(join(kHl7, system), code);
}
Json extension_of(std::string_view name, std::string_view type, Json value) {
  Json result{{"url", join(nphies::kProfiles, name)}};
  result[std::string(type)] = std::move(value);
  return result;
}
// Division by 100 gives the double next to the decimal, which prints as that decimal.
Json money(std::int64_t amount) {
  return {{"value", static_cast<double>(amount) / 100.0}, {"currency", "SAR"}};
}
Json reference(const std::string& url) {
  return {{"reference", url}};
}
Json identifier_json(const Party& party) {
  return {{"system", party.system}, {"value", party.value}};
}
Json organization(const Party& party) {
  return {{"type", "Organization"}, {"identifier", identifier_json(party)}};
}
Party nphies_party() {
  return {std::string(nphies::kNphiesLicence), "NPHIES"};
}

// Asia/Riyadh has no daylight saving time.
std::string riyadh(std::int64_t ms) {
  const std::int64_t seconds = ms / 1000 + 3 * 3600;
  const auto days = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(seconds)));
  const std::chrono::year_month_day date(days);
  const auto rest =
      seconds - std::chrono::duration_cast<std::chrono::seconds>(days.time_since_epoch()).count();
  std::array<char, 40> text_buffer{};
  std::snprintf(text_buffer.data(), text_buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d+03:00",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(rest / 3600),
                static_cast<int>(rest / 60 % 60), static_cast<int>(rest % 60));
  return text_buffer.data();
}

std::string digest(const Json& value) {
  const auto canonical = value.dump();  // keys are sorted, so layout and order do not count
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  EVP_Digest(canonical.data(), canonical.size(), bytes.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

Json error_coding(const Finding& finding) {
  return {{"coding",
           Json::array({{{"extension", Json::array({extension_of("extension-error-expression",
                                                                 "valueString", finding.path)})},
                         {"system", join(nphies::kCodes, "adjudication-error")},
                         {"code", finding.code},
                         {"display", finding.display}}})}};
}

Json errors_of(const std::vector<Finding>& findings) {
  auto list = Json::array();
  for (const auto& finding : findings) list.push_back({{"code", error_coding(finding)}});
  return list;
}

void copy_member(Json& to, const Json& from, std::string_view name) {
  const auto& value = member(from, name);
  if (!value.is_null()) to[std::string(name)] = value;
}

const Finding kPayerOffline{"GE-00012",
                            "Payer is unreachable or temporarily offline, Please try again in a "
                            "moment. If issue persists please follow up "
                            "with the payer contact center.",
                            "Bundle.entry[1].resource"};

struct NphiesSettings {
  std::string licence = "PR-FHIR";
  bool queue_all_claims = true;
  std::int64_t adjudicate_after_ms = 1500;
  std::string outcome = "approved";
  std::string cancel_queued = "in-process";
  bool deferred_response = false;
  std::string refusal_code = "ok";
  std::set<std::string> not_active;

  Json json() const {
    return {{"licence", licence},
            {"not_active", not_active},
            {"queue_all_claims", queue_all_claims},
            {"outcome", outcome},
            {"adjudicate_after_ms", adjudicate_after_ms},
            {"cancel_queued", cancel_queued},
            {"deferred_response", deferred_response},
            {"refusal_code", refusal_code}};
  }

  // "" or what is wrong; unchanged when something is.
  std::string apply(const Json& body) {
    if (!body.is_object()) return "settings must be a JSON object";
    NphiesSettings next = *this;
    for (const auto& [key, value] : body.items()) {
      const auto choose = [&, &value = value](std::string& field,
                                              std::initializer_list<std::string_view> allowed) {
        if (!value.is_string()) return false;
        const auto chosen = value.get<std::string>();
        if (std::find(allowed.begin(), allowed.end(), chosen) == allowed.end()) return false;
        field = chosen;
        return true;
      };
      bool ok = false;
      if (key == "licence" && value.is_string()) {
        next.licence = value.get<std::string>();
        ok = true;
      } else if (key == "queue_all_claims" && value.is_boolean()) {
        next.queue_all_claims = value.get<bool>();
        ok = true;
      } else if (key == "deferred_response" && value.is_boolean()) {
        next.deferred_response = value.get<bool>();
        ok = true;
      } else if (key == "adjudicate_after_ms" && value.is_number_integer()) {
        next.adjudicate_after_ms = value.get<std::int64_t>();
        ok = next.adjudicate_after_ms >= 0 && next.adjudicate_after_ms <= kMaxDelay;
      } else if (key == "outcome") {
        ok = choose(next.outcome, {"approved", "partial", "rejected"});
      } else if (key == "cancel_queued") {
        ok = choose(next.cancel_queued, {"in-process", "completed"});
      } else if (key == "refusal_code") {
        ok = choose(next.refusal_code, {"ok", "fatal-error"});
      } else if (key == "not_active" && value.is_array()) {
        ok = std::all_of(value.begin(), value.end(),
                         [](const Json& item) { return item.is_string(); });
        if (ok) next.not_active = value.get<std::set<std::string>>();
      }
      if (!ok) return "unknown setting or bad value: " + key;
    }
    *this = next;
    return {};
  }
};

// Fields that an answer repeats from its request; survives the request.
struct Origin {
  Party sender;
  Party receiver;
  std::string sender_endpoint;
  std::string receiver_endpoint;
  std::string header_id;
  std::string_view response_event;
  Json focal;
  Json entries = Json::array();  // Patient, Organizations, Coverages with their fullUrls
  std::string patient;           // fullUrls
  std::string provider;
  std::string insurer;
  std::vector<std::string> coverages;

  static Origin of(const Message& message) {
    Origin origin;
    origin.sender = message.sender();
    origin.receiver = message.receiver();
    origin.sender_endpoint = text(member(message.header(), "source"), "endpoint");
    origin.receiver_endpoint =
        text(element(member(message.header(), "destination"), 0), "endpoint");
    origin.header_id = message.header_id();
    origin.response_event = message.event().response;
    origin.focal = message.focal();
    const auto index = message.focal_index();
    const auto url = [&](const Json& value) {
      const auto target = message.resolve(value, index);
      return target ? message.full_url(*target) : std::string();
    };
    origin.patient = url(member(origin.focal, "patient"));
    origin.provider = url(member(origin.focal, "provider"));
    origin.insurer = url(member(origin.focal, "insurer"));
    const auto& insurance = member(origin.focal, "insurance");
    for (std::size_t i = 0; insurance.is_array() && i < insurance.size(); ++i) {
      const auto coverage = url(member(insurance[i], "coverage"));
      if (!coverage.empty()) origin.coverages.push_back(coverage);
    }
    for (std::size_t i = 1; i < message.size(); ++i) {
      const auto type = text(message.resource(i), "resourceType");
      if (type == "Patient" || type == "Organization" || type == "Coverage") {
        origin.entries.push_back(
            {{"fullUrl", message.full_url(i)}, {"resource", message.resource(i)}});
      }
    }
    return origin;
  }
};

// Long, because each message works on the same tables.
class Nphies final : public Service {
 public:
  Nphies(Context context, const Json& options) : context_(std::move(context)) {
    if (options.is_object()) {
      Json item = Json::object();
      for (const auto& [key, value] : options.items()) {
        // Options also carry members of the frame, which are not ours to judge.
        if (settings_.json().contains(key)) item[key] = value;
      }
      if (const auto problem = settings_.apply(item); !problem.empty()) {
        throw std::invalid_argument("nphies: " + problem);
      }
    }
  }

  std::string name() const override { return "nphies"; }

  Response handle(const Request& request) override {
    if (!request.path.ends_with("/$process-message")) {
      return outcome(
          404,
          {"GE-00009", "The used API is invalid. It must use the process-message API", "Bundle"},
          "not-found");
    }
    if (request.method != "POST") {
      auto response =
          outcome(405, {"GE-00009", "process-message takes POST only", "Bundle"}, "not-supported");
      response.headers.emplace_back("Allow", "POST");
      return response;
    }
    auto type = request.header("content-type");
    type = type.substr(0, type.find(';'));
    while (!type.empty() && type.back() == ' ') type.pop_back();
    if (type != kFhirJson) {
      return outcome(415, {"GE-00013", "Content-Type must be application/fhir+json", "Bundle"},
                     "not-supported");
    }
    if (request.body.size() > kMaxMessageBytes) {
      return outcome(413, {"BV-00076", "File size must not exceed 10 MB", "Bundle"}, "too-long");
    }
    const auto bundle = parse_json(request.body);
    if (!bundle || !bundle->is_object()) {
      return outcome(400, {"GE-00013", "Message payload is not a well formed JSON/XML", "Bundle"},
                     "structure");
    }
    const auto opened = Message::open(*bundle);
    if (const auto* problem = std::get_if<Finding>(&opened))
      return outcome(400, *problem, "structure");

    const Lock lock(mutex_);
    adjudicate_due();
    return {200,
            {{"Content-Type", std::string(kFhirJson)}},
            take(std::get<Message>(opened)),
            0,
            nullptr};
  }

  Response control(std::string_view what, const Json& body) override {
    const Lock lock(mutex_);
    adjudicate_due();
    if (what == "settings") {
      if (const auto problem = settings_.apply(body.is_null() ? Json::object() : body);
          !problem.empty()) {
        return Response::json(400, {{"error", problem}});
      }
      return Response::json(200, settings_.json());
    }
    if (what == "payer-offline") {
      const auto& duration = member(body, "duration_ms");
      if (!duration.is_number_integer() || duration.get<std::int64_t>() < 0 ||
          duration.get<std::int64_t>() > kMaxDelay) {
        return Response::json(400, {{"error", "duration_ms must be between 0 and one day"}});
      }
      offline_until_ = context_.now_ms() + duration.get<std::int64_t>();
      offline_for_polls_ = member(body, "poll") == Json(true);
      return Response::json(200,
                            {{"offline_until_ms", offline_until_}, {"poll", offline_for_polls_}});
    }
    if (what == "claims") return Response::json(200, {{"claims", claims_}});
    if (what == "enqueue") return enqueue(body);
    if (what == "queue") {
      Json licences = Json::object();
      for (const auto& [licence, queue] : queues_) {
        licences[licence] = Json::array();
        for (const auto& one : queue) {
          licences[licence].push_back(
              {{"event", one.event}, {"about", identifier_json(one.about)}});
        }
      }
      return Response::json(200, {{"queued", licences}, {"undecided", due_.size()}});
    }
    return Service::control(what, body);
  }

 private:
  // Claims that were accepted, as they came.
  Json claims_ = Json::array();

  struct Stored {
    std::string header_id;
    std::string content;
    std::string response;
  };
  // (licence of the sender, resource type, identifier)
  using Key = std::tuple<Party, std::string, Party>;
  struct Transaction {
    enum class State { kQueued, kFinal, kRejected, kCancelled };
    State state = State::kFinal;
    bool authorization = false;
    bool claimed = false;  // an authorization that a claim has used
    std::string content;
    std::string response;
    std::string authorization_number;
    Origin origin;  // only while queued
  };
  struct Queued {
    std::string event;
    Party about;
    Json bundle;
  };

  // ---- intake ----

  std::string take(const Message& message) {
    const auto sender = message.sender();
    const std::pair bundle_key{sender, message.bundle_id()};
    const std::pair header_key{sender, message.header_id()};
    const auto content = digest(message.bundle());
    if (const auto found = messages_.find(bundle_key); found != messages_.end()) {
      const auto& stored = found->second;
      if (stored.header_id != message.header_id()) {
        return refuse(
            message,
            {{"BV-00540",
              "If the Bundle id and content are reused then the MessageHeader id in the original "
              "message SHALL be reused",
              "Bundle.entry[0].resource.id"}});
      }
      if (stored.content == content) return repeat(message, stored.response);
      return refuse(
          message,
          {{"BV-00533", "The Bundle id has been found in a previous message, it is a duplicate",
            "Bundle.id"},
           {"BV-00532",
            "The MessageHeader id has been found in a previous message, it is a duplicate",
            "Bundle.entry[0].resource.id"}});
    }
    if (header_ids_.contains(header_key)) {
      return refuse(
          message, {{"BV-00532",
                     "The MessageHeader id has been found in a previous message, it is a duplicate",
                     "Bundle.entry[0].resource.id"}});
    }
    auto findings = nphies::validate(message, {settings_.licence, context_.now_ms()});
    if (!findings.empty()) return remember(message, content, refuse(message, findings));

    const bool task = message.event().focal_type == "Task";
    const Key key{sender, std::string(message.event().focal_type), message.focal_identifier()};
    const auto essence = essence_of(message);
    if (!task) {
      if (const auto known = transactions_.find(key); known != transactions_.end()) {
        if (known->second.content == essence)
          return remember(message, content, repeat(message, known->second.response));
        const bool claim = message.event().focal_type == "Claim";
        return remember(
            message, content,
            refuse(message,
                   {{claim ? "BV-00457" : "BV-00163",
                     claim ? "Claim identifier must be unique"
                           : "The main resource identifier shall be unique on the HCP/HIC level",
                     entry_of(message) + ".identifier[0]"}}));
      }
    }
    // Not remembered: the same bytes are to be sent again when the payer is back.
    if (offline(message)) return refuse(message, {kPayerOffline}, false);
    return remember(message, content, process(message, key, essence));
  }

  bool offline(const Message& message) const {
    if (context_.now_ms() >= offline_until_) return false;
    if (message.event().request == "poll-request") return offline_for_polls_;
    return message.receiver() != nphies_party();
  }

  // The message without what a new attempt changes by itself.
  static std::string essence_of(const Message& message) {
    Json copy_of_bundle = message.bundle();
    copy_of_bundle.erase("id");
    copy_of_bundle.erase("timestamp");
    auto& first = copy_of_bundle["entry"][0];
    first.erase("fullUrl");
    first["resource"].erase("id");
    return digest(copy_of_bundle);
  }

  static std::string entry_of(const Message& message) {
    return "Bundle.entry[" + std::to_string(message.focal_index()) + "].resource";
  }

  std::string remember(const Message& message, std::string content, std::string response) {
    const auto sender = message.sender();
    messages_[{sender, message.bundle_id()}] = {message.header_id(), std::move(content), response};
    header_ids_[{sender, message.header_id()}] = message.bundle_id();
    message_order_.push_back({sender, message.bundle_id(), message.header_id()});
    if (message_order_.size() > kMaxStoredMessages) {
      const auto& [oldest_sender, bundle_id, header_id] = message_order_.front();
      messages_.erase({oldest_sender, bundle_id});
      header_ids_.erase({oldest_sender, header_id});
      message_order_.pop_front();
    }
    return response;
  }

  // The last answer to this transaction, addressed to this request.
  std::string repeat(const Message& message, const std::string& stored) {
    const Key key{message.sender(), std::string(message.event().focal_type),
                  message.focal_identifier()};
    const auto known = transactions_.find(key);
    const bool task = message.event().focal_type == "Task";
    // A refused message shares its identifier with the corrected one; only its own content leads to
    // its answer.
    const bool same =
        !task && known != transactions_.end() && known->second.content == essence_of(message);
    const auto& latest = same ? known->second.response : stored;
    auto bundle = Json::parse(latest);
    auto& header = bundle["entry"][0]["resource"];
    if (text(member(header, "response"), "identifier") == message.header_id()) return latest;
    header["response"]["identifier"] = message.header_id();
    return bundle.dump();
  }

  std::string process(const Message& message, const Key& key, const std::string& essence) {
    const auto event = message.event().request;
    if (event == "poll-request") return poll(message);
    if (event == "cancel-request") return cancel(message);
    if (event == "status-check") return status(message);
    Transaction transaction;
    transaction.content = essence;
    if (event == "eligibility-request") {
      transaction.response = eligibility(message);
      context_.ledger.record("nphies", "eligibility.checked", std::get<2>(key).value);
    } else if (event == "claim-request" || event == "priorauth-request") {
      accept_claim(message, key, transaction);
    } else {
      transaction.response = acknowledge(message, {});
      context_.ledger.record("nphies", join(event, ".received"), std::get<2>(key).value);
    }
    auto response = transaction.response;
    transactions_.insert_or_assign(key, std::move(transaction));
    transaction_order_.push_back(key);
    if (transaction_order_.size() > kMaxTransactions) {
      transactions_.erase(transaction_order_.front());
      transaction_order_.pop_front();
    }
    return response;
  }

  // ---- messages ----

  std::string new_number() { return std::to_string(++last_number_); }

  // An answer to `origin`. Without `response_code` it is a deferred message (BV-00248).
  Json header(const Origin& origin, bool from_nphies, const std::string& focus,
              std::string_view response_code) {
    const auto from = from_nphies ? nphies_party() : origin.receiver;
    Json result{
        {"resourceType", "MessageHeader"},
        {"id", random_uuid()},
        {"meta", profile("message-header")},
        {"eventCoding",
         {{"system", join(nphies::kCodes, "ksa-message-events")}, {"code", origin.response_event}}},
        {"destination", Json::array({{{"endpoint", endpoint(origin.sender_endpoint, origin.sender)},
                                      {"receiver", organization(origin.sender)}}})},
        {"sender", organization(from)},
        {"source",
         {{"endpoint",
           from_nphies ? join(kNphiesBase, "/") : endpoint(origin.receiver_endpoint, from)}}}};
    if (!response_code.empty())
      result["response"] = {{"identifier", origin.header_id}, {"code", response_code}};
    if (!focus.empty()) result["focus"] = Json::array({reference(focus)});
    return result;
  }

  static std::string endpoint(const std::string& given, const Party& party) {
    return given.empty() ? party.system + "/" + party.value : given;
  }

  Json bundle(Json message_header, const std::string& focus, Json focal, const Json& others) {
    auto entries = Json::array();
    const auto id = text(message_header, "id");
    entries.push_back({{"fullUrl", "urn:uuid:" + id}, {"resource", std::move(message_header)}});
    if (!focus.empty()) entries.push_back({{"fullUrl", focus}, {"resource", std::move(focal)}});
    for (const auto& other : others) entries.push_back(other);
    return {{"resourceType", "Bundle"}, {"id", random_uuid()},     {"meta", profile("bundle")},
            {"type", "message"},        {"timestamp", now_text()}, {"entry", std::move(entries)}};
  }

  std::string now_text() const { return riyadh(context_.now_ms()); }

  static Response outcome(int status, const Finding& finding, std::string_view issue_code) {
    return Response::json(status, operation_outcome(random_uuid(), {finding}, issue_code),
                          std::string(kFhirJson));
  }

  static Json operation_outcome(const std::string& id, const std::vector<Finding>& findings,
                                std::string_view issue_code) {
    auto issues = Json::array();
    for (const auto& finding : findings) {
      Json details = nphies_code("adjudication-error", finding.code);
      details["coding"][0]["display"] = finding.display;
      issues.push_back({{"severity", "fatal"},
                        {"code", issue_code},
                        {"details", details},
                        {"diagnostics", finding.display},
                        {"expression", Json::array({finding.path})}});
    }
    return {{"resourceType", "OperationOutcome"},
            {"id", id},
            {"meta", profile("OperationOutcome")},
            {"issue", std::move(issues)}};
  }

  static void tag_as_generated(Json& resource) {
    resource["meta"]["tag"] = Json::array(
        {{{"system", join(nphies::kCodes, "meta-tags")}, {"code", "nphies-generated"}}});
  }

  // The gateway's own answer to a message that broke rules or could not be delivered.
  std::string refuse(const Message& message, const std::vector<Finding>& findings,
                     bool record = true) {
    const auto origin = Origin::of(message);
    const auto type = message.event().focal_type;
    if (type == "Claim" && record) {
      auto rules = Json::array();
      for (const auto& finding : findings) rules.push_back(finding.code);
      context_.ledger.record("nphies", "claim.refused", message.focal_identifier().value,
                             {{"rules", rules}});
    }
    if (type == "Task") {
      return task_answer(
          message, true, "failed", {}, findings,
          message.event().request == "poll-request" ? "fatal-error" : settings_.refusal_code);
    }
    if (type == "Claim" || type == "CoverageEligibilityRequest") {
      const bool claim = type == "Claim";
      const auto number = new_number();
      auto response = claim ? claim_response(origin, number) : eligibility_response(origin, number);
      const auto url =
          join(kNphiesBase, claim ? "/ClaimResponse/" : "/CoverageEligibilityResponse/") + number;
      response["identifier"] = Json::array({identifier_json(
          {join(kNphiesBase, claim ? "/ClaimResponse" : "/CoverageEligibilityResponse"), number})});
      response["outcome"] = "error";
      response["error"] = errors_of(findings);
      tag_as_generated(response);
      return bundle(header(origin, true, url, settings_.refusal_code), url, response,
                    origin.entries)
          .dump();
    }
    return acknowledge(message, findings);
  }

  std::string acknowledge(const Message& message, const std::vector<Finding>& findings) {
    const auto origin = Origin::of(message);
    if (findings.empty())
      return bundle(header(origin, false, {}, "ok"), {}, {}, Json::array()).dump();
    // An acknowledgement has no focal resource, so the errors hang on response.details (FHIR R4
    // messageheader).
    const auto id = random_uuid();
    auto message_header = header(origin, true, {}, "fatal-error");
    message_header["response"]["details"] = reference("urn:uuid:" + id);
    const auto details = operation_outcome(id, findings, "business-rule");
    return bundle(std::move(message_header), "urn:uuid:" + id, details, Json::array()).dump();
  }

  // ---- eligibility ----

  Json eligibility_response(const Origin& origin, const std::string& number) {
    Json result{
        {"resourceType", "CoverageEligibilityResponse"},
        {"id", number},
        {"meta", profile("eligibility-response")},
        {"identifier",
         Json::array({identifier_json({join(kPayerBase, "/eligibilityresponse"), "R-" + number})})},
        {"status", "active"},
        {"created", now_text()},
        {"request",
         {{"type", "CoverageEligibilityRequest"},
          {"identifier", identifier_json(party_of(member(origin.focal, "identifier")))}}}};
    copy_member(result, origin.focal, "purpose");
    copy_member(result, origin.focal, "servicedDate");
    copy_member(result, origin.focal, "servicedPeriod");
    if (!origin.patient.empty()) result["patient"] = reference(origin.patient);
    if (!origin.insurer.empty()) result["insurer"] = reference(origin.insurer);
    return result;
  }

  std::string eligibility(const Message& message) {
    auto origin = Origin::of(message);
    const auto number = new_number();
    auto response = eligibility_response(origin, number);
    const auto url = join(kPayerBase, "/CoverageEligibilityResponse/") + number;
    std::size_t patient_entry = 0;
    std::string person;
    if (const auto index =
            message.resolve(member(message.focal(), "patient"), message.focal_index())) {
      patient_entry = *index;
      person = party_of(member(message.resource(*index), "identifier")).value;
    }
    // The test members of the OBA pseudo payer.
    if (person == "2333333333") {
      response["outcome"] = "error";
      response["error"] = errors_of(
          {{"1658", "No member found with the supplied patient credentials",
            "Bundle.entry[" + std::to_string(patient_entry) + "].resource.identifier[0].value"}});
      return bundle(header(origin, false, url, "ok"), url, response, origin.entries).dump();
    }
    const bool active = person != "2555555550" && !settings_.not_active.contains(person);
    auto coverages = origin.coverages;
    if (coverages.empty()) coverages.push_back(invent_coverage(origin, number + "-1"));
    if (person == "2555555559") {
      while (coverages.size() < 3) {
        coverages.push_back(
            invent_coverage(origin, number + "-" + std::to_string(coverages.size() + 1)));
      }
    }
    response["outcome"] = "complete";
    response["extension"] = Json::array(
        {extension_of("extension-siteEligibility", "valueCodeableConcept",
                      nphies_code("siteEligibility", active ? "eligible" : "not-active"))});
    response["insurance"] = Json::array();
    for (const auto& coverage : coverages)
      response["insurance"].push_back(policy(coverage, active));
    return bundle(header(origin, false, url, "ok"), url, response, origin.entries).dump();
  }

  Json policy(const std::string& coverage, bool active) const {
    const auto year = now_text().substr(0, 4);
    Json result{
        {"coverage", reference(coverage)},
        {"inforce", active},
        {"benefitPeriod",
         {{"start", year + "-01-01T00:00:00+03:00"}, {"end", year + "-12-31T23:59:59+03:00"}}}};
    if (!active) return result;
    Json category = nphies_code("benefit-category", "84");
    category["coding"][0]["display"] = "Telemedicine";
    result["item"] =
        Json::array({{{"category", category},
                      {"network", hl7_code("benefit-network", "in")},
                      {"unit", hl7_code("benefit-unit", "individual")},
                      {"term", hl7_code("benefit-term", "annual")},
                      {"benefit", Json::array({{{"type", nphies_code("benefit-type", "visit")},
                                                {"allowedUnsignedInt", 12},
                                                {"usedUnsignedInt", 2}}})}}});
    return result;
  }

  // A policy the request did not name, as discovery and members with several policies get it.
  static std::string invent_coverage(Origin& origin, const std::string& number) {
    const auto url = join(kPayerBase, "/Coverage/") + number;
    Json coverage{{"resourceType", "Coverage"},
                  {"id", number},
                  {"meta", profile("coverage")},
                  {"identifier",
                   Json::array({identifier_json({join(kPayerBase, "/memberid"), "MB-" + number})})},
                  {"status", "active"},
                  {"type", nphies_code("coverage-type", "EHCPOL")},
                  {"relationship", hl7_code("subscriber-relationship", "self")},
                  {"class", Json::array({{{"type", hl7_code("coverage-class", "plan")},
                                          {"value", "PLAN-" + number},
                                          {"name", "Plan " + number}}})},
                  {"network", "Golden C"}};
    if (!origin.patient.empty()) {
      coverage["subscriber"] = coverage["beneficiary"] = reference(origin.patient);
      coverage["policyHolder"] = reference(origin.patient);
    }
    if (!origin.insurer.empty()) coverage["payor"] = Json::array({reference(origin.insurer)});
    origin.entries.push_back({{"fullUrl", url}, {"resource", coverage}});
    return url;
  }

  // ---- claims and authorizations ----

  Json claim_response(const Origin& origin, const std::string& number) {
    const auto& claim = origin.focal;
    const bool authorization = text(claim, "use") == "preauthorization";
    Json result{{"resourceType", "ClaimResponse"},
                {"id", number},
                {"meta", profile(authorization ? "prior-auth-response" : "claim-response")},
                {"identifier",
                 Json::array({identifier_json(
                     {join(kPayerBase, authorization ? "/authorizationresponse" : "/claimresponse"),
                      "CR-" + number})})},
                {"status", "active"},
                {"created", now_text()},
                {"request",
                 {{"type", "Claim"},
                  {"identifier", identifier_json(party_of(member(claim, "identifier")))}}}};
    copy_member(result, claim, "type");
    copy_member(result, claim, "subType");
    copy_member(result, claim, "use");
    if (!origin.patient.empty()) result["patient"] = reference(origin.patient);
    if (!origin.insurer.empty()) result["insurer"] = reference(origin.insurer);
    if (!origin.provider.empty()) result["requestor"] = reference(origin.provider);
    return result;
  }

  void accept_claim(const Message& message, const Key& key, Transaction& transaction) {
    auto origin = Origin::of(message);
    const auto identifier = std::get<2>(key).value;
    transaction.authorization = message.event().request == "priorauth-request";
    context_.ledger.record("nphies", "claim.accepted", identifier,
                           {{"use", text(origin.focal, "use")}});
    claims_.push_back(origin.focal);
    mark_authorization_used(message);
    const bool deferred = code_of(member(origin.focal, "priority")) == "deferred";
    if (deferred || (settings_.queue_all_claims && !transaction.authorization)) {
      const auto number = new_number();
      const auto url = join(kNphiesBase, "/ClaimResponse/") + number;
      auto response = claim_response(origin, number);
      response["outcome"] = "queued";
      tag_as_generated(response);
      transaction.state = Transaction::State::kQueued;
      transaction.response =
          bundle(header(origin, true, url, "ok"), url, response, origin.entries).dump();
      transaction.origin = std::move(origin);
      due_.emplace(context_.now_ms() + settings_.adjudicate_after_ms, key);
      return;
    }
    decide(origin, identifier, transaction, nullptr);
  }

  // Puts the decision into `transaction`, and as a deferred message into `deferred` when asked.
  void decide(const Origin& origin, const std::string& identifier, Transaction& transaction,
              Json* deferred) {
    const auto number = new_number();
    const auto url = join(kPayerBase, "/ClaimResponse/") + number;
    auto response = claim_response(origin, number);
    adjudicate(origin, response, number);
    transaction.state = settings_.outcome == "rejected" ? Transaction::State::kRejected
                                                        : Transaction::State::kFinal;
    transaction.authorization_number = text(response, "preAuthRef");
    transaction.response =
        bundle(header(origin, false, url, "ok"), url, response, origin.entries).dump();
    if (deferred != nullptr) {
      *deferred = bundle(header(origin, false, url, settings_.deferred_response ? "ok" : ""), url,
                         response, origin.entries);
    }
    context_.ledger.record("nphies", "claim.adjudicated", identifier,
                           {{"use", text(origin.focal, "use")}, {"outcome", settings_.outcome}});
  }

  void adjudicate(const Origin& origin, Json& response, const std::string& number) const {
    const auto& claim = origin.focal;
    const auto decision = extension_of("extension-adjudication-outcome", "valueCodeableConcept",
                                       nphies_code("adjudication-outcome", settings_.outcome));
    response["outcome"] = "complete";
    response["extension"] = Json::array({decision});
    if (text(claim, "use") == "preauthorization" && settings_.outcome != "rejected") {
      response["preAuthRef"] = "AUTH-" + number;
      response["preAuthPeriod"] = {
          {"start", now_text()},
          {"end", riyadh(context_.now_ms() + std::int64_t{30} * 86'400'000)}};
    }
    // Totals per category, in the order of first use.
    std::vector<std::pair<Json, std::int64_t>> totals;
    const auto add = [&](Json& list, const Json& category, std::int64_t amount,
                         std::string_view reason) {
      Json member_value{{"category", category}, {"amount", money(amount)}};
      if (!reason.empty()) member_value["reason"] = nphies_code("adjudication-reason", reason);
      list.push_back(member_value);
      const auto found = std::find_if(totals.begin(), totals.end(),
                                      [&](const auto& total) { return total.first == category; });
      if (found == totals.end()) {
        totals.emplace_back(category, amount);
      } else {
        found->second += amount;
      }
    };
    auto items = Json::array();
    for (const auto& item : member(claim, "item")) {
      const auto net = halalas(member(item, "net")).value_or(0);
      const auto tax = halalas(member(extension(item, "extension-tax"), "valueMoney")).value_or(0);
      const auto share =
          halalas(member(extension(item, "extension-patient-share"), "valueMoney")).value_or(0);
      auto list = Json::array();
      const auto payable = net - share;
      if (settings_.outcome == "rejected") {
        add(list, hl7_code("adjudication", "benefit"), 0, {});
        add(list, nphies_code("ksa-adjudication", "rejected"), net, "MN-1-1");
      } else {
        const auto benefit = settings_.outcome == "partial" ? payable / 2 : payable;
        add(list, hl7_code("adjudication", "eligible"), net, {});
        add(list, hl7_code("adjudication", "tax"), tax, {});
        add(list, hl7_code("adjudication", "copay"), share, {});
        add(list, hl7_code("adjudication", "benefit"), benefit, {});
        if (benefit != payable)
          add(list, nphies_code("ksa-adjudication", "rejected"), payable - benefit, "MN-1-1");
        list.push_back({{"category", nphies_code("ksa-adjudication", "approved-quantity")},
                        {"value", member(member(item, "quantity"), "value")}});
      }
      Json node{{"itemSequence", member(item, "sequence")},
                {"extension", Json::array({decision})},
                {"adjudication", std::move(list)}};
      // BV-00537: the answer repeats the invoice of the item.
      const auto& invoice = extension(item, "extension-patientInvoice");
      if (!invoice.is_null()) node["extension"].push_back(invoice);
      items.push_back(std::move(node));
    }
    response["item"] = std::move(items);
    response["total"] = Json::array();
    for (const auto& [category, amount] : totals) {
      response["total"].push_back({{"category", category}, {"amount", money(amount)}});
    }
    if (!origin.coverages.empty()) {
      response["insurance"] = Json::array(
          {{{"sequence", 1}, {"focal", true}, {"coverage", reference(origin.coverages.front())}}});
    }
  }

  void mark_authorization_used(const Message& message) {
    for (const auto& insurance : member(message.focal(), "insurance")) {
      for (const auto& number : member(insurance, "preAuthRef")) {
        for (auto& [key, transaction] : transactions_) {
          if (transaction.authorization && std::get<0>(key) == message.sender() &&
              number.is_string() &&
              transaction.authorization_number == number.get_ref<const std::string&>()) {
            transaction.claimed = true;
          }
        }
      }
    }
  }

  // Decides what is due. There is no thread of its own: time passes whenever somebody asks.
  void adjudicate_due() {
    const auto now = context_.now_ms();
    while (!due_.empty() && due_.begin()->first <= now) {
      const auto key = due_.begin()->second;
      due_.erase(due_.begin());
      const auto found = transactions_.find(key);
      if (found == transactions_.end() || found->second.state != Transaction::State::kQueued)
        continue;
      auto origin = std::move(found->second.origin);
      found->second.origin = {};
      Json deferred;
      decide(origin, std::get<2>(key).value, found->second, &deferred);
      push(origin.sender.value,
           {std::string(origin.response_event), std::get<2>(key), std::move(deferred)});
    }
  }

  bool push(const std::string& licence, Queued message) {
    auto& queue = queues_[licence];
    if (queue.size() >= kMaxQueued) return false;
    queue.push_back(std::move(message));
    return true;
  }

  Response enqueue(const Json& body) {
    const auto& message = member(body, "message");
    const auto& message_header = member(element(member(message, "entry"), 0), "resource");
    const auto event = text(member(message_header, "eventCoding"), "code");
    if (text(message, "resourceType") != "Bundle" || text(message, "id").empty() || event.empty()) {
      return Response::json(
          400, {{"error", "message must be a message Bundle with an id and an event"}});
    }
    auto licence = text(body, "licence");
    if (licence.empty()) {
      const auto& destination = element(member(message_header, "destination"), 0);
      licence = party_of(member(member(destination, "receiver"), "identifier")).value;
    }
    if (licence.empty()) return Response::json(400, {{"error", "licence is missing"}});
    if (!push(licence, {event, party_of(member(body, "about")), message})) {
      return Response::json(409, {{"error", "the queue of this licence is full"}});
    }
    return Response::json(200, {{"licence", licence}, {"queued", queues_[licence].size()}});
  }

  // ---- tasks ----

  std::string task_answer(const Message& message, bool from_nphies, std::string_view task_status,
                          std::string_view status_reason, const std::vector<Finding>& findings,
                          std::string_view response_code, Json outputs = Json::array(),
                          const Json& nested = Json::array(), bool more = false) {
    const auto origin = Origin::of(message);
    const auto number = new_number();
    const auto base = from_nphies ? kNphiesBase : kPayerBase;
    const auto url = join(base, "/Task/") + number;
    Json task{{"resourceType", "Task"},
              {"id", number},
              {"meta", profile("task")},
              {"identifier", Json::array({identifier_json({join(base, "/task"), "T-" + number})})},
              {"status", task_status},
              {"intent", "order"},
              {"priority", "routine"},
              {"authoredOn", now_text()},
              {"lastModified", now_text()}};
    for (const auto* name : {"code", "focus", "reasonCode"}) copy_member(task, origin.focal, name);
    for (const auto* name : {"requester", "owner"}) {
      copy_member(task, origin.focal, name);
      const auto target = message.resolve(member(origin.focal, name), message.focal_index());
      if (target) task[name] = reference(message.full_url(*target));
    }
    if (!status_reason.empty())
      task["statusReason"] = nphies_code("task-status-reason", status_reason);
    for (const auto& finding : findings) {
      outputs.push_back({{"type", nphies_code("task-output-type", "error")},
                         {"valueCodeableConcept", error_coding(finding)}});
    }
    if (!outputs.empty()) task["output"] = std::move(outputs);
    auto message_header = header(origin, from_nphies, url, response_code);
    if (more) {
      message_header["meta"]["tag"] = Json::array(
          {{{"system", join(nphies::kCodes, "meta-tags")}, {"code", "queued-messages"}}});
    }
    auto others = nested;
    for (const auto& entry : origin.entries) others.push_back(entry);
    return bundle(std::move(message_header), url, std::move(task), others).dump();
  }

  std::string poll(const Message& message) {
    std::size_t count = 1;
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    for (const auto& input : member(message.focal(), "input")) {
      const auto kind = code_of(member(input, "type"));
      const auto& number = member(input, "valuePositiveInt");
      if (kind == "count" && number.is_number_unsigned()) count = number.get<std::size_t>();
      if (kind == "include-message-type") include.push_back(text(input, "valueCode"));
      if (kind == "exclude-message-type") exclude.push_back(text(input, "valueCode"));
    }
    const auto about = party_of(member(member(message.focal(), "focus"), "identifier"));
    const auto wanted = [&](const Queued& queued) {
      const auto in = [&](const std::vector<std::string>& list) {
        return std::find(list.begin(), list.end(), queued.event) != list.end();
      };
      if (!include.empty() && !in(include)) return false;
      if (in(exclude)) return false;
      return about.value.empty() || queued.about == about;
    };
    auto outputs = Json::array();
    auto nested = Json::array();
    bool more = false;
    auto& queue = queues_[message.sender().value];
    for (auto one = queue.begin(); one != queue.end();) {
      if (!wanted(*one)) {
        ++one;
        continue;
      }
      if (nested.size() >= count) {
        more = true;
        break;
      }
      const auto id = text(one->bundle, "id");
      outputs.push_back({{"type", nphies_code("task-output-type", "response")},
                         {"valueReference", reference("urn:uuid:" + id)}});
      context_.ledger.record(
          "nphies", "poll.delivered", one->about.value,
          {{"event", one->event}, {"licence", message.sender().value}, {"bundle", id}});
      nested.push_back({{"fullUrl", "urn:uuid:" + id}, {"resource", std::move(one->bundle)}});
      one = queue.erase(one);
    }
    return task_answer(message, true, "completed", {}, {}, "ok", std::move(outputs), nested, more);
  }

  Transaction* find_focus(const Message& message) {
    const auto focus = party_of(member(member(message.focal(), "focus"), "identifier"));
    const auto found = transactions_.find({message.sender(), "Claim", focus});
    return found == transactions_.end() ? nullptr : &found->second;
  }

  std::string cancel(const Message& message) {
    using State = Transaction::State;
    auto* transaction = find_focus(message);
    const auto path = entry_of(message) + ".focus.identifier";
    if (transaction == nullptr) {
      return refuse(
          message,
          {{"BV-00222",
            "Cancel request SHALL contain a valid identifier for a successfully posted claim",
            path}});
    }
    if (transaction->state == State::kCancelled) {
      return refuse(message,
                    {{"BV-00445", "The referenced transaction has already been cancelled", path}});
    }
    std::string_view reason;
    if (transaction->state == State::kQueued && settings_.cancel_queued == "in-process")
      reason = "in-process";
    if (transaction->state == State::kRejected) reason = "rejected";
    if (transaction->claimed) reason = "claimed";
    // BV-00256: a payer gives the reason as statusReason, never as output.
    if (!reason.empty()) return task_answer(message, false, "failed", reason, {}, "ok");
    transaction->state = State::kCancelled;
    transaction->origin = {};
    const auto identifier = party_of(member(member(message.focal(), "focus"), "identifier")).value;
    context_.ledger.record("nphies", "claim.cancelled", identifier);
    return task_answer(message, false, "completed", {}, {}, "ok");
  }

  std::string status(const Message& message) {
    using State = Transaction::State;
    const auto* transaction = find_focus(message);
    if (transaction == nullptr) {
      return refuse(message, {{"BV-00459",
                               "The target message in the status check request could not be found",
                               entry_of(message) + ".focus.identifier"}});
    }
    const auto* code = transaction->state == State::kQueued      ? "queued"
                       : transaction->state == State::kCancelled ? "cancelled"
                                                                 : "complete";
    return task_answer(
        message, false, "completed", {}, {}, "ok",
        Json::array({{{"type", nphies_code("task-output-type", "status")}, {"valueCode", code}}}));
  }

  const Context context_;
  Mutex mutex_;  // protects everything below
  NphiesSettings settings_;
  std::uint64_t last_number_ = 100'000;
  std::int64_t offline_until_ = 0;
  bool offline_for_polls_ = false;
  std::map<std::pair<Party, std::string>, Stored> messages_;
  std::map<std::pair<Party, std::string>, std::string> header_ids_;
  std::deque<std::tuple<Party, std::string, std::string>> message_order_;
  std::map<Key, Transaction> transactions_;
  std::deque<Key> transaction_order_;
  std::multimap<std::int64_t, Key> due_;
  std::map<std::string, std::deque<Queued>> queues_;
};

}  // namespace

std::unique_ptr<Service> make_nphies(Context context, const Json& options) {
  return std::make_unique<Nphies>(std::move(context), options);
}

}  // namespace rabt::sandbox

#include <algorithm>
#include <deque>

#include "hub/base/mutex.hpp"
#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/service.hpp"

// An SMS gateway as Unifonic's: POST /rest/SMS/messages with a bearer token, and
// POST /rest/SMS/Messages/GetMessagesDetails by MessageID or CorrelationID.
//
// Options: token (sandbox-sms-token); undeliverable: numbers that no message reaches; reports:
// {url, token}: where delivery reports are posted, as the user `sms` with the token as password.
// Control calls: messages {}: what was sent, oldest first, with its arrival in milliseconds since
// 1970 (at_ms); reset {} forgets it.
namespace rabt::sandbox {

namespace {

constexpr std::size_t kMaxMessages = 1'000;
constexpr std::uint32_t kReportMs = 500;

Response refusal(int status, const char* code, const char* message) {
  return Response::json(
      status,
      Json{{"success", false}, {"message", message}, {"errorCode", code}, {"data", nullptr}});
}

bool is_number(const std::string& text) {
  return text.size() >= 7 && text.size() <= 15 &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

class Sms final : public Service {
 public:
  Sms(Context context, const Json& options)
      : context_(std::move(context)),
        token_(options.value("token", "sandbox-sms-token")),
        undeliverable_(options.value("undeliverable", Json::array())),
        reports_(options.value("reports", Json::object())) {}

  std::string name() const override { return "sms"; }

  Response handle(const Request& request) override {
    const bool asks = request.path == "/rest/SMS/Messages/GetMessagesDetails";
    if (!asks && request.path != "/rest/SMS/messages")
      return refusal(404, "ER-404", "there is no such path");
    if (request.method != "POST") return refusal(405, "ER-405", "the method is not allowed");
    if (!equal_constant_time(request.header("authorization"), "Bearer " + token_))
      return refusal(401, "ER-01", "authentication failed");
    if (asks)
      return details(request.query_value("MessageID"), request.query_value("CorrelationID"));
    const auto body = parse_json(request.body);
    if (!body || !body->is_object()) return refusal(400, "ER-02", "the body is no JSON object");
    const auto text = [&](const char* name) {
      const auto found = body->find(name);
      return found != body->end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    if (text("SenderID").empty()) return refusal(400, "ER-04", "the sender is missing");
    if (!is_number(text("Recipient"))) return refusal(400, "ER-06", "the recipient is no number");
    if (text("Body").empty()) return refusal(400, "ER-05", "the message is empty");
    std::uint64_t id = 0;
    const bool arrives = std::find(undeliverable_.begin(), undeliverable_.end(),
                                   Json(text("Recipient"))) == undeliverable_.end();
    {
      const Lock lock(mutex_);
      id = ++last_;
      known_.push_back(Json{{"MessageID", id},
                            {"CorrelationID", text("CorrelationID")},
                            {"Status", "Sent"},
                            {"DLR", arrives ? "Delivered" : "Undeliverable"},
                            {"Recipient", text("Recipient")}});
      if (known_.size() > kMaxMessages) known_.pop_front();
      sent_.push_back(Json{{"recipient", text("Recipient")},
                           {"sender", text("SenderID")},
                           {"text", text("Body")},
                           {"correlation", text("CorrelationID")},
                           {"at_ms", context_.now_ms()}});
      if (sent_.size() > kMaxMessages) sent_.pop_front();
    }
    // The ledger holds no number and no text: it lies in a file.
    context_.ledger.record("sms", "sms.sent", text("CorrelationID"),
                           Json{{"sender", text("SenderID")}});
    if (!reports_.empty()) report(id, text("Recipient"), arrives);
    return Response::json(200, Json{{"success", true},
                                    {"message", ""},
                                    {"errorCode", "ER-00"},
                                    {"data",
                                     {{"MessageID", id},
                                      {"CorrelationID", text("CorrelationID")},
                                      {"Status", "Queued"},
                                      {"NumberOfUnits", 1},
                                      {"Cost", 0},
                                      {"Balance", "100"},
                                      {"Recipient", text("Recipient")},
                                      {"CurrencyCode", "SAR"}}}});
  }

  Response control(std::string_view what, const Json& body) override {
    const Lock lock(mutex_);
    if (what == "messages") return Response::json(200, Json{{"messages", Json(sent_)}});
    if (what != "reset") return Service::control(what, body);
    sent_.clear();
    return Response::empty(204);
  }

  Response error_body(int status) override {
    return refusal(status, "ER-99", "the gateway is out of order");
  }

 private:
  Response details(const std::string& id, const std::string& correlation) {
    if (id.find_first_not_of("0123456789") != std::string::npos)
      return refusal(432, "ER-432", "MessageId must be numeric");
    Json found = Json::array();
    const Lock lock(mutex_);
    for (const Json& item : known_) {
      const bool meant = id.empty() || std::to_string(item["MessageID"].get<std::uint64_t>()) == id;
      if (meant && (correlation.empty() || item["CorrelationID"] == correlation))
        found.push_back(item);
    }
    const std::size_t total = found.size();
    return Response::json(200, Json{{"success", true},
                                    {"message", ""},
                                    {"errorCode", "ER-00"},
                                    {"data",
                                     {{"messages", std::move(found)},
                                      {"CurrencyCode", ""},
                                      {"TotalTextMessages", total},
                                      {"Next", ""},
                                      {"Prev", ""}}}});
  }

  void report(std::uint64_t id, const std::string& recipient, bool arrives) {
    context_.callbacks.post(
        reports_.value("url", ""),
        {{"Content-Type", "application/json"},
         {"Authorization", "Basic " + base64("sms:" + reports_.value("token", ""))}},
        Json{{"MessageID", id},
             {"DLR", arrives ? "Delivered" : "Undeliverable"},
             {"Recipient", recipient}}
            .dump(),
        kReportMs);
  }

  const Context context_;
  const std::string token_;
  const Json undeliverable_;
  const Json reports_;
  Mutex mutex_;
  std::uint64_t last_ = 3'200'000;
  std::deque<Json> sent_;
  std::deque<Json> known_;
};

}  // namespace

std::unique_ptr<Service> make_sms(Context context, const Json& options) {
  return std::make_unique<Sms>(std::move(context), options);
}

}  // namespace rabt::sandbox

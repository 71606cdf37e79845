#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <span>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/plugin/recorder.hpp"
#include "hub/plugin/room.hpp"
#include "hub/plugin/services/services.hpp"

namespace rabt::plugin {

namespace {

// The description of one HTTP request; the body travels beside it.
constexpr std::size_t kMaxRequestJson = 1U << 20U;
constexpr std::size_t kMaxHttpHeaders = 64;
constexpr std::int64_t kBackgroundTimeoutMs = 60'000;  // for a request outside any call

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  if (text.empty() || text.size() > 256) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}
bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u >= 0x20U && u != 0x7fU) || u == '\t';
  });
}

}  // namespace

struct Services::Http {
  struct Described {
    Json wish;  // as it came; kept only for the recorder
    net::Request request;
    std::optional<std::string> blob_content_type;
    std::string body_blob;  // handle; empty if the body is no blob
  };

  static std::uint64_t start(void* raw, rabt_call_id call, rabt_bytes request_json, rabt_bytes body,
                             void* context, void (*done)(void*, const rabt_http_result*)) noexcept
      try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    std::uint64_t flight = 0;
    const auto place = self.open_flights_.take(1);
    {
      const Lock lock(self.flights_mutex_);
      flight = self.next_flight_++;
      if (pass) {
        Instance::Flight& entry = self.flights_[flight];
        entry.call = call;
        entry.context = context;
        entry.done = done;
        entry.place = place;
      }
    }
    if (!pass) return flight;  // the instance is dead: nothing runs on its lane any more
    self.owe(1);
    if (place == nullptr) {
      self.post_answer(flight,
                       HttpAnswer::failed("overload", "too many requests of this plugin are open"));
      return flight;
    }
    const auto held = self.held_.take(view(request_json).size() + view(body).size());
    if (held == nullptr) {
      self.post_answer(flight, HttpAnswer::failed("overload",
                                                  "the hub keeps too many bytes for this "
                                                  "plugin; wait for answers first"));
      return flight;
    }
    {
      const Lock lock(self.flights_mutex_);
      self.flights_[flight].held = held;
    }
    HttpAnswer failure;
    auto described = describe(self, call, view(request_json), view(body), failure);
    if (!described) {
      self.post_answer(flight, std::move(failure));
      return flight;
    }
    // From here on the client's I/O thread alone lets it grow.
    described->request.may_keep = [held](std::size_t more) { return held->grow(more); };
    std::shared_ptr<blob::BlobWriter> writer;
    if (described->blob_content_type) {
      auto slot = self.blob_slots_.take(1);
      if (slot == nullptr) {
        self.post_answer(
            flight, HttpAnswer::failed("overload", "too many blobs of this plugin are written"));
        return flight;
      }
      {
        const Lock lock(self.flights_mutex_);
        self.flights_[flight].slot = std::move(slot);
      }
      auto created =
          parts(self).blobs.create(self.setup_.config.tenant, *described->blob_content_type);
      if (!created.ok()) {
        if (means_no_room(created.error().code)) self.lacked(created.error().code);
        self.post_answer(flight, HttpAnswer::failed("blob", created.error().message));
        return flight;
      }
      writer = std::move(created).value();
      described->request.body_sink = [writer](std::string_view piece) {
        return writer->write(piece);
      };
    }
    const std::uint64_t tape = record(self, call, *described);
    if (described->body_blob.empty()) {
      launch(self, call, flight, std::move(described->request), writer, tape);
      return flight;
    }
    // The blob is opened on the finisher: that reads the disk.
    auto request = std::make_shared<net::Request>(std::move(described->request));
    const bool taken = self.on_disk(Instance::Disk::wish, [&self, call, flight, request, writer,
                                                           tape, handle = described->body_blob] {
      auto opened = parts(self).blobs.open(self.setup_.config.tenant, handle);
      if (!opened.ok()) {
        self.post_answer(flight, HttpAnswer::failed("blob", opened.error().message));
        return;
      }
      const std::shared_ptr<blob::BlobReader> reader = std::move(opened).value();
      request->body_bytes = reader->info().bytes;
      request->body_source = [reader](std::uint64_t from,
                                      std::span<char> to) -> Result<std::size_t> {
        std::size_t got = 0;
        RABT_TRY_STATUS(reader->read(from, to.size(), [&](std::string_view piece) {
          std::copy(piece.begin(), piece.end(), to.data() + got);
          got += piece.size();
          return ok_status();
        }));
        return got;
      };
      launch(self, call, flight, std::move(*request), writer, tape);
    });
    if (!taken) {
      self.post_answer(
          flight, HttpAnswer::failed("overload", "too much of this plugin waits for the disk"));
    }
    return flight;
  } catch (...) {
    RABT_BUG("http start threw");
    return UINT64_MAX;
  }

  static void launch(Instance& self, std::uint64_t call, std::uint64_t flight, net::Request request,
                     const std::shared_ptr<blob::BlobWriter>& writer, std::uint64_t tape) {
    bool begun = false;
    {
      // One step: what ends a process marks its requests before it looks which of them have begun.
      const Lock lock(self.flights_mutex_);
      const auto found = self.flights_.find(flight);
      begun = found != self.flights_.end() && !found->second.cancelled && self.begin_request(call);
    }
    if (!begun) {
      self.post_answer(flight, HttpAnswer::failed("cancelled", "the call is not open any more"));
      return;
    }
    const net::RequestId started =
        parts(self).http.start(std::move(request), self.reach_.allow,
                               [&self, flight, writer, tape](net::Response response) {
                                 if (tape != 0) recorded(self, tape, response);
                                 answered(self, flight, std::move(response), writer);
                               });
    bool cancelled = false;
    {
      const Lock lock(self.flights_mutex_);
      const auto found = self.flights_.find(flight);
      if (found != self.flights_.end()) {
        found->second.request = started;
        cancelled = found->second.cancelled;
      }
    }
    if (cancelled) parts(self).http.cancel(started);
  }

  // The place on the tape; 0 if nothing is recorded.
  static std::uint64_t record(Instance& self, std::uint64_t call, Described& described) {
    if (self.recorder_ == nullptr) return 0;
    Recorder::Request request;
    request.call = call;
    request.head = std::move(described.wish);
    request.body = described.request.body;
    if (call != 0) {
      const Lock lock(self.mutex_);
      const auto found = self.calls_.find(call);
      if (found == self.calls_.end()) return 0;
      request.action = found->second->action->spec.name;
      if (auto arguments = Json::parse(found->second->input); arguments.ok())
        request.arguments = std::move(arguments).value();
    }
    return self.recorder_->begin(std::move(request));
  }
  // On the client's I/O thread; the file is written on the finisher.
  static void recorded(Instance& self, std::uint64_t tape, const net::Response& response) {
    auto answer = std::make_shared<Recorder::Answer>();
    answer->sent = response.sent == net::Sent::no      ? "no"
                   : response.sent == net::Sent::maybe ? "maybe"
                                                       : "yes";
    answer->status = response.status;
    answer->headers = Json::array();
    for (const auto& [name, value] : response.headers)
      answer->headers.push_back(Json::array({name, value}));
    answer->body = response.body;
    answer->error = response.error_code;
    self.setup_.finisher->post([&self, tape, answer] {
      const Rundown::Pass inside(self.rundown_);
      if (!inside) return;
      const Status written = self.recorder_->end(tape, std::move(*answer));
      if (!written.ok())
        parts(self).log.error("plugin.not_recorded",
                              {{"plugin", id(self)},
                               {"code", std::string_view(written.error().code)},
                               {"reason", std::string_view(written.error().message)}});
    });
  }

  static std::optional<Described> describe(Instance& self, rabt_call_id call, std::string_view json,
                                           std::string_view body, HttpAnswer& failure) {
    const auto refuse = [&failure](std::string_view code, std::string message) {
      failure = HttpAnswer::failed(code, std::move(message));
      return std::nullopt;
    };
    if (json.size() > kMaxRequestJson)
      return refuse("not_allowed", "the request description is too large");
    auto parsed = Json::parse(json);
    if (!parsed.ok() || !parsed->is_object())
      return refuse("not_allowed", "the request description is no JSON object");
    const Json& wish = *parsed;
    static constexpr std::array<std::string_view, 7> kRequestKeys{
        "method", "url", "headers", "timeout_ms", "max_bytes", "body_blob", "blob"};
    static constexpr std::array<std::string_view, 3> kMailKeys{"url", "mail", "timeout_ms"};
    const auto keys = wish["mail"].is_null() ? std::span<const std::string_view>(kRequestKeys)
                                             : std::span<const std::string_view>(kMailKeys);
    for (const auto& [key, value] : wish.as_object()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
        return refuse("not_allowed", "the request description has an unknown key");
      }
    }
    Described out;
    out.request.method = wish.string_or("method", "GET");
    if (!is_token(out.request.method)) return refuse("not_allowed", "method is no token");
    if (const Json& mail = wish["mail"]; !mail.is_null()) {
      out.request.mail = mail_of(self, mail, failure);
      if (!out.request.mail) return std::nullopt;
    }
    if (!wish["url"].is_string()) return refuse("not_allowed", "url is missing");
    out.request.url = wish["url"].as_string();
    if (const Status allowed = self.reach_.allow->check(out.request.url); !allowed.ok()) {
      return refuse("not_allowed", allowed.error().message);
    }
    if (self.reach_.patient != nullptr && self.carries_patient_data(call) &&
        !self.reach_.patient->check(out.request.url).ok()) {
      self.withheld(call, out.request.url);
      return refuse("not_allowed",
                    "the call was given patient data, and the host is not one of those that may be "
                    "sent them (permissions.patient_data of the manifest, or the operator's)");
    }
    if (!wish["headers"].is_null() && !wish["headers"].is_array())
      return refuse("not_allowed", "headers must be an array of pairs");
    if (wish["headers"].size() > kMaxHttpHeaders) return refuse("not_allowed", "too many headers");
    for (std::size_t i = 0; i < wish["headers"].size(); ++i) {
      const Json& pair = wish["headers"][i];
      if (!pair.is_array() || pair.size() != 2 || !pair[std::size_t{0}].is_string() ||
          !is_token(pair[std::size_t{0}].as_string())) {
        return refuse("not_allowed", "a header must be a pair of name and value");
      }
      const auto value = header_value(self, pair[1], failure);
      if (!value) return std::nullopt;
      if (!is_header_value(*value))
        return refuse("not_allowed", "a header's value has control characters");
      if (is_of_a_trace(pair[std::size_t{0}].as_string())) continue;
      out.request.headers.emplace_back(pair[std::size_t{0}].as_string(), *value);
    }
    if (std::string trace = trace_for(self, call, out.request); !trace.empty())
      out.request.headers.emplace_back("traceparent", std::move(trace));
    out.request.body = body;
    out.request.max_response_bytes = static_cast<std::size_t>(std::clamp<std::int64_t>(
        wish.int_or("max_bytes", 0), 0, std::int64_t{limits::kMaxHttpResponse}));
    if (const Json& handle = wish["body_blob"]; !handle.is_null()) {
      if (!handle.is_string() || !body.empty())
        return refuse("not_allowed", "body_blob must be a handle, and then there is no body");
      if (!self.may_see_blob(call, handle.as_string()))
        return refuse("blob", "body_blob names no blob that this plugin reaches");
      out.body_blob = handle.as_string();
    }
    if (const Json& blob = wish["blob"]; !blob.is_null()) {
      if (!blob.is_object()) return refuse("not_allowed", "blob must be an object");
      out.blob_content_type = blob.string_or("content_type", "");
    }
    out.request.tls = self.setup_.config.tls;

    std::int64_t left = kBackgroundTimeoutMs;
    if (call != 0) {
      const Lock lock(self.mutex_);
      const auto found = self.calls_.find(call);
      if (found == self.calls_.end() ||
          found->second->state != Instance::OpenCall::State::running) {
        return refuse("cancelled", "the call that the request belongs to is not open any more");
      }
      left = found->second->deadline_unix_ms - parts(self).clock.now().ms;
    }
    if (left <= 0) return refuse("timeout", "the call's deadline has passed");
    const std::int64_t wished = wish.int_or("timeout_ms", left);
    out.request.timeout_ms = wished > 0 ? std::min(wished, left) : left;
    if (self.recorder_ != nullptr) out.wish = std::move(parsed).value();
    return out;
  }

  // The place of the call in its trace, for who may be sent patient data in any case: the id is one
  // for all calls of a run, so that two who knew nothing of each other could find out by it that
  // both served one patient. Empty for others.
  static std::string trace_for(Instance& self, rabt_call_id call, const net::Request& request) {
    if (call == 0 || request.mail) return {};
    if (self.reach_.patient != nullptr && !self.reach_.patient->check(request.url).ok()) return {};
    std::string out;
    const auto take = [](void* context, rabt_bytes text) noexcept {
      *static_cast<std::string*>(context) = view(text);
    };
    const auto& trace = self.offered_.trace;
    (void)trace.traceparent(trace.self, call, 0, &out, take);
    return out;
  }

  static std::optional<net::Mail> mail_of(Instance& self, const Json& wish, HttpAnswer& failure) {
    const auto refuse = [&failure](std::string_view code, std::string message) {
      failure = HttpAnswer::failed(code, std::move(message));
      return std::nullopt;
    };
    if (!wish.is_object()) return refuse("not_allowed", "mail must be an object");
    for (const auto& [key, member] : wish.as_object()) {
      if ((key != "from" && key != "to" && key != "user" && key != "secret") || !member.is_string())
        return refuse("not_allowed", "a mail knows from, to, user and secret, all texts");
    }
    net::Mail mail{.from = wish.string_or("from", ""),
                   .to = wish.string_or("to", ""),
                   .user = wish.string_or("user", "")};
    if (wish["secret"].is_string() == mail.user.empty())
      return refuse("not_allowed", "user and secret of a mail go together");
    if (mail.user.empty()) return mail;
    const SecretBytes* secret = secret_of(self, wish["secret"].as_string(), failure);
    if (secret == nullptr) return std::nullopt;
    mail.password = secret->expose_text();
    return mail;
  }

  // The failure says why if there is none.
  static const SecretBytes* secret_of(Instance& self, const std::string& name,
                                      HttpAnswer& failure) {
    const SecretBytes* secret = self.secret(name);
    if (secret == nullptr) {
      failure = HttpAnswer::failed("no_secret",
                                   "the secret \"" + std::string(cut(name)) +
                                       "\" is not declared in the manifest or not configured");
    }
    return secret;
  }

  static std::optional<std::string> header_value(Instance& self, const Json& value,
                                                 HttpAnswer& failure) {
    if (value.is_string()) return value.as_string();
    if (!value.is_object() || !value["secret"].is_string()) {
      failure = HttpAnswer::failed("not_allowed",
                                   R"(a header's value must be a text or {"secret": "<name>"})");
      return std::nullopt;
    }
    for (const auto& [key, member] : value.as_object()) {
      if ((key != "secret" && key != "prefix" && key != "basic_user") || !member.is_string()) {
        failure = HttpAnswer::failed(
            "not_allowed", "a secret header knows secret, prefix and basic_user, all texts");
        return std::nullopt;
      }
    }
    const SecretBytes* secret = secret_of(self, value["secret"].as_string(), failure);
    if (secret == nullptr) return std::nullopt;
    if (const Json& user = value["basic_user"]; user.is_string()) {
      // RFC 7617: the user name must not hold a colon.
      if (user.as_string().find(':') != std::string::npos) {
        failure = HttpAnswer::failed("not_allowed", "basic_user must not hold a colon");
        return std::nullopt;
      }
      const std::string pair = user.as_string() + ":" + std::string(secret->expose_text());
      return "Basic " + to_base64(as_bytes(pair));
    }
    return value.string_or("prefix", "") + std::string(secret->expose_text());
  }

  // On the client's I/O thread: must not block.
  static void answered(Instance& self, std::uint64_t flight, net::Response response,
                       const std::shared_ptr<blob::BlobWriter>& writer) {
    std::uint64_t call = 0;
    {
      const Lock lock(self.flights_mutex_);
      const auto found = self.flights_.find(flight);
      if (found != self.flights_.end()) call = found->second.call;
    }
    self.end_request(call, response);
    auto answer = std::make_shared<HttpAnswer>();
    answer->sent = response.sent == net::Sent::no      ? RABT_SENT_NO
                   : response.sent == net::Sent::maybe ? RABT_SENT_MAYBE
                                                       : RABT_SENT_YES;
    answer->status = response.status;
    answer->error_code = std::move(response.error_code);
    answer->error_message = std::move(response.error_message);
    answer->body = std::move(response.body);
    answer->headers_json = "[";
    for (const auto& [name, value] : response.headers) {
      if (answer->headers_json.size() > 1) answer->headers_json += ",";
      answer->headers_json += "[";
      append_json_string(answer->headers_json, name);
      answer->headers_json += ",";
      append_json_string(answer->headers_json, value);
      answer->headers_json += "]";
    }
    answer->headers_json += "]";
    const bool stored = writer != nullptr && answer->error_code.empty() && answer->status >= 200 &&
                        answer->status < 300;
    if (!stored) {
      self.post_answer(flight, std::move(*answer));
      return;
    }
    self.on_disk(Instance::Disk::owed, [&self, flight, answer, writer] {
      auto finished = writer->finish();
      if (finished.ok()) {
        answer->blob = finished->id;
        self.remember_blob(finished->id);
        answer->blob_bytes = finished->bytes;
        answer->blob_sha256 = finished->sha256;
      } else {
        if (means_no_room(finished.error().code)) self.lacked(finished.error().code);
        answer->error_code = "blob";
        answer->error_message = finished.error().message;
      }
      self.post_answer(flight, std::move(*answer));
    });
  }

  static void cancel(void* raw, std::uint64_t flight) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    net::RequestId request = 0;
    {
      const Lock lock(self.flights_mutex_);
      const auto found = self.flights_.find(flight);
      if (found == self.flights_.end()) return;
      found->second.cancelled = true;
      request = found->second.request;
    }
    if (request != 0) parts(self).http.cancel(request);
  } catch (...) {  // advice
  }
};

void Services::fill_http(Instance& self) {
  self.offered_.http = {sizeof self.offered_.http, 0, &self, &Http::start, &Http::cancel};
}

void Instance::post_answer(std::uint64_t flight, HttpAnswer answer) {
  struct Answered {
    HttpAnswer answer;
    std::shared_ptr<Budget::Share> held;  // its bytes
  };
  auto shared = std::make_shared<Answered>(Answered{std::move(answer), nullptr});
  call_back("http callback", [this, flight, shared] {
    Flight entry;
    {
      const Lock lock(flights_mutex_);
      const auto found = flights_.find(flight);
      if (found == flights_.end()) return;
      entry = std::move(found->second);
      flights_.erase(found);
    }
    shared->held = std::move(entry.held);
    entry.place.reset();
    entry.slot.reset();
    const HttpAnswer& from = shared->answer;
    rabt_http_result result{};
    result.size = sizeof result;
    result.sent = from.sent;
    result.status = from.status;
    result.headers_json = bytes(from.headers_json);
    result.body = bytes(from.body);
    result.error_code = bytes(from.error_code);
    result.error_message = bytes(from.error_message);
    result.blob = bytes(from.blob);
    result.blob_bytes = from.blob_bytes;
    result.blob_sha256 = bytes(from.blob_sha256);
    if (entry.done != nullptr) entry.done(entry.context, &result);
  });
}

}  // namespace rabt::plugin

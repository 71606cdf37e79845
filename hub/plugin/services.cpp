// The functions behind the service structs of rabt/services.h. Each is called by plugin code from
// any thread, so each ends in noexcept, goes through the instance's gate before it touches a part
// of the hub, and answers on the lane.

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "hub/base/limits.hpp"
#include "hub/plugin/instance.hpp"

namespace rabt::plugin {

namespace {

constexpr store::Statement kKvGet{
    "SELECT value, version, expires_ms, data_key FROM plugin_kv WHERE tenant = $1 AND plugin = $2 "
    "AND key = $3"};
constexpr store::Statement kKvHead{
    "SELECT version, expires_ms, LENGTH(value) FROM plugin_kv WHERE tenant = $1 AND plugin = $2 "
    "AND key = $3"};
constexpr store::Statement kKvPut{
    "INSERT INTO plugin_kv (tenant, plugin, key, value, version, expires_ms, data_key) VALUES ($1, "
    "$2, $3, $4, $5, $6, $7) "
    "ON CONFLICT (tenant, plugin, key) DO UPDATE SET value = excluded.value, version = "
    "excluded.version, "
    "expires_ms = excluded.expires_ms, data_key = excluded.data_key"};
constexpr store::Statement kKvDelete{
    "DELETE FROM plugin_kv WHERE tenant = $1 AND plugin = $2 AND key = $3"};
constexpr store::Statement kKvUsed{
    "SELECT COALESCE(SUM(LENGTH(value)), 0) FROM plugin_kv WHERE tenant = $1 AND plugin = $2"};

constexpr std::size_t kMaxLogBytes = 16U << 10U;  // fields of one entry
constexpr std::size_t kMaxLogFields = 15;
constexpr std::size_t kMaxLogText = 256;
constexpr std::size_t kMaxRequestJson =
    1U << 20U;  // description of one HTTP request; the body travels beside it
constexpr std::size_t kMaxHttpHeaders = 64;
constexpr std::size_t kMaxFlights = 4096;              // of one instance
constexpr std::int64_t kBackgroundTimeoutMs = 60'000;  // of a request outside any call
constexpr std::uint64_t kMaxWakes = 65'536;            // of one instance
constexpr std::size_t kMaxRandom = 1U << 20U;

std::string_view view(rabt_bytes bytes) {
  if (bytes.ptr == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes.ptr), static_cast<std::size_t>(bytes.len)};
}
rabt_bytes bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()),
          static_cast<std::uint64_t>(text.size())};
}
rabt_bytes bytes(ByteView content) {
  return {content.data(), static_cast<std::uint64_t>(content.size())};
}

bool is_key(std::string_view text, std::string_view extra) {
  if (text.empty() || text.size() > 64) return false;
  return std::all_of(text.begin(), text.end(), [extra](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           extra.find(c) != std::string_view::npos;
  });
}

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

std::string_view cut(std::string_view text) {
  if (text.size() <= kMaxLogText) return text;
  text = text.substr(0, kMaxLogText);
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0U) == 0x80U)
    text.remove_suffix(1);
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0x80U) text.remove_suffix(1);
  return text;
}

// One stored value of a plugin.
struct KvRow {
  std::string tenant;
  std::string plugin;
  std::string key;  // blind index
  std::string row;  // names the row in the seal
};

}  // namespace

struct Services {
  static Instance& of(void* self) { return *static_cast<Instance*>(self); }
  static PluginHost::Parts& parts(Instance& self) { return self.setup_.parts; }
  static std::string_view id(const Instance& self) { return self.setup_.package.manifest.id; }

  // ---- rabt.log/1
  // -------------------------------------------------------------------------------------------------
  static void log(void* raw, std::uint32_t level, const char* event,
                  rabt_bytes fields_json) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    const std::string_view given = event == nullptr ? std::string_view{} : std::string_view(event);
    const phi::Vocabulary& words = self.setup_.package.words;
    const phi::Policy& policy = parts(self).privacy;
    const auto own = [&words](std::string_view key) { return words.only_known(key) == key; };
    const std::string name =
        "plugin." + std::string(is_key(given, ".-") && own(given) ? given : "unnamed");
    Json fields;
    if (fields_json.len <= kMaxLogBytes) {
      auto parsed = Json::parse(view(fields_json));
      if (parsed.ok()) fields = std::move(parsed).value();
    }
    std::vector<LogField> out{{"plugin", id(self)}};
    std::vector<std::string> texts;
    texts.reserve(kMaxLogFields + 1);  // the fields point into it
    // A mark wins over everything; then the rules of the channel decide.
    if (fields.is_object()) {
      for (const auto& [key, value] : fields.as_object()) {
        if (out.size() > kMaxLogFields) break;
        if (!is_key(key, "") || key == "plugin" || key == "ts" || key == "level" || key == "event")
          continue;
        if (!own(key) || self.setup_.package.phi_names.contains(key)) continue;
        if (value.is_bool()) {
          out.emplace_back(key, value.as_bool());
        } else if (value.is_string() || value.is_number()) {  // anything nested could be a document
          auto passed = policy.field(phi::Channel::log, key,
                                     value.is_string() ? value.as_string() : value.dump(), words);
          if (!passed) continue;
          texts.push_back(std::string(cut(*passed)));
          if (const auto whole = value.as_int64(); whole && texts.back() == value.dump()) {
            out.emplace_back(key, *whole);
          } else if (value.is_number() && texts.back() == value.dump()) {
            out.emplace_back(key, value.as_double());
          } else {
            out.emplace_back(key, std::string_view(texts.back()));
          }
        }
      }
    }
    const LogLevel at = level == RABT_LOG_DEBUG  ? LogLevel::debug
                        : level == RABT_LOG_INFO ? LogLevel::info
                        : level == RABT_LOG_WARN ? LogLevel::warn
                                                 : LogLevel::error;
    parts(self).log.log(
        at, level == RABT_LOG_HOST_MISBEHAVING ? "plugin.host_misbehaving" : std::string_view(name),
        out);
  } catch (...) {  // a log entry that cannot be written is lost
  }

  // ---- rabt.http/1
  // ------------------------------------------------------------------------------------------------
  struct Described {
    net::Request request;
    std::optional<std::string> blob_content_type;
  };

  static std::uint64_t http_start(void* raw, rabt_call_id call, rabt_bytes request_json,
                                  rabt_bytes body, void* context,
                                  void (*done)(void*, const rabt_http_result*)) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    std::uint64_t flight = 0;
    std::size_t open = 0;
    {
      const std::scoped_lock lock(self.flights_mutex_);
      flight = self.next_flight_++;
      open = self.flights_.size();
      if (pass) {
        Instance::Flight& entry = self.flights_[flight];
        entry.call = call;
        entry.context = context;
        entry.done = done;
      }
    }
    if (!pass) return flight;  // the instance is dead: nothing runs on its lane any more
    self.owe(1);
    if (open >= kMaxFlights) {
      self.post_answer(flight,
                       HttpAnswer::failed("overload", "too many requests of this plugin are open"));
      return flight;
    }
    HttpAnswer failure;
    auto described = describe(self, call, view(request_json), view(body), failure);
    if (!described) {
      self.post_answer(flight, std::move(failure));
      return flight;
    }
    std::shared_ptr<BlobWriter> writer;
    if (described->blob_content_type) {
      auto created =
          parts(self).blobs.create(self.setup_.config.tenant, *described->blob_content_type);
      if (!created.ok()) {
        self.post_answer(flight, HttpAnswer::failed("blob", created.error().message));
        return flight;
      }
      writer = std::move(created).value();
      described->request.body_sink = [writer](std::string_view piece) {
        return writer->write(piece);
      };
    }
    if (!self.begin_request(call)) {
      self.post_answer(flight, HttpAnswer::failed("cancelled", "the call is not open any more"));
      return flight;
    }
    const net::RequestId request =
        parts(self).http.start(std::move(described->request), self.setup_.allow,
                               [&self, flight, writer](net::Response response) {
                                 answered(self, flight, std::move(response), writer);
                               });
    bool cancelled = false;
    {
      const std::scoped_lock lock(self.flights_mutex_);
      const auto found = self.flights_.find(flight);
      if (found != self.flights_.end()) {
        found->second.request = request;
        cancelled = found->second.cancelled;
      }
    }
    if (cancelled) parts(self).http.cancel(request);
    return flight;
  } catch (...) {
    RABT_BUG("http start threw");
    return UINT64_MAX;
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
    static constexpr std::array<std::string_view, 6> kKeys{"method",     "url",       "headers",
                                                           "timeout_ms", "max_bytes", "blob"};
    for (const auto& [key, value] : wish.as_object()) {
      if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
        return refuse("not_allowed", "the request description has an unknown key");
      }
    }
    Described out;
    out.request.method = wish.string_or("method", "GET");
    if (!is_token(out.request.method)) return refuse("not_allowed", "method is no token");
    if (!wish["url"].is_string()) return refuse("not_allowed", "url is missing");
    out.request.url = wish["url"].as_string();
    if (const Status allowed = self.setup_.allow->check(out.request.url); !allowed.ok()) {
      return refuse("not_allowed", allowed.error().message);
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
      out.request.headers.emplace_back(pair[std::size_t{0}].as_string(), *value);
    }
    out.request.body = body;
    out.request.max_response_bytes = static_cast<std::size_t>(std::clamp<std::int64_t>(
        wish.int_or("max_bytes", 0), 0, std::int64_t{limits::kMaxHttpResponse}));
    if (const Json& blob = wish["blob"]; !blob.is_null()) {
      if (!blob.is_object()) return refuse("not_allowed", "blob must be an object");
      out.blob_content_type = blob.string_or("content_type", "");
    }
    out.request.tls = self.setup_.config.tls;

    std::int64_t left = kBackgroundTimeoutMs;
    if (call != 0) {
      const std::scoped_lock lock(self.mutex_);
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
    return out;
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
    const SecretBytes* secret = self.secret(value["secret"].as_string());
    if (secret == nullptr) {
      failure = HttpAnswer::failed("no_secret",
                                   "the secret \"" + std::string(cut(value["secret"].as_string())) +
                                       "\" is not declared in the manifest or not configured");
      return std::nullopt;
    }
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
                       const std::shared_ptr<BlobWriter>& writer) {
    if (response.sent == net::Sent::no) {
      std::uint64_t call = 0;
      {
        const std::scoped_lock lock(self.flights_mutex_);
        const auto found = self.flights_.find(flight);
        if (found != self.flights_.end()) call = found->second.call;
      }
      self.unsent_request(call);
    }
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
    self.setup_.finisher->post([&self, flight, answer, writer] {
      auto finished = writer->finish();
      if (finished.ok()) {
        answer->blob = finished->id;
        answer->blob_bytes = finished->bytes;
        answer->blob_sha256 = finished->sha256;
      } else {
        answer->error_code = "blob";
        answer->error_message = finished.error().message;
      }
      self.post_answer(flight, std::move(*answer));
    });
  }

  static void http_cancel(void* raw, std::uint64_t flight) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    net::RequestId request = 0;
    {
      const std::scoped_lock lock(self.flights_mutex_);
      const auto found = self.flights_.find(flight);
      if (found == self.flights_.end()) return;
      found->second.cancelled = true;
      request = found->second.request;
    }
    if (request != 0) parts(self).http.cancel(request);
  } catch (...) {  // advice
  }

  // ---- rabt.secrets/1 and rabt.sign/1: touch no part of the hub
  // --------------------------------------------------------
  static std::int32_t secret_get(void* raw, const char* name, void* context,
                                 rabt_sink sink) noexcept try {
    Instance& self = of(raw);
    const SecretBytes* secret = name == nullptr ? nullptr : self.secret(name);
    if (secret == nullptr) return 1;
    sink(context, bytes(secret->expose()));
    return 0;
  } catch (...) {
    return 2;
  }

  static std::int32_t sign_hmac(void* raw, const char* name, const char* algorithm, rabt_bytes data,
                                void* context, rabt_sink sink) noexcept try {
    Instance& self = of(raw);
    const SecretBytes* secret = name == nullptr ? nullptr : self.secret(name);
    if (secret == nullptr || algorithm == nullptr) return 1;
    const std::string_view wish(algorithm);
    if (wish != "sha1" && wish != "sha256") return 2;
    const Bytes mac = wish == "sha1" ? crypto::hmac_sha1(secret->expose(), view(data))
                                     : crypto::hmac_sha256(secret->expose(), view(data));
    sink(context, bytes(ByteView(mac)));
    return 0;
  } catch (...) {
    return 3;
  }

  static std::int32_t sign_jwt(void* raw, const char* name, const char* algorithm,
                               rabt_bytes header_json, rabt_bytes claims_json, void* context,
                               rabt_sink sink) noexcept try {
    Instance& self = of(raw);
    const SecretBytes* secret = name == nullptr ? nullptr : self.secret(name);
    if (secret == nullptr || algorithm == nullptr) return 1;
    const std::string_view header =
        header_json.len == 0 ? std::string_view("{}") : view(header_json);
    const auto token = crypto::sign_jwt(secret->expose(), algorithm, header, view(claims_json));
    if (!token.ok()) return 2;
    sink(context, bytes(*token));
    return 0;
  } catch (...) {
    return 3;
  }

  // ---- rabt.kv/1
  // --------------------------------------------------------------------------------------------------
  static Result<KvRow> kv_row(Instance& self, std::string_view key) {
    RABT_TRY(lease, parts(self).keys.lease(self.setup_.config.tenant));
    KvRow row;
    row.tenant = self.setup_.config.tenant;
    row.plugin = id(self);
    // Indexed blindly: a plugin may use a patient's identifier as key.
    row.key = lease.blind_index("plugin_kv.key", row.plugin + "/" + std::string(key));
    row.row = row.plugin + "/" + to_hex(as_bytes(row.key));
    return row;
  }
  static crypto::SealContext kv_context(const KvRow& row) {
    return {.tenant = row.tenant, .table = "plugin_kv", .row = row.row, .field = "value"};
  }
  static bool live(std::int64_t expires_ms, std::int64_t now) {
    return expires_ms == 0 || expires_ms > now;
  }

  struct KvFound {
    std::string value;
    std::int64_t version = 0;
  };
  // Empty: there is none, it has expired, or its retention is over.
  static Result<std::optional<KvFound>> kv_find(Instance& self, std::string_view key) {
    RABT_TRY(row, kv_row(self, key));
    const std::int64_t now = parts(self).clock.now().ms;
    std::string sealed;
    std::string data_key;
    KvFound out;
    RABT_TRY_STATUS(parts(self).store.read([&](store::Connection& connection) {
      return connection.query(
          kKvGet,
          {std::string_view(row.tenant), std::string_view(row.plugin), store::Blob{row.key}},
          [&](const store::Row& found) {
            if (!live(found.integer(2), now)) return false;
            sealed = found.blob(0);
            out.version = found.integer(1);
            data_key = found.blob(3);
            return false;
          });
    }));
    if (sealed.empty()) return std::optional<KvFound>();
    const auto opener = parts(self).keys.open(row.tenant, data_key);
    if (!opener.ok() && opener.error().code == "keys.shredded") return std::optional<KvFound>();
    if (!opener.ok()) return opener.error();
    RABT_TRY(plain, (*opener)->open(kv_context(row), sealed));
    out.value = std::move(plain);
    return std::optional<KvFound>(std::move(out));
  }

  static void kv_get(void* raw, rabt_bytes key, void* context,
                     void (*done)(void*, std::int32_t, rabt_bytes, std::int64_t)) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    self.owe(1);
    std::int32_t status = RABT_KV_ABSENT;
    auto value = std::make_shared<std::string>();
    std::int64_t version = 0;
    if (key.len == 0 || key.len > limits::kMaxKvKey) {
      status = RABT_KV_FAILED;
    } else {
      auto found = kv_find(self, view(key));
      if (found.ok() && *found) {
        *value = std::move((*found)->value);
        version = (*found)->version;
        status = RABT_KV_OK;
      } else if (!found.ok()) {
        status = RABT_KV_FAILED;
        parts(self).log.error("plugin.kv_failed", {{"plugin", id(self)},
                                                   {"code", std::string_view(found.error().code)}});
      }
    }
    self.lane_.post([&self, context, done, status, value, version] {
      self.guarded("kv callback", [&] { done(context, status, bytes(*value), version); });
      self.owe(-1);
    });
  } catch (...) {
    RABT_BUG("kv get threw");
  }

  struct Put {
    KvRow row;
    std::string data_key;  // id
    std::string sealed;
    std::int64_t ttl_ms = 0;
    std::int64_t expected = 0;
    std::int64_t now = 0;
    std::int32_t status = RABT_KV_FAILED;  // written on the writer thread, read after the commit
    std::int64_t version = 0;
  };

  static Status kv_seal(Instance& self, Put& put, std::string_view key, std::string_view value) {
    RABT_TRY(row, kv_row(self, key));
    RABT_TRY(sealer, parts(self).keys.shared(row.tenant, keys::kPlugin));
    put.row = std::move(row);
    put.data_key = sealer->id();
    put.sealed = sealer->seal(kv_context(put.row), value, parts(self).random);
    return ok_status();
  }

  static void kv_put(void* raw, rabt_bytes key, rabt_bytes value, std::int64_t ttl_ms,
                     std::int64_t expected, void* context,
                     void (*done)(void*, std::int32_t, std::int64_t)) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    self.owe(1);
    auto put = std::make_shared<Put>();
    const auto answer = [&self, context, done, put](std::int32_t status) {
      self.lane_.post([&self, context, done, put, status] {
        self.guarded("kv callback",
                     [&] { done(context, status, status == RABT_KV_OK ? put->version : 0); });
        self.owe(-1);
      });
    };
    if (key.len == 0 || key.len > limits::kMaxKvKey || value.len > limits::kMaxKvValue ||
        ttl_ms < 0 || expected < RABT_KV_ANY) {
      answer(RABT_KV_FAILED);
      return;
    }
    if (const Status ready = kv_seal(self, *put, view(key), view(value)); !ready.ok()) {
      parts(self).log.error("plugin.kv_failed",
                            {{"plugin", id(self)}, {"code", std::string_view(ready.error().code)}});
      answer(RABT_KV_FAILED);
      return;
    }
    put->ttl_ms = ttl_ms;
    put->expected = expected;
    put->now = parts(self).clock.now().ms;
    parts(self).store.submit(
        store::Store::Need::droppable,
        [&self, put](store::Transaction& transaction) { return kv_write(self, *put, transaction); },
        [put, answer](const Status& status) {
          answer(status.ok() ? put->status : RABT_KV_FAILED);
        });
  } catch (...) {
    RABT_BUG("kv put threw");
  }

  static Status kv_write(Instance& self, Put& put, store::Transaction& transaction) {
    const KvRow& row = put.row;
    std::int64_t stored = 0;
    std::int64_t old_size = 0;
    bool present = false;
    RABT_TRY_STATUS(transaction.query(
        kKvHead, {std::string_view(row.tenant), std::string_view(row.plugin), store::Blob{row.key}},
        [&](const store::Row& found) {
          stored = found.integer(0);
          present = live(found.integer(1), put.now);
          old_size = found.integer(2);
          return false;
        }));
    const bool expected = put.expected == RABT_KV_ANY ||
                          (put.expected == 0 ? !present : present && stored == put.expected);
    if (!expected) {
      put.status = RABT_KV_CONFLICT;
      return ok_status();
    }
    const std::int64_t growth = static_cast<std::int64_t>(put.sealed.size()) - old_size;
    if (self.kv_used_ + growth > self.setup_.package.kv_bytes) {
      put.status = RABT_KV_FAILED;
      return ok_status();
    }
    put.version = stored + 1;
    const std::int64_t expires = put.ttl_ms == 0 ? 0 : put.now + put.ttl_ms;
    auto written = transaction.execute(
        kKvPut, {std::string_view(row.tenant), std::string_view(row.plugin), store::Blob{row.key},
                 store::Blob{put.sealed}, put.version, expires, store::Blob{put.data_key}});
    if (!written.ok()) return std::move(written).error();
    self.kv_used_ += growth;
    transaction.on_rollback([&self, growth] { self.kv_used_ -= growth; });
    put.status = RABT_KV_OK;
    return ok_status();
  }

  static void kv_remove(void* raw, rabt_bytes key, void* context,
                        void (*done)(void*, std::int32_t)) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    self.owe(1);
    auto put = std::make_shared<Put>();
    const auto answer = [&self, context, done](std::int32_t status) {
      self.lane_.post([&self, context, done, status] {
        self.guarded("kv callback", [&] { done(context, status); });
        self.owe(-1);
      });
    };
    if (key.len == 0 || key.len > limits::kMaxKvKey) {
      answer(RABT_KV_FAILED);
      return;
    }
    auto made = kv_row(self, view(key));
    if (!made.ok()) {
      answer(RABT_KV_FAILED);
      return;
    }
    put->row = std::move(*made);
    put->now = parts(self).clock.now().ms;
    parts(self).store.submit(
        store::Store::Need::droppable,
        [&self, put](store::Transaction& transaction) -> Status {
          const KvRow& row = put->row;
          put->status = RABT_KV_ABSENT;
          std::int64_t size = 0;
          RABT_TRY_STATUS(transaction.query(
              kKvHead,
              {std::string_view(row.tenant), std::string_view(row.plugin), store::Blob{row.key}},
              [&](const store::Row& found) {
                if (live(found.integer(1), put->now)) put->status = RABT_KV_OK;
                size = found.integer(2);
                return false;
              }));
          auto removed = transaction.execute(
              kKvDelete,
              {std::string_view(row.tenant), std::string_view(row.plugin), store::Blob{row.key}});
          if (!removed.ok()) return std::move(removed).error();
          self.kv_used_ -= size;
          transaction.on_rollback([&self, size] { self.kv_used_ += size; });
          return ok_status();
        },
        [put, answer](const Status& status) {
          answer(status.ok() ? put->status : RABT_KV_FAILED);
        });
  } catch (...) {
    RABT_BUG("kv remove threw");
  }

  // ---- rabt.clock/1
  // -----------------------------------------------------------------------------------------------
  static std::int64_t now_unix_ms(void* raw) noexcept {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    return pass ? parts(self).clock.now().ms : 0;
  }
  static std::int64_t monotonic_ms(void* raw) noexcept {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    return pass ? parts(self).clock.monotonic_ms() : 0;
  }
  static void wake_after(void* raw, std::int64_t after_ms, void* context,
                         void (*wake)(void*)) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    if (self.wakes_.fetch_add(1) >= kMaxWakes) {
      self.wakes_.fetch_sub(1);
      self.violation("limit", "too many wake-ups are waiting; this one is lost");
      return;
    }
    self.setup_.timers.add(
        parts(self).clock.monotonic_ms() + std::max<std::int64_t>(after_ms, 0),
        [&self, context, wake] {
          self.wakes_.fetch_sub(1);
          self.lane_.post([&self, context, wake] { self.guarded("wake", [&] { wake(context); }); });
        });
  } catch (...) {
    RABT_BUG("wake_after threw");
  }
  static void random(void* raw, std::uint8_t* out, std::uint64_t size) noexcept {
    Instance& self = of(raw);
    if (out == nullptr || size == 0) return;
    const Gate::Pass pass(self.gate_);
    if (pass && size <= kMaxRandom) parts(self).random.fill({out, static_cast<std::size_t>(size)});
  }
};

void Instance::fill_services() {
  log_ = {sizeof log_, 0, this, &Services::log};
  http_ = {sizeof http_, 0, this, &Services::http_start, &Services::http_cancel};
  secrets_ = {sizeof secrets_, 0, this, &Services::secret_get};
  sign_ = {sizeof sign_, 0, this, &Services::sign_hmac, &Services::sign_jwt};
  kv_ = {sizeof kv_, 0, this, &Services::kv_get, &Services::kv_put, &Services::kv_remove};
  clock_ = {sizeof clock_,
            0,
            this,
            &Services::now_unix_ms,
            &Services::monotonic_ms,
            &Services::wake_after,
            &Services::random};
  const std::string& plugin = setup_.package.manifest.id;
  const Status used = setup_.parts.store.read([&](store::Connection& connection) {
    return connection.query(kKvUsed,
                            {std::string_view(setup_.config.tenant), std::string_view(plugin)},
                            [this](const store::Row& row) {
                              kv_used_ = row.integer(0);
                              return false;
                            });
  });
  if (!used.ok())
    setup_.parts.log.warn("plugin.kv_usage", {{"plugin", std::string_view(plugin)},
                                              {"code", std::string_view(used.error().code)}});
}

const void* Instance::get_service(void* self, const char* id) noexcept {
  const auto& instance = *static_cast<const Instance*>(self);
  const std::string_view name = id == nullptr ? std::string_view{} : std::string_view(id);
  if (name == RABT_LOG) return &instance.log_;
  if (name == RABT_HTTP) return &instance.http_;
  if (name == RABT_SIGN) return &instance.sign_;
  if (name == RABT_KV) return &instance.kv_;
  if (name == RABT_CLOCK) return &instance.clock_;
  if (name == RABT_SECRETS && instance.setup_.package.manifest.secrets_raw)
    return &instance.secrets_;
  return nullptr;
}

const SecretBytes* Instance::secret(std::string_view name) const {
  const auto& declared = setup_.package.manifest.secrets;
  if (std::find(declared.begin(), declared.end(), name) == declared.end()) return nullptr;
  const auto found = setup_.config.secrets.find(std::string(name));
  return found == setup_.config.secrets.end() ? nullptr : found->second.get();
}

void Instance::post_answer(std::uint64_t flight, HttpAnswer answer) {
  auto shared = std::make_shared<HttpAnswer>(std::move(answer));
  lane_.post([this, flight, shared] {
    Flight entry;
    {
      const std::scoped_lock lock(flights_mutex_);
      const auto found = flights_.find(flight);
      if (found == flights_.end()) return;
      entry = found->second;
      flights_.erase(found);
    }
    rabt_http_result result{};
    result.size = sizeof result;
    result.sent = shared->sent;
    result.status = shared->status;
    result.headers_json = bytes(shared->headers_json);
    result.body = bytes(shared->body);
    result.error_code = bytes(shared->error_code);
    result.error_message = bytes(shared->error_message);
    result.blob = bytes(shared->blob);
    result.blob_bytes = shared->blob_bytes;
    result.blob_sha256 = bytes(shared->blob_sha256);
    if (entry.done != nullptr)
      guarded("http callback", [&] { entry.done(entry.context, &result); });
    owe(-1);
  });
}

}  // namespace rabt::plugin

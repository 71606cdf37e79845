#include "hub/api/stream.hpp"

#include <algorithm>

#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/api/browser.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/event_names.hpp"
#include "hub/base/number.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/http/event_stream.hpp"
#include "hub/http/web_socket.hpp"
#include "hub/webhooks/wants.hpp"

namespace rabt::api {

using consultation::Membership;
using http::Response;

namespace {

constexpr std::string_view kProtocol = "rabt.v1";
constexpr std::string_view kTopic = "session:";
constexpr std::string_view kOutside = "hub";
constexpr std::size_t kMostTopics = 32;
constexpr std::size_t kTicketBytes = 32;

std::string digest(std::string_view text) {
  const auto hash = crypto::sha256(text);
  return std::string(as_text(hash));
}

// One topic of one connection.
class TopicFeed final : public SessionFeed {
 public:
  TopicFeed(const LiveParts& parts, Ask ask, std::string link, std::string topic,
            std::weak_ptr<http::Socket> socket)
      : SessionFeed(parts, std::move(ask), std::move(link)),
        topic_(std::move(topic)),
        outlet_(std::move(socket)) {}
  void caught_up() override { outlet_.send(Json::object({{"type", "live"}, {"topic", topic_}})); }
  [[nodiscard]] Outlet& outlet() { return outlet_; }

 private:
  void tell(std::string_view kind, std::int64_t seq, std::int64_t at_ms,
            const Json& data) override {
    Json frame = Json::object({{"type", "ev"}, {"topic", topic_}, {"kind", kind}});
    if (seq > 0) frame.set("seq", seq);
    frame.set("at", to_iso8601({at_ms}));
    const Json& from = data["from"].is_null() ? data["participant"] : data["from"];
    if (!from.is_null()) frame.set("from", from);
    frame.set("data", data);
    outlet_.send(frame);
  }
  void dismissed(std::string_view code) override {
    outlet_.send(Json::object({{"type", "bye"}, {"topic", topic_}, {"code", code}}));
  }

  const std::string topic_;
  Outlet outlet_;
};

// Events of a session for one person, as server-sent events.
class EventsFeed final : public SessionFeed {
 public:
  EventsFeed(const LiveParts& parts, Ask ask, std::string link, std::weak_ptr<http::Socket> socket)
      : SessionFeed(parts, std::move(ask), std::move(link)), socket_(std::move(socket)) {}
  void caught_up() override { send("", "live", Json::object()); }

 private:
  void tell(std::string_view kind, std::int64_t seq, std::int64_t at_ms,
            const Json& data) override {
    Json frame = Json::object({{"at", to_iso8601({at_ms})}});
    const Json& from = data["from"].is_null() ? data["participant"] : data["from"];
    if (!from.is_null()) frame.set("from", from);
    frame.set("data", data);
    send(seq > 0 ? std::to_string(seq) : "", kind, frame);
  }
  void dismissed(std::string_view code) override {
    send("", "bye", Json::object({{"code", code}}));
    if (const auto socket = socket_.lock()) socket->close(http::kCloseNotAllowed, code);
  }
  void send(std::string_view id, std::string_view kind, const Json& frame) {
    if (const auto socket = socket_.lock()) socket->send(http::event_text(id, kind, frame.dump()));
  }

  const std::weak_ptr<http::Socket> socket_;
};

class EventsHandler final : public http::SocketHandler {
 public:
  EventsHandler(const LiveParts& parts, Ask ask, std::string link,
                std::optional<std::int64_t> after)
      : parts_(parts), ask_(std::move(ask)), link_(std::move(link)), after_(after) {}
  void opened(std::shared_ptr<http::Socket> socket) override {
    feed_ = std::make_shared<EventsFeed>(parts_, ask_, link_, socket);
    if (!feed_->begin(after_).ok()) socket->close(http::kCloseNotAllowed, "");
  }
  void received(http::Socket& /*socket*/, std::string_view /*text*/) override {}
  void closed() override {
    if (feed_ != nullptr) feed_->end();
  }

 private:
  const LiveParts& parts_;
  const Ask ask_;
  const std::string link_;
  const std::optional<std::int64_t> after_;
  std::shared_ptr<EventsFeed> feed_;
};

// The topic `hub` of one connection: what happens outside sessions.
class OutsideFeed final : public consultation::HubListener {
 public:
  OutsideFeed(identity::Roles roles, std::string person, std::weak_ptr<http::Socket> socket)
      : roles_(roles), person_(std::move(person)), outlet_(std::move(socket)) {}
  void told(const Json& event) override {
    const std::string type = event.string_or("type", "");
    const std::string kind(event_name(type));
    if (!hears(kind, event["data"])) return;
    outlet_.send(Json::object({{"type", "ev"},
                               {"topic", kOutside},
                               {"kind", kind},
                               {"id", event["id"]},
                               {"at", event["time"]},
                               {"data", event["data"]}}));
  }
  // Staff hears of its providers and of the tasks of its roles, a doctor of the emergencies that
  // ring for him; what the house pays and has agreed to is the managers'.
  [[nodiscard]] bool hears(std::string_view kind, const Json& data) const {
    const bool ring = kind == "provider.rung" || kind == "provider.ring-ended";
    if (ring && !person_.empty() && data.string_or("provider", "") == person_) return true;
    if (ring) return roles_.has_any(kManagers);
    if (roles_.has_any(kManagers) || kind.starts_with("provider.")) return true;
    if (!kind.starts_with("task.")) return false;
    const auto of = [&](std::string_view member) {
      const auto role = identity::parse_role(data.string_or(member, ""));
      return role && roles_.has(*role);
    };
    return of("role") || of("escalation");
  }
  [[nodiscard]] Outlet& outlet() { return outlet_; }
  static bool may_listen(identity::Roles roles) { return roles.has_any(kStaff); }

 private:
  static constexpr identity::Roles kManagers{identity::Role::admin, identity::Role::operator_,
                                             identity::Role::auditor};
  static constexpr identity::Roles kStaff{identity::Role::admin,      identity::Role::operator_,
                                          identity::Role::auditor,    identity::Role::doctor,
                                          identity::Role::specialist, identity::Role::nurse,
                                          identity::Role::desk};
  const identity::Roles roles_;
  // ULID. Empty when no person listens.
  const std::string person_;
  Outlet outlet_;
};

// The frames of one connection. Its functions come one at a time.
class StreamSocket final : public http::SocketHandler {
 public:
  StreamSocket(const LiveParts& parts, identity::Caller caller)
      : parts_(parts), caller_(std::move(caller)), link_(SessionFeed::link_now(parts_, caller_)) {}

  void opened(std::shared_ptr<http::Socket> socket) override {
    socket_ = std::move(socket);
    parts_.practice.providers.seen(caller_.who.tenant, caller_.who.person);
  }
  void received(http::Socket& socket, std::string_view text) override;
  void closed() override {
    for (const auto& [topic, feed] : feeds_) feed->end();
    feeds_.clear();
    leave_outside();
    socket_.reset();
  }

 private:
  [[nodiscard]] Result<Json> answer(const Json& frame);
  [[nodiscard]] Result<Json> subscribe(const Json& frame);
  [[nodiscard]] Result<Json> unsubscribe(const Json& frame);
  [[nodiscard]] Result<Json> say(const Json& frame);
  [[nodiscard]] Result<Json> listen_outside(const Json& frame);
  void leave_outside() {
    if (outside_ != nullptr) parts_.live.leave_outside(*outside_);
    outside_.reset();
  }

  const LiveParts& parts_;
  const identity::Caller caller_;
  const std::string link_;
  std::shared_ptr<http::Socket> socket_;
  std::map<std::string, std::shared_ptr<TopicFeed>, std::less<>> feeds_;
  // Null when the topic `hub` is not subscribed.
  std::shared_ptr<OutsideFeed> outside_;
  // The outlet of the feed whose subscription is about to be answered. Null between messages.
  Outlet* begun_ = nullptr;
};

void StreamSocket::received(http::Socket& socket, std::string_view text) {
  parts_.practice.providers.seen(caller_.who.tenant, caller_.who.person);
  const auto frame = Json::parse(text, {.max_bytes = 64U << 10U, .max_depth = 16});
  if (!frame.ok() || !frame->is_object()) {
    socket.send(R"({"type":"no","code":"api.body","detail":"a message is one JSON object"})");
    return;
  }
  auto answered = answer(*frame);
  Json out = answered.ok() ? Json::object({{"type", "ok"}})
                           : Json::object({{"type", "no"},
                                           {"code", answered.error().code},
                                           {"detail", answered.error().message}});
  if (const Json* id = frame->find("id")) out.set("id", *id);
  if (answered.ok() && answered->is_object()) {
    for (const auto& [name, value] : answered->as_object()) out.set(name, value);
  }
  // Events that happened meanwhile follow the answer to the subscription.
  if (const auto begun = std::exchange(begun_, nullptr); begun != nullptr) {
    begun->open(out);
  } else {
    socket.send(out.dump());
  }
}

Result<Json> StreamSocket::answer(const Json& frame) {
  const std::string type = frame.string_or("type", "");
  if (type == "sub") return subscribe(frame);
  if (type == "unsub") return unsubscribe(frame);
  if (type == "say") return say(frame);
  if (type == "ping") return Json::object({{"at", to_iso8601(parts_.clock.now())}});
  return invalid("api.invalid", "type: it must be sub, unsub, say or ping");
}

Result<Json> StreamSocket::subscribe(const Json& frame) {
  const std::string topic = frame.string_or("topic", "");
  if (topic == kOutside) return listen_outside(frame);
  if (!topic.starts_with(kTopic))
    return invalid("api.invalid", "topic: it must be session:<id> or hub");
  // Those that ended with `bye` make room.
  std::erase_if(feeds_, [](const auto& feed) { return feed.second->over(); });
  if (feeds_.contains(topic)) return conflict("stream.subscribed", "this topic is subscribed");
  if (feeds_.size() >= kMostTopics)
    return conflict("stream.topics", "a connection may have 32 topics");
  const Json* after = frame.find("after");
  std::optional<std::int64_t> from;
  if (after != nullptr && !after->is_null()) {
    from = after->as_int64();
    if (!from || *from < 0) return invalid("api.invalid", "after: it must be the seq of an event");
  }
  Ask ask{.caller = {caller_}, .session = topic.substr(kTopic.size())};
  auto feed = std::make_shared<TopicFeed>(parts_, std::move(ask), link_, topic, socket_);
  RABT_TRY_STATUS(feed->begin(from));
  const std::int64_t newest = feed->newest();
  feeds_.emplace(topic, feed);
  begun_ = &feed->outlet();
  const Membership of = feed->membership();
  return Json::object({{"topic", topic},
                       {"seq", newest},
                       {"session", of.session},
                       {"status", to_string(of.status)},
                       {"me", of.participant.empty() ? Json() : Json(of.participant)},
                       {"role", of.role},
                       {"admission", of.admitted  ? "admitted"
                                     : of.waiting ? "waiting"
                                                  : "none"}});
}

Result<Json> StreamSocket::listen_outside(const Json& frame) {
  if (outside_ != nullptr) return conflict("stream.subscribed", "this topic is subscribed");
  if (!OutsideFeed::may_listen(caller_.who.roles))
    return denied("authorisation.denied", "only staff hears what happens outside sessions");
  const Json* after = frame.find("after");
  if (after != nullptr && !after->is_null() && !after->is_string())
    return invalid("api.invalid", "after: it must be the id of an event");
  auto feed = std::make_shared<OutsideFeed>(caller_.who.roles, caller_.who.person, socket_);
  RABT_TRY_STATUS(
      parts_.live.listen_outside(caller_.who.tenant, frame.string_or("after", ""), feed));
  outside_ = std::move(feed);
  begun_ = &outside_->outlet();
  return Json::object({{"topic", kOutside}});
}

Result<Json> StreamSocket::unsubscribe(const Json& frame) {
  if (outside_ != nullptr && frame.string_or("topic", "") == kOutside) {
    leave_outside();
    return Json::object();
  }
  const auto found = feeds_.find(frame.string_or("topic", ""));
  if (found == feeds_.end())
    return not_found("stream.not_subscribed", "this topic is not subscribed");
  found->second->end();
  feeds_.erase(found);
  return Json::object();
}

Result<Json> StreamSocket::say(const Json& frame) {
  const auto found = feeds_.find(frame.string_or("topic", ""));
  if (found == feeds_.end())
    return not_found("stream.not_subscribed", "subscribe to the topic first");
  RABT_TRY(said, found->second->say(frame.string_or("kind", ""), frame));
  return Json::object({{"said", std::move(said)}});
}

}  // namespace

Result<std::string> Tickets::make(identity::Credential shown, std::string_view owner,
                                  std::string_view origin) {
  Bytes bytes(kTicketBytes);
  random_.fill(bytes);
  std::string ticket = crypto::base64url(bytes);
  const std::int64_t now = clock_.monotonic_ms();
  const Lock lock(mutex_);
  std::erase_if(all_, [now](const auto& one) { return one.second.until_ms <= now; });
  auto oldest = all_.end();
  std::size_t own = 0;
  for (auto one = all_.begin(); one != all_.end(); ++one) {
    if (one->second.owner != owner) continue;
    ++own;
    if (oldest == all_.end() || one->second.number < oldest->second.number) oldest = one;
  }
  if (own >= kMostOfOne) all_.erase(oldest);
  if (all_.size() >= kMost)
    return unavailable("ticket.full", "too many tickets wait to be used; try again in a minute");
  all_.emplace(digest(ticket), Ticket{std::move(shown), std::string(owner), std::string(origin),
                                      now + kLifeMs, ++made_});
  return ticket;
}

std::optional<identity::Credential> Tickets::take(const http::Request& handshake) {
  for (const std::string& offered : http::offered_protocols(handshake)) {
    if (!offered.starts_with(kPrefix)) continue;
    const Lock lock(mutex_);
    const auto found = all_.find(digest(std::string_view(offered).substr(kPrefix.size())));
    if (found == all_.end()) return std::nullopt;
    Ticket ticket = std::move(found->second);
    all_.erase(found);
    const bool good =
        ticket.until_ms > clock_.monotonic_ms() && ticket.origin == handshake.header("origin");
    return good ? std::optional(std::move(ticket.shown)) : std::nullopt;
  }
  return std::nullopt;
}

Result<Response> Stream::ticket(const Call& call) {
  identity::Credential shown = shown_by(call.request);
  if (call.caller.who.kind == identity::Kind::guest) shown = {.guest = visit_of(call.request)};
  RABT_TRY(ticket,
           tickets_.make(std::move(shown), call.caller.who.actor(), call.request.header("origin")));
  return json_response(201, Json::object({{"ticket", std::string(Tickets::kPrefix) + ticket},
                                          {"expiresIn", Tickets::kLifeMs / 1000},
                                          {"protocols", Json::array({kProtocol})}}));
}

Result<Response> Stream::events(const Call& call) {
  RABT_TRY(ask, ask_of(call));
  std::optional<std::int64_t> after;
  if (const auto last = call.request.header("last-event-id"); !last.empty()) {
    after = read_number<std::int64_t>(last);
    if (!after || *after < 0)
      return invalid("api.invalid", "Last-Event-ID: it must be the id of an event of this stream");
  }
  // A refusal gets an answer of its own; an open stream could only end.
  RABT_TRY(of, parts_.sessions.acts.membership(ask.caller, ask.session));
  if (!of.listens())
    return denied("participant.not_a_participant",
                  "only who takes part in the session can listen to it");
  return Response{.events =
                      std::make_shared<EventsHandler>(parts_, std::move(ask), of.link, after)};
}

Result<Response> Stream::open(const Call& call) {
  Response response{.socket = std::make_shared<StreamSocket>(parts_, call.caller)};
  const auto offered = http::offered_protocols(call.request);
  if (std::find(offered.begin(), offered.end(), kProtocol) != offered.end())
    response.subprotocol = kProtocol;
  return response;
}

}  // namespace rabt::api

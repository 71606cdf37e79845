#include "hub/api/compat/clinicvault_socket.hpp"

#include <map>

#include "hub/api/requests/provider_requests.hpp"
#include "hub/api/requests/session_requests.hpp"
#include "hub/api/stream.hpp"
#include "hub/consultation/practice/provider_requests.hpp"
#include "hub/consultation/record/shared_requests.hpp"
#include "hub/consultation/record/transcript_requests.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/request/reference.hpp"
#include "hub/http/web_socket.hpp"

namespace rabt::api {

using consultation::AddSegment;
using consultation::Asked;
using consultation::Fields;
using consultation::Membership;
using consultation::SendMessage;
using consultation::SetPresence;

namespace {

constexpr std::string_view kCandidate = "ice-candidate";

// Numbers of persons, by which this door names people, and the participants of the session, by
// which the hub does.
class Numbers {
 public:
  Numbers(const LiveParts& parts, identity::Directory& people, Ask ask)
      : parts_(parts), people_(people), ask_(std::move(ask)) {}

  // Null for somebody who has no person: a guest.
  [[nodiscard]] Json of(std::string_view participant) {
    if (!by_participant_.contains(participant)) read();
    const auto found = by_participant_.find(participant);
    return found == by_participant_.end() ? Json() : Json(found->second);
  }
  [[nodiscard]] Json of_person(const std::string& id) const {
    const auto person = people_.find(ask_.caller.who.tenant, id);
    return person.ok() ? Json(person->number) : Json();
  }
  // Empty when nobody has the number.
  [[nodiscard]] std::string participant(std::int64_t number) {
    for (int tries = 0; tries < 2; ++tries) {
      for (const auto& [id, held] : by_participant_) {
        if (held == number) return id;
      }
      read();
    }
    return {};
  }
  [[nodiscard]] Json list() {
    read();
    Json out = Json::array();
    for (const auto& [id, number] : by_participant_) out.push_back(number);
    return out;
  }

 private:
  void read() {
    const auto answer = parts_.sessions.people.participants(ask_.caller, of_session(ask_));
    if (!answer.ok()) return;
    for (const consultation::ParticipantView& item : answer->items) {
      const auto person = people_.find(ask_.caller.who.tenant, item.person);
      if (person.ok()) by_participant_[item.id] = person->number;
    }
  }

  const LiveParts& parts_;
  identity::Directory& people_;
  const Ask ask_;
  std::map<std::string, std::int64_t, std::less<>> by_participant_;
};

class VaultFeed final : public SessionFeed {
 public:
  VaultFeed(const LiveParts& parts, identity::Directory& people, const Ask& ask,
            std::weak_ptr<http::Socket> socket)
      : SessionFeed(parts, ask), outlet_(std::move(socket)), numbers_(parts, people, ask) {}

  void caught_up() override {}
  [[nodiscard]] Outlet& outlet() { return outlet_; }
  [[nodiscard]] Json number_of(std::string_view participant) {
    const Lock lock(numbers_mutex_);
    return numbers_.of(participant);
  }
  [[nodiscard]] Json number_of_person(const std::string& id) {
    const Lock lock(numbers_mutex_);
    return numbers_.of_person(id);
  }
  [[nodiscard]] std::string participant_of(std::int64_t number) {
    const Lock lock(numbers_mutex_);
    return numbers_.participant(number);
  }
  [[nodiscard]] Json people() {
    const Lock lock(numbers_mutex_);
    return numbers_.list();
  }
  // Tells of the end of the consultation, and closes the socket.
  void over(const Json& at);

 private:
  void tell(std::string_view kind, std::int64_t seq, std::int64_t at_ms, const Json& data) override;
  void dismissed(std::string_view /*code*/) override {
    outlet_.close(http::kCloseNotAllowed, "you do not take part in this consultation any more");
  }
  void tell_signal(const Json& data, std::int64_t at_ms);

  Outlet outlet_;
  Mutex numbers_mutex_;
  Numbers numbers_ RABT_GUARDED_BY(numbers_mutex_);
};

void VaultFeed::tell(std::string_view kind, std::int64_t /*seq*/, std::int64_t at_ms,
                     const Json& data) {
  const std::string from = data.string_or("from", data.string_or("participant", ""));
  const Json at = to_iso8601({at_ms});
  if (kind == "signal") {
    tell_signal(data, at_ms);
  } else if (kind == "chat") {
    outlet_.send(Json::object({{"type", "chat"},
                               {"message", data["content"]["text"]},
                               {"from", number_of(from)},
                               {"timestamp", at}}));
  } else if (kind == "transcript") {
    // The speaker has said it himself.
    if (from == membership().participant) return;
    const Json& text = data["content"]["text"].is_null() ? data["text"] : data["content"]["text"];
    outlet_.send(Json::object(
        {{"type", "transcript"}, {"text", text}, {"from", number_of(from)}, {"timestamp", at}}));
  } else if (kind == "connected" || kind == "disconnected") {
    outlet_.send(Json::object({{"type", kind == "connected" ? "user_joined" : "user_left"},
                               {"user_id", number_of(from)},
                               {"timestamp", at}}));
  } else if (kind == "presence") {
    const std::string doctor = data.string_or("provider", "");
    // The doctor who set the status knows it already.
    if (doctor == ask().caller.who.person) return;
    outlet_.send(
        Json::object({{"type", "status"},
                      {"status", data["status"]},
                      {"from", doctor.empty() ? number_of(from) : number_of_person(doctor)},
                      {"timestamp", at}}));
  } else if (kind == "session") {
    const std::string event = data.string_or("event", "");
    // `completed` follows.
    if (event == "ended") return;
    const Membership of = membership();
    if (event == "completed" || event == "cancelled" || event == "no-show" || event == "failed") {
      over(at);
    } else {
      outlet_.send(
          Json::object({{"type", "status"}, {"status", to_string(of.status)}, {"timestamp", at}}));
    }
  }
}

void VaultFeed::over(const Json& at) {
  outlet_.send(Json::object({{"type", "consultation_ended"}, {"timestamp", at}}));
  outlet_.close(http::kCloseNormal, "");
}

void VaultFeed::tell_signal(const Json& data, std::int64_t at_ms) {
  const std::string signal = data.string_or("signal", "");
  Json frame = Json::object({{"type", signal == "candidate" ? std::string(kCandidate) : signal}});
  if (data["payload"].is_object()) {
    for (const auto& [name, value] : data["payload"].as_object()) {
      if (name != "type" && name != "from" && name != "to") frame.set(name, value);
    }
  }
  frame.set("from", number_of(data.string_or("from", "")));
  frame.set("timestamp", to_iso8601({at_ms}));
  outlet_.send(frame);
}

Asked<SendMessage> message_of(const Json& frame, const std::string& session) {
  Fields theirs(frame);
  SendMessage ours{.session = session, .text = theirs.needed_text("message")};
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Asked<AddSegment> segment_of(const Json& frame, const std::string& session) {
  Fields theirs(frame);
  AddSegment ours{.session = session, .text = theirs.needed_text("text")};
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Asked<std::string> status_of(const Json& frame) {
  Fields theirs(frame);
  std::string status = presence_in(theirs, "status");
  RABT_TRY_STATUS(theirs.done());
  return status;
}

class VaultSocket final : public http::SocketHandler {
 public:
  VaultSocket(const LiveParts& parts, identity::Directory& people, Ask ask, std::int64_t user)
      : parts_(parts), people_(people), ask_(std::move(ask)), user_(user) {}

  void opened(std::shared_ptr<http::Socket> socket) override {
    feed_ = std::make_shared<VaultFeed>(parts_, people_, ask_, socket);
    const Status begun = feed_->begin(std::nullopt);
    if (!begun.ok()) {
      socket->close(http::kCloseNotAllowed, "you do not take part in this consultation");
      return;
    }
    feed_->outlet().open(Json::object({{"type", "connected"},
                                       {"consultation_id", feed_->membership().number},
                                       {"user_id", user_},
                                       {"participants", feed_->people()}}));
    // It may have ended while the socket opened.
    if (is_end(feed_->membership().status)) feed_->over(to_iso8601(parts_.clock.now()));
  }
  void received(http::Socket& socket, std::string_view text) override;
  void closed() override { feed_->end(); }

 private:
  [[nodiscard]] Result<Json> answer(const Json& frame);
  [[nodiscard]] Result<Json> hand_on(const Json& frame, const std::string& type);

  const LiveParts& parts_;
  identity::Directory& people_;
  const Ask ask_;
  const std::int64_t user_;
  std::shared_ptr<VaultFeed> feed_;
};

void VaultSocket::received(http::Socket& socket, std::string_view text) {
  const auto frame = Json::parse(text, {.max_bytes = 64U << 10U, .max_depth = 16});
  const Result<Json> said = frame.ok() && frame->is_object()
                                ? answer(*frame)
                                : invalid("api.body", "a message is one JSON object");
  if (!said.ok())
    socket.send(Json::object({{"type", "error"}, {"detail", said.error().message}}).dump());
}

Result<Json> VaultSocket::answer(const Json& frame) {
  const std::string type = frame.string_or("type", "");
  if (type == "chat") return feed_->chat(message_of(frame, ask_.session));
  if (type == "transcript") return feed_->write_down(segment_of(frame, ask_.session));
  if (type == "status") return feed_->set_presence(SetPresence{.status = status_of(frame)});
  if (type == "offer" || type == "answer" || type == kCandidate) return hand_on(frame, type);
  return invalid("api.invalid",
                 "type: it must be chat, offer, answer, ice-candidate, status or transcript");
}

Result<Json> VaultSocket::hand_on(const Json& frame, const std::string& type) {
  Signal word{.kind = type == kCandidate ? "candidate" : type, .payload = frame};
  if (const auto number = frame["to"].as_int64()) {
    word.to = feed_->participant_of(*number);
    if (word.to.empty()) return invalid("api.invalid", "to: nobody here has this id");
  }
  return feed_->hand_on(word);
}

}  // namespace

Result<http::Response> open_clinicvault_socket(const LiveParts& parts, identity::Directory& people,
                                               const http::Request& request, const Ask& ask,
                                               std::string_view user) {
  RABT_TRY(person, people.find(ask.caller.who.tenant, ask.caller.who.person));
  if (consultation::read_reference(user).number != person.number)
    return denied("authorisation.denied", "the address names another user than the token");
  RABT_TRY(of, parts.sessions.acts.membership(ask.caller, ask.session));
  if (of.participant.empty() || !of.listens())
    return denied("participant.not_a_participant", "you do not take part in this consultation");
  if (is_end(of.status))
    return conflict("session." + std::string(to_string(of.status)), "the consultation has ended");
  http::Response response{.socket =
                              std::make_shared<VaultSocket>(parts, people, ask, person.number)};
  // A browser that offers subprotocols expects one of them; the ticket is none.
  for (const std::string& offered : http::offered_protocols(request)) {
    if (offered.starts_with(Tickets::kPrefix)) continue;
    response.subprotocol = offered;
    break;
  }
  return response;
}

}  // namespace rabt::api

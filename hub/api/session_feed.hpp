#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/api/requests/ask.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"
#include "hub/consultation/events/live.hpp"
#include "hub/consultation/practice/practice.hpp"
#include "hub/consultation/record/records.hpp"
#include "hub/consultation/sessions/sessions.hpp"
#include "hub/http/web_socket.hpp"

namespace rabt::api {

// Services that the live channel uses. Null where the hub has none.
struct LiveParts {
  consultation::Sessions& sessions;
  consultation::Records& records;
  consultation::Practice& practice;
  consultation::Live& live;
  const Clock& clock;
};

// Word of one browser to another one, for a call between browsers.
struct Signal {
  // offer, answer, candidate
  std::string kind;
  Json payload;
  // Participant. Empty for everybody.
  std::string to{};
};

// Outgoing messages of a feed. They wait for the message that listening has begun. Internally
// synchronised.
class Outlet {
 public:
  explicit Outlet(std::weak_ptr<http::Socket> socket) : socket_(std::move(socket)) {}
  void send(const Json& frame);
  // Sends the first message, and then the messages that have waited.
  void open(const Json& first);
  void close(std::uint16_t code, std::string_view reason);

 private:
  // Constant after construction.
  const std::weak_ptr<http::Socket> socket_;

  Mutex mutex_;
  bool open_ RABT_GUARDED_BY(mutex_) = false;
  std::vector<std::string> waiting_ RABT_GUARDED_BY(mutex_);
};

// Live view of one session for one person: the events that the person may see, in the person's
// form. Rights are decided again with each event that can change them, and each minute.
class SessionFeed : public consultation::LiveListener,
                    public std::enable_shared_from_this<SessionFeed> {
 public:
  // ask: the listener and the session. link: link_now() at the begin of the connection.
  SessionFeed(const LiveParts& parts, Ask ask, std::string link = {});
  // Name of the link by which a guest takes part now. Empty for everybody else, and without one.
  [[nodiscard]] static std::string link_now(const LiveParts& parts, const identity::Caller& caller);

  // Asks for the membership, begins to listen, and tells those who are in that the person is
  // connected. Errors: those of Sessions::membership, participant.not_a_participant.
  [[nodiscard]] Status begin(std::optional<std::int64_t> after);
  // The other listeners hear that the person is disconnected.
  void end();
  // True after end(), and after the person was dismissed: no event follows.
  [[nodiscard]] bool over() const { return left_; }

  // Handles a message of the person, under the names of /api/v1. kind: chat, signal, transcript,
  // status, quality, hand, typing. Gives the answer's content. Errors: those of the domain;
  // api.invalid for an unknown kind.
  [[nodiscard]] Result<Json> say(std::string_view kind, const Json& what);
  // Messages that another API has read. Answers and errors as say.
  [[nodiscard]] Result<Json> chat(const consultation::Asked<consultation::SendMessage>& message);
  [[nodiscard]] Result<Json> write_down(
      const consultation::Asked<consultation::AddSegment>& segment);
  [[nodiscard]] Result<Json> set_presence(const consultation::SetPresence& presence);
  [[nodiscard]] Result<Json> hand_on(const Signal& word);
  [[nodiscard]] consultation::Membership membership() const;
  // The newest event when listening began.
  [[nodiscard]] std::int64_t newest() const { return newest_; }
  [[nodiscard]] const Ask& ask() const { return ask_; }

  void happened(const consultation::LiveEvent& event) final;
  void relayed(const Json& what) final;
  void alive() final;

 protected:
  const LiveParts& parts() const { return parts_; }

 private:
  // Sends an event that the person may see. kind: chat, joined, left, waiting, admitted, denied,
  // session, recording, document, note, vitals, prescription, quality, transcript, ... seq is 0 for
  // events that are not stored.
  virtual void tell(std::string_view kind, std::int64_t seq, std::int64_t at_ms,
                    const Json& data) = 0;
  // The person may not listen any more, and the feed has ended. code: the reason.
  virtual void dismissed(std::string_view code) = 0;

  // True for a guest whose link has ended since, or is another browser's now.
  [[nodiscard]] bool is_former(const consultation::Membership& of) const;
  // True if the person may still listen. Looks at the membership first if that is due.
  [[nodiscard]] bool still_allowed(bool look);
  // Errors: denied authorisation.denied.
  [[nodiscard]] Status may_say(std::string_view kind);
  [[nodiscard]] Result<Json> signal(std::string_view kind, const Json& what);
  void announce(std::string_view kind);
  void tell_admitted(const consultation::LiveEvent& event);
  void tell_status(const Json& status);
  // Enters the person in the call between browsers, at the first signal; takes the person out when
  // the last live channel of the participant has ended.
  [[nodiscard]] Status enter_call(const consultation::Membership& of);
  void leave_call();

  const LiveParts& parts_;
  const Ask ask_;
  const std::string link_;

  mutable Mutex mutex_;
  consultation::Membership membership_ RABT_GUARDED_BY(mutex_);
  std::int64_t decided_ms_ RABT_GUARDED_BY(mutex_) = 0;
  // Constant after begin().
  std::int64_t newest_ = 0;
  std::string session_;
  std::atomic<bool> left_{true};
  // True if the person takes part, through this channel, in a call between browsers.
  std::atomic<bool> in_call_{false};
};

}  // namespace rabt::api

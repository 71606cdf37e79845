#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/messages/channel.hpp"
#include "hub/consultation/messages/due.hpp"

namespace rabt::consultation {

// Outcomes of messages that the gateway took: by its reports, or by asking it where none came. The
// outcome goes from sent to delivered or undelivered, and from undelivered to delivered; every
// other report changes nothing. Internally synchronised; asking blocks until the gateway has
// answered.
class MessageReports {
 public:
  explicit MessageReports(Acts& acts) : acts_(acts) {}

  // org.rabt.notify.message-delivered.v1 and -failed.v1; other events are ignored. A report about a
  // message that nobody knows is kept for a day: it may come before the gateway's answer. The
  // task of the desk about messages that arrived after all is closed. Error unavailable: it could
  // not be stored, so the sender must repeat it.
  [[nodiscard]] Status take(const Json& event);
  // Takes the reports that came before the ids of the messages to a participant were stored.
  [[nodiscard]] Status take_early(const std::string& session, const std::string& participant);

  struct Followed {
    // Messages that did not arrive while they are of use, and were not passed on by another call.
    std::vector<MessageName> undelivered;
    // A message of use may still turn out not to have arrived: when to look again.
    std::optional<std::int64_t> next_ms;
  };
  // Follows the messages to a participant, and asks the gateway where it is time. call: idempotency
  // key of the call that this is for.
  [[nodiscard]] Result<Followed> follow(const Session& session, const std::string& participant,
                                        const std::string& call);
  // The next channel or the desk has a message that did not arrive: a repeat of the same call gets
  // it again, and no other call.
  [[nodiscard]] Status pass_on(const Session& session, const std::string& participant,
                               const MessageName& lost, const std::string& call);

 private:
  struct Taken {
    ToldMessage message;
    Channel channel = Channel::sms;
    std::string outcome;
    std::string gateway_id;
    std::int64_t asked = 0;
    std::string followed_by;
  };
  [[nodiscard]] Result<std::vector<Taken>> taken(const Session& session,
                                                 const std::string& participant) const;
  // Outcome by the gateway's answer. Unset while it cannot say.
  [[nodiscard]] std::optional<bool> ask(const Session& session, const Taken& taken) const;
  // A message that was told to a participant.
  struct Place {
    std::string session;
    std::string participant;
    // As MessageName.
    std::string kind;
    std::int64_t version = 0;
    // The desk was told that it did not arrive.
    bool followed = false;
  };
  [[nodiscard]] Result<std::vector<Place>> places_of(const std::string& id) const;
  [[nodiscard]] Status keep(const std::string& id, const std::string& gateway, bool delivered);
  [[nodiscard]] Status close_call(const std::string& session);
  [[nodiscard]] Status enter(const Place& at, const std::string& gateway_id, bool delivered);

  Acts& acts_;
};

}  // namespace rabt::consultation

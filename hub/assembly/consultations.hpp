#pragma once

#include <memory>

#include "hub/api/compat/doors.hpp"
#include "hub/config/config.hpp"
#include "hub/consultation/events/live.hpp"
#include "hub/consultation/messages/messenger.hpp"
#include "hub/consultation/practice/practice.hpp"
#include "hub/consultation/record/records.hpp"
#include "hub/consultation/sessions/sessions.hpp"
#include "hub/consultation/workflow/p2p.hpp"
#include "hub/engine/engine.hpp"
#include "hub/phi/detector.hpp"
#include "hub/webhooks/webhooks.hpp"

// Sessions, what is written in them and what surrounds them, put together.
namespace rabt::assembly {

class Consultations {
 public:
  struct Parts {
    consultation::SessionParts sessions;
    identity::People& people;
  };
  // Errors: phi.pattern.
  [[nodiscard]] static Result<std::unique_ptr<Consultations>> make(const config::Config& config,
                                                                   Parts parts);
  // Calls of the video provider and timers begin; until then requests are only stored. Events go to
  // the engine, then to the webhooks.
  void begin(engine::Engine& engine, webhooks::Webhooks& webhooks);
  void stop();

  [[nodiscard]] consultation::Sessions& sessions() { return *sessions_; }
  [[nodiscard]] consultation::Records& records() { return *records_; }
  [[nodiscard]] consultation::Practice& practice() { return *practice_; }
  [[nodiscard]] consultation::Live& live() { return *live_; }
  [[nodiscard]] consultation::MessageReports& reports() { return *reports_; }

 private:
  Consultations() = default;

  std::unique_ptr<const phi::Detector> detector_;
  std::unique_ptr<consultation::Sessions> sessions_;
  // Sends the codes of second proofs.
  std::unique_ptr<consultation::Messenger> messenger_;
  // Reads what the gateway of messages reports.
  std::unique_ptr<consultation::MessageReports> reports_;
  std::unique_ptr<consultation::Records> records_;
  std::unique_ptr<consultation::Practice> practice_;
  // Destroyed before the records, which its thread opens.
  std::unique_ptr<consultation::Live> live_;
};

// video.ice. Error config.missing_secret.
[[nodiscard]] Result<consultation::IceServers> read_ice(const config::Config& config);

// The compatibility APIs that the configuration opens.
[[nodiscard]] std::unique_ptr<api::compat::Doors> make_doors(const config::Config& config,
                                                             api::compat::House house,
                                                             const phi::Policy& privacy);

}  // namespace rabt::assembly

#pragma once

#include <memory>

#include "hub/api/compat/doors.hpp"
#include "hub/config/config.hpp"
#include "hub/consultation/live.hpp"
#include "hub/consultation/practice.hpp"
#include "hub/consultation/records.hpp"
#include "hub/consultation/session_service.hpp"
#include "hub/phi/detector.hpp"

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
  // Calls of the video provider and timers begin; until then requests are only stored.
  void begin(engine::Engine& engine);
  void stop();

  [[nodiscard]] consultation::SessionService& sessions() { return *sessions_; }
  [[nodiscard]] consultation::Records& records() { return *records_; }
  [[nodiscard]] consultation::Practice& practice() { return *practice_; }
  [[nodiscard]] consultation::Live& live() { return *live_; }

 private:
  Consultations() = default;

  std::unique_ptr<const phi::Detector> detector_;
  std::unique_ptr<consultation::SessionService> sessions_;
  std::unique_ptr<consultation::Records> records_;
  std::unique_ptr<consultation::Practice> practice_;
  // Destroyed before the records, which its thread opens.
  std::unique_ptr<consultation::Live> live_;
};

// The compatibility APIs that the configuration opens.
[[nodiscard]] std::unique_ptr<api::compat::Doors> make_doors(const config::Config& config,
                                                             api::compat::House house,
                                                             const phi::Policy& privacy);

}  // namespace rabt::assembly

#include "hub/assembly/consultations.hpp"

#include "hub/base/event_names.hpp"
#include "hub/consultation/practice/agreements.hpp"

namespace rabt::assembly {

Result<std::unique_ptr<Consultations>> Consultations::make(const config::Config& config,
                                                           Parts parts) {
  RABT_TRY_STATUS(consultation::may_be_bound(config.practice, parts.sessions.clock.now()));
  std::unique_ptr<Consultations> consultations(new Consultations());
  RABT_TRY(detector, phi::Detector::make(config.privacy.detector));
  consultations->detector_ = std::move(detector);
  const consultation::SessionParts& of = parts.sessions;
  consultations->sessions_ = std::make_unique<consultation::Sessions>(of);
  consultations->messenger_ = std::make_unique<consultation::Messenger>(
      consultations->sessions_->acts, consultations->sessions_->invitations);
  consultations->sessions_->guests.send_codes_by(*consultations->messenger_);
  consultations->reports_ =
      std::make_unique<consultation::MessageReports>(consultations->sessions_->acts);
  const auto book = [sessions = consultations->sessions_.get()](
                        const consultation::Caller& caller,
                        const consultation::SessionInput& input) -> consultation::Answer {
    RABT_TRY(booked, sessions->creation.create(caller, input));
    return to_json(booked);
  };
  consultations->records_ = std::make_unique<consultation::Records>(
      consultation::RecordParts{.store = of.store,
                                .audit = of.audit,
                                .blobs = of.blobs,
                                .keys = of.keys,
                                .access = *of.access,
                                .detector = *consultations->detector_,
                                .people = parts.people,
                                .sessions = consultations->sessions_->acts,
                                .actions = &of.actions,
                                .book = book,
                                .clock = of.clock,
                                .random = of.random,
                                .ids = of.ids,
                                .video = of.settings,
                                .chat = config.chat_rules,
                                .documents = config.document_rules,
                                .house = config.house});
  consultations->practice_ = std::make_unique<consultation::Practice>(consultation::PracticeParts{
      .store = of.store,
      .audit = of.audit,
      .keys = of.keys,
      .people = parts.people,
      .records = *consultations->records_,
      .clock = of.clock,
      .random = of.random,
      .ids = of.ids,
      .tenant = of.tenant,
      .video = of.settings,
      .settings = config.practice,
      .treats_before_ms = config.privacy.treats_before_hours * 3'600'000LL});
  consultations->sessions_->surround(consultations->practice_->surroundings());
  consultations->sessions_->keep_said(
      [records = consultations->records_.get()](const consultation::Caller& caller,
                                                const consultation::AddSaid& said) {
        const auto written = records->transcripts.add_said(caller, said);
        return written.ok() ? ok_status() : Status(written.error());
      });
  consultations->live_ = std::make_unique<consultation::Live>(
      of.store, of.log,
      [records = consultations->records_.get()](const consultation::Membership& session,
                                                const consultation::LiveEvent& event) {
        return records->reading.live_content(session, event.type, event.data);
      });
  return consultations;
}

void Consultations::begin(engine::Engine& engine, webhooks::Webhooks& webhooks) {
  sessions_->acts.tell_only([&engine, &webhooks](std::string_view type) {
    const std::string whole = event_type("session." + std::string(type));
    return engine.wants(whole) || webhooks.wants(whole);
  });
  // One commit, so that each is told once, whenever the hub stops.
  sessions_->begin([this, &engine, &webhooks](const std::vector<Json>& events,
                                              const store::Store::Job& also) -> Status {
    std::vector<webhooks::Delivery> deliveries;
    for (const Json& event : events) {
      for (webhooks::Delivery& delivery : webhooks.deliveries_of(event))
        deliveries.push_back(std::move(delivery));
    }
    RABT_TRY_STATUS(engine.tell(events, [&](store::Transaction& transaction) -> Status {
      RABT_TRY_STATUS(webhooks.put(transaction, deliveries));
      return also(transaction);
    }));
    // Those of sessions are told by the thread of the live channel.
    for (const Json& event : events) {
      if (event.find("subject") == nullptr) live_->tell_outside(event);
    }
    return ok_status();
  });
}

void Consultations::stop() {
  sessions_->stop();
}

Result<consultation::IceServers> read_ice(const config::Config& config) {
  consultation::IceServers out{.stun = config.ice.stun, .turn = config.ice.turn, .turn_secret = {}};
  if (out.turn.empty()) return out;
  RABT_TRY(secret, config::read_secret(config.ice.turn_secret));
  out.turn_secret = std::move(secret);
  return out;
}

std::unique_ptr<api::compat::Doors> make_doors(const config::Config& config,
                                               api::compat::House house,
                                               const phi::Policy& privacy) {
  std::map<std::string, api::compat::DoorOptions, std::less<>> options;
  for (const auto& [name, door] : config.doors) {
    options.emplace(name,
                    api::compat::DoorOptions{.enabled = door.enabled,
                                             .naive_offset_minutes = door.naive_offset_minutes,
                                             .origins = door.cors,
                                             .rate = door.rate,
                                             .second_factor_exempt = door.second_factor_exempt});
  }
  return std::make_unique<api::compat::Doors>(std::move(house), privacy, std::move(options));
}

}  // namespace rabt::assembly

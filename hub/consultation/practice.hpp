#pragma once

#include "hub/consultation/ask.hpp"

// What surrounds the sessions of a tenant: clinics, visits, when providers can be had, figures, and
// what the pages show.
namespace rabt::consultation {

// Internally synchronised; every act blocks for one commit.
class Practice {
 public:
  virtual ~Practice() = default;

  virtual Answer clinics(const Ask& ask) = 0;
  virtual Answer add_clinic(const Ask& ask) = 0;
  // record: the clinic, here and in the next one.
  virtual Answer clinic_sessions(const Ask& ask) = 0;
  virtual Answer add_clinic_session(const Ask& ask) = 0;

  // {patient, provider?} -> Visit {id, uuid, number, patient, provider, status, openedAt, ...}
  virtual Answer open_visit(const Ask& ask) = 0;
  // record: the visit, here and in the next one.
  virtual Answer visit(const Ask& ask) = 0;
  virtual Answer close_visit(const Ask& ask) = 0;

  // {items: [{id, uuid, number, name, specialty, licenceNumber, languages, gender, videoEnabled,
  // status}]}; filters: specialty, gender, language, status
  virtual Answer providers(const Ask& ask) = 0;
  // record: the provider, here and in the next two. {provider, status, timeZone, slots: [...]}
  virtual Answer availability(const Ask& ask) = 0;
  virtual Answer set_availability(const Ask& ask) = 0;
  // {status: online, offline or busy}
  virtual Answer set_presence(const Ask& ask) = 0;

  // {year, month, timeZone, attendeeMinutes, attendeeSeconds, limit, remaining, percentage,
  // sessions, activeSessions, alerts}
  virtual Answer usage(const Ask& ask) = 0;
  virtual Answer usage_by_session(const Ask& ask) = 0;
  virtual Answer quality_metrics(const Ask& ask) = 0;
  virtual Answer performance(const Ask& ask) = 0;
  virtual Answer bandwidth(const Ask& ask) = 0;

  virtual Answer note_templates(const Ask& ask) = 0;
  virtual Answer ui_strings(const Ask& ask) = 0;
  virtual Answer terms(const Ask& ask) = 0;
  virtual Answer video_settings(const Ask& ask) = 0;
  virtual Answer compliance(const Ask& ask) = 0;
  virtual Answer scfhs_report(const Ask& ask) = 0;
};

}  // namespace rabt::consultation

#include "hub/consultation/practice/settings_views.hpp"

#include "hub/consultation/acts/answers.hpp"

namespace rabt::consultation {

namespace {

Json agreement_json(const ComplianceView::AgreementState& state) {
  if (state.state == "missing")
    return Json::object({{"party", state.party}, {"state", state.state}});
  return Json::object({{"party", state.party},
                       {"kind", state.kind},
                       {"signedOn", state.signed_on},
                       {"validTo", text_or_null(state.valid_to)},
                       {"document", text_or_null(state.document)},
                       {"state", state.state}});
}

}  // namespace

Json to_json(const VideoSettings& video) {
  return Json::object({{"enabled", video.enabled},
                       {"recordingEnabled", video.recording_enabled},
                       {"autoRecord", video.auto_record},
                       {"encryptionRequired", video.encryption_required},
                       {"waitingRoomEnabled", video.waiting_room},
                       {"screenSharingEnabled", video.screen_sharing_enabled},
                       {"chatEnabled", video.chat_enabled},
                       {"maxParticipants", video.max_participants},
                       {"recordingRetentionDays", video.recording_retention_days},
                       {"emptyMinutes", video.empty_minutes},
                       {"noShowMinutes", video.no_show_minutes},
                       {"maxSessionMinutes", video.max_session_minutes},
                       {"roomLeadMinutes", video.room_lead_minutes},
                       {"tokenSeconds", video.token_seconds},
                       {"maxKbpsPerSession", video.max_kbps_per_session}});
}

Json to_json(const ComplianceView& compliance) {
  Json agreements = Json::array();
  for (const auto& agreement : compliance.agreements)
    agreements.push_back(agreement_json(agreement));
  Json allowed = Json::array();
  for (const std::string& region : compliance.allowed_regions) allowed.push_back(region);
  return Json::object({{"state", compliance.state()},
                       {"requireAgreement", compliance.require_agreement},
                       {"agreements", std::move(agreements)},
                       {"residency", Json::object({{"allowed", std::move(allowed)},
                                                   {"region", text_or_null(compliance.region)},
                                                   {"state", compliance.residency()}})},
                       {"retention", Json::object({{"recordingDays", compliance.recording_days}})},
                       {"encryption", Json::object({{"media", "DTLS-SRTP"},
                                                    {"records", "AES-256-GCM"},
                                                    {"recordings", "AES-256-GCM"}})}});
}

}  // namespace rabt::consultation

#include <algorithm>

#include "hub/base/plugin_address.hpp"
#include "hub/config/config_reader.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/schema/schema_regex.hpp"
#include "hub/workflow/cron.hpp"

// The sections `video`, `licence`, `consent` and `metering`: what sessions go by
// (hub/consultation/request/settings.hpp), and what a month of them may cost.
namespace rabt::config {

namespace {

constexpr int kDay = 24 * 60;
constexpr int kCentury = 36'525;

void number(Reader& reader, const YamlNode& node, std::string_view key, int low, int high,
            std::int64_t& out) {
  int value = static_cast<int>(out);
  reader.integer(node, key, low, high, value);
  out = value;
}

// A table: one line a key.
void read_video_keys(Reader& reader, const YamlNode& video, consultation::VideoSettings& settings) {
  reader.only(video, {"enabled",
                      "recording_enabled",
                      "auto_record",
                      "encryption_required",
                      "waiting_room",
                      "screen_sharing",
                      "chat",
                      "max_participants",
                      "patient_bookings",
                      "patient_bookings_per_day",
                      "bookings_per_patient",
                      "bookings_per_provider",
                      "open_rooms",
                      "recording_retention_days",
                      "legal_retention_days",
                      "empty_minutes",
                      "no_show_minutes",
                      "max_session_minutes",
                      "room_lead_minutes",
                      "token_seconds",
                      "max_kbps_per_session",
                      "patient_may_read_recordings",
                      "claim_min_seconds",
                      "identity_check",
                      "ice"});
  reader.flag(video, "enabled", settings.enabled);
  reader.flag(video, "recording_enabled", settings.recording_enabled);
  reader.flag(video, "auto_record", settings.auto_record);
  reader.flag(video, "encryption_required", settings.encryption_required);
  reader.flag(video, "waiting_room", settings.waiting_room);
  reader.flag(video, "screen_sharing", settings.screen_sharing_enabled);
  reader.flag(video, "chat", settings.chat_enabled);
  reader.flag(video, "patient_may_read_recordings", settings.patient_may_read_recordings);
  number(reader, video, "max_participants", 2, static_cast<int>(consultation::kMostParticipants),
         settings.max_participants);
  number(reader, video, "patient_bookings", 1, 10'000, settings.patient_bookings);
  number(reader, video, "patient_bookings_per_day", 1, 10'000, settings.patient_bookings_per_day);
  number(reader, video, "bookings_per_patient", 1, 1'000'000, settings.bookings_per_patient);
  number(reader, video, "bookings_per_provider", 1, 1'000'000, settings.bookings_per_provider);
  number(reader, video, "open_rooms", 1, 1'000'000, settings.open_rooms);
  number(reader, video, "recording_retention_days", 1, kCentury, settings.recording_retention_days);
  number(reader, video, "legal_retention_days", 0, kCentury, settings.legal_retention_days);
  number(reader, video, "empty_minutes", 1, kDay, settings.empty_minutes);
  number(reader, video, "no_show_minutes", 1, kDay, settings.no_show_minutes);
  number(reader, video, "max_session_minutes", 5, kDay, settings.max_session_minutes);
  number(reader, video, "room_lead_minutes", 0, kDay, settings.room_lead_minutes);
  number(reader, video, "claim_min_seconds", 0, kDay * 60, settings.claim_min_seconds);
  number(reader, video, "token_seconds", 60, 3'600, settings.token_seconds);
  number(reader, video, "max_kbps_per_session", 0, 1'000'000, settings.max_kbps_per_session);
  using Check = consultation::VideoSettings::IdentityCheck;
  std::string check = "pages";
  reader.choice(video, "identity_check", {"off", "pages", "always"}, check);
  settings.identity_check = check == "off"     ? Check::off
                            : check == "pages" ? Check::pages
                                               : Check::always;
}

bool starts_with_one_of(const std::string& text, std::initializer_list<std::string_view> schemes) {
  return std::any_of(schemes.begin(), schemes.end(),
                     [&](std::string_view scheme) { return text.starts_with(scheme); });
}

void read_ice(Reader& reader, const YamlNode& video, IceEntry& ice) {
  const YamlNode* const node = reader.section(video, "ice");
  if (node == nullptr) return;
  reader.only(*node, {"stun", "turn", "turn_secret"});
  reader.texts(*node, "stun", ice.stun);
  reader.texts(*node, "turn", ice.turn);
  for (const std::string& url : ice.stun) {
    if (!starts_with_one_of(url, {"stun:", "stuns:"}))
      reader.mistake(node->line, node->column, "`stun`: an address begins with stun: or stuns:");
  }
  for (const std::string& url : ice.turn) {
    if (!starts_with_one_of(url, {"turn:", "turns:"}))
      reader.mistake(node->line, node->column, "`turn`: an address begins with turn: or turns:");
  }
  if (const YamlEntry* const secret = node->find("turn_secret"); secret != nullptr) {
    ice.turn_secret = reader.secret(*secret->value);
  } else if (!ice.turn.empty()) {
    reader.mistake(node->line, node->column,
                   "`turn` needs `turn_secret`, the secret that the servers share with the hub");
  }
}

void read_licence(Reader& reader, const YamlNode& licence, consultation::VideoSettings& settings) {
  using Licence = consultation::VideoSettings::Licence;
  reader.only(licence, {"require", "patterns"});
  std::string require = "known";
  reader.choice(licence, "require", {"off", "known", "verified"}, require);
  settings.licence = require == "off"     ? Licence::off
                     : require == "known" ? Licence::known
                                          : Licence::verified;
  const YamlEntry* const patterns = licence.find("patterns");
  if (patterns == nullptr) return;
  // Patterns in the configuration replace the built-in ones.
  settings.licence_patterns.clear();
  reader.texts(licence, "patterns", settings.licence_patterns);
  for (const std::string& pattern : settings.licence_patterns) {
    if (schema::Pattern::compile(pattern).ok()) continue;
    reader.mistake(patterns->line, patterns->column,
                   "`patterns` holds a text that is no regular expression");
  }
}

// Percents of the limit, each from 1 to 1000.
void read_thresholds(Reader& reader, const YamlNode& metering, std::vector<int>& out) {
  const YamlEntry* const entry = metering.find("thresholds");
  if (entry == nullptr) return;
  std::vector<int> thresholds;
  for (const auto& item : entry->value->items) {
    const auto number =
        item->kind == YamlNode::Kind::number ? item->scalar.as_int64() : std::nullopt;
    if (number && *number >= 1 && *number <= 1000) thresholds.push_back(static_cast<int>(*number));
  }
  if (entry->value->kind == YamlNode::Kind::sequence &&
      thresholds.size() == entry->value->items.size()) {
    out = std::move(thresholds);
  } else {
    reader.mistake(entry->line, entry->column, "`thresholds` must list percents from 1 to 1000");
  }
}

void read_metering(Reader& reader, const YamlNode& metering,
                   consultation::MeteringSettings& settings) {
  reader.only(metering, {"free_minutes", "thresholds", "time_zone", "on_limit"});
  number(reader, metering, "free_minutes", 0, 100'000'000, settings.free_minutes);
  reader.text(metering, "time_zone", settings.time_zone);
  if (const YamlEntry* const zone = metering.find("time_zone");
      zone != nullptr && !workflow::is_time_zone(settings.time_zone))
    reader.mistake(zone->line, zone->column, "`time_zone` must be an IANA time zone");
  read_thresholds(reader, metering, settings.thresholds);
  std::string on_limit = "warn";
  reader.choice(metering, "on_limit", {"warn", "refuse"}, on_limit);
  settings.refuse_over_limit = on_limit == "refuse";
}

// Browsers that call each other have nobody who records.
void refuse_recording_without_provider(Reader& reader, const YamlNode& root, const Config& config) {
  const auto bound = config.roles.find("video");
  if (bound == config.roles.end() || bound->second != consultation::kP2p) return;
  const YamlNode* const video = reader.section(root, "video");
  const YamlEntry* const record = video == nullptr ? nullptr : video->find("auto_record");
  if (record == nullptr || !config.video.auto_record) return;
  reader.mistake(record->line, record->column,
                 "`auto_record`: hub://p2p records nothing; bind the role video to a provider that "
                 "does");
}

}  // namespace

void read_video(Reader& reader, const YamlNode& root, Config& config) {
  if (const YamlNode* const video = reader.section(root, "video"); video != nullptr) {
    read_video_keys(reader, *video, config.video);
    read_ice(reader, *video, config.ice);
  }
  if (const YamlNode* const licence = reader.section(root, "licence"); licence != nullptr)
    read_licence(reader, *licence, config.video);
  if (const YamlNode* const consent = reader.section(root, "consent"); consent != nullptr) {
    reader.only(*consent, {"recording_required"});
    reader.flag(*consent, "recording_required", config.video.consent_required_to_record);
  }
  if (const YamlNode* const metering = reader.section(root, "metering"); metering != nullptr)
    read_metering(reader, *metering, config.practice.metering);
  refuse_recording_without_provider(reader, root, config);
  // The provider tells who comes and goes when a source is read by its plugin.
  const auto bound = config.roles.find("video");
  if (bound == config.roles.end()) return;
  config.video.provider_events = std::any_of(
      config.sources.begin(), config.sources.end(),
      [&](const SourceEntry& source) { return plugin_address(source.plugin) == bound->second; });
}

}  // namespace rabt::config

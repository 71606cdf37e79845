#include <gtest/gtest.h>

#include "tests/config/read.hpp"

namespace rabt::config::config_video_test {
namespace {

TEST(ConfigVideo, EveryKeyIsRead) {
  const auto config = read_with(
      "video: {auto_record: true, waiting_room: false, max_participants: 4, empty_minutes: 7, "
      "no_show_minutes: 9, max_session_minutes: 60, room_lead_minutes: 0, token_seconds: 600, "
      "recording_retention_days: 30, legal_retention_days: 40, chat: false, "
      "patient_bookings: 3, patient_bookings_per_day: 5, bookings_per_patient: 6, "
      "bookings_per_provider: 7, open_rooms: 8, identity_check: always}\n"
      "licence: {require: verified, patterns: ['^X-[0-9]+$']}\n"
      "consent: {recording_required: true}\n"
      "metering: {free_minutes: 5, on_limit: refuse, time_zone: UTC}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const consultation::VideoSettings& video = config->video;
  EXPECT_TRUE(video.auto_record);
  EXPECT_FALSE(video.waiting_room);
  EXPECT_FALSE(video.chat_enabled);
  EXPECT_EQ(video.identity_check, consultation::VideoSettings::IdentityCheck::always);
  EXPECT_EQ(video.max_participants, 4);
  EXPECT_EQ(video.patient_bookings, 3);
  EXPECT_EQ(video.patient_bookings_per_day, 5);
  EXPECT_EQ(video.bookings_per_patient, 6);
  EXPECT_EQ(video.bookings_per_provider, 7);
  EXPECT_EQ(video.open_rooms, 8);
  EXPECT_EQ(video.empty_minutes, 7);
  EXPECT_EQ(video.no_show_minutes, 9);
  EXPECT_EQ(video.token_seconds, 600);
  EXPECT_EQ(video.legal_retention_days, 40);
  EXPECT_EQ(video.licence, consultation::VideoSettings::Licence::verified);
  EXPECT_EQ(video.licence_patterns, std::vector<std::string>{"^X-[0-9]+$"});
  EXPECT_TRUE(video.consent_required_to_record);
  EXPECT_FALSE(video.provider_events);
  EXPECT_EQ(config->practice.metering.free_minutes, 5);
  EXPECT_TRUE(config->practice.metering.refuse_over_limit);
}

TEST(ConfigVideo, MistakesAreNamed) {
  for (const auto& [lines, said] : {
           std::pair{"video: {max_participants: 16}\n", "max_participants"},
           std::pair{"video: {token_seconds: 3601}\n", "token_seconds"},
           std::pair{"video: {patient_bookings_per_day: 0}\n", "patient_bookings_per_day"},
           std::pair{"video: {open_rooms: 0}\n", "open_rooms"},
           std::pair{"video: {identity_check: sometimes}\n", "identity_check"},
           std::pair{"licence: {require: perhaps}\n", "require"},
           std::pair{"licence: {patterns: ['(']}\n", "no regular expression"},
           std::pair{"video: {recording: true}\n", "unknown key `recording`"},
       }) {
    const auto config = read_with(lines);
    ASSERT_FALSE(config.ok()) << lines;
    EXPECT_NE(config.error().message.find(said), std::string::npos) << config.error().message;
  }
}

}  // namespace
}  // namespace rabt::config::config_video_test

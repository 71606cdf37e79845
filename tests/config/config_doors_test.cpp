#include <gtest/gtest.h>

#include "tests/config/read.hpp"

// `doors` of the configuration.
namespace rabt::config::config_doors_test {
namespace {

class ConfigDoors : public testing::Test {
 protected:
  static Result<Config> read(const std::string& doors) {
    return read_with("server: {port: 8480, public_url: \"http://127.0.0.1\"}\ndoors: " + doors +
                     "\n");
  }
};

TEST_F(ConfigDoors, ADoorHasItsPortItsZoneAndItsOrigins) {
  const auto config = read(
      "{kiorex: {listen: 3009, rate: 20, cors: ['https://app.example.sa']},\n"
      "  pulseone: {naive_time_zone: Asia/Riyadh}, emr: {enabled: false, naive_time_zone: "
      "'-03:30'}}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const DoorEntry& kiorex = config->doors.at("kiorex");
  EXPECT_EQ(kiorex.listen, 3009);
  EXPECT_EQ(kiorex.rate, 20);
  EXPECT_EQ(kiorex.cors, std::vector<std::string>{"https://app.example.sa"});
  EXPECT_EQ(config->doors.at("pulseone").naive_offset_minutes, 180);
  EXPECT_EQ(config->doors.at("pulseone").listen, std::nullopt);
  EXPECT_FALSE(config->doors.at("emr").enabled);
  EXPECT_EQ(config->doors.at("emr").naive_offset_minutes, -210);
  EXPECT_EQ(config->doors.at("clinicvault").rate, 200) << "what is not named has the defaults";
  EXPECT_EQ(config->doors.count("metrics"), 0U);
}

TEST_F(ConfigDoors, WhatIsWrongIsNamed) {
  for (const auto& [doors, part] :
       {std::pair{"{other: {}}", "other"},
        {"{kiorex: {cors: ['*']}}", "origins"},
        {"{kiorex: {cors: ['https://app.example.sa/']}}", "origins"},
        {"{kiorex: {naive_time_zone: Europe/London}}", "naive_time_zone"},
        {"{kiorex: {naive_time_zone: '+3:00'}}", "naive_time_zone"},
        {"{kiorex: {listen: 70000}}", "listen"},
        {"{clinicvault: {second_factor: never}}", "second_factor"},
        {"{emr: {second_factor: exempt}}", "sign in elsewhere"},
        {"{kiorex: {open: true}}", "open"}}) {
    const auto config = read(doors);
    ASSERT_FALSE(config.ok()) << doors;
    EXPECT_NE(config.error().message.find(part), std::string::npos) << config.error().message;
  }
}

TEST_F(ConfigDoors, ASecondFactorIsAskedForUnlessTheTenantSaysNot) {
  EXPECT_FALSE(read("{clinicvault: {}}")->doors.at("clinicvault").second_factor_exempt);
  EXPECT_FALSE(read("{clinicvault: {second_factor: required}}")
                   ->doors.at("clinicvault")
                   .second_factor_exempt);
  EXPECT_TRUE(
      read("{clinicvault: {second_factor: exempt}}")->doors.at("clinicvault").second_factor_exempt);
}

TEST_F(ConfigDoors, MetricsHaveAPortAndNothingElse) {
  const auto config = read("{metrics: {listen: 9480}}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->doors.at("metrics").listen, 9480);
  EXPECT_NE(read("{metrics: {}}").error().message.find("needs `listen`"), std::string::npos);
  EXPECT_FALSE(read("{metrics: {listen: 9480, cors: [\"https://a.example\"]}}").ok());
}

}  // namespace
}  // namespace rabt::config::config_doors_test

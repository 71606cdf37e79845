#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "hub/cli/config.hpp"

// The keys `privacy`, and syslog servers under `audit.anchors`.
namespace rabt::cli {
namespace {

namespace fs = std::filesystem;

class Privacy : public testing::Test {
 protected:
  Privacy() {
    std::string pattern = (fs::temp_directory_path() / "rabt-privacy-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~Privacy() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Result<Config> load(const std::string& more) {
    std::ofstream(folder_ + "/rabt.yaml")
        << "tenant: t1\ndata: data\nplugins: plugins\nmigrations: m\n"
        << more;
    return load_config(folder_ + "/rabt.yaml");
  }
  std::string folder_;
};

TEST_F(Privacy, a_reason_is_enough_unless_break_glass_is_asked_for) {
  EXPECT_FALSE(load("")->privacy.break_glass);
  EXPECT_FALSE(load("privacy: {patient_data: reason}\n")->privacy.break_glass);
  const auto config = load("privacy: {patient_data: break_glass, purposes: {lab: HRESCH}}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_TRUE(config->privacy.break_glass);
  EXPECT_EQ(config->privacy.purposes.at("lab"), "HRESCH");
}

TEST_F(Privacy, mistakes_are_said_with_their_place) {
  for (const auto& [text, said] :
       {std::pair{"privacy: {patient_data: nobody}\n", ":5:11: `patient_data` must be"},
        std::pair{"privacy: {patient: reason}\n", "did you mean `patient_data`?"},
        std::pair{"privacy: {purposes: {lab: CURIOSITY}}\n", "`CURIOSITY` is no code"},
        std::pair{"audit: {anchors: [{syslog: 'log.example.sa', folder: /x}]}\n",
                  "either `folder` or `syslog`"},
        std::pair{"audit: {anchors: [{required: true}]}\n", "either `folder` or `syslog`"},
        std::pair{"audit: {anchors: [{syslog: 'log.example.sa:x'}]}\n", "`syslog` must be a host"},
        std::pair{"audit: {anchors: [{syslog: 'log.example.sa', cert: a.pem}]}\n",
                  "`cert` and `key` go together"},
        std::pair{"audit: {anchors: [{folder: /x, ca: a.pem}]}\n", "`ca` goes with `syslog`"}}) {
    const auto config = load(text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_NE(config.error().message.find(said), std::string::npos) << config.error().message;
  }
}

TEST_F(Privacy, a_syslog_server_has_host_port_and_files) {
  const auto config = load(
      "audit:\n  anchors:\n    - {syslog: log.example.sa, ca: ca.pem, required: true}\n"
      "    - {syslog: '10.0.0.7:7000', cert: c.pem, key: /k.pem, high_water: 5}\n"
      "    - {syslog: '[2001:db8::1]:443'}\n    - {syslog: '[2001:db8::1]'}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const auto& anchors = config->audit.anchors;
  ASSERT_EQ(anchors.size(), 4U);
  EXPECT_EQ(anchors[0].host, "log.example.sa");
  EXPECT_EQ(anchors[0].port, 6514);
  EXPECT_EQ(anchors[0].tls.ca_file, folder_ + "/ca.pem");
  EXPECT_TRUE(anchors[0].required);
  EXPECT_EQ(anchors[1].port, 7000);
  EXPECT_EQ(anchors[1].tls.client_key_file, "/k.pem");
  EXPECT_EQ(anchors[1].high_water, 5);
  EXPECT_EQ(anchors[2].host, "2001:db8::1");
  EXPECT_EQ(anchors[2].port, 443);
  EXPECT_EQ(anchors[3].port, 6514);
}

}  // namespace
}  // namespace rabt::cli

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "hub/config/config.hpp"

// The keys `privacy`, and syslog servers under `audit.anchors`.
namespace rabt::config::config_privacy_test {
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

TEST_F(Privacy, AReasonIsEnoughUnlessBreakGlassIsAskedFor) {
  EXPECT_FALSE(load("")->privacy.break_glass);
  EXPECT_FALSE(load("privacy: {patient_data: reason}\n")->privacy.break_glass);
  const auto config = load("privacy: {patient_data: break_glass, purposes: {lab: HRESCH}}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_TRUE(config->privacy.break_glass);
  EXPECT_EQ(config->privacy.purposes.at("lab"), "HRESCH");
}

TEST_F(Privacy, AHostForPatientDataIsOneThatMayBeReached) {
  EXPECT_TRUE(load("http: {allow: [a.example]}\n")->http.patient_data.empty());
  const auto config =
      load("http: {allow: [a.example, '*.b.example'], patient_data: ['*.b.example']}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->http.patient_data, std::vector<std::string>{"*.b.example"});
}

TEST_F(Privacy, MistakesAreSaidWithTheirPlace) {
  for (const auto& [text, said] :
       {std::pair{"privacy: {patient_data: nobody}\n", ":5:11: `patient_data` must be"},
        std::pair{"http: {allow: [a.example], patient_data: [b.example]}\n",
                  ":5:1: `http.patient_data`: `b.example` is no entry of `http.allow` or "
                  "`http.webhooks`"},
        std::pair{"privacy: {patients_data: reason}\n", "did you mean `patient_data`?"},
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

TEST_F(Privacy, RulesOfChannelsReplaceTheBuiltInLists) {
  const auto config = load(
      "privacy:\n  mrn_patterns: ['KF-\\d{6}']\n  channels:\n    notify: {action: mask, allow: "
      "{to: "
      "[phone], note: []}}\n    log: {action: block}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const auto& notify = config->privacy.channels.of(phi::Channel::notify);
  EXPECT_EQ(notify.action, phi::Action::mask);
  EXPECT_EQ(notify.allow.size(), 2U);
  EXPECT_EQ(notify.allow.at("to"), std::set<phi::Class>{phi::Class::phone});
  EXPECT_FALSE(notify.allow.contains("text"));
  EXPECT_EQ(config->privacy.channels.of(phi::Channel::log).action, phi::Action::block);
  EXPECT_TRUE(config->privacy.channels.of(phi::Channel::log).allow.contains("ms"));
  EXPECT_EQ(config->privacy.channels.of(phi::Channel::event).action, phi::Action::block);
  EXPECT_EQ(config->privacy.detector.mrn_patterns, std::vector<std::string>{"KF-\\d{6}"});
  for (const auto& [text, said] :
       {std::pair{"privacy: {channels: {sms: {}}}\n", "unknown key `sms`"},
        std::pair{"privacy: {channels: {log: {action: drop}}}\n", "`action` must be mask or block"},
        std::pair{"privacy: {channels: {log: {allow: {x: [person]}}}}\n", "unknown class"},
        std::pair{"privacy: {channels: {error: {allow: {x: []}}}}\n", "unknown key `allow`"},
        std::pair{"privacy: {mrn_patterns: ['(']}\n", "`mrn_patterns`"}}) {
    const auto wrong = load(text);
    ASSERT_FALSE(wrong.ok()) << text;
    EXPECT_NE(wrong.error().message.find(said), std::string::npos) << wrong.error().message;
  }
}

TEST_F(Privacy, ASyslogServerHasHostPortAndFiles) {
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

TEST_F(Privacy, APathAloneAmongTheAnchorsIsAFolder) {
  const auto config = load("audit: {anchors: [/mnt/worm/audit, beside]}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const auto& anchors = config->audit.anchors;
  ASSERT_EQ(anchors.size(), 2U);
  EXPECT_EQ(anchors[0].folder, "/mnt/worm/audit");
  EXPECT_EQ(anchors[1].folder, folder_ + "/beside");
  EXPECT_FALSE(anchors[0].required);
}

}  // namespace
}  // namespace rabt::config::config_privacy_test

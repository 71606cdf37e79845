#include <gtest/gtest.h>

#include "tests/config/read.hpp"

// `webhooks`, `http.webhooks`, `video.ice`, and the name that no source may have.
namespace rabt::config::config_webhooks_test {
namespace {

TEST(ConfigWebhooks, AWebhookWantsEverythingUnlessItSaysWhat) {
  const auto config = read_with(
      "webhooks:\n"
      "  - {name: his, url: 'https://his.example.sa/in', secrets: [{env: A}, {env: B}]}\n"
      "  - {name: bi, url: 'https://bi.example.sa/', events: [session.*], types: "
      "[family_consultation],\n"
      "     clinics: ['7'], secrets: [{env: C}]}\n"
      "http: {webhooks: ['*.example.sa']}\n"
      "video: {ice: {stun: ['stun:a'], turn: ['turns:b'], turn_secret: {env: T}}}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  ASSERT_EQ(config->webhooks.size(), 2U);
  EXPECT_EQ(config->webhooks[0].events, std::vector<std::string>{"*"});
  EXPECT_EQ(config->webhooks[0].secrets.size(), 2U);
  EXPECT_EQ(config->webhooks[1].events, std::vector<std::string>{"session.*"});
  EXPECT_EQ(config->webhooks[1].clinics, std::vector<std::string>{"7"});
  EXPECT_EQ(config->http.webhooks, std::vector<std::string>{"*.example.sa"});
  EXPECT_EQ(config->ice.turn, std::vector<std::string>{"turns:b"});
  EXPECT_EQ(config->ice.turn_secret.env, "T");
}

TEST(ConfigWebhooks, WhatIsWrongIsNamed) {
  const std::string good = "- {name: a, url: 'https://a.example/', secrets: [{env: A}]}\n";
  for (const auto& [text, part] :
       {std::pair<std::string, std::string>{"webhooks: {}\n", "must be a list"},
        {"webhooks:\n" + good + good, "two webhooks called `a`"},
        {"webhooks: [{name: a, url: 'ftp://a/', secrets: [{env: A}]}]\n", "webhook `a`"},
        {"webhooks: [{name: a, url: 'https://a/'}]\n", "needs `secrets`"},
        {"webhooks: [{name: a, url: 'https://a/', events: [Session], secrets: [{env: A}]}]\n",
         "pattern"},
        {"webhooks: [{name: a, url: 'https://a/', clinics: [west], secrets: [{env: A}]}]\n",
         "by id, UUID or number"},
        {"http: {webhooks: ['a/b']}\n", "`http.webhooks`"},
        {"video: {ice: {turn: ['turn:a']}}\n", "turn_secret"},
        {"video: {ice: {stun: ['http://a']}}\n", "stun:"},
        {"plugin: {p: {}}\n"
         "sources: {hub: {scheme: static-token, secrets: [{env: A}], plugin: p}}\n",
         "cannot be called `hub`"}}) {
    const auto config = read_with(text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_NE(config.error().message.find(part), std::string::npos) << config.error().message;
  }
}

}  // namespace
}  // namespace rabt::config::config_webhooks_test

#include <gtest/gtest.h>

#include "tests/config/read.hpp"

// `bus`: RabbitMQ.
namespace rabt::config::config_bus_test {
namespace {

TEST(ConfigBus, LittleIsNeeded) {
  const auto config =
      read_with("bus: {hosts: [mq.example.sa], user: rabt, password: {env: PASSWORD}}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  ASSERT_TRUE(config->bus);
  EXPECT_EQ(config->bus->vhost, "/");
  EXPECT_EQ(config->bus->exchange, "pulseone.events");
  EXPECT_EQ(config->bus->password.env, "PASSWORD");
  EXPECT_TRUE(config->bus->tls);
  EXPECT_EQ(config->bus->keys, webhooks::default_routes());
  EXPECT_FALSE(read_with("")->bus);
}

TEST(ConfigBus, HostsHaveAmqpsPortsUnlessTheyNameOne) {
  const auto at = [](const std::string& text, bool tls) {
    const auto host = read_broker_host(text, tls);
    return host.ok() ? host->name + " " + std::to_string(host->port) : "refused";
  };
  EXPECT_EQ(at("mq.example.sa", true), "mq.example.sa 5671");
  EXPECT_EQ(at("mq.example.sa", false), "mq.example.sa 5672");
  EXPECT_EQ(at("mq.example.sa:443", true), "mq.example.sa 443");
  EXPECT_EQ(at("[::1]", false), "::1 5672");
  EXPECT_EQ(at("[::1]:5673", false), "::1 5673");
  for (const char* text : {"", "a b", "amqp://a", "u@a", "a/v", "a:x", "a:70000", "a?b", "a#b"})
    EXPECT_EQ(at(text, true), "refused") << text;
}

TEST(ConfigBus, KeysTakeThePlaceOfTheUsualOnes) {
  const auto config = read_with(
      "bus:\n"
      "  hosts: [\"127.0.0.1:5672\"]\n"
      "  tls: false\n"
      "  user: rabt\n"
      "  password: {file: secret}\n"
      "  keys:\n"
      "    - {event: session.completed, key: done.booked, appointment: true}\n"
      "    - {event: 'session.*', key: other}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const std::vector<webhooks::Route> wanted{{"session.completed", "done.booked", true},
                                            {"session.*", "other", false}};
  EXPECT_EQ(config->bus->keys, wanted);
}

TEST(ConfigBus, WhatIsWrongIsNamedWithWhatToDo) {
  const auto bus = [](const std::string& more) {
    return "bus: {hosts: [mq.example.sa], user: rabt, password: {env: A}, " + more + "}\n";
  };
  for (const auto& [text, part] :
       {std::pair<std::string, std::string>{"bus: []\n", "bus"},
        {"bus: {user: u, password: {env: A}}\n", "needs `hosts`"},
        {"bus: {hosts: [a], password: {env: A}}\n", "user"},
        {"bus: {hosts: [a], user: u}\n", "needs `password`"},
        {"bus: {hosts: ['amqp://a'], user: u, password: {env: A}}\n", "no host:port"},
        {bus("tls: false"), "http.allow_private"},
        {bus("exchange: amq.topic"), "bus.exchange"},
        {bus("tls_cert: a.pem"), "bus.tls_key"},
        {bus("heartbeat: 0"), "heartbeat"},
        {bus("keys: []"), "between one and"},
        {bus("keys: [{event: session.created, key: 'a.#'}]"), "`key` is words"},
        {bus("keys: [{event: Session, key: a}]"), "`event` is the name"},
        {bus("url: a"), "url"},
        {bus("vhost: a") +
             "webhooks: [{name: rabbitmq, url: 'https://a.example/', secrets: [{env: A}]}]\n",
         "another name"}}) {
    const auto config = read_with(text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_NE(config.error().message.find(part), std::string::npos) << config.error().message;
  }
  EXPECT_TRUE(read_with(bus("tls: false") + "http: {allow_private: true}\n").ok());
}

}  // namespace
}  // namespace rabt::config::config_bus_test

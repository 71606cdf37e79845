#include <gtest/gtest.h>

#include "tests/config/read.hpp"

// `store`: PostgreSQL.
namespace rabt::config::config_store_test {
namespace {

TEST(ConfigStore, IsTheDataFolderUnlessAServerIsNamed) {
  EXPECT_FALSE(read_with("")->postgres);
  const auto config = read_with(
      "store:\n"
      "  postgres: {host: db.example.sa, database: rabt, user: rabt_run, password: {env: PW}}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  ASSERT_TRUE(config->postgres);
  EXPECT_EQ(config->postgres->host, "db.example.sa");
  EXPECT_EQ(config->postgres->port, 5432);
  EXPECT_EQ(config->postgres->database, "rabt");
  EXPECT_EQ(config->postgres->user, "rabt_run");
  EXPECT_EQ(config->postgres->password.env, "PW");
  EXPECT_EQ(config->postgres->sslmode, "");
  EXPECT_EQ(config->postgres->owner, "");
}

TEST(ConfigStore, HasTwoRoles) {
  const auto config = read_with(
      "store:\n"
      "  postgres:\n"
      "    host: 127.0.0.1\n"
      "    port: 5433\n"
      "    database: rabt\n"
      "    user: rabt_run\n"
      "    owner: {user: rabt_owner, password: {env: OWNER}}\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->postgres->owner, "rabt_owner");
  EXPECT_EQ(config->postgres->owner_password.env, "OWNER");
}

TEST(ConfigStore, WhatIsWrongIsNamedWithWhatToDo) {
  const auto postgres = [](const std::string& more) {
    return "store: {postgres: {host: db.example, database: d, user: u, password: {env: A}, " +
           more + "}}\n";
  };
  for (const auto& [text, part] :
       {std::pair<std::string, std::string>{"store: {}\n", "needs `postgres`"},
        {"store: {sqlite: {}}\n", "sqlite"},
        {"store: {postgres: {database: d, user: u, password: {env: A}}}\n", "host"},
        {"store: {postgres: {host: h, user: u, password: {env: A}}}\n", "database"},
        {"store: {postgres: {host: h, database: d, password: {env: A}}}\n", "user"},
        {"store: {postgres: {host: h, database: d, user: u}}\n", "needs `password`"},
        {"store: {postgres: {host: 'postgres://h/d', database: d, user: u}}\n", "must be a host"},
        {postgres("sslmode: disable"), "in the clear"},
        {postgres("sslmode: prefer"), "in the clear"},
        {postgres("sslmode: on"), "sslmode"},
        {postgres("port: 70000"), "port"},
        {postgres("owner: {password: {env: B}}"), "user"},
        {postgres("url: a"), "url"},
        {postgres("password: secret"), "password"}}) {
    const auto config = read_with(text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_NE(config.error().message.find(part), std::string::npos) << config.error().message;
  }
}

TEST(ConfigStore, TheMigrationsAreThoseOfTheEngine) {
  const auto at = [](const std::string& folder, const std::string& store) {
    std::string dir = (std::filesystem::temp_directory_path() / "rabt-config-XXXXXX").string();
    EXPECT_NE(::mkdtemp(dir.data()), nullptr);
    std::ofstream(dir + "/rabt.yaml")
        << "tenant: t1\ndata: data\nplugins: plugins\nmigrations: migrations/" << folder << "\n"
        << store;
    auto config = load_config(dir + "/rabt.yaml");
    std::filesystem::remove_all(dir);
    return config.ok() ? std::string() : config.error().message;
  };
  const std::string postgres = "store: {postgres: {host: localhost, database: d, user: u}}\n";
  EXPECT_EQ(at("sqlite", ""), "");
  EXPECT_EQ(at("postgres", postgres), "");
  EXPECT_NE(at("sqlite", postgres).find("`postgres` beside it"), std::string::npos);
  EXPECT_NE(at("postgres", "").find("`sqlite` beside it"), std::string::npos);
}

}  // namespace
}  // namespace rabt::config::config_store_test

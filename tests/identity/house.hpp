#pragma once

#include <memory>
#include <string>

#include "hub/identity/accounts.hpp"
#include "hub/identity/clients.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/identity/profile.hpp"
#include "tests/keys/support.hpp"
#include "tests/store_under_test.hpp"

// People over a real store, keyring and audit log.
namespace rabt::identity::test {

using keys::test::must;

class House {
 public:
  House()
      : base(folder_.path, database_),
        people({*base.store, *base.keys, *base.audit, base.clock, base.random, base.ids}),
        // The least that argon2 takes: tests do not prove its strength.
        accounts({people, *base.store, *base.keys, *base.keyring, *base.audit, base.clock,
                  base.random, base.ids},
                 "t1",
                 {.memory_kib = 64,
                  .time = 1,
                  .passkey_host = "hub.example",
                  .passkey_origins = {"https://hub.example"}}),
        clients({*base.store, *base.keyring, *base.audit, base.clock, base.random}, "t1",
                "https://hub.example/auth/token") {}

  [[nodiscard]] Caller administrator() const {
    return {.who = {.kind = Kind::client,
                    .tenant = "t1",
                    .id = "test",
                    .roles = {Role::admin},
                    .person = {},
                    .credential = {},
                    .session = {}},
            .client = "127.0.0.1",
            .request = "r1",
            .reason = {},
            .purpose = {}};
  }
  Person person(Roles roles, Json profile = Json::object()) {
    NewPerson wanted;
    wanted.roles = roles;
    wanted.profile = must(check_profile(profile));
    return must(people.create(administrator(), wanted));
  }

 private:
  // Removed when the store in it is closed.
  struct Folder {
    Folder() = default;
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
    const std::string path = keys::test::make_folder();
  };
  const Folder folder_;
  const rabt::test::StoreUnderTest database_;

 public:
  keys::test::House base;
  People people;
  Accounts accounts;
  Clients clients;
};

}  // namespace rabt::identity::test

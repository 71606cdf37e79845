#include "hub/identity/principal.hpp"
#include "hub/identity/people.hpp"

#include <gtest/gtest.h>

namespace rabt::identity::principal_test {
namespace {

TEST(Principal, NamesItselfForTheAuditLog) {
  EXPECT_EQ(Principal{}.actor(), "anonymous");
  Principal person{.kind = Kind::person, .id = "01JD7Q3W5Z8XK4M2N6P9R1T3V5"};
  EXPECT_EQ(person.actor(), "person:01JD7Q3W5Z8XK4M2N6P9R1T3V5");
  Principal source{.kind = Kind::source, .id = "his"};
  EXPECT_EQ(source.actor(), "source:his");
}

TEST(Roles, AreASet) {
  const Roles roles{Role::doctor, Role::auditor};
  EXPECT_TRUE(roles.has(Role::doctor));
  EXPECT_FALSE(roles.has(Role::admin));
  EXPECT_TRUE(roles.has_any({Role::admin, Role::auditor}));
  EXPECT_EQ(roles.among({Role::doctor, Role::nurse}), Roles{Role::doctor});
  EXPECT_TRUE(Roles{}.empty());
}

TEST(PersonIds, AreTheSameBitsAsUlidAndAsUuid) {
  const std::string ulid = "01JD7Q3W5Z8XK4M2N6P9R1T3V5";
  const std::string uuid = uuid_of(ulid);
  EXPECT_EQ(uuid.size(), 36U);
  EXPECT_EQ(ulid_of(uuid), ulid);
  EXPECT_EQ(ulid_of(ulid), ulid);
  EXPECT_EQ(ulid_of("not an id"), std::nullopt);
  EXPECT_EQ(ulid_of("01932f71-f0bf-4747-a255-36b27085e8xx"), std::nullopt);
  EXPECT_EQ(uuid_of("01932f71"), "");
}

}  // namespace
}  // namespace rabt::identity::principal_test

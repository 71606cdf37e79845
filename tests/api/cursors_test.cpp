#include "hub/api/cursors.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/api/rig.hpp"

// Cursors are good for whom they were made, for the list that they were made for, and for a day.
namespace rabt::api::cursors_test {
namespace {

class CursorsTest : public testing::Test {
 protected:
  ApiRig rig_;
  const Cursors cursors_{rig_.hub.keys(), rig_.hub.clock()};
  const identity::Principal one_{.kind = identity::Kind::person, .tenant = "t1", .id = "01A"};
  const identity::Principal other_{.kind = identity::Kind::person, .tenant = "t1", .id = "01B"};
};

TEST_F(CursorsTest, ACursorNamesItsPlaceAndDoesNotShowIt) {
  const std::string cursor = must(cursors_.seal(one_, "list", "01K.7"));
  EXPECT_EQ(must(cursors_.open(one_, "list", cursor)), "01K.7");
  EXPECT_EQ(must(cursors_.open(one_, "list", "")), "");
}

TEST_F(CursorsTest, Trap64ACursorThatWasEditedOrIsSomebodyElsesIsRefused) {
  const std::string cursor = must(cursors_.seal(one_, "list", "01K"));
  EXPECT_EQ(cursors_.open(other_, "list", cursor).error().code, "cursor.invalid");
  EXPECT_EQ(cursors_.open(one_, "other list", cursor).error().code, "cursor.invalid");
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    std::string edited = cursor;
    edited[i] = edited[i] == '0' ? '1' : '0';
    EXPECT_FALSE(cursors_.open(one_, "list", edited).ok()) << i;
  }
  for (const std::string& wrong :
       {std::string("01ARZ3NDEKTSV4RRFFQ69G5FAV"), std::string("7"), cursor.substr(2),
        cursor + "00", std::string(5000, 'a'), std::string("00")})
    EXPECT_EQ(cursors_.open(one_, "list", wrong).error().code, "cursor.invalid") << wrong;
}

TEST_F(CursorsTest, TheOrderOfFiltersAndTheLimitDoNotMatter) {
  const auto list = [](const char* target) { return list_of("/x", request("GET", target)); };
  EXPECT_EQ(list("/x?a=1&b=2&limit=5"), list("/x?b=2&a=1&cursor=k"));
  EXPECT_NE(list("/x?a=1"), list("/x?a=2"));
  EXPECT_NE(list("/x?a=1"), list("/y?a=1"));
}

TEST_F(CursorsTest, Trap64UsersComeInPagesAndNobodyTwice) {
  for (int i = 0; i < 5; ++i) {
    const std::string body = R"({"roles":["nurse"],"username":"user)" + std::to_string(i) + "\"}";
    ASSERT_EQ(rig_.api("POST", "users", body).status, 201);
  }
  std::set<std::string> seen;
  std::string next = "users?limit=2";
  int pages = 0;
  while (!next.empty() && pages < 9) {
    const auto page = rig_.api("GET", next);
    ASSERT_EQ(page.status, 200) << page.body;
    const Json body = json(page);
    for (const Json& item : body["items"].as_array())
      EXPECT_TRUE(seen.insert(item.string_or("id", "")).second);
    const std::string path = body.string_or("next", "");
    next = path.empty() ? "" : path.substr(std::string("/api/v1/").size());
    ++pages;
  }
  EXPECT_EQ(seen.size(), 5U);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(code(rig_.api("GET", "users?cursor=2")), "cursor.invalid");
  EXPECT_EQ(rig_.api("GET", "users?limit=201").status, 422);
}

}  // namespace
}  // namespace rabt::api::cursors_test

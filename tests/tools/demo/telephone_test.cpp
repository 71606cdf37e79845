#include "tools/demo/telephone.hpp"

#include <gtest/gtest.h>

namespace rabt::demo::telephone_test {
namespace {

const std::string kText = "Clinic: your visit is on 2026-11-30, 11:04 (Saudi time). To enter: ";

Json sent() {
  return Json::object(
      {{"messages", Json::array({Json::object({{"recipient", "966500000001"}, {"text", "other"}}),
                                 Json::object({{"recipient", "966500000002"}, {"text", kText}}),
                                 Json::object({{"recipient", "966500000002"}, {"text", "b"}})})}});
}

TEST(DemoTelephone, ATelephoneHasItsOwnTextsAlone) {
  EXPECT_EQ(texts_to(sent(), "+966500000002"), (std::vector<std::string>{kText, "b"}));
  EXPECT_TRUE(texts_to(sent(), "+966500000003").empty());
  EXPECT_TRUE(texts_to(Json::object(), "+966500000002").empty());
}

TEST(DemoTelephone, ATextTellsATimeByItsDayAndItsMinute) {
  EXPECT_EQ(text_that_tells({"b", kText}, "2026-11-30T11:04:10+03:00"), kText);
  EXPECT_EQ(text_that_tells({"b", kText}, "2026-11-30T10:39:10+03:00"), "");
  EXPECT_EQ(text_that_tells({"b", kText}, "2026-12-01T11:04:10+03:00"), "");
}

TEST(DemoTelephone, ALinkIsFoundAndItsCodeIsShownToNobody) {
  const std::string link = "http://127.0.0.1:8480/i#rcjfy34kq4twb7qydkacjfiybu";
  for (const char* after : {"", " bye", "\nbye"}) {
    EXPECT_EQ(link_in(kText + link + after), link);
    EXPECT_EQ(without_code(kText + link + after), kText + "http://127.0.0.1:8480/i#..." + after);
  }
  EXPECT_EQ(link_in(kText), "");
  EXPECT_EQ(without_code(kText), kText);
}

}  // namespace
}  // namespace rabt::demo::telephone_test

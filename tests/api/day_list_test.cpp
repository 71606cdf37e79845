#include <gtest/gtest.h>

#include <set>
#include <string>

#include "hub/base/riyadh.hpp"
#include "tests/api/rig.hpp"

// The list of a day, as JSON by page, as a page to print and as a table.
namespace rabt::api::day_list_test {
namespace {

using http::Response;

class DayListTest : public testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  static Headers reason() { return {{"x-rabt-reason", "paper for a day without the hub"}}; }
  void SetUp() override {
    const std::int64_t tomorrow = api_.hub.clock().now().ms + 24LL * 3'600'000;
    day_ = to_iso8601({tomorrow + kRiyadhMs}).substr(0, 10);
    const Json patient = made("patients", {{"name", "Noura"}, {"phone", "+966551234567"}});
    const Json doctor = made("providers", {{"name", "Dr. Ahmad"}});
    for (const char* clock : {"00:00", "09:00", "23:59"}) {
      made("sessions", {{"type", "doctor_patient"},
                        {"provider", doctor["id"]},
                        {"patient", patient["id"]},
                        {"scheduledStart", day_ + "T" + clock + ":00+03:00"}});
    }
  }
  Json made(const std::string& path,
            std::initializer_list<std::pair<std::string_view, Json>> members) {
    const Response answer = api_.api("POST", path, Json::object(members).dump());
    EXPECT_EQ(answer.status, 201) << answer.body;
    return json(answer);
  }
  Response list(const std::string& query = {}, const std::string& accept = {}) {
    Headers headers = reason();
    if (!accept.empty()) headers.emplace_back("accept", accept);
    return api_.api("GET", "day-list?date=" + day_ + query, {}, headers);
  }

  ApiRig api_;
  std::string day_;
};

TEST_F(DayListTest, ThePagesOfTheListFollowEachOther) {
  std::set<std::string> found;
  Response answer = list("&limit=2");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json first = json(answer);
  for (const Json& node : first["items"].as_array()) found.insert(node.string_or("session", ""));
  EXPECT_EQ(found.size(), 2U);
  EXPECT_EQ(first["visits"], first["items"]) << "its older name";
  const std::string next = json(answer).string_or("next", "");
  ASSERT_TRUE(next.starts_with("/api/v1/day-list?date=" + day_ + "&limit=2&cursor=")) << next;
  answer = api_.api("GET", next.substr(std::string("/api/v1/").size()), {}, reason());
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json(answer)["more"], Json(false));
  EXPECT_EQ(json(answer).find("next"), nullptr);
  const Json second = json(answer);
  for (const Json& item : second["items"].as_array()) found.insert(item.string_or("session", ""));
  EXPECT_EQ(found.size(), 3U);
  EXPECT_EQ(json(list())["visits"].size(), 3U) << "one page where no limit is asked for";
}

TEST_F(DayListTest, FormatOrAcceptChooseWhatItIs) {
  EXPECT_EQ(header(list(), "Content-Type"), "application/json");
  EXPECT_EQ(header(list("", "*/*"), "Content-Type"), "application/json");
  EXPECT_EQ(header(list("", "text/html,application/xhtml+xml,*/*;q=0.8"), "Content-Type"),
            "text/html; charset=utf-8");
  EXPECT_EQ(header(list("", "text/html;q=0.5, text/csv"), "Content-Type"),
            "text/csv; charset=utf-8");
  EXPECT_EQ(header(list("&format=json", "text/csv"), "Content-Type"), "application/json");
  EXPECT_EQ(wrong_member(list("&format=xml")), "format");
  EXPECT_EQ(wrong_member(list("&format=html&lang=fr")), "lang");
  EXPECT_EQ(wrong_member(list("&limit=0")), "limit");
}

TEST_F(DayListTest, APaperIsNotKeptAndNamesNobodyInItsHead) {
  const Response page = list("&format=html&lang=ar");
  ASSERT_EQ(page.status, 200) << page.body;
  EXPECT_EQ(header(page, "Content-Disposition"), "inline; filename=\"visits-" + day_ + ".html\"");
  EXPECT_EQ(header(page, "Cache-Control"), "no-store");
  EXPECT_TRUE(header(page, "Content-Security-Policy").starts_with("default-src 'none'; "));
  EXPECT_NE(page.body.find("<html lang=\"ar\" dir=\"rtl\">"), std::string::npos);
  EXPECT_NE(page.body.find("+966551234567"), std::string::npos);
  for (const char* elsewhere : {"<script", "src=", "href=", "url(", "@import"})
    EXPECT_EQ(page.body.find(elsewhere), std::string::npos) << elsewhere;
  const Response table = list("&format=csv&lang=en");
  ASSERT_EQ(table.status, 200) << table.body;
  EXPECT_EQ(header(table, "Content-Disposition"),
            "attachment; filename=\"visits-" + day_ + ".csv\"");
  EXPECT_EQ(header(table, "Cache-Control"), "no-store");
  EXPECT_NE(table.body.find("\"23:59\""), std::string::npos) << table.body;
}

TEST_F(DayListTest, APaperNeedsAReasonToo) {
  for (const char* format : {"json", "html", "csv"}) {
    const Response answer =
        api_.api("GET", "day-list?date=" + day_ + "&format=" + std::string(format));
    EXPECT_EQ(code(answer), "phi.reason") << format;
  }
}

}  // namespace
}  // namespace rabt::api::day_list_test

#include "tests/consultation/session_house.hpp"

// Who the patient is, before the visit begins.
namespace rabt::consultation {
namespace {

class Identification : public SessionHouse {
 protected:
  static Json two() { return Json::object({{"identifiers", Json::array({"name", "birth_date"})}}); }
  Ask on_page(const std::string& person, const std::string& session, Json body = Json::object()) {
    Ask ask = as(person, session, std::move(body));
    ask.caller.page = true;
    return ask;
  }
};

TEST_F(Identification, IsKeptAndAuditedWithoutValues) {
  const std::string id = id_of(made());
  EXPECT_EQ(code(sessions_->life.start(on_page(doctor_, id))), "identity.unconfirmed");
  const Json after = must(sessions_->people.confirm_identity(on_page(doctor_, id, two())));
  EXPECT_EQ(after["status"], Json("scheduled"));
  EXPECT_EQ(after["identification"]["by"], Json(doctor_));
  EXPECT_EQ(after["identification"]["identifiers"].dump(), R"(["name","birth_date"])");
  close();
  open();
  EXPECT_EQ(seen(id)["identification"].dump(), after["identification"].dump());
  EXPECT_EQ(must(sessions_->life.start(on_page(doctor_, id)))["status"], Json("active"));
  ASSERT_TRUE(eventually([&] { return told("identity-confirmed").size() == 1; }));
}

TEST_F(Identification, TakesTwoDifferentOnesOfFour) {
  const std::string id = id_of(made());
  for (const char* const wrong :
       {R"({})", R"({"identifiers":[]})", R"({"identifiers":["name"]})",
        R"({"identifiers":["name","name"]})", R"({"identifiers":["name","shoe_size"]})",
        R"({"identifiers":["name","birth_date","record_number"]})", R"({"identifiers":"name"})",
        R"({"identifiers":["name","birth_date"],"value":"1990-03-02"})"})
    EXPECT_EQ(code(sessions_->people.confirm_identity(as(doctor_, id, must(Json::parse(wrong))))),
              "api.invalid")
        << wrong;
  EXPECT_EQ(code(sessions_->people.confirm_identity(as(doctor2_, id, two()))), "session.unknown");
  EXPECT_NE(code(sessions_->people.confirm_identity(as(patient_, id, two()))), "ok");
}

}  // namespace
}  // namespace rabt::consultation

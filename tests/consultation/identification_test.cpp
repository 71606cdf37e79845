#include "tests/consultation/session_house.hpp"

// Identification of the patient before the visit, and the queue that a waiting person sees.
namespace rabt::consultation::identification_test {
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
  EXPECT_EQ(code(sessions_->people.confirm_identity(as(doctor2_, id, two()))),
            "authorisation.denied");
  EXPECT_NE(code(sessions_->people.confirm_identity(as(patient_, id, two()))), "ok");
}

TEST_F(Identification, WhoWaitsLearnsHowManyVisitsComeFirst) {
  const auto visit = [&](const std::string& patient) {
    return id_of(must(sessions_->creation.create(
        as(doctor_, {}, Json::object({{"type", "doctor_patient"}, {"patient", patient}})))));
  };
  const std::string first = visit(patient_);
  clock_.advance_ms(1000);
  const std::string second = visit(patient2_);
  EXPECT_TRUE(must(sessions_->reading.get(as(patient2_, second)))["ahead"].is_null());
  must(sessions_->entry.join(as(patient2_, second)));
  const auto ahead = [&] { return must(sessions_->reading.get(as(patient2_, second)))["ahead"]; };
  EXPECT_EQ(ahead(), Json(0));
  must(sessions_->entry.join(as(patient_, first)));
  EXPECT_EQ(ahead(), Json(1));
  EXPECT_EQ(must(sessions_->reading.get(as(patient_, first)))["ahead"], Json(0));
  must(sessions_->life.start(as(doctor_, first)));
  EXPECT_EQ(ahead(), Json(1));
  must(sessions_->life.end(as(doctor_, first)));
  EXPECT_EQ(ahead(), Json(0));
  // The doctor needs no place in the queue.
  EXPECT_TRUE(seen(second)["ahead"].is_null());
}

}  // namespace
}  // namespace rabt::consultation::identification_test

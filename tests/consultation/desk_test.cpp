#include "tests/consultation/service_house.hpp"

// The front desk: books, moves and calls off visits, and sees nothing clinical.
namespace rabt::consultation::desk_test {
namespace {

class Desk : public ServiceHouse {
 protected:
  void SetUp() override {
    ServiceHouse::SetUp();
    desk_ = somebody({identity::Role::desk}, {{"name", "Sara"}});
  }
  // A visit that the desk has booked.
  std::string booked() {
    const Json item =
        must(sessions_->creation.create(as(desk_, {},
                                           Json::object({{"type", "doctor_patient"},
                                                         {"provider", doctor_},
                                                         {"patient", patient_},
                                                         {"scheduledStart", "2027-03-10T06:00:00Z"},
                                                         {"chiefComplaint", "cough"}}))));
    EXPECT_EQ(item.find("chiefComplaint"), nullptr) << "what it wrote it does not read";
    return id_of(item);
  }
  Json members(std::initializer_list<std::pair<std::string_view, Json>> of) {
    return Json::object(of);
  }

  std::string desk_;
};

TEST_F(Desk, ItBooksMovesAssignsAndCallsOffAVisit) {
  const std::string id = booked();
  const Json moved = must(sessions_->life.change(as(
      desk_, id, members({{"scheduledStart", "2027-03-11T06:00:00Z"}, {"plannedMinutes", 20}}))));
  EXPECT_EQ(moved.string_or("scheduledStart", ""), "2027-03-11T06:00:00.000Z");
  EXPECT_EQ(moved.int_or("plannedMinutes", 0), 20);
  EXPECT_EQ(code(sessions_->life.assign(as(desk_, id, members({{"provider", doctor2_}})))), "ok");
  EXPECT_EQ(code(sessions_->life.cancel(as(desk_, id, members({{"reason", "patient called"}})))),
            "ok");
}

TEST_F(Desk, ItChangesNothingOfAVisitButItsTime) {
  const std::string id = booked();
  for (const char* member : {"notes", "chiefComplaint"})
    EXPECT_EQ(code(sessions_->life.change(as(desk_, id, members({{member, "more"}})))),
              "authorisation.denied")
        << member;
  EXPECT_EQ(code(sessions_->life.change(
                as(desk_, id, members({{"plannedMinutes", 20}, {"recording", "auto"}})))),
            "authorisation.denied");
  EXPECT_EQ(seen(id).string_or("chiefComplaint", ""), "cough");
  for (const auto& refused :
       {sessions_->life.start(as(desk_, id)), sessions_->entry.join(as(desk_, id)),
        sessions_->recordings.start(as(desk_, id)),
        sessions_->people.add_participant(as(desk_, id, members({{"role", "nurse"}})))})
    EXPECT_FALSE(refused.ok());
}

TEST_F(Desk, ItSeesWhoComesAndNothingClinical) {
  const std::string id = booked();
  must(sessions_->entry.join(as(patient_, id)));
  must(sessions_->life.start(as(doctor_, id)));
  must(records_->write_note(
      as(doctor_, id, members({{"kind", "free"}, {"content", "migraine"}, {"status", "final"}}))));
  Ask reason = as(desk_, id);
  reason.caller.reason = "curious";
  for (const Ask& ask : {as(desk_, id), reason}) {
    const Json shown = must(sessions_->reading.get(ask));
    EXPECT_EQ(shown.find("chiefComplaint"), nullptr) << shown.dump();
    EXPECT_NE(shown.dump().find("name"), std::string::npos) << "who comes";
    for (const auto& refused :
         {records_->notes(ask), records_->messages(ask), records_->vitals(ask),
          records_->prescriptions(ask), records_->documents(ask), records_->transcript(ask)})
      EXPECT_FALSE(refused.ok());
    EXPECT_FALSE(sessions_->recordings.list(ask, {}).ok());
  }
}

}  // namespace
}  // namespace rabt::consultation::desk_test

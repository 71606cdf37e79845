#include "tests/consultation/service_house.hpp"
#include "tests/number_of.hpp"

// Acts that a caller repeats since the hub was killed before the answer: the commit of an act keeps
// the answer, or the second act changes nothing.
namespace rabt::consultation::repeats_test {
namespace {

class RepeatsTest : public ServiceHouse {
 protected:
  using Does = std::function<Answer(const Ask&)>;
  static Json without(Json answer, const std::vector<std::string>& members) {
    for (const std::string& member : members) answer.mutable_object().erase(member);
    return answer;
  }
  // Acts, and compares the answer with that of the commit. A token is made after the commit.
  Json keeps(const std::string& what, Ask ask, const Does& does,
             const std::vector<std::string>& later = {}) {
    std::vector<Json> kept;
    ask.caller.once = [&kept](store::Transaction& /*transaction*/, const Json& answer) {
      kept.push_back(answer);
      return ok_status();
    };
    const Json answer = must(does(ask));
    EXPECT_EQ(kept.size(), 1U) << what << " did not give its answer to its commit";
    const Json first = kept.empty() ? Json::object() : kept[0];
    EXPECT_EQ(without(first, later), without(answer, later)) << what;
    return answer;
  }
  // Events of all sessions that people caused; the provider's come at their own time.
  std::int64_t events() {
    static constexpr store::Statement kCount{
        "SELECT COUNT(*) FROM session_event WHERE actor LIKE 'person:%'"};
    return rabt::test::number_of(*store_, kCount);
  }
  // Acts twice: the second time tells no event and answers the same.
  void once(const std::string& what, const Ask& ask, const Does& does,
            const std::vector<std::string>& later = {}) {
    const Json first = must(does(ask));
    const std::int64_t told = events();
    const Json again = must(does(ask));
    EXPECT_EQ(without(again, later), without(first, later)) << what << '\n'
                                                            << again.dump() << '\n'
                                                            << first.dump();
    EXPECT_EQ(events(), told) << what << " told its events twice";
  }
  template <typename All, typename Service>
  Does on_sessions(Service All::*service, Answer (Service::*act)(const Ask&)) {
    return [this, service, act](const Ask& ask) { return ((*sessions_).*service.*act)(ask); };
  }
  Does on_records(Answer (AskedRecords::*act)(const Ask&)) {
    return [this, act](const Ask& ask) { return (records_.*act)(ask); };
  }
  Ask with_record(Ask ask, const std::string& record) {
    ask.record = record;
    return ask;
  }
};

TEST_F(RepeatsTest, TheCommitOfAnActOnASessionKeepsItsAnswer) {
  const std::string session = id_of(made());
  const Json nurse = Json::object({{"role", "nurse"}, {"person", nurse_}});
  const Json added = keeps("add", as(doctor_, session, nurse),
                           on_sessions(&AskedSessions::people, &AskedPeople::add_participant),
                           {"accessToken", "tokenUse"});
  keeps("consent", as(patient_, session, Json::object({{"kind", "family"}, {"given", true}})),
        on_sessions(&AskedSessions::people, &AskedPeople::record_consent));
  const Json invited = keeps(
      "invite",
      as(doctor_, session, Json::object({{"role", "family_member"}, {"email", "a@example.sa"}})),
      on_sessions(&AskedSessions::invitations, &AskedInvitations::invite));
  EXPECT_FALSE(invited.string_or("code", "").empty());
  keeps("accept an invitation",
        as(patient2_, {}, Json::object({{"code", invited.string_or("code", "")}})),
        on_sessions(&AskedSessions::invitations, &AskedInvitations::accept),
        {"accessToken", "tokenUse"});
  const Json second = keeps(
      "invite",
      as(doctor_, session, Json::object({{"role", "family_member"}, {"email", "b@example.sa"}})),
      on_sessions(&AskedSessions::invitations, &AskedInvitations::invite));
  keeps("revoke", with_record(as(doctor_, session), id_of(second)),
        on_sessions(&AskedSessions::invitations, &AskedInvitations::revoke));
  must(sessions_->entry.join(as(patient_, session)));
  keeps("admit", with_record(as(doctor_, session), part_of(session, patient_)),
        on_sessions(&AskedSessions::people, &AskedPeople::admit), {"accessToken", "tokenUse"});
  keeps("leave", as(patient_, session), on_sessions(&AskedSessions::entry, &AskedEntry::leave));
  keeps("deny", with_record(as(doctor_, session), part_of(session, patient2_)),
        on_sessions(&AskedSessions::people, &AskedPeople::deny), {"accessToken"});
  keeps("remove", with_record(as(doctor_, session), part_of(session, nurse_)),
        on_sessions(&AskedSessions::people, &AskedPeople::remove_participant));
  keeps("start", as(doctor_, session), on_sessions(&AskedSessions::life, &AskedLife::start));
}

TEST_F(RepeatsTest, ActsWithoutAKeptAnswerHaveOneEffectHoweverOftenTheyCome) {
  const std::vector<std::string> tokens{"accessToken", "media", "token", "expiresAt", "session"};
  const std::string session = id_of(made());
  once("join", as(doctor_, session), on_sessions(&AskedSessions::entry, &AskedEntry::join), tokens);
  once("token", as(doctor_, session), on_sessions(&AskedSessions::entry, &AskedEntry::token),
       tokens);
  if (seen(session).string_or("status", "") != "active")
    must(sessions_->life.start(as(doctor_, session)));
  once("record", as(doctor_, session),
       on_sessions(&AskedSessions::recordings, &AskedRecordings::start));
  // The provider's answer about the recording may come in between.
  once("end", as(doctor_, session), on_sessions(&AskedSessions::life, &AskedLife::end),
       {"recordings"});
}

TEST_F(RepeatsTest, TheCommitOfARecordKeepsItsAnswer) {
  using R = AskedRecords;
  const std::string session = id_of(made());
  must(sessions_->entry.join(as(doctor_, session)));
  if (seen(session).string_or("status", "") != "active")
    must(sessions_->life.start(as(doctor_, session)));
  keeps("chat", as(doctor_, session, Json::object({{"text", "good morning"}})),
        on_records(&R::send_message));
  keeps("segment", as(doctor_, session, Json::object({{"text", "good morning"}})),
        on_records(&R::add_segment));
  keeps(
      "quality",
      as(doctor_, session,
         Json::object({{"samples", Json::array({Json::object(
                                       {{"rttMs", 40}, {"jitterMs", 5}, {"lossPercent", 0}})})}})),
      on_records(&R::report_quality));
  Ask plan = as(doctor_, session, Json::object({{"afterDays", 7}, {"book", true}}));
  plan.caller.repeat = "r1";
  const Json planned = keeps("follow-up", plan, on_records(&R::plan_follow_up));
  // The session was booked, and the hub ended before the follow-up was written.
  const Json again = must(records_->plan_follow_up(plan));
  EXPECT_EQ(again["bookedSession"], planned["bookedSession"]);
}

TEST_F(RepeatsTest, TheCommitOfWhatSurroundsSessionsKeepsItsAnswer) {
  keeps("clinic", as_admin({}, Json::object({{"name", "Heart"}})),
        [&](const Ask& ask) { return practice_->add_clinic(ask); });
}

}  // namespace
}  // namespace rabt::consultation::repeats_test

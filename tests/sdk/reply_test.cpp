// A Reply answers its call once, whatever the plugin does with it.
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "rabt/plugin.hpp"

namespace rabt::reply_test {

namespace {

using rabt::sdk::Host;
using rabt::sdk::Kind;
using rabt::sdk::Reply;

// A host that counts what it is told.
class AReply : public testing::Test {
 protected:
  struct Told {
    rabt_call_id call;
    std::uint32_t kind;
  };
  static void complete(void* self, rabt_call_id call, const rabt_outcome* outcome) {
    static_cast<AReply*>(self)->told_.push_back({call, outcome->kind});
  }
  static const void* no_service(void* /*self*/, const char* /*id*/) { return nullptr; }

  rabt_host host_{sizeof(rabt_host), 0, this, &no_service, &complete};
  std::vector<Told> told_;
};

TEST_F(AReply, ThatWasSentSendsNoSecondAnswerFromACatch) {
  {
    Reply reply(Host(&host_), 1);
    try {
      std::move(reply).done("{}");
      throw std::runtime_error("after the answer");
    } catch (const std::exception&) {
      std::move(reply).fail(Kind::permanent, "x", "y");  // NOLINT(bugprone-use-after-move)
    }
  }
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].kind, RABT_DONE);
}

TEST_F(AReply, ThatWasMovedFromSaysNothing) {
  {
    Reply first(Host(&host_), 2);
    Reply second(std::move(first));
    std::move(first).done("{}");  // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(told_.empty());
    std::move(second).fail(Kind::transient, "x", "y");
  }
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].call, 2U);
  EXPECT_EQ(told_[0].kind, RABT_TRANSIENT);
}

TEST_F(AReply, ThatIsDroppedSaysAmbiguous) {
  { const Reply reply(Host(&host_), 3); }
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].kind, RABT_AMBIGUOUS);
}

}  // namespace

}  // namespace rabt::reply_test

// Health that a plugin reports (rabt.health/1), in its own process and inline.
#include "tests/plugin/support.hpp"

namespace rabt::plugin::test::health_test {
namespace {

class Health : public BothWays {};
RABT_BOTH_WAYS(Health);

TEST_P(Health, IsAskedForAfterTheStartAndFromTimeToTime) {
  Hub hub(true);
  hub.load_echo();
  ASSERT_TRUE(hub.host->plugins().at(0).health.has_value());
  EXPECT_EQ(hub.host->plugins()[0].health->status, "unknown") << "not asked yet";
  EXPECT_TRUE(eventually([&] {
    hub.fake.advance_ms(1000);
    return hub.host->plugins()[0].health->status == "degraded";
  }));
  EXPECT_EQ(hub.host->plugins()[0].health->reason, "no answer from the test system");
  EXPECT_EQ(hub.host->plugins()[0].calls, 0U) << "it is no call of a workflow";
}

TEST_P(Health, APluginThatDoesNotOfferItHasNone) {
  Hub hub(true);
  hub.load_zoo();
  EXPECT_FALSE(hub.host->plugins().at(0).health.has_value());
}

}  // namespace
}  // namespace rabt::plugin::test::health_test

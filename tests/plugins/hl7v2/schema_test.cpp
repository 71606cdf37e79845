#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "hub/base/json.hpp"
#include "hub/plugin/package/manifest.hpp"

// The manifest as the hub reads it.
namespace rabt::hl7v2::schema_test {
namespace {

TEST(Hl7Schemas, TheTimelineShowsThatACoverageWasAssumed) {
  const char* source = std::getenv("RABT_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "RABT_SOURCE_DIR is not set";
  const auto package = plugin::read_package(std::string(source) + "/plugins/hl7v2");
  ASSERT_TRUE(package.ok()) << package.error().message;
  const rabt::Json data =
      rabt::Json::object({{"assumed", rabt::Json::array({"coverage", "Layla"})}});
  for (const char* type : {"org.rabt.appointment.booked.v1", "org.rabt.appointment.updated.v1"}) {
    EXPECT_EQ(package->events.at(type).coded.read(data, package->words).dump(),
              R"({"assumed":["coverage"]})")
        << type;
  }
}

}  // namespace
}  // namespace rabt::hl7v2::schema_test

#include "hub/base/metrics.hpp"

#include <gtest/gtest.h>

namespace rabt::metrics_test {
namespace {

TEST(MetricsWriterTest, WritesTheTextFormatAndEscapesWhatOthersNamed) {
  MetricsWriter out;
  out.counter("a_total", "Things.", 3);
  out.gauges("b", "By two labels.");
  out.sample("b", {{"x", "a\\b\"c\nd"}, {"y", ""}}, UINT64_MAX);
  EXPECT_EQ(out.str(),
            "# HELP a_total Things.\n# TYPE a_total counter\na_total 3\n"
            "# HELP b By two labels.\n# TYPE b gauge\n"
            "b{x=\"a\\\\b\\\"c\\nd\",y=\"\"} 18446744073709551615\n");
}

}  // namespace
}  // namespace rabt::metrics_test

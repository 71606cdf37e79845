#include "hub/base/end_signals.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace rabt::end_signals_test {
namespace {

// Symptom: SIGHUP, which other daemons take for "read your configuration again", ended the hub.
// Cause: nobody waited for it, and its default is the end of the process.
// This test ends with the process if the signal is not among those that are waited for.
TEST(EndSignals, TellOfAHangupWhereItDoesNotEndTheProgram) {
  const EndSignals signals(EndSignals::Hangup::told);
  ASSERT_EQ(::raise(SIGHUP), 0);
  EXPECT_EQ(signals.wait(), SIGHUP);
  ASSERT_EQ(::raise(SIGTERM), 0);
  EXPECT_EQ(signals.wait(), SIGTERM);
}

}  // namespace
}  // namespace rabt::end_signals_test

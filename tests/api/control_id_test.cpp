#include "hub/api/control_id.hpp"

#include <gtest/gtest.h>

namespace rabt::api::control_id_test {
namespace {

std::string of(const std::string& id) {
  return control_id("MSH|^~\\&|HIS|RIYADH|RABT|HUB|20260310||SIU^S12|" + id + "|P|2.5.1\rPID|1\r");
}

TEST(ControlId, IsShownWhereAMachineMadeIt) {
  for (const char* id :
       {"A-1", "MSG00001", "HIS_2026.042", "12345678", "20260310083000123", "20260310083000",
        "4711", "0b1c2d3e-4f50-4617-8283-94a5b6c7d8e9", "01JABCDEFGHJKMNPQRSTVWXYZ0"})
    EXPECT_EQ(of(id), id);
  EXPECT_EQ(control_id("MSH#^~\\&#HIS#R#RABT#HUB#2026##SIU^S12#A-1\r"), "A-1");
  EXPECT_EQ(of(std::string(kMaxControlId, '7')), std::string(kMaxControlId, '7'));
}

// People and lines of a log that is forged.
TEST(ControlId, IsLeftOutWhereItCouldNameSomebodyOrDoHarm) {
  for (const char* id : {"",
                         "Canaryfamily",
                         "Sami1",
                         "1000000008",
                         "0501234567",
                         "966501234567",
                         "00966501234567",
                         "x-1000000008-1",
                         "1000000008-1234",
                         "1000-0000-08",
                         "10-00000008",
                         "050-123-4567",
                         "1000-0000-08-1234",
                         "19900131",
                         "31011990",
                         "1990-01-31",
                         "A.31.01.1990",
                         "14100703",
                         "A 1",
                         "A-1\x1b[2J",
                         "A^1",
                         "\"1\"",
                         "A-",
                         "\xd8\xb5\xd8\xaf\xd8\xa7\xd8\xb9 1",
                         "\xff\xfe 1"})
    EXPECT_EQ(of(id), "") << id;
  EXPECT_EQ(of(std::string(kMaxControlId + 1, '7')), "");
  EXPECT_EQ(of("A-1\n{\"level\":\"error\"}"), "A-1") << "a segment ends with its line";
}

TEST(ControlId, IsNotLookedForInOtherTexts) {
  for (const char* text : {"", "MSH", "MSH|", "hello", "MSH|a|b\rA|B|C|D|E|F|G|H|A-1", "PID|1|2|3"})
    EXPECT_EQ(control_id(text), "") << text;
}

}  // namespace
}  // namespace rabt::api::control_id_test

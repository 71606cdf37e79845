#include "hub/cli/hub_client.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <sstream>

namespace rabt::cli::hub_client_test {
namespace {

TEST(ReadPatient, AHyphenStandsForALineOfStandardInput) {
  std::istringstream input("identifier:1012345672\r\nmore\n");
  std::streambuf* const before = std::cin.rdbuf(input.rdbuf());
  std::string patient = "-";
  EXPECT_TRUE(read_patient(patient).ok());
  EXPECT_EQ(patient, "identifier:1012345672");
  std::istringstream nothing;
  std::cin.rdbuf(nothing.rdbuf());
  patient = "-";
  EXPECT_FALSE(read_patient(patient).ok());
  patient = "phone:0501234567";
  EXPECT_TRUE(read_patient(patient).ok());
  EXPECT_EQ(patient, "phone:0501234567");
  std::cin.rdbuf(before);
  std::cin.clear();
}

}  // namespace
}  // namespace rabt::cli::hub_client_test

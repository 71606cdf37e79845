#pragma once

#include "tools/check/subject.hpp"
#include "tools/check/tests.hpp"

// One function for each group of tests. id is of that group.
namespace rabt::check {

[[nodiscard]] Verdict package_test(TestId id, const Subject& subject);
[[nodiscard]] Verdict binary_test(TestId id, const Subject& subject);
[[nodiscard]] Verdict lifecycle_test(TestId id, const Subject& subject);
[[nodiscard]] Verdict contract_test(TestId id, const Subject& subject);
[[nodiscard]] Verdict behaviour_test(TestId id, const Subject& subject);
[[nodiscard]] Verdict privacy_test(TestId id, const Subject& subject);
[[nodiscard]] Verdict fuzz_test(TestId id, const Subject& subject);

}  // namespace rabt::check

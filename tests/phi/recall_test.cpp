// Floors of what ./dev bench phi prints: a change that makes the detector worse fails here.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/phi/measure.hpp"

namespace rabt::phi::recall_test {
namespace {

namespace fs = std::filesystem;

struct Floor {
  Class kind;
  double recall, precision;  // of spans, with overlap
};

std::map<std::string, measure::Counts> counts_of(const fs::path& file) {
  const auto detector = Detector::make({.mrn_patterns = {}, .min_score = 0.5});
  std::map<std::string, measure::Counts> counts;
  for (const measure::Sample& sample : measure::load(file).samples) {
    measure::count(**detector, sample, counts[sample.language]);
    measure::count(**detector, sample, counts["all"]);
  }
  return counts;
}

void expect(const measure::Counts& counts, std::initializer_list<Floor> floors,
            const std::string& what) {
  for (const Floor& floor : floors) {
    const measure::Count& count = counts.at(static_cast<std::size_t>(floor.kind));
    EXPECT_GE(count.recall(), floor.recall) << what << ", " << to_string(floor.kind);
    EXPECT_GE(count.precision(), floor.precision) << what << ", " << to_string(floor.kind);
  }
}

fs::path own_set() {
  return fs::path(std::getenv("RABT_SOURCE_DIR")) /
         "tests/phi/own_set.json";  // NOLINT(concurrency-mt-unsafe)
}

TEST(Recall, OfOurOwnArabicAndEnglishSet) {
  const auto counts = counts_of(own_set());
  ASSERT_GT(counts.at("all").at(static_cast<std::size_t>(Class::name)).expected, 500U);
  expect(counts.at("all"),
         {{Class::national_id, 0.99, 0.95},
          {Class::iqama, 0.99, 0.95},
          {Class::phone, 0.99, 0.95},
          {Class::email, 0.99, 0.95},
          {Class::iban, 0.99, 0.95},
          {Class::card, 0.99, 0.95},
          {Class::date, 0.97, 0.95},
          {Class::mrn, 0.95, 0.95},
          {Class::passport, 0.95, 0.95},
          {Class::age, 0.95, 0.95},
          {Class::address, 0.9, 0.9},
          {Class::ip, 0.99, 0.95}},
         "own set");
  expect(counts.at("en"), {{Class::name, 0.95, 0.95}}, "own set, English");
  expect(counts.at("ar"), {{Class::name, 0.95, 0.95}}, "own set, Arabic");
}

// everyday_set.json: letters, messages and notes written by hand without a look at the generator or
// the word lists; persons, numbers and addresses in them are invented.
TEST(Recall, OfTextsWrittenByHand) {
  const auto counts = counts_of(own_set().parent_path() / "everyday_set.json");
  ASSERT_GT(counts.at("all").at(static_cast<std::size_t>(Class::name)).expected, 250U);
  expect(counts.at("all"),
         {{Class::national_id, 0.99, 0.95},
          {Class::iqama, 0.99, 0.95},
          {Class::phone, 0.99, 0.95},
          {Class::email, 0.99, 0.95},
          {Class::iban, 0.99, 0.95},
          {Class::date, 0.97, 0.97}},
         "by hand");
  expect(counts.at("en"), {{Class::name, 0.95, 0.95}}, "by hand, English");
  expect(counts.at("ar"), {{Class::name, 0.95, 0.95}}, "by hand, Arabic");
}

TEST(Recall, OfTheTextsOfOthers) {
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");  // NOLINT(concurrency-mt-unsafe)
  if (data == nullptr || !fs::exists(fs::path(data) / "phi"))
    GTEST_SKIP() << "RABT_CONFORMANCE_DATA has no folder phi";
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(data) / "phi")) {
    if (entry.path().extension() != ".json") continue;
    const auto counts = counts_of(entry.path());
    ASSERT_FALSE(counts.empty()) << entry.path() << " is not readable";
    ++files;
    expect(counts.at("all"),
           {{Class::phone, 0.99, 0.95},
            {Class::email, 0.99, 0.95},
            {Class::iban, 0.99, 0.95},
            {Class::card, 0.99, 0.95},
            {Class::date, 0.97, 0.95},
            {Class::name, 0.88, 0.83},
            {Class::national_id, 0.99, 0.8},
            {Class::ip, 0.99, 0.95},
            {Class::address, 0.7, 0.9}},
           entry.path().filename().string());
  }
  EXPECT_GT(files, 0U);
}

TEST(OwnSet, IsWhatItsGeneratorWrites) {
  if (std::system("python3 --version > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "there is no python3";  // NOLINT
  const std::string set = own_set().string();
  const std::string generator = own_set().parent_path().string() + "/generate.py";
  EXPECT_EQ(std::system(("python3 '" + generator + "' | cmp - '" + set + "'").c_str()),
            0);  // NOLINT
}

}  // namespace
}  // namespace rabt::phi::recall_test

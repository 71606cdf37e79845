#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "hub/config/config.hpp"

// The section `hospital`, and the texts of messages.
namespace rabt::config::config_hospital_test {
namespace {

class ConfigHospital : public ::testing::Test {
 protected:
  ConfigHospital() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "rabt-hospital-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    texts("ar", "'{hospital} {time} {link}'");
    texts("en", "'{hospital} {time} {link}'");
  }
  ~ConfigHospital() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void texts(const std::string& language, const std::string& text) {
    std::ofstream out(folder_ + "/" + language + ".yaml");
    for (const char* name : {"booked", "moved", "cancelled", "reminder"})
      out << name << ": " << text << '\n';
  }
  Result<Config> read(const std::string& hospital) {
    const std::string file = folder_ + "/rabt.yaml";
    std::ofstream(file) << "tenant: t1\nserver: {port: 8480}\ndata: data\nplugins: plugins\n"
                           "migrations: migrations\nhospital: "
                        << hospital << '\n';
    return load_config(file);
  }
  std::string mistake(const std::string& hospital) {
    const auto config = read(hospital);
    return config.ok() ? "good" : config.error().message;
  }

  std::string folder_;
};

TEST_F(ConfigHospital, TextsOfBothLanguagesAreRead) {
  const auto config =
      read("{name: {ar: مستشفى الواحة, en: Oasis Hospital}, phone: '+966112345678', messages: .}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->house.name.at("en"), "Oasis Hospital");
  EXPECT_EQ(config->house.phone, "+966112345678");
  EXPECT_EQ(config->house.texts.at("ar").at("reminder"), "{hospital} {time} {link}");
  EXPECT_TRUE(config->house.chart_pdf);
}

TEST_F(ConfigHospital, PdfsOfTheChartAreSwitchedOff) {
  const auto config = read("{chart_pdf: false}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_FALSE(config->house.chart_pdf);
}

TEST_F(ConfigHospital, APlaceThatIsNotKnownIsAMistakeWithItsLine) {
  texts("en", "'{hospital}: {clinic}'");
  const std::string said = mistake("{name: {ar: مستشفى, en: Oasis}, messages: .}");
  EXPECT_NE(said.find("en.yaml:1:1: `booked`: {clinic} is no place"), std::string::npos) << said;
}

TEST_F(ConfigHospital, TheCodeOfASecondDeviceStandsInItsOwnTextAlone) {
  texts("en", "'{hospital}: {code}'");
  std::ofstream(folder_ + "/ar.yaml", std::ios::app) << "second_proof: '{code} {link}'\n";
  const std::string said = mistake("{name: {ar: مستشفى, en: Oasis}, messages: .}");
  EXPECT_NE(said.find("`booked` has {code}, which `second_proof` alone has"), std::string::npos)
      << said;
  EXPECT_NE(said.find("`second_proof` has {link}"), std::string::npos) << said;
  EXPECT_NE(said.find("one of"), std::string::npos) << "in both languages, or in none";
}

TEST_F(ConfigHospital, TheClinicSaysWhichSecondProofsItTakes) {
  const auto links = [this](const std::string& clinic) { return read("{}\nclinic: " + clinic); };
  EXPECT_TRUE(read("{}")->links.by_code);
  EXPECT_FALSE(read("{}")->links.by_birth_date);
  const auto both = links("{second_proof: [code, birth_date]}");
  ASSERT_TRUE(both.ok()) << both.error().message;
  EXPECT_TRUE(both->links.by_code && both->links.by_birth_date);
  EXPECT_TRUE(read("{}")->links.by_identity) << "where the role is bound";
  EXPECT_FALSE(both->links.by_identity) << "a list names all that count";
  EXPECT_TRUE(links("{second_proof: [identity]}")->links.by_identity);
  EXPECT_FALSE(links("{second_proof: []}")->links.by_code);
  EXPECT_EQ(links("{}")->links.adult_age, 18);
  EXPECT_EQ(links("{adult_age: 15}")->links.adult_age, 15);
  EXPECT_NE(mistake("{}\nclinic: {second_proof: [name]}").find("`name` is no proof"),
            std::string::npos);
}

TEST_F(ConfigHospital, TheClinicSaysWhatBecomesOfBookedPatientsWhomNobodyEntered) {
  using Booked = consultation::LinkSettings::Booked;
  const auto booked = [this](const std::string& clinic) {
    return read("{}\nclinic: " + clinic)->links.booked;
  };
  EXPECT_EQ(read("{}")->links.booked, Booked::link);
  EXPECT_EQ(booked("{}"), Booked::link);
  EXPECT_EQ(booked("{booked_patients: link}"), Booked::link);
  EXPECT_EQ(booked("{booked_patients: enter}"), Booked::enter);
  EXPECT_EQ(booked("{booked_patients: refuse}"), Booked::refuse);
  const std::string said = mistake("{}\nclinic: {booked_patients: merge}");
  for (const char* word : {"booked_patients", "link", "enter", "refuse"})
    EXPECT_NE(said.find(word), std::string::npos) << said;
}

TEST_F(ConfigHospital, TheClinicSaysWhatBecomesOfAVisitByTheAnswerOfThePayer) {
  using Rule = consultation::CoveragePolicy::Rule;
  const auto coverage = [this](const std::string& clinic) {
    const auto config = read("{}\nclinic: " + clinic);
    EXPECT_TRUE(config.ok()) << config.error().message;
    return config->coverage;
  };
  for (const char* absent : {"{}", "{coverage: {}}"}) {
    const consultation::CoveragePolicy rules = coverage(absent);
    EXPECT_EQ(rules.not_eligible, Rule::ask);
    EXPECT_EQ(rules.not_in_force, Rule::ask);
    EXPECT_EQ(rules.unanswered, Rule::go_on);
  }
  const auto rules =
      coverage("{coverage: {not_eligible: refuse, not_in_force: self-pay, unanswered: ask}}");
  EXPECT_EQ(rules.not_eligible, Rule::refuse);
  EXPECT_EQ(rules.not_in_force, Rule::self_pay);
  EXPECT_EQ(rules.unanswered, Rule::ask);
  EXPECT_EQ(coverage("{coverage: {not_eligible: go-on}}").not_eligible, Rule::go_on);
}

TEST_F(ConfigHospital, ARuleForCoverageThatIsNoneIsAMistakeWithItsPlace) {
  const std::string word = mistake("{}\nclinic: {coverage: {unanswered: wait}}");
  for (const char* part :
       {"rabt.yaml:7:", "`unanswered` must be", "ask, self-pay, go-on or refuse"})
    EXPECT_NE(word.find(part), std::string::npos) << word;
  EXPECT_NE(mistake("{}\nclinic: {coverage: {expired: ask}}").find("expired"), std::string::npos);
  EXPECT_NE(mistake("{}\nclinic: {coverage: ask}").find("coverage"), std::string::npos);
}

TEST_F(ConfigHospital, StaffIsToldOfTasksWhereTheHospitalSaysSoAndHasTheText) {
  const std::string on =
      "{name: {ar: مستشفى, en: Oasis}, messages: .}\nclinic: {task_messages: true}";
  EXPECT_FALSE(read("{}")->task_messages);
  EXPECT_FALSE(read("{}\nclinic: {task_messages: false}")->task_messages);
  const std::string said = mistake(on);
  EXPECT_NE(said.find("rabt.yaml:7:"), std::string::npos) << said;
  EXPECT_NE(said.find("`task_messages` needs the text `staff_tasks`"), std::string::npos) << said;
  for (const char* language : {"ar", "en"}) {
    texts(language, "'{hospital} {time} {link}'");
    std::ofstream(folder_ + "/" + language + ".yaml", std::ios::app)
        << "staff_tasks: '{hospital}: {count} {link}'\n";
  }
  const auto config = read(on);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_TRUE(config->task_messages);
}

TEST_F(ConfigHospital, TheNumberOfTasksStandsInItsOwnTextAlone) {
  texts("en", "'{hospital}: {count}'");
  std::ofstream(folder_ + "/en.yaml", std::ios::app) << "staff_tasks: '{time}'\n";
  const std::string said = mistake("{name: {ar: مستشفى, en: Oasis}, messages: .}");
  EXPECT_NE(said.find("`booked` has {count}, which `staff_tasks` alone has"), std::string::npos)
      << said;
  EXPECT_NE(said.find("`staff_tasks` has {time}"), std::string::npos) << said;
}

TEST_F(ConfigHospital, APlaceThatNothingFillsIsAMistake) {
  EXPECT_NE(mistake("{name: {ar: مستشفى}, messages: .}").find("`hospital.name.en`"),
            std::string::npos);
  texts("en", "'{hospital} {phone}'");
  EXPECT_NE(mistake("{name: {ar: مستشفى, en: Oasis}, messages: .}").find("`hospital.phone`"),
            std::string::npos);
}

TEST_F(ConfigHospital, ALanguageWithoutItsFileOrATextIsAMistake) {
  std::filesystem::remove(folder_ + "/ar.yaml");
  EXPECT_NE(mistake("{name: {ar: مستشفى, en: Oasis}, messages: .}").find("ar.yaml"),
            std::string::npos);
  std::ofstream(folder_ + "/ar.yaml") << "booked: x\n";
  EXPECT_NE(mistake("{name: {ar: مستشفى, en: Oasis}, messages: .}").find("moved"),
            std::string::npos);
}

TEST_F(ConfigHospital, ATextThatMayBeAbsentStandsInBothLanguagesOrInNone) {
  const std::string hospital = "{name: {ar: مستشفى, en: Oasis}, messages: .}";
  EXPECT_EQ(mistake(hospital), "good");
  std::ofstream(folder_ + "/en.yaml", std::ios::app) << "missed: 'You missed it'\n";
  EXPECT_NE(mistake(hospital).find("`missed` stands in one"), std::string::npos)
      << mistake(hospital);
  std::ofstream(folder_ + "/ar.yaml", std::ios::app) << "missed: 'فاتتك'\n";
  EXPECT_EQ(mistake(hospital), "good");
}

// Shipped texts are valid, and the Arabic and English ones have the same placeholders.
TEST_F(ConfigHospital, TheShippedTextsAreGood) {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  ASSERT_NE(root, nullptr);
  const auto config = read("{name: {ar: مستشفى, en: Oasis}, messages: '" + std::string(root) +
                           "/config/messages'}");
  ASSERT_TRUE(config.ok()) << config.error().message;
  for (const auto& [name, text] : config->house.texts.at("ar")) {
    for (const char* place : {"{hospital}", "{time}", "{link}"})
      EXPECT_EQ(text.find(place) == std::string::npos,
                config->house.texts.at("en").at(name).find(place) == std::string::npos)
          << name << place;
  }
}

}  // namespace
}  // namespace rabt::config::config_hospital_test

#include "hub/identity/blind_index.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/keyring.hpp"

namespace rabt::identity::blind_index_test {
namespace {

struct Person {
  phi::IndexKind kind;
  std::string one_way;  // the normalised form
  std::vector<std::string> written;
};

// Each row: values that mean one person.
const std::vector<Person>& people() {
  static const std::vector<Person> rows = {
      {phi::IndexKind::identifier,
       "1089341267",
       {"1089341267", "١٠٨٩٣٤١٢٦٧", "۱۰۸۹۳۴۱۲۶۷", "１０８９３４１２６７", " 1089341267 ",
        "1089-341-267", "1089 341 267", "\u200f1089341267\u200e", "\u20661089341267\u2069",
        "108\u200b934\u200d1267", "1089\u00a0341\u2009267", "1089\u2011341\u2013267",
        "\ufeff1089341267", "1089\u00ad341267", "\t1089341267\n"}},
      {phi::IndexKind::identifier,
       "a12345678",
       {"A12345678", "a12345678", "Ａ１２３４５６７８", "A 123 456 78"}},
      {phi::IndexKind::mrn,
       "mrn00451",
       {"MRN-00451", "mrn 00451", "MRN00451", "ＭＲＮ‑٠٠٤٥١", "MRN_00451",
        "\u202aMRN-00451\u202c"}},
      {phi::IndexKind::phone,
       "+966501234567",
       {"+966501234567", "0501234567", "00966501234567", "966501234567", "501234567",
        "+966 50 123 4567", "(050) 123-4567", "٠٥٠١٢٣٤٥٦٧", "+٩٦٦٥٠١٢٣٤٥٦٧", "۰۵۰۱۲۳۴۵۶۷",
        "tel:+966-50-123-4567", "\u202d+966 50 123 4567\u202c", "050\u200e1234567",
        "+966 (0) 50 123 4567"}},
      {phi::IndexKind::phone, "+201001234567", {"+20 100 123 4567", "0020 100 123 4567"}},
      {phi::IndexKind::email,
       "noura.s@example.sa",
       {"noura.s@example.sa", "Noura.S@Example.SA", " noura.s@example.sa ",
        "mailto:noura.s@example.sa", "noura.s@example.sa.", "ｎｏｕｒａ.s@example.sa",
        "noura\u200b.s@example.sa", "\u200fnoura.s@example.sa"}},
      {phi::IndexKind::email,
       "a@xn--mgbh0fb.xn--kgbechtv",
       {"a@مثال.إختبار", "A@مِثال.إختبار", "a@xn--mgbh0fb.xn--kgbechtv", "a@مثــال.إختبار"}},
      {phi::IndexKind::name,
       "عبداللهسعدالقحطاني",
       {"عبدالله بن سعد القحطاني", "عبد الله سعد القحطاني", "عبدالله ابن سعد القحطانى",
        "السيد عبدالله بن سعد القحطاني", "د. عبد الله بن سعد القحطاني", "عَبْدُ اللهِ بن سَعْد القحطاني",
        "عبــدالله بن سعد القحطــاني", "\u2068عبدالله بن سعد القحطاني\u2069",
        "القحطاني، عبدالله بن سعد", "  عبدالله   بن سعد\u00a0القحطاني "}},
      {phi::IndexKind::name,
       "ahmadalqahtani",
       {"Ahmad Al-Qahtani", "AHMAD AL QAHTANI", "Al-Qahtani, Ahmad", "Mr. Ahmad Alqahtani",
        "Dr Ahmad al-Qahtani", "Àhmad al‑Qahtani", "ahmad bin al qahtani"}},
      {phi::IndexKind::name, "امينه", {"أمينة", "امينه", "آمينة", "إمينه", "أُمِينَة"}},
  };
  return rows;
}

TEST(BlindIndex, OneFormHoweverAValueIsWritten) {
  for (const auto& person : people()) {
    for (const auto& way : person.written) {
      const auto text = phi::normalise(person.kind, way);
      ASSERT_TRUE(text.ok()) << way << ": " << text.error().message;
      EXPECT_EQ(*text, person.one_way) << way;
    }
  }
}

TEST(BlindIndex, NormalisingTwiceChangesNothing) {
  for (const auto& person : people()) {
    const auto again = phi::normalise(person.kind, person.one_way);
    ASSERT_TRUE(again.ok()) << person.one_way;
    EXPECT_EQ(*again, person.one_way);
  }
}

TEST(BlindIndex, DifferentPeopleDiffer) {
  const std::map<phi::IndexKind, std::vector<std::string>> others = {
      {phi::IndexKind::identifier,
       {"1089341267", "1089341268", "01089341267", "10893412670", "A1089341267"}},
      {phi::IndexKind::mrn,
       {"00451", "451451", "MRN-00451", "MRN-00541", "12/345", "1/2345", "12.345"}},
      {phi::IndexKind::phone,
       {"0501234567", "0501234568", "0551234567", "+201001234567", "0112345678", "+971501234567"}},
      {phi::IndexKind::email,
       {"a.b@example.sa", "ab@example.sa", "a.b@example.com", "a.b+c@example.sa",
        "a.b@mail.example.sa"}},
      {phi::IndexKind::name,
       {"سعد القحطاني", "سعيد القحطاني", "نورة السبيعي", "نوره السبعي", "Ahmad Ali", "Ahmed Ali",
        "Ahmad Alia"}},
  };
  for (const auto& [kind, values] : others) {
    std::set<std::string> forms;
    for (const auto& value : values) {
      const auto text = phi::normalise(kind, value);
      ASSERT_TRUE(text.ok()) << value;
      forms.insert(*text);
    }
    EXPECT_EQ(forms.size(), values.size()) << phi::to_string(kind);
  }
}

TEST(BlindIndex, RefusesWhatIsNoValueOfItsKindWithoutQuotingIt) {
  const std::vector<std::pair<phi::IndexKind, std::string>> wrong = {
      {phi::IndexKind::identifier, ""},
      {phi::IndexKind::identifier, "female"},
      {phi::IndexKind::identifier, "Riyadh"},
      {phi::IndexKind::identifier, "123"},
      {phi::IndexKind::mrn, "E11"},
      {phi::IndexKind::phone, "ask his wife"},
      {phi::IndexKind::phone, "12"},
      {phi::IndexKind::phone, ""},
      {phi::IndexKind::phone, "+99999999999999999999"},
      {phi::IndexKind::email, "nobody"},
      {phi::IndexKind::email, "@example.sa"},
      {phi::IndexKind::email, "nobody@"},
      {phi::IndexKind::email, "a@exa mple..sa"},
      {phi::IndexKind::name, ""},
      {phi::IndexKind::name, "... 123"},
      {phi::IndexKind::name, "\u200f\u0640"},
      {phi::IndexKind::identifier,
       "\xff\xfe"
       "1234"},
      {phi::IndexKind::name, std::string(phi::kMaxIndexedValue + 1, 'a')},
  };
  for (const auto& [kind, value] : wrong) {
    const auto text = phi::normalise(kind, value);
    ASSERT_FALSE(text.ok()) << phi::to_string(kind) << ": " << value;
    EXPECT_EQ(text.error().kind, ErrorKind::invalid);
    EXPECT_EQ(text.error().code, "phi.index_value");
    if (value.size() > 3) {
      EXPECT_EQ(text.error().message.find(value), std::string::npos);
    }
  }
  EXPECT_TRUE(phi::normalise(phi::IndexKind::name, std::string(phi::kMaxIndexedValue, 'a')).ok());
}

TEST(BlindIndex, KindsHaveNames) {
  for (const auto kind : {phi::IndexKind::identifier, phi::IndexKind::phone, phi::IndexKind::email,
                          phi::IndexKind::mrn, phi::IndexKind::name})
    EXPECT_EQ(phi::parse_index_kind(phi::to_string(kind)), kind);
  EXPECT_FALSE(phi::parse_index_kind("diagnosis").has_value());
}

class WithKeyring : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "rabt-phi-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    keyring_ = rabt::test::open_keyring(name, clock_, random_, {"acme", "beta"});
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  SystemClock clock_;
  FakeRandom random_{7};
  std::unique_ptr<crypto::Keyring> keyring_;
};

TEST_F(WithKeyring, OneIndexForOnePersonAndNoneForTwo) {
  std::set<std::string> all;
  for (const auto& person : people()) {
    std::set<std::string> indexes;
    for (const auto& way : person.written)
      indexes.insert(identity::blind_index(*keyring_, "acme", person.kind, way).value());
    EXPECT_EQ(indexes.size(), 1U) << person.one_way;
    EXPECT_EQ(indexes.begin()->size(), 16U);
    all.merge(indexes);
  }
  EXPECT_EQ(all.size(), people().size());
}

TEST_F(WithKeyring, TenantAndKindSeparateEqualValues) {
  const std::string value = "1089341267";
  const auto index = [&](std::string_view tenant, phi::IndexKind kind) {
    return identity::blind_index(*keyring_, tenant, kind, value).value();
  };
  EXPECT_NE(index("acme", phi::IndexKind::identifier), index("beta", phi::IndexKind::identifier));
  EXPECT_NE(index("acme", phi::IndexKind::identifier), index("acme", phi::IndexKind::mrn));
  EXPECT_EQ(identity::blind_index(*keyring_, "acme", phi::IndexKind::phone, "nobody").error().code,
            "phi.index_value");
}

}  // namespace
}  // namespace rabt::identity::blind_index_test

#include "hub/consultation/record/document_text.hpp"

#include <gtest/gtest.h>

#include "hub/base/bytes.hpp"
#include "hub/phi/detector.hpp"

namespace rabt::consultation::document_text_test {
namespace {

// The text; however the bytes are cut, it is the same.
std::string text_of_document(std::string_view type, std::string_view bytes) {
  DocumentText whole(type);
  whole.take(bytes);
  std::string text = whole.finish();
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
    DocumentText pieces(type);
    for (std::size_t at = 0; at < bytes.size(); at += size) pieces.take(bytes.substr(at, size));
    EXPECT_EQ(pieces.finish(), text) << "by " << size;
  }
  return text;
}

std::string from(std::string_view hex) {
  return std::string(as_text(*from_hex(hex)));
}

const char* const kFixed = "7801cb48cdc9c957c84090003a2e067d";
const char* const kStored = "7801010500faff706c61696e06480215";
// "BT /F1 12 Tf 72 700 Td (Patient id: 1000000008) Tj T* [(Vis) 20 (it) -300 (two)] TJ ET"
const char* const kContent =
    "78da730a51d077335430345208495330375230373050084951d008482cc94ccd2b51c84cb152303480020b4d85"
    "902c85102d85688db0cc624d052303058dcc124d055d63a02e8d92f27ccd5885102f05d71000853a1511";
// 400 lines, with dynamic codes.
const char* const kDynamic =
    "78da755a4992ed360edcf729fe017a5112df78075f8233c885ed70f4fda313af04c895d48fa8a885c847511812"
    "9920ff187fd65f5fbffe6abfe2af7feadf7ffdf3bffffefacf1ffa70fbf9307f3fdd7f3e9de9fb71f8f9b826f9"
    "7e7efbf95ca497ef81fbcf8124b1f7ef9107bd214a2df37be8493f6a31c611bfc75e3fc77ae9711439b6f1fe39"
    "384a2b456a3cdeb8d1f78f946b6aa38f63af1b99a2d629a36363c51620abf4dc464b827586cd2003358912eb9c"
    "b3e73c8e2964ab12cb18a58f369b549b7367e3f491755694367dbb64c1d1a5f516c7985869469bf5bc74faebd2"
    "eb1b1bf070c84e96cbe9d8e8ce268be988949d6ca57638b6b42f513473abc7185927e55c47b641324b952692a2"
    "8d923d7aeba5a66ae6dac910b3c7127b8ef9889dfdc5e61c654819b19b11c838adc79a4bac29d5630781cdd467"
    "cd88dc59a61c160e64b089f54b4b65f659c4928cc3ac0e896df61a7369d316e248d38f45140d1925c564b36e57"
    "de0ff74bef0732a0456c20cb95da8e81177f8c8fb0ad5a32efdfc84830cd1cc797dfc83a2df684cc3906c92c2d"
    "21add23c3679237b94996aabe7ca8c50157113674c47e2de18a862814f72926cdb66e3a4de471d08c164339ebc"
    "f988d46f8238b4a4b891c1da14d8650e69355b9cdec874b5203e00b469b682103860958cd8729b15f390fb3395"
    "62b3b62befdfc98e86d464c07eecf94e96ab66d2fb6232cbc4fb835150b2fd888c04fc1ce6e03b831250211904"
    "ddd92cb9e481ac388a09437bc915906920f8d896baa5ce9371e4fe83c1aab75c51aa663c2cf9e06c9b7902996a"
    "478c1c336e5c318bc4acf908ff1d53ee5c254b6f037e8b69345b8641bdd45a312a3321d4ed6b9f5c87f0b50585"
    "0aa1863a617b7e5d79ffc1107f945c32603a5cf9dcf8f9e1c827992c4fe3024fcec4decd48cf1b07469e72f8e8"
    "c9e1d4e7e8be8d0727451fa89bf64686f608c8adc5cac693e34a8d3aab18be3d19aca42b20034f8d73b071661c"
    "1535103977c0c76be3b01e2d26415e8f7e78ffc5944a8020282fc0a82287635f816b5085e74163b40a19717ab1"
    "1191f252c0723266636bc7acfb95f75f9c99c76332a07f16d7c47a38f2f56638b502f7265b09bef0b0f39b6309"
    "f0dd8e707a93753477b281f39b09037266785abd19a0123c23c3d2e0cdc50ea0dd26e2c7166760178076a9b3c4"
    "c329efe705af2809916bb5f8cd75b00a402dc3fbbdd8f7bdb986a684ec979411abd1f8e91753431913ab801f61"
    "b211baaf6d21dbb914bc12212bb5894ddb2f89df17d972da73265efeba15e66de4c114af39d3e68c44c21ac7fc"
    "e2748c085d23be5f64a73835a8ed9b98c157d50580791b5e601e891cc5706063fe5e009815f5d53cbd317d072f"
    "050aa1cc38bf67f60e8e089002d7c846b93626ef11b41d082f2875cd77ba502d6cb30b6005ac25d924ceca08c6"
    "89c28417262087cd7a2da207db05ba64e400366fd3de97e1c0ccde36b8107bfb3ae6f5c57dceb41edfeb430c59"
    "a816fe2626f5a375a3911b73fa561bdc61dfc4943ee5d69ad7a18d197d051e833046ff148eb52188d389354ccc"
    "7d31119789f743335844319d2fc854b07eb8dbeae4c66c1e990f569ac05ebac7dd42e6a185a1190a141d8a834d"
    "e20c05ba44a814d14a397d2932678fd0a0a80e034a0864c34cc75cdf1e73c8d9f3451cd900d3091f59783e50d1"
    "8696e01a56013766f92803a78067923f63ebce8937e6f8294578cc6389293e824192b4ec8b734ec2cd08d4dacd"
    "084cf0078600e140115fe2c53b004b05bd4315b770607a0f050aff45c511470766f74931066bc40240332332b9"
    "079d45708b861f62cbf6cc641fb4170211aa24c586a0f0c5c265382cdcdf9edf7f532c98f98fea3f6111e9ba6e"
    "63deafe4cec2e1bee4e81cee3166fd15deaee2ed11ae93505b050eb5e185c0a26847e4888d9349547b0340926f"
    "9b193f3801a43e2af5f41ddcb99d8278515158dc60ccf73f9ab5c7d45a36eebb31ddcf08fb9450284a4569b249"
    "64c488406825a99351777ccf6faecb8819e8cf093a548bb79f9ed79dc2e775af70632de0b8c652607891642550"
    "8aa7190b0125903eb6c417caa6a516cb00484ba0b57f1393b4a81220fb8fd932b948832cb70db306e89a6d5080"
    "4ede160910731fdaef9c16aeac002ac06b0a6442744ac50200af18f8086d2358737463fe5f543d229dc165e2f9"
    "2e2e0318d53510e2aab86d169b13f1fde9776610d7e275f0f59b1ee2ebb291b02de2c05086b541f35c656900eb"
    "9adf581900e39c8cb030c8b1772716efa595a8a2df7fcab20005327adb7a7b2fcd55403420cb4cc2a2004e00e5"
    "5720b7096c1c2dd605e8e5a9cf9200d568c69e3466acbbba0a820888eb7966c7a97d9103a004b97fa440aedebf"
    "e5d0030103c4d48a18acd33aa0ac0d62cee021da7740752aa676f6afcba6e2ce42c13748a6946e038b0dad777c"
    "25116c88ad066bd857b23c40ee24ebddef2c0ef069bd59776fdf16034142d6b3cdcd0ab47cdafac9dfbc343600"
    "0cb139bcecdbdadd280564e95ffbe38803f588da8710efc26f4b23367e4e052a4890f990e500ea15b485e6f468"
    "c577f3664dd7a5e4a92404b3cc26ac0d40ad1b96d2c617fe0f6ff45f761977160af611fb6ffa8c3b8b042701fb"
    "22115c20ec2c10903b126d8c853b6034fb9a6bef3a4dd3323b4b838eca0ec9623f666130b460372fc6fbd2e54f"
    "0201d8bc27b1b328807081fd9194dd97585a41a846b32122ac39b3b320181a9149f561b64abeb31cd07caeaa33"
    "cb40d9b0498bca429910309506617e7e34d35f6d3ba040211240bace6fbf6c3bee2c142c5e6f4b90d9009f0558"
    "577bbfad474b064d2c104090ac07bc2ff240e99e0fdeb93580147703b13468da20ccc5b7caaa69a2ae6baad838"
    "e7e4c4840679ec6f6715252065facf64d1ce9240b48d855540b0fd706c631616c157f50c4b8cffed8b1c50aa09"
    "7e152b74a27ded7d69b74178b44f64cdd30bac0df298ad0289a0478b36a36dda651f7267a1e0dfc9106726ba2f"
    "f5d4d28025023ce327821c5c289f16782c0f329891918e9dc54143f69e68ff58a20ce6f3b3f0fdb1045a51e2ef"
    "9663598002abe401686f131e4bd9879ff410dc5cf458ce9a54428af6b5fd1396de2da468d7a6f9e9699603204f"
    "a01610ad257bf37b7f2e674d7a2a162bde99c4fdb3688314217c815615d4e13cfa7d5e762577160ab6c1e5c0c0"
    "0758cc1bf3dd5922f433cd582088f6a16c8ce32b75971dfb7242d0ba789b685fa5012a4136a6b9b330a83071ce"
    "927d9c6b41d2a33c3d80b209cb793960595bc7d629dc59126451dc43456a1e312c082064bb2ad158aa432ecb81"
    "5e1a8635fb217e2dae96b3829c51523484215c1daf969303c1964b4fa83f98ef78fdbaec4aeecb21823de79a60"
    "ebb048886e1a9608a05d3ec467c2659e0b2e37300a08a10d72e33b62ecfc2947d9e7a0689a2396c382a45dc99a"
    "7c9c3b1eb915006b35da1c5814c4aad0012959fc1ac2b61c336303a0b41e318105811e44962e1985bcf81c16a3"
    "516b12684c9ed2a34d5a581b5c3d41541ad4ddf01d2df780c077b2de6a400a8af862975dc9b09c26d873ce591f"
    "601b9ed72f9683e22e36c4c753a7fa0f2c0fc0eca77f1c8b03b06811eb3b049606158512a5bbd830133415e8a8"
    "a2fe662e94581ac6f37b36814541022f13fcb96c082c093ef751a47f9a9b36e5cd820b941605a58937f1c37254"
    "00258a60008ee871834de22e88065d46d215c9e95c6a61707a930a4514864309f369975dc9b09c26d8f3fbf599"
    "456091903c1c5822483e2fe13082218dfd4d4c66f5f696393c2c175c9af81db3c0d22017b00367cf81858176b8"
    "a39e6ad838c3999e453688604b211605bd4d853c481bdfc17d29271a72197cd877c1adf00e7c181fecf6c06439"
    "0056a0add90c4bcc73377ce105d442b4e7a51dffec3be2f29a2b36a4520e7113adbf1f6e975dc9b09c26d8f39d"
    "53dd0618d73c976e8bf18cd405160873781b2adc969b67f08805f1722d6814ada736fa5a6e03a2885a190db745"
    "a84390c56e1230b02c409d86c36138dbda7db998a0cd63901b77d17d85b6aa0d033d9db72981c37d7eee3ca2e0"
    "db31646039006810d03f5482e487fc81c500e21245a5ab249ddebb0ceb214207bdadc02c7015117fe3f3fa6edb"
    "ebf244332c17886c1d1609d9244258ae0d4dbf7db70a84de7dc12547f57a860dae5d49141a8bd9e5c440af9964"
    "af8f2c0c44cf235b8efee6a54104765155dfd904261f1dde99d099a66dc2e302da62c9e0fa264f020b024506e0"
    "42d146b42dc372a083f5eab9c7acd12f54061603e0381da9118136cd6f8585e53e11d052f9434125edc953e579"
    "7dd591858259826582980b582454d32e61b947d4ad2b199e8bd5a2a738cb03015b76305e2f0ea5e2d781024b03"
    "040bbce5d0b25e17d24b40d9aee10596057d6adfa2ba560aafe5ec3db50c77466bee85e5c29054bdebd07b3c37"
    "c98500f447afcdc2cfc93f9393528d101b584c9ce76d52ced08422012104c46cd38466606da00ab3d5cff5f15c"
    "fcd02cbc2fbb9281858259826542b1e87baf6d0e1b614e7b96d8e54ed179873cb03c487aee6688c3e240cff98a"
    "75a1c37b8932edc64218fc1f06f77019";

bool is_unscreened(std::string_view type, std::string_view bytes, std::size_t size = 7) {
  DocumentText text(type);
  for (std::size_t at = 0; at < bytes.size(); at += size) text.take(bytes.substr(at, size));
  (void)text.finish();
  return text.unscreened();
}

// ---- DICOM

// Elements of a data set, as PS3.5 writes them.
class DicomFile {
 public:
  explicit DicomFile(const std::string& syntax) : file_(128, '\0') {
    file_ += "DICM";
    add(0x00020010, "UI", syntax);
    implicit_ = syntax == "1.2.840.10008.1.2";
    big_ = syntax == "1.2.840.10008.1.2.2";
  }
  DicomFile& add(std::uint32_t tag, const std::string& vr, std::string value) {
    if (value.size() % 2 != 0) value.push_back(vr == "UI" ? '\0' : ' ');
    head(tag, vr, static_cast<std::uint32_t>(value.size()));
    file_ += value;
    return *this;
  }
  DicomFile& head(std::uint32_t tag, const std::string& vr, std::uint32_t length) {
    put(tag >> 16U, 2);
    put(tag & 0xffffU, 2);
    const bool longer = vr == "SQ" || vr == "OW" || vr == "UT";
    const bool bare = implicit_ || vr.empty();
    if (!bare) file_ += vr + std::string(longer ? 2 : 0, '\0');
    put(length, bare || longer ? 4 : 2);
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return file_; }

 private:
  void put(std::uint32_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) {
      const unsigned place = big_ ? size - 1 - i : i;
      file_.push_back(static_cast<char>(value >> (8 * place) & 0xffU));
    }
  }
  std::string file_;
  bool implicit_ = false;
  bool big_ = false;
};

constexpr const char* kExplicit = "1.2.840.10008.1.2.1";
constexpr const char* kHeader =
    "Patient name: Dr Khalid Al-Ghamdi\nPatient ID: 1000000008\nDate of birth: 1980-01-31\n";

// Symptom: a name and a national id in the header of a DICOM file passed, with an empty `phi`.
// Cause: only texts and PDF files were read.
TEST(DocumentText, ADicomHeaderIsReadInEachTransferSyntax) {
  for (const char* syntax :
       {kExplicit, "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.50"}) {
    DicomFile file(syntax);
    file.add(0x00100010, "PN", "Al-Ghamdi^Khalid^^Dr")
        .add(0x00100020, "LO", "1000000008")
        .add(0x00100030, "DA", "19800131")
        .add(0x00280010, "US", std::string("\x00\x02", 2))
        .add(0x7fe00010, "OW", std::string(64, '\x07'));
    EXPECT_EQ(text_of_document("DICOM", file.bytes()), kHeader) << syntax;
  }
  const auto detector = phi::Detector::make({});
  ASSERT_TRUE(detector.ok());
  std::string kinds;
  for (const phi::Finding& finding : (*detector)->find(kHeader))
    kinds += std::string(phi::to_string(finding.kind)) + " ";
  EXPECT_EQ(kinds, "name national-id date ");
}

TEST(DocumentText, ADicomHeaderIsReadInSequencesIconsAndArabic) {
  for (const char* syntax : {kExplicit, "1.2.840.10008.1.2"}) {
    DicomFile file(syntax);
    file.add(0x00080005, "CS", "ISO_IR 127")
        // A sequence of a length that is said, with one item.
        .head(0x00081110, "SQ", std::string(syntax) == kExplicit ? 22 : 22)
        .head(0xfffee000, "", 14)
        .add(0x00100020, "LO", "445566")
        // One without, and an icon.
        .head(0x00880200, "SQ", 0xffffffff)
        .head(0xfffee000, "", 0xffffffff)
        .add(0x7fe00010, "OW", std::string(8, 'x'))
        .head(0xfffee00d, "", 0)
        .head(0xfffee0dd, "", 0)
        // ISO 8859-6.
        .add(0x00100010, "PN", "\xc7\xe4\xe2\xcd\xd7\xc7\xe6\xea^\xe6\xe8\xd1\xc9");
    EXPECT_EQ(text_of_document("DICOM", file.bytes()),
              "Patient ID: 445566\nPatient name: نورة القحطاني\n")
        << syntax;
  }
}

TEST(DocumentText, ABrokenDicomHeaderGivesThePartThatCanBeRead) {
  DicomFile file(kExplicit);
  file.add(0x00100020, "LO", "445566").add(0x00104000, "LT", "seen today");
  const std::string whole = file.bytes();
  for (std::size_t size = 0; size <= whole.size(); ++size)
    (void)text_of_document("DICOM", whole.substr(0, size));
  EXPECT_EQ(text_of_document("DICOM", whole.substr(0, whole.size() - 12)), "Patient ID: 445566\n");
  // A length beyond the end.
  DicomFile lies(kExplicit);
  lies.add(0x00100020, "LO", "445566").head(0x00104000, "UT", 0x7fffffff);
  EXPECT_EQ(text_of_document("DICOM", lies.bytes() + "seen"), "Patient ID: 445566\nseen\n");
  EXPECT_EQ(text_of_document("DICOM", "DICM"), "");
}

TEST(Inflate, OpensEachKindOfBlock) {
  EXPECT_EQ(inflate(from(kFixed), 1000), "hello hello hello");
  EXPECT_EQ(inflate(from(kStored), 1000), "plain");
  const std::string lines = inflate(from(kDynamic), 1U << 20U);
  EXPECT_EQ(lines.size(), 12254U);
  EXPECT_TRUE(lines.starts_with("Line 0 of a report, \nLine 1 of a report, "));
  EXPECT_NE(lines.find("Line 399 of a report"), std::string::npos);
}

TEST(Inflate, StopsAtTheLimitAndAtTheEndOfABrokenStream) {
  EXPECT_EQ(inflate(from(kFixed), 7), "hello h");
  const std::string whole = from(kDynamic);
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    const std::string part = inflate(std::string_view(whole).substr(0, size), 1U << 20U);
    EXPECT_LE(part.size(), 12254U);
  }
  for (std::size_t at = 2; at < whole.size(); at += 5) {
    std::string broken = whole;
    broken[at] = static_cast<char>(broken[at] ^ 0x55);
    EXPECT_LE(inflate(broken, 100'000).size(), 100'000U);
  }
  // Readers of PDF show the part before a fault, and ignore the checksum of the frame.
  std::string unsummed = whole;
  unsummed.back() = static_cast<char>(unsummed.back() ^ 0x55);
  EXPECT_EQ(inflate(unsummed, 1U << 20U).size(), 12254U);
  std::string broken = whole;
  broken[whole.size() / 2] = static_cast<char>(broken[whole.size() / 2] ^ 0xff);
  EXPECT_TRUE(inflate(broken, 1U << 20U).starts_with("Line 0 of a report, \nLine 1"));
  EXPECT_EQ(inflate("", 10), "");
  EXPECT_EQ(inflate("no zlib", 10), "");
}

TEST(DocumentText, APdfShowsItsTextPackedOrNot) {
  const std::string packed = from(kContent);
  const std::string pdf = "%PDF-1.4\n4 0 obj\n<< /Length " + std::to_string(packed.size()) +
                          " /Filter /FlateDecode >>\nstream\n" + packed +
                          "\nendstream\nendobj\n%%EOF";
  const std::string text = text_of_document("PDF", pdf);
  EXPECT_NE(text.find("Patient id: 1000000008"), std::string::npos) << text;
  EXPECT_NE(text.find("Visit two"), std::string::npos) << text;
  const std::string plain =
      "%PDF-1.4\n4 0 obj\n<< /Length 40 >>\nstream\nBT (call \\(055\\) <me>) Tj <4869> Tj ET"
      "\nendstream\nendobj";
  EXPECT_NE(text_of_document("PDF", plain).find("call (055) <me>Hi"), std::string::npos)
      << text_of_document("PDF", plain);
  const auto detector = phi::Detector::make({});
  ASSERT_TRUE(detector.ok());
  EXPECT_FALSE((*detector)->find(text).empty());
}

// Symptom: a scan, of which nothing was read, passed like a text in which nothing was found.
TEST(DocumentText, WhatNobodyReadIsKnown) {
  const std::string page =
      "%PDF-1.4\n4 0 obj\n<< >>\nstream\nBT (Blood count) Tj ET\nendstream\nendobj\n";
  const std::string picture =
      "5 0 obj\n<< /Type /XObject /Subtype /Image >>\nstream\n\xff\xd8\nendstream\nendobj\n";
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
    EXPECT_FALSE(is_unscreened("PDF", page, size));
    EXPECT_TRUE(is_unscreened("PDF", page + picture, size)) << "a picture beside the text";
    EXPECT_TRUE(is_unscreened("PDF", "%PDF-1.4\n" + picture, size)) << "a scan";
    EXPECT_TRUE(is_unscreened("PDF", page + "6 0 obj\n<< /Encoding /Identity-H >>\nendobj\n", size))
        << "codes of a font are no letters";
    EXPECT_TRUE(is_unscreened(
        "PDF", page + "6 0 obj\n<< /Filter /FlateDecode >>\nstream\nno zlib\nendstream", size));
  }
  EXPECT_TRUE(is_unscreened("PDF", "%PDF-1.4"));
  EXPECT_FALSE(is_unscreened("TEXT", "hello"));
  EXPECT_FALSE(is_unscreened("TEXT", std::string(1U << 20U, 'x'), 100'000));
  EXPECT_TRUE(is_unscreened("TEXT", std::string((1U << 20U) + 1, 'x'), 100'000)) << "its end";
  for (const char* type : {"IMAGE", "DICOM", "OTHER"})
    EXPECT_TRUE(is_unscreened(type, "hello")) << type;
}

TEST(DocumentText, AStreamWithoutAnEndHidesNothingBehindIt) {
  // Text beyond the limit of one stream is not read; the next stream is.
  const std::string huge = "1 0 obj\n<< >>\nstream\n(first) Tj " + std::string(9U << 20U, ' ') +
                           "(lost) Tj\nendstream\n2 0 obj\n<< >>\nstream\n(second) Tj\nendstream";
  DocumentText text("PDF");
  for (std::size_t at = 0; at < huge.size(); at += 100'000)
    text.take(std::string_view(huge).substr(at, 100'000));
  const std::string found = text.finish();
  EXPECT_NE(found.find("first"), std::string::npos);
  EXPECT_EQ(found.find("lost"), std::string::npos);
  EXPECT_NE(found.find("second"), std::string::npos);
  EXPECT_TRUE(text.unscreened());
}

TEST(DocumentText, WhatCannotBeReadGivesNoText) {
  EXPECT_EQ(text_of_document("PDF", "%PDF-1.4 stream"), "\n");
  EXPECT_EQ(text_of_document("PDF", "%PDF-1.4"), "");
  EXPECT_EQ(text_of_document("DICOM", "stream (x) Tj endstream"), "");
  EXPECT_EQ(text_of_document("TEXT", "hello"), "hello");
}

}  // namespace
}  // namespace rabt::consultation::document_text_test

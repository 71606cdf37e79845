#include "hl7.hpp"

#include <gtest/gtest.h>

#include <string>

namespace rabt::hl7v2 {
namespace {

const std::string kHead = "MSH|^~\\&|EHR|CLINIC|HUB|HUB|202603100830||SIU^S12|C1|P|2.5.1\r";

int code_of(const std::string& text, const std::string& charset = "UNICODE UTF-8") {
  Message message;
  try {
    message.read(text, charset);
    return 0;
  } catch (const Fault& fault) {
    return fault.code();
  }
}

TEST(Reader, FindsFieldsRepetitionsComponentsAndSubcomponents) {
  Message message;
  message.read(kHead + "PID|1||A^^^C&1.2.3&ISO^MR~B^^^^NI||One^Test||\"\"\r", "ASCII");
  ASSERT_NE(message.header(), nullptr);
  EXPECT_EQ(message.header()->text(1), "|");
  EXPECT_EQ(message.header()->text(3), "EHR");
  EXPECT_EQ(message.header()->text(9, 2), "S12");
  EXPECT_EQ(message.header()->text(12), "2.5.1");
  const Segment& pid = *message.find("PID");
  ASSERT_EQ(pid.all(3).size(), 2U);
  EXPECT_EQ(pid.all(3)[0].part(4, 2), "1.2.3");
  EXPECT_EQ(pid.all(3)[0].part(4), "C");
  EXPECT_EQ(pid.all(3)[1].part(5), "NI");
  EXPECT_EQ(pid.text(5, 2), "Test");
  EXPECT_TRUE(pid.all(7).empty()) << "the null of HL7 says nothing";
  EXPECT_EQ(pid.text(40), "");
  EXPECT_EQ(message.find("PV1"), nullptr);
}

TEST(Reader, TakesEveryEndOfSegmentsAndTheFrame) {
  for (const char* end : {"\r", "\r\n", "\n"}) {
    std::string text = kHead + "NTE|1||a\rNTE|2||b\r";
    std::string other;
    for (const char c : text) other += c == '\r' ? std::string(end) : std::string(1, c);
    for (const std::string& whole :
         {other, "\x0b" + other + "\x1c\r", other.substr(0, other.size() - 1)}) {
      Message message;
      message.read(whole, "ASCII");
      ASSERT_EQ(message.segments().size(), 3U) << end;
      EXPECT_EQ(message.segments()[2].text(3), "b");
    }
  }
  // A line end of the sender's text, where CR ends the segments.
  Message message;
  message.read(kHead + "NTE|1||a\nb\rNTE|2||c\r", "ASCII");
  EXPECT_EQ(message.find("NTE")->text(3), "a\nb");
}

TEST(Reader, ResolvesEscapeSequencesWithTheSendersDelimiters) {
  Message message;
  message.read("MSH$%~/*$EHR\rNTE$1$$a/F/b/S/c/T/d/R/e/E/f/X41C3A9/g/.br/h/H/i/N/j/X00/k/Zx/l/m\r",
               "UNICODE UTF-8");
  EXPECT_EQ(message.find("NTE")->text(3), "a$b%c*d~e/fA\xc3\xa9g\nhijkl/m");
  EXPECT_EQ(message.find("NTE")->first(3).encoded(), "a$b%c*d\\R\\e/fA\xc3\xa9g\\.br\\hijkl/m");
}

TEST(Reader, ReadsTheCharacterSetOfMsh18) {
  const std::string head = kHead.substr(0, kHead.size() - 1) + "||||||";
  Message message;
  message.read(head + "8859/6\rPID|||||\xe5\xcd\xe5\xcf\r", "ASCII");
  EXPECT_EQ(message.find("PID")->text(5), "محمد");
  message.read(head + "8859/6\rPID|||||\\XE5CD\\\r", "ASCII");
  EXPECT_EQ(message.find("PID")->text(5), "مح");
  message.read(head + "UNICODE UTF-8~ISO IR87\rPID|||||محمد\r", "ASCII");
  EXPECT_EQ(message.find("PID")->text(5), "محمد");
  EXPECT_EQ(code_of(head + "ASCII\rPID|||||محمد\r"), kDataType);
  EXPECT_EQ(code_of(head + "8859/6\rPID|||||\xa1\r"), kDataType);
  EXPECT_EQ(code_of(head + "UNICODE UTF-8\rPID|||||\xff\r"), kDataType);
  EXPECT_EQ(code_of(head + "UNICODE UTF-16\rPID\r"), kTable);
  // Whoever sent it can be answered.
  Message unread;
  EXPECT_THROW(unread.read(head + "UNICODE UTF-8\rPID|||||\xff\r", ""), Fault);
  ASSERT_NE(unread.header(), nullptr);
  EXPECT_EQ(unread.header()->text(10), "C1");

  std::string back;
  EXPECT_TRUE(from_utf8("8859/6", "A محمد", back));
  EXPECT_EQ(back, "A \xe5\xcd\xe5\xcf");
  EXPECT_FALSE(from_utf8("8859/6", "é", back));
  EXPECT_FALSE(from_utf8("8859/6", "€", back));
  EXPECT_TRUE(from_utf8("8859/1", "é", back));
  EXPECT_FALSE(from_utf8("ASCII", "é", back));
}

TEST(Reader, RefusesWhatIsNoMessage) {
  EXPECT_EQ(code_of(""), kSequence);
  EXPECT_EQ(code_of("{}"), kSequence);
  EXPECT_EQ(code_of("PID|1\r"), kSequence);
  EXPECT_EQ(code_of("MSH|^~\\"), kSequence);
  EXPECT_EQ(code_of("MSH|^~\\^|A\r"), kDataType);
  EXPECT_EQ(code_of("MSH|^~\\A|A\r"), kDataType);
  EXPECT_EQ(code_of(kHead + "pid|1\r"), kSequence);
  EXPECT_EQ(code_of(kHead + "PIDX\r"), kSequence);
  EXPECT_EQ(code_of(kHead + kHead), kSequence);
}

TEST(Reader, HasLimits) {
  std::string segments = kHead;
  for (std::size_t i = 1; i < kMaxSegments; ++i) segments += "NTE\r";
  EXPECT_EQ(code_of(segments), 0);
  EXPECT_EQ(code_of(segments + "NTE\r"), kSequence);
  EXPECT_EQ(code_of(kHead + "NTE" + std::string(kMaxFields, '|') + "\r"), 0);
  EXPECT_EQ(code_of(kHead + "NTE" + std::string(kMaxFields + 1, '|') + "\r"), kDataType);
  const std::string begin = kHead + "NTE|";
  EXPECT_EQ(code_of(begin + std::string(kMaxMessage - begin.size(), 'a')), 0);
  EXPECT_EQ(code_of(begin + std::string(kMaxMessage - begin.size() + 1, 'a')), kInternal);
}

TEST(Writing, EscapesWhatTheReaderResolves) {
  Writer writer;
  writer.segment("MSH").text(3, "A|B").text(10, "C1");
  writer.segment("NTE").parts(3, {"a^b&c~d\\e\nf\x01", "", "g", ""}).text(1, "1");
  const std::string text = writer.str();
  EXPECT_EQ(text, "MSH|^~\\&|A\\F\\B|||||||C1\rNTE|1||a\\S\\b\\T\\c\\R\\d\\E\\e\\.br\\f^^g\r");
  Message message;
  message.read(text, "ASCII");
  EXPECT_EQ(message.header()->text(3), "A|B");
  EXPECT_EQ(message.find("NTE")->text(3), "a^b&c~d\\e\nf");
  EXPECT_EQ(message.find("NTE")->text(3, 3), "g");
}

}  // namespace
}  // namespace rabt::hl7v2

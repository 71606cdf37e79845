#include "hl7.hpp"

#include <gtest/gtest.h>

#include <string>

namespace rabt::hl7v2::hl7_test {
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
  EXPECT_EQ(message.find("NTE")->text(3), "a$b%c*d~e/fA\xc3\xa9g\nhijk/Zx/l/m");
  EXPECT_EQ(message.find("NTE")->first(3).encoded(), "a$b%c*d\\R\\e/fA\xc3\xa9g\\.br\\hijk/Zx/l/m");
}

std::string note(const std::string& raw) {
  Message message;
  message.read(kHead + "NTE|1||" + raw + "\r", "UNICODE UTF-8");
  return message.find("NTE")->text(3);
}

// Symptom: "take 1\2 tablet at night and 1\2 in the morning" became "take 12 in the morning", AA.
// Cause: all that stood between two escape characters was taken for a sequence and left out.
// Caught by: texts with the escape character in which no sequence of section 2.7.1 stands.
TEST(Reader, WhatIsNoEscapeSequenceStandsAsItIs) {
  for (const char* text : {"take 1\\2 tablet at night and 1\\2 in the morning",
                           "see C:\\scans\\2026\\x.pdf",
                           "a\\x41\\b",
                           "C:\\Xray\\a",
                           "C:\\X\\a",
                           "C:\\X4\\a",
                           "C:\\XFF\\a",
                           "C:\\Zebra\\a",
                           "C:\\.git\\a",
                           "C:\\.sp1000\\a",
                           "C:\\Fever\\Tests\\Results\\E1",
                           "\\\\server\\share",
                           "1\\2",
                           "a\\",
                           "\\",
                           "\\\\",
                           "\\\\\\",
                           "C:\\C12\\a",
                           "C:\\M1\\a",
                           "a\\e\\b",
                           "a\\f\\b",
                           "a \\ b \\ c"})
    EXPECT_EQ(note(text), text);
  EXPECT_EQ(note("1\\2 a\\T\\b"), "1\\2 a&b");
  EXPECT_EQ(note("1\\2\\F\\3"), "1\\2|3");
  EXPECT_EQ(note("1\\E\\2 and 1\\E\\2"), "1\\2 and 1\\2");
  EXPECT_EQ(note("a\\H\\b\\N\\c\\C2842\\d\\M24420D\\e\\Z0A\\f"), "abcdef");
}

TEST(Reader, NoLineBreakOrFormatJoinsTwoWords) {
  for (const char* sequence :
       {"X0D", "X0A", "X0D0A", "X0d0a", "X0B", "X0C", ".br", ".BR", ".sp", ".ce"})
    EXPECT_EQ(note("Fever\\" + std::string(sequence) + "\\Cough"), "Fever\nCough") << sequence;
  EXPECT_EQ(note("Fever\\X000d\\Cough"), "Fever\nCough");
  EXPECT_EQ(note("Fever\\X0D\\\\X0A\\Cough"), "Fever\n\nCough");
  EXPECT_EQ(note("Fever\\.sp+2\\Cough"), "Fever\n\nCough");
  EXPECT_EQ(note("Fever\\.sp2\\Cough"), "Fever\n\nCough");
  EXPECT_EQ(note("Fever\\.sk3\\Cough"), "Fever   Cough");
  EXPECT_EQ(note("Fever\\.sk999\\Cough").size(), 90U);
  for (const char* sequence : {".fi", ".nf", ".in+4", ".in-4", ".ti4"})
    EXPECT_EQ(note("Fever\\" + std::string(sequence) + "\\Cough"), "Fever Cough") << sequence;
  EXPECT_EQ(note("Fever\vCough"), "Fever\nCough");
  EXPECT_EQ(escaped("Fever\rCough\r\nRest\vx"), "Fever\\.br\\Cough\\.br\\Rest\\.br\\x");
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
  const auto family = [&](const std::string& name, const std::string& bytes) {
    message.read(head + name + "\rPID|||||" + bytes + "\r", "ASCII");
    return message.find("PID")->text(5);
  };
  for (const char* name : {"WINDOWS-1256", "windows-1256", "CP1256", "cp-1256", "Windows 1256"})
    EXPECT_EQ(family(name, "\xe3\xcd\xe3\xcf \x81\x80"), "محمد پ€") << name;
  for (const char* name : {"UTF-8", "utf8", "UNICODE", "UNICODE  UTF-8 "})
    EXPECT_EQ(family(name, "محمد"), "محمد") << name;
  for (const char* name : {"ISO-8859-6", "ISO8859-6", "iso_8859-6", "ISO 8859/6", "8859-6"})
    EXPECT_EQ(family(name, "\xe5\xcd\xe5\xcf"), "محمد") << name;
  for (const char* name : {"ISO-8859-1", "LATIN1", "8859/1"})
    EXPECT_EQ(family(name, "M\xfcller"), "Müller") << name;
  EXPECT_EQ(family("WINDOWS-1252", "M\xfcller \x80"), "Müller €");
  EXPECT_EQ(family("US-ASCII", "Sami"), "Sami");
  for (const char* name : {"8859/2", "WINDOWS-1251", "UTF-16", "GB 18030-2000", "x"})
    EXPECT_EQ(code_of(head + name + "\rPID\r"), kTable) << name;
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
  EXPECT_TRUE(from_utf8("WINDOWS-1256", "A محمد پ€", back));
  EXPECT_EQ(back, "A \xe3\xcd\xe3\xcf \x81\x80");
  EXPECT_FALSE(from_utf8("WINDOWS-1256", "😀", back));
  EXPECT_FALSE(from_utf8("WINDOWS-1256", "\xe2\x82", back));
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
}  // namespace rabt::hl7v2::hl7_test

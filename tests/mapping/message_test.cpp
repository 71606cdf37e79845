#include "hub/mapping/message.hpp"

#include <gtest/gtest.h>

#include <random>

#include "hub/mapping/limits.hpp"

// Messages of each format: their reading, and the places where they are refused.
namespace rabt::mapping::message_test {
namespace {

std::string read(const Reading& reading, std::string_view body) {
  const auto message = read_message(reading, body);
  return message.ok() ? message->dump() : message.error().code + ": " + message.error().message;
}

TEST(Message, JsonIsItself) {
  EXPECT_EQ(read({}, "\xef\xbb\xbf{\"a\": [1, 10.10]}"), R"({"a":[1,10.10]})");
  EXPECT_EQ(read({}, "{").substr(0, 14), "mapping.syntax");
}

TEST(Message, FormIsAnObjectOfTexts) {
  EXPECT_EQ(read({.format = Format::form}, "a=1&b=x+y&a=%D9%85"), R"({"a":["1","م"],"b":"x y"})");
  EXPECT_EQ(read({.format = Format::form, .charset = "windows-1256"}, "n=%E3"), R"({"n":"م"})");
}

TEST(Message, CsvIsAListOfRows) {
  EXPECT_EQ(read({.format = Format::csv}, "a,b\r\n1,\"x \"\"y\"\"\r\n,z\"\r\n\r\n2,\r\n"),
            R"([{"a":"1","b":"x \"y\"\r\n,z"},{"a":"2","b":""}])");
  EXPECT_EQ(read({.format = Format::csv, .separator = ';', .columns = {"x", "y"}}, "1;2\n3"),
            R"([{"x":"1","y":"2"},{"x":"3"}])");
  EXPECT_EQ(read({.format = Format::csv}, "a,b\n1,2\n1,2,3\n"),
            "mapping.syntax: line 3 of the message: more fields than there are columns");
  EXPECT_EQ(read({.format = Format::csv}, "a,b\n\"1\n2,3\n"),
            "mapping.syntax: line 2 of the message: a quotation mark is not closed");
  EXPECT_EQ(read({.format = Format::csv}, "a,a\n"),
            "mapping.syntax: column 2 of the message has the name of another one");
}

TEST(Message, ACharacterSetThatTheBytesAreNotInIsRefused) {
  EXPECT_EQ(read({.format = Format::csv, .charset = "windows-1256"}, "n\n\xe3\xcd\xe3\xcf\n"),
            R"([{"n":"محمد"}])");
  EXPECT_EQ(read({.format = Format::csv}, "n\n\xe3\xcd\n"),
            "mapping.charset: the message is not in the character set UNICODE UTF-8");
}

TEST(Message, XmlHasAttributesTextAndLists) {
  EXPECT_EQ(read({.format = Format::xml}, "<a x='1'><b>t</b><b/><c>1<!-- no -->2</c> u </a>"),
            R"({"a":{"@x":"1","b":["t",""],"c":"12","#text":"u"}})");
  EXPECT_EQ(read({.format = Format::xml, .lists = {"b"}}, "<a><b>t</b></a>"),
            R"({"a":{"b":["t"]}})");
  EXPECT_EQ(read({.format = Format::xml},
                 "<?xml version='1.0' encoding='windows-1256'?><n>\xe3\xcd\xe3\xcf</n>"),
            R"({"n":"محمد"})");
}

TEST(Message, XmlNamespacesHaveThePrefixOfTheMapping) {
  const Reading reading{.format = Format::xml, .namespaces = {{"urn:one", "o"}}};
  EXPECT_EQ(read(reading, "<p:a xmlns:p='urn:one' p:x='1' y='2'><b xmlns='urn:two'/></p:a>"),
            R"({"o:a":{"@o:x":"1","@y":"2","b":""}})");
  EXPECT_EQ(read(reading, "<a xmlns='urn:one'><p:b xmlns:p='urn:one'/></a>"),
            R"({"o:a":{"o:b":""}})");
}

TEST(Message, XmlExpandsNoEntity) {
  const std::string bomb =
      "<!DOCTYPE b [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY c \"&a;&a;&a;&a;\">]><b>&c;</b>";
  EXPECT_EQ(read({.format = Format::xml}, bomb).substr(0, 14), "mapping.entity");
  EXPECT_EQ(read({.format = Format::xml}, "<!DOCTYPE b SYSTEM \"file:///etc/passwd\"><b>&xxe;</b>")
                .substr(0, 14),
            "mapping.entity");
  EXPECT_EQ(read({.format = Format::xml}, "<b>&lt;&amp;</b>"), R"({"b":"<&"})");
}

// Each of these was read in part by a lenient reader: a second booking lost, a name cut off.
TEST(Message, XmlThatIsNotWellFormedIsRefusedWithItsLine) {
  for (const std::string_view body :
       {"<a>1</a>\n<a>2</a>", "<a>1</a>\ntext", "text\n<a/>", "<a>\n&uuml;</a>",
        "<a>\nAl &#0; Zahrani</a>", "<a>\n&#1;</a>", "<a>\n\x01</a>", "<a>\n&#xD800;</a>",
        "<a>\n&#x110000;</a>", "<a>\n<b c='1' c='2'/></a>",
        "<a>\n<b xmlns:p='urn:1' xmlns:q='urn:1' p:c='1' q:c='2'/></a>", "<a>\n<p:b/></a>",
        "<a>\n<b></a>", "", "\n<a"}) {
    const std::string read_as = read({.format = Format::xml}, body);
    EXPECT_TRUE(read_as.starts_with("mapping.syntax")) << body << ": " << read_as;
    EXPECT_NE(read_as.find(" of the message is no XML: "), std::string::npos) << read_as;
    for (const char* value : {"Zahrani", "uuml"}) EXPECT_EQ(read_as.find(value), std::string::npos);
  }
}

TEST(Message, Hl7HasSegmentsFieldsAndComponents) {
  EXPECT_EQ(
      read({.format = Format::hl7v2}, "MSH|^~\\&|A|B\rPID|||1^^^X&Y~2||F\\T\\G^S\rOBX|1\rOBX|2\r"),
      R"({"MSH":[{"3":[{"1":"A"}],"4":[{"1":"B"}]}],)"
      R"("PID":[{"3":[{"1":"1","4":"X","4.1":"X","4.2":"Y"},{"1":"2"}],"5":[{"1":"F&G","2":"S"}]}],)"
      R"("OBX":[{"1":[{"1":"1"}]},{"1":[{"1":"2"}]}]})");
  EXPECT_EQ(read({.format = Format::hl7v2}, "hello").substr(0, 19), "mapping.syntax: MSH");
}

TEST(Message, FhirNeedsAType) {
  EXPECT_EQ(read({.format = Format::fhir}, R"({"a":1})"),
            "mapping.syntax: the message is no FHIR resource: resourceType is missing");
}

TEST(MessageLimits, DepthIsBoundedAtTheLimit) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(read_message({}, nested(limits::kMaxMappedDepth)).ok());
  EXPECT_EQ(read({}, nested(limits::kMaxMappedDepth + 1)).substr(0, 13), "mapping.depth");
  const auto elements = [](std::size_t depth) {
    std::string out;
    for (std::size_t i = 0; i < depth; ++i) out += "<a>";
    for (std::size_t i = 0; i < depth; ++i) out += "</a>";
    return out;
  };
  EXPECT_TRUE(read_message({.format = Format::xml}, elements(limits::kMaxMappedDepth)).ok());
  EXPECT_EQ(read({.format = Format::xml}, elements(limits::kMaxMappedDepth + 1)).substr(0, 13),
            "mapping.depth");
  EXPECT_EQ(read({.format = Format::xml}, elements(200'000)).substr(0, 13), "mapping.depth");
}

TEST(MessageLimits, ValuesAreBoundedAtTheLimit) {
  const auto list = [](std::size_t values) {
    std::string out = "[1";
    for (std::size_t i = 2; i < values; ++i) out += ",1";
    return out + "]";
  };
  EXPECT_TRUE(read_message({}, list(limits::kMaxMappedValues)).ok());
  EXPECT_EQ(read({}, list(limits::kMaxMappedValues + 1)).substr(0, 14), "mapping.values");
}

TEST(MessageLimits, TextsAreBoundedAtTheLimitInEveryFormat) {
  const std::string most(limits::kMaxMappedText, 'x');
  for (const std::string& text : {most, most + "x"}) {
    const bool good = text.size() == most.size();
    EXPECT_EQ(read_message({}, "[\"" + text + "\"]").ok(), good);
    EXPECT_EQ(read_message({.format = Format::form}, "a=" + text).ok(), good);
    EXPECT_EQ(read_message({.format = Format::csv}, "a\n" + text).ok(), good);
    EXPECT_EQ(read_message({.format = Format::xml}, "<a>" + text + "</a>").ok(), good);
    EXPECT_EQ(read_message({.format = Format::xml}, "<a b='" + text + "'/>").ok(), good);
  }
}

TEST(MessageLimits, ALongListEndsAtANamedLimit) {
  std::string list = "number,name,start\n";
  while (list.size() < limits::kMaxRequestBody - 100)
    list += "12345,Somebody Else,2026-03-10T09:00\n";
  EXPECT_EQ(read({.format = Format::csv}, list).substr(0, 14), "mapping.values");
  list.resize(limits::kMaxRequestBody + 1, 'x');
  EXPECT_EQ(read({.format = Format::csv}, list).substr(0, 12), "mapping.body");
}

// No input ends the process, and what is read is JSON that can be written.
TEST(MessageHostile, RandomBytesAreReadOrRefused) {
  std::mt19937 chance(4711);  // NOLINT: the same bytes in every run
  const std::vector<std::string> seeds{R"({"a": [1, {"b": "c"}]})", "<a x='1'><b>t</b></a>",
                                       "a,b\n1,\"2\"\n", "a=1&b=2",
                                       "MSH|^~\\&|A|B|||20260310||ADT^A08|1|P|2.5\rPID|1||1^^^X\r"};
  for (int round = 0; round < 20'000; ++round) {
    std::string body = seeds[chance() % seeds.size()];
    const std::size_t changes = 1 + chance() % 8;
    for (std::size_t i = 0; i < changes && !body.empty(); ++i) {
      const std::size_t at = chance() % body.size();
      switch (chance() % 4) {
        case 0:
          body[at] = static_cast<char>(chance() % 256);
          break;
        case 1:
          body.erase(at, 1 + chance() % 4);
          break;
        case 2:
          body.insert(at, body.substr(0, chance() % body.size()));
          break;
        default:
          body.insert(at, 1, "<>&\"'\\|^~\r\n\0,;"[chance() % 14]);
      }
    }
    for (const Format format :
         {Format::json, Format::xml, Format::csv, Format::hl7v2, Format::form, Format::fhir}) {
      for (const char* charset : {"UTF-8", "windows-1256"}) {
        const auto message = read_message({.format = format, .charset = charset}, body);
        EXPECT_TRUE(!message.ok() || Json::parse(message->dump()).ok());
      }
    }
  }
}

}  // namespace
}  // namespace rabt::mapping::message_test

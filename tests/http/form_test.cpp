#include "hub/http/form.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace rabt::http::form_test {
namespace {

// Writes down what it is given.
class Notes final : public FormSink {
 public:
  Status begin_part(const FormPart& part) override {
    text += "[" + part.name + (part.file_name ? " file " + *part.file_name : "") +
            (part.content_type.empty() ? "" : " " + part.content_type) + "]";
    return refuse ? invalid("test.refused", "no") : ok_status();
  }
  Status take_part(std::string_view piece) override {
    text += piece;
    return ok_status();
  }
  Status end_part() override {
    text += "|";
    return ok_status();
  }
  std::string text;
  bool refuse = false;
};

// Content of the form, or the code of the error; the same for every size of the pieces.
std::string read(std::string_view body, std::string_view boundary = "b") {
  std::string whole;
  for (const std::size_t size : {body.size() + 1, std::size_t{1}, std::size_t{5}}) {
    Notes notes;
    FormReader reader(boundary, notes);
    Status status = ok_status();
    for (std::size_t at = 0; at < body.size() && status.ok(); at += size)
      status = reader.take(body.substr(at, size));
    if (status.ok()) status = reader.finish();
    const std::string found = status.ok() ? notes.text : status.error().code;
    if (size > body.size()) whole = found;
    EXPECT_EQ(found, whole) << "by " << size;
  }
  return whole;
}

constexpr std::string_view kOne =
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--b--\r\n";

TEST(Form, PartsComeInOrderWithTheirBytes) {
  EXPECT_EQ(read(kOne), "[a]one|");
  EXPECT_EQ(
      read("--b\r\nContent-Disposition: form-data; name=title\r\n\r\nتقرير\r\n"
           "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"C:\\scan.dcm\"\r\n"
           "Content-Type: application/dicom\r\n\r\n\r\n--\r\n--c\r\n\r\n--b--"),
      "[title]تقرير|[file file scan.dcm application/dicom]\r\n--\r\n--c\r\n|");
  EXPECT_EQ(read("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--b--"), "[a]|");
  EXPECT_EQ(read("--b--"), "") << "a form without parts";
}

TEST(Form, NamesAreReadAsBrowsersWriteThem) {
  EXPECT_EQ(read("--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x%22y.pdf\"\r\n\r\n"
                 "\r\n--b--"),
            "[a file x\"y.pdf]|");
  EXPECT_EQ(
      read("--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x\\\"y.pdf\"\r\n\r\n"
           "\r\n--b--"),
      "[a file x\"y.pdf]|");
  EXPECT_EQ(read("--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"../../etc/x\"\r\n"
                 "\r\n\r\n--b--"),
            "[a file x]|");
}

TEST(Form, WhatIsNotClearlyRightIsRefused) {
  for (const char* wrong : {
           "",
           "--b",
           "--b\r\n",
           "before\r\n--b--",
           "--c\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--c--",
           "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none",
           "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--b",
           "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--bb--",
           "--b\r\n\r\none\r\n--b--",
           "--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b--",
           "--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\none\r\n--b--",
           "--b\r\nContent-Disposition: form-data\r\n\r\none\r\n--b--",
           "--b\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\none\r\n--b--",
           "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\none\r\n--b--",
           "--b\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\none\r\n--b--",
           "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: "
           "base64\r\n\r\nb25l\r\n--b--",
           "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nno colon\r\n\r\none\r\n--b--",
       })
    EXPECT_EQ(read(wrong), "http.form") << wrong;
}

TEST(Form, PartsAndTheirHeadsHaveALimit) {
  const auto form = [](std::size_t parts, std::size_t padding) {
    std::string out;
    for (std::size_t i = 0; i < parts; ++i)
      out +=
          "--b\r\nContent-Disposition: form-data; name=\"a\"\r\nX: " + std::string(padding, 'x') +
          "\r\n\r\n1\r\n";
    return out + "--b--";
  };
  EXPECT_NE(read(form(kMaxFormParts, 0)), "http.form");
  EXPECT_EQ(read(form(kMaxFormParts + 1, 0)), "http.form");
  EXPECT_NE(read(form(1, kMaxFormHead - 100)), "http.form");
  EXPECT_EQ(read(form(1, kMaxFormHead)), "http.form");
}

TEST(Form, AnErrorOfTheSinkEndsTheReading) {
  Notes notes;
  notes.refuse = true;
  FormReader reader("b", notes);
  EXPECT_EQ(reader.take(kOne).error().code, "test.refused");
  EXPECT_EQ(notes.text, "[a]");
}

TEST(Form, AContentTypeNamesTheBoundary) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(form_boundary("Multipart/Form-Data; charset=utf-8; BOUNDARY=\"a b?\""), "a b?");
  for (const char* wrong :
       {"", "multipart/form-data", "multipart/mixed; boundary=a", "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a", "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=\"a\r\nb\""})
    EXPECT_FALSE(form_boundary(wrong)) << wrong;
  EXPECT_TRUE(form_boundary("multipart/form-data; boundary=" + std::string(70, 'a')));
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=" + std::string(71, 'a')));
}

}  // namespace
}  // namespace rabt::http::form_test

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"

// Bodies of forms with files (multipart/form-data, RFC 7578), read as they come. As strict as the
// reading of heads: what is not clearly right is refused.
namespace rabt::http {

inline constexpr std::size_t kMaxFormParts = 64;
// The headers of one part.
inline constexpr std::size_t kMaxFormHead = 8U << 10U;

// The boundary that a Content-Type names. Nothing when it is no multipart/form-data with a boundary
// of 1 to 70 characters.
[[nodiscard]] std::optional<std::string> form_boundary(std::string_view content_type);

struct FormPart {
  std::string name;
  // The last segment of what the sender calls the file. Unset for a part that is no file.
  std::optional<std::string> file_name;
  // Empty when the part has none.
  std::string content_type;
};

// Receiver of the parts of a form, one after the other. An error ends the reading.
class FormSink {
 public:
  virtual ~FormSink() = default;
  virtual Status begin_part(const FormPart& part) = 0;
  // The next bytes of the part's content.
  virtual Status take_part(std::string_view piece) = 0;
  virtual Status end_part() = 0;
};

// Reads one form. It holds the headers of one part, or as many bytes of content as a boundary has.
// After an error nothing more is given to it. Not thread-safe.
class FormReader {
 public:
  FormReader(std::string_view boundary, FormSink& sink)
      : delimiter_("\r\n--" + std::string(boundary)), sink_(sink) {}

  // The next bytes of the body, cut anywhere. Errors: invalid http.form, or the sink's.
  [[nodiscard]] Status take(std::string_view piece);
  // The body has ended. Error invalid http.form: the form has not.
  [[nodiscard]] Status finish() const;

 private:
  enum class State : std::uint8_t { preamble, boundary, head, content, over };
  // Goes on by one token. False when more bytes are needed.
  [[nodiscard]] Result<bool> step();
  [[nodiscard]] Result<bool> read_content();
  [[nodiscard]] Result<bool> read_head();

  const std::string delimiter_;
  FormSink& sink_;
  State state_ = State::preamble;
  // Arrived, and not yet used. The first boundary reads like every other one.
  std::string buffer_ = "\r\n";
  std::size_t parts_ = 0;
};

}  // namespace rabt::http

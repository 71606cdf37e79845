#include "hub/http/form.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/utf8.hpp"
#include "hub/http/request_head.hpp"

namespace rabt::http {

namespace {

constexpr std::size_t kMaxBoundary = 70;  // RFC 2046 section 5.1.1

Error wrong_form(std::string what) {
  return invalid("http.form", "the form " + std::move(what));
}

// Takes `; name=value` from the front of a header's value: a token, or a text in quotes, where a
// backslash escapes quotes and backslashes. Nothing when there is none.
std::optional<std::pair<std::string, std::string>> take_parameter(std::string_view& rest) {
  rest = trim(rest);
  if (!rest.starts_with(';')) return std::nullopt;
  rest = trim(rest.substr(1));
  const std::size_t equals = rest.find('=');
  if (equals == std::string_view::npos || !is_token(rest.substr(0, equals))) return std::nullopt;
  std::pair<std::string, std::string> out{lower(rest.substr(0, equals)), ""};
  rest.remove_prefix(equals + 1);
  if (!rest.starts_with('"')) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view value = trim(rest.substr(0, end));
    if (!is_token(value)) return std::nullopt;
    out.second = value;
    rest.remove_prefix(end);
    return out;
  }
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return out;
    }
    const bool escapes =
        rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\');
    out.second.push_back(rest[escapes ? ++i : i]);
  }
  return std::nullopt;
}

// Browsers write quotes and line breaks of names in this way, and nothing else.
std::string without_escapes(std::string_view text) {
  constexpr std::pair<std::string_view, char> kEscapes[] = {
      {"%22", '"'}, {"%0D", '\r'}, {"%0A", '\n'}};
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto* const found =
        std::find_if(std::begin(kEscapes), std::end(kEscapes),
                     [&](const auto& one) { return text.substr(i).starts_with(one.first); });
    out.push_back(found == std::end(kEscapes) ? text[i] : found->second);
    i += found == std::end(kEscapes) ? 1 : found->first.size();
  }
  return out;
}

// Nothing when it is not `form-data` with one name.
bool read_disposition(std::string_view value, FormPart& part) {
  const std::size_t end = std::min(value.find(';'), value.size());
  if (lower(trim(value.substr(0, end))) != "form-data") return false;
  std::string_view rest = value.substr(end);
  bool named = false;
  while (!trim(rest).empty()) {
    auto parameter = take_parameter(rest);
    if (!parameter) return false;
    const std::string text = without_escapes(parameter->second);
    if (!is_utf8(text)) return false;
    if (parameter->first == "name") {
      if (std::exchange(named, true)) return false;
      part.name = text;
    } else if (parameter->first == "filename") {
      if (part.file_name) return false;
      const std::size_t slash = text.find_last_of("/\\");
      part.file_name = slash == std::string::npos ? text : text.substr(slash + 1);
    }
  }
  return named;
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  const std::size_t end = std::min(content_type.find(';'), content_type.size());
  if (lower(trim(content_type.substr(0, end))) != "multipart/form-data") return std::nullopt;
  std::string_view rest = content_type.substr(end);
  std::optional<std::string> boundary;
  while (!trim(rest).empty()) {
    auto parameter = take_parameter(rest);
    if (!parameter) return std::nullopt;
    if (parameter->first != "boundary") continue;
    if (boundary) return std::nullopt;
    boundary = std::move(parameter->second);
  }
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundary || boundary->back() == ' ')
    return std::nullopt;
  const bool plain = std::all_of(boundary->begin(), boundary->end(), [](char c) {
    return is_alnum(c) || std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
  });
  return plain ? boundary : std::nullopt;
}

Status FormReader::take(std::string_view piece) {
  if (state_ == State::over) return ok_status();  // an epilogue says nothing
  buffer_ += piece;
  for (;;) {
    RABT_TRY(more, step());
    if (!more) return ok_status();
  }
}

Status FormReader::finish() const {
  if (state_ == State::over) return ok_status();
  return wrong_form("breaks off before its last boundary");
}

Result<bool> FormReader::step() {
  switch (state_) {
    case State::preamble: {
      const std::string_view first =
          std::string_view(buffer_).substr(0, std::min(buffer_.size(), delimiter_.size()));
      if (!std::string_view(delimiter_).starts_with(first))
        return wrong_form("must begin with its boundary");
      if (buffer_.size() < delimiter_.size()) return false;
      buffer_.erase(0, delimiter_.size());
      state_ = State::boundary;
      return true;
    }
    case State::boundary: {
      if (buffer_.size() < 2) return false;
      const bool last = buffer_.starts_with("--");
      if (!last && !buffer_.starts_with("\r\n"))
        return wrong_form("has a boundary that goes on where it should end");
      buffer_.erase(0, 2);
      state_ = last ? State::over : State::head;
      if (last) buffer_ = {};
      return !last;
    }
    case State::head:
      return read_head();
    case State::content:
      return read_content();
    case State::over:
      return false;
  }
  return false;
}

Result<bool> FormReader::read_head() {
  const std::size_t end = buffer_.find("\r\n\r\n");
  if (std::min(end, buffer_.size()) > kMaxFormHead)
    return wrong_form("has a part with a huge head");
  if (end == std::string::npos) return false;
  if (++parts_ > kMaxFormParts)
    return wrong_form("has more than " + std::to_string(kMaxFormParts) + " parts");
  FormPart part;
  bool disposed = false;
  bool typed = false;
  std::string_view rest = std::string_view(buffer_).substr(0, end);
  while (!rest.empty()) {
    const std::size_t line_end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, line_end);
    rest.remove_prefix(std::min(line_end + 2, rest.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return wrong_form("has a part with a broken head");
    const std::string name = lower(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    const auto is_control = [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; };
    if (std::any_of(value.begin(), value.end(), is_control))
      return wrong_form("has a part with a broken head");
    if (name == "content-disposition") {
      if (std::exchange(disposed, true) || !read_disposition(value, part))
        return wrong_form("has a part without one Content-Disposition: form-data; name=\"...\"");
    } else if (name == "content-type") {
      if (std::exchange(typed, true)) return wrong_form("has a part with two types");
      part.content_type = value;
    } else if (name == "content-transfer-encoding") {
      const std::string encoding = lower(value);
      if (encoding != "binary" && encoding != "8bit" && encoding != "7bit")
        return wrong_form("has a part that is encoded; send its bytes as they are");
    }
  }
  if (!disposed)
    return wrong_form("has a part without one Content-Disposition: form-data; name=\"...\"");
  buffer_.erase(0, end + 4);
  RABT_TRY_STATUS(sink_.begin_part(part));
  state_ = State::content;
  return true;
}

Result<bool> FormReader::read_content() {
  const std::size_t end = buffer_.find(delimiter_);
  if (end != std::string::npos) {
    if (end > 0) RABT_TRY_STATUS(sink_.take_part(std::string_view(buffer_).substr(0, end)));
    buffer_.erase(0, end + delimiter_.size());
    RABT_TRY_STATUS(sink_.end_part());
    state_ = State::boundary;
    return true;
  }
  // A boundary may begin in the last bytes.
  if (buffer_.size() < delimiter_.size()) return false;
  const std::size_t sure = buffer_.size() - delimiter_.size() + 1;
  RABT_TRY_STATUS(sink_.take_part(std::string_view(buffer_).substr(0, sure)));
  buffer_.erase(0, sure);
  return false;
}

}  // namespace rabt::http

#include "hub/base/ascii.hpp"
#include "hub/workflow/expression/expression_parser.hpp"

#include <array>

namespace rabt::workflow {

namespace {

bool name_start(char c) {
  return is_alpha(c) || c == '_';
}
bool name_part(char c) {
  return is_alnum(c) || c == '_';
}

}  // namespace

// ---- tokens ----

void ExpressionParser::advance() {
  while (at_ < text_.size()) {
    if (is_blank(text_[at_])) {
      ++at_;
    } else if (text_[at_] == '#') {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    } else {
      break;
    }
  }
  start_ = at_;
  word_ = {};
  if (at_ >= text_.size()) {
    token_ = Token::end;
    return;
  }
  const char c = text_[at_];
  const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  if (name_start(c)) {
    token_ = Token::identifier;
    word_ = name_at(at_);
    at_ += word_.size();
    return;
  }
  if ((c == '.' || c == '$') && name_start(next)) {
    token_ = c == '.' ? Token::field : Token::variable;
    word_ = name_at(at_ + 1);
    at_ += 1 + word_.size();
    return;
  }
  if (c == '@' && name_start(next)) {
    token_ = Token::format;
    word_ = name_at(at_ + 1);
    at_ += 1 + word_.size();
    return;
  }
  if (is_digit(c) || (c == '.' && is_digit(next))) {
    token_ = Token::number;
    scan_number();
    return;
  }
  if (c == '"') {
    token_ = Token::quote;
    ++at_;
    return;
  }
  advance_operator();
}

void ExpressionParser::advance_operator() {
  token_ = Token::op;
  static constexpr std::array<std::string_view, 14> kLong = {
      "?//", "//=", "..", "==", "!=", "<=", ">=", "|=", "+=", "-=", "*=", "/=", "%=", "//"};
  for (const std::string_view op : kLong) {
    if (text_.substr(at_).starts_with(op)) {
      word_ = text_.substr(at_, op.size());
      at_ += op.size();
      return;
    }
  }
  if (std::string_view(".[]{}()|,:;?=<>+-*/%$").find(text_[at_]) != std::string_view::npos) {
    word_ = text_.substr(at_, 1);
    ++at_;
    return;
  }
  token_ = Token::bad;
  fail("a character that has no meaning in expressions");
}

std::string_view ExpressionParser::name_at(std::size_t at) const {
  std::size_t end = at;
  while (end < text_.size() && name_part(text_[end])) ++end;
  return text_.substr(at, end - at);
}

void ExpressionParser::scan_number() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    std::size_t end = at_ + 1;
    if (end < text_.size() && (text_[end] == '+' || text_[end] == '-')) ++end;
    if (end < text_.size() && is_digit(text_[end])) {
      while (end < text_.size() && is_digit(text_[end])) ++end;
      at_ = end;
    }
  }
  word_ = text_.substr(begin, at_ - begin);
}

bool ExpressionParser::expect_op(std::string_view word, std::string_view where,
                                 std::size_t opening) {
  if (op(word)) {
    advance();
    return !failed_;
  }
  if (token_ == Token::end && opening != kNoOffset) {
    unclosed(opening, word);
    return false;
  }
  unexpected("`" + std::string(word) + "` " + std::string(where));
  return false;
}

bool ExpressionParser::expect_keyword(std::string_view word, std::string_view where) {
  if (keyword(word)) {
    advance();
    return !failed_;
  }
  unexpected("`" + std::string(word) + "` " + std::string(where));
  return false;
}

// ---- faults ----

std::nullptr_t ExpressionParser::fail(std::string message) {
  return fail("expression.syntax", std::move(message), start_);
}

std::nullptr_t ExpressionParser::fail(std::string code, std::string message, std::size_t offset) {
  if (!failed_) {
    failed_ = true;
    fault_ = {std::move(code), std::move(message), offset};
  }
  return nullptr;
}

std::nullptr_t ExpressionParser::unexpected(const std::string& wanted) {
  std::string found = "the end";
  if (token_ == Token::quote) {
    found = "a text";
  } else if (token_ != Token::end) {
    found = "`" + std::string(text_.substr(start_, at_ - start_)) + "`";
  }
  return fail("expected " + wanted + ", found " + found);
}

std::nullptr_t ExpressionParser::unclosed(std::size_t opening, std::string_view closing) {
  const std::string_view word =
      name_start(text_[opening]) ? name_at(opening) : text_.substr(opening, 1);
  return fail(
      "expression.syntax",
      "the `" + std::string(word) + "` that starts here has no `" + std::string(closing) + "`",
      opening);
}

}  // namespace rabt::workflow

#include "hub/base/ascii.hpp"
#include "hub/workflow/expression/expression_parser.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "hub/base/utf8.hpp"

namespace rabt::workflow {

Node* ExpressionParser::parse_term() {
  const std::size_t offset = start_;
  switch (token_) {
    case Token::number: {
      Node* node = literal(number(word_), offset);
      advance();
      return node;
    }
    case Token::quote:
      return mutable_node(parse_text(Format::text));
    case Token::format:
      return parse_format();
    case Token::field: {
      Node* node = add_key(identity(offset), word_, offset);
      advance();
      return node;
    }
    case Token::variable:
      return parse_variable();
    case Token::identifier:
      return parse_word();
    case Token::op:
      break;
    case Token::end:
    case Token::bad:
      return unexpected("an expression");
  }
  if (op("..")) {
    advance();
    return make(Kind::descend, offset);
  }
  if (op(".")) {
    advance();
    if (token_ == Token::quote) {
      const Node* key = parse_text(Format::text);
      return key == nullptr ? nullptr : index(identity(offset), key, offset);
    }
    return identity(offset);
  }
  if (op("(")) {
    advance();
    const Node* inner = parse_pipe();
    if (inner == nullptr || !expect_op(")", "to close the parenthesis", offset)) return nullptr;
    // A pipe in parentheses must not be extended by keys that follow, a path may.
    return mutable_node(inner);
  }
  if (op("[")) {
    advance();
    Node* node = make(Kind::array, offset);
    node->single = true;
    if (op("]")) {
      advance();
      return node;
    }
    node->a = parse_pipe();
    if (node->a == nullptr || !expect_op("]", "to close the array", offset)) return nullptr;
    return node;
  }
  if (op("{")) return parse_object();
  return unexpected("an expression");
}

Json ExpressionParser::number(std::string_view word) {
  std::string digits(word);
  if (digits.front() == '.') digits.insert(0, "0");
  std::size_t zeros = 0;
  while (zeros + 1 < digits.size() && digits[zeros] == '0' && is_digit(digits[zeros + 1])) ++zeros;
  digits.erase(0, zeros);
  if (const auto dot = digits.find('.');
      dot != std::string::npos && (dot + 1 == digits.size() || !is_digit(digits[dot + 1]))) {
    digits.insert(dot + 1, "0");
  }
  Json value = Json::number(std::move(digits));
  // As for computed values: past the range of a double the largest one stands, which JSON can
  // hold.
  if (std::isinf(value.as_double())) return Json(std::numeric_limits<double>::max());
  return value;
}

Node* ExpressionParser::parse_variable() {
  const std::size_t offset = start_;
  const std::string_view name = word_;
  if (name == "__loc__") {
    const auto line =
        1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
    advance();
    return literal(Json::object({{"file", "<top-level>"}, {"line", line}}), offset);
  }
  Node* node = resolve_variable(name, offset);
  if (node != nullptr) advance();
  return failed_ ? nullptr : node;
}

const Node* ExpressionParser::parse_text(Format format) {
  const std::size_t offset = start_;
  std::vector<const Node*> parts;
  std::string piece;
  for (;;) {
    if (at_ >= text_.size()) {
      start_ = offset;
      return fail("the text that starts here has no closing quote");
    }
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      break;
    }
    if (c != '\\') {
      piece.push_back(c);
      ++at_;
      continue;
    }
    start_ = at_;
    const char escaped = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    at_ += 2;
    if (escaped == '(') {
      const std::size_t interpolation = start_ + 1;
      if (!piece.empty()) parts.push_back(literal(std::move(piece), start_));
      piece.clear();
      advance();
      const Node* inner = parse_pipe();
      if (inner == nullptr) return nullptr;
      if (!op(")")) {
        return token_ == Token::end ? unclosed(interpolation, ")")
                                    : unexpected("`)` to close the interpolation");
      }
      // The text goes on right behind the parenthesis.
      at_ = start_ + 1;
      if (inner->kind == Kind::literal) inner = wrap(inner);
      parts.push_back(inner);
      continue;
    }
    if (!escape(escaped, piece)) return nullptr;
  }
  advance();
  if (failed_) return nullptr;
  if (parts.empty()) return literal(std::move(piece), offset);
  if (!piece.empty()) parts.push_back(literal(std::move(piece), offset));
  Node* node = make(Kind::text, offset);
  node->format = format;
  node->list = std::move(parts);
  node->single = all_single(node->list);
  return node;
}

const Node* ExpressionParser::wrap(const Node* inner) {
  return two(Kind::pipe, identity(inner->offset), inner, inner->offset);
}

bool ExpressionParser::hex4(std::uint32_t& out) {
  if (at_ + 4 > text_.size()) return false;
  const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, out, 16);
  if (error != std::errc{} || end != text_.data() + at_ + 4) return false;
  at_ += 4;
  return true;
}

bool ExpressionParser::escape(char c, std::string& piece) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      piece.push_back(c);
      return true;
    case 'b':
      piece.push_back('\b');
      return true;
    case 'f':
      piece.push_back('\f');
      return true;
    case 'n':
      piece.push_back('\n');
      return true;
    case 'r':
      piece.push_back('\r');
      return true;
    case 't':
      piece.push_back('\t');
      return true;
    case 'u': {
      std::uint32_t code = 0;
      if (!hex4(code)) break;
      if (code >= 0xd800 && code < 0xdc00) {
        std::uint32_t low = 0;
        if (at_ + 1 < text_.size() && text_[at_] == '\\' && text_[at_ + 1] == 'u') {
          at_ += 2;
          if (!hex4(low)) break;
        }
        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10U) + (low - 0xdc00)
                                             : 0xfffd;
      } else if (code >= 0xdc00 && code < 0xe000) {
        code = 0xfffd;
      }
      append_utf8(piece, code);
      return true;
    }
    default:
      break;
  }
  fail("an escape that JSON texts do not have");
  return false;
}

Node* ExpressionParser::parse_object() {
  const std::size_t offset = start_;
  Node* node = make(Kind::object, offset);
  advance();
  while (!op("}")) {
    if (failed_) return nullptr;
    const std::size_t key_offset = start_;
    const Node* key = nullptr;
    const Node* value = nullptr;
    bool needs_value = false;
    if (token_ == Token::variable) {
      key = literal(word_, key_offset);
      value = parse_variable();
      if (value == nullptr) return nullptr;
    } else if (token_ == Token::identifier || token_ == Token::number) {
      if (token_ == Token::number) return unexpected("a key; number keys need quotes");
      key = literal(word_, key_offset);
      advance();
    } else if (token_ == Token::quote) {
      key = parse_text(Format::text);
    } else if (token_ == Token::format) {
      key = parse_format();
    } else if (op("(")) {
      advance();
      key = parse_pipe();
      if (key == nullptr || !expect_op(")", "after the key", key_offset)) return nullptr;
      needs_value = true;
    } else {
      return token_ == Token::end ? unclosed(offset, "}") : unexpected("a key or `}`");
    }
    if (key == nullptr) return nullptr;
    if (key->kind == Kind::literal && !key->value.is_string()) {
      return fail("expression.syntax", "an object's key must be a text", key_offset);
    }
    if (value == nullptr && (needs_value || op(":"))) {
      if (!expect_op(":", "after the key")) return nullptr;
      value = parse_object_value();
    } else if (value == nullptr) {
      value = index(identity(key_offset), key, key_offset);
    }
    if (value == nullptr) return nullptr;
    node->list.push_back(key);
    node->list.push_back(value);
    if (op(",")) {
      advance();
      if (op("}")) return unexpected("a key after `,`");
    } else if (!op("}")) {
      if (binary_operator()) {
        return fail("the value of a key is one term; put parentheses around `" +
                    std::string(word_) + "` and its operands");
      }
      return token_ == Token::end ? unclosed(offset, "}") : unexpected("`,` or `}` in the object");
    }
  }
  advance();
  node->single = all_single(node->list);
  return failed_ ? nullptr : node;
}

const Node* ExpressionParser::parse_object_value() {
  const Nesting nesting(*this);
  if (failed_) return nullptr;
  const std::size_t offset = start_;
  const Node* left = nullptr;
  if (op("-")) {
    advance();
    const Node* operand = parse_postfix();
    if (operand == nullptr) return nullptr;
    Node* node = make(Kind::negate, offset);
    node->a = operand;
    node->single = operand->single;
    left = node;
  } else {
    left = parse_postfix();
  }
  if (left == nullptr || !op("|")) return left;
  advance();
  return two(Kind::pipe, left, parse_object_value(), offset);
}

Node* ExpressionParser::parse_word() {
  if (word_ == "if") return parse_if();
  if (word_ == "try") return parse_try();
  if (word_ == "reduce" || word_ == "foreach") return parse_loop(word_ == "reduce");
  if (word_ == "break") return parse_break();
  if (word_ == "def" || word_ == "label") {
    return mutable_node(word_ == "def" ? parse_def() : parse_label());
  }
  if (is_reserved(word_)) return unexpected("an expression");
  return parse_call();
}

Node* ExpressionParser::parse_try() {
  const std::size_t offset = start_;
  advance();
  const Node* body = op("-") ? parse_operand() : parse_postfix();
  if (body == nullptr) return nullptr;
  const Node* handler = nullptr;
  if (keyword("catch")) {
    advance();
    handler = op("-") ? parse_operand() : parse_postfix();
    if (handler == nullptr) return nullptr;
  }
  return attempt(body, handler, offset);
}

Node* ExpressionParser::parse_break() {
  const std::size_t offset = start_;
  advance();
  if (token_ != Token::variable) return unexpected("$name after `break`");
  for (std::size_t i = scope_.size(); i-- > 0;) {
    if (scope_[i].what != Visible::What::label || scope_[i].name != word_) continue;
    Node* node = make(Kind::leave, offset);
    node->index = scope_.size() - 1 - i;
    advance();
    return node;
  }
  return fail("expression.unknown_variable",
              "there is no label $" + std::string(word_) + " around this break", start_);
}

Node* ExpressionParser::parse_if() {
  const std::size_t offset = start_;
  advance();
  const Node* when = parse_pipe();
  if (when == nullptr || !expect_keyword("then", "after the condition")) return nullptr;
  const Node* then = parse_pipe();
  if (then == nullptr) return nullptr;
  const Node* otherwise = nullptr;
  if (keyword("elif")) {
    const Nesting nesting(*this);
    if (failed_) return nullptr;
    otherwise = parse_if();
    if (otherwise == nullptr) return nullptr;
  } else {
    if (keyword("else")) {
      advance();
      otherwise = parse_pipe();
      if (otherwise == nullptr) return nullptr;
    }
    if (token_ == Token::end) return unclosed(offset, "end");
    if (!expect_keyword("end", "to close the `if`")) return nullptr;
  }
  Node* node = make(Kind::condition, offset);
  node->a = when;
  node->b = then;
  node->c = otherwise;
  node->single = when->single && then->single && (otherwise == nullptr || otherwise->single);
  return node;
}

Node* ExpressionParser::parse_loop(bool is_reduce) {
  const std::size_t offset = start_;
  advance();
  const Node* source = parse_postfix();
  if (source == nullptr) return nullptr;
  if (!keyword("as")) return unexpected("`as` after the source");
  const Patterns* patterns = parse_patterns();
  const std::size_t opening = start_;
  if (patterns == nullptr || !expect_op("(", "after the pattern")) return nullptr;
  const Node* init = parse_pipe();
  if (init == nullptr || !expect_op(";", "after the start value")) return nullptr;
  const std::size_t outer = push_variables(*patterns);
  const Node* update = parse_pipe();
  const Node* extract = nullptr;
  if (update != nullptr && !is_reduce && op(";")) {
    advance();
    extract = parse_pipe();
  }
  scope_.resize(outer);
  if (update == nullptr || failed_ || !expect_op(")", "to close the loop", opening)) return nullptr;
  Node* node = make(is_reduce ? Kind::reduce : Kind::foreach, offset);
  node->a = source;
  node->b = init;
  node->c = update;
  node->d = extract;
  node->patterns = patterns;
  node->single = is_reduce && init->single;
  return node;
}

}  // namespace rabt::workflow

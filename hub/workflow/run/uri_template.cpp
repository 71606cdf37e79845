#include "hub/workflow/run/uri_template.hpp"

#include "hub/base/ascii.hpp"
#include "hub/base/uri.hpp"

namespace rabt::workflow {

namespace {

constexpr std::string_view kReserved = ":/?#[]@!$&'()*+,;=";

// Text outside braces: what a URI may hold stays, %XX included (RFC 6570 section 3.1).
void append_literal(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2]);
    if (escape) {
      out += text.substr(i, 3);
      i += 2;
    } else {
      out += percent_encode(text.substr(i, 1), kReserved);
    }
  }
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<std::string> scalar_text(const Json& value) {
  switch (value.type()) {
    case Json::Type::null:
      return std::string();
    case Json::Type::boolean:
      return std::string(value.as_bool() ? "true" : "false");
    case Json::Type::number:
      return value.number_text();
    case Json::Type::string:
      return value.as_string();
    default:
      return std::nullopt;
  }
}

std::string uri_template_fault(std::string_view text, std::vector<std::string>* names) {
  while (true) {
    const std::size_t open = text.find_first_of("{}");
    if (open == std::string_view::npos) return {};
    if (text[open] == '}') return "`}` without `{`";
    const std::size_t close = text.find_first_of("{}", open + 1);
    if (close == std::string_view::npos || text[close] != '}') return "`{` without `}`";
    const std::string_view inside = text.substr(open + 1, close - open - 1);
    if (inside.empty()) return "`{}` names nothing";
    if (std::string_view("+#./;?&=,!@|$").find(inside.front()) != std::string_view::npos) {
      return "`{" + std::string(inside) +
             "}`: only simple expansion is supported, `{name}` without an operator";
    }
    for (const std::string_view name : split(inside, ',')) {
      if (name.empty() || name.find_first_of("*: \t\"") != std::string_view::npos) {
        return "`{" + std::string(inside) + "}`: only names are supported, without modifiers";
      }
      if (names != nullptr) names->emplace_back(name);
    }
    text.remove_prefix(close + 1);
  }
}

Result<std::string> expand_uri_template(std::string_view text, const Json& values) {
  if (const std::string fault = uri_template_fault(text); !fault.empty())
    return invalid("expression.uri_template", fault);
  std::string out;
  while (true) {
    const std::size_t open = text.find('{');
    append_literal(out, text.substr(0, open));
    if (open == std::string_view::npos) return out;
    const std::size_t close = text.find('}', open);
    std::string expanded;
    bool first = true;
    for (const std::string_view name : split(text.substr(open + 1, close - open - 1), ',')) {
      const Json* value = values.find(name);
      if (value == nullptr || value->is_null()) continue;
      const std::optional<std::string> scalar = scalar_text(*value);
      if (!scalar.has_value()) {
        return invalid("expression.uri_template",
                       "`{" + std::string(name) +
                           "}` is an array or object; a URI takes texts, "
                           "numbers, true, false and null");
      }
      if (!first) expanded += ',';
      first = false;
      expanded += percent_encode(*scalar);
    }
    const std::string_view rest = text.substr(close + 1);
    const bool whole_segment =
        out.ends_with('/') && (rest.empty() || rest.front() == '/' || rest.front() == '?');
    if (whole_segment && (expanded == "." || expanded == "..")) {
      return invalid("expression.uri_template",
                     "`{" + std::string(text.substr(open + 1, close - open - 1)) +
                         "}` is a dot segment, which would lead to another path");
    }
    out += expanded;
    text = rest;
  }
}

}  // namespace rabt::workflow

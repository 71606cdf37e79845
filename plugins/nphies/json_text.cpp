#include "json_text.hpp"

#include <utility>
#include <vector>

namespace rabt::nphies {
namespace {

// Marks a binary value as a decimal; its bytes are the digits.
constexpr std::uint8_t kDecimalSubtype = 0xD0;

// Builds a Json and keeps the source text of every number with a fraction.
class TextSax final {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  bool null() { return put(Json()); }
  bool boolean(bool value) { return put(Json(value)); }
  bool number_integer(number_integer_t value) { return put(Json(value)); }
  bool number_unsigned(number_unsigned_t value) { return put(Json(value)); }
  bool number_float(number_float_t /*value*/, const string_t& digits) {
    return put(decimal(digits));
  }
  bool string(string_t& value) { return put(Json(std::move(value))); }
  bool binary(binary_t& /*value*/) { return false; }
  bool start_object(std::size_t /*elements*/) { return open(Json::object()); }
  bool start_array(std::size_t /*elements*/) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(string_t& name) {
    if (stack_.back().contains(name)) {
      error_ = "a member name occurs twice in one object";
      return false;
    }
    keys_.back() = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*failure*/) {
    error_ = "not well-formed JSON near byte " + std::to_string(position);
    return false;
  }

  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] Json take() { return std::move(root_); }

 private:
  bool open(Json container) {
    if (stack_.size() >= static_cast<std::size_t>(kMaxJsonDepth)) {
      error_ = "nested deeper than " + std::to_string(kMaxJsonDepth);
      return false;
    }
    stack_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    Json value = std::move(stack_.back());
    stack_.pop_back();
    keys_.pop_back();
    return put(std::move(value));
  }
  bool put(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (stack_.back().is_array()) {
      stack_.back().push_back(std::move(value));
    } else {
      stack_.back()[keys_.back()] = std::move(value);
    }
    return true;
  }

  Json root_;
  std::vector<Json> stack_;
  std::vector<std::string> keys_;
  std::string error_;
};

void write_to(std::string& out, const Json& value) {
  if (value.is_object()) {
    out.push_back('{');
    bool first = true;
    for (const auto& [name, member] : value.items()) {
      if (!first) out.push_back(',');
      first = false;
      out.append(Json(name).dump());
      out.push_back(':');
      write_to(out, member);
    }
    out.push_back('}');
  } else if (value.is_array()) {
    out.push_back('[');
    bool first = true;
    for (const Json& element : value) {
      if (!first) out.push_back(',');
      first = false;
      write_to(out, element);
    }
    out.push_back(']');
  } else if (is_decimal(value)) {
    out.append(number_text(value));
  } else {
    out.append(value.dump());
  }
}

bool is_blank(const Json& value) {
  if (value.is_null()) return true;
  if (value.is_string()) {
    return value.get_ref<const std::string&>().find_first_not_of(" \t\r\n") == std::string::npos;
  }
  return (value.is_array() || value.is_object()) && value.empty();
}

}  // namespace

Json decimal(std::string_view digits) {
  return Json::binary(std::vector<std::uint8_t>(digits.begin(), digits.end()), kDecimalSubtype);
}

bool is_decimal(const Json& value) {
  return value.is_binary() && value.get_binary().has_subtype() &&
         value.get_binary().subtype() == kDecimalSubtype;
}

std::string number_text(const Json& value) {
  if (is_decimal(value)) return {value.get_binary().begin(), value.get_binary().end()};
  if (value.is_number_integer()) return value.dump();
  return {};
}

Json parse_json(std::string_view text) {
  if (text.size() > kMaxJsonBytes) {
    throw JsonError("larger than " + std::to_string(kMaxJsonBytes) + " bytes");
  }
  TextSax sax;
  if (!Json::sax_parse(text.begin(), text.end(), &sax)) throw JsonError(sax.error());
  return sax.take();
}

std::string write_json(const Json& value) {
  std::string out;
  write_to(out, value);
  return out;
}

const Json* find(const Json& root, std::string_view path) {
  const Json* at = &root;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string step(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    if (at->is_object()) {
      const auto member = at->find(step);
      if (member == at->end()) return nullptr;
      at = &*member;
    } else if (at->is_array() && step.size() <= 6 &&
               step.find_first_not_of("0123456789") == std::string::npos) {
      const auto index = static_cast<std::size_t>(std::stoul(step));
      if (index >= at->size()) return nullptr;
      at = &(*at)[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

std::string text_at(const Json& root, std::string_view path) {
  const Json* value = find(root, path);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

const Json& array_at(const Json& root, std::string_view path) {
  static const Json kEmpty = Json::array();
  const Json* value = find(root, path);
  return value != nullptr && value->is_array() ? *value : kEmpty;
}

Json without_empty(const Json& value) {
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& [name, member] : value.items()) {
      Json kept = without_empty(member);
      if (!is_blank(kept)) out[name] = std::move(kept);
    }
    return out;
  }
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& element : value) {
      Json kept = without_empty(element);
      if (!is_blank(kept)) out.push_back(std::move(kept));
    }
    return out;
  }
  return value;
}

}  // namespace rabt::nphies

#include <expat.h>

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <pugixml.hpp>

#include "hub/formats/formats.hpp"
#include "hub/mapping/limits.hpp"
#include "hub/mapping/message.hpp"
#include "rabt/charset.hpp"
#include "rabt/text.hpp"

// XML without document types: no entity is expanded but the five of XML itself.
namespace rabt::mapping {

namespace {

using formats::check_size;
using formats::check_text;

// Prefixes in scope, the innermost last.
struct Scope {
  const Scope* outer = nullptr;
  std::map<std::string, std::string, std::less<>> uris;

  [[nodiscard]] std::string_view uri(std::string_view prefix) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer) {
      if (const auto found = scope->uris.find(prefix); found != scope->uris.end())
        return found->second;
    }
    return {};
  }
};

class Walk {
 public:
  explicit Walk(const Reading& reading) : reading_(reading) {}

  Result<Json> element(const pugi::xml_node& node, const Scope* outer, std::size_t depth) {
    if (depth > limits::kMaxMappedDepth)
      return invalid("mapping.depth", "the message nests more than " +
                                          std::to_string(limits::kMaxMappedDepth) + " levels");
    RABT_TRY_STATUS(check_size(++values_));
    const Scope scope = scope_of(node, outer);
    Json out = Json::object();
    for (const pugi::xml_attribute& attribute : node.attributes()) {
      const std::string_view name = attribute.name();
      if (name == "xmlns" || name.starts_with("xmlns:")) continue;
      RABT_TRY_STATUS(check_size(++values_));
      RABT_TRY_STATUS(check_text(attribute.value(), "an attribute of the message"));
      out.set("@" + named(name, scope, false), Json(std::string(attribute.value())));
    }
    std::string text;
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
        text.append(child.value());
        continue;
      }
      if (child.type() != pugi::node_element) continue;
      const Scope inner = scope_of(child, &scope);
      const std::string name = named(child.name(), inner, true);
      RABT_TRY(value, element(child, &scope, depth + 1));
      add(out, name, std::move(value));
    }
    RABT_TRY_STATUS(check_text(text, "an element of the message"));
    const std::string_view said = sdk::trim(text);
    if (out.size() == 0) return Json(std::string(said));
    if (!said.empty()) out.set("#text", Json(std::string(said)));
    return out;
  }

  // The element's name with the prefix that the mapping has for its namespace.
  [[nodiscard]] std::string name_of(const pugi::xml_node& node) const {
    return named(node.name(), scope_of(node, nullptr), true);
  }

 private:
  static Scope scope_of(const pugi::xml_node& node, const Scope* outer) {
    Scope scope{outer, {}};
    for (const pugi::xml_attribute& attribute : node.attributes()) {
      const std::string_view name = attribute.name();
      if (name == "xmlns") scope.uris.emplace("", attribute.value());
      if (name.starts_with("xmlns:")) scope.uris.emplace(name.substr(6), attribute.value());
    }
    return scope;
  }

  [[nodiscard]] std::string named(std::string_view raw, const Scope& scope, bool element) const {
    const auto colon = raw.find(':');
    const bool bare = colon == std::string_view::npos;
    std::string local(bare ? raw : raw.substr(colon + 1));
    if (bare && !element) return local;  // an attribute without a prefix is in no namespace
    const std::string_view uri = scope.uri(bare ? std::string_view() : raw.substr(0, colon));
    const auto prefix = reading_.namespaces.find(std::string(uri));
    if (prefix == reading_.namespaces.end() || prefix->second.empty()) return local;
    return prefix->second + ":" + local;
  }

  void add(Json& out, const std::string& name, Json value) const {
    const bool listed =
        std::find(reading_.lists.begin(), reading_.lists.end(), name) != reading_.lists.end();
    Json* before = out.mutable_object().find(name);
    if (before == nullptr) {
      out.set(name, listed ? Json::array({std::move(value)}) : std::move(value));
    } else if (before->is_array()) {
      before->push_back(std::move(value));
    } else {
      Json list = Json::array({*before});
      list.push_back(std::move(value));
      *before = std::move(list);
    }
  }

  const Reading& reading_;
  std::size_t values_ = 0;
};

struct Freed {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

// Refuses what pugixml would read over: whatever is no well-formed XML with namespaces, and any
// document type.
Status check_well_formed(std::string_view text) {
  const std::unique_ptr<XML_ParserStruct, Freed> parser(XML_ParserCreateNS("UTF-8", '\n'));
  if (parser == nullptr) throw std::bad_alloc();
  bool typed = false;
  const auto refuse = [](void* seen, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    *static_cast<bool*>(seen) = true;
  };
  XML_SetUserData(parser.get(), &typed);
  XML_SetStartDoctypeDeclHandler(parser.get(), refuse);
  constexpr std::size_t kPart = 64U << 10U;
  for (std::size_t at = 0;; at += kPart) {
    const std::string_view part = text.substr(std::min(at, text.size()), kPart);
    const bool last = at + kPart >= text.size();
    const auto read =
        XML_Parse(parser.get(), part.data(), static_cast<int>(part.size()), last ? 1 : 0);
    if (typed)
      return invalid("mapping.entity",
                     "the message has a document type (<!DOCTYPE), which may define entities; "
                     "send it without");
    if (read != XML_STATUS_OK)
      return invalid(
          "mapping.syntax",
          "line " + std::to_string(XML_GetCurrentLineNumber(parser.get())) +
              " of the message is no XML: " + XML_ErrorString(XML_GetErrorCode(parser.get())));
    if (last) return ok_status();
  }
}

// The character set that the declaration names; "" if it names none.
std::string said_charset(std::string_view body) {
  if (!body.starts_with("<?xml")) return {};
  const std::string_view head = body.substr(0, body.find("?>"));
  const auto at = head.find("encoding");
  if (at == std::string_view::npos) return {};
  const auto open = head.find_first_of("'\"", at);
  if (open == std::string_view::npos) return {};
  const auto close = head.find(head[open], open + 1);
  if (close == std::string_view::npos) return {};
  return std::string(head.substr(open + 1, close - open - 1));
}

}  // namespace

Result<Json> read_xml(const Reading& reading, std::string_view body) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  std::string charset = said_charset(body);
  if (charset.empty()) charset = reading.charset;
  if (sdk::charset_of(charset).empty())
    return invalid("mapping.charset", "the declaration names a character set that is not known");
  RABT_TRY(text, decoded(charset, body));
  RABT_TRY_STATUS(check_well_formed(text));
  pugi::xml_document document;
  const auto parsed =
      document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) return invalid("mapping.syntax", std::string("no XML: ") + parsed.description());
  const pugi::xml_node root = document.document_element();
  Walk walk(reading);
  RABT_TRY(value, walk.element(root, nullptr, 1));
  return Json::object({{walk.name_of(root), std::move(value)}});
}

}  // namespace rabt::mapping

#include "hub/cli/config_reader.hpp"

// The key `audit` of the configuration.
namespace rabt::cli {

namespace {

// As a key name of C2SP signed-note; ASCII only, so that no Unicode space has to be known.
bool good_origin(std::string_view origin) {
  return !origin.empty() && std::all_of(origin.begin(), origin.end(),
                                        [](char c) { return c > ' ' && c < 0x7f && c != '+'; });
}

AuditAnchor read_anchor(Reader& reader, const YamlNode& node, const std::filesystem::path& base) {
  AuditAnchor anchor;
  if (!reader.mapping(node, "an anchor")) return anchor;
  reader.only(node, {"folder", "required"});
  reader.text(node, "folder", anchor.folder, true);
  reader.flag(node, "required", anchor.required);
  if (!anchor.folder.empty()) anchor.folder = (base / anchor.folder).lexically_normal();
  return anchor;
}

}  // namespace

void read_audit(Reader& reader, const YamlNode& root, const std::filesystem::path& base,
                Config& config) {
  config.audit.origin = "rabt.health/audit/" + config.tenant;
  const YamlEntry* audit = root.find("audit");
  int line = root.line;
  int column = root.column;
  if (audit != nullptr && reader.mapping(*audit->value, "`audit`")) {
    line = audit->line;
    column = audit->column;
    reader.only(*audit->value, {"origin", "anchors"});
    reader.text(*audit->value, "origin", config.audit.origin);
    if (const YamlEntry* anchors = audit->value->find("anchors"); anchors != nullptr) {
      if (anchors->value->kind != YamlNode::Kind::sequence) {
        reader.mistake(anchors->line, anchors->column, "`anchors` must be a list");
      } else {
        for (const auto& item : anchors->value->items)
          config.audit.anchors.push_back(read_anchor(reader, *item, base));
      }
    }
  }
  if (!good_origin(config.audit.origin)) {
    reader.mistake(line, column,
                   "the audit log needs a name of ASCII letters without spaces and `+`; set "
                   "`audit.origin`, such as hospital.example/audit");
  }
}

}  // namespace rabt::cli

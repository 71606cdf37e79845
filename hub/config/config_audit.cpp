#include <algorithm>

#include "hub/config/config_reader.hpp"
#include "hub/net/url.hpp"

// The section `audit`.
namespace rabt::config {

namespace {

// RFC 5425 section 4.1.
constexpr int kSyslogPort = 6514;

// True if a text can be a key name of C2SP signed-note. Only ASCII is taken, so that Unicode spaces
// need not be known.
bool good_origin(std::string_view origin) {
  return !origin.empty() && std::all_of(origin.begin(), origin.end(),
                                        [](char c) { return c > ' ' && c < 0x7f && c != '+'; });
}

AuditAnchor read_anchor(Reader& reader, const YamlNode& node) {
  AuditAnchor anchor;
  // A path alone is a folder.
  if (node.is_text() && !node.text().empty()) {
    anchor.folder = reader.absolute(node.text());
    return anchor;
  }
  if (!reader.mapping(node, "an anchor")) return anchor;
  reader.only(node, {"folder", "syslog", "ca", "cert", "key", "high_water", "required"});
  reader.path(node, "folder", anchor.folder);
  reader.flag(node, "required", anchor.required);
  std::string server;
  reader.text(node, "syslog", server);
  if (anchor.folder.empty() == server.empty()) {
    reader.mistake(node.line, node.column, "an anchor needs either `folder` or `syslog`");
    return anchor;
  }
  for (const auto& [key, path] :
       {std::pair{"ca", &anchor.tls.ca_file}, std::pair{"cert", &anchor.tls.client_cert_file},
        std::pair{"key", &anchor.tls.client_key_file}}) {
    if (server.empty() && node.find(key) != nullptr) {
      reader.mistake(node.line, node.column, "`" + std::string(key) + "` goes with `syslog`");
    }
    reader.path(node, key, *path);
  }
  if (anchor.tls.client_cert_file.empty() != anchor.tls.client_key_file.empty())
    reader.mistake(node.line, node.column, "`cert` and `key` go together");
  reader.integer(node, "high_water", 1, 100'000'000, anchor.high_water);
  if (server.empty()) return anchor;
  // The server is written as HOST, HOST:PORT or [IPv6]:PORT, as in a URL.
  const auto url = net::parse_url("https://" + server);
  if (!url.ok()) {
    reader.mistake(node.line, node.column,
                   "`syslog` must be a host, with its port when that is not 6514");
    return anchor;
  }
  anchor.host = url->host;
  const bool with_port = server.front() == '[' ? server.find("]:") != std::string::npos
                                               : server.find(':') != std::string::npos;
  anchor.port = with_port ? url->port : kSyslogPort;
  return anchor;
}

}  // namespace

void read_audit(Reader& reader, const YamlNode& root, Config& config) {
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
          config.audit.anchors.push_back(read_anchor(reader, *item));
      }
    }
  }
  if (!good_origin(config.audit.origin)) {
    reader.mistake(line, column,
                   "the audit log needs a name of ASCII letters without spaces and `+`; set "
                   "`audit.origin`, such as hospital.example/audit");
  }
}

}  // namespace rabt::config

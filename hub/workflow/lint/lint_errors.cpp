#include <algorithm>

#include "hub/base/suggest.hpp"
#include "hub/workflow/error_types.hpp"
#include "hub/workflow/parse/parser.hpp"

// URIs of error types that are nearly standard ones.
namespace rabt::workflow {

namespace {

constexpr std::size_t kMaxHost = 128;  // longer names are not compared: the distance is quadratic

bool near_standard_host(std::string_view host) {
  if (host.starts_with("www.")) host.remove_prefix(4);
  if (host.size() > kMaxHost) return false;
  if (host.find("serverlessworkflow") != std::string_view::npos ||
      host.find("serverless-workflow") != std::string_view::npos ||
      host.find("workflow-specification") != std::string_view::npos)
    return true;
  constexpr std::size_t kTypos = 3;
  return edit_distance(host, "open-workflow-specification.org") <= kTypos ||
         edit_distance(host, "serverlessworkflow.io") <= kTypos;
}

}  // namespace

void Parser::check_error_type(const YamlNode& node) {
  if (!node.is_text() || enclosed(node.text()).kind != Enclosed::Kind::literal) return;
  model_->error_types.insert(node.text());
  const std::vector<std::string>& names = standard_error_names();
  const auto refuse = [&](std::string message, const std::string& near) {
    error(node, "workflow.unknown_error_type", std::move(message),
          near.empty() ? std::string() : "did you mean `" + error_type(near) + "`?");
  };
  const std::string& text = node.text();
  if (const std::string_view name = standard_error_name(text); !name.empty()) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      refuse("the specification has no error type `" + std::string(name) + "`",
             nearest(name, names));
    return;
  }
  const std::size_t scheme = text.find("://");
  if (scheme == std::string::npos) {
    if (text.find_first_of(":/") != std::string::npos) return;  // another URI, or a relative one
    refuse("`" + text + "` is no URI: an error's type is one", nearest(text, names));
    return;
  }
  const std::string_view host =
      std::string_view(text).substr(scheme + 3).substr(0, text.find('/', scheme + 3) - scheme - 3);
  if (!near_standard_host(host)) return;
  const std::string_view last = std::string_view(text).substr(text.rfind('/') + 1);
  const std::string near = nearest(last, names);
  if (near.empty()) return;  // an error of the author's own under that host, as in the kit
  refuse("this is no URI of a standard error, though it looks like one", near);
}

}  // namespace rabt::workflow

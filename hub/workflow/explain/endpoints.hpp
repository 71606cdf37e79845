#pragma once

#include <string>
#include <vector>

#include "hub/workflow/yaml/yaml.hpp"

// Needs of a workflow file from the configuration, except roles, with their places. Pure.
namespace rabt::workflow {

struct Literal {
  std::string text;
  int line = 0;
  int column = 0;

  friend bool operator==(const Literal&, const Literal&) = default;
};

// use.secrets of a file.
[[nodiscard]] std::vector<Literal> declared_secrets(const YamlNode& root);

// The origins (scheme://host[:port]) that the file writes out for its HTTP requests: endpoints of
// call: http, documents of call: openapi, authorities of oauth2 and oidc. What an expression makes,
// or a host with a template in it, is known at run time only and is not among them.
[[nodiscard]] std::vector<Literal> literal_origins(const YamlNode& root);

}  // namespace rabt::workflow

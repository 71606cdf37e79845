#include "hub/identity/principal.hpp"

#include <array>
#include <utility>

namespace rabt::identity {

namespace {

constexpr std::array<std::pair<Role, std::string_view>, 12> kRoles{
    {{Role::admin, "admin"},
     {Role::security_officer, "security_officer"},
     {Role::engineer, "engineer"},
     {Role::operator_, "operator"},
     {Role::auditor, "auditor"},
     {Role::integration, "integration"},
     {Role::doctor, "doctor"},
     {Role::specialist, "specialist"},
     {Role::nurse, "nurse"},
     {Role::desk, "desk"},
     {Role::patient, "patient"},
     {Role::guest, "guest"}}};

}  // namespace

std::string_view to_string(Role role) {
  for (const auto& [one, name] : kRoles) {
    if (one == role) return name;
  }
  return {};
}

std::optional<Role> parse_role(std::string_view text) {
  for (const auto& [one, name] : kRoles) {
    if (name == text) return one;
  }
  return std::nullopt;
}

std::vector<std::string> Roles::names() const {
  std::vector<std::string> out;
  for (const auto& [one, name] : kRoles) {
    if (has(one)) out.emplace_back(name);
  }
  return out;
}

std::string Principal::actor() const {
  switch (kind) {
    case Kind::anonymous:
      return "anonymous";
    case Kind::person:
      return "person:" + id;
    case Kind::client:
      return "client:" + id + (person.empty() ? "" : "/person:" + person);
    case Kind::source:
      return "source:" + id;
    case Kind::plugin:
      return "plugin:" + id;
    case Kind::node:
      return "node:" + id;
    case Kind::local:
      return "local:" + id + (person.empty() ? "" : "/person:" + person);
    case Kind::guest:
      return "guest:" + id;
  }
  return {};
}

}  // namespace rabt::identity

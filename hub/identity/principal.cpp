#include "hub/identity/principal.hpp"

namespace rabt::identity {

std::string Principal::actor() const {
  switch (kind) {
    case Kind::anonymous:
      return "anonymous";
    case Kind::person:
      return "person:" + id;
    case Kind::client:
      return "client:" + id;
    case Kind::source:
      return "source:" + id;
    case Kind::plugin:
      return "plugin:" + id;
    case Kind::node:
      return "node:" + id;
    case Kind::local:
      return "local:" + id;
  }
  return {};
}

}  // namespace rabt::identity

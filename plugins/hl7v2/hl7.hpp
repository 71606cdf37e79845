#pragma once

#include "rabt/hl7.hpp"

// The reader of the SDK, under the name that this plugin has for it.
namespace rabt::hl7v2 {

using namespace sdk::hl7;
using sdk::charset_of;
using sdk::from_utf8;
using sdk::to_utf8;

}  // namespace rabt::hl7v2

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rabt::consultation {

// The text in the header of a DICOM file (PS3.10 section 7, PS3.5 section 7), for the detector of
// patient data: a line for each value of text, names in the order in which people say them, dates
// as ISO 8601. Values in sequences and private ones count; pixels do not. At most `most` bytes, in
// UTF-8. Never fails: the part that can be read is read. Pure.
[[nodiscard]] std::string dicom_text(std::string_view file, std::size_t most);

}  // namespace rabt::consultation

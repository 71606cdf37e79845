#pragma once

// Acknowledgements of HL7 v2, in original and enhanced mode. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rabt/hl7.hpp"
#include "rabt/text.hpp"
#include "rabt/time.hpp"

namespace rabt::sdk::hl7 {

// Versions of the standard that are taken.
inline constexpr std::array<std::string_view, 12> kVersions{
    "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2"};

// Writes acknowledgements of one message. msh: its header, which outlives this; null if it has
// none that can be read. now: Unix seconds. The texts are UTF-8 without patient data.
struct Acknowledger {
  const Segment* msh;
  std::int64_t now;

  // The last letter of the code, A, E or R, in the mode that the sender asks for; "" when he wants
  // no answer of this kind.
  [[nodiscard]] std::string code(char result) const {
    const std::string accept = text_of(15);
    const std::string application = text_of(16);
    if (accept.empty() && application.empty()) return {'A', result};
    const auto asked = [&](const std::string& when) {
      return when == "AL" || when == (result == 'A' ? "SU" : "ER");
    };
    if (accept == "AL" || accept == "SU" || accept == "ER")
      return asked(accept) ? std::string{'C', result} : std::string();
    return asked(application) ? std::string{'A', result} : std::string();
  }

  // The message. fault: what was wrong, for results E and R.
  [[nodiscard]] std::string write(char result, const Fault* fault) const {
    const std::string said = code(result);
    if (said.empty()) return {};
    const std::string trigger = text_of(9, 2);
    const std::string id = text_of(10);
    std::string version = text_of(12);
    if (std::find(kVersions.begin(), kVersions.end(), version) == kVersions.end())
      version = "2.5.1";
    std::string time = sdk::write_instant(now);  // UTC
    std::erase_if(time, [](char c) { return !sdk::is_digit(c); });
    Writer out;
    out.segment("MSH")
        .encoded(3, encoded_of(5))
        .encoded(4, encoded_of(6))
        .encoded(5, encoded_of(3))
        .encoded(6, encoded_of(4))
        .text(7, time.substr(0, 14) + "+0000")
        .parts(9, trigger.empty() ? std::vector<std::string>{"ACK"}
                                  : std::vector<std::string>{"ACK", trigger, "ACK"})
        .text(10, id.empty() ? "0" : id)
        .text(11, text_of(11).empty() ? "P" : text_of(11))
        .text(12, version)
        .text(18, "UNICODE UTF-8");
    out.segment("MSA").text(1, said).text(2, id);
    if (fault == nullptr) return out.str();
    const std::string number = std::to_string(fault->code());
    out.segment("ERR")
        .parts(2, {fault->segment(), fault->segment().empty() ? "" : "1",
                   fault->field() == 0 ? "" : std::to_string(fault->field())})
        .parts(3, {number, std::string(words_of(fault->code())), "HL70357"})
        .text(4, "E")
        .text(8, fault->what());
    return out.str();
  }
  [[nodiscard]] std::string refuse(const Fault& fault) const {
    return write(fault.code() >= kUnsupportedMessage ? 'R' : 'E', &fault);
  }

 private:
  [[nodiscard]] std::string text_of(std::size_t field, int component = 1) const {
    return msh == nullptr ? std::string() : msh->text(field, component);
  }
  [[nodiscard]] std::string encoded_of(std::size_t field) const {
    return msh == nullptr ? std::string() : msh->first(field).encoded();
  }
};

}  // namespace rabt::sdk::hl7

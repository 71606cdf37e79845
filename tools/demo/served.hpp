#pragma once

#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "tools/demo/people.hpp"

// Content of a demonstration that stays up, for a person with a browser.
namespace rabt::demo {

// A visit of the doctor and the patient in five minutes, and free times of both doctors in the next
// days. Errors: those of the hub's answers.
[[nodiscard]] Status open_clinic(People& people, const Clock& clock);

// The address of the pages, and who signs in with what, for a terminal.
[[nodiscard]] std::string sign_in_table(const People& people, const std::string& url,
                                        bool real_video);

}  // namespace rabt::demo

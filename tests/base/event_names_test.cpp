#include "hub/base/event_names.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace rabt::event_names_test {
namespace {

std::string source_dir() {
  const char* folder = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  return folder != nullptr ? folder : ".";
}
std::string whole(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}
std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const auto start = text.find(from);
  const auto end = text.find(to, start);
  return start == std::string::npos || end == std::string::npos ? ""
                                                                : text.substr(start, end - start);
}

// Symptom: webhooks and workflows waited for events that never come.
// Cause: the events stood in a page alone, and nothing compared a name with it.
// Here: the list that names are compared with is that of the page.
TEST(EventNames, AreThoseOfThePage) {
  const std::string page = whole(source_dir() + "/docs/consultation.md");
  std::istringstream listed(
      between(page, "with ids and without names", "The patient is a pseudonym"));
  std::set<std::string> of_page{"provider.presence-changed",
                                "provider.availability-changed",
                                "provider.rung",
                                "provider.ring-ended",
                                "metering.threshold",
                                "patient.merged",
                                "patient.unmerged",
                                "alert.opened",
                                "alert.closed",
                                "compliance.changed",
                                "task.opened",
                                "task.decided",
                                "task.overdue"};
  std::string stem;
  std::string text;
  for (bool quoted = false; std::getline(listed, text, '`'); quoted = !quoted) {
    if (!quoted) continue;
    if (text.starts_with('-')) text = stem + text;
    stem = text.substr(0, text.find('-'));
    of_page.insert("session." + text);
  }
  EXPECT_EQ(of_page, std::set<std::string>(event_names().begin(), event_names().end()));
  const std::string others = between(page, "What belongs to no session", "\n\n");
  for (const std::string& name : event_names()) {
    if (name.starts_with("session.")) continue;
    EXPECT_NE(others.find("." + name + ".v1"), std::string::npos) << name;
  }
}

// The other way, put_event and add_event refuse what the list does not have.
TEST(EventNames, EachIsToldSomewhere) {
  std::string code;
  for (const char* const folder : {"/hub/consultation", "/hub/alerts"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(source_dir() + folder)) {
      if (entry.path().extension() != ".md") code += whole(entry.path());
    }
  }
  for (const std::string& name : event_names()) {
    const bool of_session = name.starts_with("session.");
    EXPECT_NE(code.find('"' + (of_session ? name.substr(8) : name) + '"'), std::string::npos)
        << name;
  }
}

TEST(EventNames, ATypeHasPrefixAndVersion) {
  EXPECT_EQ(event_type("session.created"), "org.rabt.hub.session.created.v1");
  EXPECT_EQ(event_name("org.rabt.hub.session.created.v1"), "session.created");
  EXPECT_EQ(event_name("org.rabt.hub.v1"), "");
  EXPECT_EQ(event_name("org.rabt.hub..v1"), "");
  EXPECT_EQ(event_name("org.rabt.session.created.v1"), "");
  EXPECT_EQ(event_name("org.rabt.hub.session.created"), "");
  EXPECT_TRUE(is_hub_type("org.rabt.hub.session.create.v1"));
  EXPECT_FALSE(is_event_name("session.create"));
}

}  // namespace
}  // namespace rabt::event_names_test

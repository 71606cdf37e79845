#include "tools/check/command.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "hub/base/descriptor.hpp"
#include "hub/base/printable.hpp"
#include "hub/plugin/package/durable_files.hpp"
#include "hub/plugin/package/package_files.hpp"
#include "tools/check/report.hpp"
#include "tools/check/runner.hpp"

namespace rabt::check {

namespace {

Settings settings_of(const CommandLine& request) {
  Settings settings;
  settings.path = request.path;
  settings.previous = request.previous;
  settings.examples = request.examples;
  settings.key = request.key;
  settings.seed = request.seed;
  settings.fuzz_seconds = request.fuzz_seconds;
  settings.first_case = request.first_case;
  settings.process_cases = request.process_cases;
  return settings;
}

int list_tests(bool json) {
  Json all = Json::array();
  for (const TestInfo& test : all_tests()) {
    if (!json) {
      std::printf("%-10s%-32s%-4s%.*s\n", std::string(to_string(test.group)).c_str(),
                  std::string(test.name).c_str(), std::string(test.clause).c_str(),
                  static_cast<int>(test.sentence.size()), test.sentence.data());
      continue;
    }
    Json item = Json::object(
        {{"id", test.name}, {"group", to_string(test.group)}, {"sentence", test.sentence}});
    if (!test.clause.empty()) item.set("clause", Json(test.clause));
    all.push_back(std::move(item));
  }
  if (json) std::printf("%s\n", all.dump_pretty().c_str());
  return 0;
}

// Durable when ok. What the package holds is not trusted here: the report takes the place of
// whatever has its name, and a link is not followed.
Status write_report(const std::string& folder, const Report& report, const std::string& text) {
  RABT_TRY(files, plugin::PackageFiles::read(folder));
  if (plugin::digest_of(files) != report.digest)
    return conflict("cli.check",
                    folder + " changed while it was checked: no report is written; check it again");
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open())
    return unavailable("cli.check",
                       folder + " cannot be opened as a folder: " + std::strerror(errno));
  return plugin::replace_file(fd.get(), std::string(plugin::kReportFile), text);
}

}  // namespace

int check_package(const CommandLine& request) {
  if (request.list) return list_tests(request.json);
  if (request.path.empty())
    return complain(invalid("cli.check", "name the folder of a package, or give --list"));
  if (std::error_code unread; !std::filesystem::exists(request.path, unread))
    return complain(not_found("cli.check", request.path +
                                               " is not there; build the plugin and name the "
                                               "folder of its package"));
  RunOptions run_options;
  run_options.settings = settings_of(request);
  run_options.only = request.only;
  std::string skip_file = request.skip_file;
  if (skip_file.empty() && std::filesystem::exists("rabt-check.yaml"))
    skip_file = "rabt-check.yaml";
  if (!skip_file.empty()) {
    auto skip = read_skip_file(skip_file);
    if (!skip.ok()) return complain(skip.error());
    run_options.skip = std::move(skip).value();
  }
  const auto report = run(run_options, [&](const TestResult& result) {
    if (request.json) return;
    std::fputs(line_of(result).c_str(), stdout);
    std::fflush(stdout);
  });
  if (!report.ok()) return complain(report.error());
  const std::string json = to_json(*report, SystemClock().now()).dump_pretty() + "\n";
  if (request.json) {
    std::fputs(json.c_str(), stdout);
  } else {
    std::printf("\n%s %s: %s", printable(report->plugin).c_str(),
                printable(report->version).c_str(), summary_of(*report).c_str());
    if (request.fuzz_seconds > 0)
      std::printf("seed %llu\n", static_cast<unsigned long long>(request.seed));
  }
  if (request.write_report) {
    if (!request.only.empty())
      return complain(invalid("cli.check", "a report holds all tests: leave --only away"));
    if (const Status written = write_report(request.path, *report, json); !written.ok())
      return complain(written.error());
  }
  return report->good() ? 0 : 1;
}

int run_one_test(const CommandLine& request) {
  const TestInfo* test = find_test(request.only);
  if (test == nullptr)
    return complain(invalid("cli.check", "there is no such test; --list shows them"));
  return run_as_child(test->id, settings_of(request));
}

}  // namespace rabt::check

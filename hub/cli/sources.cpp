#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include "hub/args/args.hpp"
#include "hub/base/bytes.hpp"
#include "hub/cli/commands.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/mapping/cases.hpp"
#include "hub/mapping/inspect.hpp"
#include "hub/mapping/limits.hpp"
#include "hub/mapping/mapping.hpp"

// rabt sources: mapping files, without a hub.
namespace rabt::cli {

namespace {

namespace fs = std::filesystem;
using mapping::Mapping;

struct SourcesOptions {
  std::vector<std::string> files;
  std::string mapping;
  std::string body;
  std::string format;
  std::string charset = "UTF-8";
  std::string separator = ",";
};

int wrong(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 2;
}

std::string beside(const std::string& file, const std::string& name) {
  return (fs::path(file).parent_path() / name).string();
}

std::string digest_of(std::string_view body) {
  return to_hex(as_bytes(as_text(crypto::sha256(body))));
}

// The mapping of a file; null after messages on standard error.
std::shared_ptr<const Mapping> load_mapping(const std::string& path) {
  const auto files = mapping::read_files(path);
  if (!files.ok()) {
    wrong(files.error().message);
    return nullptr;
  }
  auto outcome = Mapping::compile(*files);
  for (const auto& diagnostic : outcome.diagnostics) wrong(to_string(diagnostic, path));
  return outcome.mapping;
}

// ---- lint ----

// Findings of all samples of one mapping.
struct Findings {
  bool failed = false;
  std::set<std::string> read;
  std::set<std::string> unread;
  std::vector<std::string> warnings;
};

// Looks at what the mapping makes of a sample.
void lint_sample(const std::string& path, const Mapping& mapping, const mapping::Sample& sample,
                 Findings& findings) {
  const auto fail = [&](const std::string& what) {
    wrong(path + ": error: sample " + sample.file + ": " + what);
    findings.failed = true;
  };
  const auto body = mapping::read_part(beside(path, sample.file), limits::kMaxRequestBody);
  if (!body.ok()) return fail(body.error().message);
  const auto taken = mapping.take({.body = *body, .digest = digest_of(*body), .source = "sample"});
  if (!taken.refused.empty()) return fail("is refused: " + taken.refused);
  const auto message = mapping::read_message(mapping.reading(), *body);
  if (!message.ok()) return fail(message.error().message);
  const auto found = mapping::inspect(mapping, *message, mapping::shared_shapes());
  findings.read.insert(found.read.begin(), found.read.end());
  findings.unread.insert(found.unread.begin(), found.unread.end());
  for (const auto& leak : found.leaks)
    findings.warnings.push_back("sample " + sample.file + ": patient data of " + leak.from +
                                " reach " + leak.to + " of " + leak.type +
                                ", which is not marked with x-phi");
  if (found.partial)
    findings.warnings.push_back("sample " + sample.file + ": it has more than " +
                                std::to_string(mapping::kMaxProbes) +
                                " fields, and was looked at in part; take a smaller one");
}

// A place that the mapping names as one that nobody needs, or that lies below one.
bool is_left(const Mapping& mapping, const std::string& place) {
  return std::any_of(
      mapping.unread().begin(), mapping.unread().end(),
      [&](const std::string& text) { return (place + "/").starts_with(text + "/"); });
}

int lint(const SourcesOptions& options) {
  int code = 0;
  for (const std::string& path : options.files) {
    const auto mapping = load_mapping(path);
    if (mapping == nullptr) {
      code = 1;
      continue;
    }
    Findings findings;
    for (const auto& sample : mapping->samples()) lint_sample(path, *mapping, sample, findings);
    for (const std::string& place : findings.unread) {
      if (!findings.read.contains(place) && !is_left(*mapping, place))
        findings.warnings.push_back("no rule reads " + place);
    }
    if (mapping->samples().empty())
      findings.warnings.emplace_back("no `samples`: nothing says what the mapping misses");
    for (const std::string& warning : findings.warnings)
      std::fprintf(stderr, "%s: warning: %s\n", path.c_str(), warning.c_str());
    if (findings.failed) {
      code = 1;
      continue;
    }
    const std::size_t count = findings.warnings.size();
    std::printf("%s: good, %zu warning%s\n", path.c_str(), count, count == 1 ? "" : "s");
  }
  return code;
}

// ---- try ----

bool is_synthetic(const std::string& path, const Mapping& mapping, const std::string& body) {
  return std::any_of(mapping.samples().begin(), mapping.samples().end(), [&](const auto& sample) {
    std::error_code failure;
    return sample.synthetic && fs::equivalent(beside(path, sample.file), body, failure);
  });
}

int try_one(const SourcesOptions& options) {
  const auto mapping = load_mapping(options.mapping);
  if (mapping == nullptr) return 2;
  const auto body = mapping::read_part(options.body, limits::kMaxRequestBody);
  if (!body.ok()) return wrong(body.error().message);
  const auto taken = mapping->take({.body = *body, .digest = digest_of(*body), .source = "try"});
  if (!taken.refused.empty()) {
    std::printf("refused: %s\n", taken.refused.c_str());
    return 1;
  }
  const bool shown = is_synthetic(options.mapping, *mapping, options.body);
  if (taken.events.size() == 0) std::printf("taken; it becomes no event\n");
  for (const Json& event : taken.events.as_array()) {
    if (shown) {
      std::printf("%s\n", event.dump_pretty().c_str());
      continue;
    }
    std::printf("%s\n", event.string_or("type", "").c_str());
    for (const auto& [place, type] : mapping::leaves(event))
      std::printf("  %s  %s\n", place.c_str(), type.c_str());
  }
  if (!shown)
    std::fprintf(stderr,
                 "values are shown of a sample that the mapping marks as `synthetic: true`\n");
  return 0;
}

// ---- test ----

// Gives the number of cases that failed, or -1 after an error.
int test_file(const std::string& path) {
  const auto text = mapping::read_part(path, limits::kMaxWorkflowBytes);
  if (!text.ok()) {
    wrong(text.error().message);
    return -1;
  }
  const auto file = mapping::read_cases(*text, path);
  if (!file.ok()) {
    wrong(file.error().message);
    return -1;
  }
  const auto mapping = load_mapping(beside(path, file->mapping));
  if (mapping == nullptr) return -1;
  int failed = 0;
  for (const mapping::Case& one : file->cases) {
    std::string body = one.text;
    if (!one.file.empty()) {
      auto read = mapping::read_part(beside(path, one.file), limits::kMaxRequestBody);
      if (!read.ok()) {
        wrong(path + ":" + std::to_string(one.line) + ": " + read.error().message);
        return -1;
      }
      body = *std::move(read);
    }
    const auto taken = mapping->take({.body = body, .digest = digest_of(body), .source = "test"});
    const auto different = mapping::differences(one, taken, file->synthetic);
    std::printf("%s  %s\n", different.empty() ? "ok    " : "FAILED", one.name.c_str());
    for (const std::string& line : different)
      std::printf("        %s:%d: %s\n", path.c_str(), one.line, line.c_str());
    if (!different.empty()) ++failed;
  }
  std::printf("%s: %zu cases, %d failed\n", path.c_str(), file->cases.size(), failed);
  return failed;
}

int test_all(const SourcesOptions& options) {
  int code = 0;
  for (const std::string& path : options.files) {
    const int failed = test_file(path);
    if (failed < 0) code = 2;
    if (failed > 0) code = std::max(code, 1);
  }
  return code;
}

// ---- schema ----

int schema(const SourcesOptions& options) {
  static constexpr std::array<std::pair<std::string_view, mapping::Format>, 6> kFormats{
      {{"json", mapping::Format::json},
       {"xml", mapping::Format::xml},
       {"csv", mapping::Format::csv},
       {"hl7v2", mapping::Format::hl7v2},
       {"form", mapping::Format::form},
       {"fhir", mapping::Format::fhir}}};
  std::string format = options.format;
  if (format.empty()) format = fs::path(options.body).extension().string();
  if (format.starts_with('.')) format.erase(0, 1);
  if (format == "hl7") format = "hl7v2";
  const auto* found = std::find_if(kFormats.begin(), kFormats.end(),
                                   [&](const auto& one) { return one.first == format; });
  if (found == kFormats.end())
    return wrong(
        "--format must be json, xml, csv, hl7v2, form or fhir; the name of the file does "
        "not say it");
  const auto body = mapping::read_part(options.body, limits::kMaxRequestBody);
  if (!body.ok()) return wrong(body.error().message);
  mapping::Reading reading{.format = found->second, .charset = options.charset};
  if (!options.separator.empty()) reading.separator = options.separator.front();
  const auto message = mapping::read_message(reading, *body);
  if (!message.ok()) return wrong(message.error().message);
  Json draft = mapping::draft_schema(*message);
  // The schema of CSV is that of a row.
  if (reading.format == mapping::Format::csv) draft = Json(draft["items"]);
  std::printf("%s\n", draft.dump_pretty().c_str());
  std::fprintf(stderr, "a draft: look at every field, and at every x-phi, which is a guess\n");
  return 0;
}

}  // namespace

void add_sources_commands(args::Command& program, int& code) {
  auto options = std::make_shared<SourcesOptions>();
  auto* group =
      program.add_subcommand("sources", "Check, try and test mapping files (docs/sources.md)");
  group->require_subcommand();

  auto* one = group->add_subcommand(
      "lint", "Check mapping files, and name parts of samples that they leave out");
  one->add_option("files", options->files, "Mapping files")->required();
  one->callback([options, &code] { code = lint(*options); });

  one = group->add_subcommand("try", "Show the result of a mapping for a body");
  one->footer(
      "Values are shown for samples that the mapping marks as synthetic; otherwise only places and "
      "types. Exit status 1: the body is refused");
  one->add_option("mapping", options->mapping, "The mapping file")->required();
  one->add_option("body", options->body, "A file with the body")->required();
  one->callback([options, &code] { code = try_one(*options); });

  one = group->add_subcommand("test", "Run tests of mappings");
  one->add_option("files", options->files, "Files of cases, such as clinic.test.yaml")->required();
  one->callback([options, &code] { code = test_all(*options); });

  one = group->add_subcommand("schema", "Draft a schema from a sample");
  one->add_option("sample", options->body, "A file with a body")->required();
  one->add_option("--format", options->format,
                  "json, xml, csv, hl7v2, form or fhir (default: by the name of the file)");
  one->add_option("--charset", options->charset, "Character set of xml, csv and form");
  one->add_option("--separator", options->separator, "Separator of csv");
  one->callback([options, &code] { code = schema(*options); });
}

}  // namespace rabt::cli

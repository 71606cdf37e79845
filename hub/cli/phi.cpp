#include <array>
#include <cstdio>
#include <memory>

#include "hub/args/args.hpp"
#include "hub/base/json.hpp"
#include "hub/base/utf8.hpp"
#include "hub/cli/commands.hpp"
#include "hub/config/config.hpp"
#include "hub/phi/detector.hpp"

// rabt phi
namespace rabt::cli {

namespace {

struct PhiScanOptions {
  // Files to read. - is standard input, and so is an empty list.
  std::vector<std::string> files;
  // A configuration with patterns of record numbers, or empty.
  std::string config;
  double min_score = 0.5;
  bool json = false;
  bool mask = false;
};

// The most bytes that are read from standard input.
constexpr std::size_t kMaxScanned = 1U << 30U;

Result<std::string> read_input(const std::string& path) {
  if (path != "-") return config::read_text(path);
  std::string text;
  std::array<char, 65536> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), stdin)) {
    text.append(buffer.data(), got);
    if (text.size() > kMaxScanned)
      return invalid("phi.size", "the input has more than 1 GiB; scan it in parts");
  }
  return text;
}

// Turns byte offsets into lines and columns. Offsets must not fall; columns count characters.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {}
  void go(std::size_t offset) {
    for (; at_ < offset; ++at_) {
      if (text_[at_] == '\n') {
        ++line_;
        column_ = 1;
      } else if (!continues_utf8(text_[at_])) {
        ++column_;
      }
    }
  }
  [[nodiscard]] std::size_t line() const { return line_; }
  [[nodiscard]] std::size_t column() const { return column_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
};

void print(const std::string& file, std::string_view text,
           const std::vector<phi::Finding>& findings, bool json) {
  Places places(text);
  for (const phi::Finding& finding : findings) {
    places.go(finding.begin);
    const std::string kind(phi::to_string(finding.kind));
    if (json) {
      Json line = Json::object({{"file", file},
                                {"class", kind},
                                {"begin", finding.begin},
                                {"end", finding.end},
                                {"line", places.line()},
                                {"column", places.column()}});
      std::array<char, 16> score{};
      std::snprintf(score.data(), score.size(), "%.2f", finding.score);
      line.set("score", Json::number(score.data()));
      std::printf("%s\n", line.dump().c_str());
    } else {
      std::printf("%s:%zu:%zu: %s, bytes %zu to %zu, score %.2f\n", file.c_str(), places.line(),
                  places.column(), kind.c_str(), finding.begin, finding.end, finding.score);
    }
  }
}

// Prints where patient data was found, without the values; with `mask`, prints the text with the
// values masked.
int scan(const PhiScanOptions& options) {
  phi::DetectorOptions detector_options;
  detector_options.min_score = options.min_score;
  if (!options.config.empty()) {
    const auto config = config::load_config(options.config);
    if (!config.ok()) {
      std::fprintf(stderr, "%s\n", config.error().message.c_str());
      return 2;
    }
    detector_options.mrn_patterns = config->privacy.detector.mrn_patterns;
  }
  const auto detector = phi::Detector::make(detector_options);
  if (!detector.ok()) {
    std::fprintf(stderr, "%s\n", detector.error().message.c_str());
    return 2;
  }
  std::vector<std::string> files = options.files;
  if (files.empty()) files.emplace_back("-");
  int code = 0;
  for (const std::string& file : files) {
    const auto text = read_input(file);
    if (!text.ok()) {
      std::fprintf(stderr, "%s: %s\n", file.c_str(), text.error().message.c_str());
      return 2;
    }
    const auto findings = (*detector)->find(*text);
    if (!findings.empty()) code = 1;
    if (options.mask) {
      const std::string masked = phi::mask(*text, findings);
      std::fwrite(masked.data(), 1, masked.size(), stdout);
    } else {
      print(file, *text, findings, options.json);
    }
  }
  return std::fflush(stdout) == 0 ? code : 2;
}

}  // namespace

void add_phi_commands(args::Command& program, int& code) {
  auto* group = program.add_subcommand("phi", "Find patient data in text");
  group->require_subcommand();
  auto options = std::make_shared<PhiScanOptions>();
  auto* command = group->add_subcommand("scan", "Report where text holds patient data");
  command->footer(
      "Exit status 0: nothing was found, 1: something was found, 2: a file or the configuration "
      "cannot be read");
  command->add_option("files", options->files,
                      "Text files; - is standard input (default: standard input)");
  command->add_option("-c,--config", options->config,
                      "Configuration whose patterns of record numbers are searched for too");
  command
      ->add_option("--min-score", options->min_score,
                   "Leave out findings with a lower score than this")
      ->between(0.0, 1.0)
      ->capture_default_str();
  auto* json = command->add_flag("--json", options->json, "Print one JSON object for each finding");
  command
      ->add_flag("--mask", options->mask, "Print the text with patient data replaced by its class")
      ->excludes(json);
  command->callback([options, &code] { code = scan(*options); });
}

}  // namespace rabt::cli

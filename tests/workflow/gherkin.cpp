#include "gherkin.hpp"

#include <algorithm>
#include <array>

namespace rabt::gherkin {

namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

struct Line {
  std::string_view raw;
  std::string_view body;  // trimmed
  int number = 0;
};

struct Problem {
  Fault fault;
};

class Parser {
 public:
  explicit Parser(std::string_view text) {
    int number = 0;
    while (true) {
      const std::size_t end = text.find('\n');
      std::string_view line = text.substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      lines_.push_back({line, trim(line), ++number});
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
  }

  Feature run() {
    std::vector<std::string> tags = read_tags();
    if (!more()) fail(lines_.back().number, "a feature file starts with `Feature:`");
    const std::optional<std::string> name = titled("Feature:");
    if (!name) fail(line().number, "a feature file starts with `Feature:`");
    feature_.name = *name;
    feature_.tags = std::move(tags);
    ++at_;
    description();
    bool first = true;
    while (true) {
      std::vector<std::string> own = read_tags();
      if (!more()) {
        if (!own.empty()) fail(lines_.back().number, "tags without a scenario");
        break;
      }
      if (const auto title = titled("Background:")) {
        if (!first) fail(line().number, "`Background:` stands before every scenario");
        if (!own.empty()) fail(line().number, "a background takes no tags");
        ++at_;
        description();
        background_ = steps();
      } else if (const auto outline = titled_one({"Scenario Outline:", "Scenario Template:"})) {
        read_outline(*outline, std::move(own));
      } else if (const auto scenario = titled_one({"Scenario:", "Example:"})) {
        Scenario one;
        one.name = *scenario;
        one.line = line().number;
        one.tags = with(feature_.tags, own);
        ++at_;
        description();
        one.steps = background_;
        for (Step& step : steps()) one.steps.push_back(std::move(step));
        keep(std::move(one));
      } else if (titled("Rule:")) {
        fail(line().number, "`Rule:` is not read here");
      } else {
        fail(line().number, "expected `Scenario:`, found `" + shortened(line().body) + "`");
      }
      first = false;
    }
    return std::move(feature_);
  }

 private:
  [[noreturn]] static void fail(int number, std::string message) {
    throw Problem{{std::move(message), number}};
  }
  static std::string shortened(std::string_view text) {
    return std::string(text.substr(0, 40)) + (text.size() > 40 ? "..." : "");
  }
  static std::vector<std::string> with(std::vector<std::string> list,
                                       const std::vector<std::string>& other) {
    list.insert(list.end(), other.begin(), other.end());
    return list;
  }

  // Skips blank lines and comments.
  bool more() {
    while (at_ < lines_.size() && (line().body.empty() || line().body.starts_with('#'))) {
      if (line().body.starts_with("# language:") && trim(line().body.substr(11)) != "en") {
        fail(line().number, "only English keywords are read");
      }
      ++at_;
    }
    return at_ < lines_.size();
  }
  [[nodiscard]] const Line& line() const { return lines_[at_]; }

  [[nodiscard]] std::optional<std::string> titled(std::string_view keyword) const {
    if (!line().body.starts_with(keyword)) return std::nullopt;
    return std::string(trim(line().body.substr(keyword.size())));
  }
  [[nodiscard]] std::optional<std::string> titled_one(
      std::initializer_list<std::string_view> keywords) const {
    for (const std::string_view keyword : keywords) {
      if (auto found = titled(keyword)) return found;
    }
    return std::nullopt;
  }

  std::vector<std::string> read_tags() {
    std::vector<std::string> out;
    while (more() && line().body.starts_with('@')) {
      std::string_view rest = line().body;
      while (!rest.empty()) {
        if (rest.starts_with('#')) break;
        const std::size_t end = std::min(rest.find_first_of(kBlanks), rest.size());
        const std::string_view tag = rest.substr(0, end);
        if (tag.size() < 2 || tag[0] != '@' || tag.find('@', 1) != std::string_view::npos)
          fail(line().number, "tags are words that start with @");
        out.emplace_back(tag.substr(1));
        rest = trim(rest.substr(end));
      }
      ++at_;
    }
    return out;
  }

  [[nodiscard]] bool starts_something() const {
    const std::string_view body = line().body;
    constexpr std::array<std::string_view, 9> kTitles = {
        "Feature:",          "Background:",        "Scenario:",
        "Scenario Outline:", "Scenario Template:", "Example:",
        "Examples:",         "Scenarios:",         "Rule:"};
    return body.starts_with('@') || body.starts_with('|') || body.starts_with("\"\"\"") ||
           body.starts_with("```") || !keyword_of(body).empty() ||
           std::any_of(kTitles.begin(), kTitles.end(),
                       [&](std::string_view title) { return body.starts_with(title); });
  }
  // Free text under a title, up to the first keyword.
  void description() {
    while (more() && !starts_something()) ++at_;
  }

  static std::string_view keyword_of(std::string_view body) {
    for (const std::string_view keyword : {"Given ", "When ", "Then ", "And ", "But ", "* "}) {
      if (body.starts_with(keyword)) return keyword;
    }
    return {};
  }

  std::vector<Step> steps() {
    std::vector<Step> out;
    std::string last;
    while (more()) {
      const std::string_view body = line().body;
      const std::string_view keyword = keyword_of(body);
      if (!keyword.empty()) {
        Step step;
        step.line = line().number;
        step.text = std::string(trim(body.substr(keyword.size())));
        step.keyword = std::string(trim(keyword));
        if (step.keyword == "And" || step.keyword == "But" || step.keyword == "*") {
          if (last.empty())
            fail(step.line, "`" + step.keyword + "` has no Given, When or Then before it");
          step.keyword = last;
        }
        last = step.keyword;
        if (step.text.empty()) fail(step.line, "a step without text");
        out.push_back(std::move(step));
        ++at_;
        continue;
      }
      const bool quotes = body.starts_with("\"\"\"");
      if (quotes || body.starts_with("```")) {
        if (out.empty()) fail(line().number, "a doc string without a step");
        read_block(out.back(), quotes ? "\"\"\"" : "```");
        continue;
      }
      if (body.starts_with('|')) {
        if (out.empty()) fail(line().number, "a table without a step");
        if (!out.back().table.empty() || out.back().block)
          fail(line().number, "the step has a table or doc string already");
        out.back().table = table();
        continue;
      }
      break;
    }
    return out;
  }

  void read_block(Step& step, std::string_view fence) {
    const Line open = line();
    if (step.block || !step.table.empty())
      fail(open.number, "the step has a table or doc string already");
    const std::size_t indent = open.raw.find_first_not_of(kBlanks);
    step.block_type = std::string(trim(open.body.substr(3)));
    std::string block;
    for (++at_; at_ < lines_.size(); ++at_) {
      if (line().body == fence) {
        ++at_;
        step.block = std::move(block);
        return;
      }
      const std::string_view raw = line().raw;
      const std::size_t blank = std::min(raw.find_first_not_of(kBlanks), raw.size());
      std::string text(raw.substr(std::min(indent, blank)));
      // \"\"\" is how a doc string holds its own fence.
      for (std::size_t found = text.find("\\\"\\\"\\\""); found != std::string::npos;
           found = text.find("\\\"\\\"\\\"", found + 3)) {
        text.replace(found, 6, "\"\"\"");
      }
      block += text;
      block += '\n';
    }
    fail(open.number, "the doc string never ends");
  }

  std::vector<std::vector<std::string>> table() {
    std::vector<std::vector<std::string>> rows;
    while (more() && line().body.starts_with('|')) {
      const std::string_view body = line().body;
      if (!body.ends_with('|') || body.size() < 2) fail(line().number, "a row ends with |");
      std::vector<std::string> row;
      std::string cell;
      for (std::size_t i = 1; i < body.size(); ++i) {
        if (body[i] == '\\' && i + 1 < body.size()) {
          const char next = body[++i];
          if (next == 'n') {
            cell += '\n';
          } else if (next == '|' || next == '\\') {
            cell += next;
          } else {
            cell += '\\';
            cell += next;
          }
        } else if (body[i] == '|') {
          row.emplace_back(trim(cell));
          cell.clear();
        } else {
          cell += body[i];
        }
      }
      if (!cell.empty()) fail(line().number, "a row ends with |");
      if (!rows.empty() && rows.front().size() != row.size())
        fail(line().number, "the rows of a table have equally many cells");
      rows.push_back(std::move(row));
      ++at_;
    }
    return rows;
  }

  static std::string filled(std::string_view text, const std::vector<std::string>& names,
                            const std::vector<std::string>& values) {
    std::string out;
    while (true) {
      const std::size_t open = text.find('<');
      out += text.substr(0, open);
      if (open == std::string_view::npos) return out;
      text.remove_prefix(open);
      const std::size_t close = text.find('>');
      const auto found = close == std::string_view::npos
                             ? names.end()
                             : std::find(names.begin(), names.end(), text.substr(1, close - 1));
      if (found == names.end()) {
        out += '<';
        text.remove_prefix(1);
      } else {
        out += values[static_cast<std::size_t>(found - names.begin())];
        text.remove_prefix(close + 1);
      }
    }
  }

  void read_outline(const std::string& name, std::vector<std::string> own) {
    const int start = line().number;
    ++at_;
    description();
    const std::vector<Step> pattern = steps();
    bool any = false;
    while (true) {
      const std::size_t before = at_;
      std::vector<std::string> tags = read_tags();
      if (!more() || !titled_one({"Examples:", "Scenarios:"})) {
        at_ = before;
        break;
      }
      const int at = line().number;
      ++at_;
      description();
      if (!more() || !line().body.starts_with('|'))
        fail(at, "`Examples:` needs a table with a row of names");
      const std::vector<std::vector<std::string>> rows = table();
      any = true;
      for (std::size_t i = 1; i < rows.size(); ++i) {
        Scenario scenario;
        scenario.line = start;
        scenario.tags = with(with(feature_.tags, own), tags);
        scenario.name = filled(name, rows[0], rows[i]) + " (row " + std::to_string(i) + ")";
        scenario.steps = background_;
        for (Step step : pattern) {
          step.text = filled(step.text, rows[0], rows[i]);
          if (step.block) step.block = filled(*step.block, rows[0], rows[i]);
          for (auto& row : step.table) {
            for (std::string& cell : row) cell = filled(cell, rows[0], rows[i]);
          }
          scenario.steps.push_back(std::move(step));
          // Checked on the way: one row may already be too much.
          if (scenario.steps.size() > kMaxSteps) fail(start, "too many steps");
        }
        keep(std::move(scenario));
      }
    }
    if (!any) fail(start, "a scenario outline needs `Examples:`");
  }

  void keep(Scenario scenario) {
    if (scenario.steps.size() == background_.size())
      fail(scenario.line, "the scenario `" + shortened(scenario.name) + "` has no steps");
    steps_ += scenario.steps.size();
    for (const Step& step : scenario.steps) {
      bytes_ += step.text.size() + (step.block ? step.block->size() : 0);
      for (const auto& row : step.table) {
        for (const std::string& cell : row) bytes_ += cell.size();
      }
    }
    if (steps_ > kMaxSteps || bytes_ > kMaxExpanded)
      fail(scenario.line, "the feature is too large once its outlines are written out");
    feature_.scenarios.push_back(std::move(scenario));
  }

  std::vector<Line> lines_;
  std::size_t at_ = 0;
  Feature feature_;
  std::vector<Step> background_;
  std::size_t steps_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

Outcome parse(std::string_view text) {
  if (text.size() > kMaxBytes) return {std::nullopt, {"the feature is too large", 1}};
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  try {
    return {Parser(text).run(), {}};
  } catch (Problem& problem) {
    return {std::nullopt, std::move(problem.fault)};
  }
}

}  // namespace rabt::gherkin

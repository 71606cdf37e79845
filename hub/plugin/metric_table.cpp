#include "hub/plugin/metric_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace rabt::plugin {

namespace {

std::string number(double value) {
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end.ptr};
}

std::string_view type_of(MetricSpec::Kind kind) {
  return kind == MetricSpec::Kind::counter ? "counter"
         : kind == MetricSpec::Kind::gauge ? "gauge"
                                           : "histogram";
}

// The labels of one series, without braces: a="x",b="y". Values are the manifest's, which allows no
// character that would need an escape.
std::string labels_of(const MetricSpec& spec, std::size_t series) {
  std::string out;
  for (auto label = spec.labels.rbegin(); label != spec.labels.rend(); ++label) {
    const auto& [name, values] = *label;
    out.insert(0, name + "=\"" + values[series % values.size()] + "\"" + (out.empty() ? "" : ","));
    series /= values.size();
  }
  return out;
}

std::string braced(std::string labels, const std::string& more = {}) {
  if (!more.empty()) labels += (labels.empty() ? "" : ",") + more;
  return labels.empty() ? labels : "{" + labels + "}";
}

// Which series the labels name. nullopt if they are not exactly the declared ones.
std::optional<std::size_t> find(const MetricSpec& spec, std::string_view labels_json) {
  Json labels = Json::object();
  if (!labels_json.empty()) {
    auto parsed = Json::parse(labels_json);
    if (!parsed.ok() || !parsed->is_object()) return std::nullopt;
    labels = std::move(parsed).value();
  }
  if (labels.size() != spec.labels.size()) return std::nullopt;
  std::size_t at = 0;
  for (const auto& [name, values] : spec.labels) {
    const Json& given = labels[name];
    if (!given.is_string()) return std::nullopt;
    const auto found = std::find(values.begin(), values.end(), given.as_string());
    if (found == values.end()) return std::nullopt;
    at = at * values.size() + static_cast<std::size_t>(found - values.begin());
  }
  return at;
}

}  // namespace

std::size_t MetricSpec::series() const {
  std::size_t out = 1;
  for (const auto& [name_, values] : labels) out *= values.size();
  return out;
}

MetricTable::MetricTable(std::vector<MetricSpec> specs) {
  for (MetricSpec& spec : specs) {
    Series empty;
    if (spec.kind == MetricSpec::Kind::histogram) empty.counts.resize(spec.buckets.size() + 1);
    const std::size_t count = spec.series();
    families_.push_back({std::move(spec), std::vector<Series>(count, empty)});
  }
}

std::string_view MetricTable::record(std::string_view name, std::string_view labels_json,
                                     double value) {
  const auto family = std::find_if(families_.begin(), families_.end(),
                                   [name](const Family& each) { return each.spec.name == name; });
  if (family == families_.end()) return "recorded a metric that the manifest does not declare";
  const auto at = find(family->spec, labels_json);
  if (!at) return "recorded a metric with labels that the manifest does not declare";
  if (!std::isfinite(value) || (family->spec.kind == MetricSpec::Kind::counter && value < 0))
    return "recorded a value that is not finite, or made a counter go back";
  const Lock lock(mutex_);
  Series& series = family->series[*at];
  switch (family->spec.kind) {
    case MetricSpec::Kind::gauge:
      series.value = value;
      break;
    case MetricSpec::Kind::counter:
      series.value += value;
      break;
    case MetricSpec::Kind::histogram: {
      series.value += value;
      const auto& buckets = family->spec.buckets;
      const auto bucket = std::lower_bound(buckets.begin(), buckets.end(), value);
      ++series.counts[static_cast<std::size_t>(bucket - buckets.begin())];
      break;
    }
  }
  return {};
}

void MetricTable::render(std::string_view plugin, std::string& out) const {
  std::string prefix = "plugin_" + std::string(plugin) + "__";
  std::replace(prefix.begin(), prefix.end(), '-', '_');
  const Lock lock(mutex_);
  for (const Family& family : families_) {
    const MetricSpec& spec = family.spec;
    const std::string name =
        prefix + spec.name + (spec.kind == MetricSpec::Kind::counter ? "_total" : "");
    out += "# HELP " + name + " " + spec.help + "\n# TYPE " + name + " " +
           std::string(type_of(spec.kind)) + "\n";
    for (std::size_t i = 0; i < family.series.size(); ++i) {
      const Series& series = family.series[i];
      const std::string labels = labels_of(spec, i);
      if (spec.kind != MetricSpec::Kind::histogram) {
        out += name + braced(labels) + " " + number(series.value) + "\n";
        continue;
      }
      std::uint64_t below = 0;
      for (std::size_t bucket = 0; bucket < series.counts.size(); ++bucket) {
        below += series.counts[bucket];
        const std::string bound =
            bucket < spec.buckets.size() ? number(spec.buckets[bucket]) : "+Inf";
        out += name + "_bucket" + braced(labels, "le=\"" + bound + "\"") + " " +
               std::to_string(below) + "\n";
      }
      out += name + "_sum" + braced(labels) + " " + number(series.value) + "\n";
      out += name + "_count" + braced(labels) + " " + std::to_string(below) + "\n";
    }
  }
}

}  // namespace rabt::plugin

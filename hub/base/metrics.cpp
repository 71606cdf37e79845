#include "hub/base/metrics.hpp"

namespace rabt {

namespace {

// https://prometheus.io/docs/instrumenting/exposition_formats/: these three characters are escaped.
void append_label_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace

void MetricsWriter::counter(std::string_view name, std::string_view help, std::uint64_t value) {
  counters(name, help);
  sample(name, {}, value);
}

void MetricsWriter::gauge(std::string_view name, std::string_view help, std::uint64_t value) {
  gauges(name, help);
  sample(name, {}, value);
}

void MetricsWriter::counters(std::string_view name, std::string_view help) {
  family(name, "counter", help);
}

void MetricsWriter::gauges(std::string_view name, std::string_view help) {
  family(name, "gauge", help);
}

void MetricsWriter::sample(std::string_view name, std::initializer_list<MetricsLabel> labels,
                           std::uint64_t value) {
  out_.append(name);
  char before = '{';
  for (const MetricsLabel& label : labels) {
    out_.push_back(before);
    out_.append(label.name).append("=\"");
    append_label_value(out_, label.value);
    out_.push_back('"');
    before = ',';
  }
  if (labels.size() != 0) out_.push_back('}');
  out_.append(" ").append(std::to_string(value)).append("\n");
}

void MetricsWriter::family(std::string_view name, std::string_view type, std::string_view help) {
  out_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  out_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

}  // namespace rabt

#include <algorithm>
#include <optional>

#include "hub/mapping/limits.hpp"
#include "hub/mapping/message.hpp"
#include "rabt/text.hpp"

// CSV (RFC 4180), with any separator.
namespace rabt::mapping {

namespace {

// Columns of one row.
constexpr std::size_t kMaxColumns = 500;

class Rows {
 public:
  Rows(std::string_view text, char separator) : rest_(text), separator_(separator) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  [[nodiscard]] int line() const { return line_; }

  // The next row that is not empty; nothing at the end.
  Result<std::optional<std::vector<std::string>>> next() {
    while (!rest_.empty()) {
      line_ = following_;
      std::vector<std::string> fields;
      RABT_TRY_STATUS(read_row(fields));
      if (fields.size() > 1 || !sdk::trim(fields.front()).empty())
        return std::optional(std::move(fields));
    }
    return std::optional<std::vector<std::string>>();
  }

 private:
  Error wrong(const std::string& what) const {
    return invalid("mapping.syntax", "line " + std::to_string(line_) + " of the message: " + what);
  }

  Status read_row(std::vector<std::string>& fields) {
    for (;;) {
      if (fields.size() == kMaxColumns)
        return wrong("more than " + std::to_string(kMaxColumns) + " columns");
      std::string& field = fields.emplace_back();
      if (rest_.starts_with('"')) {
        RABT_TRY_STATUS(read_quoted(field));
      } else {
        const auto end = rest_.find_first_of(std::string{separator_, '\r', '\n'});
        field = rest_.substr(0, end);
        rest_.remove_prefix(std::min(field.size(), rest_.size()));
      }
      RABT_TRY_STATUS(check_text(field, "line " + std::to_string(line_) + " of the message"));
      if (rest_.empty() || end_of_line()) return ok_status();
      if (rest_.front() != separator_)
        return wrong("text follows a closing quotation mark; double the marks inside a field");
      rest_.remove_prefix(1);
    }
  }

  bool end_of_line() {
    const std::size_t length = rest_.starts_with("\r\n")                            ? 2
                               : rest_.starts_with('\r') || rest_.starts_with('\n') ? 1
                                                                                    : 0;
    rest_.remove_prefix(length);
    if (length > 0) ++following_;
    return length > 0;
  }

  Status read_quoted(std::string& field) {
    rest_.remove_prefix(1);
    for (;;) {
      const auto end = rest_.find('"');
      if (end == std::string_view::npos) return wrong("a quotation mark is not closed");
      const std::string_view part = rest_.substr(0, end);
      following_ += static_cast<int>(std::count(part.begin(), part.end(), '\n'));
      field.append(part);
      rest_.remove_prefix(end + 1);
      if (!rest_.starts_with('"')) return ok_status();
      field.push_back('"');
      rest_.remove_prefix(1);
    }
  }

  std::string_view rest_;
  const char separator_;
  int line_ = 1;
  int following_ = 1;
};

Result<std::vector<std::string>> names_of(const std::vector<std::string>& row) {
  std::vector<std::string> names;
  for (const std::string& raw : row) {
    std::string name(sdk::trim(raw));
    const std::string number = std::to_string(names.size() + 1);
    if (name.empty())
      return invalid("mapping.syntax", "column " + number + " of the message has no name");
    if (std::find(names.begin(), names.end(), name) != names.end())
      return invalid("mapping.syntax",
                     "column " + number + " of the message has the name of another one");
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

Result<Json> read_csv(const Reading& reading, std::string_view text) {
  Rows rows(text, reading.separator);
  std::vector<std::string> names = reading.columns;
  if (names.empty()) {
    RABT_TRY(first, rows.next());
    if (!first) return invalid("mapping.syntax", "the message is empty: not even a header");
    RABT_TRY(read, names_of(*first));
    names = std::move(read);
  }
  Json::Array out;
  std::size_t values = 0;
  for (;;) {
    RABT_TRY(row, rows.next());
    if (!row) return Json(std::move(out));
    if (row->size() > names.size())
      return invalid("mapping.syntax", "line " + std::to_string(rows.line()) +
                                           " of the message: more fields than there are columns");
    RABT_TRY_STATUS(check_size(values += row->size() + 1));
    JsonObject object;
    object.reserve(row->size());
    for (std::size_t i = 0; i < row->size(); ++i)
      object.append_new(names[i], Json(std::move((*row)[i])));
    out.emplace_back(std::move(object));
  }
}

}  // namespace rabt::mapping

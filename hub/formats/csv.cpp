#include <algorithm>
#include <optional>

#include "hub/formats/formats.hpp"
#include "hub/formats/limits.hpp"
#include "rabt/text.hpp"

// CSV (RFC 4180), with any separator.
namespace rabt::formats {

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
    if (name.size() > limits::kMaxColumnName)
      return invalid("mapping.text", "column " + number +
                                         " of the message has a name of more than " +
                                         std::to_string(limits::kMaxColumnName) + " bytes");
    if (std::find(names.begin(), names.end(), name) != names.end())
      return invalid("mapping.syntax",
                     "column " + number + " of the message has the name of another one");
    names.push_back(std::move(name));
  }
  return names;
}

// Bytes of a member beside its name and its text.
constexpr std::size_t kMemberBytes = 64;

// A field as it is written.
Result<std::string> field_of(const Json& value, char separator, const std::string& place) {
  switch (value.type()) {
    case Json::Type::null:
      return std::string();
    case Json::Type::boolean:
      return std::string(value.as_bool() ? "true" : "false");
    case Json::Type::number:
      return value.number_text();
    case Json::Type::string:
      break;
    case Json::Type::array:
    case Json::Type::object:
      return invalid("mapping.syntax", place + ": a field is a text, a number, a boolean or null");
  }
  const std::string& text = value.as_string();
  RABT_TRY_STATUS(check_text(text, place));
  const bool edged = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  if (!edged && text.find_first_of(std::string{separator, '"', '\r', '\n'}) == std::string::npos)
    return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  return out + "\"";
}

}  // namespace

Result<Json> read_csv(const Csv& csv, std::string_view text, const Room& room) {
  Rows rows(text, csv.separator);
  std::vector<std::string> names = csv.columns;
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
    std::size_t bytes = kMemberBytes;
    for (std::size_t i = 0; i < row->size(); ++i)
      bytes += names[i].size() + (*row)[i].size() + kMemberBytes;
    if (room && !room(bytes)) return invalid("mapping.values", "the message has too many values");
    JsonObject object;
    object.reserve(row->size());
    for (std::size_t i = 0; i < row->size(); ++i)
      object.append_new(names[i], Json(std::move((*row)[i])));
    out.emplace_back(std::move(object));
  }
}

Result<std::string> write_csv(const Csv& csv, const Json& rows) {
  constexpr std::string_view kRows =
      "CSV is written of a list of objects, of which the first has "
      "the columns";
  if (!rows.is_array() || rows.size() == 0 || !rows[0].is_object() || rows[0].size() == 0)
    return invalid("mapping.syntax", std::string(kRows));
  std::vector<std::string> columns;
  for (const auto& [name, value] : rows[0].as_object()) columns.push_back(name);
  if (columns.size() > kMaxColumns)
    return invalid("mapping.syntax", "more than " + std::to_string(kMaxColumns) + " columns");
  std::string out;
  const auto end_field = [&](std::size_t column) {
    if (column + 1 < columns.size()) {
      out.push_back(csv.separator);
    } else {
      out += "\r\n";
    }
  };
  for (std::size_t i = 0; i < columns.size(); ++i) {
    RABT_TRY(field, field_of(Json(columns[i]), csv.separator, "a name of a column"));
    out += field;
    end_field(i);
  }
  std::size_t values = 0;
  for (std::size_t number = 0; number < rows.size(); ++number) {
    const Json& row = rows[number];
    const std::string place = "row " + std::to_string(number + 1);
    if (!row.is_object()) return invalid("mapping.syntax", place + ": " + std::string(kRows));
    RABT_TRY_STATUS(check_size(values += columns.size() + 1));
    std::size_t members = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (const Json* value = row.find(columns[i])) {
        ++members;
        RABT_TRY(field, field_of(*value, csv.separator, place));
        out += field;
      }
      end_field(i);
    }
    if (members != row.size())
      return invalid("mapping.syntax", place + " has a member that the first one has not");
  }
  return out;
}

}  // namespace rabt::formats

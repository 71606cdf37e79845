#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/mapping/message.hpp"
#include "hub/schema/schema.hpp"
#include "hub/workflow/action_catalog.hpp"
#include "hub/workflow/definition.hpp"

// A mapping file: how the deliveries of one source become events. See docs/sources.md.
namespace rabt::mapping {

// A mapping file and the files that it names, as they were read.
struct SourceFiles {
  // As reasons name it: the file's name without folders.
  std::string name;
  std::string text;
  // Code maps and the schema, by their paths as the mapping file has them.
  std::map<std::string, std::string> parts;
};
// Reads a mapping file and what it names, relative to its folder. Errors: mapping.io (a file that
// cannot be read, or is too large), mapping.file (no YAML).
[[nodiscard]] Result<SourceFiles> read_files(const std::string& path);
// A file of a mapping, whole. Error mapping.io.
[[nodiscard]] Result<std::string> read_part(const std::string& path, std::size_t most);
// The form in which the hub hands them to the plugin.
[[nodiscard]] Json to_json(const SourceFiles& files);
[[nodiscard]] Result<SourceFiles> from_json(const Json& config);

// A message that serves tests.
struct Sample {
  std::string file;
  // Made up: its values may be shown.
  bool synthetic = false;
};

// One delivery as a mapping takes it.
struct Delivery {
  std::string_view body;
  // Digest of the body in hexadecimal digits: its id, unless the mapping says one.
  std::string digest;
  // Name of the source.
  std::string source;
  std::int64_t now_seconds = 0;
};

// Result of a delivery.
struct Taken {
  // As rabt/extension/webhook.h has them.
  Json events = Json::array();
  std::string id;
  // Reason that the whole delivery is refused: file, line, place in the message, and the fault; no
  // value of the message. "" if it is taken.
  std::string refused;
  // Answer for the sender.
  Json answers;
};

// A compiled mapping. Immutable; safe from any thread.
class Mapping {
 public:
  struct Model;
  struct Outcome;
  // Compiles a mapping; the mapping is null after an error.
  [[nodiscard]] static Outcome compile(const SourceFiles& files);
  explicit Mapping(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  // Never throws for what the delivery holds.
  [[nodiscard]] Taken take(const Delivery& delivery) const;
  // Applies the mapping to a parsed message, without schema and answers: the linter compares
  // results of changed messages.
  [[nodiscard]] Taken apply(const Json& message, const Delivery& delivery) const;

  [[nodiscard]] const Reading& reading() const;
  [[nodiscard]] const std::vector<Sample>& samples() const;
  // The events that the file declares.
  [[nodiscard]] const std::vector<workflow::EventInfo>& declared() const;
  // Places of the message that nobody needs, with all that lies below them.
  [[nodiscard]] const std::vector<std::string>& unread() const;
  // Places of the message that its schema marks with x-phi.
  [[nodiscard]] std::set<std::string> phi_places() const;

 private:
  std::shared_ptr<const Model> model_;
};

struct Mapping::Outcome {
  std::shared_ptr<const Mapping> mapping;
  std::vector<workflow::Diagnostic> diagnostics;
};

// Reads and compiles. Error invalid mapping.file: all mistakes, each with file, line and column;
// and those of read_files.
[[nodiscard]] Result<std::shared_ptr<const Mapping>> load(const SourceFiles& files);

// Schemas of the data of events, by type.
using EventShapes = std::map<std::string, Json, std::less<>>;
// Events of appointments and of payments, which every mapping may give beside the types that it
// declares.
[[nodiscard]] const EventShapes& shared_shapes();

}  // namespace rabt::mapping

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client.hpp"
#include "rabt/task.hpp"

// Questions to a FHIR R4 record system, and changes of what it has.
namespace rabt::fhir {

inline constexpr std::int64_t kDefaultLimit = 200;
inline constexpr std::int64_t kMaxPage = 100;

// A logical id (R4 datatype id).
[[nodiscard]] bool is_id(std::string_view text);
// The outcome of an answer that is no FHIR: asked again, since every request may be repeated.
[[nodiscard]] Outcome unreadable();
// The outcome of a change where the record system counts no versions.
[[nodiscard]] Outcome no_version();
// The outcome when more than one resource has an identifier of the hub.
[[nodiscard]] Outcome several(const std::string& type);
// The outcome when a resource with an identifier of the hub is about another person.
[[nodiscard]] Outcome other_subject(const std::string& type);
// The outcome of a search that does not tell what is there.
[[nodiscard]] Outcome unsearchable(const std::string& type);

class RecordSystem : public sdk::TaskPlugin {
 public:
  RecordSystem(sdk::Host host, std::string_view config)
      : TaskPlugin(host), settings_(read_settings(config)) {}

 protected:
  // A request, and the same one where the record system says that it has moved.
  sdk::Task<HttpResult> ask(const sdk::Call& call, HttpRequest request);

  // The entries that a search finds, over its pages and without OperationOutcomes; an outcome when
  // it failed.
  struct Found {
    Json entries = Json::array();
    bool complete = false;
    std::optional<Outcome> failed;

    [[nodiscard]] Json of(std::string_view type) const;
  };
  sdk::Task<Found> find(const sdk::Call& call, HttpRequest request, std::int64_t limit);

  // One resource of the record system; null when there is none, or none any more.
  struct Seen {
    Json resource;
    std::optional<Outcome> failed;
  };
  sdk::Task<Seen> look(const sdk::Call& call, std::string type, std::string id);

  // The resources of a type that have the identifier: of what a search gives, those that bear it.
  // system "": of any system. An outcome also when others were shown and the search has no end.
  sdk::Task<Found> find_bearing(const sdk::Call& call, std::string type, std::string system,
                                std::string value);
  // The only one of resources of a type with one identifier: as find_one().
  [[nodiscard]] static Seen only_one(const std::string& type, Json resources);
  // The only one that has the identifier, those left aside that were entered in error if there are
  // several; null when there is none, an outcome when there are several.
  sdk::Task<Seen> find_one(const sdk::Call& call, std::string type, std::string system,
                           std::string value);

  // Creates a resource unless one of its type has the identifier: `known` is that one, else null.
  // An outcome also when the record system names one without the identifier, or about somebody
  // else.
  struct Made {
    Written written;
    Json known;
    std::optional<Outcome> failed;
  };
  sdk::Task<Made> make(const sdk::Call& call, Json resource, std::string system, std::string value);

  // Puts `now` in the place of a resource as it was read. Returns nothing when it is there.
  sdk::Task<std::optional<Outcome>> replace(const sdk::Call& call, const std::string& type,
                                            const Json& before, const Json& now);

  Settings settings_;
};

}  // namespace rabt::fhir

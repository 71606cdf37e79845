#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "hub/base/json.hpp"
#include "hub/base/mutex.hpp"
#include "hub/engine/timeline.hpp"
#include "hub/workflow/definition.hpp"
#include "hub/workflow/execution.hpp"

namespace rabt::engine {

// History of an instance, from its journal.
struct Past {
  std::shared_ptr<const workflow::Definition> definition;
  std::unique_ptr<const Timeline> timeline;
  std::string parent;
  std::size_t turns = 0;
  // Null, without output and with `true` for an error, unless patient data was asked for.
  Json secrets;
  Json context;
  workflow::Finished end;
};

// The value with `*` for each secret in its texts: a workflow may have put one into its data, or an
// outside system may have sent one back. secrets: Past::secrets; null for none.
[[nodiscard]] Json without_secrets(const Json& value, const Json& secrets);

// Length of a journal, which only grows.
struct PastMark {
  std::int64_t instance = 0;
  std::int64_t turns = 0;
  std::size_t children = 0;

  bool operator==(const PastMark&) const = default;
};

// Long timelines that somebody looked at last, without patient data: the pages of one come one
// after another, and each would replay the journal. Internally synchronised.
class Pasts {
 public:
  // Null when it is not kept, or goes further now.
  [[nodiscard]] std::shared_ptr<const Past> find(const PastMark& mark);
  // Keeps it if it is long.
  void keep(const PastMark& mark, const std::shared_ptr<const Past>& past);

 private:
  struct Kept {
    PastMark mark;
    std::shared_ptr<const Past> past;
  };
  Mutex mutex_;
  // The newest first.
  std::list<Kept> kept_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::engine

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/result.hpp"
#include "hub/engine/standstill.hpp"
#include "hub/store/store.hpp"

namespace rabt::assembly {

// Accepted work that waits, by what it waits for. Internally synchronised.
class Standstill {
 public:
  Standstill(store::Store& store, std::string tenant, const Clock& clock)
      : store_(store), tenant_(std::move(tenant)), clock_(clock) {}

  // All kinds, also those of which there is none.
  [[nodiscard]] Result<std::vector<engine::Waiting>> look() const;
  // Error unavailable work.waits if something waits that an operator has to look at.
  [[nodiscard]] Status trouble() const;

 private:
  store::Store& store_;
  const std::string tenant_;
  const Clock& clock_;
};

void write_metrics(const Standstill& standstill, MetricsWriter& out);

}  // namespace rabt::assembly

#include "hub/consultation/events/merge_events.hpp"

#include <utility>

#include "hub/consultation/events/hub_events.hpp"

namespace rabt::consultation {

identity::Merges::Tell tells_merges(std::string tenant, const Clock& clock, UlidSource& ids) {
  using News = identity::Merges::News;
  return [tenant = std::move(tenant), &clock, &ids](store::Transaction& transaction, News news,
                                                    std::string_view merged,
                                                    std::string_view survivor) {
    return put_event(transaction, tenant,
                     {.id = ids.next().text(),
                      .type = news == News::merged ? "patient.merged" : "patient.unmerged",
                      .at = clock.now(),
                      .data = Json::object({{"merged", merged}, {"survivor", survivor}})});
  };
}

}  // namespace rabt::consultation

#pragma once

#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"
#include "hub/consultation/record/shared_requests.hpp"
#include "hub/consultation/record/shared_views.hpp"

namespace rabt::consultation {

// Messages of a session. Internally synchronised.
class Chat {
 public:
  explicit Chat(RecordOffice& office) : office_(office) {}

  Result<RecordList<MessageView>> list(const Caller& caller, const Asked<ListRecords>& asked);
  Result<MessageView> send(const Caller& caller, const Asked<SendMessage>& asked);

 private:
  RecordOffice& office_;
};

}  // namespace rabt::consultation

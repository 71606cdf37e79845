#include "hub/consultation/sessions/entry_requests.hpp"

namespace rabt::consultation {

Json to_json(const AdmissionView& view) {
  return Json::object({{"participant", view.participant},
                       {"admission", to_string(view.admission)},
                       {"accessToken", view.access_token},
                       {"tokenUse", view.token_use}});
}

}  // namespace rabt::consultation

#include "hub/consultation/acts/surroundings.hpp"

namespace rabt::consultation {

Result<Surroundings::Visit> Surroundings::visit(std::string_view /*tenant*/,
                                                const Json& /*reference*/) {
  return not_found("visit.unknown", "there is no such visit");
}
Result<Surroundings::Visit> Surroundings::visible_visit(const Caller& /*caller*/,
                                                        const Json& /*reference*/) {
  return not_found("visit.unknown", "there is no such visit");
}
Result<Surroundings::ClinicPlace> Surroundings::clinic_place(std::string_view /*tenant*/,
                                                             const Json& /*clinic*/,
                                                             const Json& /*clinic_session*/) {
  return not_found("clinic.session_unknown", "there is no such clinic session");
}
Result<Surroundings::ClinicNames> Surroundings::clinic_names(std::string_view /*tenant*/,
                                                             std::string_view /*clinic*/) {
  return ClinicNames{};
}
Status Surroundings::take_place(store::Transaction& /*transaction*/, std::string_view /*tenant*/,
                                const ClinicPlace& /*place*/, std::string_view /*session*/) {
  return ok_status();
}
Status Surroundings::free_place(store::Transaction& /*transaction*/, std::string_view /*tenant*/,
                                std::string_view /*session*/) {
  return ok_status();
}
Status Surroundings::set_busy(store::Transaction& /*transaction*/, std::string_view /*tenant*/,
                              std::string_view /*provider*/, bool /*busy*/, Timestamp /*now*/) {
  return ok_status();
}
Status Surroundings::meter(store::Transaction& /*transaction*/, std::string_view /*tenant*/,
                           std::string_view /*session*/, bool /*ends*/) {
  return ok_status();
}
Status Surroundings::may_create(std::string_view /*tenant*/) {
  return ok_status();
}
Result<Json> Surroundings::records_of(const Caller& /*caller*/, const Membership& /*of*/) {
  return Json::object({{"notes", Json::array()},
                       {"prescriptions", Json::array()},
                       {"vitals", Json::array()},
                       {"followUps", Json::array()},
                       {"feedback", Json::array()}});
}

}  // namespace rabt::consultation

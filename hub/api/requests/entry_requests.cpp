#include "hub/api/requests/entry_requests.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::Fields;
using consultation::JoinCall;
using consultation::kMaxBrowser;

namespace {

constexpr std::size_t kMaxLocation = 300;
constexpr std::size_t kMaxPhone = 40;

}  // namespace

Asked<JoinCall> join_call_of(const Ask& ask) {
  Fields members(ask.body);
  JoinCall request{.session = ask.session};
  request.device_type = device_type_in(members, "deviceType");
  request.browser_info = members.text("browserInfo", kMaxBrowser);
  request.location = members.text("location", kMaxLocation);
  request.callback_phone = members.text("callbackPhone", kMaxPhone);
  RABT_TRY_STATUS(members.done());
  return request;
}

std::string device_type_in(Fields& members, std::string_view name) {
  return members.word(name, {"web", "ios", "android", "desktop", "other"});
}

}  // namespace rabt::api

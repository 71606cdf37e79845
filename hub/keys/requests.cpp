#include "hub/keys/requests.hpp"

#include <algorithm>

#include "hub/base/printable.hpp"
#include "hub/keys/retention.hpp"

namespace rabt::keys {

namespace {

Result<std::string> text_of(const Json& body, const std::string& name) {
  const Json* value = body.find(name);
  if (value != nullptr && value->is_string() && !value->as_string().empty())
    return value->as_string();
  return invalid("api.invalid", name + ": is required and must be text");
}

Result<bool> flag_of(const Json& body, const std::string& name) {
  const Json* value = body.find(name);
  if (value == nullptr) return false;
  if (value->is_bool()) return value->as_bool();
  return invalid("api.invalid", name + ": must be true or false");
}

Json number(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

}  // namespace

Json to_json(const KeysStatus& status) {
  Json root = Json::object({{"provider", status.root_kind}, {"id", status.root_id}});
  if (status.development) root.set("development", true);
  if (status.root_versions) {
    root.set("version", number(status.root_versions->newest));
    root.set("oldestVersion", number(status.root_versions->oldest));
  } else {
    root.set("unavailable", true);
  }
  Json buckets = Json::array();
  for (const BucketStatus& bucket : status.buckets) {
    Json node =
        Json::object({{"bucket", bucket.info.name}, {"dataKeys", number(bucket.data_keys)}});
    if (bucket.info.destroyed) {
      node.set("state", "destroyed");
      node.set("destroyed", to_iso8601(bucket.info.destroyed_at));
      node.set("reason", bucket.info.reason);
    } else {
      node.set("state", bucket.expired ? "expired" : "live");
      node.set("version", number(bucket.info.version));
      node.set("oldestVersion", number(bucket.info.oldest_version));
      node.set("oldDataKeys", number(bucket.old_data_keys));
      if (bucket.lost_data_keys > 0) node.set("lostDataKeys", number(bucket.lost_data_keys));
      if (!bucket.info.hold.empty()) node.set("hold", bucket.info.hold);
    }
    if (bucket.expires) node.set("expires", to_iso8601(*bucket.expires));
    buckets.push_back(std::move(node));
  }
  Json holds = Json::array();
  for (const HoldStatus& hold : status.holds) {
    Json whole = Json::array();
    for (const std::string& bucket : hold.buckets) whole.push_back(bucket);
    Json item = Json::object(
        {{"case", hold.hold_case}, {"dataKeys", number(hold.data_keys)}, {"buckets", whole}});
    if (hold.data_keys > 0) item.set("since", to_iso8601(hold.since));
    holds.push_back(std::move(item));
  }
  Json missing = Json::array();
  for (const std::string& bucket : status.missing) missing.push_back(bucket);
  Json out = Json::object({{"root", root},
                           {"generation", number(status.generation)},
                           {"tenantKeyVersion", number(status.tenant_key_version)},
                           {"buckets", buckets},
                           {"holds", holds},
                           {"missing", missing}});
  if (status.rewrap) {
    out.set("rewrap", Json::object({{"started", to_iso8601(status.rewrap->started)},
                                    {"rewrapped", number(status.rewrap->rewrapped)}}));
  }
  return out;
}

Status check_there_is(KeyAdmin& admin, std::string_view verb, const std::string& name) {
  RABT_TRY(status, admin.status());
  const auto has_bucket = [&](const std::string& bucket) {
    return std::any_of(status.buckets.begin(), status.buckets.end(),
                       [&](const BucketStatus& bucket_status) {
                         return bucket_status.info.name == bucket && !bucket_status.info.destroyed;
                       });
  };
  if (verb == "shred") {
    if (has_bucket(name)) return ok_status();
    RABT_TRY(month, parse_bucket(name));
    (void)month;
    return not_found("keys.bucket",
                     "there is no such bucket, or it was destroyed; `rabt keys status` lists them");
  }
  const bool held =
      std::any_of(status.holds.begin(), status.holds.end(),
                  [&](const HoldStatus& hold_status) { return hold_status.hold_case == name; });
  if (held || has_bucket(std::string(kHoldPrefix) + name)) return ok_status();
  return not_found("keys.case",
                   "there is no legal hold of this case; `rabt keys status` lists them");
}

Result<Json> perform(KeyAdmin& admin, std::string_view verb, const Json& body, Order order,
                     const ObjectKeys& find, bool wait) {
  RABT_TRY(reason, text_of(body, "reason"));
  order.reason = tidy_text(reason);
  if (verb == "rotate") {
    RABT_TRY(what, text_of(body, "what"));
    RABT_TRY(destroy_old, flag_of(body, "destroyOld"));
    if (destroy_old && what != "root")
      return invalid("api.invalid", "destroyOld: is for the root only");
    std::uint32_t version = 0;
    if (what == "root") {
      RABT_TRY(root, admin.rotate_root(order, destroy_old));
      version = root;
    } else if (what == "tenant") {
      RABT_TRY(tenant_key, admin.rotate_tenant(order));
      version = tenant_key;
    } else if (what == "bucket") {
      RABT_TRY(bucket, text_of(body, "bucket"));
      RABT_TRY(bucket_key, admin.rotate_bucket(order, bucket));
      version = bucket_key;
    } else {
      return invalid("api.invalid", "what: must be root, tenant or bucket");
    }
    return Json::object({{"rotated", what}, {"version", number(version)}});
  }
  if (verb == "rewrap") {
    RABT_TRY(forget, flag_of(body, "forgetOld"));
    RABT_TRY_STATUS(wait ? admin.rewrap_now(order, forget) : admin.rewrap(order, forget));
    return Json::object({{"rewrap", wait ? "done" : "begun"}});
  }
  if (verb == "shred") {
    RABT_TRY(bucket, text_of(body, "bucket"));
    RABT_TRY(force, flag_of(body, "force"));
    RABT_TRY_STATUS(admin.shred(order, bucket, force));
    return Json::object({{"destroyed", bucket}});
  }
  if (verb == "hold") {
    RABT_TRY(hold_case, text_of(body, "case"));
    if (!is_printable(hold_case))
      return invalid("api.invalid", "case: it has characters that are not shown");
    if (body.find("bucket") != nullptr) {
      RABT_TRY(bucket, text_of(body, "bucket"));
      RABT_TRY_STATUS(admin.hold_bucket(order, hold_case, bucket));
      return Json::object({{"held", "bucket:" + bucket}, {"case", hold_case}});
    }
    RABT_TRY(object, text_of(body, "object"));
    RABT_TRY(ids, find(object));
    RABT_TRY(held, admin.hold(order, hold_case, object, ids));
    return Json::object({{"held", object},
                         {"case", hold_case},
                         {"dataKeys", number(held.data_keys)},
                         {"destroyed", number(held.destroyed)}});
  }
  if (verb == "release") {
    RABT_TRY(hold_case, text_of(body, "case"));
    RABT_TRY_STATUS(admin.release(order, hold_case));
    return Json::object({{"released", hold_case}});
  }
  return not_found("http.not_found", "the API has no such path; /api/docs lists what there is");
}

}  // namespace rabt::keys

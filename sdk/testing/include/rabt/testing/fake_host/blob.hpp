#pragma once

// rabt.blob/1. Included by fake_host.hpp. SPDX-License-Identifier: Apache-2.0

#include "rabt/testing/fake_host.hpp"

namespace rabt::sdk::testing {

inline bool FakeHost::may_see(rabt_call_id call, const std::string& handle) {
  if (!blobs.contains(handle)) return false;
  if (own_blobs_.contains(handle)) return true;
  const Lock lock(mutex_);
  const auto found = open_.find(call);
  return found != open_.end() &&
         found->second.input.find("\"" + handle + "\"") != std::string::npos;
}

inline void FakeHost::blob_answer(void* context, rabt_blob_done done, std::int32_t status,
                                  const std::string& handle, const Stored* what, bool finished) {
  Lent lent;
  rabt_blob_info info{};
  info.size = sizeof info;
  if (what != nullptr) {
    info.handle = lent(handle);
    info.content_type = lent(what->content_type);
    info.bytes = what->content.size();
    if (finished) info.sha256 = lent(hex(sha256(what->content)));
  }
  done(context, status, status == RABT_BLOB_OK ? &info : nullptr);
  lent.take_back();
}

inline void FakeHost::blob_create(void* self, rabt_bytes content_type, void* context,
                                  rabt_blob_done done) {
  FakeHost& host = of(self);
  host.later([&host, context, done, type = host.taken(content_type, "a content type")] {
    if (host.writes_.size() >= kMaxWrites)
      return host.blob_answer(context, done, RABT_BLOB_FAILED, {}, nullptr, false);
    const std::string handle = host.new_handle();
    host.writes_[handle] = {type, {}};
    host.blob_answer(context, done, RABT_BLOB_OK, handle, &host.writes_[handle], false);
  });
}

inline void FakeHost::blob_append(void* self, rabt_bytes handle, rabt_bytes piece, void* context,
                                  rabt_blob_done done) {
  FakeHost& host = of(self);
  host.later([&host, context, done, name = host.taken(handle, "a handle"),
              text = host.taken(piece, "a piece")] {
    const auto found = host.writes_.find(name);
    if (found == host.writes_.end())
      return host.blob_answer(context, done, RABT_BLOB_ABSENT, name, nullptr, false);
    if (text.size() > RABT_BLOB_MAX_PIECE) {
      host.writes_.erase(found);
      return host.blob_answer(context, done, RABT_BLOB_FAILED, name, nullptr, false);
    }
    found->second.content += text;
    host.blob_answer(context, done, RABT_BLOB_OK, name, &found->second, false);
  });
}

inline void FakeHost::blob_finish(void* self, rabt_bytes handle, void* context,
                                  rabt_blob_done done) {
  FakeHost& host = of(self);
  host.later([&host, context, done, name = host.taken(handle, "a handle")] {
    const auto found = host.writes_.find(name);
    if (found == host.writes_.end())
      return host.blob_answer(context, done, RABT_BLOB_ABSENT, name, nullptr, false);
    host.blobs[name] = std::move(found->second);
    host.writes_.erase(found);
    host.own_blobs_.insert(name);
    host.blob_answer(context, done, RABT_BLOB_OK, name, &host.blobs[name], true);
  });
}

inline void FakeHost::blob_info(void* self, rabt_call_id call, rabt_bytes handle, void* context,
                                rabt_blob_done done) {
  FakeHost& host = of(self);
  const std::string name = host.taken(handle, "a handle");
  const bool seen = host.may_see(call, name);
  host.later([&host, context, done, name, seen] {
    host.blob_answer(context, done, seen ? RABT_BLOB_OK : RABT_BLOB_ABSENT, name,
                     seen ? &host.blobs[name] : nullptr, true);
  });
}

inline void FakeHost::blob_read(void* self, rabt_call_id call, rabt_bytes handle,
                                std::uint64_t from, std::uint64_t length, void* context,
                                rabt_blob_piece done) {
  FakeHost& host = of(self);
  const std::string name = host.taken(handle, "a handle");
  const bool seen = host.may_see(call, name);
  host.later([&host, context, done, name, seen, from, length] {
    if (length == 0 || length > RABT_BLOB_MAX_PIECE) return done(context, RABT_BLOB_RANGE, {});
    if (!seen) return done(context, RABT_BLOB_ABSENT, {});
    const std::string& content = host.blobs[name].content;
    if (from >= content.size()) return done(context, RABT_BLOB_RANGE, {});
    Lent lent;
    done(context, RABT_BLOB_OK,
         lent(std::string_view(content).substr(static_cast<std::size_t>(from),
                                               static_cast<std::size_t>(length))));
    lent.take_back();
  });
}

}  // namespace rabt::sdk::testing

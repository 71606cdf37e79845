#include "hub/store/sqlite/library.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <new>

namespace rabt::store::sqlite {

namespace {

// SQLite's own page cache.
sqlite3_pcache_methods2 own;

// The same, spared needless truncations.
//
// At each commit SQLite has the cache drop the pages behind the end of the file. The cache then
// looks through all of its pages if it has ever held a higher number. It nearly always has: to swap
// two pages of a tree, balance_nonroot of SQLite's btree.c gives one of them the number of the page
// at 1 GiB for a moment. A smaller file never has that page. With a warm cache of 64 MiB the search
// takes 0.3 ms, twice as long as a good disk takes for the commit. Here the number is forgotten as
// soon as the page has another.
class PageCache {
 public:
  static sqlite3_pcache* create(int page_bytes, int extra_bytes, int purgeable) {
    sqlite3_pcache* const cache = own.xCreate(page_bytes, extra_bytes, purgeable);
    auto* const self = cache == nullptr ? nullptr : new (std::nothrow) PageCache(cache);
    if (self == nullptr && cache != nullptr) own.xDestroy(cache);
    return reinterpret_cast<sqlite3_pcache*>(self);
  }
  static void set_size(sqlite3_pcache* cache, int pages) { own.xCachesize(own_of(cache), pages); }
  static int count(sqlite3_pcache* cache) { return own.xPagecount(own_of(cache)); }
  static sqlite3_pcache_page* fetch(sqlite3_pcache* cache, unsigned key, int create) {
    PageCache& self = of(cache);
    sqlite3_pcache_page* const page = own.xFetch(self.cache_, key, create);
    if (page != nullptr) self.highest_ = std::max(self.highest_, key);
    return page;
  }
  static void unpin(sqlite3_pcache* cache, sqlite3_pcache_page* page, int discard) {
    own.xUnpin(own_of(cache), page, discard);
  }
  static void rekey(sqlite3_pcache* cache, sqlite3_pcache_page* page, unsigned from, unsigned to) {
    PageCache& self = of(cache);
    if (from == self.passing_) self.passing_ = 0;
    if (to > self.highest_) {
      self.highest_ = std::max(self.highest_, self.passing_);
      self.passing_ = to;
    }
    own.xRekey(self.cache_, page, from, to);
  }
  static void truncate(sqlite3_pcache* cache, unsigned limit) {
    PageCache& self = of(cache);
    if (limit > std::max(self.highest_, self.passing_)) return;
    own.xTruncate(self.cache_, limit);
    self.highest_ = limit - 1;
    self.passing_ = 0;
  }
  static void destroy(sqlite3_pcache* cache) {
    own.xDestroy(own_of(cache));
    delete &of(cache);
  }
  static void shrink(sqlite3_pcache* cache) { own.xShrink(own_of(cache)); }

 private:
  explicit PageCache(sqlite3_pcache* cache) : cache_(cache) {}
  static PageCache& of(sqlite3_pcache* cache) { return *reinterpret_cast<PageCache*>(cache); }
  static sqlite3_pcache* own_of(sqlite3_pcache* cache) { return of(cache).cache_; }

  sqlite3_pcache* const cache_;
  // No page has a higher number, but for passing_: what a page was renumbered to, above all others.
  // Zero when there is none.
  unsigned highest_ = 0;
  unsigned passing_ = 0;
};

}  // namespace

void set_up_library() {
  static const bool done = [] {
    // SQLite counts its memory under one lock for all connections, and nobody asks for the count.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &own) != SQLITE_OK) return false;
    sqlite3_pcache_methods2 ours = own;
    ours.xCreate = &PageCache::create;
    ours.xCachesize = &PageCache::set_size;
    ours.xPagecount = &PageCache::count;
    ours.xFetch = &PageCache::fetch;
    ours.xUnpin = &PageCache::unpin;
    ours.xRekey = &PageCache::rekey;
    ours.xTruncate = &PageCache::truncate;
    ours.xDestroy = &PageCache::destroy;
    ours.xShrink = &PageCache::shrink;
    return sqlite3_config(SQLITE_CONFIG_PCACHE2, &ours) == SQLITE_OK;
  }();
  static_cast<void>(done);
}

}  // namespace rabt::store::sqlite

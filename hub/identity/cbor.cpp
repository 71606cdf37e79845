#include "hub/identity/cbor.hpp"

#include <cbor.h>

#include <limits>
#include <optional>

namespace rabt::identity {

namespace {

constexpr int kMaxDepth = 4;
// Items of an array, pairs of a map: authenticators write a handful.
constexpr std::size_t kMaxCborItems = 64;

Error bad_cbor(std::string message) {
  return invalid("auth.cbor", std::move(message));
}

// Content of one head.
struct Head {
  // Nothing for what is not taken.
  std::optional<Cbor::Kind> kind;
  std::int64_t integer = 0;
  std::string content;
  // Items of an array, pairs of a map.
  std::size_t count = 0;
};

Head& head_of(void* context) {
  return *static_cast<Head*>(context);
}

void integer(void* context, std::uint64_t value, bool negative) {
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return;
  Head& head = head_of(context);
  head.kind = Cbor::Kind::integer;
  head.integer = static_cast<std::int64_t>(value);
  if (negative) head.integer = -1 - head.integer;
}

template <typename Number, bool negative>
void number(void* context, Number value) {
  integer(context, value, negative);
}

template <Cbor::Kind kind>
void text(void* context, cbor_data data, std::size_t size) {
  head_of(context).kind = kind;
  head_of(context).content.assign(reinterpret_cast<const char*>(data), size);
}

template <Cbor::Kind kind>
void collection(void* context, std::size_t count) {
  head_of(context).kind = kind;
  head_of(context).count = count;
}

void simple(void* context) {
  head_of(context).kind = Cbor::Kind::simple;
}

// Items without a callback here leave the kind unset.
cbor_callbacks callbacks() {
  cbor_callbacks out = cbor_empty_callbacks;
  out.uint8 = number<std::uint8_t, false>;
  out.uint16 = number<std::uint16_t, false>;
  out.uint32 = number<std::uint32_t, false>;
  out.uint64 = number<std::uint64_t, false>;
  out.negint8 = number<std::uint8_t, true>;
  out.negint16 = number<std::uint16_t, true>;
  out.negint32 = number<std::uint32_t, true>;
  out.negint64 = number<std::uint64_t, true>;
  out.byte_string = text<Cbor::Kind::bytes>;
  out.string = text<Cbor::Kind::text>;
  out.array_start = collection<Cbor::Kind::array>;
  out.map_start = collection<Cbor::Kind::map>;
  out.null = simple;
  out.boolean = [](void* context, bool value) {
    simple(context);
    head_of(context).integer = value ? 1 : 0;
  };
  return out;
}

Result<Cbor> read(ByteView& in, int depth) {
  static const cbor_callbacks reads = callbacks();
  if (depth > kMaxDepth) return bad_cbor("the data is nested too deeply");
  Head head;
  const cbor_decoder_result done = cbor_stream_decode(in.data(), in.size(), &reads, &head);
  if (done.status != CBOR_DECODER_FINISHED) return bad_cbor("the data ends early, or is no CBOR");
  in = in.subspan(done.read);
  if (!head.kind) return bad_cbor("the data holds something that authenticators do not write");
  Cbor out{.kind = *head.kind, .integer = head.integer, .content = std::move(head.content)};
  const bool map = out.kind == Cbor::Kind::map;
  if (!map && out.kind != Cbor::Kind::array) return out;
  if (head.count > kMaxCborItems) return bad_cbor("the data holds too many items");
  for (std::size_t i = 0; i < head.count; ++i) {
    if (map) {
      RABT_TRY(key, read(in, depth + 1));
      const bool named = key.kind == Cbor::Kind::integer || key.kind == Cbor::Kind::text;
      if (!named) return bad_cbor("a key is neither a number nor a text");
      const bool twice = key.kind == Cbor::Kind::text ? out.find(key.content) != nullptr
                                                      : out.find(key.integer) != nullptr;
      if (twice) return bad_cbor("a key stands twice");
      out.items.push_back(std::move(key));
    }
    RABT_TRY(item, read(in, depth + 1));
    out.items.push_back(std::move(item));
  }
  return out;
}

}  // namespace

const Cbor* Cbor::find(std::int64_t key) const {
  for (std::size_t i = 0; kind == Kind::map && i + 1 < items.size(); i += 2) {
    if (items[i].kind == Kind::integer && items[i].integer == key) return &items[i + 1];
  }
  return nullptr;
}

const Cbor* Cbor::find(std::string_view key) const {
  for (std::size_t i = 0; kind == Kind::map && i + 1 < items.size(); i += 2) {
    if (items[i].kind == Kind::text && items[i].content == key) return &items[i + 1];
  }
  return nullptr;
}

Result<Cbor> read_cbor(ByteView& in) {
  return read(in, 1);
}

}  // namespace rabt::identity

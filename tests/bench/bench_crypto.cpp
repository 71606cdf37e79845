#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/floe.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/crypto/seal.hpp"
#include "hub/store/open.hpp"
#include "tests/keyring.hpp"

// Sealing and opening of recordings beside `openssl speed -evp aes-256-gcm`, on one core, in one
// run. Times are processor time of the thread, kernel included; openssl's are user time.
//   bench_crypto [ROUNDS]
// A round takes ten seconds of processor time; five are run unless ROUNDS says otherwise.
namespace rabt {
namespace {

constexpr double kMega = 1e6;
constexpr std::size_t kGib = 1U << 30U;
const crypto::SealContext kPlace{"acme", "blob", "1", "content"};

double cpu_seconds() {
  timespec now{};
  RABT_CHECK(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Processor time of the thread until now, by who spent it.
struct Spent {
  Spent() {
    rusage now{};
    RABT_CHECK(::getrusage(RUSAGE_THREAD, &now) == 0);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    user = seconds(now.ru_utime);
    kernel = seconds(now.ru_stime);
  }
  double user = 0;
  double kernel = 0;
};

// Runs step until a second of processor time is spent; megabytes of 10^6 bytes in a second.
template <typename Step>
double rate(std::uint64_t bytes_of_step, const Step& step) {
  step();
  const double start = cpu_seconds();
  std::uint64_t bytes = 0;
  double spent = 0;
  while (spent < 1.0) {
    step();
    bytes += bytes_of_step;
    spent = cpu_seconds() - start;
  }
  return static_cast<double>(bytes) / spent / kMega;
}

// The figure of `openssl speed` in MB/s; the last line ends with thousands of bytes a second:
// "12.3k".
double openssl_speed(const char* options) {
  const std::string command =
      "openssl speed -seconds 1 " + std::string(options) + " 2>/dev/null | tail -1";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  char line[256] = {};
  const bool read = pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr;
  if (pipe != nullptr) ::pclose(pipe);
  const char* const number = read ? std::strrchr(line, ' ') : nullptr;
  if (number == nullptr) {
    std::fprintf(stderr, "bench_crypto: `%s` gave nothing\n", command.c_str());
    std::exit(1);
  }
  return std::strtod(number, nullptr) * 1000 / kMega;
}

double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Status discard(ByteView) {
  return ok_status();
}
Status discard_plain(std::string_view) {
  return ok_status();
}

void seal_stream(const crypto::DataKey& key, std::string_view piece, std::uint64_t pieces,
                 const crypto::SealedSink& sink) {
  static SystemRandom random;
  crypto::StreamSealer sealer(key, kPlace, random);
  for (std::uint64_t i = 0; i < pieces; ++i) RABT_CHECK(sealer.write(piece, sink).ok());
  RABT_CHECK(sealer.finish(sink).ok());
}

// A stream of 4 GiB that exists nowhere: sealed from one piece again and again; opened from
// segments that are sealed when the reader asks for them.
void memory(const crypto::DataKey& key) {
  const std::string piece(1U << 20U, 'p');
  std::printf("memory      at start                     %6.1f MiB peak\n", peak_mib());
  seal_stream(key, piece, 4 * kGib / piece.size(), discard);
  std::printf("            4 GiB sealed                 %6.1f MiB peak\n", peak_mib());

  SystemRandom random;
  auto message =
      crypto::floe::Message::begin(crypto::floe::k1M, key.material().expose(), "aad", random);
  const std::uint64_t sealed = crypto::floe::sealed_size(crypto::floe::k1M, 4 * kGib);
  const auto source = [&](std::uint64_t offset, std::span<std::uint8_t> out) -> Result<ByteView> {
    if (offset == 0) return ByteView(message.header());
    RABT_CHECK(message.seal_segment((offset - crypto::floe::kHeaderBytes) >> 20U,
                                    offset + out.size() == sealed,
                                    as_bytes(piece).first(out.size() - 32), random, out));
    return ByteView(out);
  };
  auto reader =
      crypto::floe::Reader::open(crypto::floe::k1M, key.material().expose(), "aad", sealed, source);
  RABT_CHECK(reader.ok() && reader->read(0, reader->plain_bytes(), discard_plain).ok());
  std::printf("            4 GiB opened                 %6.1f MiB peak\n\n", peak_mib());
}

void speed(const crypto::DataKey& key, int rounds) {
  constexpr std::uint64_t kStream = 64U << 20U;
  const std::string large(8U << 20U, 'p');
  const std::string small(16U << 10U, 'p');
  std::string sealed;
  sealed.reserve(static_cast<std::size_t>(crypto::sealed_stream_size(kStream)));
  seal_stream(key, large, kStream / large.size(), [&sealed](ByteView piece) {
    sealed.append(as_text(piece));
    return ok_status();
  });
  const auto source = [&sealed](std::uint64_t offset,
                                std::span<std::uint8_t> out) -> Result<ByteView> {
    return as_bytes(sealed).subspan(static_cast<std::size_t>(offset), out.size());
  };

  std::printf(
      "MB/s        openssl seal     stream sealed from    openssl open   stream    sha256\n");
  std::printf("            16 KiB   1 MiB   8 MiB   16 KiB pieces 16 KiB   1 MiB opened\n");
  std::vector<double> seal16, seal1, sealp, open16, open1;
  for (int round = 0; round < rounds; ++round) {
    const double enc16 = openssl_speed("-evp aes-256-gcm -bytes 16384");
    const double enc1 = openssl_speed("-evp aes-256-gcm -bytes 1048576");
    const double mine =
        rate(kStream, [&] { seal_stream(key, large, kStream / large.size(), discard); });
    const double pieces =
        rate(kStream, [&] { seal_stream(key, small, kStream / small.size(), discard); });
    const double dec16 = openssl_speed("-decrypt -evp aes-256-gcm -bytes 16384");
    const double dec1 = openssl_speed("-decrypt -evp aes-256-gcm -bytes 1048576");
    const double opened = rate(kStream, [&] {
      auto reader = crypto::StreamReader::open(key, kPlace, sealed.size(), kStream, source);
      RABT_CHECK(reader.ok() && reader->read(0, kStream, discard_plain).ok());
    });
    const double hash = rate(large.size(), [&] { (void)crypto::sha256(large); });
    std::printf("round %d     %6.0f  %6.0f  %6.0f  %6.0f        %6.0f  %6.0f  %6.0f    %6.0f\n",
                round + 1, enc16, enc1, mine, pieces, dec16, dec1, opened, hash);
    seal16.push_back(mine / enc16);
    seal1.push_back(mine / enc1);
    sealp.push_back(pieces / enc16);
    open16.push_back(opened / dec16);
    open1.push_back(opened / dec1);
  }
  std::printf("\nratio (median of the rounds)     to openssl at 16 KiB   at 1 MiB\n");
  std::printf("sealing                          %.2f                   %.2f\n", median(seal16),
              median(seal1));
  std::printf("sealing from pieces of 16 KiB    %.2f\n", median(sealp));
  std::printf("opening                          %.2f                   %.2f\n\n", median(open16),
              median(open1));
}

void values(const crypto::DataKey& key) {
  SystemRandom random;
  for (const std::size_t size : {std::size_t{20}, std::size_t{300}, std::size_t{4000}}) {
    const std::string plain(size, 'p');
    const std::string sealed = key.seal(kPlace, plain, random);
    const double in = rate(1, [&] { (void)key.seal(kPlace, plain, random); });
    const double out = rate(1, [&] { RABT_CHECK(key.open(kPlace, sealed).ok()); });
    std::printf("value of %4zu bytes    sealed in %5.2f us, opened in %5.2f us\n", size, 1 / in,
                1 / out);
  }
}

// A recording as the hub keeps it: with its SHA-256, in a file, with a row.
void recordings() {
  std::string folder = (std::filesystem::temp_directory_path() / "rabt-bench-XXXXXX").string();
  RABT_CHECK(::mkdtemp(folder.data()) != nullptr);
  {
    const auto log = std::move(*make_logger(LogLevel::error));
    SystemClock clock;
    SystemRandom random;
    UlidSource ids(clock, random);
    auto store = store::open(store::SqliteOptions{.path = folder + "/hub.db",
                                                  .migrations_folder = RABT_MIGRATIONS},
                             *log)
                     .value();
    auto keyring = test::open_keyring(folder, clock, random, {"acme"});
    keys::DataKeys data_keys({*keyring, *store, clock, random, ids}, keys::RetentionPolicy{});
    auto blobs =
        blob::make_blob_store(folder + "/blobs", *store, data_keys, clock, random, ids, *log)
            .value();
    constexpr std::uint64_t kBytes = kGib;
    const std::string piece(16U << 10U, 'p');
    const Spent before;
    auto writer = blobs->create("acme", "video/webm").value();
    for (std::uint64_t done = 0; done < kBytes; done += piece.size())
      RABT_CHECK(writer->write(piece).ok());
    const std::string id = writer->finish().value().id;
    const Spent stored;
    auto reader = blobs->open("acme", id).value();
    RABT_CHECK(reader->read(0, kBytes, discard_plain).ok());
    const Spent read;
    std::printf("\nrecording of 1 GiB, in pieces of 16 KiB, with its SHA-256, file and row\n");
    const auto line = [](const char* what, const Spent& from, const Spent& to) {
      std::printf("%-7s %5.2f s in the program, %5.0f MB/s; %5.2f s in the kernel\n", what,
                  to.user - from.user, static_cast<double>(kBytes) / (to.user - from.user) / kMega,
                  to.kernel - from.kernel);
    };
    line("stored", before, stored);
    line("read", stored, read);
  }
  std::filesystem::remove_all(folder);
}

void run(int rounds) {
  const int core = ::sched_getcpu();
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(core), &only);
  const bool pinned = ::sched_setaffinity(0, sizeof only, &only) == 0;  // openssl inherits it
  std::printf("core %d%s\n\n", core, pinned ? "" : ", but it could not be pinned");
  const crypto::DataKey key("k1", SecretBytes(std::string(32, 'k')));
  memory(key);
  speed(key, rounds);
  values(key);
  recordings();
}

}  // namespace
}  // namespace rabt

int main(int argc, char** argv) {
  // Each line as it is measured, into a pipe too.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  rabt::run(argc > 1 ? std::max(1, std::atoi(argv[1])) : 5);
}

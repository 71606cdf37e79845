#include "sound.hpp"

#include <gtest/gtest.h>
#include <opus/opus.h>

#include <array>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "rabt/plugin.hpp"

namespace rabt::asr::sound_test {
namespace {

struct Heard {
  std::vector<std::int16_t> samples;
  std::vector<std::int64_t> at_ms;
  Sink sink() {
    return [this](std::int64_t at, std::span<const std::int16_t> more) {
      at_ms.push_back(at);
      samples.insert(samples.end(), more.begin(), more.end());
    };
  }
};
// step: how many bytes come at once.
Heard heard(const std::string& content, std::size_t step) {
  Heard out;
  const auto reader = reader_for(content.substr(0, 4), out.sink());
  for (std::size_t at = 0; at < content.size(); at += step)
    reader->take(std::string_view(content).substr(at, step));
  return out;
}
std::string fault(const std::string& content) {
  try {
    (void)heard(content, 7);
  } catch (const sdk::Refusal& refusal) {
    return refusal.code();
  }
  return "none";
}

std::string little(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}
std::string wave(std::uint32_t rate, std::uint16_t channels, const std::vector<std::int16_t>& data,
                 const std::string& more = {}) {
  std::string sound;
  for (const std::int16_t one : data) sound += little(static_cast<std::uint16_t>(one), 2);
  return "RIFF" + little(0, 4) + "WAVE" + "fmt " + little(16, 4) + little(1, 2) +
         little(channels, 2) + little(rate, 4) + little(std::uint64_t{rate} * channels * 2, 4) +
         little(channels * 2U, 2) + little(16, 2) + more + "data" + little(sound.size(), 4) + sound;
}

// EBML with sizes of eight bytes.
std::string element(std::uint32_t id, const std::string& content) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (id >> shift != 0) out.push_back(static_cast<char>(id >> shift));
  }
  out.push_back('\x01');
  for (int shift = 48; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(content.size()) >> shift));
  return out + content;
}
std::string track(char number, const std::string& codec) {
  return element(0xAE, element(0xD7, std::string(1, number)) + element(0x86, codec));
}
std::string block(char track, std::uint16_t at, const std::string& content, char flags = '\x80') {
  return element(0xA3, std::string(1, static_cast<char>(0x80 | track)) +
                           std::string(1, static_cast<char>(at >> 8U)) +
                           std::string(1, static_cast<char>(at)) + std::string(1, flags) + content);
}
std::string matroska(const std::string& clusters) {
  return element(0x1A45DFA3, element(0x4282, "webm")) +
         // A segment whose size nobody knew when it began.
         std::string("\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff", 12) +
         element(0x1549A966, element(0x2AD7B1, std::string("\x0f\x42\x40", 3))) +
         element(0x1654AE6B, track(1, "V_VP8") + track(2, "A_OPUS")) + clusters;
}
// A second of a tone as packets of 20 ms.
std::vector<std::string> tone() {
  int error = OPUS_OK;
  OpusEncoder* const encoder = opus_encoder_create(16'000, 1, OPUS_APPLICATION_VOIP, &error);
  std::vector<std::string> packets;
  for (int packet = 0; packet < 50; ++packet) {
    std::array<opus_int16, 320> samples{};
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const double at = packet * 320.0 + static_cast<double>(i);
      samples.at(i) =
          static_cast<opus_int16>(8000 * std::sin(2 * std::numbers::pi * 440 * at / 16'000));
    }
    std::array<unsigned char, 1500> bytes{};
    const auto size = opus_encode(encoder, samples.data(), 320, bytes.data(), bytes.size());
    packets.emplace_back(bytes.begin(), bytes.begin() + size);
  }
  opus_encoder_destroy(encoder);
  return packets;
}
std::string recording() {
  const auto packets = tone();
  std::string first = element(0xE7, std::string(1, '\0'));
  std::string second = element(0xE7, std::string("\x01\xf4", 2));
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const auto at = static_cast<std::uint16_t>(20 * (i % 25));
    std::string& cluster = i < 25 ? first : second;
    if (i % 5 == 0) cluster += block(1, at, std::string(3000, 'p'));
    cluster += block(2, at, packets[i]);
  }
  return matroska(element(0x1F43B675, first) + element(0x1F43B675, second));
}

TEST(Sound, AWaveIsReadHoweverItIsCut) {
  std::vector<std::int16_t> samples;
  for (int i = 0; i < 1000; ++i) samples.push_back(static_cast<std::int16_t>(i * 31 - 15'000));
  const std::string content = wave(16'000, 1, samples, "LIST" + little(3, 4) + "abc" + '\0');
  for (const std::size_t step : {1UL, 3UL, 64UL, 100'000UL}) {
    const Heard got = heard(content, step);
    EXPECT_EQ(got.samples, samples) << step;
    EXPECT_EQ(got.at_ms.front(), 0);
  }
}

TEST(Sound, HigherRatesAndTwoChannelsBecomeOne) {
  const std::vector<std::int16_t> six{100, 200, 300, 400, 500, 600, -10, -20, -30, -40, -50, -60};
  EXPECT_EQ(heard(wave(48'000, 2, six), 5).samples, (std::vector<std::int16_t>{350, -35}));
  EXPECT_EQ(heard(wave(32'000, 1, {10, 20, 30, 40}), 1).samples,
            (std::vector<std::int16_t>{15, 35}));
}

TEST(Sound, AMatroskaGivesItsOpusTrackHoweverItIsCut) {
  const std::string content = recording();
  const Heard whole = heard(content, content.size());
  ASSERT_EQ(whole.samples.size(), 16'000U);
  EXPECT_EQ(whole.at_ms.front(), 0);
  EXPECT_EQ(whole.at_ms.back(), 980);
  double power = 0;
  for (std::size_t i = 4'000; i < 12'000; ++i)
    power += static_cast<double>(whole.samples[i]) * whole.samples[i];
  EXPECT_NEAR(std::sqrt(power / 8'000), 8000 / std::numbers::sqrt2, 800);
  for (const std::size_t step : {1UL, 17UL, 4096UL})
    EXPECT_EQ(heard(content, step).samples, whole.samples) << step;
}

TEST(Sound, WhatIsNoSoundIsRefused) {
  EXPECT_EQ(fault("bytes of a recording"), "asr.format");
  EXPECT_EQ(fault(""), "asr.format");
  EXPECT_EQ(fault(wave(22'050, 1, {1, 2})), "asr.format");
  EXPECT_EQ(fault(wave(16'000, 6, {1, 2})), "asr.format");
  EXPECT_EQ(fault("RIFF" + little(0, 4) + "AVI LIST"), "asr.format");
  // An id of five bytes; a picture without a size; a packet that is laced, or of a gigabyte.
  EXPECT_EQ(fault(matroska(std::string("\x08\x00\x00\x00\x00", 5))), "asr.format");
  EXPECT_EQ(fault(matroska(std::string("\xa3\xff", 2))), "asr.format");
  EXPECT_EQ(fault(matroska(block(2, 0, "abcd", '\x82'))), "asr.format");
  EXPECT_EQ(fault(matroska(std::string("\xa3\x08\x40\x00\x00\x00\x82\x00\x00\x80", 10))),
            "asr.format");
}

TEST(Sound, ARecordingThatEndsTooSoonGivesWhatCame) {
  const std::string content = recording();
  for (std::size_t size = 4; size < content.size(); size += 997) {
    const Heard got = heard(content.substr(0, size), 512);
    EXPECT_LE(got.samples.size(), 16'000U);
  }
}

}  // namespace
}  // namespace rabt::asr::sound_test

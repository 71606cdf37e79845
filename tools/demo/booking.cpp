#include "tools/demo/booking.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "hub/base/json.hpp"

namespace rabt::demo {

namespace {

// Ten digits, first 1 (citizen), the last a Luhn check digit; the numbers are fictional.
std::string identity_number(int number) {
  std::string digits = "1" + std::to_string(10'000'000 + number * 37 % 80'000'000);
  int sum = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    int digit = digits[i] - '0';
    if (i % 2 == 0) {
      digit *= 2;
      if (digit > 9) digit -= 9;
    }
    sum += digit;
  }
  digits.push_back(static_cast<char>('0' + (10 - sum % 10) % 10));
  return digits;
}

constexpr std::array<std::string_view, 6> kGiven{"عبدالله", "محمد", "فهد", "سلمان", "تركي", "ناصر"};
constexpr std::array<std::string_view, 6> kFamily{"القحطاني", "العتيبي", "الشمري",
                                                  "الدوسري",  "الحربي",  "الغامدي"};

Json coding(std::string_view system, std::string_view code, std::string_view display = {}) {
  Json value = Json::object({{"system", system}, {"code", code}});
  if (!display.empty()) value.set("display", display);
  return value;
}
Json concept_of(Json code) {
  return Json::object({{"coding", Json::array({std::move(code)})}});
}
Json identifier(std::string_view system, std::string_view value) {
  return Json::object({{"system", system}, {"value", value}});
}
Json entry(std::string_view type, std::string_view id, Json resource) {
  return Json::object(
      {{"fullUrl", "https://his.example.sa/fhir/" + std::string(type) + "/" + std::string(id)},
       {"resource", std::move(resource)}});
}
Json participant(std::string_view reference) {
  return Json::object({{"actor", Json::object({{"reference", reference}})},
                       {"required", "required"},
                       {"status", "accepted"}});
}

// Local time of the facility, UTC+03:00 all year.
std::string riyadh(Timestamp at) {
  std::string text = to_iso8601({at.ms + 3LL * 3'600'000});
  return text.substr(0, 19) + "+03:00";
}

}  // namespace

Booking make_booking(const Clock& clock, UlidSource& ids, int number) {
  Booking booking;
  booking.id = "msg_" + ids.next().text();
  const std::string key = ids.next().text();
  const auto pick = static_cast<std::size_t>(number);
  const std::string given(kGiven[pick % kGiven.size()]);
  const std::string family(kFamily[pick / kGiven.size() % kFamily.size()]);
  booking.patient_name = given + " بن سعد " + family;
  booking.practitioner_name = "د. نورة السبيعي";
  booking.complaint = "صداع وارتفاع في الحرارة منذ يومين";
  const Timestamp start{clock.now().ms / 1000 * 1000};
  booking.start = riyadh(start);

  const std::string patient = "pat-" + key;
  const std::string practitioner = "prac-1";
  const Json appointment = Json::object(
      {{"resourceType", "Appointment"},
       {"id", "app-" + key},
       {"extension",
        Json::array({Json::object(
            {{"url",
              "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"},
             {"extension",
              Json::array(
                  {Json::object({{"url", "_datatype"}, {"valueString", "VirtualServiceDetail"}}),
                   Json::object({{"url", "maxParticipants"}, {"valuePositiveInt", 2}})})}})})},
       {"identifier", Json::array({identifier("https://his.example.sa/appointment", "A-" + key)})},
       {"status", "booked"},
       {"serviceType", Json::array({Json::object({{"text", "Video consultation"}})})},
       {"reasonCode",
        Json::array({concept_of(coding("http://hl7.org/fhir/sid/icd-10-am", "J06.9",
                                       "Acute upper respiratory infection, unspecified"))})},
       {"description", booking.complaint},
       {"start", riyadh(start)},
       {"end", riyadh({start.ms + 20LL * 60'000})},
       {"participant", Json::array({participant("Patient/" + patient),
                                    participant("Practitioner/" + practitioner)})}});
  const Json person = Json::object(
      {{"resourceType", "Patient"},
       {"id", patient},
       {"identifier",
        Json::array({Json::object(
            {{"type", concept_of(coding("http://terminology.hl7.org/CodeSystem/v2-0203", "NI"))},
             {"system", "http://nphies.sa/identifier/nationalid"},
             {"value", identity_number(number)}})})},
       {"active", true},
       {"name", Json::array({Json::object({{"use", "official"},
                                           {"text", booking.patient_name},
                                           {"family", family},
                                           {"given", Json::array({given, "سعد"})}})})},
       {"gender", "male"},
       {"birthDate", "1985-04-12"},
       {"maritalStatus",
        concept_of(coding("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "M"))}});
  const Json doctor = Json::object(
      {{"resourceType", "Practitioner"},
       {"id", practitioner},
       {"identifier",
        Json::array({Json::object(
            {{"type", concept_of(coding("http://terminology.hl7.org/CodeSystem/v2-0203", "MD"))},
             {"system", "http://nphies.sa/license/practitioner-license"},
             {"value", "N-P-00001"}})})},
       {"active", true},
       {"name", Json::array({Json::object({{"text", booking.practitioner_name},
                                           {"family", "السبيعي"},
                                           {"given", Json::array({"نورة"})}})})}});
  const Json coverage = Json::object(
      {{"resourceType", "Coverage"},
       {"id", "cov-" + key},
       {"identifier", Json::array({identifier("http://payer.example.sa/memberid",
                                              "M-" + key.substr(key.size() - 10))})},
       {"status", "active"},
       {"type",
        concept_of(coding("http://nphies.sa/terminology/CodeSystem/coverage-type", "EHCPOL"))},
       {"beneficiary", Json::object({{"reference", "Patient/" + patient}})},
       {"relationship",
        concept_of(
            coding("http://terminology.hl7.org/CodeSystem/subscriber-relationship", "self"))},
       {"payor",
        Json::array({Json::object(
            {{"identifier", identifier("http://nphies.sa/license/payer-license", "INS-FHIR")},
             {"display", "Demo Insurance"}})})},
       {"class",
        Json::array({Json::object(
            {{"type",
              concept_of(coding("http://terminology.hl7.org/CodeSystem/coverage-class", "plan"))},
             {"value", "GOLD"},
             {"name", "Gold"}})})}});
  booking.body =
      Json::object({{"resourceType", "Bundle"},
                    {"type", "collection"},
                    {"entry", Json::array({entry("Appointment", "app-" + key, appointment),
                                           entry("Patient", patient, person),
                                           entry("Practitioner", practitioner, doctor),
                                           entry("Coverage", "cov-" + key, coverage)})}})
          .dump();
  return booking;
}

Result<int> free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool good = fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!good) return unavailable("demo.port", "no free port on 127.0.0.1");
  return static_cast<int>(ntohs(address.sin_port));
}

}  // namespace rabt::demo

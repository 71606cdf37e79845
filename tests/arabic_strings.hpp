#pragma once

#include <string_view>
#include <utility>

// The strings of a call's pages that hospitals have shown in Arabic so far, word by word.
namespace rabt::test {

inline constexpr std::pair<std::string_view, std::string_view> kArabicStrings[] = {
    {"join_call", "انضم إلى المكالمة"},
    {"end_call", "إنهاء المكالمة"},
    {"mute", "كتم الصوت"},
    {"unmute", "إلغاء كتم الصوت"},
    {"video_on", "تشغيل الفيديو"},
    {"video_off", "إيقاف الفيديو"},
    {"screen_share", "مشاركة الشاشة"},
    {"chat", "الدردشة"},
    {"participants", "المشاركون"},
    {"waiting_room", "غرفة الانتظار"},
    {"doctor", "طبيب"},
    {"patient", "مريض"},
    {"family", "أفراد العائلة"}};

}  // namespace rabt::test

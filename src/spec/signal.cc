#include "spec/signal.h"

#include <fmt/core.h>

#include <array>

#include "base/text.h"

namespace gantry::spec {
namespace {

// The numbers of Linux on x86, arm and most others. The real-time range is what glibc leaves.
constexpr std::array<std::string_view, 32> kNames = {
    "",     "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
    "SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
    "TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS"};
constexpr int kRealtimeMin = 34;
constexpr int kRealtimeMax = 64;

struct Alias {
    std::string_view name;
    int number;
};
constexpr Alias kAliases[] = {{"IOT", 6}, {"CLD", 17}, {"POLL", 29}, {"UNUSED", 31}};

/// "RTMIN", "RTMIN+3", "RTMAX", "RTMAX-1"; 0 for others.
int realtime_number(std::string_view name) {
    const bool from_min = name.starts_with("RTMIN");
    if (!from_min && !name.starts_with("RTMAX")) {
        return 0;
    }
    const int base = from_min ? kRealtimeMin : kRealtimeMax;
    name.remove_prefix(5);
    if (name.empty()) {
        return base;
    }
    if (name[0] != (from_min ? '+' : '-')) {
        return 0;
    }
    const auto offset = parse_uint(name.substr(1));
    if (!offset || *offset > kRealtimeMax - kRealtimeMin) {
        return 0;
    }
    const int distance = static_cast<int>(*offset);
    return from_min ? base + distance : base - distance;
}

int number_of(std::string_view text) {
    if (const auto number = parse_uint(text)) {
        return *number <= kRealtimeMax ? static_cast<int>(*number) : 0;
    }
    const std::string upper = to_upper(text);
    std::string_view name = upper;
    if (name.starts_with("SIG")) {
        name.remove_prefix(3);
    }
    for (size_t number = 1; number < kNames.size(); ++number) {
        if (kNames[number] == name) {
            return static_cast<int>(number);
        }
    }
    for (const Alias& alias : kAliases) {
        if (alias.name == name) {
            return alias.number;
        }
    }
    return realtime_number(name);
}

}  // namespace

Result<int> parse_signal(std::string_view text) {
    const int number = number_of(text);
    if (number == 0) {
        return fail(Kind::kInvalid, fmt::format("invalid signal: {}", text));
    }
    return number;
}

std::string format_signal(int number) {
    if (number > 0 && number < static_cast<int>(kNames.size())) {
        return fmt::format("SIG{}", kNames[static_cast<size_t>(number)]);
    }
    if (number == kRealtimeMin) {
        return "SIGRTMIN";
    }
    if (number == kRealtimeMax) {
        return "SIGRTMAX";
    }
    // The nearer end, as bash prints it.
    if (number > kRealtimeMin && number <= kRealtimeMin + 15) {
        return fmt::format("SIGRTMIN+{}", number - kRealtimeMin);
    }
    if (number > kRealtimeMin && number < kRealtimeMax) {
        return fmt::format("SIGRTMAX-{}", kRealtimeMax - number);
    }
    return std::to_string(number);
}

}  // namespace gantry::spec

#include "engine/top/ps_columns.h"

#include <fmt/core.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "sys/files.h"

namespace gantry::engine {

namespace {

using Process = const sys::ProcessInfo&;
using World = const PsWorld&;

uint64_t ticks_per_second() {
    static const auto ticks = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
    return ticks;
}

/// id to name, by the third field of each line.
std::map<uint32_t, std::string> names_by_id(std::string_view text) {
    std::map<uint32_t, std::string> names;
    for (const std::string_view line : split(text, '\n')) {
        const auto fields = split(line, ':');
        const auto id = fields.size() > 2 ? parse_uint(fields[2]) : std::nullopt;
        if (id && *id <= UINT32_MAX && !fields[0].empty()) {
            names.emplace(static_cast<uint32_t>(*id), fields[0]);
        }
    }
    return names;
}

/// COMPAT: what does not fit into ps's eight columns is cut and marked.
std::string fit_name(const std::map<uint32_t, std::string>& names, uint32_t id) {
    constexpr size_t kWidth = 8;
    const auto found = names.find(id);
    if (found == names.end()) {
        return std::to_string(id);
    }
    const std::string& name = found->second;
    return name.size() <= kWidth ? name : name.substr(0, kWidth - 1) + "+";
}

std::string format_time(time_t time, const char* format) {
    struct tm local{};
    std::array<char, 64> text{};
    ::localtime_r(&time, &local);
    return {text.data(), std::strftime(text.data(), text.size(), format, &local)};
}

uint64_t cpu_seconds(Process process) {
    return (process.user_ticks + process.system_ticks) / ticks_per_second();
}

/// Share of one processor since the start, in units of 1/SCALE.
uint64_t cpu_share(Process process, World world, uint64_t scale) {
    const uint64_t alive = world.seconds_alive(process);
    const uint64_t ticks = process.user_ticks + process.system_ticks;
    return alive == 0 ? 0 : ticks * scale / ticks_per_second() / alive;
}

std::string tenths(uint64_t value) {
    return value > 999 ? std::to_string(value / 10) : fmt::format("{}.{}", value / 10, value % 10);
}

/// "[dd-]hh:mm:ss"; without hours they are left out if SHORT.
enum class Hours { kAlways, kIfAny };
std::string clock_text(uint64_t seconds, Hours hours) {
    const uint64_t days = seconds / 86400;
    const uint64_t hour = seconds / 3600 % 24;
    std::string text = days > 0 ? fmt::format("{}-", days) : "";
    if (hours == Hours::kAlways || days > 0 || hour > 0) {
        text += fmt::format("{:02}:", hour);
    }
    return text + fmt::format("{:02}:{:02}", seconds / 60 % 60, seconds % 60);
}

std::string terminal(Process process) {
    if (process.tty == 0) {
        return "?";
    }
    const unsigned kind = gnu_dev_major(process.tty);
    const unsigned number = gnu_dev_minor(process.tty);
    if (kind >= 136 && kind <= 143) {
        return fmt::format("pts/{}", number + (kind - 136) * 256);
    }
    if (kind == 4) {
        return number < 64 ? fmt::format("tty{}", number) : fmt::format("ttyS{}", number - 64);
    }
    return "?";
}

std::string long_state(Process process) {
    std::string state(1, process.state);
    state += process.nice < 0 ? "<" : process.nice > 0 ? "N" : "";
    state += process.locked_memory ? "L" : "";
    state += process.session == process.pid ? "s" : "";
    state += process.threads > 1 ? "l" : "";
    state += process.tpgid == process.pgrp ? "+" : "";
    return state;
}

std::string plain_name(Process process) {
    return process.state == 'Z' ? process.name + " <defunct>" : process.name;
}

std::string whole_command(Process process) {
    if (!process.command_line.empty()) {
        return process.command_line;
    }
    return process.state == 'Z' ? fmt::format("[{}] <defunct>", process.name)
                                : fmt::format("[{}]", process.name);
}

/// "15:04" today, "Nov25" this year, "2025" before.
std::string start_day(Process process, World world) {
    const time_t started = world.started(process);
    const time_t now = world.now();
    if (format_time(started, "%Y") != format_time(now, "%Y")) {
        return format_time(started, "%Y");
    }
    return format_time(started,
                       format_time(started, "%j") == format_time(now, "%j") ? "%H:%M" : "%b%d");
}

std::string start_second(Process process, World world) {
    constexpr uint64_t kDay = 24 * 3600;
    return format_time(world.started(process),
                       world.seconds_alive(process) < kDay ? "%H:%M:%S" : "%b %d");
}

std::string policy_name(Process process) {
    constexpr std::array<std::string_view, 7> kNames = {"TS", "FF", "RR", "B", "ISO", "IDL", "DLN"};
    const auto index = static_cast<size_t>(process.policy);
    return index < kNames.size() ? std::string(kNames[index]) : "?";
}

std::string kib(uint64_t bytes) {
    return std::to_string(bytes / 1024);
}

template <class T>
std::string text(T value) {
    return std::to_string(value);
}

#define GT_PS(expression)                   \
    [](Process p, World w) -> std::string { \
        (void)p;                            \
        (void)w;                            \
        return expression;                  \
    }

// clang-format off
constexpr PsColumn kColumns[] = {
    {"pid", "PID", GT_PS(text(p.pid))},
    {"tgid", "TGID", GT_PS(text(p.pid))},
    {"ppid", "PPID", GT_PS(text(p.ppid))},
    {"pgid", "PGID", GT_PS(text(p.pgrp))},
    {"pgrp", "PGRP", GT_PS(text(p.pgrp))},
    {"sid", "SID", GT_PS(text(p.session))},
    {"sess", "SESS", GT_PS(text(p.session))},
    {"session", "SESS", GT_PS(text(p.session))},
    {"tpgid", "TPGID", GT_PS(text(p.tpgid))},
    {"user", "USER", GT_PS(w.user(p.effective_uid))},
    {"uname", "USER", GT_PS(w.user(p.effective_uid))},
    {"euser", "EUSER", GT_PS(w.user(p.effective_uid))},
    {"ruser", "RUSER", GT_PS(w.user(p.real_uid))},
    {"suser", "SUSER", GT_PS(w.user(p.saved_uid))},
    {"fuser", "FUSER", GT_PS(w.user(p.fs_uid))},
    {"uid", "UID", GT_PS(text(p.effective_uid))},
    {"euid", "EUID", GT_PS(text(p.effective_uid))},
    {"ruid", "RUID", GT_PS(text(p.real_uid))},
    {"suid", "SUID", GT_PS(text(p.saved_uid))},
    {"fuid", "FUID", GT_PS(text(p.fs_uid))},
    {"group", "GROUP", GT_PS(w.group(p.effective_gid))},
    {"egroup", "EGROUP", GT_PS(w.group(p.effective_gid))},
    {"rgroup", "RGROUP", GT_PS(w.group(p.real_gid))},
    {"gid", "GID", GT_PS(text(p.effective_gid))},
    {"egid", "EGID", GT_PS(text(p.effective_gid))},
    {"rgid", "RGID", GT_PS(text(p.real_gid))},
    {"sgid", "SGID", GT_PS(text(p.saved_gid))},
    {"comm", "COMMAND", GT_PS(plain_name(p))},
    {"ucmd", "CMD", GT_PS(plain_name(p))},
    {"ucomm", "COMMAND", GT_PS(plain_name(p))},
    {"args", "COMMAND", GT_PS(whole_command(p))},
    {"command", "COMMAND", GT_PS(whole_command(p))},
    {"cmd", "CMD", GT_PS(whole_command(p))},
    {"c", "C", GT_PS(text(std::min<uint64_t>(cpu_share(p, w, 100), 99)))},
    {"cp", "CP", GT_PS(text(std::min<uint64_t>(cpu_share(p, w, 1000), 999)))},
    {"%cpu", "%CPU", GT_PS(tenths(cpu_share(p, w, 1000)))},
    {"pcpu", "%CPU", GT_PS(tenths(cpu_share(p, w, 1000)))},
    {"%mem", "%MEM", GT_PS(tenths(std::min<uint64_t>(p.resident_bytes * 1000 / w.memory_bytes(), 999)))},
    {"pmem", "%MEM", GT_PS(tenths(std::min<uint64_t>(p.resident_bytes * 1000 / w.memory_bytes(), 999)))},
    {"rss", "RSS", GT_PS(kib(p.resident_bytes))},
    {"rssize", "RSS", GT_PS(kib(p.resident_bytes))},
    {"rsz", "RSZ", GT_PS(kib(p.resident_bytes))},
    {"vsz", "VSZ", GT_PS(kib(p.virtual_bytes))},
    {"vsize", "VSZ", GT_PS(kib(p.virtual_bytes))},
    {"sz", "SZ", GT_PS(text(p.virtual_bytes / static_cast<uint64_t>(::sysconf(_SC_PAGESIZE))))},
    {"stat", "STAT", GT_PS(long_state(p))},
    {"s", "S", GT_PS(std::string(1, p.state))},
    {"state", "S", GT_PS(std::string(1, p.state))},
    {"stime", "STIME", GT_PS(start_day(p, w))},
    {"start_time", "START", GT_PS(start_day(p, w))},
    {"start", "STARTED", GT_PS(start_second(p, w))},
    {"bsdstart", "START", GT_PS(format_time(w.started(p), w.seconds_alive(p) < 86400 ? "%H:%M" : "%b %d"))},
    {"lstart", "STARTED", GT_PS(format_time(w.started(p), "%a %b %e %H:%M:%S %Y"))},
    {"etime", "ELAPSED", GT_PS(clock_text(w.seconds_alive(p), Hours::kIfAny))},
    {"etimes", "ELAPSED", GT_PS(text(w.seconds_alive(p)))},
    {"time", "TIME", GT_PS(clock_text(cpu_seconds(p), Hours::kAlways))},
    {"cputime", "TIME", GT_PS(clock_text(cpu_seconds(p), Hours::kAlways))},
    {"cputimes", "TIME", GT_PS(text(cpu_seconds(p)))},
    {"times", "TIME", GT_PS(text(cpu_seconds(p)))},
    {"bsdtime", "TIME", GT_PS(fmt::format("{}:{:02}", cpu_seconds(p) / 60, cpu_seconds(p) % 60))},
    {"tty", "TT", GT_PS(terminal(p))},
    {"tt", "TT", GT_PS(terminal(p))},
    {"tname", "TTY", GT_PS(terminal(p))},
    {"nlwp", "NLWP", GT_PS(text(p.threads))},
    {"thcount", "THCNT", GT_PS(text(p.threads))},
    {"ni", "NI", GT_PS(text(p.nice))},
    {"nice", "NI", GT_PS(text(p.nice))},
    {"pri", "PRI", GT_PS(text(39 - p.priority))},
    {"priority", "PRI", GT_PS(text(p.priority))},
    {"opri", "PRI", GT_PS(text(p.priority + 60))},
    {"rtprio", "RTPRIO", GT_PS(p.realtime_priority > 0 ? text(p.realtime_priority) : "-")},
    {"psr", "PSR", GT_PS(text(p.processor))},
    {"cls", "CLS", GT_PS(policy_name(p))},
    {"class", "CLS", GT_PS(policy_name(p))},
    {"policy", "POL", GT_PS(policy_name(p))},
    {"f", "F", GT_PS(text(p.flags >> 6 & 7))},
    {"flag", "F", GT_PS(text(p.flags >> 6 & 7))},
    {"flags", "F", GT_PS(text(p.flags >> 6 & 7))},
    {"addr", "ADDR", GT_PS("-")},
    {"wchan", "WCHAN", GT_PS(p.wait_channel.empty() ? "-" : p.wait_channel.substr(0, 6))},
    {"min_flt", "MINFL", GT_PS(text(p.minor_faults))},
    {"minflt", "MINFL", GT_PS(text(p.minor_faults))},
    {"maj_flt", "MAJFL", GT_PS(text(p.major_faults))},
    {"majflt", "MAJFL", GT_PS(text(p.major_faults))},
};
// clang-format on

#undef GT_PS

}  // namespace

PsWorld PsWorld::read() {
    struct sysinfo info{};
    (void)::sysinfo(&info);
    sys::UserDb users;
    if (const auto root = sys::open_dir("/")) {
        // A host without these files has numbers for names.
        if (auto read = sys::read_user_db(root->get())) {
            users = std::move(*read);
        }
    }
    return make_for_test(::time(nullptr), static_cast<uint64_t>(info.uptime),
                         uint64_t{info.totalram} * info.mem_unit, users);
}

PsWorld PsWorld::make_for_test(time_t now, uint64_t uptime, uint64_t memory,
                               const sys::UserDb& users) {
    PsWorld world;
    world.now_ = now;
    world.uptime_ = uptime;
    world.memory_bytes_ = std::max<uint64_t>(memory, 1);
    world.users_ = names_by_id(users.passwd);
    world.groups_ = names_by_id(users.group);
    return world;
}

std::string PsWorld::user(uid_t uid) const {
    return fit_name(users_, uid);
}

std::string PsWorld::group(gid_t gid) const {
    return fit_name(groups_, gid);
}

uint64_t PsWorld::seconds_alive(const sys::ProcessInfo& process) const {
    const uint64_t began = process.start_ticks / ticks_per_second();
    return uptime_ > began ? uptime_ - began : 0;
}

time_t PsWorld::started(const sys::ProcessInfo& process) const {
    return now_ - static_cast<time_t>(seconds_alive(process));
}

const PsColumn* find_ps_column(std::string_view word) {
    const std::string lower = to_lower(word);
    const auto* const found = std::ranges::find(kColumns, lower, &PsColumn::word);
    return found == std::end(kColumns) ? nullptr : found;
}

}  // namespace gantry::engine

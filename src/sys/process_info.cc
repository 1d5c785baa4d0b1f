#include "sys/process_info.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/unique_fd.h"
#include "sys/files.h"

namespace gantry::sys {
namespace {

constexpr size_t kFileLimit = 64 << 10;
constexpr size_t kCommandLimit = 32 << 10;

int64_t number(std::string_view text) {
    return parse_int(text).value_or(0);
}
uint64_t count(std::string_view text) {
    return parse_uint(text).value_or(0);
}

/// "PID (comm) S ...": the name may hold anything, so the last ")" ends it.
Result<> read_stat(std::string_view text, ProcessInfo& process) {
    const size_t open = text.find('(');
    const size_t close = text.rfind(')');
    if (open == text.npos || close == text.npos || close < open || close + 2 >= text.size()) {
        return fail(Kind::kInternal, fmt::format("unexpected /proc/{}/stat", process.pid));
    }
    process.name = text.substr(open + 1, close - open - 1);
    const auto words = split(trim(text.substr(close + 2)), ' ');
    constexpr size_t kWords = 39;
    if (words.size() < kWords) {
        return fail(Kind::kInternal, fmt::format("unexpected /proc/{}/stat", process.pid));
    }
    static const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    process.state = words[0].empty() ? '?' : words[0][0];
    process.ppid = static_cast<pid_t>(number(words[1]));
    process.pgrp = static_cast<pid_t>(number(words[2]));
    process.session = static_cast<pid_t>(number(words[3]));
    process.tty = static_cast<uint32_t>(number(words[4]));
    process.tpgid = static_cast<pid_t>(number(words[5]));
    process.flags = count(words[6]);
    process.minor_faults = count(words[7]);
    process.major_faults = count(words[9]);
    process.user_ticks = count(words[11]);
    process.system_ticks = count(words[12]);
    process.priority = number(words[15]);
    process.nice = number(words[16]);
    process.threads = number(words[17]);
    process.start_ticks = count(words[19]);
    process.virtual_bytes = count(words[20]);
    process.resident_bytes = count(words[21]) * page;
    process.processor = number(words[36]);
    process.realtime_priority = number(words[37]);
    process.policy = number(words[38]);
    return {};
}

/// Four numbers: real, effective, saved, file system.
template <class Id>
void read_ids(std::string_view text, std::array<Id*, 4> ids) {
    size_t position = 0;
    for (const std::string_view word : split(trim(text), '\t')) {
        if (position < ids.size()) {
            *ids[position++] = static_cast<Id>(count(word));
        }
    }
}

void read_status(std::string_view text, ProcessInfo& process) {
    for (const std::string_view line : split(text, '\n')) {
        const Cut parts = cut(line, ':');
        if (parts.before == "Uid") {
            read_ids<uid_t>(parts.after, {&process.real_uid, &process.effective_uid,
                                          &process.saved_uid, &process.fs_uid});
        } else if (parts.before == "Gid") {
            read_ids<gid_t>(parts.after, {&process.real_gid, &process.effective_gid,
                                          &process.saved_gid, &process.fs_gid});
        } else if (parts.before == "VmLck") {
            process.locked_memory = trim(parts.after) != "0 kB";
        }
    }
}

/// As much of the command line as one may want to see.
std::string read_command_line(int dir) {
    const UniqueFd fd(::openat(dir, "cmdline", O_RDONLY | O_CLOEXEC));
    std::string text(kCommandLimit, '\0');
    const ssize_t got = fd ? ::read(fd.get(), text.data(), text.size()) : 0;
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    while (!text.empty() && text.back() == '\0') {
        text.pop_back();
    }
    for (char& c : text) {
        if (c == '\0') {
            c = ' ';
        } else if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') {
            c = '?';
        }
    }
    return text;
}

}  // namespace

Result<ProcessInfo> read_process(pid_t pid) {
    const std::string path = fmt::format("/proc/{}", pid);
    GT_TRY_VAR(dir, open_dir(path.c_str()));
    // SAFETY: all of it through one descriptor, so that it is one process also if PID is reused.
    const auto read = [&](const char* name) { return read_file_at(dir.get(), name, kFileLimit); };
    ProcessInfo process;
    process.pid = pid;
    auto stat = read("stat");
    if (!stat) {
        const bool gone = stat.error().sys_errno() == ESRCH || stat.error().sys_errno() == ENOENT;
        return gone ? fail(Kind::kNotFound, fmt::format("no process {}", pid))
                    : Failure(std::move(stat).error());
    }
    GT_TRY(read_stat(*stat, process));
    if (const auto status = read("status")) {
        read_status(*status, process);
    }
    process.command_line = read_command_line(dir.get());
    if (const auto channel = read("wchan"); channel && *channel != "0") {
        process.wait_channel = *channel;
    }
    return process;
}

}  // namespace gantry::sys

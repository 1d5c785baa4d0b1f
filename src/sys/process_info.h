#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/error.h"

namespace gantry::sys {

/// One process as /proc tells of it.
struct ProcessInfo {
    pid_t pid = 0, ppid = 0, pgrp = 0, session = 0, tpgid = 0;
    uint32_t tty = 0;  // device number; 0: none
    char state = '?';
    std::string name;          // comm
    std::string command_line;  // arguments with blanks between them; empty for a zombie
    uint64_t flags = 0, minor_faults = 0, major_faults = 0;
    uint64_t user_ticks = 0, system_ticks = 0, start_ticks = 0;  // start: since boot
    int64_t priority = 0, nice = 0, threads = 0, processor = 0, realtime_priority = 0, policy = 0;
    uint64_t virtual_bytes = 0, resident_bytes = 0;
    bool locked_memory = false;
    uid_t real_uid = 0, effective_uid = 0, saved_uid = 0, fs_uid = 0;
    gid_t real_gid = 0, effective_gid = 0, saved_gid = 0, fs_gid = 0;
    std::string wait_channel;  // "" if the kernel does not say
};

/// kNotFound if there is no such process (any more). Control characters of foreign command lines
/// become "?".
Result<ProcessInfo> read_process(pid_t pid);

}  // namespace gantry::sys

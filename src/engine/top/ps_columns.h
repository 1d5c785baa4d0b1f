#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sys/process_info.h"
#include "sys/user_db.h"

namespace gantry::engine {

/// What ps must know of the machine to print a process.
class PsWorld {
public:
    /// Reads the clock, /proc and the host's /etc/passwd and /etc/group.
    static PsWorld read();

    std::string user(uid_t uid) const;
    std::string group(gid_t gid) const;
    uint64_t seconds_alive(const sys::ProcessInfo& process) const;
    time_t started(const sys::ProcessInfo& process) const;
    time_t now() const { return now_; }
    uint64_t memory_bytes() const { return memory_bytes_; }

    /// For tests: a machine at NOW, UPTIME seconds after its boot.
    static PsWorld make_for_test(time_t now, uint64_t uptime, uint64_t memory,
                                 const sys::UserDb& users);

private:
    std::map<uint32_t, std::string> users_;
    std::map<uint32_t, std::string> groups_;
    time_t now_ = 0;
    uint64_t uptime_ = 0;
    uint64_t memory_bytes_ = 0;
};

/// One column of ps: a word of -o, the header that stands above it, and how it is printed. Formats
/// are procps' (COMPAT: its man page, STANDARD FORMAT SPECIFIERS).
struct PsColumn {
    std::string_view word;
    std::string_view header;
    std::string (*print)(const sys::ProcessInfo& process, const PsWorld& world);
};

/// Null for a word that we do not have.
const PsColumn* find_ps_column(std::string_view word);

}  // namespace gantry::engine

#pragma once

#include <cstdint>

namespace gantry::shim {

/// A program with its arguments and environment, as a plan has them: strings with their zero bytes,
/// one after the other, the program's path first.
class Command {
public:
    /// Points at STRINGS, which must outlive it: ARGUMENTS of them, then ENVIRONMENT. False when
    /// there are too many.
    bool set(const char* strings, int64_t arguments, int64_t environment);
    /// One more argument; for a command with room for it, as all that set() took have.
    void add_argument(const char* argument);

    /// Starts it: with our stdio or, with kCommandQuiet in FLAGS, none; INPUT, unless it is -1, is
    /// its descriptor kCommandInput and the last one that it gets. It dies with us. -1 with errno.
    int spawn(uint32_t flags, int input) const;

private:
    static constexpr int64_t kMost = 64;
    [[noreturn]] void execute(uint32_t flags, int input) const;

    const char* arguments_[kMost + 2] = {};
    const char* environment_[kMost + 1] = {};
    int64_t argument_count_ = 0;
};

/// What the shim, or whoever started the daemon, ignores or blocks is nothing of its children's.
/// (clone3's CLONE_CLEAR_SIGHAND leaves ignored signals ignored.)
void restore_signals();

}  // namespace gantry::shim

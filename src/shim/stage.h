#pragma once

#include <cstdint>

#include "shim/plan.h"
#include "shim/protocol.h"

namespace gantry::shim {

// Who executes a plan (a child of the shim, or the program gantry-stage) talks to who started it
// over a SEQPACKET pair. The executor writes: kTerminal with the pty's master, kEntered with the
// pid and pidfd of the process that goes on in its place, kRendezvous and kSeccompListener (PID is
// the listener's number in the process) before it waits, kReady before it waits for START, kFailed.
// For each wait the other side writes one byte. End of file without kFailed means that the program
// was executed: the executor's end is closed by exec.

enum class ChildMessageKind : uint32_t {
    kTerminal = 1,
    kEntered,
    kRendezvous,
    kSeccompListener,
    kReady,
    kFailed
};

struct ChildMessage {
    ChildMessageKind kind;
    StepKind step;
    int32_t error;
    ExecFailure exec_failure;
    int32_t pid;
    char noun[256];
};

// gantry-stage inherits its descriptors from number BASE (its only argument) on: the channel, the
// FIFO for START (or anything), the plan, the plan's descriptors. What is between 3 and BASE goes
// on to the container's program. With the argument "wait" it only reads its stdin to the end.

inline constexpr char kStageWait[] = "wait";

inline constexpr int kStageSync = 0;
inline constexpr int kStageStart = 1;
inline constexpr int kStagePlan = 2;
inline constexpr int kStageFirstPlanFd = 3;

}  // namespace gantry::shim

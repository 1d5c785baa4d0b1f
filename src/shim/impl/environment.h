#pragma once

#include <time.h>

#include <cstdint>

#include "shim/impl/container_log.h"
#include "shim/impl/event_loop.h"
#include "shim/impl/memory.h"
#include "shim/protocol.h"

namespace gantry::shim {

class Client;

/// One read's worth of a stream, with the room in front and behind that ContainerLog wants.
inline constexpr size_t kReadSize = 65536;
inline constexpr size_t kPeerReadSize = 4096;
struct ReadBuffer {
    char carried[kMaxRecord];
    char data[kReadSize];
    char overread[kEncoderOverread];
};

/// What is mapped once and becomes memory only as far as it is used.
struct Buffers {
    alignas(8) char message[sizeof(Request) + kMaxDetachKeys + kMaxEarlyInput];
    char input[16384];
    alignas(4096) ReadBuffer output;
};

/// What happened to clients and was not told to the daemon yet. The oldest go first when there are
/// too many: a daemon that reads so late has other worries.
class Notices {
public:
    void push(EventKind kind, uint32_t process, uint64_t notify_id) {
        if (count_ == kCapacity) {
            pop();
        }
        EventMessage& notice = ring_[(first_ + count_++) % kCapacity];
        notice = {};
        notice.kind = kind;
        notice.process = process;
        notice.notify_id = notify_id;
    }
    bool empty() const { return count_ == 0; }
    const EventMessage& front() const { return ring_[first_]; }
    void pop() {
        first_ = (first_ + 1) % kCapacity;
        --count_;
    }
    void clear() { count_ = 0; }

private:
    static constexpr uint32_t kCapacity = 64;
    EventMessage ring_[kCapacity] = {};
    uint32_t first_ = 0;
    uint32_t count_ = 0;
};

/// What all parts of the shim share.
struct Environment {
    EventLoop loop;
    Notices notices;
    Pool<Client> clients;
    /// The container's, for spools.
    const char* directory = "";
    Buffers* buffers = nullptr;
    /// The output buffer was filled far: its memory can be given back when nothing happens.
    bool output_used = false;
};

inline int64_t wall_nanoseconds() {
    timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

inline int64_t monotonic_ms() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

/// No deadline.
inline constexpr int64_t kNever = INT64_MAX;

}  // namespace gantry::shim

#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::sys {

/// Writes netlink attributes (type, length, value, padded to four bytes) into a buffer. Numbers are
/// in host order unless the name says otherwise: rtnetlink wants host order, nf_tables big-endian.
class AttributeWriter {
public:
    void put(unsigned type, std::span<const uint8_t> value);
    void put_u8(unsigned type, uint8_t value);
    void put_u16(unsigned type, uint16_t value);
    void put_u32(unsigned type, uint32_t value);
    void put_be32(unsigned type, uint32_t value);
    /// With the terminating NUL that the kernel wants.
    void put_string(unsigned type, std::string_view text);

    /// Opens an attribute that holds others; close it with the number returned.
    size_t begin_nested(unsigned type);
    void end_nested(size_t start);

    std::span<const uint8_t> bytes() const { return buffer_; }

protected:
    void append(const void* data, size_t size);
    void align();

    std::vector<uint8_t> buffer_;
};

/// One or more netlink messages that are sent together. Attributes go to the message begun last.
class NetlinkMessages : public AttributeWriter {
public:
    /// Begins a message with its fixed HEADER. WHAT says in an error what failed: "add link eth0".
    template <class Header>
    void begin(std::string what, unsigned type, unsigned flags, const Header& header) {
        begin_message(std::move(what), type, flags, &header, sizeof header);
    }

    bool empty() const { return starts_.empty(); }

private:
    friend class NetlinkSocket;

    void begin_message(std::string what, unsigned type, unsigned flags, const void* header,
                       size_t size);
    /// Writes the length of the last message.
    void close_message();
    void number(uint32_t first_sequence);

    std::vector<size_t> starts_;
    std::vector<std::string> what_;
};

/// One received message: its header and, behind the family's fixed header, its attributes.
struct NetlinkReply {
    uint16_t type = 0;
    uint32_t port_id = 0;  // of the socket that caused it; 0: the kernel
    std::span<const uint8_t> payload;

    /// The fixed header, zeros if the message is too short for one.
    template <class Header>
    Header header() const {
        Header header{};
        if (payload.size() >= sizeof header) {
            __builtin_memcpy(&header, payload.data(), sizeof header);
        }
        return header;
    }
    /// The attributes behind a fixed header of SIZE bytes.
    std::span<const uint8_t> attributes(size_t size) const {
        const size_t aligned = NLMSG_ALIGN(size);
        return payload.size() > aligned ? payload.subspan(aligned) : std::span<const uint8_t>();
    }
};

/// The value of the first attribute of TYPE; empty if there is none. Flags in the type are ignored.
std::span<const uint8_t> find_attribute(std::span<const uint8_t> attributes, unsigned type);
/// Text up to its NUL.
std::string_view attribute_text(std::span<const uint8_t> value);
/// 0 unless there are four bytes.
uint32_t attribute_u32(std::span<const uint8_t> value);

/// A netlink socket of the network namespace that the opening thread was in; it stays with that
/// namespace whichever thread uses it. Not thread-safe: one user at a time.
class NetlinkSocket {
public:
    /// PROTOCOL is NETLINK_ROUTE or NETLINK_NETFILTER.
    static Result<NetlinkSocket> open(int protocol);

    int fd() const { return fd_.get(); }
    /// Tells our own changes from others' in notifications.
    uint32_t port_id() const { return port_id_; }

    Result<> join_group(unsigned group);

    /// Sends MESSAGES and reports the first that the kernel refused, with its own words where it
    /// has some. Returns when all are executed. rtnetlink executes each for itself and goes on
    /// after a failure; an nf_tables batch is all or nothing.
    Result<> transact(NetlinkMessages& messages);

    using Visit = std::function<void(const NetlinkReply&)>;

    /// Sends one request with NLM_F_DUMP, or one that has a single answer, and visits what comes.
    Result<> request(NetlinkMessages& message, const Visit& visit);

    /// Visits the notifications that have arrived, without waiting. False: some were lost, because
    /// they were not fetched in time.
    Result<bool> receive(const Visit& visit);

private:
    NetlinkSocket(UniqueFd fd, uint32_t port_id) : fd_(std::move(fd)), port_id_(port_id) {}

    Result<> send(NetlinkMessages& messages);
    /// One datagram; empty if none is there and WAIT is not set.
    Result<std::span<const uint8_t>> next(int flags);
    Failure refusal(const NetlinkMessages& messages, const nlmsghdr& header,
                    std::span<const uint8_t> payload) const;

    UniqueFd fd_;
    uint32_t port_id_;
    uint32_t sequence_ = 0;
    std::vector<uint8_t> buffer_;
};

}  // namespace gantry::sys

#include "sys/netlink.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"

namespace gantry::sys {
namespace {

// The kernel's answers to a dump come in pieces of at most this size (NLMSG_GOODSIZE is less).
constexpr size_t kReceiveBuffer = 64 * 1024;
// Big enough for tens of thousands of published ports in one transaction. It is a bound, not memory
// taken: the kernel allocates what a message needs.
constexpr int kSendBuffer = 32 << 20;

/// Walks the messages of one datagram until VISIT returns false.
template <class Visit>
void for_each_message(std::span<const uint8_t> datagram, Visit visit) {
    while (datagram.size() >= sizeof(nlmsghdr)) {
        nlmsghdr header;
        std::memcpy(&header, datagram.data(), sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size()) {
            return;
        }
        const auto payload = datagram.first(header.nlmsg_len).subspan(NLMSG_HDRLEN);
        if (!visit(header, payload)) {
            return;
        }
        datagram =
            datagram.subspan(std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
    }
}

NetlinkReply as_reply(const nlmsghdr& header, std::span<const uint8_t> payload) {
    return {.type = header.nlmsg_type, .port_id = header.nlmsg_pid, .payload = payload};
}

}  // namespace

void AttributeWriter::append(const void* data, size_t size) {
    const auto* bytes = static_cast<const uint8_t*>(data);
    buffer_.insert(buffer_.end(), bytes, bytes + size);
}

void AttributeWriter::align() {
    buffer_.resize(NLMSG_ALIGN(buffer_.size()));
}

void AttributeWriter::put(unsigned type, std::span<const uint8_t> value) {
    const size_t length = sizeof(nlattr) + value.size();
    GT_CHECK(length <= UINT16_MAX);
    const nlattr attribute{.nla_len = static_cast<__u16>(length),
                           .nla_type = static_cast<__u16>(type)};
    append(&attribute, sizeof attribute);
    append(value.data(), value.size());
    align();
}

void AttributeWriter::put_u8(unsigned type, uint8_t value) {
    put(type, {&value, 1});
}

void AttributeWriter::put_u16(unsigned type, uint16_t value) {
    std::array<uint8_t, sizeof value> bytes;
    std::memcpy(bytes.data(), &value, sizeof value);
    put(type, bytes);
}

void AttributeWriter::put_u32(unsigned type, uint32_t value) {
    std::array<uint8_t, sizeof value> bytes;
    std::memcpy(bytes.data(), &value, sizeof value);
    put(type, bytes);
}

void AttributeWriter::put_be32(unsigned type, uint32_t value) {
    put_u32(type, htonl(value));
}

void AttributeWriter::put_string(unsigned type, std::string_view text) {
    std::vector<uint8_t> bytes(text.begin(), text.end());
    bytes.push_back(0);
    put(type, bytes);
}

size_t AttributeWriter::begin_nested(unsigned type) {
    const size_t start = buffer_.size();
    const nlattr attribute{.nla_len = 0, .nla_type = static_cast<__u16>(type | NLA_F_NESTED)};
    append(&attribute, sizeof attribute);
    return start;
}

void AttributeWriter::end_nested(size_t start) {
    const size_t length = buffer_.size() - start;
    GT_CHECK(length <= UINT16_MAX);
    const auto stored = static_cast<__u16>(length);
    std::memcpy(buffer_.data() + start, &stored, sizeof stored);
}

void NetlinkMessages::begin_message(std::string what, unsigned type, unsigned flags,
                                    const void* header, size_t size) {
    close_message();
    starts_.push_back(buffer_.size());
    what_.push_back(std::move(what));
    const nlmsghdr head{.nlmsg_len = 0,
                        .nlmsg_type = static_cast<__u16>(type),
                        .nlmsg_flags = static_cast<__u16>(NLM_F_REQUEST | flags),
                        .nlmsg_seq = 0,
                        .nlmsg_pid = 0};
    append(&head, sizeof head);
    append(header, size);
    align();
}

void NetlinkMessages::close_message() {
    if (!starts_.empty()) {
        const auto length = static_cast<__u32>(buffer_.size() - starts_.back());
        std::memcpy(buffer_.data() + starts_.back() + offsetof(nlmsghdr, nlmsg_len), &length,
                    sizeof length);
    }
}

void NetlinkMessages::number(uint32_t first_sequence) {
    close_message();
    for (const size_t start : starts_) {
        const uint32_t sequence = first_sequence++;
        std::memcpy(buffer_.data() + start + offsetof(nlmsghdr, nlmsg_seq), &sequence,
                    sizeof sequence);
    }
}

std::span<const uint8_t> find_attribute(std::span<const uint8_t> attributes, unsigned type) {
    while (attributes.size() >= sizeof(nlattr)) {
        nlattr attribute;
        std::memcpy(&attribute, attributes.data(), sizeof attribute);
        if (attribute.nla_len < sizeof attribute || attribute.nla_len > attributes.size()) {
            break;
        }
        if ((attribute.nla_type & NLA_TYPE_MASK) == type) {
            return attributes.first(attribute.nla_len).subspan(sizeof attribute);
        }
        attributes =
            attributes.subspan(std::min<size_t>(NLA_ALIGN(attribute.nla_len), attributes.size()));
    }
    return {};
}

std::string_view attribute_text(std::span<const uint8_t> value) {
    if (value.empty()) {
        return {};
    }
    // SAFETY: bytes are read as characters, which may alias anything.
    const auto* text = reinterpret_cast<const char*>(value.data());
    return {text, ::strnlen(text, value.size())};
}

uint32_t attribute_u32(std::span<const uint8_t> value) {
    uint32_t number = 0;
    if (value.size() >= sizeof number) {
        std::memcpy(&number, value.data(), sizeof number);
    }
    return number;
}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
    UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!fd) {
        return fail_errno("netlink socket");
    }
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    socklen_t size = sizeof address;
    // SAFETY: the socket API's way to pass addresses of every family.
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd.get(), generic, size) < 0 || ::getsockname(fd.get(), generic, &size) < 0) {
        return fail_errno("bind a netlink socket");
    }
    const int on = 1;
    // Better texts and bigger batches; without them things work as well.
    (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer);
    return NetlinkSocket(std::move(fd), address.nl_pid);
}

Result<> NetlinkSocket::join_group(unsigned group) {
    if (::setsockopt(fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
        return fail_errno("join a netlink group");
    }
    return {};
}

Result<> NetlinkSocket::send(NetlinkMessages& messages) {
    sequence_ += 1;
    messages.number(sequence_);
    const auto bytes = messages.bytes();
    ssize_t sent;
    do {
        sent = ::send(fd_.get(), bytes.data(), bytes.size(), 0);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return fail_errno(messages.what_.front());
    }
    return {};
}

Result<std::span<const uint8_t>> NetlinkSocket::next(int flags) {
    buffer_.resize(kReceiveBuffer);
    for (;;) {
        const ssize_t got = ::recv(fd_.get(), buffer_.data(), buffer_.size(), flags);
        if (got >= 0) {
            return std::span<const uint8_t>(buffer_.data(), static_cast<size_t>(got));
        }
        if (errno == EAGAIN) {
            return std::span<const uint8_t>();
        }
        if (errno != EINTR) {
            return fail_errno("receive from netlink");
        }
    }
}

Failure NetlinkSocket::refusal(const NetlinkMessages& messages, const nlmsghdr& header,
                               std::span<const uint8_t> payload) const {
    nlmsgerr error{};
    std::memcpy(&error, payload.data(), std::min(payload.size(), sizeof error));
    const size_t index = header.nlmsg_seq - sequence_;
    std::string what = index < messages.what_.size() ? messages.what_[index] : "netlink";
    if ((header.nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
        // With NETLINK_CAP_ACK the attributes follow the bare header of our message.
        const NetlinkReply reply = as_reply(header, payload);
        const auto text = find_attribute(reply.attributes(sizeof error), NLMSGERR_ATTR_MSG);
        if (!text.empty()) {
            what += fmt::format(" ({})", attribute_text(text));
        }
    }
    errno = -error.error;
    return fail_errno(what);
}

Result<> NetlinkSocket::transact(NetlinkMessages& messages) {
    GT_TRY(send(messages));
    std::optional<Error> first;
    // rtnetlink and nfnetlink work inside send(2): all answers are in the socket now, and what does
    // not answer has succeeded.
    for (;;) {
        GT_TRY_VAR(datagram, next(MSG_DONTWAIT));
        if (datagram.empty()) {
            break;
        }
        for_each_message(datagram, [&](const nlmsghdr& header, std::span<const uint8_t> payload) {
            const bool ours = header.nlmsg_seq - sequence_ < messages.starts_.size();
            int error = 0;
            if (payload.size() >= sizeof error) {
                std::memcpy(&error, payload.data(), sizeof error);
            }
            if (header.nlmsg_type == NLMSG_ERROR && error != 0 && ours && !first) {
                first.emplace(refusal(messages, header, payload).error());
            }
            return true;
        });
    }
    sequence_ += static_cast<uint32_t>(messages.starts_.size());
    if (first) {
        return Failure(std::move(*first));
    }
    return {};
}

Result<> NetlinkSocket::request(NetlinkMessages& message, const Visit& visit) {
    GT_TRY(send(message));
    std::optional<Error> failed;
    for (bool done = false; !done;) {
        GT_TRY_VAR(datagram, next(0));
        for_each_message(datagram, [&](const nlmsghdr& header, std::span<const uint8_t> payload) {
            if (header.nlmsg_seq != sequence_) {
                return true;  // left over from an earlier request
            }
            if (header.nlmsg_type == NLMSG_ERROR) {
                failed.emplace(refusal(message, header, payload).error());
                done = true;
            } else if (header.nlmsg_type == NLMSG_DONE) {
                done = true;
            } else {
                visit(as_reply(header, payload));
                done = (header.nlmsg_flags & NLM_F_MULTI) == 0;
            }
            return !done;
        });
    }
    if (failed) {
        return Failure(std::move(*failed));
    }
    return {};
}

Result<bool> NetlinkSocket::receive(const Visit& visit) {
    bool complete = true;
    for (;;) {
        auto datagram = next(MSG_DONTWAIT);
        if (!datagram) {
            if (datagram.error().sys_errno() != ENOBUFS) {
                return Failure(std::move(datagram).error());
            }
            complete = false;
            continue;
        }
        if (datagram->empty()) {
            return complete;
        }
        for_each_message(*datagram, [&](const nlmsghdr& header, std::span<const uint8_t> payload) {
            visit(as_reply(header, payload));
            return true;
        });
    }
}

}  // namespace gantry::sys

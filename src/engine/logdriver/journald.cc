#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>

#include "engine/logdriver/log_peer_socket.h"
#include "engine/logdriver/log_values.h"

namespace gantry::engine {

namespace {

constexpr const char* kSocket = "/run/systemd/journal/socket";
/// Of all fields that every record has (shim/impl/log_encoding.h).
constexpr size_t kMaxFields = 8192;

/// journald's fields are upper-case letters, digits and '_', and do not begin with '_'.
std::string field_name(std::string_view name) {
    std::string out;
    for (const char c : name) {
        const bool lower = c >= 'a' && c <= 'z';
        const bool good = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        const char mapped = lower ? static_cast<char>(c - 'a' + 'A') : good ? c : '_';
        if (!out.empty() || mapped != '_') {
            out += mapped;
        }
    }
    return out;
}

/// The native protocol: "NAME=value\n", or with a newline in the value its size in 8 bytes.
void add_field(std::string& out, std::string_view name, std::string_view value) {
    if (name.empty()) {
        return;
    }
    out += name;
    if (value.find('\n') == value.npos) {
        out += '=';
    } else {
        out += '\n';
        for (unsigned shift = 0; shift < 64; shift += 8) {
            out += static_cast<char>(static_cast<uint64_t>(value.size()) >> shift & 0xFF);
        }
    }
    out += value;
    out += '\n';
}

}  // namespace

Result<> check_journald(const LogOptionMap& options) {
    return check_attribute_options(options);
}

Result<> connect_journald(const LogSubject& subject, OpenedLog& log) {
    GT_TRY_VAR(address, unix_address(kSocket));
    auto socket = connect_peer(address, SOCK_DGRAM);
    if (!socket) {
        return fail(Kind::kInternal, "journald is not enabled on this host");
    }
    GT_TRY_VAR(tag, log_tag(subject, "{{.ID}}"));
    GT_TRY_VAR(attributes, log_attributes(subject));
    const std::string id = subject.record.id.str();
    std::string& fields = log.options.peer_head;
    add_field(fields, "CONTAINER_ID", id.substr(0, 12));
    add_field(fields, "CONTAINER_ID_FULL", id);
    add_field(fields, "CONTAINER_NAME", subject.name);
    add_field(fields, "CONTAINER_TAG", tag);
    add_field(fields, "IMAGE_NAME", subject.record.config.image);
    add_field(fields, "SYSLOG_IDENTIFIER", tag);
    for (const auto& [name, value] : attributes) {
        add_field(fields, field_name(name), value);
    }
    if (fields.size() > kMaxFields) {
        return fail(Kind::kInvalid, "the attributes of the log have more than 8 KiB");
    }
    log.options.peer = runtime::LogOptions::Peer::kJournald;
    log.options.peer_address = address;
    log.peer = *std::move(socket);
    return {};
}

}  // namespace gantry::engine

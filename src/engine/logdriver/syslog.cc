#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/text.h"
#include "engine/logdriver/log_peer_socket.h"
#include "engine/logdriver/log_values.h"

namespace gantry::engine {

namespace {

using Peer = runtime::LogOptions::Peer;

constexpr std::array<std::string_view, 24> kFacilities = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "",       "",       "",       "",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
constexpr uint32_t kDefaultFacility = 3;  // daemon

constexpr std::array<std::pair<std::string_view, Peer>, 4> kFormats = {{
    {"", Peer::kSyslogUnix},
    {"rfc3164", Peer::kSyslog3164},
    {"rfc5424", Peer::kSyslog5424},
    {"rfc5424micro", Peer::kSyslog5424Micro},
}};

/// Where the host's own syslog daemon listens.
constexpr std::array kLocalSockets = {"/dev/log", "/var/run/syslog", "/var/run/log"};

std::string value_of(const LogOptionMap& options, std::string_view name) {
    const std::string* const value = find_option(options, name);
    return value == nullptr ? std::string() : *value;
}

Result<uint32_t> parse_facility(const std::string& text) {
    if (text.empty()) {
        return kDefaultFacility << 3;
    }
    if (const auto found = std::ranges::find(kFacilities, text); found != kFacilities.end()) {
        return static_cast<uint32_t>(found - kFacilities.begin()) << 3;
    }
    const auto number = parse_int(text);
    if (!number || *number < 0 || *number > 23) {
        return fail(Kind::kInvalid, "invalid syslog facility");
    }
    return static_cast<uint32_t>(*number) << 3;
}

Result<Peer> parse_format(const std::string& text) {
    for (const auto& [name, format] : kFormats) {
        if (name == text) {
            return format;
        }
    }
    return fail(Kind::kInvalid, "Invalid syslog format");
}

/// syslog-address, taken apart. No scheme: the host's own syslog daemon.
struct SyslogAddress {
    std::string scheme;
    std::string path;
    std::string host;
    std::string port;
};

Result<SyslogAddress> parse_host(SyslogAddress address, std::string_view text) {
    text = text.substr(0, text.find('/'));
    const bool bracketed = text.starts_with('[');
    const size_t end = bracketed ? text.find(']') : text.rfind(':');
    if (bracketed && end == text.npos) {
        return fail(Kind::kInvalid, fmt::format("address {}: missing ']' in address", text));
    }
    address.host = bracketed ? text.substr(1, end - 1) : text.substr(0, end);
    const std::string_view rest =
        end == text.npos ? std::string_view() : text.substr(bracketed ? end + 1 : end);
    address.port = rest.empty() ? "514" : rest.substr(1);
    const auto port = parse_uint(address.port);
    if (!port || *port == 0 || *port > 65535) {
        return fail(Kind::kInvalid,
                    fmt::format("parse \"{}\": invalid port \"{}\" after host", text, rest));
    }
    return address;
}

Result<SyslogAddress> parse_address(const std::string& text) {
    if (text.empty()) {
        return SyslogAddress{};
    }
    const size_t colon = text.find("://");
    SyslogAddress address;
    address.scheme = colon == text.npos ? std::string() : text.substr(0, colon);
    if (address.scheme == "unix" || address.scheme == "unixgram") {
        address.path = text.substr(colon + 3);
        struct stat status{};
        if (::stat(address.path.c_str(), &status) != 0) {
            return fail(Kind::kInvalid,
                        fmt::format("stat {}: {}", address.path, to_lower(std::strerror(errno))));
        }
        return address;
    }
    if (address.scheme == "tcp+tls") {
        return fail(Kind::kNotImplemented,
                    "log opt syslog-address: the scheme tcp+tls is not supported yet");
    }
    if (address.scheme != "udp" && address.scheme != "tcp") {
        return fail(Kind::kInvalid, fmt::format("unsupported scheme: '{}'", address.scheme));
    }
    return parse_host(std::move(address), std::string_view(text).substr(colon + 3));
}

Result<> connect_to(OpenedLog& log, std::string address, int type) {
    GT_TRY_VAR(socket, connect_peer(address, type));
    log.peer = std::move(socket);
    log.options.peer_is_stream = type == SOCK_STREAM;
    log.options.peer_address = std::move(address);
    return {};
}

/// Datagrams or a stream, whichever is behind PATH.
Result<> connect_unix(OpenedLog& log, const std::string& path, bool only_datagrams) {
    GT_TRY_VAR(address, unix_address(path));
    auto connected = connect_to(log, address, SOCK_DGRAM);
    if (!connected && connected.error().sys_errno() == EPROTOTYPE && !only_datagrams) {
        return connect_to(log, std::move(address), SOCK_STREAM);
    }
    return connected;
}

Result<> connect_address(OpenedLog& log, const SyslogAddress& address) {
    if (address.scheme.empty()) {
        for (const char* const path : kLocalSockets) {
            if (connect_unix(log, path, false)) {
                return {};
            }
        }
        return fail(Kind::kInternal, "Unix syslog delivery error");
    }
    if (!address.path.empty()) {
        auto connected = connect_unix(log, address.path, address.scheme == "unixgram");
        if (!connected) {
            return Failure(std::move(connected).error().in(
                fmt::format("dial {} {}", address.scheme, address.path)));
        }
        return connected;
    }
    const int type = address.scheme == "tcp" ? SOCK_STREAM : SOCK_DGRAM;
    auto connected = [&]() -> Result<> {
        GT_TRY_VAR(bytes, internet_address(address.host, address.port, type));
        return connect_to(log, std::move(bytes), type);
    }();
    if (!connected) {
        return Failure(std::move(connected).error().in(
            fmt::format("dial {} {}:{}", address.scheme, address.host, address.port)));
    }
    return connected;
}

}  // namespace

Result<> check_syslog(const LogOptionMap& options) {
    for (const auto& [name, value] : options) {
        if (name.starts_with("syslog-tls-")) {
            return fail(
                Kind::kNotImplemented,
                fmt::format("log opt {} is not supported yet: there is no TLS for syslog", name));
        }
    }
    GT_TRY(parse_address(value_of(options, "syslog-address")));
    GT_TRY(parse_facility(value_of(options, "syslog-facility")));
    GT_TRY(parse_format(value_of(options, "syslog-format")));
    return check_attribute_options(options);
}

Result<> connect_syslog(const LogSubject& subject, OpenedLog& log) {
    const LogOptionMap& options = subject.record.host.log_config.config;
    GT_TRY_VAR(address, parse_address(value_of(options, "syslog-address")));
    GT_TRY_VAR(facility, parse_facility(value_of(options, "syslog-facility")));
    GT_TRY_VAR(format, parse_format(value_of(options, "syslog-format")));
    GT_TRY_VAR(tag, log_tag(subject, "{{.ID}}"));
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) {
        return fail_errno("gethostname");
    }
    const time_t now = ::time(nullptr);
    tm local{};
    ::localtime_r(&now, &local);
    log.options.peer = format;
    log.options.syslog_facility = facility;
    log.options.peer_head = host.data();
    log.options.peer_tag = tag.substr(0, 1024);
    log.options.utc_offset = static_cast<int32_t>(local.tm_gmtoff);
    return connect_address(log, address);
}

}  // namespace gantry::engine

#include "shim/impl/log_encoding.h"

#include <string.h>
#include <unistd.h>

#include "shim/impl/json_encoder.h"

namespace gantry::shim {

namespace {

constexpr int64_t kSecond = 1000000000;
constexpr uint32_t kSeverityError = 3;
constexpr uint32_t kSeverityInfo = 6;

char* append(char* out, std::string_view text) {
    memcpy(out, text.data(), text.size());
    return out + text.size();
}

uint32_t severity(const LogMessage& message) {
    return message.stream == 0 ? kSeverityInfo : kSeverityError;
}

/// "Jan _2 15:04:05", as Go calls it.
char* append_stamp(char* out, int64_t nanoseconds) {
    constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[32];
    TimeFormatter formatter;
    (void)formatter.append(text, nanoseconds - nanoseconds % kSecond);  // 2006-01-02T15:04:05Z
    const int month = (text[5] - '0') * 10 + text[6] - '0';
    out = append(out, {kMonths + 3 * (month - 1), 3});
    *out++ = ' ';
    *out++ = text[8] == '0' ? ' ' : text[8];
    *out++ = text[9];
    *out++ = ' ';
    return append(out, {text + 11, 8});
}

/// RFC 3339 in UTC with six digits of fraction or none.
char* append_time(char* out, int64_t nanoseconds, bool micro) {
    const int64_t fraction = nanoseconds % kSecond;
    TimeFormatter formatter;
    char text[32];
    (void)formatter.append(text, nanoseconds - fraction);
    out = append(out, {text, 19});
    if (micro) {
        *out++ = '.';
        int64_t unit = 100000;
        for (int64_t left = fraction / 1000; unit > 0; unit /= 10) {
            *out++ = static_cast<char>('0' + left / unit % 10);
        }
    }
    *out++ = 'Z';
    return out;
}

char* append_number_field(char* out, std::string_view name, uint64_t value) {
    out = append_decimal(append(out, name), value);
    *out++ = '\n';
    return out;
}

char* encode_journald(char* out, const PlanView& plan, const LogMessage& message) {
    out = append(out, plan.view(plan.header().log_head));
    out = append_number_field(out, "PRIORITY=", severity(message));
    out = append(out, "SYSLOG_TIMESTAMP=");
    TimeFormatter formatter;
    out = formatter.append(out, message.time);
    *out++ = '\n';
    out = append_number_field(out, "CONTAINER_LOG_EPOCH=", message.epoch);
    out = append_number_field(out, "CONTAINER_LOG_ORDINAL=", message.ordinal);
    if (message.partial_ordinal > 0) {
        out = append_number_field(out, "CONTAINER_PARTIAL_ID=", message.partial_id);
        out = append_number_field(out, "CONTAINER_PARTIAL_ORDINAL=", message.partial_ordinal);
        out = append(out, message.ends ? "CONTAINER_PARTIAL_LAST=true\n"
                                       : "CONTAINER_PARTIAL_LAST=false\n"
                                         "CONTAINER_PARTIAL_MESSAGE=true\n");
    }
    out = append(out, "MESSAGE=");
    out = append(out, message.text);
    *out++ = '\n';
    return out;
}

char* encode_syslog(char* out, const PlanView& plan, const LogMessage& message) {
    const PlanHeader& header = plan.header();
    const LogPeerKind kind = header.log_peer;
    const std::string_view host = plan.view(header.log_head);
    const std::string_view tag = plan.view(header.log_tag);
    const auto pid = static_cast<uint64_t>(getpid());
    *out++ = '<';
    out = append_decimal(out, header.log_facility | severity(message));
    *out++ = '>';
    if (kind == LogPeerKind::kSyslogUnix || kind == LogPeerKind::kSyslog3164) {
        out = append_stamp(out, message.time + header.log_utc_offset * kSecond);
        *out++ = ' ';
        if (kind == LogPeerKind::kSyslog3164) {
            out = append(append(out, host), " ");
        }
        out = append_decimal(append(append(out, tag), "["), pid);
        out = append(out, "]: ");
    } else {
        out = append(out, "1 ");
        out = append_time(out, message.time, kind == LogPeerKind::kSyslog5424Micro);
        for (const std::string_view part : {host, tag}) {
            out = append(append(out, " "), part);
        }
        out = append_decimal(append(out, " "), pid);
        out = append(append(append(out, " "), tag), " - ");
    }
    out = append(out, message.text);
    *out++ = '\n';
    return out;
}

}  // namespace

size_t encode_message(char* out, const PlanView& plan, const LogMessage& message) {
    char* const end = plan.header().log_peer == LogPeerKind::kJournald
                          ? encode_journald(out, plan, message)
                          : encode_syslog(out, plan, message);
    return static_cast<size_t>(end - out);
}

}  // namespace gantry::shim

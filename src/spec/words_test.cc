// The small languages without a test file of their own.
#include <gtest/gtest.h>

#include <chrono>

#include "spec/base64.h"
#include "spec/detach_keys.h"
#include "spec/duration.h"
#include "spec/platform.h"
#include "spec/signal.h"
#include "spec/stdcopy.h"
#include "spec/units.h"

namespace gantry::spec {
namespace {

using namespace std::chrono_literals;

template <class T>
std::string text_of(const Result<T>& result) {
    return result ? "no error" : result.error().text();
}

TEST(Signal, ParsesNamesAndNumbers) {
    EXPECT_EQ(*parse_signal("KILL"), 9);
    EXPECT_EQ(*parse_signal("sigterm"), 15);
    EXPECT_EQ(*parse_signal("SIGRTMIN"), 34);
    EXPECT_EQ(*parse_signal("RTMIN+3"), 37);
    EXPECT_EQ(*parse_signal("SIGRTMAX-1"), 63);
    EXPECT_EQ(*parse_signal("9"), 9);
    EXPECT_EQ(*parse_signal("64"), 64);
    EXPECT_EQ(*parse_signal("IOT"), 6);
    for (const std::string_view bad :
         {"FOO", "", "SIG", "0", "-1", "65", "SIGSIGKILL", "RTMIN-1", "RTMIN+31", "RTMAX+1",
          "RTMIN+", "9 ", "99999999999999999999", "RTMAX-18446744073709551615"}) {
        EXPECT_EQ(text_of(parse_signal(bad)), "invalid signal: " + std::string(bad));
    }
}

TEST(Signal, FormatsBack) {
    for (int number = 1; number <= 64; ++number) {
        if (number != 32 && number != 33) {
            EXPECT_EQ(*parse_signal(format_signal(number)), number);
        }
    }
    EXPECT_EQ(format_signal(37), "SIGRTMIN+3");
    EXPECT_EQ(format_signal(63), "SIGRTMAX-1");
}

TEST(Units, Sizes) {
    EXPECT_EQ(human_size(0), "0B");
    EXPECT_EQ(human_size(999), "999B");
    EXPECT_EQ(human_size(1000), "1kB");
    EXPECT_EQ(human_size(1234567), "1.235MB");
    EXPECT_EQ(human_size(5590000, 3), "5.59MB");
    EXPECT_EQ(human_size(1e12), "1TB");
    EXPECT_EQ(bytes_size(1536), "1.5KiB");
    EXPECT_EQ(bytes_size(67108864), "64MiB");
}

TEST(Units, ParsesRam) {
    EXPECT_EQ(*parse_ram("1024"), 1024);
    EXPECT_EQ(*parse_ram("512m"), 512 << 20);
    EXPECT_EQ(*parse_ram("1.5GiB"), 1610612736);
    EXPECT_EQ(*parse_ram("1 kB"), 1024);
    EXPECT_EQ(*parse_ram("32b"), 32);
    for (const std::string_view bad : {"", "m", "-1", "nan", "inf", "1e400", " ", "9e30", "1..2",
                                       "8388608t", "0x10", "999999999999999999999999"}) {
        EXPECT_FALSE(parse_ram(bad)) << bad;
    }
    EXPECT_EQ(text_of(parse_ram("hello")), "invalid size: 'hello'");
    EXPECT_EQ(text_of(parse_ram("1x")), "invalid suffix: 'x'");
    EXPECT_EQ(text_of(parse_ram("1mbx")), "invalid suffix: 'mbx'");
}

TEST(Units, HumanDurations) {
    EXPECT_EQ(human_duration(450ms), "Less than a second");
    EXPECT_EQ(human_duration(1s), "1 second");
    EXPECT_EQ(human_duration(59s), "59 seconds");
    EXPECT_EQ(human_duration(60s), "About a minute");
    EXPECT_EQ(human_duration(3min), "3 minutes");
    EXPECT_EQ(human_duration(60min), "About an hour");
    EXPECT_EQ(human_duration(90min), "2 hours");
    EXPECT_EQ(human_duration(47h), "47 hours");
    EXPECT_EQ(human_duration(48h), "2 days");
    EXPECT_EQ(human_duration(24h * 14), "2 weeks");
    EXPECT_EQ(human_duration(24h * 60), "2 months");
    EXPECT_EQ(human_duration(24h * 365 * 2), "2 years");
}

TEST(Duration, ParsesAsGo) {
    EXPECT_EQ(*parse_duration("1h30m"), 90min);
    EXPECT_EQ(*parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(*parse_duration("-2us"), -2us);
    EXPECT_EQ(*parse_duration("2\xC2\xB5s"), 2us);
    EXPECT_EQ(*parse_duration("0"), 0s);
    EXPECT_EQ(*parse_duration(".5m"), 30s);
    EXPECT_EQ(*parse_duration("1.s"), 1s);
    EXPECT_EQ(*parse_duration("2.5000005s"), 2500000500ns);
    EXPECT_EQ(*parse_duration("0.3333333333333333333h"), 20min);
    EXPECT_EQ(*parse_duration("0.9223372036854775807h"), 3320413933267ns);
    EXPECT_EQ(*parse_duration("0.830103483285477580700h"), 2988372539827ns);
    EXPECT_EQ(*parse_duration("-9223372036854775808ns"), std::chrono::nanoseconds::min());
    EXPECT_EQ(text_of(parse_duration("5")), "time: missing unit in duration \"5\"");
    EXPECT_EQ(text_of(parse_duration("5x")), "time: unknown unit \"x\" in duration \"5x\"");
    for (const std::string_view bad : {"", "-", ".", "s", "1h-1m", "9223372036854775808ns",
                                       "99999999999999999999h", "2562048h", "--1s", "1 s"}) {
        EXPECT_FALSE(parse_duration(bad)) << bad;
    }
}

TEST(Duration, FormatsAsGo) {
    EXPECT_EQ(format_duration(0s), "0s");
    EXPECT_EQ(format_duration(5ns), "5ns");
    EXPECT_EQ(format_duration(1500us), "1.5ms");
    EXPECT_EQ(format_duration(1100ns), "1.1\xC2\xB5s");
    EXPECT_EQ(format_duration(10s), "10s");
    EXPECT_EQ(format_duration(90min), "1h30m0s");
    EXPECT_EQ(format_duration(-1500ms), "-1.5s");
    EXPECT_EQ(format_duration(61s + 20ms), "1m1.02s");
    EXPECT_EQ(format_duration(std::chrono::nanoseconds::min()), "-2562047h47m16.854775808s");
}

TEST(Timestamp, TakesAllForms) {
    const WallTime now = *parse_rfc3339("2026-11-23T18:00:00Z");
    const auto of = [&](std::string_view text) {
        const auto time = parse_timestamp(text, now);
        return time ? format_rfc3339(*time) : time.error().text();
    };
    EXPECT_EQ(of("1795453021"), "2026-11-23T16:57:01Z");
    EXPECT_EQ(of("1795453021.5"), "2026-11-23T16:57:01.5Z");
    EXPECT_EQ(of("1795453021.000000001"), "2026-11-23T16:57:01.000000001Z");
    EXPECT_EQ(of("10m"), "2026-11-23T17:50:00Z");
    EXPECT_EQ(of("2026-11-23"), "2026-11-23T00:00:00Z");
    EXPECT_EQ(of("2026-11-23T17"), "2026-11-23T17:00:00Z");
    EXPECT_EQ(of("2026-11-23T17:30"), "2026-11-23T17:30:00Z");
    EXPECT_EQ(of("2026-11-23T17:30:05.25"), "2026-11-23T17:30:05.25Z");
    EXPECT_EQ(of("2026-11-23T17:30+01:00"), "2026-11-23T16:30:00Z");
    for (const std::string_view bad :
         {"", "x", "2026-13-01", "1795453021.", "1.0000000001", "99999999999999999999", "T", "Z",
          "2026-11-23T", "2026-11-23T1"}) {
        EXPECT_FALSE(parse_timestamp(bad, now)) << bad;
    }
}

TEST(Platform, ParsesAndNormalizes) {
    oci::Platform native;
    native.os = "linux";
    native.architecture = "amd64";
    const auto of = [&](std::string_view text) {
        const auto platform = parse_platform(text, native);
        return platform ? format_platform(*platform) : "error";
    };
    EXPECT_EQ(of("linux/amd64"), "linux/amd64");
    EXPECT_EQ(of("linux/arm64/v8"), "linux/arm64");
    EXPECT_EQ(of("aarch64"), "linux/arm64");
    EXPECT_EQ(of("linux/arm"), "linux/arm/v7");
    EXPECT_EQ(of("armhf"), "linux/arm/v7");
    EXPECT_EQ(of("linux"), "linux/amd64");
    EXPECT_EQ(of("LINUX/x86_64"), "linux/amd64");
    for (const std::string_view bad : {"", "/", "a/b/c/d", "linux/", "nonsense", "li nux/amd64"}) {
        EXPECT_EQ(of(bad), "error") << bad;
    }
    oci::Platform arm = *parse_platform("linux/arm/v6", native);
    EXPECT_FALSE(platform_matches(*parse_platform("linux/arm/v7", native), arm));
    EXPECT_TRUE(platform_matches(*parse_platform("linux/amd64", native), native));
}

TEST(DetachKeys, AreBytes) {
    EXPECT_EQ(*parse_detach_keys(""), kDefaultDetachKeys);
    EXPECT_EQ(*parse_detach_keys("ctrl-p,ctrl-q"), "\x10\x11");
    EXPECT_EQ(*parse_detach_keys("a,ctrl-a,ctrl-[,ctrl-_,DEL"), "a\x01\x1b\x1f\x7f");
    EXPECT_EQ(*parse_detach_keys("ctrl-@"), std::string(1, '\0'));
    EXPECT_EQ(text_of(parse_detach_keys("ctrl-1")), "Unknown character: 'ctrl-1'");
    for (const std::string_view bad : {",", "ab", "ctrl-", "ctrl-A", "a,,b", "ctrl-ab"}) {
        EXPECT_FALSE(parse_detach_keys(bad)) << bad;
    }
}

std::string frame(StdStream stream, std::string_view payload) {
    const auto header = stdcopy_header(stream, static_cast<uint32_t>(payload.size()));
    return std::string(header.data(), header.size()) + std::string(payload);
}

TEST(Stdcopy, DecodesAtAnySplit) {
    const std::string stream = frame(StdStream::kStdout, "hello") + frame(StdStream::kStderr, "") +
                               frame(StdStream::kStderr, "err") + frame(StdStream::kStdout, "x");
    for (size_t step = 1; step <= stream.size(); ++step) {
        StdcopyDecoder decoder;
        std::string texts[4];
        for (size_t at = 0; at < stream.size(); at += step) {
            std::string_view input = std::string_view(stream).substr(at, step);
            while (!input.empty()) {
                const auto piece = decoder.next(input);
                ASSERT_TRUE(piece);
                texts[static_cast<size_t>(piece->stream)] += piece->payload;
            }
        }
        EXPECT_EQ(texts[1], "hellox");
        EXPECT_EQ(texts[2], "err");
        EXPECT_TRUE(decoder.at_frame_end());
    }
}

TEST(Stdcopy, RefusesUnknownStreams) {
    StdcopyDecoder decoder;
    std::string_view input("\x07\0\0\0\0\0\0\1x", 9);
    EXPECT_EQ(text_of(decoder.next(input)), "Unrecognized input header: 7");
}

TEST(Stdcopy, HeaderIsBigEndian) {
    const auto header = stdcopy_header(StdStream::kStderr, 0x01020384);
    EXPECT_EQ(std::string_view(header.data(), header.size()),
              std::string_view("\2\0\0\0\1\2\3\x84", 8));
}

TEST(Base64, BothAlphabets) {
    EXPECT_EQ(encode_base64("\xFB\xFF"), "+/8=");
    EXPECT_EQ(encode_base64("\xFB\xFF", Base64::kUrl), "-_8=");
    EXPECT_EQ(encode_base64(""), "");
    for (const std::string_view text : {"+/8=", "-_8=", "+/8", "-_8"}) {
        EXPECT_EQ(decode_base64(text), "\xFB\xFF") << text;
    }
    EXPECT_EQ(decode_base64("e30="), "{}");
    EXPECT_EQ(decode_base64(""), "");
    for (const std::string_view bad : {"a", "a===", "=", "a b=", "abc\n", "ab=c"}) {
        EXPECT_FALSE(decode_base64(bad)) << bad;
    }
}

}  // namespace
}  // namespace gantry::spec

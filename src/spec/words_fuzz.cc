// What people type: ports, mounts, signals, sizes, durations, times, detach keys, base64.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "spec/base64.h"
#include "spec/detach_keys.h"
#include "spec/duration.h"
#include "spec/mount.h"
#include "spec/port.h"
#include "spec/signal.h"
#include "spec/stdcopy.h"
#include "spec/units.h"

using namespace gantry;

static void check_mounts(std::string_view text) {
    if (const auto bind = spec::parse_bind(text)) {
        GT_CHECK(bind->destination.starts_with('/') && bind->destination != "/");
        GT_CHECK(spec::clean_path(bind->destination) == bind->destination);
    }
    if (const auto mount = spec::parse_mount(text)) {
        GT_CHECK(!mount->target.empty());
    }
    const std::string clean = spec::clean_path(text);
    GT_CHECK(spec::clean_path(clean) == clean);
}

static void check_streams(std::string_view text) {
    spec::StdcopyDecoder decoder;
    for (std::string_view rest = text; !rest.empty();) {
        const size_t before = rest.size();
        if (!decoder.next(rest)) {
            return;
        }
        GT_CHECK(rest.size() < before);
    }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // SAFETY: bytes are read as characters.
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_mounts(text);
    check_streams(text);
    if (const auto port = spec::parse_port(text)) {
        GT_CHECK(spec::parse_port(port->str())->str() == port->str());
    }
    (void)spec::parse_publish(text);
    (void)spec::parse_expose(text);
    if (const auto signal = spec::parse_signal(text)) {
        GT_CHECK(*signal >= 1 && *signal <= 64);
    }
    if (const auto bytes = spec::parse_ram(text)) {
        GT_CHECK(*bytes >= 0);
    }
    if (const auto duration = spec::parse_duration(text)) {
        GT_CHECK(*spec::parse_duration(spec::format_duration(*duration)) == *duration);
        (void)spec::human_duration(*duration);
    }
    (void)spec::parse_timestamp(text, WallTime{});
    (void)spec::parse_detach_keys(text);
    if (const auto bytes = spec::decode_base64(text)) {
        GT_CHECK(*spec::decode_base64(spec::encode_base64(*bytes)) == *bytes);
    }
    return 0;
}

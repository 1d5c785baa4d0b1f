#include "runtime/systemd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "runtime/impl/dbus_message.h"

namespace gantry::runtime {
namespace {

TEST(DbusMessage, ComesBackAsItWas) {
    DbusWriter body;
    body.put_string("x");
    body.put_u64(7);
    DbusMessage call;
    call.serial = 5;
    call.path = "/a/b";
    call.interface = "org.example.I";
    call.member = "M";
    call.destination = "org.example";
    call.signature = "st";
    call.body = body.bytes();
    const std::string bytes = serialize(call);
    const auto size = dbus_message_size(bytes);
    ASSERT_TRUE(size && *size);
    EXPECT_EQ(**size, bytes.size());
    const auto parsed = parse_dbus_message(bytes);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->type, DbusMessage::Type::kCall);
    EXPECT_EQ(parsed->serial, 5U);
    EXPECT_EQ(parsed->path, "/a/b");
    EXPECT_EQ(parsed->interface, "org.example.I");
    EXPECT_EQ(parsed->member, "M");
    EXPECT_EQ(parsed->destination, "org.example");
    EXPECT_EQ(parsed->signature, "st");
    EXPECT_EQ(parsed->body, call.body);
}

// The bytes of the call Hello, as the specification lays them out.
TEST(DbusMessage, IsLaidOutAsSpecified) {
    DbusMessage hello;
    hello.serial = 1;
    hello.path = "/p";
    hello.member = "Hello";
    using namespace std::string_literals;
    EXPECT_EQ(serialize(hello),
              "l\1\0\1\0\0\0\0\1\0\0\0\x1e\0\0\0"
              "\1\1o\0\2\0\0\0/p\0\0\0\0\0\0"
              "\3\1s\0\5\0\0\0Hello\0\0\0"s);
}

TEST(DbusMessage, OfAnyBytesIsRefused) {
    DbusMessage signal;
    signal.type = DbusMessage::Type::kSignal;
    signal.serial = 1;
    signal.path = "/p";
    signal.member = "M";
    signal.signature = "s";
    signal.body = std::string("\5\0\0\0abcde\0", 10);
    const std::string bytes = serialize(signal);
    for (size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_dbus_message(bytes.substr(0, size)));
    }
    for (size_t at = 0; at < bytes.size(); ++at) {
        for (const char value : {'\0', '\x7f', '\xff'}) {
            std::string changed = bytes;
            changed[at] = value;
            const auto parsed = parse_dbus_message(changed);  // either way, no harm
            const std::string body = parsed ? parsed->body : "";
            DbusReader reader(body);
            EXPECT_LE(reader.string().size(), changed.size());
        }
    }
    EXPECT_FALSE(dbus_message_size(std::string("B\1\0\1\0\0\0\0\0\0\0\1\0\0\0\0", 16)));
    EXPECT_FALSE(dbus_message_size(std::string("l\1\0\1\xff\xff\xff\xff\1\0\0\0\0\0\0\0", 16)));
}

TEST(ScopeName, OfSlicePrefixAndName) {
    auto name = [](const char* text, bool root = true) {
        const auto parsed = parse_scope_name(text, "id", root);
        return parsed ? parsed->slice + " " + parsed->unit : parsed.error().text();
    };
    EXPECT_EQ(name("machine.slice:libpod:abc"), "machine.slice libpod-abc.scope");
    EXPECT_EQ(name(":docker:abc"), "system.slice docker-abc.scope");
    EXPECT_EQ(name(":docker:abc", false), "user.slice docker-abc.scope");
    EXPECT_EQ(name("-.slice::abc"), "-.slice abc.scope");
    EXPECT_EQ(name(""), "system.slice id.scope");
    EXPECT_EQ(name("/a/b"),
              "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got "
              "\"/a/b\" instead");
    for (const char* slice : {"x", "a--b.slice", "-a.slice", "a-.slice", ".slice", "a/b.slice"}) {
        EXPECT_EQ(name((std::string(slice) + ":p:n").c_str()),
                  std::string("invalid slice name: ") + slice);
    }
    EXPECT_EQ(name("a.slice:p:n n"), "invalid unit name: p-n n.scope");
}

TEST(CpuMask, HasABitForEachCpu) {
    EXPECT_EQ(cpu_mask("0-2,9").value(), (std::vector<uint8_t>{7, 2}));
    EXPECT_EQ(cpu_mask("7").value(), (std::vector<uint8_t>{128}));
    for (const char* bad : {"", "x", "3-1", "0,", "99999", "-"}) {
        EXPECT_FALSE(cpu_mask(bad)) << bad;
    }
}

TEST(LimitProperties, SayWhatTheLimitsSay) {
    sys::CgroupLimits limits;
    limits.memory = 64 << 20;
    limits.memory_swap = 96 << 20;
    limits.cpu_quota = 50000;
    limits.cpu_period = 200000;
    limits.cpu_shares = 2;
    limits.cpuset_cpus = "0";
    limits.pids = -1;
    std::map<std::string, UnitProperty::Value> properties;
    for (UnitProperty& property : limit_properties(limits)) {
        properties[property.name] = std::move(property.value);
    }
    const uint64_t infinity = std::numeric_limits<uint64_t>::max();
    const std::map<std::string, UnitProperty::Value> wanted = {
        {"MemoryMax", uint64_t{64 << 20}},
        {"MemorySwapMax", uint64_t{32 << 20}},
        {"CPUQuotaPerSecUSec", uint64_t{250000}},
        {"CPUQuotaPeriodUSec", uint64_t{200000}},
        {"CPUWeight", uint64_t{1}},
        {"AllowedCPUs", std::vector<uint8_t>{1}},
        {"TasksMax", infinity},
    };
    EXPECT_EQ(properties, wanted);
    EXPECT_TRUE(limit_properties({}).empty());
}

}  // namespace
}  // namespace gantry::runtime

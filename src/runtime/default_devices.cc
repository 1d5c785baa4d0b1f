#include "runtime/default_devices.h"

#include <optional>

namespace gantry::runtime {

namespace {

struct Row {
    const char* path;
    int major;
    int minor;
};

constexpr Row kDevices[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

}  // namespace

std::vector<spec::oci::Device> default_devices() {
    std::vector<spec::oci::Device> devices;
    for (const Row& row : kDevices) {
        devices.push_back({row.path, "c", row.major, row.minor, 0666, std::nullopt, std::nullopt});
    }
    return devices;
}

std::vector<spec::oci::DeviceCgroup> default_device_rules() {
    std::vector<spec::oci::DeviceCgroup> rules = {
        {true, "c", std::nullopt, std::nullopt, "m"},
        {true, "b", std::nullopt, std::nullopt, "m"},
    };
    for (const Row& row : kDevices) {
        rules.push_back({true, "c", row.major, row.minor, "rwm"});
    }
    rules.push_back({true, "c", 5, 1, "rwm"});               // console
    rules.push_back({true, "c", 5, 2, "rwm"});               // ptmx
    rules.push_back({true, "c", 136, std::nullopt, "rwm"});  // pts/*
    return rules;
}

}  // namespace gantry::runtime

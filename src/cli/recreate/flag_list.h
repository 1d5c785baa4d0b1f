#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spec/api/container_config.h"

namespace gantry::cli {

/// Collects flags; those without anything to say are left out.
class FlagList {
public:
    explicit FlagList(std::vector<std::vector<std::string>>& flags) : flags_(flags) {}

    void add(std::string_view name, std::string value) {
        flags_.push_back({fmt::format("--{}", name), std::move(value)});
    }
    void add_switch(std::string_view name, bool on) {
        if (on) {
            flags_.push_back({fmt::format("--{}", name)});
        }
    }
    void add_text(std::string_view name, const std::string& value, std::string_view unsaid = {}) {
        if (value != unsaid) {
            add(name, value);
        }
    }
    void add_number(std::string_view name, int64_t value, int64_t unsaid = 0) {
        if (value != unsaid) {
            add(name, fmt::format("{}", value));
        }
    }
    void add_list(std::string_view name, const std::vector<std::string>& values) {
        for (const std::string& value : values) {
            add(name, value);
        }
    }
    void add_map(std::string_view name, const spec::StringMap& values) {
        for (const auto& [key, value] : values) {
            add(name, fmt::format("{}={}", key, value));
        }
    }

private:
    std::vector<std::vector<std::string>>& flags_;
};

}  // namespace gantry::cli

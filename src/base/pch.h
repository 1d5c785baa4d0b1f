#pragma once

// The precompiled header of every folder. No file may rely on it: `make check-headers` compiles
// each one without it.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

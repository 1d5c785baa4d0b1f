#include "base/failpoint.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/text.h"

namespace gantry {
namespace {

struct Armed {
    std::string name;
    bool kill = false;
    uint64_t at = 1;
    uint64_t passed = 0;
};

class Failpoints {
public:
    Failpoints() {
        const char* const setting = std::getenv("GANTRY_FAILPOINTS");
        for (const std::string_view item : split(setting != nullptr ? setting : "", ',')) {
            const auto [name, action, found] = cut(item, '=');
            const auto [verb, count, counted] = cut(action, '@');
            if (found && (verb == "kill" || verb == "error")) {
                armed_.push_back(
                    {std::string(name), verb == "kill", parse_uint(count).value_or(1), 0});
            }
        }
        active_ = !armed_.empty();
    }

    Result<> pass(std::string_view name) {
        if (!active_) [[likely]] {
            return {};
        }
        MutexLock lock(mutex_);
        ++passed_;
        for (Armed& point : armed_) {
            if ((point.name != "*" && point.name != name) || ++point.passed != point.at) {
                continue;
            }
            if (point.kill) {
                ::kill(::getpid(), SIGKILL);
            }
            return fail(Kind::kInternal, fmt::format("injected failure at {}", name));
        }
        return {};
    }

    unsigned passed() {
        MutexLock lock(mutex_);
        return passed_;
    }

private:
    bool active_ = false;  // set once by the constructor
    Mutex mutex_;
    std::vector<Armed> armed_ GT_GUARDED_BY(mutex_);
    unsigned passed_ GT_GUARDED_BY(mutex_) = 0;
};

Failpoints& failpoints() {
    static Failpoints instance;
    return instance;
}

}  // namespace

Result<> failpoint(std::string_view name) {
    return failpoints().pass(name);
}

unsigned failpoints_passed() {
    return failpoints().passed();
}

}  // namespace gantry

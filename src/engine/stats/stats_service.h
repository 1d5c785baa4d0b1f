#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "spec/api/stats.h"

namespace gantry::engine {

class ContainerService;

/// Which containers one subscription watches together.
struct StatsSelection {
    /// By name or id; empty: all that run.
    std::vector<std::string> refs;
    /// Those that do not run too, with nothing but id and name.
    bool stopped = false;
};

/// GET /containers/{id}/stats: one thread samples every watched container once a second, however
/// many watch it. Thread-safe.
class StatsService {
    class Impl;

public:
    explicit StatsService(ContainerService& containers);
    /// Waits for the thread; no sink is called afterwards.
    ~StatsService();

    /// Takes one sample of each container watched; each carries the one before it. False ends the
    /// subscription. Called under the service's lock, on its thread or within watch(): it must not
    /// block nor call the service.
    using Sink = std::function<bool(std::span<const spec::ContainerStats>)>;

    /// Ends its subscription when it goes away.
    class Subscription {
    public:
        Subscription() = default;
        Subscription(Subscription&& other) noexcept
            : impl_(std::move(other.impl_)), number_(std::exchange(other.number_, 0)) {}
        Subscription& operator=(Subscription&& other) noexcept {
            reset();
            impl_ = std::move(other.impl_);
            number_ = std::exchange(other.number_, 0);
            return *this;
        }
        ~Subscription() { reset(); }
        void reset();

    private:
        friend class StatsService;
        Subscription(std::weak_ptr<Impl> impl, uint64_t number)
            : impl_(std::move(impl)), number_(number) {}

        std::weak_ptr<Impl> impl_;
        uint64_t number_ = 0;
    };

    /// A single sample, at once and without one before it.
    Result<spec::ContainerStats> sample(std::string_view ref) const;
    Result<bool> is_running(std::string_view ref) const;

    /// The first sample at once, then one every second. A container that is removed is left out
    /// from then on; kNotFound for one that is not there now.
    Result<Subscription> watch(StatsSelection selection, Sink sink);

private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace gantry::engine

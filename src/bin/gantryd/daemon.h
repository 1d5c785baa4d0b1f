#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "bin/gantryd/options.h"

namespace gantry::daemon {

/// All services of one gantryd, wired. Destroyed in the reverse order of their making; containers
/// that run then run on.
class Daemon {
public:
    /// Takes the data root's lock, opens everything, recovers what an earlier daemon left, and only
    /// then listens. kConflict when another daemon has the root.
    static Result<std::unique_ptr<Daemon>> start(const Options& options);
    ~Daemon();

    /// Stops serving: no new requests, running ones are cancelled and waited for a while. Then ends
    /// the containers, if OPTIONS say so.
    void stop(const Options& options);

private:
    struct Parts;
    explicit Daemon(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace gantry::daemon

#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "runtime/foreign.h"
#include "spec/api/system.h"

namespace gantry::engine {

class ContainerService;

/// What the daemon tells about itself that cannot be read off the machine.
struct SystemSettings {
    std::string data_root;
    std::vector<std::string> labels;
    bool debug = false;
    /// As GET /info shows them: "name=seccomp,profile=builtin".
    std::vector<std::string> security_options;
    std::vector<std::string> cdi_spec_dirs;
    /// Of containers that name none.
    std::string log_driver = "json-file";
    /// As ContainerSettings has them.
    std::map<std::string, runtime::ForeignRuntime> runtimes;
    std::string default_runtime = "gantry";
    /// Containers outlive the daemon.
    bool live_restore = true;
    /// "key" for `docker info`'s list of address pools: the default bridge's subnet, CIDR.
    std::string bridge_subnet;
};

/// Counts that other services know.
struct SystemCounts {
    std::function<int64_t()> images;
    std::function<int64_t()> event_listeners;
};

/// GET /version and GET /info. Thread-safe; reads /proc and /etc at each call, so that what changed
/// since the start is seen.
class SystemService {
public:
    /// Makes or reads the daemon's id (data_root/engine-id), which stays the same over restarts.
    static Result<SystemService> open(SystemSettings settings, const ContainerService& containers,
                                      SystemCounts counts);

    spec::Version version() const;
    spec::Info info() const;

private:
    SystemService(SystemSettings settings, std::string id, const ContainerService& containers,
                  SystemCounts counts)
        : settings_(std::move(settings)),
          id_(std::move(id)),
          containers_(containers),
          counts_(std::move(counts)) {}

    SystemSettings settings_;
    std::string id_;
    const ContainerService& containers_;
    SystemCounts counts_;
};

/// Gantry's own version, as `gantryd --version` prints it.
std::string_view gantry_version();

/// The Engine API that we speak.
inline constexpr std::string_view kApiVersion = "1.51";
inline constexpr std::string_view kMinApiVersion = "1.24";

}  // namespace gantry::engine

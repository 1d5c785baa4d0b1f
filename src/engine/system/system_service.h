#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "spec/api/system.h"

namespace gantry::engine {

class ContainerService;
class EventBus;

/// What the daemon tells about itself that it cannot find out from the machine.
struct SystemSettings {
    std::string data_root;
    std::string exec_root;
    std::string default_runtime = "gantry";
    std::vector<std::string> labels;
    bool debug = false;
};

/// GET /version and GET /info. Thread-safe; reads /proc and /etc at each call, so that what changed
/// is seen.
class SystemService {
public:
    SystemService(SystemSettings settings, const ContainerService& containers,
                  std::function<int()> count_images)
        : settings_(std::move(settings)),
          containers_(containers),
          count_images_(std::move(count_images)) {}

    spec::Version version() const;
    spec::Info info() const;

private:
    SystemSettings settings_;
    const ContainerService& containers_;
    std::function<int()> count_images_;
};

/// Gantry's own version, as `gantryd --version` prints it.
std::string_view gantry_version();

}  // namespace gantry::engine

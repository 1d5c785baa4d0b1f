#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "bin/gantryd/options.h"
#include "cli/flags/flag.h"

namespace gantry::daemon {

/// A setting of dockerd that has no counterpart here. Those of its values that ask for what Gantry
/// does anyway are taken, so that a daemon.json may spell them out; every other is refused by name.
struct DockerdSetting {
    cli::Flag flag;
    std::string_view key;
    /// "true|1": as text, between bars. Nothing is taken but an empty text or list.
    std::string_view accepted;
};

std::span<const DockerdSetting> dockerd_settings();

/// kInvalid unless each of VALUES is nothing or accepted. NAME is what the user called the setting.
Result<> check_dockerd_setting(const DockerdSetting& setting, std::string_view name,
                               std::span<const std::string> values);

/// "buildkit=true", ...: of dockerd's features those that are so here.
Result<> set_features(Options& options, const std::vector<std::string>& values);

}  // namespace gantry::daemon

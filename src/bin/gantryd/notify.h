#pragma once

#include <string_view>

namespace gantry::daemon {

/// Tells the service manager our state (sd_notify(3): "READY=1", "STOPPING=1"). Nothing happens
/// when none asked (no NOTIFY_SOCKET); failures are ignored, as a manager that does not listen
/// must not stop the daemon.
void notify_service_manager(std::string_view state);

}  // namespace gantry::daemon

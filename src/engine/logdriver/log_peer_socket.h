#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::engine {

/// The bytes of a sockaddr_un. kInvalid for a path that is too long.
Result<std::string> unix_address(std::string_view path);

/// The bytes of the first sockaddr that HOST and PORT (names or numbers) resolve to. May ask the
/// host's resolver, and blocks for as long as that does.
Result<std::string> internet_address(const std::string& host, const std::string& port, int type);

/// A socket of TYPE connected to ADDRESS, within 5 s.
Result<UniqueFd> connect_peer(const std::string& address, int type);

}  // namespace gantry::engine

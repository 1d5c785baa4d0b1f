#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sys/user_namespace.h"

namespace gantry::sys {

/// The ranges that FILE (subuid(5)) gives to one of OWNERS, a name and the same user's number, as
/// one map that begins at id 0. kInvalid for a line of theirs that makes no sense, kNotFound when
/// there is none. Pure.
Result<std::vector<IdRange>> parse_sub_ids(std::string_view file,
                                           std::span<const std::string> owners);

/// The first id that no line of FILE speaks of, from 100000 on: where a new range may begin.
uint32_t first_free_sub_id(std::string_view file);

}  // namespace gantry::sys

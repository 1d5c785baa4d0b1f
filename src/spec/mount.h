#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "spec/api/mount.h"

namespace gantry::spec {

/// A "src:dst[:options]" of HostConfig.Binds, or of -v.
struct BindSpec {
    /// Absolute path of the host or name of a volume; empty for an anonymous volume ("/dst").
    std::string source;
    std::string destination;
    /// As given: "ro,z".
    std::string mode;
    bool read_only = false;
    bool no_copy = false;
    /// "rprivate", "rslave", ...; empty when not given.
    std::string propagation;

    /// Whether SOURCE is a path, not the name of a volume.
    bool is_bind() const { return source.starts_with('/'); }
};

/// kInvalid in Docker's wording: "invalid volume specification: 'x'", "invalid mode: x",
/// "mount path must be absolute". The destination is cleaned ("/a//b/" is "/a/b") and is not "/".
Result<BindSpec> parse_bind(std::string_view text);

/// The value of --mount: type=bind,source=/a,target=/b,readonly,... in CSV with Docker's quoting.
/// Relative bind sources are left as they are: the client resolves them. kInvalid in the CLI's
/// wording ("invalid field 'x' must be a key=value pair", "target is required",
/// "unexpected key 'x' in 'x=y'").
Result<Mount> parse_mount(std::string_view text);

/// COMPAT: Go's path.Clean: no empty, "." or ".." parts (".." at the root vanishes), no slash at
/// the end; "." for an empty text.
std::string clean_path(std::string_view path);

/// Docker's name rule for volumes (and for containers, without the slash): [a-zA-Z0-9] and then at
/// least one of [a-zA-Z0-9_.-], 255 bytes at most.
bool is_resource_name(std::string_view text);

}  // namespace gantry::spec

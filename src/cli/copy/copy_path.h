#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::cli {

// How `cp` reads paths. What stands at a path's end matters to it: "a/" must be a directory, "a/."
// is the content of one. The rules, and the errors, are docker's; paths of the container and of the
// host have the same ones.

/// Whether PATH ends in "/" or in "/." (or is "."), and so can only be a directory.
bool asks_for_directory(std::string_view path);
/// Whether PATH ends in "/." (or is "."), whatever slashes follow.
bool asks_for_content(std::string_view path);

/// The directory that PATH's last part is in, and that part: "/a/b/" is "/a" and "b", "/a/." is
/// "/a" and ".", "/" is "/" and "/".
struct SplitPath {
    std::string directory;
    std::string name;
};
SplitPath split_entry(std::string_view path);

/// CLEANED with the "/" or "/." that ORIGINAL ends in.
std::string keep_ending(std::string cleaned, std::string_view original);

/// LINK_TARGET, of a link that PATH leads to, as a path of its own.
std::string follow_link(std::string_view path, std::string_view link_target);

/// One end of a copy.
struct CopyEnd {
    std::string path;
    bool exists = false;
    bool is_directory = false;
    /// What the copy shall be called if not by PATH's last part: of a link that was followed.
    std::string rebase_name;
};

/// The end to which PATH leads if what was resolved of it is RESOLVED.
CopyEnd renamed_end(std::string_view path, std::string resolved);

/// Where the archive of a source goes: into DIRECTORY, its topmost entry called NEW_NAME in place
/// of OLD_NAME.
struct CopyPlace {
    std::string directory;
    std::string old_name;
    std::string new_name;
};
/// kInvalid "cannot copy directory" onto a file; "no such directory" for a file to "x/" where
/// nothing is.
Result<CopyPlace> place_copy(const CopyEnd& source, const CopyEnd& destination);

/// NAME, an entry or a link's target in an archive of PLACE.old_name, in the copy.
std::string renamed_entry(const CopyPlace& place, std::string_view name);

/// An end on the host, as an absolute path with the ending of TEXT.
std::string absolute_path(std::string_view text);
/// The source at the absolute PATH; the last part is followed if FOLLOW. Errors: "lstat PATH: no
/// such file or directory".
Result<CopyEnd> local_source(const std::string& path, bool follow);
/// The destination at the absolute PATH, whose last part is followed; its parent must be there.
Result<CopyEnd> local_destination(const std::string& path);
/// docker's checks of the place that something is written to, before anything is asked for.
Result<> check_output_path(const std::string& path);

}  // namespace gantry::cli

#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "pack/tar_reader.h"
#include "store/layers.h"
#include "sys/root_dir.h"

namespace gantry::store {

/// Writes tar entries below one directory as an overlay layer: the part of unpack_layer() that
/// touches the file system. Its rules and promises are those of unpack_layer().
///
/// Used by one thread; nobody else writes below the directory meanwhile.
class LayerWriter {
public:
    /// TARGET is duplicated.
    static Result<LayerWriter> open(int target, const pack::ArchiveLimits& limits);

    /// Takes the entry that READER stands at.
    Result<> add(const pack::TarEntry& entry, pack::TarReader& reader);

    /// Sets what can only be set when nothing more is written: the directories' times.
    Result<> finish();

    uint64_t content_bytes() const { return content_bytes_; }
    uint64_t entries() const { return entries_; }
    bool has_root_entry() const { return has_root_entry_; }

private:
    LayerWriter(sys::RootDir root, const pack::ArchiveLimits& limits)
        : root_(std::move(root)), limits_(limits) {}

    Result<std::string> checked_path(std::string_view name) const;
    Result<int> parent(const std::string& directory);
    Result<> make_parents(const std::string& directory);

    Result<> add_root(const pack::TarEntry& entry);
    Result<> add_whiteout(const std::string& directory, const std::string& marker);
    Result<> add_node(const pack::TarEntry& entry, pack::TarReader& reader,
                      const std::string& path);
    Result<> add_directory(const pack::TarEntry& entry, const std::string& path, int dir,
                           const std::string& name);
    Result<> add_file(const pack::TarEntry& entry, pack::TarReader& reader, int dir,
                      const std::string& name);
    Result<> add_hard_link(const pack::TarEntry& entry, int dir, const std::string& name);
    Result<> add_special(const pack::TarEntry& entry, int dir, const std::string& name);

    enum class Before { kNothing, kDirectory, kWhiteout };
    Result<Before> clear(int dir, const std::string& name, pack::TarType next);

    sys::RootDir root_;
    pack::ArchiveLimits limits_;
    // Entries mostly follow each other in one directory.
    std::string parent_path_;
    UniqueFd parent_;
    std::vector<std::pair<std::string, timespec>> directory_times_;
    uint64_t content_bytes_ = 0;
    uint64_t entries_ = 0;
    bool has_root_entry_ = false;
};

}  // namespace gantry::store

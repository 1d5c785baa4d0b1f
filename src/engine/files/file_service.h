#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/stream.h"
#include "spec/api/container.h"

namespace gantry::engine {

class ContainerCore;
class ContainerService;

/// The query of PUT /containers/{id}/archive.
struct ExtractRequest {
    std::string path;
    /// A directory is not replaced by a file, nor a file by a directory.
    bool no_overwrite = false;
    /// What comes belongs to the container's user.
    bool to_container_user = false;
};

/// POST /commit.
struct CommitRequest {
    std::string container;
    std::string repo;
    std::string tag;
    std::string author;
    std::string comment;
    /// Hold the container still while its files are read.
    bool pause = true;
    /// Dockerfile instructions, as import takes them.
    std::vector<std::string> changes;
    /// Completed by the container's own config; absent is that config.
    std::optional<spec::ContainerConfig> config;
};

/// Something to be sent to a client piece by piece.
class ArchiveSource {
public:
    virtual ~ArchiveSource() = default;
    /// Of the file or directory that was asked for; empty for a whole container.
    virtual const spec::PathStat& stat() const = 0;
    /// Writes the whole archive. Once.
    virtual Result<> write(const Writer& out) = 0;
};

/// Work on containers' files from outside: cp, export, diff, commit.
///
/// Thread-safe, blocking. Containers are named by reference as everywhere; kNotFound "No such
/// container: x". Nothing of a container is executed, and no path leads out of it.
class FileService {
public:
    explicit FileService(ContainerService& containers);

    /// kNotFound "Could not find the file PATH in container REF".
    Result<spec::PathStat> stat(std::string_view ref, const std::string& path);
    Result<std::unique_ptr<ArchiveSource>> read(std::string_view ref, const std::string& path);

    /// kInvalid "extraction point is not a directory", kForbidden for what is read-only.
    Result<> extract(std::string_view ref, const ExtractRequest& request, const Reader& archive);

    /// The root file system without volumes. kConflict for a dead container.
    Result<std::unique_ptr<ArchiveSource>> export_root(std::string_view ref);

    Result<std::vector<spec::FilesystemChange>> changes(std::string_view ref);

    /// Gives the new image's id.
    Result<ImageId> commit(const CommitRequest& request);

private:
    ContainerCore& core_;
};

}  // namespace gantry::engine

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "store/database.h"
#include "store/images.h"

namespace gantry::store {

class LayerLimits;

/// kVolatile: the kernel syncs nothing for this mount; for containers that are removed after a
/// crash anyway (--rm).
enum class UpperSync { kSynced, kVolatile };
enum class Access { kReadWrite, kReadOnly };

/// How owners are seen through a mount, and stored when it is written to.
struct OwnerMapping {
    /// The user namespace that maps them; -1: as they are on disk.
    int user_namespace = -1;
    /// What its root is outside.
    uid_t uid = 0;
    gid_t gid = 0;

    explicit operator bool() const { return user_namespace >= 0; }
};

struct SnapshotMount {
    UpperSync sync = UpperSync::kSynced;
    Access access = Access::kReadWrite;
    OwnerMapping owners = {};
};

/// The writable layers of containers: containers/<id>/upper and work on top of an image's layers.
/// A snapshot keeps the layers below it on disk, also when the image is removed.
///
/// Thread-safe. The record lives and dies in the container's own transaction, so that a container
/// and its snapshot exist together or not at all.
class Snapshots {
public:
    static Result<std::unique_ptr<Snapshots>> open(Database& database, ImageStore& images,
                                                   const std::string& data_root);
    Snapshots(const Snapshots&) = delete;
    Snapshots& operator=(const Snapshots&) = delete;
    ~Snapshots();

    /// Whether make_directories() can hold a container to a limit: the file system has project
    /// quotas, and enforces them.
    bool can_limit() const;

    /// Makes upper/ and work/ in containers/<id>/ (made if missing, 0710), which may take LIMIT
    /// bytes; 0 for any number. Do this before the transaction of insert().
    Result<> make_directories(const ContainerId& id, const Image& image, uint64_t limit = 0);

    /// Records in TRANSACTION that container ID stands on IMAGE's layers. kNotFound if the image
    /// has been removed meanwhile.
    Result<> insert(Transaction& transaction, const ContainerId& id, const Image& image);

    /// Takes the record away in TRANSACTION.
    Result<> erase(Transaction& transaction, const ContainerId& id);

    /// After erase() was committed, or instead of insert(): moves all of containers/<id>/ to the
    /// trash, frees its limit and drops layers that nobody needs any more.
    Result<> discard(const ContainerId& id);

    /// The container's root as a detached overlay mount; gone when the fd and everything attached
    /// from it are gone. Only one to write to at a time per container: several see each other's
    /// changes late or never. The mount table shows no path of the host.
    Result<UniqueFd> mount(const ContainerId& id, const SnapshotMount& options) const;

    /// Whether mount() can map OWNERS here: it needs overlayfs on idmapped mounts (Linux 5.19) of a
    /// file system that knows them. Tries it with an empty container.
    Result<> check_mapping(const OwnerMapping& owners) const;

    /// IMAGE's layers alone, read only.
    Result<UniqueFd> mount_image(const Image& image, const OwnerMapping& owners = {}) const;

    /// The layers that ID stands on as one tree, read only: what the container has not changed.
    Result<UniqueFd> mount_below(const ContainerId& id) const;

    /// The layers that ID stands on, bottom first; kNotFound for an unknown container.
    Result<std::vector<ChainId>> chain(const ContainerId& id) const;

    /// O_PATH on what the container has written.
    Result<UniqueFd> open_upper(const ContainerId& id) const;
    /// containers/<id>/upper and work, for `docker inspect`.
    std::string upper_path(const ContainerId& id) const;
    std::string work_path(const ContainerId& id) const;

    /// All containers with a record.
    std::vector<ContainerId> list() const;

private:
    Snapshots(Database& database, ImageStore& images, std::string data_root);

    Result<> load();
    /// What a crash has left.
    Result<> drop_stray_limits();
    Result<UniqueFd> mount_layers(std::span<const ChainId> chain,
                                  const OwnerMapping& owners = {}) const;
    Result<UniqueFd> open_layer(const ChainId& id, const OwnerMapping& owners) const;
    Result<UniqueFd> mount_chain(std::span<const ChainId> chain, int container,
                                 const SnapshotMount& options) const;
    static Result<> remove_incompat(int work);

    Database& database_;
    ImageStore& images_;
    const std::string root_;  // data-root/containers
    UniqueFd containers_;
    std::unique_ptr<LayerLimits> limits_;
    mutable Mutex mutex_;
    std::map<ContainerId, std::shared_ptr<const std::vector<ChainId>>> chains_
        GT_GUARDED_BY(mutex_);
};

}  // namespace gantry::store

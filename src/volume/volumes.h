#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "store/database.h"
#include "store/trash.h"
#include "volume/volume.h"

namespace gantry::volume {

class Claims;
class Removal;

/// A volume and the containers that hold it, running or not.
struct VolumeUse {
    VolumePtr volume;
    std::set<ContainerId> users;
};

/// The volumes of one data-root. A record and its directory exist together: the directory is made
/// before the record and goes after it, and open() throws away directories without a record.
///
/// Who uses a volume is told by the containers' owner: hold() for each container at boot and
/// whenever its set changes. A volume in use is not removed. Thread-safe; state is durable when a
/// change has returned.
class Volumes {
public:
    static Result<std::unique_ptr<Volumes>> open(store::Database& database, store::Trash& trash,
                                                 const std::string& data_root);
    Volumes(const Volumes&) = delete;
    Volumes& operator=(const Volumes&) = delete;
    ~Volumes();

    /// What open() found wrong, one sentence each.
    const std::vector<std::string>& notices() const { return notices_; }

    struct Created {
        VolumePtr volume;
        bool is_new = false;
    };
    /// The volume of that name, made if it is missing. COMPAT: one that is there is taken as it is,
    /// whatever options are asked for. kInvalid in Docker's words.
    Result<Created> create(const VolumeRequest& request) GT_EXCLUDES(mutex_);

    /// kNotFound "get X: no such volume".
    Result<VolumeUse> find(std::string_view name) const GT_EXCLUDES(mutex_);
    /// Null for an id that is none (any more).
    VolumePtr get(const VolumeId& id) const GT_EXCLUDES(mutex_);
    /// By name.
    std::vector<VolumeUse> list() const GT_EXCLUDES(mutex_);

    /// Another name, in one write; allowed while it is in use. kNotFound, kConflict, kInvalid.
    Result<VolumePtr> rename(std::string_view name, const std::string& to) GT_EXCLUDES(mutex_);

    /// kNotFound, and kConflict "remove X: volume is in use - [IDS]".
    Result<VolumePtr> remove(std::string_view name) GT_EXCLUDES(mutex_);

    /// From now on CONTAINER uses exactly VOLUMES; none when it is gone.
    void hold(const ContainerId& container, const std::set<VolumeId>& volumes) GT_EXCLUDES(mutex_);

    /// data-root/volumes/<id>/_data
    std::string data_path(const VolumeId& id) const;

    /// CONTAINER is about to run with the volume: mounts what its options name unless another
    /// running container has done so. Twice for one container counts once.
    Result<> mount(const VolumeId& id, const ContainerId& container) GT_EXCLUDES(mutex_);
    /// And now it does not: the last one unmounts. What cannot be unmounted is an error and stays.
    Result<> unmount(const VolumeId& id, const ContainerId& container) GT_EXCLUDES(mutex_);
    /// At boot: CONTAINER runs with the volume since before this daemon.
    void adopt_mount(const VolumeId& id, const ContainerId& container) GT_EXCLUDES(mutex_);
    /// At boot, after the last adopt_mount(): unmounts what nobody uses and gives the reasons where
    /// that failed.
    std::vector<std::string> sweep_mounts() GT_EXCLUDES(mutex_);

    /// Copies the directory SOURCE into the volume if that is empty: all or nothing, or entry by
    /// entry where other containers run with it. For who has a claim on it. Blocks for as long as
    /// the copying takes.
    Result<> copy_up(const VolumeId& id, int source) GT_EXCLUDES(mutex_);

private:
    friend class Claims;
    friend class Removal;

    struct Entry;
    using EntryPtr = std::shared_ptr<Entry>;

    Volumes(store::Database& database, store::Trash& trash, const std::string& data_root);

    Result<> load();
    Result<> sweep_directories();
    EntryPtr find_entry(std::string_view name) const GT_REQUIRES(mutex_);
    EntryPtr find_entry(const VolumeId& id) const GT_REQUIRES(mutex_);
    /// The entry of that name once nobody works on it; null when there is none.
    EntryPtr wait_idle(std::string_view name) GT_REQUIRES(mutex_);
    void wait_idle(const Entry& entry) GT_REQUIRES(mutex_);

    /// A directory and an entry that is busy, so that only its maker sees it; null when the name is
    /// there already.
    Result<EntryPtr> make_draft(const VolumeRequest& request) GT_EXCLUDES(mutex_);
    Result<> make_directory(const VolumeId& id);
    /// It is there for everybody, and nobody works on it.
    void settle(Entry& entry) GT_EXCLUDES(mutex_);
    /// Out of memory and off the disk; the record is gone or never was.
    void drop(const EntryPtr& entry) GT_EXCLUDES(mutex_);
    Result<> discard_directory(const VolumeId& id);
    Result<> attach(const Volume& volume);
    /// Whether other containers can see the volume while it is filled.
    enum class Visible { kNo, kYes };
    Result<> fill(const Volume& volume, int source, Visible visible);

    store::Database& database_;
    store::Trash& trash_;
    const std::string root_;  // data-root/volumes
    UniqueFd directory_;

    mutable Mutex mutex_;
    Condition changed_;
    std::map<std::string, EntryPtr, std::less<>> by_name_ GT_GUARDED_BY(mutex_);
    std::map<VolumeId, EntryPtr> by_id_ GT_GUARDED_BY(mutex_);
    std::map<ContainerId, std::set<VolumeId>> held_ GT_GUARDED_BY(mutex_);
    std::vector<std::string> notices_;
};

/// The volumes that a container which is being made or changed will use. None of them can be
/// removed meanwhile, and those that were made for it are seen by nobody else. What is not kept is
/// given back: new volumes vanish.
class Claims {
public:
    Claims(Volumes& volumes, ContainerId container);
    Claims(const Claims&) = delete;
    Claims& operator=(const Claims&) = delete;
    ~Claims();

    /// The volumes of those names in that order, made if they are missing; a new one for each name
    /// "". Waits for others who are making or removing one of them. Once: two who each wait for
    /// what the other has made would wait for ever.
    Result<std::vector<VolumePtr>> take(std::span<const VolumeRequest> requests);
    /// One that another container uses; kNotFound when it went.
    Result<VolumePtr> share(const VolumeId& id);

    /// Records the new volumes in the transaction that records the container's use of them.
    Result<> insert(store::Transaction& transaction);
    /// The transaction is committed.
    void keep();

    /// Those that were made.
    std::vector<VolumePtr> made() const;

private:
    struct Taken {
        Volumes::EntryPtr entry;
        /// What giving it back means.
        enum class Before { kMissing, kFree, kHeld } before;
    };
    Result<VolumePtr> take_one(const VolumeRequest& request);

    Volumes& volumes_;
    const ContainerId container_;
    std::vector<Taken> taken_;
};

/// Volumes on their way out, together with the container that used them: those among WANTED that
/// no other container uses. Nobody can claim them until they are gone or the removal is given up.
class Removal {
public:
    Removal(Volumes& volumes, const ContainerId& container, std::span<const VolumeId> wanted);
    Removal(const Removal&) = delete;
    Removal& operator=(const Removal&) = delete;
    ~Removal();

    Result<> erase(store::Transaction& transaction);
    /// The transaction is committed: the directories go.
    std::vector<VolumePtr> finish();

private:
    Volumes& volumes_;
    std::vector<Volumes::EntryPtr> going_;
};

/// Docker's rule for names of volumes; kInvalid "create X: ...".
Result<> check_volume_name(std::string_view name);

}  // namespace gantry::volume

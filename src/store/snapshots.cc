#include "store/snapshots.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <utility>

#include "base/failpoint.h"
#include "base/scope_guard.h"
#include "store/impl/layer_limits.h"
#include "sys/file_owner.h"
#include "sys/files.h"
#include "sys/mounts.h"
#include "sys/namespace.h"
#include "sys/user_namespace.h"

namespace gantry::store {
namespace {

/// Layers by descriptor, so that the mount table of the container names no path of the host.
std::string by_descriptor(const UniqueFd& fd) {
    return fmt::format("/proc/self/fd/{}", fd.get());
}

/// The same for every overlay mount of ours.
std::vector<sys::FsOption> common_options() {
    return {
        {"source", "overlay"},
        // What a layer says in attributes about other paths or other files' data is not followed:
        // image and container content must not decide that.
        {"redirect_dir", "nofollow"},
        {"metacopy", "off"},
        {"index", "off"},
        {"xino", "off"},
    };
}

/// Kernels before 6.7 know only one option for all layers.
std::string joined(const std::vector<UniqueFd>& lower) {
    std::string all;
    for (const UniqueFd& fd : lower) {
        all += (all.empty() ? "" : ":") + by_descriptor(fd);
    }
    return all;
}

/// LOWER is top first; UPPER options come behind it.
Result<UniqueFd> make_overlay(const std::vector<UniqueFd>& lower,
                              const std::vector<sys::FsOption>& upper, uint64_t attributes) {
    std::vector<sys::FsOption> options = common_options();
    for (const UniqueFd& fd : lower) {
        options.push_back({"lowerdir+", by_descriptor(fd)});
    }
    options.insert(options.end(), upper.begin(), upper.end());
    auto mount = sys::make_mount("overlay", options, attributes);
    if (mount || mount.error().sys_errno() != EINVAL) {
        return mount;
    }
    options = common_options();
    options.push_back({"lowerdir", joined(lower)});
    options.insert(options.end(), upper.begin(), upper.end());
    if (auto old_way = sys::make_mount("overlay", options, attributes)) {
        return old_way;
    }
    return mount;
}

/// DIR, or a mount of it alone whose OWNERS are mapped.
Result<UniqueFd> mapped(UniqueFd dir, const OwnerMapping& owners) {
    if (!owners) {
        return std::move(dir);
    }
    GT_TRY_VAR(mount, sys::clone_mount(dir.get(), "", sys::Tree::kOne));
    GT_TRY(sys::idmap_mount(mount.get(), owners.user_namespace));
    return std::move(mount);
}

/// Before Linux 6.15 overlayfs takes no mount that is attached nowhere: what MAKE returns, called
/// in a mount namespace of its own in which MOUNTS (-1 is none) are attached at PLACE.
Result<UniqueFd> with_attached(std::span<const int> mounts, const std::string& place,
                               const std::function<Result<UniqueFd>()>& make) {
    UniqueFd made;
    GT_TRY(sys::run_on_own_thread([&]() -> Result<> {
        GT_TRY(sys::unshare_namespace(sys::Namespace::kMount));
        GT_TRY_VAR(top, sys::open_file(AT_FDCWD, "/", O_PATH | O_DIRECTORY));
        GT_TRY(sys::change_mount(top.get(),
                                 {.propagation = MS_PRIVATE, .tree = sys::Tree::kRecursive}));
        for (const int mount : mounts) {
            if (mount >= 0) {
                GT_TRY(sys::attach_mount(mount, AT_FDCWD, place.c_str()));
            }
        }
        GT_TRY_VAR(overlay, make());
        made = std::move(overlay);
        return {};
    }));
    return made;
}

/// What MAKE returns, whose layers are LOWER and, unless -1, in UPPER. AT is any directory.
Result<UniqueFd> make_mapped_overlay(const std::vector<UniqueFd>& lower, int upper,
                                     const std::string& at, const OwnerMapping& owners,
                                     const std::function<Result<UniqueFd>()>& make) {
    // overlayfs does its own work, copying up above all, as who made it: our root is nobody there.
    const auto as_owner = [&]() -> Result<UniqueFd> {
        const auto owner = sys::FileOwner::become(owners.uid, owners.gid);
        return owner ? make() : fail(Kind::kInternal, owner.error().text());
    };
    auto mount = as_owner();
    if (mount) {
        return mount;
    }
    std::vector<int> parts = {upper};
    for (const UniqueFd& fd : lower) {
        parts.push_back(fd.get());
    }
    auto attached = with_attached(parts, at, as_owner);
    return attached ? std::move(attached) : std::move(mount);
}

Result<> make_directory(int parent, const char* name, mode_t mode) {
    if (::mkdirat(parent, name, mode) < 0 && errno != EEXIST) {
        return fail_errno(fmt::format("mkdir {}", name));
    }
    return {};
}

}  // namespace

Snapshots::Snapshots(Database& database, ImageStore& images, std::string data_root)
    : database_(database), images_(images), root_(std::move(data_root) + "/containers") {}

Result<std::unique_ptr<Snapshots>> Snapshots::open(Database& database, ImageStore& images,
                                                   const std::string& data_root) {
    std::unique_ptr<Snapshots> snapshots(new Snapshots(database, images, data_root));
    GT_TRY(sys::make_dirs(snapshots->root_.c_str(), 0700));
    GT_TRY_VAR(fd, sys::open_file(AT_FDCWD, snapshots->root_.c_str(), O_RDONLY | O_DIRECTORY));
    snapshots->containers_ = std::move(fd);
    GT_TRY(snapshots->load());
    GT_TRY_VAR(limits, LayerLimits::open(database, snapshots->containers_.get()));
    snapshots->limits_ = std::move(limits);
    GT_TRY(snapshots->drop_stray_limits());
    return std::move(snapshots);
}

Snapshots::~Snapshots() = default;

bool Snapshots::can_limit() const {
    return limits_->possible();
}

Result<> Snapshots::drop_stray_limits() {
    for (const ContainerId& id : limits_->limited()) {
        if (!chain(id)) {
            GT_TRY(limits_->drop(id));
        }
    }
    return {};
}

Result<> Snapshots::load() {
    GT_TRY_VAR(transaction, database_.begin(CommitMode::kNormal));
    std::map<ChainId, ChainId> parents;
    GT_TRY_VAR(layers, transaction.prepare("SELECT id, parent FROM layers"));
    for (;;) {
        GT_TRY_VAR(more, layers.step());
        if (!more) {
            break;
        }
        parents.emplace(ChainId(std::string(layers.text(0))), ChainId(std::string(layers.text(1))));
    }
    GT_TRY_VAR(query, transaction.prepare("SELECT container, layer FROM snapshots"));
    for (;;) {
        GT_TRY_VAR(more, query.step());
        if (!more) {
            return {};
        }
        std::vector<ChainId> chain;
        for (ChainId id(std::string(query.text(1))); !id.empty();) {
            chain.push_back(id);
            const auto parent = parents.find(id);
            id = parent == parents.end() ? ChainId() : parent->second;
        }
        const ContainerId container(std::string(query.text(0)));
        MutexLock lock(mutex_);
        chains_[container] =
            std::make_shared<const std::vector<ChainId>>(chain.rbegin(), chain.rend());
    }
}

Result<> Snapshots::make_directories(const ContainerId& id, const Image& image, uint64_t limit) {
    const ChainId top = image.chain.empty() ? ChainId() : image.chain.back();
    GT_TRY_VAR(below, images_.layers().open_diff(top));
    GT_TRY(make_directory(containers_.get(), id.str().c_str(), 0710));
    GT_TRY_VAR(directory,
               sys::open_file(containers_.get(), id.str().c_str(), O_RDONLY | O_DIRECTORY));
    GT_TRY(make_directory(directory.get(), "work", 0700));
    GT_TRY(make_directory(directory.get(), "upper", 0755));
    GT_TRY_VAR(upper, sys::open_file(directory.get(), "upper", O_RDONLY | O_DIRECTORY));
    if (limit > 0) {
        // Both: overlayfs makes in work/ what it then moves to upper/.
        GT_TRY_VAR(work, sys::open_file(directory.get(), "work", O_RDONLY | O_DIRECTORY));
        GT_TRY(limits_->set(id, std::array{upper.get(), work.get()}, limit));
    }
    // The container's "/" has the owner and mode of the topmost directory.
    struct stat status{};
    if (::fstat(below.get(), &status) < 0 ||
        ::fchown(upper.get(), status.st_uid, status.st_gid) < 0 ||
        ::fchmod(upper.get(), status.st_mode & 07777) < 0) {
        return fail_errno("copy the owner of the image's root");
    }
    GT_FAILPOINT("store.snapshot_made");
    return {};
}

Result<> Snapshots::insert(Transaction& transaction, const ContainerId& id, const Image& image) {
    {
        GT_TRY_VAR(query, transaction.prepare("SELECT 1 FROM images WHERE id = ?"));
        GT_TRY_VAR(exists, query.bind(1, image.id.str()).step());
        if (!exists) {
            return fail(Kind::kNotFound, fmt::format("No such image: {}", image.id.str()));
        }
    }
    const std::string top = image.chain.empty() ? std::string() : image.chain.back().str();
    GT_TRY(transaction.run("INSERT INTO snapshots(container, layer) VALUES(?, ?)", id.str(), top));
    auto chain = std::make_shared<const std::vector<ChainId>>(image.chain);
    transaction.after_commit([this, id, chain = std::move(chain)] {
        MutexLock lock(mutex_);
        chains_[id] = chain;
    });
    return {};
}

Result<> Snapshots::erase(Transaction& transaction, const ContainerId& id) {
    GT_TRY(transaction.run("DELETE FROM snapshots WHERE container = ?", id.str()));
    transaction.after_commit([this, id] {
        MutexLock lock(mutex_);
        chains_.erase(id);
    });
    return {};
}

Result<> Snapshots::discard(const ContainerId& id) {
    GT_TRY(images_.trash().discard(containers_.get(), id.str()));
    GT_TRY(limits_->drop(id));
    // Mostly there is nothing: only a container that outlived its image leaves layers behind.
    GT_TRY(images_.collect_layers());
    return {};
}

Result<std::vector<ChainId>> Snapshots::chain(const ContainerId& id) const {
    MutexLock lock(mutex_);
    const auto found = chains_.find(id);
    if (found == chains_.end()) {
        return fail(Kind::kNotFound, fmt::format("container {} has no snapshot", id.str()));
    }
    return *found->second;
}

Result<UniqueFd> Snapshots::mount(const ContainerId& id, const SnapshotMount& options) const {
    GT_TRY_VAR(layers, chain(id));
    GT_TRY_VAR(directory,
               sys::open_file(containers_.get(), id.str().c_str(), O_PATH | O_DIRECTORY));
    // ORDER: upper and work must be seen through the same mount.
    GT_TRY_VAR(seen, mapped(std::move(directory), options.owners));
    return mount_chain(layers, seen.get(), options);
}

Result<> Snapshots::check_mapping(const OwnerMapping& owners) const {
    constexpr const char* kName = "mapping-probe";
    (void)sys::remove_tree(containers_.get(), kName);
    const ScopeGuard remove([this] { (void)sys::remove_tree(containers_.get(), kName); });
    GT_TRY(make_directory(containers_.get(), kName, 0700));
    GT_TRY_VAR(directory, sys::open_file(containers_.get(), kName, O_RDONLY | O_DIRECTORY));
    GT_TRY(make_directory(directory.get(), "work", 0700));
    GT_TRY(make_directory(directory.get(), "upper", 0755));
    GT_TRY_VAR(seen, mapped(std::move(directory), owners));
    GT_TRY_VAR(mount, mount_chain({}, seen.get(), {.owners = owners}));
    // A directory that it cannot work in makes overlayfs read-only, without a word.
    const auto maker = sys::FileOwner::become(owners.uid, owners.gid);
    return maker ? make_directory(mount.get(), "made", 0700) : fail_errno("become another user");
}

Result<UniqueFd> Snapshots::open_layer(const ChainId& id, const OwnerMapping& owners) const {
    GT_TRY_VAR(diff, images_.layers().open_diff(id));
    return mapped(std::move(diff), owners);
}

Result<UniqueFd> Snapshots::mount_image(const Image& image, const OwnerMapping& owners) const {
    return mount_layers(image.chain, owners);
}

Result<UniqueFd> Snapshots::mount_below(const ContainerId& id) const {
    GT_TRY_VAR(layers, chain(id));
    return mount_layers(layers);
}

Result<UniqueFd> Snapshots::mount_layers(std::span<const ChainId> chain,
                                         const OwnerMapping& owners) const {
    if (chain.empty()) {
        GT_TRY_VAR(empty, images_.layers().open_diff(ChainId()));
        GT_TRY_VAR(mount, sys::clone_mount(empty.get(), "", sys::Tree::kOne));
        if (owners) {
            GT_TRY(sys::idmap_mount(mount.get(), owners.user_namespace));
        }
        GT_TRY(sys::change_mount(mount.get(), {.set = MOUNT_ATTR_RDONLY}));
        return std::move(mount);
    }
    return mount_chain(chain, -1,
                       {.sync = UpperSync::kSynced, .access = Access::kReadOnly, .owners = owners});
}

/// CONTAINER is the directory with upper/ and work/, -1 for none.
Result<UniqueFd> Snapshots::mount_chain(std::span<const ChainId> chain, int container,
                                        const SnapshotMount& options) const {
    std::vector<UniqueFd> lower;
    for (auto id = chain.rbegin(); id != chain.rend(); ++id) {
        GT_TRY_VAR(fd, open_layer(*id, options.owners));
        lower.push_back(std::move(fd));
    }
    if (lower.empty() || (container < 0 && lower.size() == 1)) {
        // Without an upper directory overlayfs wants two layers.
        GT_TRY_VAR(empty, open_layer(ChainId(), options.owners));
        lower.push_back(std::move(empty));
    }
    UniqueFd upper;
    UniqueFd work;
    std::vector<sys::FsOption> upper_options;
    if (container >= 0) {
        // The mark that a volatile mount was used; the kernel refuses to mount over it. It is
        // either ours, for a container that nobody restarts after a crash, or out of date.
        GT_TRY_VAR(parent, sys::open_file(container, "work", O_RDONLY | O_DIRECTORY));
        GT_TRY(remove_incompat(parent.get()));
        GT_TRY_VAR(upper_fd, sys::open_file(container, "upper", O_PATH | O_DIRECTORY));
        upper = std::move(upper_fd);
        work = std::move(parent);
        upper_options = {{"upperdir", by_descriptor(upper)}, {"workdir", by_descriptor(work)}};
        if (options.sync == UpperSync::kVolatile) {
            upper_options.push_back({"volatile", ""});
        }
    }
    const uint64_t attributes = options.access == Access::kReadOnly ? MOUNT_ATTR_RDONLY : 0;
    if (!options.owners) {
        return make_overlay(lower, upper_options, attributes);
    }
    return make_mapped_overlay(lower, container, root_, options.owners,
                               [&] { return make_overlay(lower, upper_options, attributes); });
}

Result<> Snapshots::remove_incompat(int work) {
    if (::faccessat(work, "work/incompat", F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
        return {};
    }
    GT_TRY_VAR(inner, sys::open_file(work, "work", O_RDONLY | O_DIRECTORY));
    return sys::remove_tree(inner.get(), "incompat");
}

Result<UniqueFd> Snapshots::open_upper(const ContainerId& id) const {
    return sys::open_file(containers_.get(), (id.str() + "/upper").c_str(), O_PATH | O_DIRECTORY);
}

std::string Snapshots::upper_path(const ContainerId& id) const {
    return fmt::format("{}/{}/upper", root_, id.str());
}

std::string Snapshots::work_path(const ContainerId& id) const {
    return fmt::format("{}/{}/work", root_, id.str());
}

std::vector<ContainerId> Snapshots::list() const {
    MutexLock lock(mutex_);
    std::vector<ContainerId> ids;
    ids.reserve(chains_.size());
    for (const auto& [id, chain] : chains_) {
        ids.push_back(id);
    }
    return ids;
}

}  // namespace gantry::store

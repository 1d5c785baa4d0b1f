#include "store/layers.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/failpoint.h"
#include "spec/digest.h"
#include "store/impl/sha256.h"
#include "sys/files.h"

namespace gantry::store {
namespace {

/// For images without layers: overlayfs wants at least one.
constexpr const char* kEmpty = "empty";

std::string directory_name(const ChainId& id) {
    // Chain ids are made by chain_id() or were written by us into the database.
    const std::string& text = id.str();
    GT_CHECK(text.size() == 71 && spec::is_lower_hex(text.substr(7)));
    return text.substr(7);
}

Result<UniqueFd> make_diff(int directory, const std::string& name) {
    const std::string diff = name + "/diff";
    if ((::mkdirat(directory, name.c_str(), 0700) < 0 && errno != EEXIST) ||
        (::mkdirat(directory, diff.c_str(), 0755) < 0 && errno != EEXIST)) {
        return fail_errno(fmt::format("mkdir {}", diff));
    }
    GT_TRY_VAR(fd, sys::open_file(directory, diff.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    // Whatever our umask is: this directory's mode is the container's "/".
    if (::fchmod(fd.get(), 0755) < 0) {
        return fail_errno(fmt::format("chmod {}", diff));
    }
    return std::move(fd);
}

}  // namespace

ChainId chain_id(const ChainId& parent, const Digest& diff_id) {
    if (parent.empty()) {
        return ChainId(diff_id.str());
    }
    return ChainId(sha256(parent.str() + " " + diff_id.str()).str());
}

std::vector<ChainId> chain_ids(std::span<const Digest> diff_ids) {
    std::vector<ChainId> ids;
    ids.reserve(diff_ids.size());
    for (const Digest& diff_id : diff_ids) {
        ids.push_back(chain_id(ids.empty() ? ChainId() : ids.back(), diff_id));
    }
    return ids;
}

StagedLayer::StagedLayer(Trash& trash, int tmp, std::string name, UniqueFd diff)
    : trash_(&trash), tmp_(tmp), name_(std::move(name)), diff_(std::move(diff)) {}

StagedLayer::StagedLayer(StagedLayer&& other) noexcept
    : trash_(other.trash_),
      tmp_(other.tmp_),
      name_(std::exchange(other.name_, {})),
      diff_(std::move(other.diff_)),
      facts_(std::move(other.facts_)) {}

StagedLayer::~StagedLayer() {
    if (!name_.empty()) {
        // What cannot be moved now, the next start's sweep of tmp/ removes.
        (void)trash_->discard(tmp_, name_);
    }
}

Result<std::unique_ptr<Layers>> Layers::open(const std::string& data_root, Trash& trash) {
    std::unique_ptr<Layers> layers(new Layers(trash));
    layers->root_ = data_root + "/layers";
    const std::string tmp = data_root + "/tmp";
    GT_TRY(sys::make_dirs(layers->root_.c_str(), 0700));
    GT_TRY(sys::make_dirs(tmp.c_str(), 0700));
    GT_TRY_VAR(layers_fd, sys::open_file(AT_FDCWD, layers->root_.c_str(), O_RDONLY | O_DIRECTORY));
    GT_TRY_VAR(tmp_fd, sys::open_file(AT_FDCWD, tmp.c_str(), O_RDONLY | O_DIRECTORY));
    GT_TRY(make_diff(layers_fd.get(), kEmpty));
    layers->layers_ = std::move(layers_fd);
    layers->tmp_ = std::move(tmp_fd);
    return std::move(layers);
}

Result<StagedLayer> Layers::stage(const Reader& stream, const Digest& expected,
                                  const pack::ArchiveLimits& limits) {
    const std::string name = "layer-" + random_id();
    GT_TRY_VAR(diff, make_diff(tmp_.get(), name));
    StagedLayer layer(trash_, tmp_.get(), name, std::move(diff));
    GT_FAILPOINT("store.layer_begun");
    GT_TRY_VAR(facts, unpack_layer(stream, layer.diff(), limits));
    if (!expected.empty() && facts.diff_id != expected) {
        return fail(Kind::kInvalid, fmt::format("invalid layer: its diff id is {:?}, expected {:?}",
                                                facts.diff_id.str(), expected.str()));
    }
    layer.facts_ = std::move(facts);
    GT_FAILPOINT("store.layer_unpacked");
    return std::move(layer);
}

Result<> Layers::publish(std::span<StagedLayer> layers, std::span<const ChainId> ids,
                         const ChainId& below) {
    GT_CHECK(layers.size() == ids.size());
    if (layers.empty()) {
        return {};
    }
    UniqueFd below_diff;
    if (!below.empty()) {
        GT_TRY_VAR(opened, open_diff(below));
        below_diff = std::move(opened);
    }
    int under = below_diff.get();
    for (const StagedLayer& layer : layers) {
        // The root's owner and mode are those of the top layer in a mount, so a layer that says
        // nothing about them repeats the one below.
        struct stat status{};
        if (!layer.facts().has_root_entry && under >= 0) {
            if (::fstat(under, &status) < 0 ||
                ::fchown(layer.diff(), status.st_uid, status.st_gid) < 0 ||
                ::fchmod(layer.diff(), status.st_mode & 07777) < 0) {
                return fail_errno("copy the owner of a layer's root");
            }
        }
        under = layer.diff();
    }
    // One sync for all files of all layers; since Linux 5.8 it also reports failed write-back.
    if (::syncfs(tmp_.get()) < 0) {
        return fail_errno("sync the layers");
    }
    GT_FAILPOINT("store.layers_synced");
    for (size_t i = 0; i < layers.size(); ++i) {
        const std::string name = directory_name(ids[i]);
        GT_TRY(trash_.discard(layers_.get(), name));
        if (::renameat(tmp_.get(), layers[i].name_.c_str(), layers_.get(), name.c_str()) < 0) {
            return fail_errno(fmt::format("rename layer {}", name));
        }
        layers[i].name_.clear();
        GT_FAILPOINT("store.layer_renamed");
    }
    GT_TRY(sys::sync_dir(layers_.get()));
    return sys::sync_dir(tmp_.get());
}

bool Layers::contains(const ChainId& id) const {
    return open_diff(id).has_value();
}

Result<UniqueFd> Layers::open_diff(const ChainId& id) const {
    const std::string path = id.empty() ? std::string(kEmpty) : directory_name(id);
    UniqueFd fd(::openat(layers_.get(), (path + "/diff").c_str(),
                         O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
        return fail(Kind::kDataLoss, fmt::format("layer {} is missing on disk; bring its image in "
                                                 "again to repair it",
                                                 id.str()));
    }
    return fd;
}

std::string Layers::diff_path(const ChainId& id) const {
    return fmt::format("{}/{}/diff", root_, directory_name(id));
}

Result<> Layers::remove(const ChainId& id) {
    return trash_.discard(layers_.get(), directory_name(id));
}

Result<std::vector<ChainId>> Layers::list() const {
    GT_TRY_VAR(names, sys::list_dir(layers_.get(), "."));
    std::vector<ChainId> ids;
    for (const std::string& name : names) {
        if (name.size() == 64 && spec::is_lower_hex(name)) {
            ids.emplace_back("sha256:" + name);
        }
    }
    return ids;
}

}  // namespace gantry::store

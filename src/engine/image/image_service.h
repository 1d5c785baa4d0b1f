#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/stream.h"
#include "engine/system/prune_gate.h"
#include "store/images.h"

namespace gantry::spec {
struct HistoryItem;
struct ImageDeleteItem;
struct ImageInspect;
struct ImageSummary;
struct ImagesPruneReport;
struct ProgressMessage;
class Filters;
}  // namespace gantry::spec

namespace gantry::engine {

class EventBus;
struct RemovalPlan;

/// A container that was made from an image.
struct ImageUser {
    ContainerId id;
    ImageId image;
    bool running = false;
};

/// All containers, for the rules of removal and the counts of the list. Called without locks held.
using ImageUsers = std::function<std::vector<ImageUser>()>;

/// Takes one line of a progress stream; an error (the client is gone) ends the operation.
using ProgressSink = std::function<Result<>(const spec::ProgressMessage&)>;

/// The query of GET /images/json.
struct ImageListOptions {
    /// Intermediate images too.
    bool all = false;
    bool shared_size = false;
};

/// The query of DELETE /images/{name}.
struct ImageRemoveOptions {
    bool force = false;
    bool no_prune = false;
};

/// The query of POST /images/load.
struct ImageLoadOptions {
    /// No progress of layers, only what was loaded.
    bool quiet = false;
    /// os[/arch[/variant]]; "" takes what fits this machine.
    std::string platform;
};

/// The query of POST /images/create?fromSrc=-.
struct ImageImportOptions {
    std::string repo;
    std::string tag;
    std::string message;
    /// Dockerfile instructions: CMD ENTRYPOINT ENV EXPOSE LABEL ONBUILD USER VOLUME WORKDIR.
    std::vector<std::string> changes;
    std::string platform;
};

/// The images of one daemon: everything that the API does with them.
///
/// Thread-safe. Readers work on immutable snapshots; load, import and save stream and block for
/// disk and client. Errors carry Docker's texts and kinds.
class ImageService {
public:
    ImageService(store::ImageStore& images, EventBus& events, ImageUsers users);

    /// Newest first. kInvalid for filters that do not exist or make no sense.
    Result<std::vector<spec::ImageSummary>> list(const ImageListOptions& options,
                                                 const spec::Filters& filters) const;
    Result<spec::ImageInspect> inspect(std::string_view ref) const;
    /// Newest first.
    Result<std::vector<spec::HistoryItem>> history(std::string_view ref) const;

    /// REPO may carry the tag itself when TAG is "".
    Result<> tag(std::string_view ref, std::string_view repo, std::string_view tag);

    /// Behaviours M1. kConflict "conflict: unable to delete ... (must be forced) - ...".
    Result<std::vector<spec::ImageDeleteItem>> remove(std::string_view ref,
                                                      const ImageRemoveOptions& options);

    /// Removes the images that no container uses and that FILTERS let through: of those only the
    /// ones without a name, unless `dangling` is false. kConflict while another prune runs.
    /// Containers in LEAVING do not count as users.
    Result<spec::ImagesPruneReport> prune(const spec::Filters& filters, PruneMode mode,
                                          std::span<const std::string> leaving = {});

    /// A `docker save` archive or an OCI layout as tar, plain or compressed. Images that were
    /// complete before an error stay.
    Result<> load(const Reader& archive, const ImageLoadOptions& options,
                  const ProgressSink& progress);

    /// One image of one layer out of a root file system's tar. Its id is the last status line.
    Result<> import(const Reader& archive, const ImageImportOptions& options,
                    const ProgressSink& progress);

    /// One archive of all REFS, both in Docker's and in OCI's form. Every ref is checked before the
    /// first byte is written.
    Result<> save(std::span<const std::string> refs, const Writer& out) const;

    /// Bytes of all layers, those of several images once.
    int64_t layers_size() const;

    size_t count() const { return images_.count(); }

private:
    /// ACTION happened to IMAGE; NAME is the event's "name" attribute.
    void announce(std::string_view action, const store::Image& image, std::string_view name) const;
    std::vector<ImageUser> users_of(const ImageId& id) const;
    Result<std::vector<spec::ImageDeleteItem>> carry_out(const store::Image& image,
                                                         const RemovalPlan& plan);
    /// The image and all its names.
    Result<std::vector<spec::ImageDeleteItem>> remove_whole(const store::Image& image);

    store::ImageStore& images_;
    EventBus& events_;
    ImageUsers users_;
    PruneGate prune_gate_;
};

}  // namespace gantry::engine

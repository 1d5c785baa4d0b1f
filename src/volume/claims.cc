#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "volume/impl/entry.h"
#include "volume/impl/records.h"
#include "volume/volumes.h"

namespace gantry::volume {

Claims::Claims(Volumes& volumes, ContainerId container)
    : volumes_(volumes), container_(std::move(container)) {}

Claims::~Claims() {
    for (const Taken& taken : taken_) {
        if (taken.before == Taken::Before::kMissing) {
            volumes_.drop(taken.entry);
        } else if (taken.before == Taken::Before::kFree) {
            const MutexLock lock(volumes_.mutex_);
            taken.entry->users.erase(container_);
        }
    }
}

Result<std::vector<VolumePtr>> Claims::take(std::span<const VolumeRequest> requests) {
    std::vector<size_t> order(requests.size());
    for (size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    // ORDER: by name, the same for all who make several.
    std::ranges::stable_sort(order, {},
                             [&](size_t i) { return std::string_view(requests[i].name); });
    std::vector<VolumePtr> volumes(requests.size());
    for (const size_t i : order) {
        GT_TRY_VAR(volume, take_one(requests[i]));
        volumes[i] = std::move(volume);
    }
    return volumes;
}

Result<VolumePtr> Claims::take_one(const VolumeRequest& request) {
    while (true) {
        {
            const MutexLock lock(volumes_.mutex_);
            for (const Taken& taken : taken_) {
                if (taken.entry->volume->name == request.name) {
                    return taken.entry->volume;
                }
            }
            if (const Volumes::EntryPtr entry = volumes_.wait_idle(request.name)) {
                const bool is_new = entry->users.insert(container_).second;
                taken_.push_back({entry, is_new ? Taken::Before::kFree : Taken::Before::kHeld});
                return entry->volume;
            }
        }
        GT_TRY_VAR(draft, volumes_.make_draft(request));
        if (draft != nullptr) {
            const MutexLock lock(volumes_.mutex_);
            draft->users.insert(container_);
            taken_.push_back({draft, Taken::Before::kMissing});
            return draft->volume;
        }
    }
}

Result<VolumePtr> Claims::share(const VolumeId& id) {
    const MutexLock lock(volumes_.mutex_);
    for (const Taken& taken : taken_) {
        if (taken.entry->volume->id == id) {
            return taken.entry->volume;
        }
    }
    Volumes::EntryPtr entry = volumes_.find_entry(id);
    while (entry != nullptr && entry->busy) {
        volumes_.changed_.wait(volumes_.mutex_);
        entry = volumes_.find_entry(id);
    }
    if (entry == nullptr) {
        return no_such_volume(id.str());
    }
    const bool is_new = entry->users.insert(container_).second;
    taken_.push_back({entry, is_new ? Taken::Before::kFree : Taken::Before::kHeld});
    return entry->volume;
}

Result<> Claims::insert(store::Transaction& transaction) {
    for (const Taken& taken : taken_) {
        if (taken.before == Taken::Before::kMissing) {
            GT_TRY(insert_record(transaction, *taken.entry->volume));
        }
    }
    return {};
}

void Claims::keep() {
    for (const Taken& taken : std::exchange(taken_, {})) {
        {
            const MutexLock lock(volumes_.mutex_);
            volumes_.held_[container_].insert(taken.entry->volume->id);
        }
        if (taken.before == Taken::Before::kMissing) {
            volumes_.settle(*taken.entry);
        }
    }
}

std::vector<VolumePtr> Claims::made() const {
    std::vector<VolumePtr> volumes;
    for (const Taken& taken : taken_) {
        if (taken.before == Taken::Before::kMissing) {
            volumes.push_back(taken.entry->volume);
        }
    }
    return volumes;
}

Removal::Removal(Volumes& volumes, const ContainerId& container, std::span<const VolumeId> wanted)
    : volumes_(volumes) {
    const MutexLock lock(volumes_.mutex_);
    for (const VolumeId& id : wanted) {
        Volumes::EntryPtr entry = volumes_.find_entry(id);
        while (entry != nullptr && entry->busy && !std::ranges::count(going_, entry)) {
            volumes_.changed_.wait(volumes_.mutex_);
            entry = volumes_.find_entry(id);
        }
        const bool last = entry != nullptr && !entry->busy &&
                          std::ranges::all_of(entry->users, [&](const ContainerId& user) {
                              return user == container;
                          });
        if (last) {
            entry->busy = true;
            going_.push_back(entry);
        }
    }
}

Removal::~Removal() {
    for (const Volumes::EntryPtr& entry : going_) {
        volumes_.settle(*entry);
    }
}

Result<> Removal::erase(store::Transaction& transaction) {
    for (const Volumes::EntryPtr& entry : going_) {
        GT_TRY(erase_record(transaction, entry->volume->id));
    }
    return {};
}

std::vector<VolumePtr> Removal::finish() {
    std::vector<VolumePtr> gone;
    for (const Volumes::EntryPtr& entry : std::exchange(going_, {})) {
        (void)failpoint("volume.removed");
        gone.push_back(entry->volume);
        volumes_.drop(entry);
    }
    return gone;
}

}  // namespace gantry::volume

#include "engine/container/table.h"

#include <fmt/core.h>

namespace gantry::engine {

namespace {

constexpr size_t kMaxRefInText = 256;

Failure no_such_container(std::string_view ref) {
    return fail(Kind::kNotFound,
                fmt::format("No such container: {}", ref.substr(0, kMaxRefInText)));
}

}  // namespace

ContainerTable::NameReservation::~NameReservation() {
    if (table_ != nullptr) {
        table_->release(name_);
    }
}

Result<ContainerTable::NameReservation> ContainerTable::reserve(std::string_view name,
                                                                const ContainerId& id) {
    MutexLock lock(mutex_);
    const auto [place, inserted] = by_name_.try_emplace(std::string(name), Name{.owner = id});
    if (!inserted) {
        return fail(Kind::kConflict,
                    fmt::format("Conflict. The container name \"/{}\" is already in use by "
                                "container \"{}\". You have to remove (or rename) that container "
                                "to be able to reuse that name.",
                                name, place->second.owner.str()));
    }
    return NameReservation(this, std::string(name));
}

void ContainerTable::release(const std::string& name) {
    MutexLock lock(mutex_);
    by_name_.erase(name);
}

void ContainerTable::insert(EntryPtr entry, NameReservation name) {
    MutexLock lock(mutex_);
    std::string id = entry->id().str();
    by_id_.insert_or_assign(std::move(id), std::move(entry));
    by_name_.at(name.name()).reserved = false;
    name.table_ = nullptr;
}

void ContainerTable::rename(const ContainerEntry& entry, const std::string& old_name,
                            NameReservation name) {
    MutexLock lock(mutex_);
    by_name_.at(name.name()).reserved = false;
    name.table_ = nullptr;
    drop_name(old_name, entry.id());
}

void ContainerTable::drop_name(const std::string& name, const ContainerId& owner) {
    const auto found = by_name_.find(name);
    if (found != by_name_.end() && found->second.owner == owner) {
        by_name_.erase(found);
    }
}

void ContainerTable::erase(const ContainerEntry& entry) {
    const std::string name = entry.snapshot()->name;
    MutexLock lock(mutex_);
    by_id_.erase(entry.id().str());
    drop_name(name, entry.id());
}

Result<EntryPtr> ContainerTable::find(std::string_view ref) const {
    MutexLock lock(mutex_);
    if (const auto by_id = by_id_.find(ref); by_id != by_id_.end()) {
        return by_id->second;
    }
    const std::string_view name = ref.starts_with('/') ? ref.substr(1) : ref;
    if (const auto by_name = by_name_.find(name);
        by_name != by_name_.end() && !by_name->second.reserved) {
        if (const auto entry = by_id_.find(by_name->second.owner.str()); entry != by_id_.end()) {
            return entry->second;
        }
    }
    auto match = by_id_.lower_bound(ref);
    if (ref.empty() || match == by_id_.end() || !match->first.starts_with(ref)) {
        return no_such_container(ref);
    }
    if (const auto next = std::next(match); next != by_id_.end() && next->first.starts_with(ref)) {
        return fail(Kind::kInvalid,
                    fmt::format("multiple IDs found with provided prefix: {}", ref));
    }
    return match->second;
}

EntryPtr ContainerTable::find_id(const ContainerId& id) const {
    MutexLock lock(mutex_);
    const auto found = by_id_.find(id.str());
    return found == by_id_.end() ? nullptr : found->second;
}

std::vector<EntryPtr> ContainerTable::all() const {
    MutexLock lock(mutex_);
    std::vector<EntryPtr> entries;
    entries.reserve(by_id_.size());
    for (const auto& [id, entry] : by_id_) {
        entries.push_back(entry);
    }
    return entries;
}

}  // namespace gantry::engine

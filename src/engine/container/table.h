#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/mutex.h"
#include "engine/container/entry.h"

namespace gantry::engine {

/// All containers of the daemon, by id and by name. Thread-safe; nothing in here blocks.
class ContainerTable {
public:
    /// Holds a name for a container that is being made, and gives it back unless kept.
    class [[nodiscard]] NameReservation {
    public:
        NameReservation(ContainerTable* table, std::string name)
            : table_(table), name_(std::move(name)) {}
        NameReservation(NameReservation&& other) noexcept
            : table_(std::exchange(other.table_, nullptr)), name_(std::move(other.name_)) {}
        NameReservation& operator=(NameReservation&&) = delete;
        ~NameReservation();

        const std::string& name() const { return name_; }

    private:
        friend class ContainerTable;
        ContainerTable* table_;
        std::string name_;
    };

    /// kConflict in Docker's words (A12) when another container has or reserved NAME.
    Result<NameReservation> reserve(std::string_view name, const ContainerId& id)
        GT_EXCLUDES(mutex_);

    /// The container is there for everybody from now on, under the reserved name.
    void insert(EntryPtr entry, NameReservation name) GT_EXCLUDES(mutex_);
    /// It is found under the reserved name from now on, and OLD_NAME is free.
    void rename(const ContainerEntry& entry, const std::string& old_name, NameReservation name)
        GT_EXCLUDES(mutex_);
    /// And now it is not; its name is free.
    void erase(const ContainerEntry& entry) GT_EXCLUDES(mutex_);

    /// E1: full id, name with or without "/", unique id prefix. kNotFound "No such container: x",
    /// kInvalid for an ambiguous prefix.
    Result<EntryPtr> find(std::string_view ref) const GT_EXCLUDES(mutex_);
    EntryPtr find_id(const ContainerId& id) const GT_EXCLUDES(mutex_);

    std::vector<EntryPtr> all() const GT_EXCLUDES(mutex_);

private:
    struct Name {
        ContainerId owner;
        /// Taken, but no container is found by it yet.
        bool reserved = true;
    };

    void release(const std::string& name) GT_EXCLUDES(mutex_);
    void drop_name(const std::string& name, const ContainerId& owner) GT_REQUIRES(mutex_);

    mutable Mutex mutex_;
    std::map<std::string, EntryPtr, std::less<>> by_id_ GT_GUARDED_BY(mutex_);
    std::map<std::string, Name, std::less<>> by_name_ GT_GUARDED_BY(mutex_);
};

}  // namespace gantry::engine

#include "volume/volumes.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/failpoint.h"
#include "base/scope_guard.h"
#include "base/text.h"
#include "spec/mount.h"
#include "sys/files.h"
#include "volume/driver_options.h"
#include "volume/impl/entry.h"
#include "volume/impl/records.h"

namespace gantry::volume {

namespace {

bool is_id(std::string_view name) {
    return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == name.npos;
}

std::string id_list(const std::set<ContainerId>& ids) {
    std::vector<std::string> texts;
    for (const ContainerId& id : ids) {
        texts.push_back(id.str());
    }
    return join(texts, ", ");
}

}  // namespace

Failure no_such_volume(std::string_view name) {
    return fail(Kind::kNotFound, fmt::format("get {}: no such volume", name));
}

Result<> check_volume_name(std::string_view name) {
    if (name.size() == 1) {
        return fail(Kind::kInvalid,
                    fmt::format("create {}: volume name is too short, names should be at least two "
                                "alphanumeric characters",
                                name));
    }
    if (spec::is_resource_name(name)) {
        return {};
    }
    const std::string_view shown = name.substr(0, 256);
    return fail(Kind::kInvalid,
                fmt::format("create {0}: \"{0}\" includes invalid characters for a local volume "
                            "name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended "
                            "to pass a host directory, use absolute path",
                            shown));
}

Volumes::Volumes(store::Database& database, store::Trash& trash, const std::string& data_root)
    : database_(database), trash_(trash), root_(data_root + "/volumes") {}

Volumes::~Volumes() = default;

Result<std::unique_ptr<Volumes>> Volumes::open(store::Database& database, store::Trash& trash,
                                               const std::string& data_root) {
    std::unique_ptr<Volumes> volumes(new Volumes(database, trash, data_root));
    GT_TRY(sys::make_dirs(volumes->root_.c_str(), 0700));
    GT_TRY_VAR(fd, sys::open_file(AT_FDCWD, volumes->root_.c_str(), O_RDONLY | O_DIRECTORY));
    volumes->directory_ = std::move(fd);
    GT_TRY(volumes->load());
    GT_TRY(volumes->sweep_directories());
    return volumes;
}

Result<> Volumes::load() {
    GT_TRY(migrate_records(database_));
    GT_TRY_VAR(records, load_records(database_, notices_));
    const MutexLock lock(mutex_);
    for (VolumePtr& volume : records) {
        const auto entry = std::make_shared<Entry>(Entry{.volume = volume});
        by_name_[volume->name] = entry;
        by_id_[volume->id] = entry;
    }
    return {};
}

/// What a daemon that died has left: directories without a record, copies that were not finished.
Result<> Volumes::sweep_directories() {
    GT_TRY_VAR(names, sys::list_dir(directory_.get(), "."));
    for (const std::string& name : names) {
        if (!is_id(name)) {
            continue;
        }
        bool known = false;
        {
            const MutexLock lock(mutex_);
            known = by_id_.contains(VolumeId(name));
        }
        if (known) {
            (void)sys::remove_tree(directory_.get(), (name + "/_copy").c_str());
            continue;
        }
        if (database_.was_replaced()) {
            // Nobody can tell any more whose data that is.
            notices_.push_back(fmt::format("volume {} has no record and is kept", name));
            continue;
        }
        if (const auto discarded = discard_directory(VolumeId(name)); !discarded) {
            notices_.push_back(
                fmt::format("the directory of a lost volume stays: {}", discarded.error().text()));
        }
    }
    return {};
}

Volumes::EntryPtr Volumes::find_entry(std::string_view name) const {
    const auto found = by_name_.find(name);
    // A name that a rename has reserved leads nowhere yet.
    return found == by_name_.end() || found->second->volume->name != name ? nullptr : found->second;
}

Volumes::EntryPtr Volumes::find_entry(const VolumeId& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

Volumes::EntryPtr Volumes::wait_idle(std::string_view name) {
    while (true) {
        const auto found = by_name_.find(name);
        if (found == by_name_.end()) {
            return nullptr;
        }
        if (!found->second->busy) {
            return found->second;
        }
        changed_.wait(mutex_);
    }
}

void Volumes::wait_idle(const Entry& entry) {
    while (entry.busy) {
        changed_.wait(mutex_);
    }
}

Result<> Volumes::make_directory(const VolumeId& id) {
    GT_FAILPOINT("volume.create.directory");
    const std::string data = id.str() + "/_data";
    if (::mkdirat(directory_.get(), id.str().c_str(), 0700) < 0 ||
        ::mkdirat(directory_.get(), data.c_str(), 0755) < 0) {
        return fail_errno("mkdir " + data);
    }
    GT_TRY_VAR(own, sys::open_file(directory_.get(), id.str().c_str(), O_RDONLY | O_DIRECTORY));
    // Whatever our umask is: the mode is what a container sees.
    if (::fchmodat(own.get(), "_data", 0755, 0) < 0) {
        return fail_errno("chmod " + data);
    }
    GT_TRY(sys::sync_dir(own.get()));
    return sys::sync_dir(directory_.get());
}

Result<Volumes::EntryPtr> Volumes::make_draft(const VolumeRequest& request) {
    auto volume = std::make_shared<Volume>();
    volume->id = VolumeId(random_id());
    volume->name = request.name.empty() ? volume->id.str() : request.name;
    volume->created = wall_now();
    volume->labels = request.labels;
    volume->options = request.options;
    GT_TRY(check_volume_name(volume->name));
    if (auto checked = check_driver_options(volume->options); !checked) {
        return Failure(std::move(checked).error().in("create " + volume->name));
    }
    const auto entry =
        std::make_shared<Entry>(Entry{.volume = volume, .busy = true, .draft = true});
    {
        const MutexLock lock(mutex_);
        if (!by_name_.emplace(volume->name, entry).second) {
            return EntryPtr();
        }
        by_id_.emplace(volume->id, entry);
    }
    if (auto made = make_directory(volume->id); !made) {
        drop(entry);
        return Failure(std::move(made).error().in("create " + volume->name));
    }
    return entry;
}

void Volumes::settle(Entry& entry) {
    const MutexLock lock(mutex_);
    entry.busy = false;
    entry.draft = false;
    changed_.notify_all();
}

void Volumes::drop(const EntryPtr& entry) {
    // What fails here, the next start finds as a directory without a record.
    (void)discard_directory(entry->volume->id);
    const MutexLock lock(mutex_);
    by_name_.erase(entry->volume->name);
    by_id_.erase(entry->volume->id);
    for (const ContainerId& user : entry->users) {
        held_[user].erase(entry->volume->id);
    }
    entry->busy = false;
    changed_.notify_all();
}

Result<Volumes::Created> Volumes::create(const VolumeRequest& request) {
    while (true) {
        {
            const MutexLock lock(mutex_);
            if (const EntryPtr found = wait_idle(request.name)) {
                return Created{.volume = found->volume, .is_new = false};
            }
        }
        GT_TRY_VAR(draft, make_draft(request));
        if (draft == nullptr) {
            continue;  // somebody else was faster
        }
        const EntryPtr entry = draft;
        ScopeGuard undo([&] { drop(entry); });
        GT_TRY_VAR(transaction, database_.begin(store::CommitMode::kFull));
        GT_TRY(insert_record(transaction, *entry->volume));
        GT_FAILPOINT("volume.create.commit");
        GT_TRY(transaction.commit());
        undo.commit();
        settle(*entry);
        (void)failpoint("volume.created");
        return Created{.volume = entry->volume, .is_new = true};
    }
}

Result<VolumeUse> Volumes::find(std::string_view name) const {
    const MutexLock lock(mutex_);
    const EntryPtr entry = find_entry(name);
    if (entry == nullptr || entry->draft) {
        return no_such_volume(name);
    }
    return VolumeUse{.volume = entry->volume, .users = entry->users};
}

VolumePtr Volumes::get(const VolumeId& id) const {
    const MutexLock lock(mutex_);
    const EntryPtr entry = find_entry(id);
    return entry == nullptr ? nullptr : entry->volume;
}

std::vector<VolumeUse> Volumes::list() const {
    const MutexLock lock(mutex_);
    std::vector<VolumeUse> volumes;
    for (const auto& [name, entry] : by_name_) {
        if (!entry->draft && entry->volume->name == name) {
            volumes.push_back({.volume = entry->volume, .users = entry->users});
        }
    }
    return volumes;
}

Result<VolumePtr> Volumes::rename(std::string_view name, const std::string& to) {
    GT_TRY(check_volume_name(to));
    EntryPtr entry;
    {
        const MutexLock lock(mutex_);
        entry = wait_idle(name);
        if (entry == nullptr) {
            return no_such_volume(name);
        }
        if (name == to) {
            return fail(Kind::kInvalid, "Renaming a volume with the same name as its current name");
        }
        if (!by_name_.emplace(to, entry).second) {
            return fail(
                Kind::kConflict,
                fmt::format("rename {}: the name {} is in use by another volume", name, to));
        }
        entry->busy = true;
    }
    const std::string old = entry->volume->name;
    const auto write = [&]() -> Result<> {
        GT_TRY_VAR(transaction, database_.begin(store::CommitMode::kFull));
        GT_TRY(rename_record(transaction, entry->volume->id, to));
        GT_FAILPOINT("volume.rename.commit");
        return transaction.commit();
    };
    auto written = write();
    const MutexLock lock(mutex_);
    by_name_.erase(written ? old : to);
    if (written) {
        auto renamed = std::make_shared<Volume>(*entry->volume);
        renamed->name = to;
        entry->volume = std::move(renamed);
    }
    entry->busy = false;
    changed_.notify_all();
    GT_TRY(std::move(written));
    return entry->volume;
}

Result<VolumePtr> Volumes::remove(std::string_view name) {
    EntryPtr entry;
    {
        const MutexLock lock(mutex_);
        entry = wait_idle(name);
        if (entry == nullptr) {
            return no_such_volume(name);
        }
        if (!entry->users.empty()) {
            return fail(Kind::kConflict, fmt::format("remove {}: volume is in use - [{}]", name,
                                                     id_list(entry->users)));
        }
        entry->busy = true;
    }
    ScopeGuard give_up([&] { settle(*entry); });
    GT_TRY_VAR(transaction, database_.begin(store::CommitMode::kFull, store::Space::kReserve));
    GT_TRY(erase_record(transaction, entry->volume->id));
    GT_FAILPOINT("volume.remove.commit");
    GT_TRY(transaction.commit());
    give_up.commit();
    (void)failpoint("volume.removed");
    drop(entry);
    return entry->volume;
}

void Volumes::hold(const ContainerId& container, const std::set<VolumeId>& volumes) {
    const MutexLock lock(mutex_);
    for (const VolumeId& id : std::exchange(held_[container], volumes)) {
        const EntryPtr entry = find_entry(id);
        if (entry != nullptr && !volumes.contains(id)) {
            entry->users.erase(container);
        }
    }
    for (const VolumeId& id : volumes) {
        if (const EntryPtr entry = find_entry(id)) {
            entry->users.insert(container);
        }
    }
    if (volumes.empty()) {
        held_.erase(container);
    }
}

std::string Volumes::data_path(const VolumeId& id) const {
    return fmt::format("{}/{}/_data", root_, id.str());
}

}  // namespace gantry::volume

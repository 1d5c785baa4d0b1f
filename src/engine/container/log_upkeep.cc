#include "engine/container/log_upkeep.h"

#include "base/log.h"
#include "engine/container/core.h"
#include "engine/container/run.h"
#include "engine/logdriver/log_compression.h"

namespace gantry::engine {

namespace {

/// The shim that may write the container's log; null when there is none.
std::shared_ptr<ContainerRun> writer(const ContainerEntry& entry) {
    return entry.snapshot()->life.alive() ? entry.run() : nullptr;
}

/// WITH_SHIM while a shim writes the log, ALONE when certainly nobody does.
template <class WithShim, class Alone>
Result<> change_log(ContainerEntry& entry, WithShim with_shim, Alone alone) {
    if (const auto run = writer(entry)) {
        auto done = with_shim(run->shim);
        // A shim that ends meanwhile leaves the log to us.
        if (done || entry.snapshot()->life.alive()) {
            return done;
        }
    }
    const auto operation = entry.begin();
    if (const auto run = writer(entry)) {
        return with_shim(run->shim);
    }
    return alone();
}

/// Whether there may be more to do.
bool compress_next(ContainerCore& core, ContainerEntry& entry) {
    const ContainerRecord& record = *entry.snapshot()->record;
    const LogStore store =
        log_store(record.host.log_config, core.container_dir(record.id), record.id);
    const auto take = [&](uint64_t inode) {
        return change_log(
            entry, [&](runtime::ShimHandle& shim) { return shim.take_compressed_log(inode); },
            [&] { return take_compressed(store, inode); });
    };
    auto done = compress_one(store, take);
    if (!done && done.error().kind() == Kind::kNotFound) {
        return true;  // rotated away meanwhile
    }
    if (!done) {
        log::warn("cannot compress a container's log",
                  {{"container", record.id.str()}, {"error", done.error().text()}});
    }
    return done && *done;
}

void work(ContainerCore& core) {
    const std::string id = core.log_queue.take();
    if (id.empty()) {
        return;
    }
    const EntryPtr entry = core.table.find_id(ContainerId(id));
    if (entry != nullptr && compress_next(core, *entry)) {
        (void)core.log_queue.add(id);
    }
    // Others of the pool's tasks come in between.
    core.background.run([&core] { work(core); });
}

}  // namespace

bool LogQueue::add(const std::string& id) {
    const MutexLock lock(mutex_);
    waiting_.insert(id);
    const bool begin = !working_;
    working_ = true;
    return begin;
}

std::string LogQueue::take() {
    const MutexLock lock(mutex_);
    if (waiting_.empty()) {
        working_ = false;
        return {};
    }
    return std::move(waiting_.extract(waiting_.begin()).value());
}

void compress_log(ContainerCore& core, const EntryPtr& entry) {
    const ContainerRecord& record = *entry->snapshot()->record;
    const LogStore store =
        log_store(record.host.log_config, core.container_dir(record.id), record.id);
    if (store.file.compress && core.log_queue.add(record.id.str())) {
        core.background.run([&core] { work(core); });
    }
}

Result<> clear_log(ContainerCore& core, const EntryPtr& entry) {
    const ContainerRecord& record = *entry->snapshot()->record;
    const LogStore store =
        log_store(record.host.log_config, core.container_dir(record.id), record.id);
    if (store.path.empty()) {
        return fail(Kind::kNotImplemented, "configured logging driver does not support reading");
    }
    return change_log(
        *entry, [](runtime::ShimHandle& shim) { return shim.clear_log(); },
        [&] { return remove_log_files(store); });
}

}  // namespace gantry::engine

#include "store/impl/layer_limits.h"

#include <fmt/core.h>

#include <random>
#include <string>

#include "base/failpoint.h"
#include "sys/project_quota.h"

namespace gantry::store {
namespace {

constexpr std::string_view kSteps[] = {
    // AUTOINCREMENT: a number does not come back when its row is gone.
    "CREATE TABLE layer_projects("
    " project INTEGER PRIMARY KEY AUTOINCREMENT,"
    " container TEXT NOT NULL UNIQUE) STRICT",
};

// People number their own projects upwards from 1, and so does dockerd.
constexpr int64_t kFirstProject = int64_t{1} << 20;
constexpr int64_t kLastProject = (int64_t{1} << 31) - 1;
/// Numbers that somebody else uses, one after the other.
constexpr int kAttempts = 1000;

/// Daemons with other data roots on the same file system have numbers of their own, mostly.
int64_t random_project() {
    std::random_device device;
    return std::uniform_int_distribution<int64_t>(kFirstProject, kLastProject)(device);
}

}  // namespace

Result<std::unique_ptr<LayerLimits>> LayerLimits::open(Database& database, int containers) {
    GT_TRY(database.migrate("layer_limits", kSteps));
    std::unique_ptr<LayerLimits> limits(
        new LayerLimits(database, containers, sys::has_project_quota(containers)));
    GT_TRY(limits->load());
    return std::move(limits);
}

Result<> LayerLimits::load() {
    GT_TRY_VAR(transaction, database_.begin(CommitMode::kNormal));
    GT_TRY_VAR(query, transaction.prepare("SELECT container, project FROM layer_projects"));
    for (;;) {
        GT_TRY_VAR(more, query.step());
        if (!more) {
            return {};
        }
        const MutexLock lock(mutex_);
        projects_[ContainerId(std::string(query.text(0)))] = static_cast<uint32_t>(query.number(1));
    }
}

Result<> LayerLimits::set(const ContainerId& id, std::span<const int> directories, uint64_t bytes) {
    GT_TRY_VAR(project, take_project(id));
    GT_FAILPOINT("store.project_taken");
    for (const int directory : directories) {
        GT_TRY(sys::set_project(directory, project));
    }
    GT_TRY(sys::limit_project(containers_, project, bytes));
    GT_FAILPOINT("store.layer_limited");
    return {};
}

Result<> LayerLimits::drop(const ContainerId& id) {
    uint32_t project = 0;
    {
        const MutexLock lock(mutex_);
        const auto found = projects_.find(id);
        if (found == projects_.end()) {
            return {};
        }
        project = found->second;
    }
    // ORDER: the record last. On a file system that was mounted without quotas since, there is no
    // limit to take away.
    if (possible_) {
        GT_TRY(sys::limit_project(containers_, project, 0));
    }
    return erase(id);
}

std::set<ContainerId> LayerLimits::limited() const {
    const MutexLock lock(mutex_);
    std::set<ContainerId> ids;
    for (const auto& [id, project] : projects_) {
        ids.insert(id);
    }
    return ids;
}

Result<uint32_t> LayerLimits::take_project(const ContainerId& id) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        GT_TRY_VAR(project, insert_next(id));
        GT_TRY_VAR(taken, sys::is_project_in_use(containers_, project));
        if (!taken) {
            return project;
        }
        GT_TRY(erase(id));
    }
    return fail(Kind::kInternal, "no project of the file system is free");
}

Result<uint32_t> LayerLimits::insert_next(const ContainerId& id) {
    // A power cut that undoes this undoes the container's record, too, which comes later.
    GT_TRY_VAR(transaction, database_.begin(CommitMode::kNormal));
    int64_t next = random_project();
    {
        GT_TRY_VAR(query, transaction.prepare(
                              "SELECT seq FROM sqlite_sequence WHERE name = 'layer_projects'"));
        GT_TRY_VAR(found, query.step());
        if (found) {
            next = query.number(0) >= kLastProject ? kFirstProject : query.number(0) + 1;
        }
    }
    if (next == kFirstProject) {
        GT_TRY(transaction.run("DELETE FROM sqlite_sequence WHERE name = 'layer_projects'"));
    }
    GT_TRY(transaction.run("INSERT INTO layer_projects(project, container) VALUES(?, ?)", next,
                           id.str()));
    const auto project = static_cast<uint32_t>(next);
    transaction.after_commit([this, id, project] {
        const MutexLock lock(mutex_);
        projects_[id] = project;
    });
    GT_TRY(transaction.commit());
    return project;
}

Result<> LayerLimits::erase(const ContainerId& id) {
    GT_TRY_VAR(transaction, database_.begin(CommitMode::kNormal, Space::kReserve));
    GT_TRY(transaction.run("DELETE FROM layer_projects WHERE container = ?", id.str()));
    transaction.after_commit([this, id] {
        const MutexLock lock(mutex_);
        projects_.erase(id);
    });
    return transaction.commit();
}

}  // namespace gantry::store

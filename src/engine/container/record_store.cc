#include "engine/container/record_store.h"

#include <fmt/core.h>

#include <array>
#include <utility>

#include "base/failpoint.h"
#include "spec/json.h"
#include "store/images.h"
#include "store/snapshots.h"
#include "volume/volumes.h"

namespace gantry::engine {

namespace {

constexpr std::array<std::string_view, 4> kSchema = {
    "CREATE TABLE containers ("
    " id TEXT PRIMARY KEY NOT NULL,"
    " name TEXT UNIQUE NOT NULL,"
    " created INTEGER NOT NULL,"
    " image TEXT NOT NULL,"
    " config TEXT NOT NULL,"
    " host_config TEXT NOT NULL,"
    " networking TEXT NOT NULL,"
    " life TEXT NOT NULL) STRICT",
    // "" in records from before there were volumes.
    "ALTER TABLE containers ADD COLUMN mounts TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE containers ADD COLUMN revision INTEGER NOT NULL DEFAULT 1",
    // Of containers that were changed; CHANGES is a JSON list.
    "CREATE TABLE container_revisions ("
    " container TEXT NOT NULL,"
    " number INTEGER NOT NULL,"
    " created INTEGER NOT NULL,"
    " changes TEXT NOT NULL,"
    " config TEXT NOT NULL,"
    " host_config TEXT NOT NULL,"
    " mounts TEXT NOT NULL,"
    " PRIMARY KEY (container, number)) STRICT, WITHOUT ROWID",
};

store::CommitMode mode_of(const ContainerRecord& record) {
    return record.ephemeral() ? store::CommitMode::kNormal : store::CommitMode::kFull;
}

WallTime from_nanoseconds(int64_t count) {
    return WallTime(std::chrono::nanoseconds(count));
}

Result<std::vector<PlannedMount>> read_mounts(std::string_view json, const spec::HostConfig& host) {
    return json.empty() ? plan_mounts(host, {}) : parse_mounts(json);
}

/// Columns: id, name, created, image, config, host_config, networking, life, mounts, revision.
Result<SnapshotPtr> read_row(const store::Statement& row) {
    auto record = std::make_shared<ContainerRecord>();
    record->id = ContainerId(std::string(row.text(0)));
    record->created = from_nanoseconds(row.number(2));
    record->image = ImageId(std::string(row.text(3)));
    GT_TRY_VAR(config, spec::parse_json<spec::ContainerConfig>(row.text(4)));
    record->config = std::move(config);
    GT_TRY_VAR(host, spec::parse_json<spec::HostConfig>(row.text(5)));
    record->host = std::move(host);
    GT_TRY_VAR(networking, spec::parse_json<spec::NetworkingConfig>(row.text(6)));
    record->networking = std::move(networking);
    GT_TRY_VAR(life, parse_lifecycle(row.text(7)));
    GT_TRY_VAR(mounts, read_mounts(row.text(8), record->host));
    record->mounts = std::move(mounts);
    record->revision = row.number(9);
    return std::make_shared<const ContainerSnapshot>(ContainerSnapshot{
        .record = std::move(record), .name = std::string(row.text(1)), .life = std::move(life)});
}

}  // namespace

Result<RecordStore> RecordStore::open(store::Database& database, store::Snapshots& snapshots) {
    GT_TRY(database.migrate("containers", kSchema));
    return RecordStore(database, snapshots);
}

Result<> RecordStore::insert(const ContainerSnapshot& container, const store::Image& image,
                             volume::Claims& volumes) {
    const ContainerRecord& record = *container.record;
    const std::string config = spec::to_json(record.config);
    const std::string host = spec::to_json(record.host);
    const std::string networking = spec::to_json(record.networking);
    const std::string life = format_lifecycle(container.life);
    const std::string mounts = format_mounts(record.mounts);
    GT_TRY_VAR(transaction, database_->begin(mode_of(record)));
    GT_TRY(transaction.run(
        "INSERT INTO containers (id, name, created, image, config, host_config,"
        " networking, life, mounts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        std::string_view(record.id.str()), std::string_view(container.name),
        int64_t{record.created.time_since_epoch().count()}, std::string_view(record.image.str()),
        std::string_view(config), std::string_view(host), std::string_view(networking),
        std::string_view(life), std::string_view(mounts)));
    GT_TRY(snapshots_->insert(transaction, record.id, image));
    GT_TRY(volumes.insert(transaction));
    GT_FAILPOINT("container.create.commit");
    return transaction.commit();
}

Result<> RecordStore::update(const ContainerId& id, const Lifecycle& life) {
    const std::string json = format_lifecycle(life);
    GT_FAILPOINT("container.update.commit");
    // A power cut ends every container: what boot then finds as "running" has no shim, and the exit
    // record, which is on disk, tells the rest.
    GT_TRY_VAR(transaction, database_->begin(store::CommitMode::kNormal, store::Space::kReserve));
    GT_TRY(transaction.run("UPDATE containers SET life = ? WHERE id = ?", std::string_view(json),
                           std::string_view(id.str())));
    return transaction.commit();
}

Result<> RecordStore::rename(const ContainerSnapshot& container) {
    const ContainerRecord& record = *container.record;
    const std::string life = format_lifecycle(container.life);
    GT_FAILPOINT("container.rename.commit");
    GT_TRY_VAR(transaction, database_->begin(mode_of(record)));
    GT_TRY(transaction.run("UPDATE containers SET name = ?, life = ? WHERE id = ?",
                           std::string_view(container.name), std::string_view(life),
                           std::string_view(record.id.str())));
    return transaction.commit();
}

Result<> RecordStore::erase(const ContainerSnapshot& container, volume::Removal& volumes) {
    const ContainerRecord& record = *container.record;
    GT_FAILPOINT("container.remove.commit");
    GT_TRY_VAR(transaction, database_->begin(mode_of(record), store::Space::kReserve));
    GT_TRY(
        transaction.run("DELETE FROM containers WHERE id = ?", std::string_view(record.id.str())));
    GT_TRY(transaction.run("DELETE FROM container_revisions WHERE container = ?",
                           std::string_view(record.id.str())));
    GT_TRY(snapshots_->erase(transaction, record.id));
    GT_TRY(volumes.erase(transaction));
    return transaction.commit();
}

Result<std::vector<SnapshotPtr>> RecordStore::load(std::vector<std::string>& notices) {
    GT_TRY_VAR(transaction, database_->begin(store::CommitMode::kNormal));
    std::vector<SnapshotPtr> found;
    {
        GT_TRY_VAR(rows,
                   transaction.prepare(
                       "SELECT id, name, created, image, config, host_config,"
                       " networking, life, mounts, revision FROM containers ORDER BY created"));
        while (true) {
            GT_TRY_VAR(more, rows.step());
            if (!more) {
                break;
            }
            auto snapshot = read_row(rows);
            if (!snapshot) {
                notices.push_back(
                    fmt::format("container {}: {}", rows.text(0), snapshot.error().text()));
                continue;
            }
            found.push_back(std::move(*snapshot));
        }
    }
    GT_TRY(transaction.commit());
    return found;
}

}  // namespace gantry::engine

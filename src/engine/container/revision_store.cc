// The past of containers that were changed.

#include <utility>

#include "base/failpoint.h"
#include "engine/container/record_store.h"
#include "spec/json.h"
#include "spec/value.h"
#include "volume/volumes.h"

namespace gantry::engine {

namespace {

using spec::Value;

std::string format_texts(const std::vector<std::string>& texts) {
    return Value(Value::Array(texts.begin(), texts.end())).serialize();
}

std::vector<std::string> parse_texts(std::string_view json) {
    std::vector<std::string> texts;
    const auto document = Value::parse(json);
    if (document && document->is_array()) {
        for (const Value& value : document->as_array()) {
            texts.push_back(value.is_string() ? value.as_string() : std::string());
        }
    }
    return texts;
}

/// Nothing happens if it is there already.
Result<> insert_revision(store::Transaction& transaction, const ContainerRecord& record,
                         WallTime created, const std::vector<std::string>& changes) {
    const std::string texts = format_texts(changes);
    const std::string config = spec::to_json(record.config);
    const std::string host = spec::to_json(record.host);
    const std::string mounts = format_mounts(record.mounts);
    return transaction.run(
        "INSERT OR IGNORE INTO container_revisions"
        " (container, number, created, changes, config, host_config, mounts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        std::string_view(record.id.str()), record.revision,
        int64_t{created.time_since_epoch().count()}, std::string_view(texts),
        std::string_view(config), std::string_view(host), std::string_view(mounts));
}

/// Columns: number, created, changes, config, host_config, mounts.
Result<Revision> read_row(const store::Statement& row, const ContainerRecord& present) {
    Revision revision{.created = WallTime(std::chrono::nanoseconds(row.number(1))),
                      .changes = parse_texts(row.text(2)),
                      .record = {}};
    auto record = std::make_shared<ContainerRecord>(present);
    record->revision = row.number(0);
    GT_TRY_VAR(config, spec::parse_json<spec::ContainerConfig>(row.text(3)));
    record->config = std::move(config);
    GT_TRY_VAR(host, spec::parse_json<spec::HostConfig>(row.text(4)));
    record->host = std::move(host);
    GT_TRY_VAR(mounts, parse_mounts(row.text(5)));
    record->mounts = std::move(mounts);
    revision.record = std::move(record);
    return revision;
}

Result<> update_row(store::Transaction& transaction, const ContainerSnapshot& next) {
    const ContainerRecord& record = *next.record;
    const std::string config = spec::to_json(record.config);
    const std::string host = spec::to_json(record.host);
    const std::string mounts = format_mounts(record.mounts);
    const std::string life = format_lifecycle(next.life);
    return transaction.run(
        "UPDATE containers SET config = ?, host_config = ?, mounts = ?, life = ?, revision = ?"
        " WHERE id = ?",
        std::string_view(config), std::string_view(host), std::string_view(mounts),
        std::string_view(life), record.revision, std::string_view(record.id.str()));
}

}  // namespace

Result<> RecordStore::revise(const ContainerSnapshot& before, const ContainerSnapshot& next,
                             volume::Claims& volumes) {
    const ContainerRecord& record = *next.record;
    const auto changes = describe_changes(*before.record, record);
    GT_FAILPOINT("container.record.commit");
    GT_TRY_VAR(transaction, database_->begin(record.ephemeral() ? store::CommitMode::kNormal
                                                                : store::CommitMode::kFull));
    // The first revision is written down when there is a second one.
    GT_TRY(insert_revision(transaction, *before.record, before.record->created, {}));
    GT_TRY(insert_revision(transaction, record, wall_now(), changes));
    GT_TRY(transaction.run("DELETE FROM container_revisions WHERE container = ? AND number <= ?",
                           std::string_view(record.id.str()), record.revision - kMaxRevisions));
    GT_TRY(volumes.insert(transaction));
    GT_TRY(update_row(transaction, next));
    return transaction.commit();
}

Result<std::vector<Revision>> RecordStore::list_revisions(
    const std::shared_ptr<const ContainerRecord>& record) {
    std::vector<Revision> revisions;
    if (record->revision > 1) {
        GT_TRY_VAR(transaction, database_->begin(store::CommitMode::kNormal));
        {
            GT_TRY_VAR(rows, transaction.prepare(
                                 "SELECT number, created, changes, config, host_config, mounts"
                                 " FROM container_revisions WHERE container = ? AND number <= ?"
                                 " ORDER BY number"));
            rows.bind(1, std::string_view(record->id.str())).bind(2, record->revision);
            while (true) {
                GT_TRY_VAR(more, rows.step());
                if (!more) {
                    break;
                }
                GT_TRY_VAR(revision, read_row(rows, *record));
                revisions.push_back(std::move(revision));
            }
        }
        GT_TRY(transaction.commit());
    }
    if (revisions.empty()) {
        revisions.push_back({.created = record->created, .changes = {}, .record = record});
    }
    return revisions;
}

}  // namespace gantry::engine

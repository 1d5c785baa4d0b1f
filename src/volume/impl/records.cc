#include "volume/impl/records.h"

#include <fmt/core.h>

#include <array>
#include <chrono>
#include <utility>

#include "spec/value.h"

namespace gantry::volume {

namespace {

constexpr std::array<std::string_view, 1> kSchema = {
    "CREATE TABLE volumes ("
    " id TEXT PRIMARY KEY NOT NULL,"
    " name TEXT UNIQUE NOT NULL,"
    " created INTEGER NOT NULL,"
    " labels TEXT NOT NULL,"
    " options TEXT NOT NULL) STRICT",
};

std::string format_map(const StringMap& map) {
    spec::Value::Object object;
    for (const auto& [name, value] : map) {
        object.emplace_back(name, value);
    }
    return spec::Value(std::move(object)).serialize();
}

Result<StringMap> parse_map(std::string_view json) {
    GT_TRY_VAR(value, spec::Value::parse(json));
    StringMap map;
    if (!value.is_object()) {
        return fail(Kind::kDataLoss, "no object");
    }
    for (const auto& [name, text] : value.as_object()) {
        if (!text.is_string()) {
            return fail(Kind::kDataLoss, "no text");
        }
        map[name] = text.as_string();
    }
    return map;
}

StringMap read_map(const store::Statement& row, int column, std::vector<std::string>& notices) {
    auto map = parse_map(row.text(column));
    if (!map) {
        notices.push_back(fmt::format("volume {}: labels or options are lost: {}", row.text(1),
                                      map.error().text()));
        return {};
    }
    return std::move(*map);
}

}  // namespace

Result<> migrate_records(store::Database& database) {
    return database.migrate("volumes", kSchema);
}

Result<std::vector<VolumePtr>> load_records(store::Database& database,
                                            std::vector<std::string>& notices) {
    GT_TRY_VAR(transaction, database.begin(store::CommitMode::kNormal));
    std::vector<VolumePtr> found;
    GT_TRY_VAR(rows, transaction.prepare("SELECT id, name, created, labels, options FROM volumes"));
    while (true) {
        GT_TRY_VAR(more, rows.step());
        if (!more) {
            return found;
        }
        auto volume = std::make_shared<Volume>();
        volume->id = VolumeId(std::string(rows.text(0)));
        volume->name = rows.text(1);
        volume->created = WallTime(std::chrono::nanoseconds(rows.number(2)));
        volume->labels = read_map(rows, 3, notices);
        volume->options = read_map(rows, 4, notices);
        found.push_back(std::move(volume));
    }
}

Result<> insert_record(store::Transaction& transaction, const Volume& volume) {
    const std::string labels = format_map(volume.labels);
    const std::string options = format_map(volume.options);
    return transaction.run(
        "INSERT INTO volumes (id, name, created, labels, options) VALUES (?, ?, ?, ?, ?)",
        std::string_view(volume.id.str()), std::string_view(volume.name),
        int64_t{volume.created.time_since_epoch().count()}, std::string_view(labels),
        std::string_view(options));
}

Result<> erase_record(store::Transaction& transaction, const VolumeId& id) {
    return transaction.run("DELETE FROM volumes WHERE id = ?", std::string_view(id.str()));
}

Result<> rename_record(store::Transaction& transaction, const VolumeId& id,
                       const std::string& name) {
    return transaction.run("UPDATE volumes SET name = ? WHERE id = ?", std::string_view(name),
                           std::string_view(id.str()));
}

}  // namespace gantry::volume

#include "cli/table/image_rows.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "cli/quote.h"
#include "cli/table/row_values.h"
#include "cli/timestamp.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

using spec::Value;

constexpr std::string_view kNone = "<none>";
constexpr size_t kCreatedByWidth = 45;

constexpr std::array kImageColumns = {
    Column{"ID", "IMAGE ID"},
    Column{"Repository", "REPOSITORY"},
    Column{"Tag", "TAG"},
    Column{"Digest", "DIGEST"},
    Column{"CreatedSince", "CREATED"},
    Column{"CreatedAt", "CREATED AT"},
    Column{"Size", "SIZE"},
    Column{"Containers", "CONTAINERS"},
    Column{"VirtualSize", "SIZE"},
    Column{"SharedSize", "SHARED SIZE"},
    Column{"UniqueSize", "UNIQUE SIZE"},
};

constexpr std::array kHistoryColumns = {
    Column{"ID", "IMAGE"},
    Column{"CreatedSince", "CREATED"},
    Column{"CreatedAt", "CREATED AT"},
    Column{"CreatedBy", "CREATED BY"},
    Column{"Size", "SIZE"},
    Column{"Comment", "COMMENT"},
};

struct Names {
    std::vector<std::string> tags;
    std::vector<std::string> digests;
};

/// The names of an image by repository.
std::map<std::string, Names> names_of(const spec::ImageSummary& image) {
    std::map<std::string, Names> repositories;
    for (const std::string& name : image.repo_tags) {
        // "<none>:<none>" is how APIs below 1.43 write that there is none.
        if (const size_t colon = name.rfind(':');
            colon != std::string::npos && !name.starts_with(kNone)) {
            repositories[name.substr(0, colon)].tags.push_back(name.substr(colon + 1));
        }
    }
    for (const std::string& name : image.repo_digests) {
        if (const size_t at = name.find('@'); at != std::string::npos && !name.starts_with(kNone)) {
            repositories[name.substr(0, at)].digests.push_back(name.substr(at + 1));
        }
    }
    return repositories;
}

std::string size_or_unknown(int64_t size) {
    return size < 0 ? "N/A" : spec::human_size(static_cast<double>(size));
}

Row image_row(const spec::ImageSummary& image, Truncate truncate, std::string_view repository,
              std::string_view tag, std::string_view digest) {
    Row row{Value(Value::Object()), labels_value(image.labels.value_or(spec::StringMap()))};
    const auto set = [&](std::string_view name, std::string_view text) {
        row.fields.set(name, Value(text));
    };
    set("ID", truncate == Truncate::kYes ? shorten_id(image.id) : image.id);
    set("Repository", repository);
    set("Tag", tag);
    set("Digest", digest);
    set("CreatedSince", image.created <= 0 ? "N/A" : format_age(image.created));
    set("CreatedAt", format_local_time(image.created));
    set("Size", spec::human_size(static_cast<double>(image.size), 3));
    set("Containers", image.containers < 0 ? "N/A" : std::to_string(image.containers));
    set("VirtualSize", spec::human_size(static_cast<double>(image.size)));
    set("SharedSize", size_or_unknown(image.shared_size));
    set("UniqueSize", size_or_unknown(image.shared_size < 0 ? -1 : image.size - image.shared_size));
    return row;
}

}  // namespace

constexpr ListLayout kImageLayout = {
    "*formatter.imageContext", kImageColumns,
    "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"};
constexpr ListLayout kImageLayoutWithDigests = {
    "*formatter.imageContext", kImageColumns,
    "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"};
constexpr ListLayout kHistoryLayout = {
    "*image.historyContext", kHistoryColumns,
    "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"};

std::vector<Row> image_rows(const spec::ImageSummary& image, Truncate truncate, Digests digests) {
    std::vector<Row> rows;
    for (const auto& [repository, names] : names_of(image)) {
        const auto add = [&](std::string_view tag, std::string_view digest) {
            rows.push_back(image_row(image, truncate, repository, tag, digest));
        };
        if (names.tags.empty()) {
            for (const std::string& digest : names.digests) {
                add(kNone, digest);
                if (digests == Digests::kHide) {
                    break;
                }
            }
            continue;
        }
        for (const std::string& tag : names.tags) {
            if (digests == Digests::kHide || names.digests.empty()) {
                add(tag, kNone);
                continue;
            }
            for (const std::string& digest : names.digests) {
                add(tag, digest);
            }
        }
    }
    if (rows.empty()) {
        rows.push_back(image_row(image, truncate, kNone, kNone, kNone));
    }
    return rows;
}

Row history_row(const spec::HistoryItem& item, Truncate truncate, Human human) {
    const bool shorten = truncate == Truncate::kYes;
    const bool for_people = human == Human::kYes;
    Row row{Value(Value::Object())};
    const auto set = [&](std::string_view name, std::string_view text) {
        row.fields.set(name, Value(text));
    };
    set("ID", shorten ? shorten_id(item.id) : item.id);
    const std::string at = format_local_rfc3339_seconds(item.created);
    set("CreatedSince", for_people ? (item.created <= 0 ? "N/A" : format_age(item.created)) : at);
    set("CreatedAt", at);
    std::string created_by = item.created_by;
    std::ranges::replace(created_by, '\t', ' ');
    set("CreatedBy", shorten ? ellipsis(created_by, kCreatedByWidth) : created_by);
    set("Size", for_people ? spec::human_size(static_cast<double>(item.size), 3)
                           : std::to_string(item.size));
    set("Comment", item.comment);
    return row;
}

}  // namespace gantry::cli

#include "cli/table/volume_rows.h"

#include <array>
#include <cstdlib>
#include <string>

#include "cli/table/row_values.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

using spec::Value;

constexpr std::array kColumns = {
    Column{"Name", "VOLUME NAME"},
    Column{"Driver", "DRIVER"},
    Column{"Scope", "SCOPE"},
    Column{"Mountpoint", "MOUNTPOINT"},
    Column{"Labels", "LABELS"},
    Column{"Links", "LINKS"},
    Column{"Size", "SIZE"},
    Column{"Group", "GROUP"},
    Column{"Availability", "AVAILABILITY"},
    Column{"Status", "STATUS"},
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The digits at the beginning of TEXT, without leading zeros; they are taken off it.
std::string_view take_number(std::string_view& text) {
    size_t end = 0;
    while (end < text.size() && is_digit(text[end])) {
        ++end;
    }
    std::string_view number = text.substr(0, end);
    text.remove_prefix(end);
    while (number.size() > 1 && number.front() == '0') {
        number.remove_prefix(1);
    }
    return number;
}

}  // namespace

constexpr ListLayout kVolumeLayout = {"*volume.volumeContext", kColumns,
                                      "table {{.Driver}}\t{{.Name}}"};

Row volume_row(const spec::Volume& volume) {
    const spec::StringMap labels = volume.labels.value_or(spec::StringMap());
    Row row{Value(Value::Object()), labels_value(labels)};
    const auto set = [&](std::string_view name, std::string_view text) {
        row.fields.set(name, Value(text));
    };
    const bool measured = volume.usage_data.has_value();
    set("Name", volume.name);
    set("Driver", volume.driver);
    set("Scope", volume.scope);
    set("Mountpoint", volume.mountpoint);
    set("Labels", format_labels(labels));
    set("Links", measured ? std::to_string(volume.usage_data->ref_count) : "N/A");
    set("Size", measured ? spec::human_size(static_cast<double>(volume.usage_data->size)) : "N/A");
    set("Group", "N/A");
    set("Availability", "N/A");
    set("Status", "N/A");
    return row;
}

bool natural_less(std::string_view a, std::string_view b) {
    while (!a.empty() && !b.empty()) {
        if (is_digit(a.front()) && is_digit(b.front())) {
            const std::string_view one = take_number(a);
            const std::string_view two = take_number(b);
            if (one != two) {
                return one.size() != two.size() ? one.size() < two.size() : one < two;
            }
            continue;
        }
        if (a.front() != b.front()) {
            return a.front() < b.front();
        }
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
    return a.size() < b.size();
}

}  // namespace gantry::cli

#include "cli/flags/flag.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "cli/flags/flag_types.h"

namespace gantry::cli {

FlagValues::FlagValues(std::span<const Flag> table) {
    slots_.reserve(table.size());
    for (const Flag& flag : table) {
        slots_.push_back({&flag, {}});
    }
}

const FlagValues::Slot& FlagValues::slot(std::string_view name) const {
    const Slot* found = nullptr;
    for (const Slot& slot : slots_) {
        if (slot.flag->name == name) {
            found = &slot;
        }
    }
    GT_CHECK(found != nullptr);
    return *found;
}

bool FlagValues::changed(std::string_view name) const {
    return !slot(name).values.empty();
}

bool FlagValues::any_changed() const {
    return std::ranges::any_of(slots_, [](const Slot& slot) { return !slot.values.empty(); });
}

bool FlagValues::on(std::string_view name) const {
    return parse_go_bool(text(name)).value_or(false);
}

std::string FlagValues::text(std::string_view name) const {
    const Slot& found = slot(name);
    return found.values.empty() ? std::string(found.flag->initial) : found.values.back();
}

int64_t FlagValues::integer(std::string_view name) const {
    return parse_go_int(text(name)).value_or(0);
}

const std::vector<std::string>& FlagValues::list(std::string_view name) const {
    return slot(name).values;
}

void FlagValues::set(const Flag& flag, std::string value) {
    const std::string_view name = flag.alias_of.empty() ? flag.name : flag.alias_of;
    for (Slot& slot : slots_) {
        if (slot.flag->name != name) {
            continue;
        }
        if (flag.type->arity == FlagType::Arity::kCommaList) {
            for (const std::string_view part : split(value, ',')) {
                slot.values.emplace_back(part);
            }
        } else {
            slot.values.push_back(std::move(value));
        }
        return;
    }
    GT_CHECK(false);
}

const Flag* find_flag(std::span<const Flag> table, std::string_view name) {
    for (const Flag& flag : table) {
        if (flag.name == name) {
            return &flag;
        }
    }
    return nullptr;
}

const Flag* find_shorthand(std::span<const Flag> table, char shorthand) {
    for (const Flag& flag : table) {
        if (flag.shorthand != 0 && flag.shorthand == shorthand) {
            return &flag;
        }
    }
    return nullptr;
}

std::string flag_label(const Flag& flag) {
    std::string label;
    if (flag.shorthand != 0) {
        label += '-';
        label += flag.shorthand;
        label += ", ";
    }
    label += "--";
    label += flag.name;
    return label;
}

}  // namespace gantry::cli

// A container's mounts in the database.

#include <utility>

#include "engine/container/mount_plan.h"
#include "spec/value.h"

namespace gantry::engine {

namespace {

using spec::Value;

Value map_value(const volume::StringMap& map) {
    Value::Object object;
    for (const auto& [name, value] : map) {
        object.emplace_back(name, value);
    }
    return object;
}

template <class Enum>
Value enum_value(Enum value) {
    return int64_t{std::to_underlying(value)};
}

/// Reads members of one object; what is missing has its default, as a newer program's additions
/// have.
class Reader {
public:
    explicit Reader(const Value& object) : object_(object) {}

    void read(std::string_view name, std::string& text) const {
        if (const Value* value = object_.find(name); value != nullptr && value->is_string()) {
            text = value->as_string();
        }
    }
    void read(std::string_view name, bool& flag) const {
        if (const Value* value = object_.find(name); value != nullptr && value->is_bool()) {
            flag = value->as_bool();
        }
    }
    void read(std::string_view name, volume::StringMap& map) const {
        const Value* value = object_.find(name);
        if (value == nullptr || !value->is_object()) {
            return;
        }
        for (const auto& [key, text] : value->as_object()) {
            map[key] = text.is_string() ? text.as_string() : std::string();
        }
    }
    template <class Enum>
    void read_enum(std::string_view name, Enum& target) const {
        if (const Value* value = object_.find(name); value != nullptr && value->is_int()) {
            target = static_cast<Enum>(value->as_int());
        }
    }

private:
    const Value& object_;
};

Value mount_value(const PlannedMount& plan) {
    return Value::Object{
        {"type", enum_value(plan.type)},
        {"source", plan.source},
        {"target", plan.target},
        {"read_only", plan.read_only},
        {"recursion", enum_value(plan.recursion)},
        {"read_only_recursion", enum_value(plan.read_only_recursion)},
        {"missing_source", enum_value(plan.missing_source)},
        {"propagation", plan.propagation},
        {"mode", plan.mode},
        {"tmpfs_options", plan.tmpfs_options},
        {"listing", enum_value(plan.listing)},
        {"volume", plan.volume.str()},
        {"copy_up", enum_value(plan.copy_up)},
        {"naming", enum_value(plan.naming)},
        {"subpath", plan.subpath},
        {"labels", map_value(plan.labels)},
        {"driver_options", map_value(plan.driver_options)},
    };
}

PlannedMount read_mount(const Value& value) {
    const Reader reader(value);
    PlannedMount plan;
    std::string volume;
    reader.read_enum("type", plan.type);
    reader.read("source", plan.source);
    reader.read("target", plan.target);
    reader.read("read_only", plan.read_only);
    reader.read_enum("recursion", plan.recursion);
    reader.read_enum("read_only_recursion", plan.read_only_recursion);
    reader.read_enum("missing_source", plan.missing_source);
    reader.read("propagation", plan.propagation);
    reader.read("mode", plan.mode);
    reader.read("tmpfs_options", plan.tmpfs_options);
    reader.read_enum("listing", plan.listing);
    reader.read("volume", volume);
    plan.volume = volume::VolumeId(std::move(volume));
    reader.read_enum("copy_up", plan.copy_up);
    reader.read_enum("naming", plan.naming);
    reader.read("subpath", plan.subpath);
    reader.read("labels", plan.labels);
    reader.read("driver_options", plan.driver_options);
    return plan;
}

}  // namespace

std::string format_mounts(std::span<const PlannedMount> mounts) {
    Value::Array array;
    for (const PlannedMount& plan : mounts) {
        array.push_back(mount_value(plan));
    }
    return Value(std::move(array)).serialize();
}

Result<std::vector<PlannedMount>> parse_mounts(std::string_view json) {
    const auto document = Value::parse(json);
    if (!document || !document->is_array()) {
        return fail(Kind::kDataLoss, "damaged mounts");
    }
    std::vector<PlannedMount> mounts;
    for (const Value& value : document->as_array()) {
        mounts.push_back(read_mount(value));
        if (!mounts.back().target.starts_with('/')) {
            return fail(Kind::kDataLoss, "damaged mounts: one has no target");
        }
    }
    return mounts;
}

}  // namespace gantry::engine

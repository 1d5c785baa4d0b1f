#pragma once

#include <span>
#include <string_view>

#include "cli/template/exec.h"
#include "spec/value.h"

namespace gantry::cli {

/// What docker's typed objects know beyond the JSON the daemon sent. Templates see Go structs: a
/// field that JSON leaves out is there with its zero value (`{{if .State.Health}}` is false and not
/// an error), and the null of a list prints as "[]".
struct InspectFields {
    /// A field that may be absent, by its path, and its zero value as JSON.
    struct Optional {
        std::string_view path;
        std::string_view zero;
    };

    std::span<const Optional> optional;

    /// Options for templates over OBJECT, which must outlive them.
    TemplateOptions options_for(const spec::Value& object) const;
};

extern const InspectFields kContainerFields;
extern const InspectFields kImageFields;
extern const InspectFields kPlainFields;

}  // namespace gantry::cli

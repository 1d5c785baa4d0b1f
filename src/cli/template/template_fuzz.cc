#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cli/template/exec.h"
#include "cli/template/parser.h"

/// Templates come from scripts and their data from containers: neither may crash the client or use
/// more than its bounds. What both make of a template is the unit tests' business.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
    using gantry::spec::Value;
    // SAFETY: bytes and characters have the same representation.
    const std::string_view source(reinterpret_cast<const char*>(bytes), size);
    const auto tree = gantry::cli::parse_template("", source);
    if (!tree) {
        return 0;
    }
    static const auto data = Value::parse(
        R"({"A":"text","B":[1,"x",null],"C":{"D":{"E":2.5}},"F":true,"G":-7,"Id":"x"})");
    gantry::cli::TemplateOptions options;
    options.missing_key = gantry::cli::TemplateOptions::MissingKey::kNoValue;
    options.fields = gantry::cli::TemplateOptions::Fields::kGoNames;
    (void)gantry::cli::run_template(*tree, *data, options);
    return 0;
}

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/text.h"
#include "spec/filters.h"
#include "spec/regexp.h"

using namespace gantry;

/// Filters as JSON; and, for a text with a NUL, a pattern and what it is searched in.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // SAFETY: bytes are read as characters.
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto filters = spec::Filters::parse(text)) {
        const auto again = spec::Filters::parse(filters->to_json());
        GT_CHECK(again && again->all() == filters->all());
        for (const auto& [key, values] : filters->all()) {
            (void)filters->match_regexp(key, "some-name_1");
            (void)filters->match_labels(key, {{"a", "b"}});
            (void)filters->bool_value(key, false);
        }
    }
    const Cut parts = cut(text, '\0');
    if (const auto regexp = spec::Regexp::compile(parts.before)) {
        (void)regexp->search(parts.after.substr(0, 4096));
    }
    return 0;
}

#include "spec/impl/mount_mode.h"

#include <algorithm>

#include "base/text.h"

namespace gantry::spec::impl {

bool is_propagation(std::string_view word) {
    constexpr std::string_view kWords[] = {"private", "rprivate", "slave",
                                           "rslave",  "shared",   "rshared"};
    return std::ranges::find(kWords, word) != std::end(kWords);
}

bool apply_mount_mode(std::string_view mode, BindSpec& spec) {
    int accesses = 0;
    int labels = 0;
    int copies = 0;
    int propagations = 0;
    int consistencies = 0;
    for (const std::string_view word : split(mode, ',')) {
        if (word == "rw" || word == "ro") {
            ++accesses;
            spec.read_only = word == "ro";
        } else if (word == "z" || word == "Z") {
            ++labels;
        } else if (word == "nocopy" || word == "volume-nocopy") {
            ++copies;
            spec.no_copy = true;
        } else if (is_propagation(word)) {
            ++propagations;
            spec.propagation = word;
        } else if (word == "consistent" || word == "cached" || word == "delegated" ||
                   word == "default") {
            ++consistencies;
        } else {
            return false;
        }
    }
    return std::max({accesses, labels, copies, propagations, consistencies}) <= 1;
}

}  // namespace gantry::spec::impl

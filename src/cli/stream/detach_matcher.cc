#include "cli/stream/detach_matcher.h"

#include <utility>

namespace gantry::cli {

bool DetachMatcher::feed(std::string_view typed, std::string& passed) {
    for (const char c : typed) {
        if (c != keys_[matched_]) {
            passed.append(keys_, 0, std::exchange(matched_, 0));
        }
        if (c != keys_[matched_]) {
            passed += c;
        } else if (++matched_ == keys_.size()) {
            return true;
        }
    }
    return false;
}

}  // namespace gantry::cli

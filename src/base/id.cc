#include "base/id.h"

#include <sys/random.h>

#include <array>
#include <span>

#include "base/check.h"
#include "base/text.h"

namespace gantry {

std::string random_id() {
    for (;;) {
        std::array<unsigned char, 32> bytes;
        GT_CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
        std::string id = to_hex(bytes);
        if (id.find_first_of("abcdef") < 12) {
            return id;
        }
    }
}

}  // namespace gantry

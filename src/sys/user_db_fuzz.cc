#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/text.h"
#include "sys/user_db.h"

using namespace gantry;

// The input is three parts between NUL bytes: the user asked for, passwd, group. The last two come
// from an image.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // SAFETY: bytes are read as characters.
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Cut user = cut(text, '\0');
    const Cut files = cut(user.after, '\0');
    const sys::UserDb db{std::string(files.before), std::string(files.after)};
    const std::string added[] = {"5", "wheel"};
    if (const auto ids = sys::resolve_user(db, user.before, added)) {
        constexpr uint32_t kMax = 0x7fffffff;
        GT_CHECK(ids->uid <= kMax && ids->gid <= kMax);
        GT_CHECK(std::ranges::is_sorted(ids->additional_gids));
        // Digits are an id and never somebody's name.
        if (const auto number = parse_uint(cut(user.before, ':').before)) {
            GT_CHECK(ids->uid == *number);
        }
    }
    return 0;
}

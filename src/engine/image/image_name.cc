#include "engine/image/image_name.h"

namespace gantry::engine {

Result<> check_new_name(const spec::Reference& reference) {
    if (reference.digest) {
        return fail(Kind::kInvalid, "refusing to create a tag with a digest reference");
    }
    if (reference.familiar_name() == "sha256") {
        return fail(Kind::kInvalid,
                    "refusing to create an ambiguous tag using digest algorithm as name");
    }
    return {};
}

}  // namespace gantry::engine

#pragma once

#include "base/error.h"
#include "spec/oci/image.h"

namespace gantry::store {

/// An image's config is written by a stranger and ends up in containers. What could never run is
/// refused when the image comes in (kInvalid): another system, a user out of range, a volume at "/"
/// or outside, strings with NUL bytes, anything of absurd size. What Docker would carry along
/// without effect is left out of CONFIG, so that nobody downstream meets it: variables without "=",
/// ports that are none, unknown stop signals, negative times.
///
/// The config blob itself is never changed: the image's id is its digest.
Result<> check_image_config(spec::oci::ImageConfig& config);

}  // namespace gantry::store

#pragma once

#include "api/version.h"
#include "spec/api/container.h"
#include "spec/api/image.h"
#include "spec/api/info.h"

namespace gantry::api {

// The engine fills answers as the newest version has them; these take out, or put back, what
// differs in an older one (reference/types.md). Pure.

void fit_version(spec::ContainerInspect& container, ApiVersion version);
void fit_version(spec::ContainerSummary& container, ApiVersion version);
void fit_version(spec::ImageInspect& image, ApiVersion version);
void fit_version(spec::ImageSummary& image, ApiVersion version);
void fit_version(spec::Info& info, ApiVersion version);

}  // namespace gantry::api

#pragma once

#include <span>
#include <vector>

#include "cli/table/container_rows.h"
#include "cli/table/formatter.h"
#include "spec/api/image.h"

namespace gantry::cli {

extern const ListLayout kImageLayout;
extern const ListLayout kImageLayoutWithDigests;
extern const ListLayout kHistoryLayout;

/// Whether an image has a row for each of its digests, or for its tags alone.
enum class Digests { kShow, kHide };

/// The rows of one image: one for each name.
std::vector<Row> image_rows(const spec::ImageSummary& image, Truncate truncate, Digests digests);

/// Whether sizes and dates are for people (--human).
enum class Human { kYes, kNo };

Row history_row(const spec::HistoryItem& item, Truncate truncate, Human human);

}  // namespace gantry::cli

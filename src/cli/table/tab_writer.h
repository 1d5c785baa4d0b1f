#pragma once

#include <string>
#include <string_view>

namespace gantry::cli {

/// How wide a column is at least, and what stands between it and the next.
struct TabLayout {
    size_t least_width = 10;
    size_t padding = 3;
};

/// Aligns text with elastic tab stops: a tab ends a cell, and a column is as wide as its widest
/// cell over the consecutive lines that have that cell. What stands behind a line's last tab is in
/// no column. Docker's tables and its `key: value` lists are laid out this way.
std::string align_tabs(std::string_view text, const TabLayout& layout = {});

}  // namespace gantry::cli

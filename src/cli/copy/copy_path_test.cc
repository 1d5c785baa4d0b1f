#include "cli/copy/copy_path.h"

#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

TEST(CopyPath, WhatStandsAtTheEnd) {
    EXPECT_TRUE(asks_for_directory("a/"));
    EXPECT_TRUE(asks_for_directory("a/."));
    EXPECT_TRUE(asks_for_directory("."));
    EXPECT_FALSE(asks_for_directory("a/b"));
    EXPECT_FALSE(asks_for_directory("a/b."));
    EXPECT_TRUE(asks_for_content("a/./"));
    EXPECT_FALSE(asks_for_content("a/.."));
    EXPECT_EQ(keep_ending("/x", "x/"), "/x/");
    EXPECT_EQ(keep_ending("/x", "x/."), "/x/.");
    EXPECT_EQ(keep_ending("/", "."), "/.");
    EXPECT_EQ(keep_ending("/x", "x"), "/x");
}

TEST(CopyPath, IsSplit) {
    const auto split = [](std::string_view path) {
        const SplitPath parts = split_entry(path);
        return parts.directory + " " + parts.name;
    };
    EXPECT_EQ(split("/a/b"), "/a b");
    EXPECT_EQ(split("/a/b/"), "/a b");
    EXPECT_EQ(split("/a/."), "/a .");
    EXPECT_EQ(split("/a"), "/ a");
    EXPECT_EQ(split("/"), "/ /");
    EXPECT_EQ(split("a"), ". a");
    EXPECT_EQ(split("a/../b"), ". b");
}

TEST(CopyPath, LinksAreFollowed) {
    EXPECT_EQ(follow_link("/a/l", "b"), "/a/b");
    EXPECT_EQ(follow_link("/a/l", "../b"), "/b");
    EXPECT_EQ(follow_link("/a/l", "/b"), "/b");
    const CopyEnd same = renamed_end("/a/l/", "/a/b");
    EXPECT_EQ(same.path, "/a/b/");
    EXPECT_EQ(same.rebase_name, "l");
    EXPECT_EQ(renamed_end("/a/l/.", "/b").path, "/b/.");
    EXPECT_EQ(renamed_end("/a/b", "/c/b").rebase_name, "");
}

std::string place(const CopyEnd& source, const CopyEnd& destination) {
    const auto found = place_copy(source, destination);
    return found ? found->directory + " " + found->old_name + " " + found->new_name
                 : found.error().text();
}

TEST(CopyPath, CopiesHaveAPlace) {
    const CopyEnd file{.path = "/s/f", .exists = true};
    const CopyEnd directory{.path = "/s/d", .exists = true, .is_directory = true};
    const CopyEnd content{.path = "/s/d/.", .exists = true, .is_directory = true};
    const CopyEnd there{.path = "/t", .exists = true, .is_directory = true};
    const CopyEnd taken{.path = "/t/x", .exists = true};
    const CopyEnd free{.path = "/t/x"};
    const CopyEnd wished{.path = "/t/x/"};
    EXPECT_EQ(place(file, there), "/t f f");
    EXPECT_EQ(place(content, there), "/t . .");
    EXPECT_EQ(place(file, taken), "/t f x");
    EXPECT_EQ(place(directory, taken), "cannot copy directory");
    EXPECT_EQ(place(directory, free), "/t d x");
    EXPECT_EQ(place(content, free), "/t . x");
    EXPECT_EQ(place(file, wished), "no such directory");
    EXPECT_EQ(place(directory, wished), "/t d x");
}

TEST(CopyPath, EntriesAreRenamed) {
    const CopyPlace place{.directory = "/t", .old_name = "d", .new_name = "x"};
    EXPECT_EQ(renamed_entry(place, "d"), "x");
    EXPECT_EQ(renamed_entry(place, "d/"), "x/");
    EXPECT_EQ(renamed_entry(place, "d/d/f"), "x/d/f");
    EXPECT_EQ(renamed_entry(place, "dd"), "dd");
    EXPECT_EQ(renamed_entry({.directory = "", .old_name = "/", .new_name = "x"}, "/bin"), "x/bin");
    EXPECT_EQ(renamed_entry({.directory = "", .old_name = ".", .new_name = "x"}, "./f"), "x/f");
    EXPECT_EQ(renamed_entry({.directory = "", .old_name = "d", .new_name = "d"}, "d/f"), "d/f");
}

}  // namespace
}  // namespace gantry::cli

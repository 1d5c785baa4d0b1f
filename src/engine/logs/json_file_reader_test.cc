#include "engine/logs/json_file_reader.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace gantry::engine {
namespace {

namespace fs = std::filesystem;

/// A log directory in which the test plays the shim.
class JsonFileReaderTest : public testing::Test {
protected:
    void SetUp() override { ASSERT_NE(::mkdtemp(directory_.data()), nullptr); }
    void TearDown() override { fs::remove_all(directory_); }

    std::string path() const { return directory_ + "/log"; }

    void append(const std::string& text) {
        std::ofstream(path(), std::ios::app) << fmt::format(
            "{{\"log\":\"{}\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T18:25:14.5Z\"}}\n",
            text);
    }

    void rotate(unsigned keep) {
        for (unsigned n = keep; n > 0; --n) {
            const std::string from = n == 1 ? path() : fmt::format("{}.{}", path(), n - 1);
            if (fs::exists(from)) {
                fs::rename(from, fmt::format("{}.{}", path(), n));
            }
        }
    }

    static std::string read_all(JsonFileReader& reader) {
        std::string all;
        for (;;) {
            auto record = reader.next();
            EXPECT_TRUE(record);
            if (!record || !*record) {
                return all;
            }
            all += (*record)->text.substr(0, (*record)->text.size() - 1) + " ";
        }
    }

    std::string directory_ = testing::TempDir() + "json_log_XXXXXX";
};

TEST_F(JsonFileReaderTest, ReadsAcrossRotatedFilesFromOldToNew) {
    for (const char* text : {"1", "2", "3"}) {
        append(text);
        rotate(5);
    }
    append("4");
    JsonFileReader reader(path());
    ASSERT_TRUE(reader.seek_start());
    EXPECT_EQ(read_all(reader), "1 2 3 4 ");
}

TEST_F(JsonFileReaderTest, FollowsThroughRotationWithoutLossOrRepeat) {
    append("1");
    JsonFileReader reader(path());
    ASSERT_TRUE(reader.seek_start());
    EXPECT_EQ(read_all(reader), "1 ");
    append("2");
    rotate(5);
    append("3");
    rotate(5);
    append("4");
    EXPECT_EQ(read_all(reader), "2 3 4 ");
    EXPECT_EQ(read_all(reader), "");
    append("5");
    EXPECT_EQ(read_all(reader), "5 ");
}

TEST_F(JsonFileReaderTest, AReaderLeftBehindGoesOnWithWhatIsKept) {
    append("1");
    JsonFileReader reader(path());
    ASSERT_TRUE(reader.seek_start());
    EXPECT_EQ(read_all(reader), "1 ");
    for (const char* text : {"2", "3", "4", "5"}) {
        rotate(2);
        append(text);
    }
    EXPECT_EQ(read_all(reader), "3 4 5 ");
}

TEST_F(JsonFileReaderTest, TailCountsOverFiles) {
    for (int i = 1; i <= 9; ++i) {
        append(std::to_string(i));
        if (i % 3 == 0) {
            rotate(5);
        }
    }
    append("10");
    const std::pair<uint64_t, const char*> cases[] = {{0, ""},
                                                      {1, "10 "},
                                                      {2, "9 10 "},
                                                      {4, "7 8 9 10 "},
                                                      {5, "6 7 8 9 10 "},
                                                      {10, "1 2 3 4 5 6 7 8 9 10 "},
                                                      {99, "1 2 3 4 5 6 7 8 9 10 "}};
    for (const auto& [count, expected] : cases) {
        JsonFileReader reader(path());
        ASSERT_TRUE(reader.seek_tail(count));
        EXPECT_EQ(read_all(reader), expected) << count;
    }
}

TEST_F(JsonFileReaderTest, TailOfALongFileMatchesItsEnd) {
    for (int i = 0; i < 5000; ++i) {
        append(std::to_string(i));
    }
    JsonFileReader reader(path());
    ASSERT_TRUE(reader.seek_tail(3000));
    const std::string all = read_all(reader);
    EXPECT_TRUE(all.starts_with("2000 2001 "));
    EXPECT_TRUE(all.ends_with(" 4999 "));
}

TEST_F(JsonFileReaderTest, WaitsForTheRestOfARecordAndSkipsDamage) {
    JsonFileReader reader(path());
    ASSERT_TRUE(reader.seek_start());
    EXPECT_EQ(read_all(reader), "");
    std::ofstream(path(), std::ios::app) << "{\"log\":\"a\\n\",\"str";
    EXPECT_EQ(read_all(reader), "");
    std::ofstream(path(), std::ios::app)
        << "eam\":\"stderr\",\"time\":\"2026-11-23T18:25:14Z\"}\n\0\0garbage\n[1]\n";
    append("b");
    EXPECT_EQ(read_all(reader), "a b ");
}

/// A rotation is a chain of renames; a reader may look between any two of them.
TEST_F(JsonFileReaderTest, SeesNothingTwiceInTheMiddleOfARotation) {
    append("1");
    rotate(5);
    append("2");
    rotate(5);
    append("3");
    JsonFileReader reader(path());
    ASSERT_TRUE(reader.seek_start());
    EXPECT_EQ(read_all(reader), "1 2 3 ");
    fs::rename(path() + ".2", path() + ".3");
    EXPECT_EQ(read_all(reader), "");
    fs::rename(path() + ".1", path() + ".2");
    EXPECT_EQ(read_all(reader), "");
    JsonFileReader from_gap(path());
    ASSERT_TRUE(from_gap.seek_start());
    EXPECT_EQ(read_all(from_gap), "1 2 3 ");
    fs::rename(path(), path() + ".1");
    EXPECT_EQ(read_all(reader), "");
    JsonFileReader tail(path());
    ASSERT_TRUE(tail.seek_tail(2));
    EXPECT_EQ(read_all(tail), "2 3 ");
    append("4");
    EXPECT_EQ(read_all(reader), "4 ");
    EXPECT_EQ(read_all(tail), "4 ");
}

}  // namespace
}  // namespace gantry::engine

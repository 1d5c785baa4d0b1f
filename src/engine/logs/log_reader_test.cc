#include "engine/logs/log_reader.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/logdriver/log_compression.h"

namespace gantry::engine {
namespace {

namespace fs = std::filesystem;

/// A log directory in which the test plays the shim.
class LogReaderTest : public testing::Test {
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

    void rename_compressed(unsigned from, unsigned to) {
        fs::rename(fmt::format("{}.{}.gz", path(), from), fmt::format("{}.{}.gz", path(), to));
    }

    static std::string read_all(LogReader& reader) {
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

TEST_F(LogReaderTest, ReadsAcrossRotatedFilesFromOldToNew) {
    for (const char* text : {"1", "2", "3"}) {
        append(text);
        rotate(5);
    }
    append("4");
    LogReader reader(path(), parse_json_record);
    ASSERT_TRUE(reader.seek_start());
    EXPECT_EQ(read_all(reader), "1 2 3 4 ");
}

TEST_F(LogReaderTest, FollowsThroughRotationWithoutLossOrRepeat) {
    append("1");
    LogReader reader(path(), parse_json_record);
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

TEST_F(LogReaderTest, AReaderLeftBehindGoesOnWithWhatIsKept) {
    append("1");
    LogReader reader(path(), parse_json_record);
    ASSERT_TRUE(reader.seek_start());
    EXPECT_EQ(read_all(reader), "1 ");
    for (const char* text : {"2", "3", "4", "5"}) {
        rotate(2);
        append(text);
    }
    EXPECT_EQ(read_all(reader), "3 4 5 ");
}

TEST_F(LogReaderTest, TailCountsOverFiles) {
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
        LogReader reader(path(), parse_json_record);
        ASSERT_TRUE(reader.seek_tail(count));
        EXPECT_EQ(read_all(reader), expected) << count;
    }
}

TEST_F(LogReaderTest, TailOfALongFileMatchesItsEnd) {
    for (int i = 0; i < 5000; ++i) {
        append(std::to_string(i));
    }
    LogReader reader(path(), parse_json_record);
    ASSERT_TRUE(reader.seek_tail(3000));
    const std::string all = read_all(reader);
    EXPECT_TRUE(all.starts_with("2000 2001 "));
    EXPECT_TRUE(all.ends_with(" 4999 "));
}

TEST_F(LogReaderTest, WaitsForTheRestOfARecordAndSkipsDamage) {
    LogReader reader(path(), parse_json_record);
    ASSERT_TRUE(reader.seek_start());
    EXPECT_EQ(read_all(reader), "");
    std::ofstream(path(), std::ios::app) << "{\"log\":\"a\\n\",\"str";
    EXPECT_EQ(read_all(reader), "");
    std::ofstream(path(), std::ios::app)
        << "eam\":\"stderr\",\"time\":\"2026-11-23T18:25:14Z\"}\n\0\0garbage\n[1]\n";
    append("b");
    EXPECT_EQ(read_all(reader), "a b ");
}

LogStore store_of(const std::string& path) {
    return {path, {.format = runtime::LogOptions::Format::kJsonFile, .max_files = 5}};
}

bool compress(const std::string& path) {
    const LogStore store = store_of(path);
    const auto done =
        compress_one(store, [&](uint64_t inode) { return take_compressed(store, inode); });
    EXPECT_TRUE(done) << done.error().text();
    return done && *done;
}

TEST_F(LogReaderTest, ReadsAndCountsCompressedFiles) {
    for (int i = 1; i <= 9; ++i) {
        append(std::to_string(i));
        if (i % 3 == 0) {
            rotate(5);
        }
    }
    append("10");
    while (compress(path())) {
    }
    EXPECT_TRUE(fs::exists(path() + ".3.gz"));
    EXPECT_FALSE(fs::exists(path() + ".3"));
    LogReader reader(path(), parse_json_record);
    ASSERT_TRUE(reader.seek_start());
    EXPECT_EQ(read_all(reader), "1 2 3 4 5 6 7 8 9 10 ");
    const std::pair<uint64_t, const char*> cases[] = {
        {1, "10 "}, {2, "9 10 "}, {4, "7 8 9 10 "}, {5, "6 7 8 9 10 "}, {8, "3 4 5 6 7 8 9 10 "}};
    for (const auto& [count, expected] : cases) {
        LogReader tail(path(), parse_json_record);
        ASSERT_TRUE(tail.seek_tail(count));
        EXPECT_EQ(read_all(tail), expected) << count;
    }
}

/// The file that a reader has open is compressed under it, and moves on.
TEST_F(LogReaderTest, FindsItsFileAgainWhenItWasCompressed) {
    append("1");
    LogReader reader(path(), parse_json_record);
    ASSERT_TRUE(reader.seek_start());
    EXPECT_EQ(read_all(reader), "1 ");
    append("2");
    rotate(5);
    append("3");
    ASSERT_TRUE(compress(path()));
    rename_compressed(1, 2);
    rotate(1);
    append("4");
    EXPECT_EQ(read_all(reader), "2 3 4 ");
    EXPECT_EQ(read_all(reader), "");
}

TEST_F(LogReaderTest, SinceLeavesOldFilesOut) {
    append("1");
    rotate(5);
    const auto old = fs::file_time_type::clock::now() - std::chrono::hours(2);
    fs::last_write_time(path() + ".1", old);
    ASSERT_TRUE(compress(path()));
    append("2");
    LogReader reader(path(), parse_json_record);
    ASSERT_TRUE(reader.seek_start(wall_now() - std::chrono::hours(1)));
    EXPECT_EQ(read_all(reader), "2 ");
}

TEST(LogRecord, LocalLines) {
    const auto whole = parse_local_record("e00000000000000ff a b");
    ASSERT_TRUE(whole);
    EXPECT_TRUE(whole->is_stderr);
    EXPECT_EQ(whole->text, "a b\n");
    EXPECT_EQ(whole->time, WallTime(std::chrono::nanoseconds(255)));
    const auto part = parse_local_record("O0000000000000000 ");
    ASSERT_TRUE(part);
    EXPECT_EQ(part->text, "");
    for (const char* line :
         {"", "o", "x0000000000000000 a", "o000000000000000g a", "o0000000000000000a"}) {
        EXPECT_FALSE(parse_local_record(line)) << line;
    }
}

TEST(LogRecord, JsonLinesHaveAttributes) {
    const auto record = parse_json_record(
        R"({"log":"x","stream":"stdout","attrs":{"b":"1","a":"2"},"time":"2026-11-23T18:25:14Z"})");
    ASSERT_TRUE(record);
    ASSERT_EQ(record->attributes.size(), 2U);
    EXPECT_EQ(record->attributes[0].first, "b");
}

/// A rotation is a chain of renames; a reader may look between any two of them.
TEST_F(LogReaderTest, SeesNothingTwiceInTheMiddleOfARotation) {
    append("1");
    rotate(5);
    append("2");
    rotate(5);
    append("3");
    LogReader reader(path(), parse_json_record);
    ASSERT_TRUE(reader.seek_start());
    EXPECT_EQ(read_all(reader), "1 2 3 ");
    fs::rename(path() + ".2", path() + ".3");
    EXPECT_EQ(read_all(reader), "");
    fs::rename(path() + ".1", path() + ".2");
    EXPECT_EQ(read_all(reader), "");
    LogReader from_gap(path(), parse_json_record);
    ASSERT_TRUE(from_gap.seek_start());
    EXPECT_EQ(read_all(from_gap), "1 2 3 ");
    fs::rename(path(), path() + ".1");
    EXPECT_EQ(read_all(reader), "");
    LogReader tail(path(), parse_json_record);
    ASSERT_TRUE(tail.seek_tail(2));
    EXPECT_EQ(read_all(tail), "2 3 ");
    append("4");
    EXPECT_EQ(read_all(reader), "4 ");
    EXPECT_EQ(read_all(tail), "4 ");
}

}  // namespace
}  // namespace gantry::engine

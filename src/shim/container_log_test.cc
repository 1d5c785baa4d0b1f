#include "shim/impl/container_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace gantry::shim {
namespace {

std::string escape(const std::string& text) {
    std::string padded = text + std::string(kEncoderOverread, '"');
    std::string out(max_escaped_size(text.size()), '\0');
    const char* end = append_json_escaped(out.data(), padded.data(), text.size());
    return out.substr(0, static_cast<size_t>(end - out.data()));
}

std::string format(int64_t nanoseconds) {
    char out[32];
    TimeFormatter formatter;
    return {out, formatter.append(out, nanoseconds)};
}

TEST(JsonEncoder, EscapesAsDocker) {
    EXPECT_EQ(escape("plain"), "plain");
    EXPECT_EQ(escape(std::string("a\"b\\c\n\r\t\x01\x7f<>&\0", 14)),
              "a\\\"b\\\\c\\n\\r\\u0009\\u0001\x7f\\u003c\\u003e\\u0026\\u0000");
    EXPECT_EQ(escape("\xe2\x82\xac \xf0\x9f\x98\x80 \xc3\xa9"),
              "\xe2\x82\xac \xf0\x9f\x98\x80 \xc3\xa9");
    EXPECT_EQ(escape("\xe2\x80\xa8\xe2\x80\xa9"), "\\u2028\\u2029");
}

TEST(JsonEncoder, ReplacesEachByteThatIsNotUtf8) {
    EXPECT_EQ(escape("\xff"), "\\ufffd");
    EXPECT_EQ(escape("a\xe2\x82"), "a\\ufffd\\ufffd");           // cut
    EXPECT_EQ(escape("\xc0\xaf"), "\\ufffd\\ufffd");             // overlong
    EXPECT_EQ(escape("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");  // surrogate
    EXPECT_EQ(escape("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd");
    EXPECT_EQ(escape("\xe0\x9f\xbf"), "\\ufffd\\ufffd\\ufffd");
}

TEST(JsonEncoder, AgreesAtEveryPositionOfABlock) {
    for (size_t size = 0; size < 70; ++size) {
        for (size_t at = 0; at < size; ++at) {
            std::string text(size, 'x');
            text[at] = '<';
            std::string expected = text;
            expected.replace(at, 1, "\\u003c");
            ASSERT_EQ(escape(text), expected) << size << " " << at;
        }
    }
}

TEST(TimeFormatter, WritesGosRfc3339Nano) {
    EXPECT_EQ(format(0), "1970-01-01T00:00:00Z");
    EXPECT_EQ(format(1795459514123456789), "2026-11-23T18:45:14.123456789Z");
    EXPECT_EQ(format(1795459514100000000), "2026-11-23T18:45:14.1Z");
    EXPECT_EQ(format(1709164800000000001), "2024-02-29T00:00:00.000000001Z");
    EXPECT_EQ(format(4102444799000000000), "2099-12-31T23:59:59Z");
}

class ContainerLogTest : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/gantry-log-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        dir_ = name;
        path_ = dir_ + "/log";
    }
    void TearDown() override { (void)system(("rm -r " + dir_).c_str()); }

    void write(ContainerLog& log, int stream, const std::string& text) {
        // As the shim does: in pieces of a pipe's read.
        for (size_t at = 0; at < text.size(); at += 65536) {
            const size_t size = std::min<size_t>(65536, text.size() - at);
            std::memcpy(buffer_.data() + kMaxRecord, text.data() + at, size);
            log.write(stream, buffer_.data() + kMaxRecord, size, 0);
        }
    }

    static std::string read(const std::string& path) {
        std::stringstream text;
        text << std::ifstream(path, std::ios::binary).rdbuf();
        return text.str();
    }

    static std::string record(const std::string& text, const char* stream = "stdout") {
        return "{\"log\":\"" + text + "\",\"stream\":\"" + stream +
               "\",\"time\":\"1970-01-01T00:00:00Z\"}\n";
    }

    std::string dir_;
    std::string path_;
    std::vector<char> buffer_ = std::vector<char>(kMaxRecord + 65536 + kEncoderOverread);
};

TEST_F(ContainerLogTest, KeepsUnfinishedLinesPerStream) {
    ContainerLog log;
    log.open({LogFormat::kJsonFile, path_.c_str(), -1, 1, {}}, nullptr);
    write(log, 0, "one");
    write(log, 1, "err\nhalf");
    write(log, 0, " line\ntail");
    EXPECT_EQ(read(path_), record("err\\n", "stderr") + record("one line\\n"));
    log.finish(0, 0);
    log.finish(1, 0);
    EXPECT_EQ(read(path_), record("err\\n", "stderr") + record("one line\\n") + record("tail") +
                               record("half", "stderr"));
}

TEST_F(ContainerLogTest, CutsLongLinesAt16KiB) {
    ContainerLog log;
    log.open({LogFormat::kJsonFile, path_.c_str(), -1, 1, {}}, nullptr);
    const std::string full(kMaxRecord, 'x');
    write(log, 0, full + "\n");            // cut, then the newline alone
    write(log, 0, full.substr(1) + "\n");  // fits exactly
    write(log, 0, full + full + "yz");
    log.finish(0, 0);
    EXPECT_EQ(read(path_), record(full) + record("\\n") + record(full.substr(1) + "\\n") +
                               record(full) + record(full) + record("yz"));
}

TEST_F(ContainerLogTest, WritesAttributes) {
    ContainerLog log;
    log.open({LogFormat::kJsonFile, path_.c_str(), -1, 1, "{\"a\":\"b\"}"}, nullptr);
    write(log, 0, "x\n");
    EXPECT_EQ(read(path_),
              "{\"log\":\"x\\n\",\"stream\":\"stdout\",\"attrs\":{\"a\":\"b\"},"
              "\"time\":\"1970-01-01T00:00:00Z\"}\n");
}

TEST_F(ContainerLogTest, RotatesBetweenRecords) {
    ContainerLog log;
    const auto size = static_cast<int64_t>(record("1\\n").size());
    log.open({LogFormat::kJsonFile, path_.c_str(), 2 * size, 3, {}}, nullptr);
    write(log, 0, "1\n2\n3\n4\n5\n6\n7\n");
    EXPECT_EQ(read(path_), record("7\\n"));
    EXPECT_EQ(read(path_ + ".1"), record("5\\n") + record("6\\n"));
    EXPECT_EQ(read(path_ + ".2"), record("3\\n") + record("4\\n"));
    EXPECT_NE(access((path_ + ".3").c_str(), F_OK), 0);
}

TEST_F(ContainerLogTest, StartsAnewWithOneFile) {
    ContainerLog log;
    log.open({LogFormat::kJsonFile, path_.c_str(), 1, 1, {}}, nullptr);
    write(log, 0, "1\n2\n3\n");
    EXPECT_EQ(read(path_), record("3\\n"));
}

TEST_F(ContainerLogTest, LocalKeepsEveryByte) {
    ContainerLog log;
    log.open({LogFormat::kLocal, path_.c_str(), -1, 1, {}}, nullptr);
    write(log, 1, std::string("a\xff\0b\n", 5));
    write(log, 0, std::string(kMaxRecord, 'x') + "y\n");
    write(log, 0, "end");
    log.finish(0, 255);
    const std::string zero(16, '0');
    EXPECT_EQ(read(path_), "e" + zero + std::string(" a\xff\0b\n", 6) + "O" + zero + " " +
                               std::string(kMaxRecord, 'x') + "\no" + zero + " y\nO" +
                               "00000000000000ff end\n");
}

TEST_F(ContainerLogTest, CompressedFilesMoveWithTheOthers) {
    ContainerLog log;
    log.open({LogFormat::kJsonFile, path_.c_str(), 1, 4, {}}, nullptr);
    write(log, 0, "1\n2\n");
    struct stat first = {};
    ASSERT_EQ(stat((path_ + ".1").c_str(), &first), 0);
    std::ofstream(path_ + ".gz.tmp") << "small";
    EXPECT_TRUE(log.file().take_compressed(first.st_ino));
    EXPECT_NE(access((path_ + ".1").c_str(), F_OK), 0);
    write(log, 0, "3\n");
    EXPECT_EQ(read(path_ + ".2.gz"), "small");
    EXPECT_EQ(read(path_ + ".1"), record("2\\n"));
    write(log, 0, "4\n5\n");
    EXPECT_NE(access((path_ + ".2.gz").c_str(), F_OK), 0);
    EXPECT_NE(access((path_ + ".3.gz").c_str(), F_OK), 0);
    EXPECT_EQ(read(path_ + ".3"), record("2\\n"));
    // What was rotated away is not taken any more.
    std::ofstream(path_ + ".gz.tmp") << "late";
    EXPECT_FALSE(log.file().take_compressed(first.st_ino + 1000000));
    EXPECT_NE(access((path_ + ".gz.tmp").c_str(), F_OK), 0);
}

TEST_F(ContainerLogTest, ClearingBeginsANewFile) {
    ContainerLog log;
    log.open({LogFormat::kJsonFile, path_.c_str(), 1, 3, {}}, nullptr);
    write(log, 0, "1\n2\n3\nhalf");
    log.file().clear();
    EXPECT_EQ(read(path_), "");
    EXPECT_NE(access((path_ + ".1").c_str(), F_OK), 0);
    write(log, 0, " a line\n");
    EXPECT_EQ(read(path_), record("half a line\\n"));
}

TEST_F(ContainerLogTest, AFullDiskCostsWholeRecordsOnly) {
    // A file size limit stands for the full disk: a short write, then errors.
    (void)signal(SIGXFSZ, SIG_IGN);
    rlimit before = {};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const size_t size = record("1\\n").size();
    const rlimit small = {size * 2 + 10, before.rlim_max};
    ContainerLog log;
    log.open({LogFormat::kJsonFile, path_.c_str(), -1, 1, {}}, nullptr);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    write(log, 0, "1\n2\n3\n");
    write(log, 0, "4\n");
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    write(log, 0, "5\n");
    EXPECT_EQ(read(path_), record("1\\n") + record("2\\n") + record("5\\n"));
    EXPECT_GT(log.file().dropped(), 0U);
}

TEST_F(ContainerLogTest, PrintsItsSpeed) {
    // The encoder's best case (plain text, written nowhere) and a real one (escapes, a file).
    struct Case {
        const char* what;
        std::string line;
        std::string path;
        int rounds;
    };
    const Case cases[] = {
        {"plain text, /dev/null", std::string(79, 'x') + "\n", "/dev/null", 3000},
        {"escapes, a file", "\"key\": <" + std::string(70, 'x') + ">\n", path_, 500},
    };
    for (const Case& test : cases) {
        ContainerLog log;
        log.open({LogFormat::kJsonFile, test.path.c_str(), -1, 1, {}}, nullptr);
        std::string text;
        size_t lines = 0;
        while (text.size() < 65536 - 80) {
            text += test.line;
            ++lines;
        }
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < test.rounds; ++i) {
            write(log, 0, text);
        }
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
        std::printf("json-file, 80-byte lines, %s: %.0f MB/s\n", test.what,
                    static_cast<double>(text.size()) * test.rounds / 1e6 / time.count());
        if (test.path == path_) {
            // The speed of a log that loses records would mean nothing.
            const std::string all = read(path_);
            EXPECT_EQ(static_cast<size_t>(std::count(all.begin(), all.end(), '\n')),
                      lines * static_cast<size_t>(test.rounds));
        }
    }
}

}  // namespace
}  // namespace gantry::shim

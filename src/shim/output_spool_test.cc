#include "shim/impl/output_spool.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace gantry::shim {
namespace {

constexpr uint32_t kSize = 65536;
constexpr uint64_t kRoom = OutputSpool::kRecordRoom;

class OutputSpoolTest : public ::testing::Test {
protected:
    OutputSpoolTest() { EXPECT_NE(mkdtemp(directory_), nullptr); }
    ~OutputSpoolTest() override {
        spool_.close();
        // Nothing with a name was left in it.
        EXPECT_EQ(rmdir(directory_), 0);
    }

    bool append(uint64_t number) {
        std::string text(kSize, static_cast<char>('a' + number % 26));
        return spool_.append(static_cast<int>(number % 2), text.data(), kSize);
    }

    void expect_record(uint64_t at, uint64_t number) {
        std::vector<char> text(kSize);
        OutputSpool::Record record = {};
        ASSERT_TRUE(spool_.read(at, &record, text.data()));
        EXPECT_EQ(record.stream, number % 2);
        ASSERT_EQ(record.size, kSize);
        EXPECT_EQ(std::string(text.begin(), text.end()),
                  std::string(kSize, static_cast<char>('a' + number % 26)));
    }

    char directory_[32] = "/tmp/spool.XXXXXX";
    OutputSpool spool_;
};

TEST_F(OutputSpoolTest, KeepsRecordsOverTheRingsEnd) {
    constexpr uint64_t kRecord = sizeof(OutputSpool::Record) + kSize;
    uint64_t oldest = 0;
    // Three times around, the reader 10 records behind.
    for (uint64_t number = 0; number < 3 * OutputSpool::kCapacity / kSize; ++number) {
        ASSERT_TRUE(spool_.reserve(directory_, oldest, kRoom));
        ASSERT_TRUE(append(number));
        if (number >= 10) {
            expect_record(oldest, number - 10);
            oldest += kRecord;
        }
    }
    EXPECT_EQ(spool_.end(), oldest + 10 * kRecord);
}

TEST_F(OutputSpoolTest, IsFullWhenTheOldestIsStillWanted) {
    uint64_t number = 0;
    while (spool_.reserve(directory_, 0, kRoom)) {
        ASSERT_TRUE(append(number++));
    }
    EXPECT_GT(number * kSize, OutputSpool::kCapacity - 2 * kRoom);
    expect_record(0, 0);
    EXPECT_TRUE(spool_.reserve(directory_, 2 * kRoom, kRoom));
}

TEST_F(OutputSpoolTest, BeginsAnewAfterTheClosing) {
    ASSERT_TRUE(spool_.reserve(directory_, 0, kRoom));
    ASSERT_TRUE(append(1));
    spool_.close();
    EXPECT_EQ(spool_.end(), 0U);
    ASSERT_TRUE(spool_.reserve(directory_, 0, kRoom));
    ASSERT_TRUE(append(2));
    expect_record(0, 2);
}

TEST_F(OutputSpoolTest, NoFileNoRoom) {
    EXPECT_FALSE(spool_.reserve("/nonexistent", 0, kRoom));
    EXPECT_FALSE(append(0));
}

}  // namespace
}  // namespace gantry::shim

#include "store/database.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "store/test_root_fake.h"

namespace gantry::store {
namespace {

constexpr std::array<std::string_view, 1> kFirst = {
    "CREATE TABLE things(name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT"};
constexpr std::array<std::string_view, 2> kSecond = {
    kFirst[0], "ALTER TABLE things ADD COLUMN color TEXT NOT NULL DEFAULT 'red'"};

class DatabaseTest : public DataRootTest {
protected:
    std::string file() const { return path("gantry.db"); }

    std::unique_ptr<Database> open() {
        auto opened = Database::open(file());
        EXPECT_TRUE(opened) << opened.error().text();
        return opened ? std::move(*opened) : nullptr;
    }

    static int64_t count(Database& database, std::string_view name) {
        auto transaction = database.begin(CommitMode::kNormal);
        auto query = transaction->prepare("SELECT count FROM things WHERE name = ?");
        const auto found = query->bind(1, name).step();
        return found && *found ? query->number(0) : -1;
    }

    static Result<> put(Database& database, std::string_view name, int64_t number) {
        GT_TRY_VAR(transaction, database.begin(CommitMode::kFull));
        GT_TRY(transaction.run("INSERT INTO things(name, count) VALUES(?, ?)", name, number));
        return transaction.commit();
    }
};

TEST_F(DatabaseTest, KeepsWhatWasCommittedAndNothingElse) {
    {
        const auto database = open();
        ASSERT_TRUE(database->migrate("test", kFirst));
        ASSERT_TRUE(put(*database, "kept", 7));
        auto transaction = database->begin(CommitMode::kFull);
        ASSERT_TRUE(transaction);
        ASSERT_TRUE(transaction->run("INSERT INTO things(name, count) VALUES('lost', 1)"));
    }
    const auto database = open();
    EXPECT_EQ(database->notice(), "");
    EXPECT_EQ(count(*database, "kept"), 7);
    EXPECT_EQ(count(*database, "lost"), -1);
}

TEST_F(DatabaseTest, IsPrivate) {
    const auto database = open();
    ASSERT_TRUE(database->migrate("test", kFirst));
    for (const char* suffix : {"", "-wal"}) {
        struct stat status{};
        ASSERT_EQ(::stat((file() + suffix).c_str(), &status), 0) << suffix;
        EXPECT_EQ(status.st_mode & 0777, 0600U) << suffix;
    }
}

TEST_F(DatabaseTest, ABrokenRuleIsAConflict) {
    const auto database = open();
    ASSERT_TRUE(database->migrate("test", kFirst));
    ASSERT_TRUE(put(*database, "x", 1));
    const auto again = put(*database, "x", 2);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind(), Kind::kConflict);
    EXPECT_TRUE(database->healthy());
    EXPECT_EQ(count(*database, "x"), 1);
}

TEST_F(DatabaseTest, MigratesOnceAndRefusesTheFuture) {
    {
        const auto database = open();
        ASSERT_TRUE(database->migrate("test", kFirst));
        ASSERT_TRUE(database->migrate("test", kFirst));
        ASSERT_TRUE(put(*database, "x", 1));
    }
    const auto database = open();
    ASSERT_TRUE(database->migrate("test", kSecond));
    {
        auto transaction = database->begin(CommitMode::kNormal);
        auto query = transaction->prepare("SELECT color FROM things");
        ASSERT_TRUE(query);
        ASSERT_TRUE(*query->step());
        EXPECT_EQ(query->text(0), "red");
    }
    const auto refused = database->migrate("test", kFirst);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), Kind::kUnavailable);
}

TEST_F(DatabaseTest, AFailedStepChangesNothing) {
    const auto database = open();
    const std::array<std::string_view, 2> broken = {kFirst[0], "CREATE NONSENSE"};
    ASSERT_FALSE(database->migrate("test", broken));
    EXPECT_TRUE(database->migrate("test", kFirst));
}

TEST_F(DatabaseTest, RunsWhatFollowsACommitOnlyThen) {
    const auto database = open();
    ASSERT_TRUE(database->migrate("test", kFirst));
    int runs = 0;
    {
        auto transaction = database->begin(CommitMode::kFull);
        transaction->after_commit([&] { ++runs; });
    }
    EXPECT_EQ(runs, 0);
    auto transaction = database->begin(CommitMode::kFull);
    transaction->after_commit([&] { ++runs; });
    ASSERT_TRUE(transaction->commit());
    EXPECT_EQ(runs, 1);
}

TEST_F(DatabaseTest, OneTransactionAtATime) {
    const auto database = open();
    ASSERT_TRUE(database->migrate("test", kFirst));
    ASSERT_TRUE(put(*database, "sum", 0));
    const auto add = [&] {
        for (int i = 0; i < 200; ++i) {
            auto transaction = database->begin(CommitMode::kNormal);
            ASSERT_TRUE(transaction);
            int64_t value = 0;
            {
                auto query = transaction->prepare("SELECT count FROM things WHERE name = 'sum'");
                ASSERT_TRUE(*query->step());
                value = query->number(0);
            }
            ASSERT_TRUE(transaction->run("UPDATE things SET count = ?", value + 1));
            ASSERT_TRUE(transaction->commit());
        }
    };
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back(add);
        }
    }
    EXPECT_EQ(count(*database, "sum"), 800);
}

TEST_F(DatabaseTest, StatementsOfOneTextCanBeOpenTogether) {
    const auto database = open();
    ASSERT_TRUE(database->migrate("test", kFirst));
    ASSERT_TRUE(put(*database, "a", 1));
    ASSERT_TRUE(put(*database, "b", 2));
    auto transaction = database->begin(CommitMode::kNormal);
    auto one = transaction->prepare("SELECT name FROM things ORDER BY name");
    auto two = transaction->prepare("SELECT name FROM things ORDER BY name");
    ASSERT_TRUE(*one->step());
    ASSERT_TRUE(*two->step());
    ASSERT_TRUE(*one->step());
    EXPECT_EQ(one->text(0), "b");
    EXPECT_EQ(two->text(0), "a");
}

TEST_F(DatabaseTest, SurvivesDamageByMovingItAside) {
    {
        const auto database = open();
        ASSERT_TRUE(database->migrate("test", kFirst));
        for (int i = 0; i < 500; ++i) {
            auto transaction = database->begin(CommitMode::kNormal);
            ASSERT_TRUE(transaction->run("INSERT INTO things(name, count) VALUES(?, ?)",
                                         "name " + std::to_string(i), int64_t{i}));
            ASSERT_TRUE(transaction->commit());
        }
    }
    const auto size = std::filesystem::file_size(file());
    for (const uint64_t where : {uint64_t{0}, uint64_t{30}, size / 2}) {
        {
            std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
            stream.seekp(static_cast<std::streamoff>(where));
            stream << std::string(4096, '\xa5');
        }
        const auto database = open();
        ASSERT_NE(database, nullptr);
        EXPECT_NE(database->notice(), "") << where;
        EXPECT_TRUE(database->was_replaced());
        ASSERT_TRUE(database->migrate("test", kFirst));
        ASSERT_TRUE(put(*database, "new", 1));
        for (int i = 0; i < 300; ++i) {
            ASSERT_TRUE(put(*database, "filler " + std::to_string(i), i));
        }
    }
    EXPECT_TRUE(std::filesystem::exists(file() + ".damaged-1"));
    EXPECT_TRUE(std::filesystem::exists(file() + ".damaged-3"));
}

TEST_F(DatabaseTest, RandomDamageNeverCrashes) {
    std::string good;
    {
        const auto database = open();
        ASSERT_TRUE(database->migrate("test", kFirst));
        for (int i = 0; i < 300; ++i) {
            ASSERT_TRUE(put(*database, "name " + std::to_string(i), i));
        }
    }
    {
        std::ifstream stream(file(), std::ios::binary);
        good.assign(std::istreambuf_iterator<char>(stream), {});
    }
    unsigned seed = 12345;
    for (int round = 0; round < 60; ++round) {
        std::string bad = good;
        for (int flips = 0; flips < 3; ++flips) {
            seed = seed * 1664525U + 1013904223U;
            bad[seed % bad.size()] ^= static_cast<char>(1U << (seed >> 29));
        }
        if (round % 3 == 0) {
            bad.resize(seed % bad.size());
        }
        for (const auto& entry : std::filesystem::directory_iterator(root())) {
            std::filesystem::remove(entry.path());
        }
        std::ofstream(file(), std::ios::binary) << bad;
        const auto database = open();
        ASSERT_NE(database, nullptr) << round;
        const auto migrated = database->migrate("test", kFirst);
        if (migrated) {
            (void)count(*database, "name 7");
            (void)put(*database, "after", 1);
        }
    }
}

TEST_F(DatabaseTest, ADirectoryInItsPlaceIsAnError) {
    std::filesystem::create_directory(file());
    EXPECT_FALSE(Database::open(file()));
}

}  // namespace
}  // namespace gantry::store

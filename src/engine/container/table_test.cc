#include "engine/container/table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/container/record.h"

namespace gantry::engine {
namespace {

EntryPtr add(ContainerTable& table, const std::string& id, const std::string& name) {
    auto record = std::make_shared<ContainerRecord>();
    record->id = ContainerId(id);
    auto entry = std::make_shared<ContainerEntry>(
        record->id, std::make_shared<const ContainerSnapshot>(
                        ContainerSnapshot{.record = record, .name = name, .life = {}}));
    auto reserved = table.reserve(name, record->id);
    EXPECT_TRUE(reserved) << reserved.error().text();
    table.insert(entry, std::move(*reserved));
    return entry;
}

const std::string kFirst(64, 'a');
const std::string kSecond = "ab" + std::string(62, '0');

TEST(ContainerTable, FindsByIdNameAndPrefix) {
    ContainerTable table;
    const EntryPtr first = add(table, kFirst, "web");
    const EntryPtr second = add(table, kSecond, "db");
    EXPECT_EQ(table.find(kFirst).value(), first);
    EXPECT_EQ(table.find("web").value(), first);
    EXPECT_EQ(table.find("/web").value(), first);
    EXPECT_EQ(table.find("ab").value(), second);
    EXPECT_EQ(table.find("aaa").value(), first);
}

TEST(ContainerTable, ErrorsAreDockers) {
    ContainerTable table;
    add(table, kFirst, "web");
    add(table, kSecond, "db");
    EXPECT_EQ(table.find("nosuch").error().text(), "No such container: nosuch");
    EXPECT_EQ(table.find("nosuch").error().kind(), Kind::kNotFound);
    EXPECT_EQ(table.find("").error().kind(), Kind::kNotFound);
    EXPECT_EQ(table.find("a").error().text(), "multiple IDs found with provided prefix: a");
    EXPECT_EQ(table.find("a").error().kind(), Kind::kInvalid);
    const auto taken = table.reserve("web", ContainerId("x"));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().kind(), Kind::kConflict);
    EXPECT_EQ(taken.error().text(),
              "Conflict. The container name \"/web\" is already in use by container \"" + kFirst +
                  "\". You have to remove (or rename) that container to be able to reuse that "
                  "name.");
}

TEST(ContainerTable, ANameWinsOverAPrefix) {
    ContainerTable table;
    add(table, kFirst, "web");
    const EntryPtr second = add(table, kSecond, "aaa");
    EXPECT_EQ(table.find("aaa").value(), second);
}

TEST(ContainerTable, AReservedNameIsNotThereYet) {
    ContainerTable table;
    {
        const auto reserved = table.reserve("web", ContainerId(kFirst));
        ASSERT_TRUE(reserved);
        EXPECT_FALSE(table.find("web"));
        EXPECT_FALSE(table.reserve("web", ContainerId(kSecond)));
    }
    EXPECT_TRUE(table.reserve("web", ContainerId(kSecond)));
}

TEST(ContainerTable, EraseFreesTheName) {
    ContainerTable table;
    const EntryPtr first = add(table, kFirst, "web");
    table.erase(*first);
    EXPECT_FALSE(table.find("web"));
    EXPECT_TRUE(table.all().empty());
    add(table, kSecond, "web");
}

TEST(ContainerTable, OneOfManyGetsAName) {
    ContainerTable table;
    std::atomic<int> winners = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] {
            std::string id = kFirst;
            id[0] = static_cast<char>('0' + i);
            auto reserved = table.reserve("web", ContainerId(id));
            if (reserved) {
                ++winners;
                auto record = std::make_shared<ContainerRecord>();
                record->id = ContainerId(id);
                table.insert(
                    std::make_shared<ContainerEntry>(
                        record->id, std::make_shared<const ContainerSnapshot>(ContainerSnapshot{
                                        .record = record, .name = "web", .life = {}})),
                    std::move(*reserved));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(winners, 1);
}

}  // namespace
}  // namespace gantry::engine

#include "store/images.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "store/image_fake.h"
#include "store/impl/sha256.h"
#include "store/ingest.h"
#include "store/snapshots.h"
#include "store/tar_fake.h"
#include "store/test_root_fake.h"

namespace gantry::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kName = "docker.io/library/one:latest";
constexpr const char* kOther = "docker.io/library/two:2";

class ImagesTest : public DataRootTest {
protected:
    void SetUp() override {
        DataRootTest::SetUp();
        if (!IsSkipped()) {
            open();
        }
    }
    void TearDown() override {
        close();
        DataRootTest::TearDown();
    }

    void open() {
        auto database = Database::open(path("gantry.db"));
        ASSERT_TRUE(database) << database.error().text();
        database_ = std::move(*database);
        auto store = ImageStore::open(*database_, root());
        ASSERT_TRUE(store) << store.error().text();
        store_ = std::move(*store);
        auto snapshots = Snapshots::open(*database_, *store_, root());
        ASSERT_TRUE(snapshots) << snapshots.error().text();
        snapshots_ = std::move(*snapshots);
    }
    void close() {
        snapshots_.reset();
        store_.reset();
        database_.reset();
    }
    void reopen() {
        close();
        open();
    }

    void bring(const TestImage& image) {
        const auto result = bring_in(*store_, image);
        ASSERT_TRUE(result) << result.error().text();
    }

    std::vector<std::string> files(const std::string& below) const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path(below))) {
            if (entry.path().filename() != "empty") {
                names.push_back(entry.path().filename());
            }
        }
        return names;
    }
    void expect_nothing_left() {
        store_->trash().drain();
        EXPECT_THAT(files("layers"), IsEmpty());
        EXPECT_THAT(files("content/blobs/sha256"), IsEmpty());
        EXPECT_THAT(files("tmp"), IsEmpty());
        EXPECT_THAT(files("trash"), IsEmpty());
    }

    Result<> insert(const ContainerId& id, const Image& image) {
        GT_TRY(snapshots_->make_directories(id, image));
        GT_TRY_VAR(transaction, database_->begin(CommitMode::kFull));
        GT_TRY(snapshots_->insert(transaction, id, image));
        return transaction.commit();
    }
    Result<> erase(const ContainerId& id) {
        {
            GT_TRY_VAR(transaction, database_->begin(CommitMode::kFull));
            GT_TRY(snapshots_->erase(transaction, id));
            GT_TRY(transaction.commit());
        }
        return snapshots_->discard(id);
    }

    std::unique_ptr<Database> database_;
    std::unique_ptr<ImageStore> store_;
    std::unique_ptr<Snapshots> snapshots_;
};

std::string read_in(const UniqueFd& mount, const char* name) {
    const UniqueFd fd(::openat(mount.get(), name, O_RDONLY | O_CLOEXEC));
    std::string text(100, '\0');
    const ssize_t size = fd ? ::read(fd.get(), text.data(), text.size()) : 0;
    text.resize(size < 0 ? 0 : static_cast<size_t>(size));
    return text;
}

bool exists_in(const UniqueFd& mount, const char* name) {
    return ::faccessat(mount.get(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

TEST_F(ImagesTest, AnImageSurvivesAndIsFound) {
    const TestImage image{.layers = {base_layer(), top_layer()}, .names = {kName, kOther}};
    bring(image);
    for (int life = 0; life < 2; ++life) {
        for (const std::string& ref :
             {std::string("one"), std::string("one:latest"), std::string("docker.io/library/two:2"),
              image.id().str(), image.id().str().substr(7), image.id().str().substr(7, 12),
              image.id().str().substr(0, 20)}) {
            const auto found = store_->find(ref);
            ASSERT_TRUE(found) << ref << ": " << found.error().text();
            EXPECT_EQ((*found)->id, image.id());
            EXPECT_THAT((*found)->repo_tags, ElementsAre("one:latest", "two:2"));
            EXPECT_EQ((*found)->chain.size(), 2U);
            EXPECT_EQ((*found)->size, 10U);
        }
        reopen();
        EXPECT_THAT(store_->notices(), IsEmpty());
    }
}

TEST_F(ImagesTest, WhatIsNotThereIsSaidAsDockerSaysIt) {
    for (const auto& [ref, text] : std::vector<std::pair<std::string, std::string>>{
             {"x", "No such image: x:latest"},
             {"a/b:c", "No such image: a/b:c"},
             {"quay.io/x", "No such image: quay.io/x:latest"},
             {"deadbeef", "No such image: deadbeef:latest"},
             {"sha256:" + std::string(64, 'a'), "No such image: sha256:" + std::string(64, 'a')}}) {
        const auto found = store_->find(ref);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().kind(), Kind::kNotFound);
        EXPECT_EQ(found.error().text(), text);
    }
    const auto invalid = store_->find("UPPER");
    ASSERT_FALSE(invalid);
    EXPECT_EQ(invalid.error().kind(), Kind::kInvalid);
}

TEST_F(ImagesTest, ANameWinsOverAnId) {
    const TestImage first{.layers = {base_layer()}, .comment = "first", .names = {kName}};
    const std::string prefix = first.id().str().substr(7, 8);
    const TestImage second{.layers = {base_layer()},
                           .comment = "second",
                           .names = {"docker.io/library/" + prefix + ":latest"}};
    bring(first);
    ASSERT_EQ((*store_->find(prefix))->id, first.id());
    bring(second);
    EXPECT_EQ((*store_->find(prefix))->id, second.id());
}

TEST_F(ImagesTest, TagsMoveAndGo) {
    const TestImage one{.layers = {base_layer()}, .comment = "1", .names = {kName}};
    const TestImage two{.layers = {base_layer()}, .comment = "2", .names = {kName}};
    bring(one);
    const auto result = bring_in(*store_, two);
    ASSERT_TRUE(result);
    ASSERT_EQ(result->renamed.size(), 1U);
    EXPECT_EQ(result->renamed[0].second, one.id());
    EXPECT_THAT((*store_->get(one.id()))->repo_tags, IsEmpty());
    EXPECT_EQ((*store_->find("one"))->id, two.id());

    const auto before = store_->tag(one.id(), kName);
    ASSERT_TRUE(before);
    EXPECT_EQ(*before, two.id());
    reopen();
    EXPECT_EQ((*store_->find("one"))->id, one.id());
    ASSERT_TRUE(store_->untag(kName));
    EXPECT_FALSE(store_->untag(kName));
    EXPECT_FALSE(store_->find("one"));
    EXPECT_FALSE(store_->tag(ImageId("sha256:" + std::string(64, '0')), kName));
}

TEST_F(ImagesTest, LayersAreSharedAndRemovedWithTheirLastImage) {
    const TestImage one{.layers = {base_layer()}, .names = {kName}};
    const TestImage two{.layers = {base_layer(), top_layer()}, .names = {kOther}};
    bring(one);
    bring(two);
    EXPECT_EQ(files("layers").size(), 2U);
    const auto first = store_->remove(one.id());
    ASSERT_TRUE(first) << first.error().text();
    EXPECT_THAT(first->untagged, ElementsAre("one:latest"));
    EXPECT_THAT(first->layers, IsEmpty());
    EXPECT_EQ(files("layers").size(), 2U);
    const std::vector<ChainId> chain = (*store_->get(two.id()))->chain;
    const auto second = store_->remove(two.id());
    ASSERT_TRUE(second);
    EXPECT_THAT(second->layers, ElementsAre(chain[1], chain[0]));
    expect_nothing_left();
    EXPECT_FALSE(store_->remove(two.id()));
    reopen();
    EXPECT_EQ(store_->count(), 0U);
}

TEST_F(ImagesTest, AFailedImageLeavesNothing) {
    const TestImage good{.layers = {base_layer()}, .names = {kName}};
    auto ingest = store_->begin_ingest();
    IncomingImage incoming;
    const auto config = ingest->add_blob(config_json({base_layer(), top_layer()}, "x"));
    incoming.config = config->digest;
    incoming.layers = {*ingest->add_blob(base_layer()), *ingest->add_blob("not a tar of that id")};
    const auto failed = ingest->commit(incoming);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind(), Kind::kInvalid);
    incoming.layers.pop_back();
    EXPECT_FALSE(ingest->commit(incoming));
    incoming.config = Digest("sha256:" + std::string(64, 'e'));
    EXPECT_FALSE(ingest->commit(incoming));
    incoming.config = Digest("sha256:../../../../etc/passwd");
    EXPECT_FALSE(ingest->commit(incoming));
    ingest.reset();
    EXPECT_EQ(store_->count(), 0U);
    expect_nothing_left();
    bring(good);
}

TEST_F(ImagesTest, APresentLayerDoesNotExcuseItsBlob) {
    bring({.layers = {base_layer()}, .names = {kName}});
    for (const char* comment : {"test", "another image"}) {
        const auto ingest = store_->begin_ingest();
        IncomingImage incoming;
        incoming.config = ingest->add_blob(config_json({base_layer()}, comment))->digest;
        incoming.layers = {*ingest->add_blob("not that layer")};
        EXPECT_FALSE(ingest->commit(incoming)) << comment;
        incoming.layers = {};
        EXPECT_FALSE(ingest->commit(incoming)) << comment;
    }
}

TEST_F(ImagesTest, HostileConfigsAreRefusedOrCleaned) {
    const auto bring_config = [&](const std::string& run_config) {
        const auto ingest = store_->begin_ingest();
        IncomingImage incoming;
        incoming.config =
            ingest
                ->add_blob(R"({"os":"linux","rootfs":{"type":"layers","diff_ids":[]},)"
                           R"("config":)" +
                           run_config + "}")
                ->digest;
        return ingest->commit(incoming);
    };
    for (const char* bad :
         {R"({"User":"4294967296"})", R"({"User":"-1"})", R"({"User":"0:2147483648"})",
          R"({"Env":["=x"]})", R"({"Env":["A=b\u0000c"]})", R"({"Volumes":{"/":{}}})",
          R"({"Volumes":{"/a/../..":{}}})", R"({"Volumes":{"relative":{}}})",
          R"({"Volumes":{"//./":{}}})", R"({"Cmd":["a\u0000b"]})", R"({"User":"a\nb"})"}) {
        const auto refused = bring_config(bad);
        ASSERT_FALSE(refused) << bad;
        EXPECT_EQ(refused.error().kind(), Kind::kInvalid) << bad;
    }
    EXPECT_FALSE(bring_config("{\"Env\":[\"A=" + std::string(size_t{2} << 20, 'x') + "\"]}"));
    EXPECT_FALSE(bring_config(
        R"({"User":"x"},"os":"windows","rootfs":{"type":"layers","diff_ids":[]},"config":{})"));

    const auto cleaned = bring_config(
        R"({"User":"1000:users","Env":["NOVALUE","A=b"],"ExposedPorts":{"99999/tcp":{},"80":{},)"
        R"("1-65535":{}},"StopSignal":"SIGNONSENSE","StopTimeout":-5,)"
        R"("Healthcheck":{"Test":["CMD","x"],"Interval":1},"Volumes":{"/data":{}}})");
    ASSERT_TRUE(cleaned) << cleaned.error().text();
    const spec::ContainerConfig& config = cleaned->image->config.config;
    EXPECT_THAT(config.env, ElementsAre("A=b"));
    EXPECT_THAT(config.exposed_ports, ElementsAre("80/tcp"));
    EXPECT_EQ(config.stop_signal, "");
    EXPECT_FALSE(config.stop_timeout);
    EXPECT_FALSE(config.healthcheck);
    EXPECT_THAT(config.volumes, ElementsAre("/data"));
}

TEST_F(ImagesTest, ASnapshotShowsAllLayers) {
    bring({.layers = {base_layer(), top_layer()}, .names = {kName}});
    const ImagePtr image = *store_->find("one");
    const ContainerId id(random_id());
    ASSERT_TRUE(insert(id, *image));
    for (const UpperSync sync : {UpperSync::kVolatile, UpperSync::kVolatile, UpperSync::kSynced}) {
        const auto mount = snapshots_->mount(id, {.sync = sync});
        ASSERT_TRUE(mount) << mount.error().text();
        EXPECT_EQ(read_in(*mount, "etc/os"), "base");
        EXPECT_EQ(read_in(*mount, "etc/new"), "top");
        EXPECT_FALSE(exists_in(*mount, "etc/gone"));
        EXPECT_FALSE(exists_in(*mount, "opt/hidden"));
        EXPECT_TRUE(exists_in(*mount, "opt/shown"));
        struct stat status{};
        ASSERT_EQ(::fstatat(mount->get(), "", &status, AT_EMPTY_PATH), 0);
        EXPECT_EQ(status.st_mode & 07777, 0751U);
        EXPECT_EQ(status.st_uid, 9U);
        EXPECT_EQ(::mkdirat(mount->get(), "written", 0755) == 0 || errno == EEXIST, true);
    }
    EXPECT_TRUE(std::filesystem::exists(snapshots_->upper_path(id) + "/written"));
    const auto read_only = snapshots_->mount(id, {.access = Access::kReadOnly});
    ASSERT_TRUE(read_only);
    EXPECT_TRUE(exists_in(*read_only, "written"));
    EXPECT_EQ(::mkdirat(read_only->get(), "more", 0755), -1);
    EXPECT_EQ(errno, EROFS);
    const auto plain = snapshots_->mount_image(*image);
    ASSERT_TRUE(plain) << plain.error().text();
    EXPECT_FALSE(exists_in(*plain, "written"));
    EXPECT_EQ(read_in(*plain, "etc/new"), "top");
}

TEST_F(ImagesTest, ImagesOfOneOrNoLayerCanBeMounted) {
    bring({.layers = {}, .names = {kName}});
    bring({.layers = {base_layer()}, .names = {kOther}});
    for (const char* name : {"one", "two:2"}) {
        const ImagePtr image = *store_->find(name);
        EXPECT_TRUE(snapshots_->mount_image(*image)) << name;
        const ContainerId id(random_id());
        ASSERT_TRUE(insert(id, *image));
        const auto mount = snapshots_->mount(id, {});
        ASSERT_TRUE(mount) << mount.error().text();
        EXPECT_EQ(::mkdirat(mount->get(), "dir", 0755), 0);
    }
}

TEST_F(ImagesTest, TheMountTableShowsNoPathOfTheHost) {
    bring({.layers = {base_layer()}, .names = {kName}});
    const ContainerId id(random_id());
    ASSERT_TRUE(insert(id, **store_->find("one")));
    const auto mount = snapshots_->mount(id, {});
    ASSERT_TRUE(mount);
    // A mount shows up in mountinfo only where it is attached: in a mount namespace of a child.
    const pid_t child = ::fork();
    if (child == 0) {
        // The child of a threaded test: raw calls only.
        ::syscall(SYS_unshare, 0x00020000);                            // CLONE_NEWNS
        ::syscall(SYS_mount, "none", "/", nullptr, 0x44000, nullptr);  // MS_REC | MS_PRIVATE
        ::syscall(SYS_move_mount, mount->get(), "", AT_FDCWD, "/mnt",
                  4);  // MOVE_MOUNT_F_EMPTY_PATH
        const int info = ::open("/proc/self/mountinfo", O_RDONLY);
        static char text[1 << 20];
        ssize_t size = 0;
        for (ssize_t count = 0;
             (count = ::read(info, text + size, sizeof text - 1 - static_cast<size_t>(size))) >
             0;) {
            size += count;
        }
        const char* line = ::strstr(text, " /mnt ");
        ::_exit(line == nullptr ? 2 : ::strstr(line, root().c_str()) != nullptr ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0) << "1: paths are shown, 2: not mounted";
}

TEST_F(ImagesTest, AContainerKeepsTheLayersOfARemovedImage) {
    const TestImage image{.layers = {base_layer(), top_layer()}, .names = {kName}};
    bring(image);
    const ContainerId id(random_id());
    ASSERT_TRUE(insert(id, **store_->find("one")));
    const auto removed = store_->remove(image.id());
    ASSERT_TRUE(removed);
    EXPECT_THAT(removed->layers, IsEmpty());
    reopen();
    EXPECT_EQ(snapshots_->list(), std::vector<ContainerId>{id});
    {
        const auto mount = snapshots_->mount(id, {});
        ASSERT_TRUE(mount) << mount.error().text();
        EXPECT_EQ(read_in(*mount, "etc/new"), "top");
    }
    ASSERT_TRUE(erase(id));
    EXPECT_FALSE(snapshots_->mount(id, {}));
    EXPECT_THAT(files("containers"), IsEmpty());
    expect_nothing_left();
}

TEST_F(ImagesTest, NoContainerOnARemovedImage) {
    const TestImage image{.layers = {base_layer()}, .names = {kName}};
    bring(image);
    const ImagePtr held = *store_->find("one");
    ASSERT_TRUE(store_->remove(image.id()));
    auto transaction = database_->begin(CommitMode::kFull);
    const auto inserted = snapshots_->insert(*transaction, ContainerId("c"), *held);
    ASSERT_FALSE(inserted);
    EXPECT_EQ(inserted.error().kind(), Kind::kNotFound);
}

TEST_F(ImagesTest, ManyAtOnce) {
    const TestImage one{.layers = {base_layer(), top_layer()}, .comment = "1", .names = {kName}};
    const TestImage two{.layers = {base_layer(), top_layer()}, .comment = "2", .names = {kOther}};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 6; ++i) {
            threads.emplace_back([&, i] {
                for (int round = 0; round < 5; ++round) {
                    const TestImage& image = i % 2 == 0 ? one : two;
                    const auto result = bring_in(*store_, image);
                    EXPECT_TRUE(result) << result.error().text();
                    if (i > 3) {
                        (void)store_->remove(image.id());  // may be gone already
                    }
                }
            });
        }
    }
    bring(one);
    bring(two);
    EXPECT_EQ(files("layers").size(), 2U);
    const auto mount = snapshots_->mount_image(**store_->find("one"));
    ASSERT_TRUE(mount) << mount.error().text();
    EXPECT_EQ(read_in(*mount, "etc/os"), "base");
    ASSERT_TRUE(store_->remove(one.id()));
    ASSERT_TRUE(store_->remove(two.id()));
    expect_nothing_left();
}

TEST_F(ImagesTest, TheSweepDropsWhatNobodyKnows) {
    const TestImage image{.layers = {base_layer()}, .names = {kName}};
    bring(image);
    close();
    const std::string stray(64, 'f');
    std::filesystem::create_directories(path("layers/" + stray + "/diff"));
    std::ofstream(path("content/blobs/sha256/" + stray)) << "x";
    std::filesystem::create_directories(path("tmp/layer-old/diff"));
    std::filesystem::create_directories(path("trash/old"));
    open();
    store_->trash().drain();
    EXPECT_EQ(files("layers").size(), 1U);
    EXPECT_EQ(files("content/blobs/sha256").size(), 3U);
    EXPECT_THAT(files("tmp"), IsEmpty());
    EXPECT_THAT(files("trash"), IsEmpty());
    EXPECT_TRUE(store_->find("one"));
}

TEST_F(ImagesTest, AMissingLayerIsReportedAndHealed) {
    const TestImage image{.layers = {base_layer(), top_layer()}, .names = {kName}};
    bring(image);
    const std::string lost = (*store_->find("one"))->chain[0].str().substr(7);
    close();
    std::filesystem::remove_all(path("layers/" + lost));
    open();
    EXPECT_EQ(store_->notices().size(), 1U);
    EXPECT_FALSE(snapshots_->mount_image(**store_->find("one")));
    bring(image);
    EXPECT_TRUE(snapshots_->mount_image(**store_->find("one")));
    // An empty directory in its place is no layer, either.
    std::filesystem::remove_all(path("layers/" + lost));
    std::filesystem::create_directory(path("layers/" + lost));
    bring(image);
    const auto mount = snapshots_->mount_image(**store_->find("one"));
    ASSERT_TRUE(mount);
    EXPECT_EQ(read_in(*mount, "etc/os"), "base");
}

TEST_F(ImagesTest, ADamagedBlobIsNoticed) {
    const TestImage image{.layers = {base_layer()}, .names = {kName}};
    bring(image);
    const Digest layer = sha256(base_layer());
    close();
    std::ofstream(path("content/blobs/sha256/" + layer.str().substr(7)), std::ios::app) << "x";
    std::ofstream(path("content/blobs/sha256/" + image.id().str().substr(7)), std::ios::app) << "x";
    open();
    EXPECT_EQ(store_->count(), 0U);
    EXPECT_EQ(store_->notices().size(), 1U);
    bring(image);
    EXPECT_TRUE(store_->content().open_blob(layer, Verify::kCheck));
    EXPECT_EQ((*store_->find("one"))->id, image.id());
}

TEST_F(ImagesTest, ALostDatabaseCostsNoImage) {
    const TestImage one{.layers = {base_layer()}, .comment = "1", .names = {kName}};
    const TestImage two{.layers = {base_layer(), top_layer()}, .comment = "2", .names = {kOther}};
    const TestImage unnamed{.layers = {top_layer()}, .comment = "3"};
    bring(one);
    bring(two);
    bring(unnamed);
    const uint64_t size = (*store_->find("two:2"))->size;
    struct stat before{};
    const std::string diff = store_->layers().diff_path((*store_->find("one"))->chain[0]);
    ASSERT_EQ(::stat(diff.c_str(), &before), 0);
    close();
    std::filesystem::remove(path("gantry.db-wal"));
    std::ofstream(path("gantry.db"), std::ios::binary) << std::string(8192, 'x');
    open();
    EXPECT_EQ(store_->count(), 3U);
    EXPECT_EQ((*store_->find("one"))->id, one.id());
    EXPECT_EQ((*store_->find("two:2"))->size, size);
    EXPECT_TRUE(store_->get(unnamed.id()));
    // The directories are the same ones: a running container may stand on them.
    struct stat after{};
    ASSERT_EQ(::stat(diff.c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    reopen();
    EXPECT_EQ(store_->count(), 3U);
}

}  // namespace
}  // namespace gantry::store

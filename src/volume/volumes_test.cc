#include "volume/volumes.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "store/test_root_fake.h"
#include "sys/files.h"
#include "sys/xattrs.h"

namespace gantry::volume {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

const ContainerId kFirst(std::string(64, 'a'));
const ContainerId kSecond(std::string(64, 'b'));

class VolumesTest : public store::DataRootTest {
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

    void close() {
        volumes_.reset();
        trash_.reset();
        database_.reset();
    }
    void open() {
        close();
        take(store::Database::open(path("gantry.db")), database_);
        take(store::Trash::open(root()), trash_);
        take(Volumes::open(*database_, *trash_, root()), volumes_);
    }
    template <class T>
    static void take(Result<std::unique_ptr<T>> opened, std::unique_ptr<T>& place) {
        ASSERT_TRUE(opened) << opened.error().text();
        place = std::move(*opened);
    }

    Volumes& volumes() { return *volumes_; }
    VolumePtr create(const std::string& name) {
        const auto created = volumes().create({.name = name, .labels = {}, .options = {}});
        EXPECT_TRUE(created) << created.error().text();
        return created ? created->volume : nullptr;
    }
    std::string refusal(const VolumeRequest& request) {
        const auto created = volumes().create(request);
        return created ? "accepted" : created.error().text();
    }
    Result<> commit(Claims& claims) {
        GT_TRY_VAR(transaction, database_->begin(store::CommitMode::kFull));
        GT_TRY(claims.insert(transaction));
        GT_TRY(transaction.commit());
        claims.keep();
        return {};
    }
    size_t directories() const {
        const auto names = sys::list_dir(AT_FDCWD, path("volumes").c_str());
        return names ? names->size() : 0;
    }

    std::unique_ptr<store::Database> database_;
    std::unique_ptr<store::Trash> trash_;
    std::unique_ptr<Volumes> volumes_;
};

TEST_F(VolumesTest, OutliveTheDaemon) {
    const auto made = volumes().create(
        {.name = "kept", .labels = {{"k", "v"}}, .options = {{"type", "tmpfs"}, {"device", "x"}}});
    ASSERT_TRUE(made) << made.error().text();
    EXPECT_TRUE(made->is_new);
    EXPECT_FALSE(volumes().create({.name = "kept", .labels = {}, .options = {}})->is_new);
    open();
    const auto found = volumes().find("kept");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->volume->id, made->volume->id);
    EXPECT_EQ(found->volume->labels, made->volume->labels);
    EXPECT_EQ(found->volume->options, made->volume->options);
    EXPECT_EQ(found->volume->created, made->volume->created);
    struct stat status{};
    ASSERT_EQ(::stat(volumes().data_path(made->volume->id).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0755U);
}

TEST_F(VolumesTest, RefuseInDockersWords) {
    EXPECT_THAT(
        refusal({.name = "a/b", .labels = {}, .options = {}}),
        HasSubstr("create a/b: \"a/b\" includes invalid characters for a local volume name"));
    EXPECT_THAT(refusal({.name = "x", .labels = {}, .options = {}}),
                HasSubstr("volume name is too short"));
    EXPECT_THAT(refusal({.name = std::string(300, 'x'), .labels = {}, .options = {}}),
                HasSubstr("includes invalid characters"));
    EXPECT_EQ(refusal({.name = "xx", .labels = {}, .options = {{"foo", "1"}}}),
              "create xx: invalid option: \"foo\"");
    EXPECT_EQ(refusal({.name = "xx", .labels = {}, .options = {{"o", "ro"}}}),
              "create xx: missing required option: \"device\"");
    EXPECT_EQ(refusal({.name = "xx", .labels = {}, .options = {{"type", "tmpfs"}}}),
              "create xx: missing required option: \"device\"");
    EXPECT_THAT(refusal({.name = "xx", .labels = {}, .options = {{"size", "10m"}}}),
                HasSubstr("no quota support"));
    EXPECT_EQ(volumes().find("xx").error().text(), "get xx: no such volume");
    EXPECT_EQ(directories(), 0U);
}

TEST_F(VolumesTest, OneInUseStays) {
    const VolumePtr volume = create("used");
    volumes().hold(kFirst, {volume->id});
    volumes().hold(kSecond, {volume->id});
    const auto refused = volumes().remove("used");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), Kind::kConflict);
    EXPECT_EQ(refused.error().text(),
              "remove used: volume is in use - [" + kFirst.str() + ", " + kSecond.str() + "]");
    volumes().hold(kFirst, {});
    volumes().hold(kSecond, {});
    EXPECT_TRUE(volumes().remove("used"));
    EXPECT_EQ(volumes().remove("used").error().kind(), Kind::kNotFound);
    EXPECT_EQ(directories(), 0U);
    open();
    EXPECT_TRUE(volumes().list().empty());
}

TEST_F(VolumesTest, ARenameMovesNothing) {
    const VolumePtr volume = create("old");
    create("other");
    volumes().hold(kFirst, {volume->id});
    EXPECT_EQ(volumes().rename("old", "other").error().kind(), Kind::kConflict);
    EXPECT_EQ(volumes().rename("nosuch", "new").error().kind(), Kind::kNotFound);
    EXPECT_EQ(volumes().rename("old", "n/w").error().kind(), Kind::kInvalid);
    const auto renamed = volumes().rename("old", "new");
    ASSERT_TRUE(renamed) << renamed.error().text();
    EXPECT_EQ((*renamed)->id, volume->id);
    EXPECT_FALSE(volumes().find("old"));
    EXPECT_EQ(volumes().find("new")->users.size(), 1U);
    open();
    EXPECT_EQ(volumes().find("new")->volume->id, volume->id);
    EXPECT_EQ(create("old")->name, "old");
}

TEST_F(VolumesTest, ClaimsThatAreNotKeptLeaveNothing) {
    create("there");
    {
        Claims claims(volumes(), kFirst);
        const VolumeRequest wanted[] = {{.name = "there", .labels = {}, .options = {}},
                                        {.name = "", .labels = {}, .options = {}},
                                        {.name = "fresh", .labels = {}, .options = {}},
                                        {.name = "fresh", .labels = {}, .options = {}}};
        const auto taken = claims.take(wanted);
        ASSERT_TRUE(taken) << taken.error().text();
        EXPECT_EQ((*taken)[2], (*taken)[3]);
        EXPECT_EQ(claims.made().size(), 2U);
        // Nobody sees what is not there yet; nobody removes what is claimed.
        EXPECT_FALSE(volumes().find("fresh"));
        EXPECT_EQ(volumes().remove("there").error().kind(), Kind::kConflict);
    }
    EXPECT_EQ(volumes().list().size(), 1U);
    EXPECT_EQ(directories(), 1U);
    EXPECT_TRUE(volumes().remove("there"));
}

TEST_F(VolumesTest, ClaimsThatAreKeptStay) {
    {
        Claims claims(volumes(), kFirst);
        const VolumeRequest wanted[] = {{.name = "fresh", .labels = {}, .options = {}}};
        ASSERT_TRUE(claims.take(wanted));
        ASSERT_TRUE(commit(claims));
    }
    EXPECT_EQ(volumes().find("fresh")->users.size(), 1U);
    {
        // Another claim of the same container, given up, takes nothing away.
        Claims claims(volumes(), kFirst);
        ASSERT_TRUE(claims.share(volumes().find("fresh")->volume->id));
    }
    EXPECT_EQ(volumes().find("fresh")->users.size(), 1U);
}

TEST_F(VolumesTest, TwoWhoMakeTheSameWaitForEachOther) {
    for (int round = 0; round < 50; ++round) {
        std::atomic<int> made = 0;
        const auto work = [&](const ContainerId& container, bool reverse) {
            Claims claims(volumes(), container);
            std::vector<VolumeRequest> wanted = {{.name = "aa", .labels = {}, .options = {}},
                                                 {.name = "bb", .labels = {}, .options = {}}};
            if (reverse) {
                std::swap(wanted[0], wanted[1]);
            }
            EXPECT_TRUE(claims.take(wanted));
            made += static_cast<int>(claims.made().size());
            EXPECT_TRUE(commit(claims));
        };
        std::thread one([&] { work(kFirst, false); });
        std::thread two([&] { work(kSecond, true); });
        one.join();
        two.join();
        EXPECT_EQ(made, 2);
        volumes().hold(kFirst, {});
        volumes().hold(kSecond, {});
        EXPECT_TRUE(volumes().remove("aa"));
        EXPECT_TRUE(volumes().remove("bb"));
    }
}

TEST_F(VolumesTest, RemovalTakesOnlyWhatNobodyElseUses) {
    const VolumePtr mine = create("mine");
    const VolumePtr shared = create("shared");
    volumes().hold(kFirst, {mine->id, shared->id});
    volumes().hold(kSecond, {shared->id});
    const VolumeId wanted[] = {mine->id, shared->id, mine->id};
    {
        const Removal given_up(volumes(), kFirst, wanted);
    }
    EXPECT_EQ(volumes().list().size(), 2U);
    {
        Removal removal(volumes(), kFirst, wanted);
        auto transaction = database_->begin(store::CommitMode::kFull);
        ASSERT_TRUE(removal.erase(*transaction));
        ASSERT_TRUE(transaction->commit());
        EXPECT_EQ(removal.finish().size(), 1U);
    }
    open();
    ASSERT_EQ(volumes().list().size(), 1U);
    EXPECT_EQ(volumes().list()[0].volume->name, "shared");
}

TEST_F(VolumesTest, TheBootSweepsOrphans) {
    const VolumePtr kept = create("kept");
    fs::create_directories(path("volumes/" + std::string(64, 'e') + "/_data"));
    fs::create_directories(path("volumes/" + kept->id.str() + "/_copy/content/x"));
    fs::create_directories(path("volumes/not-ours"));
    open();
    EXPECT_FALSE(fs::exists(path("volumes/" + std::string(64, 'e'))));
    EXPECT_FALSE(fs::exists(path("volumes/" + kept->id.str() + "/_copy")));
    EXPECT_TRUE(fs::exists(path("volumes/not-ours")));
    EXPECT_TRUE(fs::exists(volumes().data_path(kept->id)));
}

class CopyUpTest : public VolumesTest {
protected:
    void SetUp() override {
        VolumesTest::SetUp();
        if (IsSkipped()) {
            return;
        }
        const std::string source = path("source");
        fs::create_directories(source + "/dir/deep");
        std::ofstream(source + "/file") << "content";
        std::ofstream(source + "/dir/script") << "run";
        ASSERT_EQ(::chmod((source + "/dir/script").c_str(), 04711), 0);
        ASSERT_EQ(::lchown((source + "/dir").c_str(), 7, 8), 0);
        ASSERT_EQ(::chmod((source + "/dir").c_str(), 01777), 0);
        ASSERT_EQ(::link((source + "/file").c_str(), (source + "/dir/linked").c_str()), 0);
        ASSERT_EQ(::symlink("/etc/passwd", (source + "/link").c_str()), 0);
        ASSERT_EQ(::mkfifo((source + "/fifo").c_str(), 0600), 0);
        ASSERT_EQ(::truncate((source + "/dir/script").c_str(), 1 << 30), 0);
        ASSERT_EQ(::chown(source.c_str(), 1000, 1001), 0);
        ASSERT_EQ(::chmod(source.c_str(), 0750), 0);
        source_.reset(::open(source.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const UniqueFd file(::open((source + "/file").c_str(), O_PATH | O_CLOEXEC));
        ASSERT_TRUE(sys::set_xattr(file.get(), "trusted.kept", "x"));
    }
    void check(const std::string& data) {
        struct stat root{};
        struct stat script{};
        struct stat one{};
        struct stat two{};
        struct stat dir{};
        ASSERT_EQ(::stat(data.c_str(), &root), 0);
        EXPECT_EQ(root.st_mode & 07777, 0750U);
        EXPECT_EQ(root.st_uid, 1000U);
        EXPECT_EQ(root.st_gid, 1001U);
        ASSERT_EQ(::lstat((data + "/dir").c_str(), &dir), 0);
        EXPECT_EQ(dir.st_mode & 07777, 01777U);
        EXPECT_EQ(dir.st_uid, 7U);
        ASSERT_EQ(::lstat((data + "/dir/script").c_str(), &script), 0);
        EXPECT_EQ(script.st_mode & 07777, 04711U);
        EXPECT_EQ(script.st_size, 1 << 30);
        EXPECT_LT(script.st_blocks, 1000);
        ASSERT_EQ(::lstat((data + "/file").c_str(), &one), 0);
        ASSERT_EQ(::lstat((data + "/dir/linked").c_str(), &two), 0);
        EXPECT_EQ(one.st_ino, two.st_ino);
        EXPECT_EQ(fs::read_symlink(data + "/link"), "/etc/passwd");
        EXPECT_TRUE(fs::is_fifo(data + "/fifo"));
        const UniqueFd file(::open((data + "/file").c_str(), O_PATH | O_CLOEXEC));
        const auto attribute = sys::get_xattr(file.get(), "trusted.kept");
        EXPECT_TRUE(attribute && *attribute == "x");
        std::string text;
        std::ifstream(data + "/file") >> text;
        EXPECT_EQ(text, "content");
    }

    UniqueFd source_;
};

TEST_F(CopyUpTest, FillsAnEmptyVolumeOnce) {
    const VolumePtr volume = create("filled");
    const auto copied = volumes().copy_up(volume->id, source_.get());
    ASSERT_TRUE(copied) << copied.error().text();
    check(volumes().data_path(volume->id));
    fs::remove(volumes().data_path(volume->id) + "/file");
    ASSERT_TRUE(volumes().copy_up(volume->id, source_.get()));
    EXPECT_FALSE(fs::exists(volumes().data_path(volume->id) + "/file"));
    EXPECT_FALSE(fs::exists(path("volumes/" + volume->id.str() + "/_copy")));
}

TEST_F(CopyUpTest, KeepsTheDirectoryThatOthersHaveMounted) {
    const VolumePtr volume = create("shared");
    ASSERT_TRUE(volumes().mount(volume->id, kFirst));
    const UniqueFd seen(
        ::open(volumes().data_path(volume->id).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(volumes().copy_up(volume->id, source_.get()));
    check("/proc/self/fd/" + std::to_string(seen.get()) + "/.");
}

TEST_F(CopyUpTest, AClaimIsFilledBeforeItIsSeen) {
    Claims claims(volumes(), kFirst);
    const VolumeRequest wanted[] = {{.name = "", .labels = {}, .options = {}}};
    const auto taken = claims.take(wanted);
    ASSERT_TRUE(taken);
    ASSERT_TRUE(volumes().copy_up(taken->front()->id, source_.get()));
    ASSERT_TRUE(commit(claims));
    check(volumes().data_path(taken->front()->id));
}

class DriverMountTest : public VolumesTest {
protected:
    static bool is_mounted(const std::string& directory) {
        struct stat here{};
        struct stat above{};
        return ::stat(directory.c_str(), &here) == 0 &&
               ::stat((directory + "/..").c_str(), &above) == 0 && here.st_dev != above.st_dev;
    }
};

TEST_F(DriverMountTest, ComesWithTheFirstAndGoesWithTheLast) {
    const auto made = volumes().create(
        {.name = "ram",
         .labels = {},
         .options = {{"type", "tmpfs"}, {"device", "tmpfs"}, {"o", "size=1m,uid=77,noexec"}}});
    ASSERT_TRUE(made) << made.error().text();
    const VolumeId id = made->volume->id;
    const std::string data = volumes().data_path(id);
    EXPECT_FALSE(is_mounted(data));
    ASSERT_TRUE(volumes().mount(id, kFirst));
    ASSERT_TRUE(volumes().mount(id, kSecond));
    struct stat status{};
    ASSERT_EQ(::stat(data.c_str(), &status), 0);
    EXPECT_TRUE(is_mounted(data));
    EXPECT_EQ(status.st_uid, 77U);
    ASSERT_TRUE(volumes().unmount(id, kFirst));
    EXPECT_TRUE(is_mounted(data));
    // A daemon that dies leaves it to the containers that run on.
    open();
    volumes().adopt_mount(id, kSecond);
    EXPECT_TRUE(volumes().sweep_mounts().empty());
    EXPECT_TRUE(is_mounted(data));
    ASSERT_TRUE(volumes().unmount(id, kSecond));
    EXPECT_FALSE(is_mounted(data));
}

TEST_F(DriverMountTest, BootUnmountsWhatNobodyUses) {
    const auto made = volumes().create(
        {.name = "ram", .labels = {}, .options = {{"type", "tmpfs"}, {"device", "tmpfs"}}});
    ASSERT_TRUE(volumes().mount(made->volume->id, kFirst));
    open();
    EXPECT_TRUE(volumes().sweep_mounts().empty());
    EXPECT_FALSE(is_mounted(volumes().data_path(made->volume->id)));
}

TEST_F(DriverMountTest, NobodysFilesGoWithTheVolume) {
    fs::create_directories(path("host"));
    std::ofstream(path("host/precious")) << "x";
    const auto made =
        volumes().create({.name = "bound",
                          .labels = {},
                          .options = {{"type", "none"}, {"device", path("host")}, {"o", "bind"}}});
    ASSERT_TRUE(volumes().mount(made->volume->id, kFirst));
    EXPECT_TRUE(fs::exists(volumes().data_path(made->volume->id) + "/precious"));
    ASSERT_TRUE(volumes().remove("bound"));
    trash_->drain();
    EXPECT_TRUE(fs::exists(path("host/precious")));
    EXPECT_EQ(directories(), 0U);
}

TEST_F(DriverMountTest, WhatCannotBeMountedSaysWhy) {
    const auto made = volumes().create(
        {.name = "bad", .labels = {}, .options = {{"type", "nosuchfs"}, {"device", "x"}}});
    ASSERT_TRUE(made);
    const auto mounted = volumes().mount(made->volume->id, kFirst);
    ASSERT_FALSE(mounted);
    EXPECT_THAT(mounted.error().text(), HasSubstr("failed to mount local volume"));
}

}  // namespace
}  // namespace gantry::volume

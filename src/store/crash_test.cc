// Kills a process at every failpoint of a row of changes, and looks at what the next start finds:
// the state before or after the change at hand, and nothing left behind (reliability R01).

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <tuple>

#include "base/failpoint.h"
#include "store/image_fake.h"
#include "store/snapshots.h"
#include "store/test_root_fake.h"

namespace gantry::store {
namespace {

constexpr const char* kExtra = "docker.io/library/extra:latest";

TestImage image_one() {
    return {.layers = {base_layer()}, .comment = "1", .names = {"docker.io/library/one:latest"}};
}
TestImage image_two() {
    return {.layers = {base_layer(), top_layer()},
            .comment = "2",
            .names = {"docker.io/library/two:latest"}};
}
const ContainerId kContainer(std::string(64, 'c'));

struct Stores {
    std::unique_ptr<Database> database;
    std::unique_ptr<ImageStore> images;
    std::unique_ptr<Snapshots> snapshots;

    static Result<Stores> open(const std::string& root) {
        Stores stores;
        GT_TRY_VAR(database, Database::open(root + "/gantry.db"));
        stores.database = std::move(database);
        GT_TRY_VAR(images, ImageStore::open(*stores.database, root));
        stores.images = std::move(images);
        GT_TRY_VAR(snapshots, Snapshots::open(*stores.database, *stores.images, root));
        stores.snapshots = std::move(snapshots);
        return stores;
    }

    Result<> insert() {
        GT_TRY_VAR(image, images->get(image_two().id()));
        GT_TRY(snapshots->make_directories(kContainer, *image));
        GT_TRY_VAR(transaction, database->begin(CommitMode::kFull));
        GT_TRY(snapshots->insert(transaction, kContainer, *image));
        return transaction.commit();
    }
    Result<> erase() {
        {
            GT_TRY_VAR(transaction, database->begin(CommitMode::kFull));
            GT_TRY(snapshots->erase(transaction, kContainer));
            GT_TRY(transaction.commit());
        }
        return snapshots->discard(kContainer);
    }
};

Result<> without_value(const auto& result) {
    if (!result) {
        return fail(result.error().kind(), result.error().text());
    }
    return {};
}

/// What can be seen: are image one, image two, the extra name and the container there?
using State = std::tuple<bool, bool, bool, bool>;

struct Change {
    std::function<Result<>(Stores&)> make;
    State after;
};

const std::vector<Change>& changes() {
    static const std::vector<Change> kChanges = {
        {[](Stores& s) { return without_value(bring_in(*s.images, image_one())); },
         {true, false, false, false}},
        {[](Stores& s) { return without_value(bring_in(*s.images, image_two())); },
         {true, true, false, false}},
        {[](Stores& s) { return without_value(s.images->tag(image_one().id(), kExtra)); },
         {true, true, true, false}},
        {[](Stores& s) { return s.images->untag(kExtra); }, {true, true, false, false}},
        {[](Stores& s) { return s.insert(); }, {true, true, false, true}},
        {[](Stores& s) { return without_value(s.images->remove(image_two().id())); },
         {true, false, false, true}},
        {[](Stores& s) { return s.erase(); }, {true, false, false, false}},
        {[](Stores& s) { return without_value(s.images->remove(image_one().id())); },
         {false, false, false, false}},
    };
    return kChanges;
}

State state_after(size_t count) {
    return count == 0 ? State{} : changes()[count - 1].after;
}

State observe(const Stores& stores) {
    return {stores.images->find("one").has_value(), stores.images->find("two").has_value(),
            stores.images->find("extra").has_value(), !stores.snapshots->list().empty()};
}

/// Runs in a process of its own: makes all changes and counts those that returned in a file.
TEST(CrashWorker, DISABLED_MakesAllChanges) {
    const std::string root = std::getenv("GANTRY_CRASH_ROOT");
    auto stores = Stores::open(root);
    ASSERT_TRUE(stores) << stores.error().text();
    std::ofstream acknowledged(root + "/acknowledged");
    for (const Change& change : changes()) {
        const auto made = change.make(*stores);
        ASSERT_TRUE(made) << made.error().text();
        acknowledged << '.' << std::flush;
    }
    stores->images->trash().drain();
    std::ofstream(root + "/passed") << failpoints_passed();
}

/// In memory: a kill loses nothing that was written, so the many syncs need not reach a disk.
class CrashTest : public DataRootTest {
protected:
    CrashTest() : DataRootTest("/dev/shm") {}

    /// The worker's wait status with the failpoints SETTING.
    int run_worker(const std::string& setting) {
        const std::string filter = "--gtest_filter=CrashWorker.DISABLED_MakesAllChanges";
        const char* const arguments[] = {"store_test", "--gtest_also_run_disabled_tests",
                                         "--gtest_brief=1", filter.c_str(), nullptr};
        const std::string points = "GANTRY_FAILPOINTS=" + setting;
        const std::string where = "GANTRY_CRASH_ROOT=" + root();
        const char* const environment[] = {points.c_str(), where.c_str(), nullptr};
        posix_spawn_file_actions_t quiet;
        posix_spawn_file_actions_init(&quiet);
        posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
        pid_t pid = 0;
        EXPECT_EQ(::posix_spawn(&pid, "/proc/self/exe", &quiet, nullptr,
                                const_cast<char* const*>(arguments),
                                const_cast<char* const*>(environment)),
                  0);
        posix_spawn_file_actions_destroy(&quiet);
        int status = 0;
        EXPECT_EQ(::waitpid(pid, &status, 0), pid);
        return status;
    }

    size_t file_size(const std::string& name) {
        std::error_code error;
        const auto size = std::filesystem::file_size(path(name), error);
        return error ? 0 : size;
    }

    void expect_empty(const std::string& below, const std::string& when) {
        for (const auto& entry : std::filesystem::directory_iterator(path(below))) {
            EXPECT_EQ(entry.path().filename(), "empty") << below << " " << when;
        }
    }

    /// After the worker's end: the state is right, every image whole, and all changes can be made
    /// from here on, after which nothing is left.
    void check(const std::string& when) {
        const size_t acknowledged = file_size("acknowledged");
        auto stores = Stores::open(root());
        ASSERT_TRUE(stores) << when << ": " << stores.error().text();
        EXPECT_TRUE(stores->images->notices().empty()) << when;
        const State now = observe(*stores);
        EXPECT_TRUE(now == state_after(acknowledged) ||
                    (acknowledged < changes().size() && now == state_after(acknowledged + 1)))
            << when << ", acknowledged " << acknowledged;
        for (const ImagePtr& image : stores->images->list()) {
            EXPECT_TRUE(stores->snapshots->mount_image(*image)) << when;
            for (const spec::oci::Descriptor& blob : image->blobs) {
                EXPECT_TRUE(stores->images->content().open_blob(blob.digest, Verify::kCheck))
                    << when;
            }
        }
        if (std::get<3>(now)) {
            EXPECT_TRUE(stores->snapshots->mount(kContainer, {})) << when;
            EXPECT_TRUE(stores->erase()) << when;
        }
        for (const TestImage& image : {image_one(), image_two()}) {
            const auto again = bring_in(*stores->images, image);
            EXPECT_TRUE(again) << when << ": " << again.error().text();
        }
        for (const TestImage& image : {image_one(), image_two()}) {
            EXPECT_TRUE(stores->images->remove(image.id())) << when;
        }
        (void)stores->snapshots->discard(kContainer);
        stores->images->trash().drain();
        for (const char* below : {"layers", "content/blobs/sha256", "tmp", "trash", "containers"}) {
            expect_empty(below, when);
        }
    }

    void clean() {
        for (const auto& entry : std::filesystem::directory_iterator(root())) {
            std::filesystem::remove_all(entry.path());
        }
    }

    unsigned count_points() {
        EXPECT_EQ(run_worker("*=kill@1000000"), 0);
        unsigned passed = 0;
        std::ifstream(path("passed")) >> passed;
        clean();
        return passed;
    }
};

TEST_F(CrashTest, KilledAtEveryPoint) {
    const unsigned points = count_points();
    ASSERT_GT(points, 50U);
    for (unsigned point = 1; point <= points; ++point) {
        const int status = run_worker("*=kill@" + std::to_string(point));
        ASSERT_TRUE(WIFSIGNALED(status)) << point;
        check("killed at point " + std::to_string(point));
        clean();
    }
}

TEST_F(CrashTest, FailedAtEveryPoint) {
    const unsigned points = count_points();
    for (unsigned point = 1; point <= points; ++point) {
        const int status = run_worker("*=error@" + std::to_string(point));
        ASSERT_TRUE(WIFEXITED(status)) << point;
        check("failed at point " + std::to_string(point));
        clean();
    }
}

}  // namespace
}  // namespace gantry::store

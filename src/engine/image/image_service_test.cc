#include "engine/image/image_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "engine/event/event_bus.h"
#include "spec/api/image.h"
#include "spec/api/progress.h"
#include "spec/filters.h"
#include "store/content.h"
#include "store/database.h"
#include "store/tar_fake.h"
#include "store/test_root_fake.h"

namespace gantry::engine {
namespace {

using store::TarFake;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class ImageServiceTest : public store::DataRootTest {
protected:
    void SetUp() override {
        DataRootTest::SetUp();
        if (IsSkipped()) {
            return;
        }
        open();
        subscription_ = events_.subscribe({}, [this](const spec::EventMessage& event) {
            actions_.push_back(event.action);
            return true;
        });
    }

    void TearDown() override {
        // ORDER: the store deletes in the background; the directory goes after it.
        close();
        DataRootTest::TearDown();
    }

    void close() {
        service_.reset();
        store_.reset();
        database_.reset();
    }

    void open() {
        close();
        auto database = store::Database::open(path("gantry.db"));
        ASSERT_TRUE(database);
        database_ = std::move(*database);
        auto images = store::ImageStore::open(*database_, root());
        ASSERT_TRUE(images) << images.error().text();
        store_ = std::move(*images);
        service_ = std::make_unique<ImageService>(*store_, events_, [this] { return users_; });
    }

    Result<> load(const std::string& archive,
                  const ImageLoadOptions& options = {.quiet = true, .platform = ""}) {
        return service_->load(read_from_memory(archive), options, sink());
    }
    ProgressSink sink() {
        return [this](const spec::ProgressMessage& message) -> Result<> {
            lines_.push_back(message.stream.empty() ? message.status : message.stream);
            return {};
        };
    }
    std::string save(const std::vector<std::string>& refs) {
        std::string bytes;
        const auto saved = service_->save(refs, [&](std::string_view piece) -> Result<> {
            bytes += piece;
            return {};
        });
        EXPECT_TRUE(saved) << saved.error().text();
        return bytes;
    }
    std::vector<spec::ImageSummary> list(const std::string& filters = "") {
        const auto parsed = spec::Filters::parse(filters);
        EXPECT_TRUE(parsed);
        auto images = service_->list({}, *parsed);
        EXPECT_TRUE(images) << images.error().text();
        return images ? *images : std::vector<spec::ImageSummary>();
    }

    /// The digest that the store gives BYTES: the tests' own way to hash.
    std::string digest_of(const std::string& bytes) {
        return store_->content().stage(bytes)->digest().str();
    }
    std::string hex_of(const std::string& bytes) { return digest_of(bytes).substr(7); }

    /// One step of history for each layer and one without.
    std::string config(const std::vector<std::string>& layers) {
        std::string diff_ids;
        std::string history;
        for (const std::string& layer : layers) {
            diff_ids += (diff_ids.empty() ? "\"" : ",\"") + digest_of(layer) + "\"";
            history += R"({"created":"2026-01-02T03:04:05Z","created_by":"ADD x"},)";
        }
        return R"({"architecture":"amd64","os":"linux","created":"2026-01-02T03:04:05.5Z",)"
               R"("config":{"Cmd":["sh"],"Labels":{"color":"blue"}},"history":[)" +
               history + R"({"created_by":"CMD sh","empty_layer":true}],)" +
               R"("rootfs":{"type":"layers","diff_ids":[)" + diff_ids + "]}}";
    }

    std::unique_ptr<store::Database> database_;
    std::unique_ptr<store::ImageStore> store_;
    EventBus events_;
    std::vector<ImageUser> users_;
    std::unique_ptr<ImageService> service_;
    std::vector<std::string> lines_;
    std::vector<std::string> actions_;
    EventBus::Subscription subscription_;

    const std::string layer_one_ = TarFake().file("one", "11111").str();
    const std::string layer_two_ = TarFake().file("two", "2222222").str();
};

TEST_F(ImageServiceTest, LoadsTheOldForm) {
    // docker 20.10: <id>/layer.tar, a repeated layer as a symbolic link, junk beside it.
    const std::string json = config({layer_one_, layer_two_});
    TarFake archive;
    archive.directory("aa").file("aa/VERSION", "1.0").file("aa/json", "{}");
    archive.file("aa/layer.tar", layer_one_).file("real/layer.tar", layer_two_);
    archive.symlink("bb/layer.tar", "../real/layer.tar");
    archive.file(hex_of(json) + ".json", json);
    archive.file("manifest.json", R"([{"Config":")" + hex_of(json) +
                                      R"(.json","RepoTags":["x:1","quay.io/y:2"],)"
                                      R"("Layers":["aa/layer.tar","bb/layer.tar"]}])");
    archive.file("repositories", "{}");
    const auto loaded = load(archive.str());
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_THAT(lines_, ElementsAre("Loaded image: x:1\n", "Loaded image: quay.io/y:2\n"));
    EXPECT_THAT(actions_, ElementsAre("load"));
    const auto image = service_->inspect("x:1");
    ASSERT_TRUE(image);
    EXPECT_EQ(image->id, digest_of(json));
    EXPECT_THAT(image->repo_tags, ElementsAre("quay.io/y:2", "x:1"));
    EXPECT_THAT(image->repo_digests, IsEmpty());
    EXPECT_EQ(image->size, 12);
    EXPECT_EQ(image->config.cmd, std::vector<std::string>{"sh"});
    EXPECT_THAT(image->root_fs.layers, ElementsAre(digest_of(layer_one_), digest_of(layer_two_)));
    EXPECT_EQ(image->graph_driver->data.count("UpperDir"), 1U);
}

TEST_F(ImageServiceTest, ReportsLayersAndUnnamedImages) {
    const std::string json = config({layer_one_});
    TarFake archive;
    archive.file("c.json", json).file("l.tar", layer_one_);
    archive.file("manifest.json", R"([{"Config":"c.json","RepoTags":null,"Layers":["l.tar"]}])");
    ASSERT_TRUE(load(archive.str(), {}));
    EXPECT_EQ(lines_.front(), "Loading layer");
    EXPECT_EQ(lines_.back(), "Loaded image ID: " + digest_of(json) + "\n");
}

TEST_F(ImageServiceTest, SaveAndLoadGiveTheSameBytes) {
    const std::string json = config({layer_one_, layer_two_});
    TarFake archive;
    archive.file("c.json", json).file("1", layer_one_).file("2", layer_two_);
    archive.file("manifest.json",
                 R"([{"Config":"c.json","RepoTags":["x:1","x:2"],"Layers":["1","2"]}])");
    ASSERT_TRUE(load(archive.str()));
    const std::string saved = save({"x:1"});
    const std::string both = save({"x"});
    EXPECT_NE(saved, both);
    EXPECT_EQ(save({"x:1", "x:2"}), both);
    ASSERT_TRUE(service_->remove("x:1", {}));
    ASSERT_TRUE(service_->remove("x:2", {}));
    ASSERT_TRUE(list().empty());
    lines_.clear();
    ASSERT_TRUE(load(both));
    EXPECT_THAT(lines_, ElementsAre("Loaded image: x:1\n", "Loaded image: x:2\n"));
    EXPECT_EQ(service_->inspect("x:2")->id, digest_of(json));
    EXPECT_EQ(save({"x"}), both);
    open();
    EXPECT_EQ(save({"x"}), both);
    EXPECT_EQ(save({"x:1"}), saved);
    // By id it goes without names.
    const std::string nameless = save({digest_of(json)});
    ASSERT_TRUE(service_->remove("x:1", {}));
    ASSERT_TRUE(service_->remove("x:2", {}));
    lines_.clear();
    ASSERT_TRUE(load(nameless));
    EXPECT_THAT(lines_, ElementsAre("Loaded image ID: " + digest_of(json) + "\n"));
}

TEST_F(ImageServiceTest, SaveOfNothingWritesNothing) {
    int pieces = 0;
    const std::vector<std::string> refs{"nosuch"};
    const auto saved = service_->save(refs, [&](std::string_view) -> Result<> {
        ++pieces;
        return {};
    });
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().text(), "No such image: nosuch:latest");
    EXPECT_EQ(pieces, 0);
}

TEST_F(ImageServiceTest, LoadsOciLayouts) {
    const std::string json = config({layer_one_});
    const auto descriptor = [&](const std::string& bytes, const std::string& type,
                                const std::string& extra = "") {
        return R"({"mediaType":")" + type + R"(","digest":")" + digest_of(bytes) + R"(","size":)" +
               std::to_string(bytes.size()) + extra + "}";
    };
    const std::string manifest =
        R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" +
        descriptor(json, "application/vnd.oci.image.config.v1+json") + R"(,"layers":[)" +
        descriptor(layer_one_, "application/vnd.oci.image.layer.v1.tar") + "]}";
    const std::string other = R"({"schemaVersion":2})";
    const std::string nested =
        R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
        descriptor(other, "application/vnd.oci.image.manifest.v1+json",
                   R"(,"platform":{"architecture":"s390x","os":"linux"})") +
        "," +
        descriptor(manifest, "application/vnd.oci.image.manifest.v1+json",
                   R"(,"platform":{"architecture":"amd64","os":"linux"})") +
        "]}";
    const std::string index =
        R"({"schemaVersion":2,"manifests":[)" +
        descriptor(nested, "application/vnd.oci.image.index.v1+json",
                   R"(,"annotations":{"io.containerd.image.name":"docker.io/library/o:1"})") +
        "," +
        descriptor(manifest, "application/vnd.oci.image.manifest.v1+json",
                   R"(,"annotations":{"org.opencontainers.image.ref.name":"latest"})") +
        "]}";
    TarFake archive;
    for (const std::string& blob : {json, layer_one_, manifest, nested}) {
        archive.file("blobs/sha256/" + hex_of(blob), blob);
    }
    archive.file("index.json", index).file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    const auto loaded = load(archive.str(), {.quiet = true, .platform = "linux/amd64"});
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_THAT(lines_, ElementsAre("Loaded image: o:1\n"));
    EXPECT_THAT(save({"o:1"}), HasSubstr(manifest));
    const auto none = load(archive.str(), {.quiet = true, .platform = "linux/riscv64"});
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().text(), HasSubstr("linux/riscv64"));
}

TEST_F(ImageServiceTest, BadArchivesAreRefusedAndLeaveNothing) {
    const std::string json = config({layer_one_});
    const auto manifest = [](const std::string& text) {
        return TarFake().file("manifest.json", text);
    };
    TarFake wrong_layer = manifest(R"([{"Config":"c","Layers":["l"]}])");
    wrong_layer.file("c", json).file("l", layer_two_);
    TarFake too_few = manifest(R"([{"Config":"c","Layers":[]}])");
    too_few.file("c", json);
    TarFake wrong_name = manifest("[]");
    wrong_name.file("blobs/sha256/" + std::string(64, 'a'), "x");
    TarFake escape = manifest(R"([{"Config":"../../../etc/passwd","Layers":[]}])");
    TarFake loop = manifest(R"([{"Config":"loop","Layers":[]}])");
    loop.symlink("loop", "loop");
    TarFake bad_tag = manifest(R"([{"Config":"c","RepoTags":["UPPER:x"],"Layers":["l"]}])");
    bad_tag.file("c", json).file("l", layer_one_);
    TarFake bad_config = manifest(R"([{"Config":"c","Layers":[]}])");
    bad_config.file("c", "{]");
    for (const std::string& archive :
         {wrong_layer.str(), too_few.str(), wrong_name.str(), escape.str(), loop.str(),
          bad_tag.str(), bad_config.str(), manifest("{").str(), manifest("{}").str(),
          TarFake().file("other", "x").str(), std::string("no tar"), std::string(),
          wrong_layer.str().substr(0, 700)}) {
        const auto refused = load(archive);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind(), Kind::kInvalid) << refused.error().text();
    }
    store_->trash().drain();
    EXPECT_TRUE(list().empty());
    EXPECT_THAT(lines_, IsEmpty());
    EXPECT_TRUE(store_->content().list()->empty());
    EXPECT_TRUE(store_->layers().list()->empty());
    EXPECT_TRUE(std::filesystem::is_empty(path("tmp")));
}

TEST_F(ImageServiceTest, AClientThatLeavesEndsTheLoad) {
    const std::string json = config({layer_one_});
    TarFake archive;
    archive.file("c", json).file("l", layer_one_);
    archive.file("manifest.json", R"([{"Config":"c","RepoTags":["x:1"],"Layers":["l"]}])");
    const auto gone = service_->load(read_from_memory(archive.str()), {},
                                     [](const spec::ProgressMessage&) -> Result<> {
                                         return fail(Kind::kCancelled, "the client is gone");
                                     });
    ASSERT_FALSE(gone);
    EXPECT_TRUE(list().empty());
}

TEST_F(ImageServiceTest, ImportsARootFileSystem) {
    const auto imported = service_->import(read_from_memory(layer_one_),
                                           {.repo = "mine",
                                            .tag = "v1",
                                            .message = "Imported from -",
                                            .changes = {"CMD [\"sh\"]"},
                                            .platform = ""},
                                           sink());
    ASSERT_TRUE(imported) << imported.error().text();
    const auto image = service_->inspect("mine:v1");
    ASSERT_TRUE(image);
    EXPECT_THAT(lines_, ElementsAre(image->id));
    EXPECT_THAT(actions_, ElementsAre("import"));
    EXPECT_EQ(image->comment, "Imported from -");
    EXPECT_THAT(image->config.cmd, ElementsAre("sh"));
    EXPECT_THAT(image->root_fs.layers, ElementsAre(digest_of(layer_one_)));
    const auto bad = service_->import(
        read_from_memory(layer_one_),
        {.repo = "UPPER", .tag = "", .message = "", .changes = {}, .platform = ""}, sink());
    ASSERT_FALSE(bad);
    EXPECT_THAT(bad.error().text(), HasSubstr("must be lowercase"));
}

TEST_F(ImageServiceTest, HistoryAndTagsAndRemoval) {
    const std::string json = config({layer_one_, layer_two_});
    TarFake archive;
    archive.file("c", json).file("1", layer_one_).file("2", layer_two_);
    archive.file("manifest.json", R"([{"Config":"c","RepoTags":["x:1"],"Layers":["1","2"]}])");
    ASSERT_TRUE(load(archive.str()));
    const auto history = service_->history("x:1");
    ASSERT_TRUE(history);
    ASSERT_EQ(history->size(), 3U);
    EXPECT_EQ(history->at(0).created_by, "CMD sh");
    EXPECT_EQ(history->at(0).id, digest_of(json));
    EXPECT_EQ(history->at(0).size, 0);
    EXPECT_THAT(history->at(0).tags, ElementsAre("x:1"));
    EXPECT_EQ(history->at(1).size, 7);
    EXPECT_EQ(history->at(2).size, 5);
    EXPECT_EQ(history->at(2).id, "<missing>");

    ASSERT_TRUE(service_->tag("x:1", "y", "2"));
    ASSERT_TRUE(service_->tag("y:2", "z", ""));
    EXPECT_FALSE(service_->tag("nosuch", "y", "2"));
    EXPECT_EQ(service_->tag("x:1", "Y", "2").error().kind(), Kind::kInvalid);
    EXPECT_EQ(list().at(0).repo_tags.size(), 3U);
    const auto untagged = service_->remove("y:2", {});
    ASSERT_TRUE(untagged);
    ASSERT_EQ(untagged->size(), 1U);
    EXPECT_EQ(untagged->at(0).untagged, "y:2");
    EXPECT_FALSE(service_->remove(digest_of(json), {}));
    ASSERT_TRUE(service_->remove("z", {}));
    const auto removed = service_->remove(digest_of(json), {});
    ASSERT_TRUE(removed);
    ASSERT_EQ(removed->size(), 4U);
    EXPECT_EQ(removed->at(0).untagged, "x:1");
    EXPECT_EQ(removed->at(1).deleted, digest_of(json));
    EXPECT_EQ(removed->at(3).deleted, digest_of(layer_one_));
    const auto gone = service_->remove("x:1", {});
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().text(), "No such image: x:1");
    EXPECT_THAT(actions_, ElementsAre("load", "tag", "tag", "untag", "untag", "untag", "delete"));
}

TEST_F(ImageServiceTest, Filters) {
    const std::string json = config({layer_one_});
    TarFake archive;
    archive.file("c", json).file("1", layer_one_);
    archive.file(
        "manifest.json",
        R"([{"Config":"c","RepoTags":["alpine:3.1","alpine:3.2","a/b:1"],"Layers":["1"]}])");
    ASSERT_TRUE(load(archive.str()));
    ASSERT_TRUE(service_->import(read_from_memory(layer_two_), {}, sink()));
    EXPECT_EQ(list().size(), 2U);
    EXPECT_EQ(list(R"({"dangling":["true"]})").size(), 1U);
    EXPECT_EQ(list(R"({"dangling":["false"]})").size(), 1U);
    EXPECT_EQ(list(R"({"label":["color=blue"]})").size(), 1U);
    EXPECT_EQ(list(R"({"label":["color=red"]})").size(), 0U);
    EXPECT_THAT(list(R"({"reference":["alpine"]})").at(0).repo_tags,
                ElementsAre("alpine:3.1", "alpine:3.2"));
    EXPECT_THAT(list(R"({"reference":["*:3.2","a/*"]})").at(0).repo_tags,
                UnorderedElementsAre("alpine:3.2", "a/b:1"));
    EXPECT_EQ(list(R"({"reference":["nosuch*"]})").size(), 0U);
    // The import is the younger one.
    EXPECT_EQ(list(R"({"since":["alpine:3.1"]})").size(), 1U);
    EXPECT_EQ(list(R"({"before":["alpine:3.1"]})").size(), 0U);
    EXPECT_EQ(list(R"({"until":["2026-01-03T00:00:00Z"]})").size(), 1U);
    for (const char* bad : {R"({"nosuch":["x"]})", R"({"dangling":["maybe"]})",
                            R"({"reference":["["]})", R"({"before":["nosuch"]})"}) {
        EXPECT_FALSE(service_->list({}, *spec::Filters::parse(bad))) << bad;
    }
    users_.push_back({.id = ContainerId("c"), .image = ImageId(digest_of(json)), .running = false});
    EXPECT_EQ(list(R"({"reference":["alpine"]})").at(0).containers, 1);
}

}  // namespace
}  // namespace gantry::engine

#include <bzlib.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <lzma.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <fstream>

#include "store/impl/sha256.h"
#include "store/layers.h"
#include "store/tar_fake.h"
#include "store/test_root_fake.h"
#include "sys/files.h"

namespace gantry::store {
namespace {

std::string gzip(std::string_view text) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string zstd(std::string_view text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
}

std::string xz(std::string_view text) {
    std::string out(lzma_stream_buffer_bound(text.size()), '\0');
    size_t size = 0;
    EXPECT_EQ(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, nullptr,
                                      reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                                      reinterpret_cast<uint8_t*>(out.data()), &size, out.size()),
              LZMA_OK);
    out.resize(size);
    return out;
}

std::string bzip2(std::string_view text) {
    std::string out(text.size() * 2 + 600, '\0');
    auto size = static_cast<unsigned>(out.size());
    EXPECT_EQ(BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char*>(text.data()),
                                       static_cast<unsigned>(text.size()), 1, 0, 0),
              BZ_OK);
    out.resize(size);
    return out;
}

/// "target" is what a layer is unpacked into; "outside" is what it must not reach.
class UnpackTest : public DataRootTest {
protected:
    void SetUp() override {
        DataRootTest::SetUp();
        if (IsSkipped()) {
            return;
        }
        std::filesystem::create_directory(path("target"));
        std::ofstream(path("outside")) << "untouched";
    }
    void TearDown() override {
        if (!IsSkipped()) {
            std::ifstream stream(path("outside"));
            std::string text;
            std::getline(stream, text);
            EXPECT_EQ(text, "untouched");
        }
        DataRootTest::TearDown();
    }

    Result<LayerFacts> unpack(std::string_view bytes, const pack::ArchiveLimits& limits = {}) {
        const auto target = sys::open_dir(path("target").c_str());
        EXPECT_TRUE(target);
        return unpack_layer(read_from_memory(bytes), target->get(), limits);
    }
    void expect_refused(const TarFake& tar, std::string_view text) {
        const auto unpacked = unpack(tar.str());
        ASSERT_FALSE(unpacked);
        EXPECT_EQ(unpacked.error().kind(), Kind::kInvalid) << unpacked.error().text();
        EXPECT_NE(unpacked.error().text().find(text), std::string::npos) << unpacked.error().text();
    }

    std::string in(const std::string& name) const { return path("target/" + name); }
    std::string content(const std::string& name) const {
        std::ifstream stream(in(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    struct stat status(const std::string& name) const {
        struct stat found{};
        EXPECT_EQ(::lstat(in(name).c_str(), &found), 0) << name;
        return found;
    }
    std::string attribute(const std::string& name, const char* key) const {
        std::string value(256, '\0');
        const ssize_t size = ::lgetxattr(in(name).c_str(), key, value.data(), value.size());
        value.resize(size < 0 ? 0 : static_cast<size_t>(size));
        return value;
    }
    bool exists(const std::string& name) const {
        struct stat found{};
        return ::lstat(in(name).c_str(), &found) == 0;
    }
};

TEST_F(UnpackTest, KeepsMetadata) {
    TarFake tar;
    tar.add({.name = "./", .type = '5', .mode = 0711, .uid = 5, .gid = 6});
    tar.add({.name = "dir/", .type = '5', .mode = 01777, .mtime = 1'000'000'000});
    tar.add({.name = "dir/setuid", .content = "#!", .mode = 04755, .uid = 1, .gid = 2});
    tar.add({.name = "dir/precise",
             .content = "x",
             .pax = {{"mtime", "1500000000.123456789"},
                     {"uid", "4000000"},
                     {"gid", "3000000000"},
                     {"SCHILY.xattr.user.color", "blue"},
                     {"SCHILY.xattr.trusted.thing", "yes"}}});
    tar.add({.name = "fifo", .type = '6', .mode = 0600});
    tar.add({.name = "null", .type = '3', .mode = 0666, .major = 1, .minor = 3});
    tar.add({.name = "disk", .type = '4', .mode = 0660, .gid = 6, .major = 8, .minor = 0});
    tar.add({.name = "link", .type = '2', .target = "/outside", .uid = 7, .mtime = 1'234'567'890});
    tar.hard_link("same", "dir/setuid");
    const auto facts = unpack(tar.str());
    ASSERT_TRUE(facts) << facts.error().text();
    EXPECT_EQ(facts->diff_id, sha256(tar.str()));
    EXPECT_EQ(facts->content_bytes, 3U);
    EXPECT_EQ(facts->entries, 9U);
    EXPECT_TRUE(facts->has_root_entry);

    EXPECT_EQ(status("").st_mode & 07777, 0711U);
    EXPECT_EQ(status("").st_uid, 5U);
    EXPECT_EQ(status("dir").st_mode & 07777, 01777U);
    EXPECT_EQ(status("dir").st_mtim.tv_sec, 1'000'000'000);
    EXPECT_EQ(status("dir/setuid").st_mode & 07777, 04755U);
    EXPECT_EQ(status("dir/setuid").st_gid, 2U);
    EXPECT_EQ(status("dir/setuid").st_nlink, 2U);
    EXPECT_EQ(status("same").st_ino, status("dir/setuid").st_ino);
    EXPECT_EQ(status("dir/precise").st_mtim.tv_nsec, 123456789);
    EXPECT_EQ(status("dir/precise").st_uid, 4000000U);
    EXPECT_EQ(status("dir/precise").st_gid, 3000000000U);
    EXPECT_EQ(attribute("dir/precise", "user.color"), "blue");
    EXPECT_EQ(attribute("dir/precise", "trusted.thing"), "yes");
    EXPECT_TRUE(S_ISFIFO(status("fifo").st_mode));
    EXPECT_TRUE(S_ISCHR(status("null").st_mode));
    EXPECT_EQ(status("null").st_rdev, ::makedev(1, 3));
    EXPECT_EQ(status("null").st_mode & 0777, 0666U);
    EXPECT_TRUE(S_ISBLK(status("disk").st_mode));
    EXPECT_EQ(status("link").st_uid, 7U);
    EXPECT_EQ(status("link").st_mtim.tv_sec, 1'234'567'890);
    EXPECT_EQ(std::filesystem::read_symlink(in("link")), "/outside");
}

TEST_F(UnpackTest, KeepsFileCapabilities) {
    // A version 2 capability set with cap_net_raw in its permitted part (linux/capability.h).
    const std::string capability("\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    TarFake tar;
    tar.add({.name = "ping",
             .content = "x",
             .mode = 0755,
             .uid = 3,
             .pax = {{"SCHILY.xattr.security.capability", capability}}});
    ASSERT_TRUE(unpack(tar.str()));
    EXPECT_EQ(attribute("ping", "security.capability"), capability);
}

TEST_F(UnpackTest, UmaskChangesNothing) {
    const mode_t before = ::umask(077);
    TarFake tar;
    tar.add({.name = "implied/above/file", .content = "x", .mode = 0666});
    tar.directory("dir", 0777);
    const auto unpacked = unpack(tar.str());
    ::umask(before);
    ASSERT_TRUE(unpacked);
    EXPECT_EQ(status("implied").st_mode & 07777, 0755U);
    EXPECT_EQ(status("implied/above").st_mode & 07777, 0755U);
    EXPECT_EQ(status("implied/above/file").st_mode & 07777, 0666U);
    EXPECT_EQ(status("dir").st_mode & 07777, 0777U);
}

TEST_F(UnpackTest, LongAndStrangeNames) {
    std::string deep;
    for (int i = 0; i < 10; ++i) {
        deep += std::string(90, static_cast<char>('a' + i)) + "/";
    }
    deep += "file";
    const std::string utf8 = "\xe6\x97\xa5\xe6\x9c\xac-\xc3\xbc";
    const std::string latin1 = "caf\xe9";
    TarFake tar;
    tar.add({.name = "x", .content = "deep", .pax = {{"path", deep}}});
    tar.add({.name = "y", .content = "pax", .pax = {{"path", utf8}}});
    tar.file(latin1, "raw");
    tar.file("/absolute", "re-rooted");
    tar.file(".//a/./b//c", "cleaned");
    const auto unpacked = unpack(tar.str());
    ASSERT_TRUE(unpacked) << unpacked.error().text();
    EXPECT_EQ(content(deep), "deep");
    EXPECT_EQ(content(utf8), "pax");
    EXPECT_EQ(content(latin1), "raw");
    EXPECT_EQ(content("absolute"), "re-rooted");
    EXPECT_EQ(content("a/b/c"), "cleaned");
}

TEST_F(UnpackTest, HolesStayHoles) {
    // PAX sparse format 1.0: the map stands before the data.
    std::string map = "1\n52428800\n4\n";
    map.resize(512, '\0');
    TarFake tar;
    tar.add({.name = "sparse",
             .content = map + "tail",
             .pax = {{"GNU.sparse.major", "1"},
                     {"GNU.sparse.minor", "0"},
                     {"GNU.sparse.name", "sparse"},
                     {"GNU.sparse.realsize", "52428804"}}});
    const auto unpacked = unpack(tar.str());
    ASSERT_TRUE(unpacked) << unpacked.error().text();
    EXPECT_EQ(status("sparse").st_size, 52428804);
    EXPECT_LT(status("sparse").st_blocks, 64);
    EXPECT_EQ(content("sparse").substr(52428800), "tail");
}

TEST_F(UnpackTest, WhiteoutsBecomeOverlays) {
    TarFake tar;
    tar.directory("dir");
    tar.file("dir/.wh.gone", "");
    tar.directory("opaque");
    tar.file("opaque/.wh..wh..opq", "");
    tar.file("opaque/new", "x");
    tar.file(".wh..wh.plnk", "");
    // Both orders of a directory that was removed and made again.
    tar.file(".wh.again", "").directory("again").file("again/x", "x");
    tar.directory("first").file(".wh.first", "");
    tar.file("plain", "kept").file(".wh.plain", "");
    const auto unpacked = unpack(tar.str());
    ASSERT_TRUE(unpacked) << unpacked.error().text();
    EXPECT_TRUE(S_ISCHR(status("dir/gone").st_mode));
    EXPECT_EQ(status("dir/gone").st_rdev, 0U);
    EXPECT_FALSE(exists("dir/.wh.gone"));
    EXPECT_EQ(attribute("opaque", "trusted.overlay.opaque"), "y");
    EXPECT_FALSE(exists("opaque/.wh..wh..opq"));
    EXPECT_FALSE(exists(".wh..wh.plnk"));
    EXPECT_FALSE(exists(".wh.plnk"));
    EXPECT_EQ(attribute("again", "trusted.overlay.opaque"), "y");
    EXPECT_EQ(content("again/x"), "x");
    EXPECT_EQ(attribute("first", "trusted.overlay.opaque"), "y");
    EXPECT_EQ(content("plain"), "kept");
}

TEST_F(UnpackTest, BadWhiteoutNamesAreRefused) {
    for (const char* name : {".wh.", ".wh..", ".wh...", "a/.wh..."}) {
        TarFake tar;
        tar.file(name, "");
        expect_refused(tar, "invalid whiteout name");
    }
}

TEST_F(UnpackTest, TheLastOfTwoWins) {
    TarFake tar;
    tar.file("a", "one").file("a", "two");
    tar.directory("d", 0700).file("d/kept", "x").directory("d", 0755);
    tar.directory("tree").file("tree/x", "x").file("tree", "now a file");
    tar.file("f", "x").directory("f");
    tar.symlink("l", "/outside").file("l", "not followed");
    tar.file("h", "h").hard_link("h", "h");
    const auto unpacked = unpack(tar.str());
    ASSERT_TRUE(unpacked) << unpacked.error().text();
    EXPECT_EQ(content("a"), "two");
    EXPECT_EQ(content("d/kept"), "x");
    EXPECT_EQ(status("d").st_mode & 0777, 0755U);
    EXPECT_EQ(content("tree"), "now a file");
    EXPECT_TRUE(S_ISDIR(status("f").st_mode));
    EXPECT_TRUE(S_ISREG(status("l").st_mode));
    EXPECT_EQ(content("h"), "h");
}

TEST_F(UnpackTest, NamesCannotLeave) {
    for (const char* name : {"../outside", "a/../../outside", "/../outside", "..", "a/.."}) {
        TarFake tar;
        tar.file(name, "evil");
        expect_refused(tar, "invalid entry name");
    }
}

TEST_F(UnpackTest, LinksAreFollowedInsideOnly) {
    TarFake tar;
    tar.directory("usr").directory("usr/lib").symlink("lib", "/usr/lib").file("lib/x", "inside");
    tar.symlink("up", "../../../../../..").file("up/outside", "caught");
    const auto unpacked = unpack(tar.str());
    ASSERT_TRUE(unpacked) << unpacked.error().text();
    EXPECT_EQ(content("usr/lib/x"), "inside");
    EXPECT_EQ(content("outside"), "caught");
}

TEST_F(UnpackTest, LinksThatLeadNowhereAreRefused) {
    for (const char* target : {"/proc/self/root", "/nowhere", "loop"}) {
        TarFake tar;
        tar.symlink("loop", target).file("loop/x", "evil");
        const auto unpacked = unpack(tar.str());
        ASSERT_FALSE(unpacked) << target;
        EXPECT_EQ(unpacked.error().kind(), Kind::kInvalid) << unpacked.error().text();
    }
}

TEST_F(UnpackTest, HardLinksNeverFollowLinks) {
    TarFake tar;
    tar.symlink("s", "/outside").hard_link("copy", "s");
    tar.file("real", "x").directory("d").symlink("d/l", "/").hard_link("viadir", "d/l/real");
    const auto unpacked = unpack(tar.str());
    ASSERT_TRUE(unpacked) << unpacked.error().text();
    EXPECT_TRUE(S_ISLNK(status("copy").st_mode));
    EXPECT_EQ(status("viadir").st_ino, status("real").st_ino);
}

TEST_F(UnpackTest, BadHardLinksAreRefused) {
    for (const char* target : {"../outside", "missing", "dir", "/"}) {
        TarFake tar;
        tar.directory("dir").hard_link("x", target);
        const auto unpacked = unpack(tar.str());
        ASSERT_FALSE(unpacked) << target;
        EXPECT_EQ(unpacked.error().kind(), Kind::kInvalid);
    }
}

TEST_F(UnpackTest, OverlayAttributesAreDropped) {
    TarFake tar;
    tar.add({.name = "dir/",
             .type = '5',
             .pax = {{"SCHILY.xattr.trusted.overlay.redirect", "/etc"},
                     {"SCHILY.xattr.trusted.overlay.opaque", "y"},
                     {"SCHILY.xattr.user.overlay.metacopy", "y"},
                     {"SCHILY.xattr.user.kept", "1"}}});
    ASSERT_TRUE(unpack(tar.str()));
    EXPECT_EQ(attribute("dir", "trusted.overlay.redirect"), "");
    EXPECT_EQ(attribute("dir", "trusted.overlay.opaque"), "");
    EXPECT_EQ(attribute("dir", "user.overlay.metacopy"), "");
    EXPECT_EQ(attribute("dir", "user.kept"), "1");
}

TEST_F(UnpackTest, Limits) {
    TarFake tar;
    tar.file("a", std::string(5000, 'x')).file("b", std::string(5000, 'y'));
    EXPECT_FALSE(unpack(tar.str(), {.max_entries = 1}));
    EXPECT_FALSE(unpack(tar.str(), {.max_stream_bytes = 4096}));
    EXPECT_FALSE(unpack(tar.str(), {.max_content_bytes = 9999}));
    EXPECT_TRUE(unpack(tar.str(), {.max_entries = 2, .max_content_bytes = 10000}));

    TarFake name300;
    name300.add({.name = "x", .pax = {{"path", std::string(300, 'n')}}});
    expect_refused(name300, "file name too long");
    TarFake deep;
    std::string path;
    for (int i = 0; i < 600; ++i) {
        path += "d/";
    }
    deep.add({.name = "x", .pax = {{"path", path + "f"}}});
    expect_refused(deep, "directories deep");
    TarFake endless;
    endless.add({.name = "x", .pax = {{"path", std::string(5000, 'n')}}});
    expect_refused(endless, "longer than");
    TarFake owner;
    owner.add({.name = "x", .pax = {{"uid", "4294967295"}}});
    expect_refused(owner, "out of range");
    TarFake attributes;
    attributes.add({.name = "x", .pax = {{"SCHILY.xattr.user.a", std::string(60000, 'v')}}});
    EXPECT_FALSE(unpack(attributes.str(), {.max_xattr_bytes = 50000}));
}

TEST_F(UnpackTest, HugeHeadersAreRefusedWithoutReadingThem) {
    // A PAX header that claims a gigabyte, and a sparse map without end.
    TarFake header;
    header.add({.name = "h", .type = 'x', .size_field = "10000000000"});
    EXPECT_FALSE(unpack(header.unfinished() + std::string(size_t{8} << 20, '0')));
    std::string map = "9999999\n";
    while (map.size() < (size_t{6} << 20)) {
        map += "0\n0\n";
    }
    TarFake sparse;
    sparse.add({.name = "s",
                .content = map,
                .pax = {{"GNU.sparse.major", "1"},
                        {"GNU.sparse.minor", "0"},
                        {"GNU.sparse.realsize", "1000"}}});
    EXPECT_FALSE(unpack(sparse.str()));
}

TEST_F(UnpackTest, CompressionIsToldByContent) {
    TarFake tar;
    tar.file("x", std::string(300'000, 'x'));
    const std::string plain = tar.str();
    const std::string half = plain.substr(0, plain.size() / 2);
    const std::string rest = plain.substr(plain.size() / 2);
    for (const std::string& bytes :
         {plain, gzip(plain), zstd(plain), xz(plain), bzip2(plain), xz(half) + xz(rest),
          bzip2(half) + bzip2(rest), gzip(half) + gzip(rest), zstd(half) + zstd(rest),
          gzip(plain) + gzip("")}) {
        const auto unpacked = unpack(bytes);
        ASSERT_TRUE(unpacked) << unpacked.error().text();
        EXPECT_EQ(unpacked->diff_id, sha256(plain));
        EXPECT_EQ(content("x").size(), 300'000U);
    }
}

TEST_F(UnpackTest, TheDiffIdCoversWhatFollowsTheArchive) {
    TarFake tar;
    tar.file("x", "x");
    const std::string padded = tar.str() + std::string(20'000, '\0');
    const auto unpacked = unpack(gzip(padded));
    ASSERT_TRUE(unpacked);
    EXPECT_EQ(unpacked->diff_id, sha256(padded));
}

TEST_F(UnpackTest, BrokenStreamsAreErrors) {
    TarFake tar;
    std::string noise;
    unsigned seed = 1;
    for (int i = 0; i < 200'000; ++i) {
        seed = seed * 1664525U + 1013904223U;
        noise += static_cast<char>(seed >> 24);
    }
    tar.file("x", noise);
    for (const std::string& good :
         {gzip(tar.str()), zstd(tar.str()), xz(tar.str()), bzip2(tar.str())}) {
        for (const size_t size : {size_t{5}, good.size() / 2, good.size() - 1}) {
            EXPECT_FALSE(unpack(good.substr(0, size))) << size;
        }
        EXPECT_FALSE(unpack(good + "garbage"));
    }
    std::string flipped = gzip(tar.str());
    flipped[flipped.size() - 6] ^= 1;  // in the checksum
    EXPECT_FALSE(unpack(flipped));
    flipped = gzip(tar.str());
    flipped[flipped.size() / 2] ^= 1;
    EXPECT_FALSE(unpack(flipped));
    EXPECT_FALSE(unpack(tar.unfinished().substr(0, 100'000)));
    EXPECT_FALSE(unpack("this is not a tar archive at all"));
    EXPECT_FALSE(unpack(std::string(10'240, 'x')));
}

TEST_F(UnpackTest, AnEmptyStreamIsAnEmptyLayer) {
    const auto empty = unpack("");
    ASSERT_TRUE(empty) << empty.error().text();
    EXPECT_EQ(empty->entries, 0U);
    const auto end_mark = unpack(TarFake().str());
    ASSERT_TRUE(end_mark) << end_mark.error().text();
    EXPECT_EQ(end_mark->entries, 0U);
}

TEST(Chain, FollowsTheSpecification) {
    const Digest a("sha256:" + std::string(64, 'a'));
    const Digest b("sha256:" + std::string(64, 'b'));
    const std::vector<Digest> diff_ids{a, b};
    const auto chain = chain_ids(diff_ids);
    ASSERT_EQ(chain.size(), 2U);
    EXPECT_EQ(chain[0].str(), a.str());
    EXPECT_EQ(chain[1].str(), sha256(a.str() + " " + b.str()).str());
}

}  // namespace
}  // namespace gantry::store

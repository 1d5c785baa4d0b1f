#include "spec/mount.h"

#include <gtest/gtest.h>

namespace gantry::spec {
namespace {

template <class T>
std::string text_of(const Result<T>& result) {
    return result ? "no error" : result.error().text();
}

TEST(Bind, AllForms) {
    const auto bind = parse_bind("/src/./a:/dst//b/:ro,z,rslave");
    ASSERT_TRUE(bind) << text_of(bind);
    EXPECT_TRUE(bind->is_bind());
    EXPECT_EQ(bind->source, "/src/a");
    EXPECT_EQ(bind->destination, "/dst/b");
    EXPECT_EQ(bind->mode, "ro,z,rslave");
    EXPECT_TRUE(bind->read_only);
    EXPECT_EQ(bind->propagation, "rslave");
    const auto volume = parse_bind("data:/dst:nocopy");
    EXPECT_FALSE(volume->is_bind());
    EXPECT_TRUE(volume->no_copy);
    EXPECT_EQ(parse_bind("/dst")->source, "");
}

TEST(Bind, RefusesInDockersWords) {
    EXPECT_EQ(text_of(parse_bind("")), "invalid volume specification: ''");
    EXPECT_EQ(text_of(parse_bind(":/x")), "invalid volume specification: ':/x'");
    EXPECT_EQ(text_of(parse_bind("/a:/b:ro:x")), "invalid volume specification: '/a:/b:ro:x'");
    EXPECT_EQ(text_of(parse_bind("/foo:rw")), "invalid volume specification: '/foo:rw'");
    EXPECT_EQ(text_of(parse_bind("/a:/b:what")), "invalid mode: what");
    EXPECT_EQ(text_of(parse_bind("/a:/b:ro,rw")), "invalid mode: ro,rw");
    EXPECT_EQ(text_of(parse_bind("/a:/b:")), "invalid mode: ");
    EXPECT_NE(text_of(parse_bind("/a:b")).find("'b' mount path must be absolute"),
              std::string::npos);
    EXPECT_NE(text_of(parse_bind("/a:/..")).find("destination can't be '/'"), std::string::npos);
    EXPECT_NE(text_of(parse_bind("./a:/b")).find("use absolute path"), std::string::npos);
    EXPECT_NE(text_of(parse_bind("../a:/b")).find("use absolute path"), std::string::npos);
    EXPECT_FALSE(parse_bind(std::string_view("/a\0:/b", 6)));
    EXPECT_FALSE(parse_bind("x:/b"));
}

TEST(CleanPath, IsGos) {
    EXPECT_EQ(clean_path(""), ".");
    EXPECT_EQ(clean_path("/"), "/");
    EXPECT_EQ(clean_path("/../a"), "/a");
    EXPECT_EQ(clean_path("a/../../b"), "../b");
    EXPECT_EQ(clean_path("a/.."), ".");
    EXPECT_EQ(clean_path("//a///b/."), "/a/b");
    EXPECT_EQ(clean_path("/a/b/../.."), "/");
    EXPECT_EQ(clean_path("../.."), "../..");
}

TEST(ResourceName, IsStrict) {
    EXPECT_TRUE(is_resource_name("web-1_a.b"));
    for (const std::string_view bad : {"", "a", "-ab", ".ab", "a/b", "a b", "a\n", "..", "é1"}) {
        EXPECT_FALSE(is_resource_name(bad)) << bad;
    }
    EXPECT_FALSE(is_resource_name(std::string(256, 'a')));
}

TEST(MountFlag, AllTypes) {
    const auto bind = parse_mount("type=bind,src=/a,dst=/b,readonly,bind-propagation=rprivate");
    ASSERT_TRUE(bind) << text_of(bind);
    EXPECT_EQ(bind->type, "bind");
    EXPECT_TRUE(bind->read_only);
    EXPECT_EQ(bind->bind_options->propagation, "rprivate");
    const auto volume = parse_mount(
        R"(source=v,target=/b,volume-nocopy=true,volume-label=a=b,volume-driver=d,"volume-opt=o=x,y")");
    ASSERT_TRUE(volume) << text_of(volume);
    EXPECT_EQ(volume->type, "volume");
    EXPECT_TRUE(volume->volume_options->no_copy);
    EXPECT_EQ(volume->volume_options->labels.at("a"), "b");
    EXPECT_EQ(volume->volume_options->driver_config->name, "d");
    EXPECT_EQ(volume->volume_options->driver_config->options.at("o"), "x,y");
    const auto tmpfs = parse_mount("type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1777");
    EXPECT_EQ(tmpfs->tmpfs_options->size_bytes, 64 << 20);
    EXPECT_EQ(tmpfs->tmpfs_options->mode, 01777U);
    EXPECT_FALSE(parse_mount("dst=/t,readonly=false")->read_only);
    EXPECT_TRUE(parse_mount("type=bind,src=/a,dst=/t,bind-recursive=disabled")
                    ->bind_options->non_recursive);
}

TEST(MountFlag, RefusesInTheClisWords) {
    EXPECT_EQ(text_of(parse_mount("type=bind,x")), "invalid field 'x' must be a key=value pair");
    EXPECT_EQ(text_of(parse_mount("x=y,dst=/a")), "unexpected key 'x' in 'x=y'");
    EXPECT_EQ(text_of(parse_mount("type=volume")), "target is required");
    EXPECT_EQ(text_of(parse_mount("type=,dst=/a")), "type is required");
    EXPECT_EQ(text_of(parse_mount("dst=/a,ro=maybe")), "invalid value for ro: maybe");
    EXPECT_EQ(text_of(parse_mount("dst=/a,bind-propagation=shared")),
              "cannot mix 'bind-*' options with mount type 'volume'");
    EXPECT_EQ(
        text_of(parse_mount("type=bind,dst=/a,bind-recursive=readonly")),
        "option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
    EXPECT_EQ(text_of(parse_mount("")), "value is empty");
    EXPECT_EQ(text_of(parse_mount(R"(dst="/a)")),
              R"(parse error on line 1, column 5: bare " in non-quoted-field)");
    EXPECT_FALSE(parse_mount(R"("dst=/a)"));
    EXPECT_FALSE(parse_mount("type=tmpfs,dst=/t,tmpfs-mode=9"));
    EXPECT_FALSE(parse_mount("type=tmpfs,dst=/t,tmpfs-size=-1"));
}

}  // namespace
}  // namespace gantry::spec

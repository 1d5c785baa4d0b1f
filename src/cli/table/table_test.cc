#include <gtest/gtest.h>

#include "cli/quote.h"
#include "cli/table/container_rows.h"
#include "cli/table/formatter.h"
#include "cli/table/image_rows.h"
#include "cli/table/tab_writer.h"

namespace gantry::cli {
namespace {

TEST(AlignTabs, PadsToTheWidestCellOfABlock) {
    EXPECT_EQ(align_tabs("A\tB\tC\n1234567890\t2\t3\n"),
              "A            B         C\n1234567890   2         3\n");
    EXPECT_EQ(align_tabs("a\tb\nno cells\nlonger text here\tc\n"),
              "a         b\nno cells\nlonger text here   c\n");
    EXPECT_EQ(align_tabs("ä\tb\n"), "ä         b\n");
    EXPECT_EQ(align_tabs(" Version:\t1\n", {.least_width = 20, .padding = 1}),
              " Version:           1\n");
    EXPECT_EQ(align_tabs(""), "");
}

TEST(AlignTabs, SurvivesVeryManyColumns) {
    const std::string line(100'000, '\t');
    EXPECT_GT(align_tabs(line).size(), 256U);
}

TEST(Quote, EscapesWhatATerminalWouldObey) {
    EXPECT_EQ(quote("a\"b\\\n\x1b\x7f"), "\"a\\\"b\\\\\\n\\x1b\\x7f\"");
    EXPECT_EQ(quote("ä\xff\xc2\x9b"), "\"ä\\xff\\u009b\"");
    EXPECT_EQ(ellipsis("0123456789", 5), "0123…");
    EXPECT_EQ(ellipsis("äöü", 3), "äöü");
}

spec::PortSummary port(const char* ip, uint16_t inside, uint16_t outside, const char* type) {
    return {ip, inside, outside, type};
}

TEST(FormatPorts, JoinsRunsAndKeepsAddressesApart) {
    using Ports = std::vector<spec::PortSummary>;
    EXPECT_EQ(format_ports(Ports{}), "");
    EXPECT_EQ(format_ports(Ports{port("", 99, 0, "tcp")}), "99/tcp");
    EXPECT_EQ(format_ports(Ports{port("::", 80, 32768, "tcp"), port("0.0.0.0", 80, 32768, "tcp")}),
              "0.0.0.0:32768->80/tcp, [::]:32768->80/tcp");
    EXPECT_EQ(format_ports(Ports{port("0.0.0.0", 91, 18101, "tcp"),
                                 port("0.0.0.0", 90, 18100, "tcp"), port("", 92, 0, "tcp")}),
              "0.0.0.0:18100-18101->90-91/tcp, 92/tcp");
    EXPECT_EQ(format_ports(Ports{port("", 5, 0, "tcp"), port("", 6, 0, "tcp"),
                                 port("", 6, 0, "udp"), port("", 8, 0, "tcp")}),
              "5-6/tcp, 6/udp, 8/tcp");
    EXPECT_EQ(format_ports(Ports{port("", 65535, 0, "tcp")}), "65535/tcp");
}

spec::ContainerSummary web() {
    spec::ContainerSummary container;
    container.id = "0123456789abcdef0123456789abcdef";
    container.names = {"/db/alias", "/web"};
    container.image = "busybox";
    container.image_id = "sha256:fedcba9876543210";
    container.command = "sh -c 'a very long command'";
    container.status = "Up 2 hours";
    container.state = "running";
    container.labels = {{"com.example.some-tier", "front"}, {"x", "y"}};
    return container;
}

TEST(ContainerRows, FillTheDefaultTable) {
    auto table = format_list(kContainerLayout, "", {container_row(web(), Truncate::kYes)});
    ASSERT_TRUE(table);
    EXPECT_TRUE(table->starts_with("CONTAINER ID   IMAGE     COMMAND                  CREATED"))
        << *table;
    EXPECT_NE(table->find("0123456789ab   busybox   \"sh -c 'a very long …\""), std::string::npos)
        << *table;
    EXPECT_TRUE(table->ends_with("          web\n")) << *table;
}

TEST(ContainerRows, ObeyTemplates) {
    const auto format = [](std::string_view source, Truncate truncate = Truncate::kYes) {
        auto text = format_list(kContainerLayout, source, {container_row(web(), truncate)});
        return text ? *text : text.error().text();
    };
    EXPECT_EQ(format("{{.ID}}"), "0123456789ab\n");
    EXPECT_EQ(format("{{.Names}} {{.ID}}", Truncate::kNo),
              "db/alias,web 0123456789abcdef0123456789abcdef\n");
    EXPECT_EQ(format("{{.Label \"com.example.some-tier\"}}{{.Label \"nosuch\"}}"), "front\n");
    EXPECT_EQ(format("table {{.Label \"com.example.some-tier\"}}\\t{{upper .Names}}"),
              "some tier   NAMES\nfront       WEB\n");
    EXPECT_EQ(format("table {{.Nope}}"),
              "template parsing error: template: :1:2: executing \"\" at <.Nope>: can't evaluate "
              "field Nope in type *formatter.ContainerContext");
    EXPECT_EQ(format("{{.Nope"), "template parsing error: template: :1: unclosed action");
    EXPECT_TRUE(
        format("json").starts_with("{\"Command\":\"\\\"sh -c 'a very long …\\\"\",\"CreatedAt\""))
        << format("json");
    EXPECT_EQ(format("json"), format("{{json .}}"));
}

TEST(ContainerRows, HeaderStandsAlone) {
    EXPECT_EQ(*format_list(kContainerLayout, "table {{.ID}}\\t{{.Foo}}", {}),
              "CONTAINER ID   <no value>\n");
    EXPECT_EQ(*format_list(kContainerLayout, "{{.ID}}", {}), "");
}

TEST(ImageRows, OneForEachName) {
    spec::ImageSummary image;
    image.id = "sha256:0123456789abcdef";
    image.repo_tags = {"a:1", "localhost:5000/b:2"};
    image.repo_digests = {"a@sha256:11"};
    image.size = 4'270'000;
    const auto format = [&](std::string_view source, Digests digests) {
        return *format_list(kImageLayout, source, image_rows(image, Truncate::kYes, digests));
    };
    EXPECT_EQ(format("{{.Repository}} {{.Tag}} {{.Digest}} {{.ID}} {{.Size}}", Digests::kHide),
              "a 1 <none> 0123456789ab 4.27MB\nlocalhost:5000/b 2 <none> 0123456789ab 4.27MB\n");
    EXPECT_EQ(format("{{.Repository}} {{.Digest}}", Digests::kShow),
              "a sha256:11\nlocalhost:5000/b <none>\n");
    image.repo_tags.clear();
    image.repo_digests.clear();
    EXPECT_EQ(format("{{.Repository}}:{{.Tag}}", Digests::kHide), "<none>:<none>\n");
}

TEST(HistoryRows, ShortenOrNot) {
    spec::HistoryItem item;
    item.id = "<missing>";
    item.created_by = "/bin/sh -c #(nop)\tADD file:0123456789012345678901234567890123456789";
    item.size = 1000;
    const auto format = [&](Truncate truncate, Human human) {
        return *format_list(kHistoryLayout, "{{.ID}}|{{.CreatedBy}}|{{.Size}}",
                            {history_row(item, truncate, human)});
    };
    EXPECT_EQ(format(Truncate::kYes, Human::kYes),
              "<missing>|/bin/sh -c #(nop) ADD file:01234567890123456…|1kB\n");
    EXPECT_EQ(format(Truncate::kNo, Human::kNo),
              "<missing>|/bin/sh -c #(nop) ADD file:0123456789012345678901234567890123456789|1000"
              "\n");
}

}  // namespace
}  // namespace gantry::cli

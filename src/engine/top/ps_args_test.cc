#include "engine/top/ps_args.h"

#include <gtest/gtest.h>

namespace gantry::engine {
namespace {

std::string headers(std::string_view args) {
    const auto fields = parse_ps_args(args);
    if (!fields) {
        return "error: " + fields.error().text();
    }
    std::string text;
    for (const PsField& field : *fields) {
        text += (text.empty() ? "" : " ") + field.header;
    }
    return text;
}

TEST(PsArgs, Formats) {
    EXPECT_EQ(headers(""), "UID PID PPID C STIME TTY TIME CMD");
    EXPECT_EQ(headers("-ef"), "UID PID PPID C STIME TTY TIME CMD");
    EXPECT_EQ(headers("-e -f"), "UID PID PPID C STIME TTY TIME CMD");
    EXPECT_EQ(headers("-e"), "PID TTY TIME CMD");
    EXPECT_EQ(headers("-eF"), "UID PID PPID C SZ RSS PSR STIME TTY TIME CMD");
    EXPECT_EQ(headers("-el"), "F S UID PID PPID C PRI NI ADDR SZ WCHAN TTY TIME CMD");
    EXPECT_EQ(headers("-elf"), "F S UID PID PPID C PRI NI ADDR SZ WCHAN STIME TTY TIME CMD");
    EXPECT_EQ(headers("-j"), "PID PGID SID TTY TIME CMD");
    EXPECT_EQ(headers("ax"), "PID TTY STAT TIME COMMAND");
    EXPECT_EQ(headers("aux"), "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND");
    EXPECT_EQ(headers("axl"), "F UID PID PPID PRI NI VSZ RSS WCHAN STAT TTY TIME COMMAND");
    EXPECT_EQ(headers("-ejH"), "PID PGID SID TTY TIME CMD");
}

TEST(PsArgs, Lists) {
    EXPECT_EQ(headers("-o pid,comm"), "PID COMMAND");
    EXPECT_EQ(headers("-opid,comm"), "PID COMMAND");
    EXPECT_EQ(headers("-eo pid,user:20,%cpu"), "PID USER %CPU");
    EXPECT_EQ(headers("axo pid,args"), "PID COMMAND");
    EXPECT_EQ(headers("-o pid -o comm=NAME"), "PID NAME");
    EXPECT_EQ(headers("-o pid,comm=A,B"), "PID A,B");
    EXPECT_EQ(headers("--format=pid,stat"), "PID STAT");
    EXPECT_EQ(headers("-O rss"), "PID RSS S TTY TIME COMMAND");
}

TEST(PsArgs, Refuses) {
    EXPECT_EQ(headers("-o comm"), "error: Couldn't find PID field in ps output");
    EXPECT_EQ(headers("-o pid=X"), "error: Couldn't find PID field in ps output");
    EXPECT_EQ(headers("-o pid -o comm=PID"), "error: specifying \"comm=PID\" is not allowed");
    EXPECT_EQ(headers("-o pid,nosuch"),
              "error: ps: unknown user-defined format specifier \"nosuch\"");
    EXPECT_EQ(headers("-o"), "error: ps: a list of columns must follow -o");
    EXPECT_EQ(headers("-C sh"), "error: ps: option -C is not supported");
    EXPECT_EQ(headers("--nosuch"), "error: ps: option --nosuch is not supported");
    EXPECT_EQ(headers("$(reboot)"), "error: ps: option $ is not supported");
    EXPECT_NE(headers(std::string(5000, 'e')).find("error"), std::string::npos);
}

TEST(PsColumns, Formats) {
    sys::ProcessInfo process;
    process.pid = 7;
    process.session = 7;
    process.state = 'S';
    process.nice = 5;
    process.threads = 2;
    process.name = "sh";
    process.user_ticks = 100 * 3700;
    process.start_ticks = 100 * 1000;
    process.effective_uid = 101;
    process.tty = 136U << 8U | 3U;
    process.tpgid = process.pgrp = 7;
    const PsWorld world = PsWorld::make_for_test(
        1'000'000, 101'000, 1 << 30, {.passwd = "a_rather_long:x:101:1::/:\n", .group = ""});
    const auto print = [&](std::string_view word) {
        return find_ps_column(word)->print(process, world);
    };
    EXPECT_EQ(print("user"), "a_rathe+");
    EXPECT_EQ(print("ruser"), "0");
    EXPECT_EQ(print("time"), "01:01:40");
    EXPECT_EQ(print("bsdtime"), "61:40");
    EXPECT_EQ(print("etime"), "1-03:46:40");
    EXPECT_EQ(print("etimes"), "100000");
    EXPECT_EQ(print("%cpu"), "3.7");
    EXPECT_EQ(print("c"), "3");
    EXPECT_EQ(print("stat"), "SNsl+");
    EXPECT_EQ(print("tname"), "pts/3");
    EXPECT_EQ(print("args"), "[sh]");
    process.state = 'Z';
    EXPECT_EQ(print("comm"), "sh <defunct>");
    EXPECT_EQ(print("args"), "[sh] <defunct>");
}

}  // namespace
}  // namespace gantry::engine

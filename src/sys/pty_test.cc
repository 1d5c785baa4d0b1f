#include "sys/pty.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace gantry::sys {
namespace {

TEST(Pty, ConnectsItsEndsAndKeepsASize) {
    const auto pty = open_pty();
    ASSERT_TRUE(pty) << pty.error().text();
    ASSERT_TRUE(set_window_size(pty->master.get(), {.rows = 33, .columns = 77}));
    EXPECT_EQ(window_size(pty->slave.get())->rows, 33);
    EXPECT_EQ(window_size(pty->slave.get())->columns, 77);
    ASSERT_EQ(::write(pty->slave.get(), "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(::read(pty->master.get(), &byte, 1), 1);
    EXPECT_EQ(byte, 'x');
}

TEST(Pty, RawModeIsGivenBack) {
    const auto pty = open_pty();
    termios before{};
    ASSERT_EQ(::tcgetattr(pty->slave.get(), &before), 0);
    {
        const auto raw = RawMode::enter(pty->slave.get());
        ASSERT_TRUE(raw);
        termios now{};
        ASSERT_EQ(::tcgetattr(pty->slave.get(), &now), 0);
        EXPECT_EQ(now.c_lflag & (ECHO | ICANON), 0U);
    }
    termios after{};
    ASSERT_EQ(::tcgetattr(pty->slave.get(), &after), 0);
    EXPECT_EQ(after.c_lflag, before.c_lflag);
    EXPECT_FALSE(RawMode::enter(-1));
}

}  // namespace
}  // namespace gantry::sys
